"""The options that commands share, and how what people write in them is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_origin

import attrs
import typer

from polysms.client.files import config_from
from polysms.config import Config
from polysms.config.reading import Seconds, fault, value_of
from polysms.errors import ConfigError, InvalidMessage
from polysms.numbers import e164, is_short
from polysms.providers import load
from polysms.providers.base import Provider

WHERE = "the command line"

Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, errors included.")]
Reveal = Annotated[
    bool, typer.Option("--reveal", help="Show phone numbers whole; else they are masked.")
]
File = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="The configuration; else ./polysms.toml."),
]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help='Accounts in one line, as "wavix://KEY@?sender=…".'),
]

Region = Annotated[
    str | None,
    typer.Option(metavar="US", help="The country in whose national form numbers are written."),
]


def configured(file: str | None, url: str | None) -> Config:
    """Return the configuration the command line names, else the one the environment names.

    Raises :class:`~polysms.errors.ConfigError`, which never shows a URL: it holds credentials.
    """
    if file is not None and url is not None:
        raise ConfigError("--config and --url are both given; give one")
    if url is not None and "://" not in url:
        raise ConfigError("--url: is no URL; it begins with a provider's name and ://")
    if file is not None and "://" in file:
        raise ConfigError("--config: is a URL, not a file; give it as --url")
    return config_from(url if file is None else Path(file))


def seconds(name: str, value: str | None) -> float | None:
    """Return a duration written as ``30``, ``30s``, ``2m``, ``4h`` or ``7d``, in seconds."""
    return None if value is None else float(value_of(value, Seconds, name, WHERE))


def moment(name: str, value: str | None, now: datetime) -> datetime | None:
    """Return a time written as ``2026-11-21``, ``2026-11-21T07:30Z`` or, for 2 h ago, ``2h``.

    A time without a zone is UTC.
    """
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return _ago(name, value, now)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _ago(name: str, value: str, now: datetime) -> datetime:
    try:
        return now - timedelta(seconds=value_of(value, Seconds, name, WHERE))
    except (ConfigError, OverflowError):
        sentence = "write how long ago, as 30m, 2h or 7d, or an ISO date with or without a time"
        raise fault(name, sentence, WHERE) from None


def recipient(written: str, region: str | None) -> str:
    """Return a recipient as people of a region write it in E.164; short numbers stay."""
    return written if region is None or is_short(written) else e164(written, region)


def require_region(region: str | None) -> None:
    """Raise ConfigError for a region that is none."""
    try:
        e164("+13135550100", region)
    except InvalidMessage:
        sentence = f"{region!r} is not a two-letter country, as US"
        raise fault("--region", sentence, WHERE) from None


def message_options(given: Sequence[str], config: Config) -> dict[str, Any]:
    """Return the message's ``options`` that ``PROVIDER.KEY=VALUE`` describes, typed.

    A key given again adds to a list; ``PROVIDER.KEY.NAME=VALUE`` fills a mapping. Raises
    :class:`~polysms.errors.ConfigError` for an unknown provider or key, or a value that is no such.
    """
    tables: dict[str, dict[str, Any]] = {}
    for item in given:
        path, equals, value = item.partition("=")
        provider, dot, key = path.partition(".")
        if not equals or not dot or not key:
            raise fault("--option", "write it as PROVIDER.KEY=VALUE", WHERE)
        _add(tables.setdefault(provider, {}), key, value, _kinds(provider, config))
    return {name: _typed(name, table, config) for name, table in tables.items()}


def _adapter(provider: str, config: Config) -> type[Provider]:
    accounts = config.accounts.values()
    own = (type(one.provider) for one in accounts if one.provider_name == provider and one.provider)
    return next(own, None) or load(provider, "--option")


def _kinds(provider: str, config: Config) -> dict[str, Any]:
    options: Any = attrs.resolve_types(_adapter(provider, config).Options)
    return {field.name: field.type for field in attrs.fields(options)}


def _add(table: dict[str, Any], key: str, value: str, kinds: Mapping[str, Any]) -> None:
    name, _, inner = key.partition(".")
    if get_origin(kinds.get(name)) is Mapping:
        if not inner:
            raise fault(f"--option {key}", "write it as PROVIDER.KEY.NAME=VALUE", WHERE)
        table.setdefault(name, {})[inner] = value
    elif kinds.get(key) == tuple[str, ...]:
        table.setdefault(key, []).append(value)
    else:
        table[key] = value


def _typed(provider: str, table: dict[str, Any], config: Config) -> dict[str, Any]:
    kinds = _kinds(provider, config)
    for name in table:
        if name not in kinds:
            raise fault(f"--option {provider}.{name}", f"no such key; {_known(kinds)}", WHERE)
    return {
        name: value_of(value, kinds[name], f"--option {provider}.{name}", WHERE)
        for name, value in table.items()
    }


def _known(names: Iterable[str]) -> str:
    return f"known are {', '.join(names)}" if names else "it has none"
