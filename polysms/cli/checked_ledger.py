"""What ``polysms check`` says of the ledger: whether it can be used, and whether a worker works."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from polysms.cli.failure import facts_of
from polysms.client import Client
from polysms.config import Config, Route
from polysms.config.keeping import shown
from polysms.errors import ConfigError, LedgerError

#: A worker says that it is there every ten seconds.
_SILENT = timedelta(seconds=60)


@attrs.frozen(kw_only=True)
class CheckedLedger:
    """The ledger as it stands: ``waiting`` messages, and when a worker was ``seen`` last."""

    address: str
    waiting: int | None = None
    seen: datetime | None = None
    warning: str | None = None
    error: LedgerError | ConfigError | None = None

    def facts(self) -> Iterator[tuple[str, object]]:
        """Yield what is said of it in lines."""
        yield "address", self.address
        yield "waiting", self.waiting
        yield "worker", None if self.seen is None else f"seen {self.seen:%Y-%m-%d %H:%M:%S} UTC"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "address": self.address,
            "waiting": self.waiting,
            "worker_seen": None if self.seen is None else self.seen.isoformat(),
            "warning": self.warning,
            "error": None if self.error is None else facts_of(self.error),
        }


def checked_ledger(config: Config, client: Client) -> CheckedLedger | None:
    """Return how the ledger stands, None where the configuration names none."""
    if config.ledger is None:
        return None
    # As it is shown in quotes, without its password.
    address = shown(config.ledger).strip("'\"")
    try:
        client.ledger.check()
        waiting, seen = client.ledger.outbox.waiting(), client.ledger.outbox.last_seen()
    except (LedgerError, ConfigError) as error:
        return CheckedLedger(address=address, error=error)
    silent = seen is None or datetime.now(UTC) - seen > _SILENT
    warning = "messages wait, and no worker is running: start polysms worker"
    return CheckedLedger(
        address=address, waiting=waiting, seen=seen, warning=warning if waiting and silent else None
    )


def of_keeping(route: Route) -> Iterator[tuple[str, object]]:
    """Yield what a route says of its messages in the outbox."""
    yield "hours", route.hours and f"{route.hours}, where the recipient is"
    yield "another account after", ", ".join(route.on_undelivered)
    yield "without a report for", route.no_report_after and f"{route.no_report_after:g} s"
    yield "texts", None if route.store_text else "not kept"
    yield "opt-outs", _of_optouts(route)


def _of_optouts(route: Route) -> str | None:
    known = {"all": None, "none": "none is asked: who said STOP is sent messages all the same"}
    return known.get(route.optouts, f"those of {route.optouts}, and of every list")
