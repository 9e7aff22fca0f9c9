"""Reports on a bad day: repeated, shuffled, before the answer, for strangers, and sometimes never.

``python tests/campaigns/reports.py --callbacks 2000 [--database postgresql]``. Messages are sent
through all three providers of a sandbox that posts its reports in disorder, to a receiver on a port
of its own. Wavix's and CarrierX's prove nothing, and are asked for; SignalWire's are signed. At the
end, before any sweep, every message that was reported must have its provider's final status; after
it, all of them. Whoever listens must have been told of every event, and of no final status but the
right one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import factorial
from pathlib import Path
from random import Random
from typing import Any

import attrs
import httpx

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Engine, create_engine, text

from polysms import AsyncClient, Config, Delivery, DeliveryReport, Message, Status
from polysms.ledger import Ledger
from polysms.sandbox import Behaviour, running
from polysms.sandbox.state import Sandbox
from polysms.server import Receiver, WebhookRequest, WebhookResponse, serving
from polysms.webhooks import address
from polysms.worker import Worker
from tests import postgres

KEY = "PSK-campaign-0123456789"
TOKEN = "campaign-0123456789abcdef"
PROJECT = "3a9f2b1c-0000-4000-8000-000000000000"
PROVIDERS = ("wavix", "signalwire", "carrierx")
#: How many callers send at the same time, and how many messages they send before a look.
WIDTH, STEP = 16, 48
#: One message in so many is sent by a stranger to our ledger; and one is of nobody at all.
STRANGERS, NOBODY = 20, 50
#: How many states a message has at most, with one of a word that no document has.
MOST_STATES = 5
#: Seconds in which what is under way must end.
PATIENCE = 120.0
#: What the providers' last words mean, read in their documents.
TRUTH = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "rejected": Status.REJECTED,
    "failed": Status.FAILED,
    "expired": Status.EXPIRED,
}
#: Last digits of recipients, by how often they are sent to.
_DIGITS = ("0101",) * 12 + ("0102",) * 4 + ("0103",) * 3 + ("0104",)
_SPEED = 25.0
_POLL = 0.1
#: Answers wait for reports: a busy machine must not make a send unsure.
_PATIENT = {"read": 50.0, "pool": 50.0, "connect": 50.0}

Mark = Callable[[Receiver], None]


@attrs.frozen(kw_only=True)
class Game:
    """How many callbacks are posted at least, on which database.

    With ``every_order``, as many as it takes for the states of a message to come in each.
    """

    callbacks: int
    every_order: bool = True
    database: str = "sqlite"
    seed: int = 7


@attrs.define(kw_only=True)
class Tally:
    """What a run came to; the names of messages and events are lists of what is wrong."""

    messages: int = 0
    callbacks: int = 0
    early: int = 0
    parked: int = 0
    orders: int = 0
    strangers: int = 0
    nobody: int = 0
    silent: int = 0
    told: int = 0
    told_twice: int = 0
    seconds: float = 0.0
    #: Answers that are no 2xx.
    refused: int = 0
    #: Messages with another status than their provider's, before and after the sweep.
    before: list[str] = attrs.field(factory=list)
    after: list[str] = attrs.field(factory=list)
    #: Events that were posted and are not kept; that nobody was told; parked ones with a message.
    lost: list[str] = attrs.field(factory=list)
    untold: list[str] = attrs.field(factory=list)
    unmatched: list[str] = attrs.field(factory=list)
    #: Messages of which somebody was told a last word that is not the final status.
    misled: list[str] = attrs.field(factory=list)
    #: Events of nobody's messages that somebody was told of all the same.
    made_up: list[str] = attrs.field(factory=list)

    @property
    def troubles(self) -> dict[str, int]:
        """How much is wrong, by what it is."""
        names = ("before", "after", "lost", "untold", "unmatched", "misled", "made_up")
        found = {name: len(getattr(self, name)) for name in names}
        return {**found, "refused": self.refused}

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, and there was something to keep."""
        there = (self.early, self.parked, self.orders, self.strangers, self.silent, self.told)
        return all(there) and not any(self.troubles.values())


