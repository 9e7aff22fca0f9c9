"""The tasks carry ids, the rows the truth: no order, number or loss of tasks changes what is sent.

What a worker's processes do is tried here in the test's own process, with the real broker; the
campaign in ``tests/campaigns/broker.py`` does it with real workers that are killed.
"""

from __future__ import annotations

import base64
import json
import random
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery

from polysms import ConfigError, Message, Status
from polysms.celery import Outbox, attach
from polysms.celery.attaching import complaints
from polysms.celery.broker import queue_of, waiting_in
from tests.campaigns import phone
from tests.valkey import Server

pytestmark = pytest.mark.one_python

TO = "+13135550142"
#: The sandbox takes the message, and closes the connection without an answer.
UNANSWERED = "+13135550113"
TEXT = "the code is a-canary-of-a-text"


def queued(server: Server, queue: str = "celery") -> list[dict[str, Any]]:
    """Return the tasks that wait for a worker."""
    with server.client() as client:
        found = client.lrange(queue, 0, -1)
    return [json.loads(one) for one in found]


def ids(server: Server, queue: str = "celery") -> list[str]:
    """Return the ids in the tasks that wait, the one that was published first at first."""
    tasks = reversed(queued(server, queue))
    bodies = [json.loads(base64.b64decode(task["body"])) for task in tasks]
    return [id_ for (id_,), _, _ in bodies]


def copies(playing: Any) -> int:
    """Return how many texts the phones have got."""
    return len(phone.copies(playing.url))


def test_task_is_as_it_must_be(app: Celery, outbox: Outbox) -> None:
    """A task is acknowledged late, rejected if its worker dies, in JSON, and never retried."""
    task: Any = app.tasks["polysms.send"]

    assert task.acks_late
    assert task.reject_on_worker_lost
    assert task.ignore_result
    assert "json" == task.serializer
    assert 0 == task.max_retries
    assert not hasattr(task, "autoretry_for")


def test_beat_sweeps(app: Celery, config: dict[str, Any]) -> None:
    """Beat is given the sweep by itself, in a queue of its own, whatever else it is given."""
    attach(app, config, sweep=7.0)
    app.conf.beat_schedule = {"mine": {"task": "mine", "schedule": 1.0}}
    app.finalize()

    schedule = app.conf.beat_schedule
    sweep = schedule["polysms.sweep"]

    assert {"mine", "polysms.sweep", "polysms.tidy"} == set(schedule)
    assert (7.0, 7.0) == (sweep["schedule"], sweep["options"]["expires"])
    assert "polysms.sweep" == sweep["options"]["queue"]


def test_argument_is_the_id_alone(server: Server, outbox: Outbox) -> None:
    """Nothing else of a message is in the broker: no text, no number."""
    delivery = outbox.enqueue(Message(TO, TEXT, tag="a-canary-of-a-tag"))

    (task,) = queued(server)
    held = base64.b64decode(task["body"]).decode() + json.dumps(task["headers"])
    body = json.loads(base64.b64decode(task["body"]))

    assert [delivery.id] == body[0]
    assert {} == body[1]
    assert "application/json" == task["content-type"]
    assert None is task["headers"]["eta"]
    assert "canary" not in held
    assert TO not in held


@pytest.mark.parametrize("seed", range(3))
def test_each_is_sent_once(playing: Any, app: Celery, outbox: Outbox, seed: int) -> None:
    """Tasks that come up to five times, in any order, send each message once."""
    before = copies(playing)
    deliveries = [outbox.enqueue(Message(TO, TEXT)) for _ in range(10)]
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    tasks = [str(one.id) for one in deliveries for _ in range(chance.randint(1, 5))]
    chance.shuffle(tasks)

    for id_ in tasks:
        app.tasks["polysms.send"](id_)

    assert {Status.QUEUED} == {outbox.client.get(str(one.id)).status for one in deliveries}
    assert 10 == copies(playing) - before


