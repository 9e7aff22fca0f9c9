"""Reading one table of a configuration into an attrs class, strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NewType, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

import attrs
import cattrs

from polysms.errors import ConfigError

T = TypeVar("T")

#: Where a configuration was read that says no better.
PLACE = "the configuration"
#: Seconds, written as a number or as "60s", "2m", "4h", "7d", "250ms".
Seconds = NewType("Seconds", float)
#: One text or a list of them.
Texts = tuple[str, ...]

#: A year: beyond it nothing waits, and sockets take no such number.
LONGEST = 366 * 86400
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_DECIMAL = re.compile(r"\d+(\.\d+)?")
_UNITS = {"ms": 0.001, None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STRANGE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\?#]")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@attrs.frozen
class Source:
    """Where a configuration was read, for error messages, and the environment beside it.

    ``folder`` is where its relative paths begin, None for the working directory.
    """

    where: str = PLACE
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False)
    folder: str | None = attrs.field(default=None, kw_only=True, repr=False)


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
            name: expand(item, source, _below(key, name, source.where), missing)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [expand(item, source, key, missing) for item in value]
    return value


def _below(key: str, name: object, where: str) -> str:
    path = f"{key}.{name}" if key else str(name)
    if not isinstance(name, str):
        raise fault(path, f"its name is a {type(name).__name__}; write a text", where)
    return path


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
        if name not in fields:
            raise fault(key, str(error), where) from None
        raise fault(f"{key}.{name}", sentence, where) from None


def known(table: Mapping[str, Any], names: Iterable[str], key: str, where: str) -> None:
    """Raise for the first key that is not one of ``names``, suggesting the nearest."""
    names = list(names)
    for name in table:
        if name not in names:
            path = f"{key}.{name}" if key else name
            raise fault(path, f"no such key; {nearest(name, names)}", where)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint for a name that is none of ``names``: the nearest, else all of them."""
    names = list(names)
    close = get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"?' if close else f"known are {', '.join(names)}"


def value_of(value: object, kind: Any, key: str, where: str) -> Any:
    """Return one value as the type its field wants."""
    if get_origin(kind) is Mapping and not isinstance(value, Mapping):
        raise fault(key, f"is a {type(value).__name__}; write a table", where)
    try:
        return _converter.structure(value, kind)
    except (ValueError, TypeError, AttributeError, cattrs.BaseValidationError) as error:
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
        if field.metadata.get("secret"):
            _require_secret(values.get(field.name), f"{key}.{field.name}", where)
        if field.default is attrs.NOTHING and values.get(field.name) == "":
            raise fault(f"{key}.{field.name}", "is empty", where)


def _require_secret(value: object, key: str, where: str) -> None:
    several = value if isinstance(value, tuple) else (value,)
    for one in several:
        if isinstance(one, str) and not one.strip():
            raise fault(key, "is empty; an empty secret protects nothing", where)
        if isinstance(one, str) and not one.isprintable():
            raise fault(key, "has a line end or another control character; take it out", where)


def _text(value: object, _: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is a {type(value).__name__}; write a text in quotes")  # noqa: TRY004 - a bad value
    return value


def _texts(value: object, _: Any) -> Texts:
    items = (value,) if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise ValueError("write one text, or a list of texts")
    if not items or not all(item.strip() for item in items):
        raise ValueError("is empty; leave the key out, or write a text")
    return tuple(item.strip() for item in items)


def _whole(value: object, _: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError("write a whole number")  # noqa: TRY004 - a bad value
    return number


def _switch(value: object, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False}
    if not isinstance(value, str) or value.lower() not in words:
        raise ValueError("write true or false")
    return words[value.lower()]


def _seconds(value: object, _: Any) -> Seconds:
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        value = float(match[1]) * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError('write seconds, as 60, "60s" or "2m"')  # noqa: TRY004 - a bad value
    if not 0 < value <= LONGEST:
        raise ValueError("must be more than zero, and no more than a year")
    return Seconds(float(value))


def web_url(value: str, *, loopback_only: bool = False) -> str:
    """Return a base URL without its last slash; plain http is for loopback alone."""
    try:
        parts = urlsplit(value)
        port_is_sane = parts.port != 0
    except ValueError:
        port_is_sane = False
    if not port_is_sane or parts.scheme not in {"http", "https"} or not parts.hostname:
        example = "http://127.0.0.1:8026" if loopback_only else "https://example.com"
        raise ValueError(f"is not a URL; write one as {example}")
    if parts.username is not None or _STRANGE.search(value):
        raise ValueError("must have no user name, query, fragment or blank")
    local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if loopback_only and not local:
        raise ValueError("must be a loopback address, as http://127.0.0.1:8026")
    if parts.scheme == "http" and not local:
        raise ValueError("is plain http; only https keeps the credentials and texts secret")
    return value.rstrip("/")


def _is_list_of_tables(kind: Any) -> bool:
    # Each table is read by itself, so that a mistake names its own key.
    items = get_args(kind)
    return get_origin(kind) is tuple and attrs.has(items[0])


def _is_written_in_one(kind: Any) -> bool:
    return hasattr(kind, "from_text")


def _written_in_one(value: object, kind: Any) -> Any:
    return value if isinstance(value, kind) else kind.from_text(value)


def _number(value: object, _: Any) -> float:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("write a number")  # noqa: TRY004 - a bad value
    return float(value)


def _listed(value: object, _: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError("write a list")  # noqa: TRY004 - a bad value
    return tuple(value)


_converter = cattrs.Converter()
_converter.register_structure_hook(str, _text)
_converter.register_structure_hook(int, _whole)
_converter.register_structure_hook(bool, _switch)
_converter.register_structure_hook(float, _number)
_converter.register_structure_hook_func(_is_list_of_tables, _listed)
_converter.register_structure_hook_func(_is_written_in_one, _written_in_one)
_converter.register_structure_hook(Seconds, _seconds)
_converter.register_structure_hook_func(lambda kind: kind == Texts, _texts)