class Noting(Receiver):
    """A receiver that notes what comes, how it answers, and what it tells."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client)
        self.answers: Counter[int] = Counter()
        #: The words of the reports that came, by message.
        self.words: defaultdict[str, list[str]] = defaultdict(list)
        self.heard: list[DeliveryReport] = []
        self.on_report(self._note)

    async def _note(self, report: DeliveryReport) -> None:
        self.heard.append(report)

    async def received(
        self, request: WebhookRequest, source: str | None
    ) -> tuple[WebhookResponse, Sequence[Any]]:
        """Hear a request, and note it."""
        answer, dues = await super().received(request, source)
        said = json.loads(request.body)
        names = ("message_id", "id", "message_sid")
        id_ = next(said[name] for name in names if name in said)
        self.answers[answer.status] += 1
        self.words[id_].append(said["status"])
        return answer, dues


def accounts(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Return the accounts, all of them of the sandbox."""
    return {
        "wavix": {
            "api_key": "wavix-key",
            "webhook_token": TOKEN,
            "sender": "+13137890021",
            "base_url": sandbox.url,
            "timeouts": _PATIENT,
        },
        "carrierx": {
            "token": "carrierx-key",
            "webhook_token": TOKEN,
            "sender": "15162065575",
            "base_url": f"{sandbox.url}/core/v2",
            "timeouts": _PATIENT,
        },
        "signalwire": {
            "space": "example",
            "project_id": PROJECT,
            "api_token": "signalwire-key",
            "signing_key": KEY,
            "sender": "+15559876543",
            "base_url": sandbox.url,
            "timeouts": _PATIENT,
        },
    }


@contextlib.contextmanager
def served(receiver: Receiver, bound: socket.socket) -> Iterator[None]:
    """Serve a receiver in a thread, as ``polysms serve`` does."""
    ready, servers = threading.Event(), []

    async def serve() -> None:
        config = serving.configured(receiver, None)
        server = serving._Server(config, ready.set)  # noqa: SLF001
        servers.append(server)
        await server._serve([bound])  # noqa: SLF001 - signals belong to the main thread
        closing = receiver.client.close()
        if closing is not None:
            await closing

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not ready.wait(PATIENCE):
        raise RuntimeError("the receiver did not start")
    try:
        yield
    finally:
        servers[0].should_exit = True
        thread.join(PATIENCE)