def nobody(outbox: Outbox) -> str:
    """Return the id of a message that never was."""
    return "01a1fe4a-0000-7000-8000-000000000000"


def cancelled(outbox: Outbox) -> str:
    """Return the id of a message that was cancelled."""
    return str(outbox.client.cancel(str(outbox.enqueue(Message(TO, TEXT)).id)).id)


def later(outbox: Outbox) -> str:
    """Return the id of a message whose time has not come."""
    return str(outbox.enqueue(Message(TO, TEXT), at=datetime.now(UTC) + timedelta(hours=1)).id)


def anothers(outbox: Outbox) -> str:
    """Return the id of a message that another worker is at."""
    id_ = str(outbox.enqueue(Message(TO, TEXT)).id)
    until = datetime.now(UTC) + timedelta(minutes=2)
    assert outbox.client.ledger.outbox.claim_one(id_, "another", until=until) is not None
    return id_


@pytest.mark.parametrize("make", [nobody, cancelled, later, anothers])
def test_task_that_is_not_to_do_anything(
    playing: Any, outbox: Outbox, make: Callable[[Outbox], str]
) -> None:
    """Nothing is sent, and nothing raised, where the row does not say that it is to be sent."""
    before = copies(playing)

    outbox.send(make(outbox))

    assert before == copies(playing)


def test_later_is_not_told(server: Server, outbox: Outbox) -> None:
    """The row is the schedule: no task waits in the broker for a time."""
    later(outbox)

    assert [] == queued(server)


def test_sweep_tells_what_is_due(server: Server, outbox: Outbox) -> None:
    """A message whose task was lost is told again; nothing that has been sent is."""
    lost = [str(outbox.enqueue(Message(TO, TEXT)).id) for _ in range(3)]
    outbox.send(lost[0])
    with server.client() as client:
        client.flushall()

    outbox.sweep()

    assert lost[1:] == ids(server, "polysms.due")


def test_sweep_does_not_fill_the_broker(
    server: Server, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells of so many at most, and of no more until those are done."""
    monkeypatch.setattr("polysms.celery.outbox.MOST", 2)
    waiting = [str(outbox.enqueue(Message(TO, TEXT)).id) for _ in range(3)]

    outbox.sweep()
    outbox.sweep()
    assert waiting[:2] == ids(server, "polysms.due")
    with server.client() as client:
        client.flushall()
    outbox.send(waiting[0])
    outbox.sweep()

    assert waiting[1:] == ids(server, "polysms.due")


def test_sweep_shows_that_somebody_works(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    """Who enqueues is not warned that no worker runs while the sweep does."""
    outbox.sweep()
    outbox.enqueue(Message(TO, TEXT))

    assert [] == caplog.records


def test_sweep_takes_back(playing: Any, outbox: Outbox) -> None:
    """What a dead worker had, and had not begun, waits again."""
    outbox.client.ledger.outbox.seen("dead")
    id_ = str(outbox.enqueue(Message(TO, TEXT)).id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert outbox.client.ledger.outbox.claim_one(id_, "dead", until=past) is not None
    before = copies(playing)

    outbox.send(id_)
    assert before == copies(playing)
    outbox.sweep()
    outbox.send(id_)

    assert 1 == copies(playing) - before


def test_sweep_looks(outbox: Outbox) -> None:
    """What may have been sent is looked for, and found: it is not sent again."""
    id_ = str(outbox.enqueue(Message(UNANSWERED, TEXT)).id)
    outbox.send(id_)
    assert Status.MAYBE_SENT is outbox.client.get(id_).status
    outbox.client.ledger.outbox.look_later(id_, datetime.now(UTC))

    outbox.sweep()

    found = outbox.client.get(id_)
    assert Status.MAYBE_SENT is not found.status
    assert 1 == len(found.attempts)
    assert found.provider_id


def test_tidying_forgets_texts(app: Celery, config: dict[str, Any]) -> None:
    """Texts are kept as long as the configuration says."""
    outbox = attach(app, {**config, "keep_text": "1s"})
    id_ = str(outbox.enqueue(Message(TO, TEXT)).id)
    outbox.client.cancel(id_)
    outbox.tidy()
    assert outbox.client.get(id_).text == TEXT

    world = datetime.now(UTC) + timedelta(seconds=2)
    outbox.client.duties.now = lambda: world  # type: ignore[method-assign]
    outbox.tidy()

    assert None is outbox.client.get(id_).text
    outbox.close()


def test_broker_out_of_reach(config: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """A message is safe once it is in the ledger: that nobody can be told of it raises nothing."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    app = Celery("shop", broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
    app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}
    outbox = attach(app, config)

    deliveries = [outbox.enqueue(Message(TO, TEXT)) for _ in range(3)]

    assert [str(one.id) for one in deliveries] == outbox.client.ledger.outbox.due(limit=10)
    # It is not tried again at once: each try may take seconds that somebody waits.
    assert 1 == sum("broker" in record.getMessage() for record in caplog.records)
    outbox.close()


