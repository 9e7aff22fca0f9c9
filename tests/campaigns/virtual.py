"""A town on a virtual clock: many sends at once, three providers, and faults drawn from a seed.

Nothing here waits or opens a socket: sends are generators of steps, a heap of moments drives them,
and everything random comes from one seeded source. So a seed replays bit for bit.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from polysms.config import Config
from polysms.delivery import Delivery, Outcome, Status
from polysms.errors import NotSent, PolysmsError
from polysms.message import Message
from polysms.providers.base import Response
from polysms.routing.deliver import deliver
from polysms.routing.health import Health
from polysms.routing.plan import Memory, Plan
from polysms.routing.resolve import resolve
from polysms.routing.steps import Admit, Answer, Call, Failure, Stage, Step, Wait, World, Write

START = datetime(2026, 4, 14, 12, tzinfo=UTC)
READ = 15.0
CONNECT = 3.0
ACCOUNTS: dict[str, Any] = {
    "wavix": {"api_key": "k", "sender": "+13137890021"},
    "carrierx": {"token": "k", "sender": "15162065575"},
    "signalwire": {
        "space": "example",
        "project_id": "p",
        "api_token": "k",
        "sender": "+15559876543",
    },
}
#: Faults and what each does: whether the provider has the message, and what we hear.
#: Those of a provider in trouble; the others say something of the account or the message.
TROUBLE = (
    *("unreachable", "no_route", "partial", "busy", "no_answer", "no_answer_taken"),
    *("error", "error_taken", "no_id", "garbage"),
)
FAULTS = (
    *TROUBLE,
    *("limited", "limited_long", "refused", "account"),
)


@attrs.frozen
class Copy:
    """A message that a provider took."""

    account: str
    reference: str
    text: str
    to: str
    at: float
    shown: float


class Town:
    """Three providers and everybody who sends through them."""

    def __init__(self, seed: int, faults: float, kinds: Sequence[str] = FAULTS) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a campaign, not a secret
        self.kinds = kinds
        #: Seconds by which a list may lag, at most.
        self.lag = self.chance.choice([0.0, 3.0, 3.0, 300.0])
        self.faults = faults
        self.now = 0.0
        self.copies: dict[str, list[Copy]] = {}
        self._by_reference: dict[tuple[str, str], Copy] = {}
        self._lists: dict[str, list[Copy]] = {name: [] for name in ACCOUNTS}
        self.calls = 0
        self.written: dict[str, str] = {}
        self.trace = blake2b(digest_size=16)
        self._ids = itertools.count(1)
        self._moments: list[tuple[float, int, Any, Answer]] = []
        self._turn = itertools.count()

    def world(self) -> World:
        """Return the world of every send: this clock, ids that count, this chance."""
        return World(
            now=lambda: START + timedelta(seconds=self.now),
            clock=lambda: self.now,
            new_id=lambda: f"id-{next(self._ids)}",
            random=self.chance.random,
        )

    def start(self, at: float, steps: Generator[Step, Answer, Any], ended: Any) -> None:
        """Let somebody begin at a moment; ``ended`` hears the result or the error."""
        self._later(at, (steps, ended), None)

    def run(self) -> None:
        """Go from moment to moment until nothing is left to do."""
        while self._moments:
            self.now, _, (steps, ended), answer = heapq.heappop(self._moments)
            try:
                step = steps.send(answer)
            except StopIteration as stop:
                ended(stop.value, None)
            except PolysmsError as error:
                ended(None, error)
            else:
                took, answer = self._obey(step)
                self._later(self.now + took, (steps, ended), answer)

    def _later(self, at: float, who: Any, answer: Answer) -> None:
        heapq.heappush(self._moments, (at, next(self._turn), who, answer))

    def _obey(self, step: Step) -> tuple[float, Answer]:
        if isinstance(step, Wait):
            assert step.seconds >= 0
            return step.seconds, None
        if isinstance(step, Admit):
            return 0.0, 0.0
        if isinstance(step, Write):
            self.written[step.message.text] = step.attempt.reference
            return 0.0, None
        return self._called(step)

    def _called(self, call: Call) -> tuple[float, Answer]:
        self.calls += 1
        assert 0 < call.seconds
        account = call.account.name
        took, answer = self._listed(call) if call.request.method == "GET" else self._asked(call)
        said = answer.status if isinstance(answer, Response) else answer.stage
        self.trace.update(f"{self.now:.9f} {account} {said} {took:.9f}\n".encode())
        return took, answer

    def _asked(self, call: Call) -> tuple[float, Response | Failure]:
        name = call.account.name
        said = json.loads(call.request.content)
        # Written down before its first byte: else this is another attempt's, or none.
        reference = self.written[_text(said)]
        assert reference == (_reference(said) or reference)
        fault = self.chance.choice(self.kinds) if self.chance.random() < self.faults else None
        quick = self.chance.uniform(0.02, 0.6)
        if quick >= call.seconds:
            fault = "no_answer_taken"
        if fault in {None, "no_answer_taken", "error_taken", "no_id"}:
            self._take(name, reference, said)
        heard: tuple[float, Response | Failure] = _HEARD[fault](
            name, reference, call.seconds, quick
        )
        return heard

    def _take(self, name: str, reference: str, said: dict[str, Any]) -> None:
        lag = self.chance.uniform(0.0, self.lag)
        # A list keeps its order: what was taken earlier is shown no later.
        held = self._lists[name]
        shown = max(self.now + lag, held[-1].shown if held else 0.0)
        to = "+" + str(said["to"]).lstrip("+")
        copy = Copy(name, reference, _text(said), to, self.now, shown)
        held.append(copy)
        self._by_reference[name, reference] = copy
        self.copies.setdefault(copy.text, []).append(copy)

    def _listed(self, call: Call) -> tuple[float, Response | Failure]:
        if self.chance.random() < self.faults:
            return min(READ, call.seconds), Failure(stage=Stage.WHOLE, text="no answer")
        name, query = call.account.name, parse_qs(urlsplit(call.request.url).query)
        shown = [one for one in self._sought(name, query) if one.shown <= self.now]
        return min(0.2, call.seconds), _LISTED[name](shown, query)

    def _sought(self, name: str, query: dict[str, list[str]]) -> list[Copy]:
        """Return what a look may be about, without going through a hundred thousand copies."""
        if name == "signalwire":
            since, until = (_second(query, word) for word in ("created_after", "created_before"))
            held = self._lists[name]
            start = bisect_left(held, since, key=lambda one: one.at)
            return held[start : bisect_right(held, until, key=lambda one: one.at)]
        asked = (
            query["tag"][0] if name == "wavix" else query["filter"][0].split('user_data eq "')[1]
        )
        found = self._by_reference.get((name, asked.partition('"')[0]))
        return [] if found is None else [found]


def _json(status: int, body: object, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps(body).encode(), True, 0.3)  # noqa: FBT003 - complete


def _text(said: dict[str, Any]) -> str:
    text = said.get("message") or said.get("body") or said["message_body"]["text"]
    assert isinstance(text, str)
    return text


def _reference(said: dict[str, Any]) -> str | None:
    # SignalWire echoes ours in reports alone, so without a callback it is not on the wire.
    return said.get("tag") or said.get("user_data")


_ID = {"wavix": "message_id", "carrierx": "message_sid", "signalwire": "id"}


def _failed(stage: Stage) -> Failure:
    return Failure(stage=stage, text="it broke")


#: For each fault: from provider, reference, seconds allowed and a usual time, what is heard when.
_HEARD: dict[str | None, Any] = {
    None: lambda name, ref, _, quick: (
        quick,
        _json(201, {_ID[name]: f"p-{ref}", "status": "queued"}),
    ),
    "unreachable": lambda _n, _r, _s, _q: (0.001, _failed(Stage.NOTHING)),
    "no_route": lambda _n, _r, left, _q: (min(CONNECT, left), _failed(Stage.NOTHING)),
    "partial": lambda _n, _r, _s, quick: (quick, _failed(Stage.PARTIAL)),
    "busy": lambda _n, _r, _s, quick: (quick, _json(503, {}, retry_after="1")),
    "limited": lambda _n, _r, _s, quick: (quick, _json(429, {}, retry_after="2")),
    "limited_long": lambda _n, _r, _s, quick: (quick, _json(429, {}, retry_after="60")),
    "refused": lambda _n, _r, _s, quick: (quick, _json(400, {"message": "no"})),
    "account": lambda _n, _r, _s, quick: (quick, _json(402, {})),
    "no_answer": lambda _n, _r, left, _q: (min(READ, left), _failed(Stage.WHOLE)),
    "no_answer_taken": lambda _n, _r, left, _q: (min(READ, left), _failed(Stage.WHOLE)),
    "error": lambda _n, _r, _s, quick: (quick, _json(500, {})),
    "error_taken": lambda _n, _r, _s, quick: (quick, _json(502, {})),
    "no_id": lambda _n, _r, _s, quick: (quick, _json(201, {})),
    "garbage": lambda _n, _r, _s, quick: (quick, Response(503, {}, b"<html>")),
}


def _second(query: dict[str, list[str]], word: str) -> float:
    return (datetime.fromisoformat(query[word][0]) - START).total_seconds()


def _wavix_list(shown: list[Copy], query: dict[str, list[str]]) -> Response:
    items = [
        {"message_id": f"p-{one.reference}", "status": "sent", "tag": one.reference, "to": one.to}
        for one in shown
        if [one.reference] == query.get("tag")
    ]
    return _json(200, {"items": items, "pagination": {"total_pages": 1}})


def _carrierx_list(shown: list[Copy], query: dict[str, list[str]]) -> Response:
    items = [
        {"message_sid": f"p-{one.reference}", "status": "sent", "user_data": one.reference}
        for one in shown
        if f'user_data eq "{one.reference}"' in query["filter"][0]
    ]
    return _json(200, {"items": items, "has_more": False})


def _signalwire_list(shown: list[Copy], query: dict[str, list[str]]) -> Response:
    since, until = (_second(query, word) for word in ("created_after", "created_before"))
    data = [
        {"id": f"p-{one.reference}", "status": "sent", "to": one.to, "kind": "sms"}
        | {"direction": "outbound", "created_at": (START + timedelta(seconds=one.at)).isoformat()}
        for one in shown
        if since <= one.at <= until
    ]
    return _json(200, {"data": data, "links": {}})


_LISTED = {"wavix": _wavix_list, "carrierx": _carrierx_list, "signalwire": _signalwire_list}


@attrs.define
class Told:
    """What came of one message, as its sender was told, and when."""

    text: str
    delivery: Delivery | None = None
    error: PolysmsError | None = None
    began: float = 0.0
    ended: float = 0.0


@attrs.frozen
class Sample:
    """One simulated hour: the route that was drawn, what everybody was told, what is true."""

    route: dict[str, Any]
    town: Town
    told: list[Told]
    health: Health

    def copies(self, text: str) -> list[Copy]:
        """Return the copies of one text that providers took."""
        return self.town.copies.get(text, [])


def _route(chance: random.Random) -> dict[str, Any]:
    strategy = chance.choice(["failover", "round_robin", "weighted", "cheapest"])
    names = chance.sample(sorted(ACCOUNTS), chance.choice([1, 2, 3, 3]))
    route: dict[str, Any] = {
        "strategy": strategy,
        "accounts": names,
        "on_maybe_sent": chance.choice(["stop", "next"]),
        "deadline": chance.choice([5.0, 20.0, 60.0]),
        "repeats": chance.choice([0, 1, 2]),
        "when_limited": chance.choice(["wait", "skip"]),
    }
    if chance.random() < 0.5:
        route["resolve_within"] = chance.choice([2.0, 8.0])
    if chance.random() < 0.3:
        route["attempt_timeout"] = chance.choice([1.0, 4.0])
    if strategy == "weighted":
        route["weights"] = {
            name: chance.choice([0, 1, 3]) + (i == 0) for i, name in enumerate(names)
        }
        route["sticky"] = chance.random() < 0.5
    return route


def simulate(  # noqa: PLR0913 - each by name
    seed: int,
    sends: int = 30,
    *,
    faults: float | None = None,
    kinds: Sequence[str] = FAULTS,
    route: dict[str, Any] | None = None,
    seconds: float = 120.0,
) -> Sample:
    """Return what a seed brings: so many sends over a time, then a look for what is unclear.

    ``faults`` is their share; it and the route are drawn where they are not given.
    """
    chance = random.Random(seed)  # noqa: S311 - as above
    share = chance.choice([0.0, 0.1, 0.3, 0.7]) if faults is None else faults
    town, route = Town(chance.getrandbits(64), share, kinds), route or _route(chance)
    plan = _plan(route, chance)
    told = []
    for number in range(sends):
        one = Told(text=f"n {number:06}")
        told.append(one)
        message = Message(to=f"+1313555{100 + number % 100:04}", text=one.text)
        steps = deliver(message, plan, town.world())
        town.start(chance.uniform(0, seconds), _begun(town, one, steps), _hears(town, one))
    town.run()
    town.faults = 0.0
    for one in told:
        delivery = one.delivery or (one.error and one.error.delivery)
        if delivery and any(tried.outcome is Outcome.MAYBE_SENT for tried in delivery.attempts):
            looking = resolve(
                delivery, plan.by_name, plan.memory, town.world(), within=400, seconds=30
            )
            town.start(town.now + 1, looking, _resolved(one))
    town.run()
    return Sample(route, town, told, plan.health)


def _plan(route: dict[str, Any], chance: random.Random) -> Plan:
    prices = {name: {"+1": chance.choice([0.01, 0.02])} for name in ACCOUNTS}
    tables = {"accounts": ACCOUNTS, "routes": {"main": route}, "default": "main", "prices": prices}
    config = Config.from_mapping(tables)
    return Plan(
        route=config.route("main"),
        accounts=tuple(config.account(name) for name in route["accounts"]),
        prices=config.prices,
        health=Health(),
        memory=Memory(),
        written=True,
    )


def _begun(town: Town, one: Told, steps: Any) -> Generator[Step, Answer, Any]:
    one.began = town.now
    return (yield from steps)


def _hears(town: Town, one: Told) -> Any:
    def hear(delivery: Delivery | None, error: PolysmsError | None) -> None:
        one.delivery, one.error, one.ended = delivery, error, town.now

    return hear


def _resolved(one: Told) -> Any:
    def hear(delivery: Delivery | None, error: PolysmsError | None) -> None:
        assert error is None, f"a look-up without faults failed: {error}"
        one.delivery = delivery

    return hear


def broken(sample: Sample) -> list[str]:
    """Return every promise that a simulated hour broke: none, if all is well."""
    said = {one.text for one in sample.told}
    return [
        *(sentence for one in sample.told for sentence in _broken(sample, one)),
        *(f"{text}: nobody sent it" for text in sample.town.copies if text not in said),
    ]


def _broken(sample: Sample, one: Told) -> Generator[str, None, None]:
    copies = sample.copies(one.text)
    most = 2 if sample.route.get("on_maybe_sent") == "next" else 1
    if len(copies) > most:
        yield f"{one.text}: {len(copies)} copies, at most {most} were allowed"
    if one.error is None and not copies:
        yield f"{one.text}: told that it was accepted, and nobody has it"
    if isinstance(one.error, NotSent) and copies:
        yield f"{one.text}: told that it was not sent, and {copies[0].account} has it"
    if one.error is None and one.delivery is None:
        yield f"{one.text}: nothing was told"
    # One exchange may overrun by what it had left; nothing is begun after the deadline.
    if one.ended - one.began > sample.route["deadline"] + 1e-6:
        yield f"{one.text}: took {one.ended - one.began:.1f} s"
    yield from _of_resolving(one, copies)


def _of_resolving(one: Told, copies: list[Copy]) -> Generator[str, None, None]:
    delivery = one.delivery
    if delivery is None:
        return
    references = {copy.reference for copy in copies}
    for attempt in delivery.attempts:
        has = attempt.reference in references
        if attempt.outcome is Outcome.ACCEPTED and not has and attempt.lookup == "exact":
            yield f"{one.text}: an attempt is called accepted, and {attempt.account} has it not"
        if attempt.outcome is Outcome.NOT_SENT and has:
            yield f"{one.text}: an attempt is called not sent, and {attempt.account} has it"
        if attempt.outcome is Outcome.MAYBE_SENT and has and attempt.lookup == "exact":
            yield f"{one.text}: {attempt.account} has it, and the look-up did not find it"
    if delivery.status is Status.NOT_SENT and copies:
        yield f"{one.text}: resolved as not sent, and {copies[0].account} has it"


def outcomes(sample: Sample) -> Counter[str]:
    """Return how many messages were told what, and how many copies there were of them."""
    counted: Counter[str] = Counter()
    for one in sample.told:
        word = "accepted" if one.error is None else type(one.error).__name__
        counted[f"{word}, {len(sample.copies(one.text))} copies"] += 1
    return counted
