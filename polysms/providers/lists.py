"""What lists have in common: filters in the provider's own words, and links to the next page.

A provider's filters are a table of readers. Its links get our credentials, so only our own origin
is followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from polysms.errors import ConfigError
from polysms.providers.base import Record

#: By the word: what reads its value, and raises ValueError with a sentence for a wrong one.
Filters = Mapping[str, Callable[[str], str]]

LAST_PAGE = 999_999_999
#: More on each side of a span of days: whether bounds belong to it is seldom documented.
DAY = timedelta(days=1)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_PORTS = {"https": 443, "http": 80}


def spelled(wanted: Mapping[str, str], known: Filters) -> dict[str, str]:
    """Return filters as a provider takes them. Raises ConfigError for an unknown or wrong one."""
    found = {}
    for name, value in wanted.items():
        if name not in known:
            raise wrong(f"there is no {name!r}; known are {', '.join(known)}")
        try:
            found[name] = known[name](value)
        except ValueError as error:
            raise wrong(f"{name}: {error}") from None
    return found


def wrong(sentence: str) -> ConfigError:
    """Return the error of a list that cannot be asked for."""
    return ConfigError(f"filters: {sentence}", key="filters")


def text(value: str) -> str:
    """Return some text."""
    if not isinstance(value, str) or not value:
        raise ValueError("write a text")
    return value


def day(value: str) -> str:
    """Return a day."""
    if not _DAY.fullmatch(text(value)):
        raise ValueError("write a day, as 2026-04-14")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None
    return value


def one_of(*words: str) -> Callable[[str], str]:
    """Return what reads one of these words."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"write one of {', '.join(words)}")
        return value

    return read


def whole(least: int, most: int) -> Callable[[str], str]:
    """Return what reads a whole number between two."""

    def read(value: str) -> str:
        if isinstance(value, str) and _WHOLE.fullmatch(value) and least <= int(value) <= most:
            return value
        raise ValueError(f"write a whole number from {least} to {most}")

    return read


def page_size(wanted: int, most: int) -> str:
    """Return how many items a page is to have, as far as the provider lets it."""
    return str(min(max(wanted, 1), most))


def day_of(moment: datetime | None, later: timedelta) -> str | None:
    """Return the day in UTC of a moment so much later, None where there is none."""
    if moment is None:
        return None
    try:
        return f"{moment.astimezone(UTC) + later:%Y-%m-%d}"
    except OverflowError:
        return None


def is_past(records: tuple[Record, ...], since: datetime | None) -> bool:
    """Whether a page is in order, newest first, and has come to what is older than asked for."""
    times = [record.created_at for record in records if record.created_at is not None]
    if since is None or not times or len(times) < len(records):
        return False
    in_order = all(later >= earlier for later, earlier in pairwise(times))
    return in_order and times[-1] < since - DAY


def followed(link: object, here: str) -> str | None:
    """Return the whole address of the next page, None at the end.

    A link may be whole or relative to ``here``, the page it stands on. One that leads to another
    origin, back to the same page or nowhere is the end.
    """
    if not isinstance(link, str) or not link or not (link.isascii() and link.isprintable()):
        return None
    try:
        ours, theirs = urlsplit(here), urlsplit(urljoin(here, link))
        if _origin(ours) != _origin(theirs):
            return None
    except ValueError:  # "//[": the beginning of an address that never ends
        return None
    # Spelled as our own address is: another spelling might be read otherwise by others.
    target = urlunsplit(theirs._replace(scheme=ours.scheme, netloc=ours.netloc, fragment=""))
    return target if target != here else None


def _origin(parts: SplitResult) -> tuple[str, str, str | None, int | None]:
    user = parts.netloc.rpartition("@")[0]
    return parts.scheme, user, parts.hostname, parts.port or _PORTS.get(parts.scheme)
