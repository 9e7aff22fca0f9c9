"""After an unclear attempt: a second copy where a route wants one, and a look for the first."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import Attempt, Evidence, Outcome, Status
from polysms.errors import MaybeSent, Unreadable
from polysms.message import Message
from polysms.providers.base import Response
from polysms.routing import plan
from polysms.routing.plan import REMEMBERED, Memory
from polysms.routing.steps import Call, Failure, Stage
from tests.routing.streets import Script, Sent, Street
from tests.routing.test_deliver import OK, TABLES, TO, broken, status

NAMES = ("wavix", "carrierx", "signalwire")
NOTHING = broken(Stage.NOTHING)
PARTIAL = broken(Stage.PARTIAL)
WHOLE = broken(Stage.WHOLE)
COPY = "a second copy: {} may have sent the first"


def street(*, written: bool = False, takes: float = 0.0, **route: Any) -> Street:
    """Return a street with one route, through all three unless it says otherwise."""
    tables = {**TABLES, "routes": {"main": {"accounts": NAMES, **route}}}
    return Street(tables, written=written, takes=takes)


def send(there: Street, **fields: Any) -> Sent:
    """Send a message down a street."""
    return there.send(Message(TO, "x", **fields))


#: What each account answers, who is asked, and what comes of it.
COPIES: list[tuple[list[Script], list[str], type[Exception] | None]] = [
    ([WHOLE], ["wavix", "carrierx"], None),
    ([WHOLE, WHOLE], ["wavix", "carrierx"], MaybeSent),
    ([WHOLE, status(500)], ["wavix", "carrierx"], Unreadable),
    ([status(500), OK["carrierx"]], ["wavix", "carrierx"], None),
    ([status(401), WHOLE, WHOLE], ["wavix", "carrierx", "signalwire"], MaybeSent),
    ([WHOLE, status(401)], ["wavix", "carrierx", "signalwire"], None),
    ([WHOLE, status(401), WHOLE], ["wavix", "carrierx", "signalwire"], MaybeSent),
    ([WHOLE, [PARTIAL, PARTIAL]], ["wavix", "carrierx", "carrierx", "signalwire"], None),
    ([WHOLE, [NOTHING]], ["wavix", "carrierx", "signalwire"], None),
    ([WHOLE, [NOTHING], NOTHING], [*NAMES, "carrierx"], None),
    ([WHOLE, status(400)], ["wavix", "carrierx"], MaybeSent),
    ([Response(201, {}, b"{}")], ["wavix"], Unreadable),
    ([broken(Stage.WHOLE, interrupted=True)], ["wavix"], MaybeSent),
]


@pytest.mark.parametrize(("answers", "asked", "error"), COPIES)
def test_next(answers: list[Script], asked: list[str], error: type[Exception] | None) -> None:
    """With "next" one more may get the message after an unclear attempt: two copies at most."""
    there = street(on_maybe_sent="next")
    there.script |= dict(zip(NAMES, answers, strict=False))
    sent = send(there)
    assert (asked, error) == (sent.asked, type(sent.error) if sent.error else None)
    assert Status.MAYBE_SENT is sent.known.status or sent.error is None
    unsure = [one.outcome for one in sent.known.attempts].count(Outcome.MAYBE_SENT)
    assert unsure + (sent.error is None) <= 2


def test_stop_sends_no_copy() -> None:
    """Nobody else is asked after an unclear attempt, unless that is wanted by name."""
    there = street()
    there.script["wavix"] = WHOLE
    sent = send(there)
    assert (["wavix"], MaybeSent) == (sent.asked, type(sent.error))
    assert sent.looks == []


def test_second_copy_warns() -> None:
    """Every attempt after the first copy says so, and whose that is; none before it does."""
    there = street(on_maybe_sent="next")
    there.script |= {"wavix": status(401), "carrierx": WHOLE, "signalwire": WHOLE}
    sent = send(there)
    warnings = [one.warnings for one in sent.known.attempts]
    assert [(), (), (COPY.format("carrierx"),)] == warnings


#: Routes, what the accounts before answer, and how long Wavix is told to try.
VALIDITIES: list[tuple[dict[str, Any], dict[str, Script], int | None]] = [
    ({"on_maybe_sent": "next"}, {}, 120),
    ({"on_maybe_sent": "next", "first_copy_valid_for": 30}, {}, 30),
    ({"on_maybe_sent": "next", "first_copy_valid_for": "0.5s"}, {}, 1),
    ({"on_maybe_sent": "stop", "first_copy_valid_for": 30}, {}, None),
    ({}, {}, None),
    ({"on_maybe_sent": "next", "accounts": ["wavix"]}, {}, None),
    ({"on_maybe_sent": "next", "accounts": ["carrierx", "wavix"]}, {"carrierx": WHOLE}, None),
    ({"on_maybe_sent": "next", "accounts": ["carrierx", "wavix"]}, {"carrierx": NOTHING}, None),
    (
        {"on_maybe_sent": "next", "accounts": ["carrierx", "wavix", "signalwire"]},
        {"carrierx": NOTHING},
        120,
    ),
    (
        {"on_maybe_sent": "next", "accounts": ["carrierx", "wavix", "signalwire"]},
        {"carrierx": WHOLE},
        None,
    ),
]


@pytest.mark.parametrize(("route", "answers", "expected"), VALIDITIES)
def test_validity(route: dict[str, Any], answers: dict[str, Script], expected: int | None) -> None:
    """Only the first copy, and only where a second is possible, is given a short life."""
    there = street(**route)
    there.script |= answers
    sent = send(there)
    found = [call for call in sent.calls if call.account.name == "wavix"]
    assert [expected] == [json.loads(call.request.content).get("validity") for call in found]
    attempts = [one for one in sent.known.attempts if one.account == "wavix"]
    assert [expected] == [one.valid_for for one in attempts]


def test_validity_of_the_message_counts_too() -> None:
    """A message that is wanted for less than a first copy would live is given just that."""
    there = street(on_maybe_sent="next")
    attempt = send(there, valid_for=60).known.attempts[0]
    assert 60 == attempt.valid_for
    assert 120 == send(there, valid_for=600).known.attempts[0].valid_for


def listed(call: Call, *, copies: int = 1, **facts: Any) -> Response:
    """Return a page of Wavix's list that shows what was asked for so many times."""
    query = parse_qs(urlsplit(call.request.url).query)
    items = [
        {"message_id": f"w-{number}", "status": "sent", "tag": query["tag"][0], "to": TO} | facts
        for number in range(copies)
    ]
    return page(items)