class Transaction(sqlite3.Connection):
    """A connection that says when it has committed, as Django's does."""

    waiting: Callable[[], object]

    def on_commit(self, then: Callable[[], object]) -> None:
        self.waiting = then

    def commit(self) -> None:
        super().commit()
        self.waiting()


@pytest.mark.parametrize("kind", [Transaction, sqlite3.Connection])
def test_transaction_of_yours(
    server: Server, outbox: Outbox, config: dict[str, Any], kind: type[sqlite3.Connection]
) -> None:
    """No worker is told before your commit; a connection that tells of it is enough."""
    outbox.open()
    connection = sqlite3.connect(config["ledger"].removeprefix("sqlite:///"), factory=kind)
    try:
        delivery = outbox.enqueue(Message(TO, TEXT), connection=connection)
        assert [] == queued(server)
        connection.commit()
    finally:
        connection.close()
    told = ids(server)
    outbox.sweep()

    assert ([delivery.id] if kind is Transaction else []) == told
    assert delivery.id in ids(server, "polysms.due")


def test_bad_settings_are_named(app: Celery) -> None:
    """A worker says which of its settings do not suit the outbox, and nothing where all do."""
    app.conf.worker_prefetch_multiplier = 4
    app.conf.accept_content = ["json", "pickle"]
    assert ["worker_prefetch_multiplier", "accept_content"] == [
        sentence.split()[0] for sentence in complaints(app)
    ]

    app.conf.worker_prefetch_multiplier = 1
    app.conf.accept_content = ["json"]

    assert [] == complaints(app)


def test_queue_by_the_apps_routes(app: Celery, server: Server, outbox: Outbox) -> None:
    """The tasks go where the app routes them, and are counted there."""
    app.conf.task_routes = {"polysms.send": {"queue": "texts"}}
    app.amqp.flush_routes()

    outbox.enqueue(Message(TO, TEXT))

    assert "texts" == queue_of(app, "polysms.send")
    assert (1, 0) == (waiting_in(app, "texts"), waiting_in(app, "nobody's"))
    assert [] == queued(server)


def test_without_a_ledger(app: Celery, config: dict[str, Any]) -> None:
    """There is no outbox without a ledger, and the error says what to add."""
    del config["ledger"]
    outbox = attach(app, config)

    with pytest.raises(ConfigError, match="ledger = "):
        outbox.enqueue(Message(TO, TEXT))


def test_extra_is_named() -> None:
    """Without Celery the module says what to install; the library does without it."""
    program = (
        "import sys; sys.modules['celery'] = None\n"
        "import polysms, polysms.worker\n"
        "try:\n    import polysms.celery\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run(  # noqa: S603 - a program of our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert "polysms.celery needs celery: pip install 'polysms[celery]'\n" == done.stdout


def test_library_does_not_import_celery() -> None:
    """Who does not use it does not wait for it."""
    program = "import sys, polysms, polysms.worker; print('celery' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - a program of our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert "False\n" == done.stdout
