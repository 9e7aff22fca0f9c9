"""Reading one table of a configuration into an attrs class, strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NewType, TypeVar
from urllib.parse import urlsplit

import attrs
import cattrs

from polysms.errors import ConfigError, PolysmsError

T = TypeVar("T")

#: Seconds, written as a number or as "60s", "2m", "4h", "7d", "250ms".
Seconds = NewType("Seconds", float)
#: One text or a list of them.
Texts = tuple[str, ...]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@attrs.frozen
class Source:
    """Where a configuration was read, for error messages, and the environment beside it."""

    where: str = "the configuration"
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False)


def fault(key: str, sentence: str, where: str) -> ConfigError:
    """Return the error for one key of a configuration."""
    return ConfigError(f"{key}: {sentence} (in {where})", key=key)


def expand(value: Any, source: Source, key: str, missing: list[ConfigError]) -> Any:
    """Return a value with ``${VAR}`` and ``${VAR:-default}`` replaced in every string.

    Each unset variable without a default adds an error to ``missing``.
    """
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match, source, key, missing), value)
    if isinstance(value, Mapping):
        return {
            name: expand(item, source, f"{key}.{name}" if key else str(name), missing)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [expand(item, source, key, missing) for item in value]
    return value


def _variable(match: re.Match[str], source: Source, key: str, missing: list[ConfigError]) -> str:
    name, default = match.groups()
    if name in source.environment:
        return source.environment[name]
    if default is None:
        sentence = f"the environment variable {name} is not set; set it, or write ${{{name}:-...}}"
        missing.append(fault(key, sentence, source.where))
        return ""
    return str(default)


def read(kind: type[T], table: object, key: str, where: str) -> T:
    """Return a table as an instance of ``kind``; its keys are the class's fields and no others."""
    if not isinstance(table, Mapping):
        raise fault(key, f"is a {type(table).__name__}; write a table", where)
    attrs_class: Any = attrs.resolve_types(kind)  # type: ignore[type-var]
    fields = {field.name: field for field in attrs.fields(attrs_class)}
    known(table, fields, key, where)
    values = {
        name: value_of(table[name], fields[name].type, f"{key}.{name}", where) for name in table
    }
    _require(fields.values(), values, key, where)
    try:
        return kind(**values)
    except ValueError as error:
        name, _, sentence = str(error).partition(": ")
        raise fault(f"{key}.{name}", sentence or str(error), where) from None


def known(table: Mapping[Any, Any], names: Iterable[str], key: str, where: str) -> None:
    """Raise for the first key that is not one of ``names``, suggesting the nearest."""
    names = list(names)
    for name in table:
        if name not in names:
            close = get_close_matches(str(name), names, n=1, cutoff=0.5)
            hint = f'did you mean "{close[0]}"?' if close else f"known are {', '.join(names)}"
            path = f"{key}.{name}" if key else str(name)
            raise fault(path, f"no such key; {hint}", where)


def value_of(value: object, kind: Any, key: str, where: str) -> Any:
    """Return one value as the type its field wants."""
    try:
        return _converter.structure(value, kind)
    except PolysmsError:
        raise
    except (ValueError, TypeError, cattrs.BaseValidationError) as error:
        raise fault(key, _sentence(error), where) from None


def _sentence(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def _require(
    fields: Iterable[attrs.Attribute[Any]], values: Mapping[str, Any], key: str, where: str
) -> None:
    for field in fields:
        if field.default is attrs.NOTHING and field.init and field.name not in values:
            raise fault(f"{key}.{field.name}", "is missing", where)
        if field.metadata.get("secret") and values.get(field.name) == "":
            raise fault(f"{key}.{field.name}", "is empty; an empty secret protects nothing", where)


def _text(value: object, _: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is a {type(value).__name__}; write a text in quotes")  # noqa: TRY004 - a bad value
    return value


def _texts(value: object, _: Any) -> Texts:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError("write one text, or a list of texts")
    return tuple(value)


def _whole(value: object, _: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError("write a whole number")  # noqa: TRY004 - a bad value
    return number


def _switch(value: object, _: Any) -> bool:
    words = {"true": True, "false": False, True: True, False: False}
    found = words.get(value.lower() if isinstance(value, str) else value)
    if found is None:
        raise ValueError("write true or false")
    return bool(found)


def _seconds(value: object, _: Any) -> Seconds:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError('write seconds, as 60 or "60s" (ms, s, m, h and d are known)')
        seconds = float(match[1]) * _UNITS[match[2]]
    if not 0 < seconds < float("inf"):
        raise ValueError("must be more than zero")
    return Seconds(seconds)


def web_url(value: str, *, loopback_only: bool = False) -> str:
    """Return a base URL without its last slash; plain http is for loopback alone."""
    try:
        parts = urlsplit(value)
        local = parts.hostname in {"127.0.0.1", "localhost", "::1"} and (parts.port or 1) > 0
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a URL; write one as https://example.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must have no user name, query or fragment")
    if loopback_only and not local:
        raise ValueError("must be a loopback address, as http://127.0.0.1:8026")
    if parts.scheme == "http" and not local:
        raise ValueError("is plain http; only https keeps the credentials and texts secret")
    return value.rstrip("/")


_converter = cattrs.Converter()
_converter.register_structure_hook(str, _text)
_converter.register_structure_hook(int, _whole)
_converter.register_structure_hook(bool, _switch)
_converter.register_structure_hook(Seconds, _seconds)
_converter.register_structure_hook_func(lambda kind: kind == Texts, _texts)