def page(items: list[dict[str, Any]]) -> Response:
    """Return a page of Wavix's list."""
    body = {"items": items, "pagination": {"total_pages": 1}}
    return Response(200, {}, json.dumps(body).encode())


class Showing:
    """A list that shows a message from its n-th look on, and has trouble or nothing before."""

    def __init__(self, after: int, before: Response | Failure | None = None, **facts: Any) -> None:
        self.after = after
        self.before = before or page([])
        self.facts = facts
        self.looks = 0

    def __call__(self, call: Call) -> Response | Failure:
        """Answer a look."""
        self.looks += 1
        return self.before if self.looks <= self.after else listed(call, **self.facts)


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("answer", [WHOLE, status(500), status(504), Response(201, {}, b"{}")])
def test_found(after: int, answer: Response | Failure) -> None:
    """What the provider's own list shows is accepted: the send returns and asks nobody else."""
    there = street(resolve_within="8s")
    there.script["wavix"] = answer
    there.look = Showing(after)
    sent = send(there)
    assert sent.error is None
    assert (["wavix"], after + 1) == (sent.asked, len(sent.looks))
    assert [0.5, 1.0, 2.0, 4.0][: after + 1] == sent.waits
    attempt, known = sent.known.attempts[0], sent.known
    assert (Outcome.ACCEPTED, Evidence.FOUND, "w-0") == (
        attempt.outcome,
        attempt.evidence,
        attempt.provider_id,
    )
    assert (Status.SENT, "w-0", "wavix") == (known.status, known.provider_id, known.account)
    assert ["not asked: wavix took the message"] == sent.why("carrierx")