@attrs.define(kw_only=True)
class Day:
    """One bad day: who sends, who is told, and what came of it."""

    game: Game
    config: Config
    sandbox: Sandbox
    receiver: Noting
    engine: Engine
    sent: list[Delivery] = attrs.field(factory=list)
    strangers: list[str] = attrs.field(factory=list)
    nobody: list[str] = attrs.field(factory=list)
    tally: Tally = attrs.field(factory=Tally)

    async def live(self) -> None:
        """Send until enough was posted, wait until all is told, and sweep."""
        without = attrs.evolve(self.config, ledger=None)
        async with AsyncClient(self.config) as client, AsyncClient(without) as stranger:
            numbers = itertools.count()
            while self._goes_on():
                await self._send(client, stranger, list(itertools.islice(numbers, STEP)))
            await until(lambda: not self.sandbox.callbacks.owes)
            await until(lambda: not self._waiting())
            self.tally.before = self._wrong(self._reported())
            working = Worker(client)
            task = asyncio.create_task(working.run())
            with contextlib.suppress(TimeoutError):
                await until(lambda: not self._wrong(self.sent))
            working.stop()
            await task

    def _goes_on(self) -> bool:
        """Whether more is to be sent: the orders of a message's states take turns."""
        if self.receiver.answers.total() < self.game.callbacks:
            return True
        most = sum(len(entry.steps) + 1 == MOST_STATES for entry in self.sandbox.store.all())
        return self.game.every_order and most < factorial(MOST_STATES)

    async def _send(
        self, client: AsyncClient, stranger: AsyncClient, numbers: Sequence[int]
    ) -> None:
        room = asyncio.Semaphore(WIDTH)

        async def one(number: int) -> None:
            async with room:
                await self._sent(client, stranger, number)

        await asyncio.gather(*map(one, numbers))

    async def _sent(self, client: AsyncClient, stranger: AsyncClient, number: int) -> None:
        random = Random(f"{self.game.seed}/{number}")  # noqa: S311 - guards nothing
        via = PROVIDERS[number % len(PROVIDERS)]
        to = f"+1313555{random.choice(_DIGITS)}"
        if number % NOBODY == NOBODY - 1:
            await self._made_up(f"nobody-{number}")
        if number % STRANGERS == STRANGERS - 1:
            # Of the same account, by another program: no ledger of ours knows it.
            message = Message(to, "hello", **self._bare(via))
            self.strangers.append(_id_of(await stranger.send(message, via=via)))
            return
        bare = self._bare(via) if random.random() < 0.5 else {}
        delivery = await client.send(Message(to, "hello", **bare), via=via)
        self.sent.append(delivery)
        self.tally.early += len(self.receiver.words[_id_of(delivery)])

    def _bare(self, via: str) -> dict[str, Any]:
        """Return what makes a message whose reports carry no reference of ours."""
        public = self.config.public_url or ""
        back = {"status_callback": address(self.config.account(via), public)}
        theirs = {
            "wavix": {"tag": "theirs"},
            "carrierx": {"user_data": "theirs"},
            "signalwire": {"custom_variables": {"polysms_reference": "theirs"}},
        }
        return {"options": {via: theirs[via]}, **({} if via == "carrierx" else back)}

    async def _made_up(self, id_: str) -> None:
        """Post, as somebody who knows the address, a report of a message that nobody has."""
        url = address(self.config.account("wavix"), self.config.public_url or "")
        async with httpx.AsyncClient() as http:
            await http.post(url, json={"message_id": id_, "status": "delivered"})
        self.nobody.append(id_)

    def _rows(self, question: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(question)))

    def _waiting(self) -> list[str]:
        """Return the events that somebody is still to be told of, but those of nobody."""
        rows = self._rows("SELECT provider_id FROM polysms_events WHERE handle_at IS NOT NULL")
        return [row.provider_id for row in rows if row.provider_id not in self.nobody]

    def _reported(self) -> list[Delivery]:
        return [one for one in self.sent if self.receiver.words[_id_of(one)]]

    def _wrong(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Return the messages whose status in the ledger is not their provider's."""
        rows = self._rows("SELECT id, status FROM polysms_messages")
        kept = {row.id: row.status for row in rows}
        return [_id_of(one) for one in deliveries if kept.get(one.id or "") != self._truth(one)]

    def _truth(self, delivery: Delivery) -> Status:
        return self._final(delivery.provider or "", _id_of(delivery))

    def _final(self, provider: str, id_: str) -> Status:
        entry = self.sandbox.store.get(provider, id_)
        if entry is None:
            raise RuntimeError("the sandbox has forgotten a message")
        return TRUTH[entry.steps[-1].status]

    def audit(self) -> Tally:
        """Lay what came, what is kept and what was told beside each other."""
        tally, answers, heard = self.tally, self.receiver.answers, self.receiver.heard
        tally.messages, tally.callbacks = len(self.sent), answers.total()
        tally.strangers, tally.nobody = len(self.strangers), len(self.nobody)
        tally.silent = len(self.sent) - len(self._reported())
        tally.refused = sum(count for status, count in answers.items() if status // 100 != 2)
        tally.after = self._wrong(self.sent)
        self._audit_events()
        self._audit_words()
        tally.told, names = len(heard), Counter(one.event_id for one in heard)
        tally.told_twice = sum(count > 1 for count in names.values())
        return tally

    def _audit_events(self) -> None:
        tally, nobody = self.tally, set(self.nobody)
        rows = self._rows("SELECT event_id, provider_id, message_id, facts FROM polysms_events")
        kept = Counter(row.provider_id for row in rows)
        told = {one.event_id for one in self.receiver.heard}
        ours = {_id_of(one) for one in self.sent}
        # Each word of a message is one event, however often it came.
        words = self.receiver.words.items()
        tally.lost = [id_ for id_, said in words if kept[id_] != len(set(said))]
        tally.untold = [
            row.event_id
            for row in rows
            if row.event_id not in told and row.provider_id not in nobody
        ]
        tally.unmatched = [
            row.event_id for row in rows if row.provider_id in ours and row.message_id is None
        ]

    def _audit_words(self) -> None:
        tally, heard = self.tally, dict[str, list[DeliveryReport]]()
        for report in self.receiver.heard:
            heard.setdefault(report.provider_id, []).append(report)
        for one in self.sent:
            if self._is_misled(one, heard.get(_id_of(one), [])):
                tally.misled.append(_id_of(one))
        tally.made_up = [id_ for id_ in self.nobody if id_ in heard]
        ours = {_id_of(one): one for one in self.sent}
        tally.parked = sum(report.id is None for id_ in ours for report in heard.get(id_, ()))
        tally.orders = len({self._order(one) for one in self._reported()})

    def _order(self, delivery: Delivery) -> tuple[int, ...]:
        """Return the order in which the states of a message came first, as their places."""
        entry = self.sandbox.store.get(delivery.provider or "", _id_of(delivery))
        words = [] if entry is None else [step.status for step in entry.steps]
        first = dict.fromkeys(self.receiver.words[_id_of(delivery)])
        return tuple(words.index(word) if word in words else len(words) for word in first)

    def _is_misled(self, delivery: Delivery, heard: Sequence[DeliveryReport]) -> bool:
        """Whether somebody was told a wrong last word of a message, no last word, or a wrong id."""
        ended = {report.status for report in heard if report.status.final}
        truth = self._truth(delivery)
        expected = {truth} if truth.final and heard else set()
        names = {report.id for report in heard} - {None}
        return ended != expected or not names <= {delivery.id}


def _id_of(delivery: Delivery) -> str:
    if delivery.provider_id is None:
        raise RuntimeError("a send has no id")
    return delivery.provider_id


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; raises TimeoutError if it takes too long."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - it happens in other threads
            await asyncio.sleep(_POLL)


@contextlib.contextmanager
def _ledger(database: str) -> Iterator[str]:
    if database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="reports-") as folder:
            yield f"sqlite:///{folder}/ledger.db"
        return
    with postgres.running() as server:
        yield server.url(server.database())


def play(game: Game) -> Tally:
    """Live through a bad day; return what came of it."""
    began = time.monotonic()
    behaviour = Behaviour(speed=_SPEED, seed=game.seed, signing_key=KEY, disorder=True)
    with (
        _ledger(game.database) as ledger,
        running(behaviour=behaviour) as sandbox,
        socket.create_server(("127.0.0.1", 0), backlog=2048) as bound,
    ):
        config = Config.from_mapping(
            {
                "public_url": f"http://127.0.0.1:{bound.getsockname()[1]}",
                "ledger": ledger,
                "sweep": {"first": "1s"},
                "default": "wavix",
                "accounts": accounts(sandbox),
            }
        )
        url = address(config.account("carrierx"), config.public_url or "")
        sandbox.behaviour = attrs.evolve(sandbox.behaviour, callback_urls={"carrierx": url})
        with Ledger(ledger) as one:
            one.upgrade()
        engine = create_engine(ledger)
        receiver = Noting(AsyncClient(config))
        day = Day(game=game, config=config, sandbox=sandbox, receiver=receiver, engine=engine)
        with served(receiver, bound):
            asyncio.run(day.live())
        tally = day.audit()
        engine.dispose()
    tally.seconds = time.monotonic() - began
    return tally


def show(game: Game, tally: Tally) -> None:
    """Print the figures."""
    print(
        f"{game.database}: {tally.callbacks:,} callbacks of {tally.messages:,} messages and "
        f"{tally.strangers} of strangers, {tally.seconds:.0f} s"
    )
    figures: Mapping[str, int] = {
        "orders in which states came": tally.orders,
        "came before the answer": tally.early,
        "told before their message was known": tally.parked,
        "never reported, and found by the sweep": tally.silent,
        "reports of nobody's messages": tally.nobody,
        "told": tally.told,
        "told twice": tally.told_twice,
    }
    for name, figure in {**figures, **{f"! {k}": v for k, v in tally.troubles.items()}}.items():
        print(f"  {name:40} {figure:8,}")


def run(games: Sequence[Game]) -> bool:
    """Play each game and show what came of it; return whether every promise was kept."""
    kept = True
    for game in games:
        tally = play(game)
        show(game, tally)
        kept = kept and tally.kept
    return kept


def main() -> int:
    """Run what the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callbacks", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=7)
    wanted = parser.parse_args()
    game = Game(callbacks=wanted.callbacks, database=wanted.database, seed=wanted.seed)
    return 0 if run([game]) else 1


if __name__ == "__main__":
    sys.exit(main())
