"""A ledger that is in use is brought to the newest tables: nothing is lost, and nobody waits long.

A polysms that was started before goes on writing, in the words that it knows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text

from polysms.delivery import Status
from polysms.ledger import Ledger, schema
from polysms.ledger.store import PATIENCE
from tests.ledger import histories, scenes
from tests.ledger.histories import ROUTE, History

#: Messages that the older polysms writes while the tables change.
WRITTEN = 60
_NAMES = ("id", "tenant", "kind", "recipient", "texts", "status", "created_at")
_VALUES = ", ".join(f":{name}" for name in _NAMES)
_OLD = f"INSERT INTO polysms_messages ({', '.join(_NAMES)}) VALUES ({_VALUES})"  # noqa: S608 - our own


def test_older_ledger_keeps_what_it_holds(empty_url: str) -> None:
    """Messages of before are there as they were, and are reported on; new ones are compared."""
    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()
        attempt = scenes.closed(scenes.opened())
        ledger.ended(scenes.ended("old", scenes.message(), attempt), scenes.message())
        before = ledger.get("old")
    with _connected(empty_url) as connection:
        _back_to_the_first(connection)
        assert "0001" == schema.version(connection)

    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()
        assert before == ledger.get("old")
        ledger.record(scenes.report(attempt, Status.DELIVERED))
        History(ledger, histories.Clock()).send()
        found = ledger.get("old")

        assert found is not None
        assert Status.DELIVERED is found.status
        assert [1] == [cell.counts.assigned for cell in ledger.cells(ROUTE)]
    with _connected(empty_url) as connection:
        assert schema.is_newest(connection)


def test_older_polysms_goes_on_writing(empty_url: str) -> None:
    """Who knows nothing of the new tables writes before, while and after they are made."""
    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()
        ledger.ended(scenes.ended("old", scenes.message(), scenes.opened()), scenes.message())
    with _connected(empty_url) as connection:
        _back_to_the_first(connection)
    halfway, upgraded = threading.Event(), threading.Event()
    writer = threading.Thread(target=_written, args=(empty_url, halfway, upgraded))
    writer.start()
    assert halfway.wait(30)

    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()
        upgraded.set()
        writer.join(60)

        assert {Status.PENDING: WRITTEN + 1} == ledger.stats().statuses


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    waiting = {"timeout": PATIENCE} if url.startswith("sqlite") else {}
    engine = create_engine(url, connect_args=waiting)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _back_to_the_first(connection: Connection) -> None:
    """Make of the newest tables those of the first revision."""
    connection.execute(text("DROP TABLE polysms_assignments"))
    connection.execute(text("ALTER TABLE polysms_messages DROP COLUMN experiment"))
    connection.execute(text("UPDATE polysms_version SET version_num = '0001'"))
    columns = {column["name"] for column in inspect(connection).get_columns("polysms_messages")}
    assert "experiment" not in columns


def _written(url: str, halfway: threading.Event, upgraded: threading.Event) -> None:
    """Write messages one by one, as an older polysms does, until after the upgrade."""
    waiting = {"timeout": PATIENCE} if url.startswith("sqlite") else {}
    engine = create_engine(url, connect_args=waiting)
    for number in range(WRITTEN):
        row: dict[str, Any] = {"id": f"theirs-{number}", "tenant": "", "kind": "sms"}
        row |= {"recipient": scenes.NUMBER, "texts": False, "status": Status.PENDING.value}
        with engine.begin() as connection:
            connection.execute(text(_OLD), {**row, "created_at": str(scenes.NOW)[:19]})
        if number == WRITTEN // 3:
            halfway.set()
        if number == WRITTEN - 2:
            upgraded.wait(30)
    engine.dispose()