def test_looks_only_look() -> None:
    """A look is a GET for the attempt's own reference; nothing is sent again."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = page([])
    sent = send(there)
    assert (1, 4) == (len(sent.calls), len(sent.looks))
    assert {"GET"} == {call.request.method for call in sent.looks}
    reference = sent.known.attempts[0].reference
    assert all(f"tag={reference}" in call.request.url for call in sent.looks)


@pytest.mark.parametrize("look", [page([]), status(500), status(401), NOTHING, WHOLE])
def test_absence_is_never_found(look: Response | Failure) -> None:
    """A list that does not show it, or does not answer, proves nothing: it stays maybe sent."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = look
    sent = send(there)
    assert (["wavix"], MaybeSent) == (sent.asked, type(sent.error))
    attempt = sent.known.attempts[0]
    assert (Outcome.MAYBE_SENT, Evidence.NO_ANSWER) == (attempt.outcome, attempt.evidence)
    assert [0.5, 1.0, 2.0, 4.0] == sent.waits


def test_trouble_ends_no_looking() -> None:
    """A look that fails is followed by the next one."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = Showing(2, status(503))
    assert send(there).error is None


def test_other_messages_are_not_taken_for_it() -> None:
    """A list that shows what was not asked for proves nothing."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = page([{"message_id": "w-9", "status": "sent", "tag": "another", "to": TO}])
    assert MaybeSent is type(send(there).error)


@given(
    within=st.floats(0.125, 30),
    takes=st.floats(0, 20),
    deadline=st.floats(1, 60),
)
def test_looking_stops_in_time(within: float, takes: float, deadline: float) -> None:
    """Looks and the waits between them take no longer than the route allows, or its deadline."""
    there = street(resolve_within=within, deadline=deadline)
    there.script["wavix"] = WHOLE
    spent: list[float] = []

    def look(call: Call) -> Response:
        spent.append(min(takes, call.seconds))
        there.clock.seconds += spent[-1]
        return page([])

    there.look = look
    began = there.clock.seconds
    sent = send(there)
    assert there.clock.seconds - began <= min(within, deadline) + 1e-6
    assert there.clock.seconds - began == pytest.approx(sum(sent.waits) + sum(spent))
    assert all(call.seconds > 0 for call in sent.looks)


#: What the first attempt answers, the route, and why nobody looks.
UNLOOKED: list[tuple[Response | Failure, dict[str, Any]]] = [
    (OK["wavix"], {"resolve_within": "8s"}),
    (status(401), {"resolve_within": "8s"}),
    (NOTHING, {"resolve_within": "8s"}),
    (broken(Stage.WHOLE, interrupted=True), {"resolve_within": "8s"}),
    (WHOLE, {"resolve_within": "0.5s"}),
    (WHOLE, {}),
]


@pytest.mark.parametrize(("answer", "route"), UNLOOKED)
def test_nobody_looks(answer: Response | Failure, route: dict[str, Any]) -> None:
    """Only an unclear attempt is looked for, only where the route wants it, and if time allows."""
    there = street(**route)
    there.script["wavix"] = answer
    assert [] == send(there).looks


def test_no_look_where_there_is_no_list() -> None:
    """An account that can look nothing up is not asked to."""
    tables = {"accounts": {"local": {"provider": "null", "sender": "Acme"}}}
    there = Street(tables)
    there.script["local"] = WHOLE
    sent = there.send(Message(TO, "x"), resolve_within=8.0)
    assert ([], [], MaybeSent) == (sent.looks, sent.waits, type(sent.error))


class _Listless:
    """An adapter that says it can be looked up, and has no list."""

    def __init__(self, real: Any) -> None:
        self.name = real.name
        self.capabilities = real.capabilities
        self.request = real.request
        self.read = real.read


def test_adapter_without_a_list() -> None:
    """A look that an adapter cannot make is none: the attempt stays maybe sent."""
    there = street(resolve_within="8s")
    odd: Any = _Listless(there.accounts["wavix"].adapter)
    there.accounts["wavix"] = attrs.evolve(there.accounts["wavix"], provider=odd)
    there.script["wavix"] = WHOLE
    sent = send(there)
    assert ([], MaybeSent) == (sent.looks, type(sent.error))


