"""What outlives the process: the ledger's address, the outbox, the sweep, a route's hours.

An address is checked by its parts, and no error ever shows it: it may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import attrs

from polysms.config.keywords import keywords_of
from polysms.config.reading import Seconds, Source, fault, read, value_of
from polysms.config.webhooks import public_url_of
from polysms.message import LONGEST_VALIDITY

SQLITE = "sqlite:///"
SERVERS = ("postgresql", "postgresql+psycopg")
STORES = ("redis", "rediss", "valkey", "valkeys")
WEEK = Seconds(7 * 86400.0)

#: Where a configuration that is made in code says it is.
_CODE = Source()
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\s*-\s*(24:00|([01][0-9]|2[0-3]):[0-5][0-9])")
_NO_STORE = (
    "is no address of Redis or Valkey; write redis://localhost:6379/0, valkey://, "
    "rediss:// or valkeys:// for TLS, or unix:///path/of/the.sock"
)
_ENCODE = "percent-encode what is special in its password: @ is %40, / is %2F, ? is %3F, # is %23"


def _minutes(value: str) -> timedelta:
    hours, _, minutes = value.partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


@attrs.frozen(kw_only=True)
class Hours:
    """The hours of a day, by the clock on the wall: from ``start`` on, before ``end``.

    Both are counted from midnight; an end before the start is on the next day.
    """

    start: timedelta
    end: timedelta

    def __attrs_post_init__(self) -> None:
        """Refuse hours that are none, or all: which of them would be a guess."""
        if self.start == self.end:
            raise ValueError("begins and ends at the same time; leave it out to send at all hours")

    @classmethod
    def from_text(cls, text: object) -> Self:
        """Return the hours of a text as ``"09:00-20:00"``; raise ValueError that says how."""
        match = _HOURS.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError('write the hours of a day, as "09:00-20:00"')
        return cls(start=_minutes(f"{match[1]}:{match[2]}"), end=_minutes(match[3]))

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"

    def include(self, time: timedelta) -> bool:
        """Whether a time of the day, counted from midnight, is among them."""
        if self.start < self.end:
            return self.start <= time < self.end
        return time >= self.start or time < self.end


def _clock(time: timedelta) -> str:
    hours, minutes = divmod(int(time.total_seconds()) // 60, 60)
    return f"{hours:02}:{minutes:02}"


@attrs.frozen(kw_only=True)
class Outbox:
    """How messages wait: ``valid_for`` (seconds) is for those that do not say it themselves."""

    valid_for: Seconds = Seconds(4 * 3600.0)

    def __attrs_post_init__(self) -> None:
        """Refuse what no message may say of itself."""
        if not 1 <= self.valid_for <= LONGEST_VALIDITY:
            raise ValueError("valid_for: write 1 second to 28 days")


@attrs.frozen(kw_only=True)
class Sweep:
    """When the worker looks for what became of messages that nothing was heard of.

    ``first`` (seconds) after sending, then in growing steps of ``most`` at most, until the validity
    of the message and ``past_validity`` are over. ``resolve_for`` is how long proof is looked for
    that an unclear attempt was accepted.
    """

    first: Seconds = Seconds(120.0)
    most: Seconds = Seconds(3600.0)
    past_validity: Seconds = Seconds(86400.0)
    resolve_for: Seconds = Seconds(900.0)

    def __attrs_post_init__(self) -> None:
        """Refuse steps that would have to shrink."""
        if self.first > self.most:
            raise ValueError("first: must be no more than most")


def ledger_of(value: Any, source: Source = _CODE) -> str | None:
    """Return a ledger's address; a SQLite file is looked for beside the configuration's file."""
    if value is None:
        return None
    address = value_of(value, str, "ledger", source.where).strip()
    try:
        if address.startswith(("sqlite:", "sqlite+")):
            return _file(address, source.folder)
        return _server(address)
    except ValueError as error:
        raise fault("ledger", str(error), source.where) from None


def _file(address: str, folder: str | None) -> str:
    path, mark, query = address.removeprefix(SQLITE).partition("?")
    if not address.startswith(SQLITE) or not path.strip("/"):
        raise ValueError(f"write a SQLite file as {SQLITE}polysms.db")
    if ":memory:" in path:
        raise ValueError(
            f"must be a file, and not the memory: it is to survive the process; "
            f"write {SQLITE}polysms.db"
        )
    if not address.isprintable():
        raise ValueError("has a line end or another control character; take it out")
    if folder is None:
        return address
    if "?" in folder:
        # What follows it would be read as settings, and the file be another one.
        raise ValueError("cannot be in a folder with ? in its name; write the path of another")
    return f"{SQLITE}{(PurePath(folder) / path).as_posix()}{mark}{query}"


def _server(address: str) -> str:
    parts = _parts(address)
    if parts is None or parts.scheme not in SERVERS:
        raise ValueError(
            f"is no address of a ledger; write {SQLITE}polysms.db, or "
            "postgresql://user:password@host/database"
        )
    if not parts.path.strip("/"):
        raise ValueError("names no database; write postgresql://user:password@host/database")
    return address


def shared_of(value: Any, source: Source = _CODE) -> str | None:
    """Return the address of what several processes share their rates and health through."""
    if value is None:
        return None
    address = value_of(value, str, "shared", source.where).strip()
    try:
        return _store(address)
    except ValueError as error:
        raise fault("shared", str(error), source.where) from None


def _store(address: str) -> str:
    parts = _parts(address)
    if parts is None:
        raise ValueError(_NO_STORE)
    if parts.scheme == "unix" and parts.path.strip("/") and not parts.hostname:
        return address
    if parts.scheme not in STORES or not parts.hostname:
        raise ValueError(_NO_STORE)
    if not re.fullmatch(r"/?[0-9]*", parts.path):
        raise ValueError("must name its database by a number, as redis://localhost:6379/0")
    return address


def _parts(address: str) -> SplitResult | None:
    """Return the parts of an address, None for a text that is none; raise ValueError for a slip."""
    scheme, colon, _ = address.partition("://")
    if not colon or not re.fullmatch(r"[a-z+]+", scheme):
        return None
    if not address.isprintable() or " " in address:
        raise ValueError("has a blank or a control character; take it out")
    try:
        parts = urlsplit(address)
        whole = parts.port != 0
    except ValueError:
        whole = False
    # A password that is not encoded ends early, and the rest of it would be shown as a path.
    if not whole or parts.fragment or "@" in parts.path + parts.query:
        raise ValueError(f"cannot be read; {_ENCODE}")
    return parts


def shown(address: str | None) -> str:
    """Return an address as ``repr`` shows it: no user, no password, no settings."""
    if address is None:
        return "None"
    scheme, _, rest = address.partition("?")[0].partition("://")
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    return repr(f"{scheme}://{'***' if at else user}{at}{host}{slash}{path}")


def keep_text_of(value: Any, source: Source = _CODE) -> Seconds:
    """Return how long texts are kept, in seconds."""
    seconds: Seconds = value_of(value, Seconds, "keep_text", source.where)
    return seconds


def processes_of(value: Any, source: Source = _CODE) -> int:
    """Return how many processes there are at most."""
    number: int = value_of(value, int, "processes", source.where)
    if number < 1:
        raise fault("processes", "must be at least 1", source.where)
    return number


def outbox_of(value: Any, source: Source = _CODE) -> Outbox:
    """Return the settings of the outbox."""
    return value if isinstance(value, Outbox) else read(Outbox, value, "outbox", source.where)


def sweep_of(value: Any, source: Source = _CODE) -> Sweep:
    """Return the settings of the sweep."""
    return value if isinstance(value, Sweep) else read(Sweep, value, "sweep", source.where)


#: How each of the keys at the top that outlive the process is read.
READERS: Mapping[str, Callable[[Any, Source], Any]] = {
    "ledger": ledger_of,
    "keep_text": keep_text_of,
    "shared": shared_of,
    "processes": processes_of,
    "outbox": outbox_of,
    "sweep": sweep_of,
    "public_url": public_url_of,
    "keywords": keywords_of,
}


def kept(tables: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return what tables say of keeping, read."""
    return {name: of(tables[name], source) for name, of in READERS.items() if name in tables}
