"""A file that is sent again: with a ledger, each row goes once, by its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from polysms.cli.options import WHERE
from polysms.cli.rows import Row
from polysms.cli.wishes import Wishes
from polysms.client import Client
from polysms.client.plans import ADD_LEDGER
from polysms.config import Config
from polysms.config.reading import fault
from polysms.delivery import Status
from polysms.errors import LookupFailed, NotFound


def require_memory(wishes: Wishes, config: Config) -> None:
    """Raise ConfigError where rows are to be sent again and nothing tells which."""
    if not wishes.resend_maybe_sent:
        return
    if wishes.key_column is None:
        sentence = "needs --key-column, by which a row of an earlier run is known"
        raise fault("--resend-maybe-sent", sentence, WHERE)
    if config.ledger is None:
        sentence = f"needs a ledger, which knows of earlier runs; {ADD_LEDGER}"
        raise fault("--resend-maybe-sent", sentence, WHERE)


def keys(wishes: Wishes, client: Client) -> Callable[[Row], str | None]:
    """Return what gives each row its key: the file's name and the row's own.

    The same file has the same keys however often it is sent. None without a ledger or a column.
    """
    if client.config.ledger is None or wishes.key_column is None:
        return lambda _: None
    name = "stdin" if wishes.csv in {None, "-"} else Path(str(wishes.csv)).name

    def key_of(row: Row) -> str:
        candidates = _candidates(f"{name}:{row.key}")
        if not wishes.resend_maybe_sent:
            return next(candidates)
        return next(key for key in candidates if not _may_be_sent(client, key))

    return key_of


def _candidates(key: str) -> Iterator[str]:
    """Yield the key of a row, and of each further copy that somebody asked for."""
    yield key
    for number in range(2, 1000):
        yield f"{key}#{number}"


def _may_be_sent(client: Client, key: str) -> bool:
    """Whether nobody can tell if the message of a key was sent: it is looked for first."""
    try:
        delivery = client.get(key)
    except NotFound:
        return False
    if delivery.status is Status.MAYBE_SENT:
        with suppress(LookupFailed):
            delivery = client.resolve(key)
    return delivery.status is Status.MAYBE_SENT