def test_several_copies_found() -> None:
    """Where the list shows it more than once the attempt says so."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = Showing(0, copies=2)
    attempt = send(there).known.attempts[0]
    assert (Evidence.FOUND, ("2 copies of it were found",)) == (attempt.evidence, attempt.warnings)


def test_what_was_found_is_written_down() -> None:
    """An attempt is written down before it, after it, and once more when it is found."""
    there = street(resolve_within="8s", written=True)
    there.script["wavix"] = WHOLE
    there.look = Showing(1)
    sent = send(there)
    outcomes = [one.attempt.outcome for one in sent.writes]
    assert [None, Outcome.MAYBE_SENT, Outcome.ACCEPTED] == outcomes


def test_what_was_found_belongs_to_somebody() -> None:
    """A record that was found is remembered, so that no other message takes it for its own."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = Showing(0)
    send(there)
    assert there.memory.owns("wavix", "w-0")


def test_what_was_accepted_belongs_to_somebody() -> None:
    """An accepted message keeps its record: an unclear one does not take it for its own."""
    there = street()
    send(there)
    assert there.memory.owns("wavix", "w-1")


def test_found_without_an_id() -> None:
    """The reference alone is proof: a record that names no id belongs to nobody else."""
    there = street(resolve_within="8s")
    there.script["wavix"] = WHOLE
    there.look = Showing(0, message_id=None)
    sent = send(there)
    assert (None, None, Status.SENT) == (sent.error, sent.known.provider_id, sent.known.status)
    assert not there.memory.owns("wavix", None)


def ended(number: int, outcome: Outcome, **facts: Any) -> Attempt:
    """Return one of many attempts as it has ended."""
    return Attempt(
        account="signalwire",
        provider="signalwire",
        reference=f"id-{number}",
        started_at=Street().world().now(),
        outcome=outcome,
        **facts,
    )


MOST = [3, pytest.param(REMEMBERED, marks=pytest.mark.unmeasured)]


@pytest.mark.parametrize("most", MOST)
def test_memory_is_bounded(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ten thousand ids of an account are remembered; the oldest goes for a new one."""
    monkeypatch.setattr(plan, "REMEMBERED", most)
    memory = Memory()
    for number in range(most + 1):
        memory.ended(ended(number, Outcome.ACCEPTED, provider_id=f"s-{number}"), TO)
    assert [False, True, True] == [
        memory.owns("signalwire", one) for one in ("s-0", "s-1", f"s-{most}")
    ]
    assert not memory.owns("wavix", "s-1")


@pytest.mark.parametrize("most", MOST)
def test_memory_of_the_unclear_is_bounded(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many unclear attempts are remembered, too; the oldest is forgotten first."""
    monkeypatch.setattr(plan, "REMEMBERED", most)
    memory = Memory()
    for number in range(most + 1):
        unclear = ended(number, Outcome.MAYBE_SENT, lookup="heuristic")
        memory.ended(unclear, f"+1313555{number:05d}")
    latest = ended(-1, Outcome.MAYBE_SENT, lookup="heuristic")
    assert [False, True] == [
        memory.has_rival(latest, f"+1313555{number:05d}", 5.0) for number in (0, 1)
    ]


def test_found_opens_no_copy() -> None:
    """With "next" the look comes first: what is found is not copied, what is not found is."""
    for after, asked in ((0, ["wavix"]), (9, ["wavix", "carrierx"])):
        there = street(resolve_within="8s", on_maybe_sent="next")
        there.script["wavix"] = WHOLE
        there.look = Showing(after)
        sent = send(there)
        assert (asked, None) == (sent.asked, sent.error)


def test_found_by_likeness() -> None:
    """SignalWire has no reference: the one record of this number and time is the attempt's."""
    there = street(accounts=["signalwire"], resolve_within="8s")
    there.script["signalwire"] = WHOLE
    moment = there.world().now().isoformat()
    record = {"id": "s-9", "status": "sent", "to": TO, "kind": "sms", "direction": "outbound"}
    data = [{**record, "created_at": moment}]
    there.look = Response(200, {}, json.dumps({"data": data, "links": {}}).encode())
    sent = send(there)
    assert (None, "s-9") == (sent.error, sent.known.provider_id)
    # The next one finds the same record, which is somebody's already.
    assert MaybeSent is type(send(there).error)
