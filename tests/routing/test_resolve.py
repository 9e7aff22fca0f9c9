"""Resolving: acceptance is proved by a record, absence by two looks with a watermark; no sends."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.config import Config
from polysms.delivery import Attempt, Delivery, Evidence, Outcome, Status
from polysms.errors import LookupFailed
from polysms.providers.base import Response
from polysms.routing.finding import MOST_PAGES
from polysms.routing.plan import Memory
from polysms.routing.resolve import HORIZON, resolve
from polysms.routing.steps import Answer, Call, Failure, Stage, Step, Wait, World

TO = "+13135550123"
START = datetime(2026, 4, 14, 12, tzinfo=UTC)
#: When the attempt of these tests can no longer be under way, in seconds after its start.
EXPIRY = 90.0
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
CONFIG = Config.from_mapping({"accounts": ACCOUNTS, "default": "wavix"})


@attrs.frozen
class Held:
    """A message a provider has: taken at a second, and in its list from another one on."""

    reference: str | None
    taken: float
    shown: float
    text: str | None = "x"
    to: str = TO
    kind: str = "sms"
    id: str = "m-1"


class Phone:
    """A provider's list on a clock of its own, which moves as the steps wait."""

    def __init__(self, *held: Held, now: float = 0.0) -> None:
        self.held = held
        self.seconds = now
        self.asked: list[Call] = []
        self.trouble: list[Response | Failure] = []

    def world(self) -> World:
        """Return a world on this clock."""
        return World(
            now=lambda: START + timedelta(seconds=self.seconds),
            clock=lambda: self.seconds,
            new_id=lambda: "never",
        )

    def answer(self, call: Call) -> Response | Failure:
        """Return what the list shows of what the call asks for."""
        self.asked.append(call)
        if self.trouble:
            return self.trouble.pop(0)
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(call.request.url).query).items()
        }
        shown = [one for one in self.held if one.shown <= self.seconds]
        return _ANSWERS[call.account.name](shown, query)


def _wavix(shown: list[Held], query: dict[str, str]) -> Response:
    tag = query.get("tag")
    items = [
        {"message_id": one.id, "status": "sent", "tag": one.reference, "to": one.to}
        | {"message_body": {"text": one.text}, "message_type": one.kind}
        for one in shown
        if tag in {None, one.reference}
    ]
    return _json({"items": items, "pagination": {"total_pages": 1}})


def _carrierx(shown: list[Held], query: dict[str, str]) -> Response:
    items = [
        {"message_sid": one.id, "status": "sent", "user_data": one.reference, "to": one.to}
        for one in shown
        if one.reference and f'user_data eq "{one.reference}"' in query["filter"]
    ]
    return _json({"items": items, "has_more": False})


def _signalwire(shown: list[Held], query: dict[str, str]) -> Response:
    del query
    data = [
        {"id": one.id, "status": "sent", "to": one.to, "kind": one.kind, "direction": "outbound"}
        | {"created_at": (START + timedelta(seconds=one.taken)).isoformat()}
        for one in shown
    ]
    return _json({"data": data, "links": {}})


_ANSWERS = {"wavix": _wavix, "carrierx": _carrierx, "signalwire": _signalwire}


def _json(body: object) -> Response:
    return Response(200, {}, json.dumps(body).encode())


def attempt(account: str = "wavix", **facts: Any) -> Attempt:
    """Return an attempt that may have been sent."""
    grade = "heuristic" if account == "signalwire" else "exact"
    known: dict[str, Any] = {
        "account": account,
        "provider": account,
        "reference": "r-1",
        "started_at": START,
        "expires_at": START + timedelta(seconds=EXPIRY),
        "outcome": Outcome.MAYBE_SENT,
        "evidence": Evidence.NO_ANSWER,
        "lookup": grade,
    }
    return Attempt(**{**known, **facts})


def unclear(*attempts: Attempt) -> Delivery:
    """Return a delivery that may have been sent."""
    return Delivery(
        id="d-1",
        status=Status.MAYBE_SENT,
        to=TO,
        text="x",
        attempts=attempts or (attempt(),),
    )


def later(account: str = "wavix", at: float = EXPIRY + 1) -> Memory:
    """Return a memory of an attempt that was accepted later."""
    memory = Memory()
    accepted = attempt(
        account,
        reference="r-2",
        started_at=START + timedelta(seconds=at),
        outcome=Outcome.ACCEPTED,
        provider_id="m-2",
    )
    memory.ended(accepted, TO)
    return memory


def looked(  # noqa: PLR0913 - each by name
    delivery: Delivery,
    phone: Phone,
    memory: Memory | None = None,
    within: float = 0.0,
    *,
    known: bool = True,
    likely: bool = False,
) -> Delivery:
    """Step one resolve to its end; every request must be a look and no send."""
    memory = memory or Memory()
    for one in delivery.attempts if known else ():
        if one.outcome is Outcome.MAYBE_SENT:
            memory.ended(one, TO)
    steps: Generator[Step, Answer, Delivery] = resolve(
        delivery,
        CONFIG.accounts,
        memory,
        phone.world(),
        within=within,
        seconds=5.0,
        likely=likely,
    )
    answer: Answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as stop:
            found = stop.value
            assert isinstance(found, Delivery)
            return found
        answer = None
        if isinstance(step, Wait):
            phone.seconds += step.seconds
        else:
            assert isinstance(step, Call)
            assert "GET" == step.request.method
            answer = phone.answer(step)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_found(account: str) -> None:
    """A record with the attempt's reference, or the only likely one, proves the acceptance."""
    phone = Phone(Held("r-1", 1.0, 2.0), now=3.0)
    found = looked(unclear(attempt(account)), phone)
    assert (Status.SENT, "m-1", account) == (found.status, found.provider_id, found.account)
    settled = found.attempts[0]
    assert (Outcome.ACCEPTED, Evidence.FOUND, "m-1") == (
        settled.outcome,
        settled.evidence,
        settled.provider_id,
    )


@pytest.mark.parametrize("account", ACCOUNTS)
def test_not_shown_yet_proves_nothing(account: str) -> None:
    """A list lags: a look in vain leaves the message maybe sent, however late."""
    for now in (3.0, EXPIRY + 10 * HORIZON):
        found = looked(unclear(attempt(account)), Phone(now=now))
        assert (Status.MAYBE_SENT, ()) == (found.status, found.attempts[0].looks)


def test_goes_on_looking() -> None:
    """``within`` waits for a list that lags, in growing steps."""
    phone = Phone(Held("r-1", 1.0, 9.0), now=2.0)
    found = looked(unclear(), phone, within=30.0)
    assert (Status.SENT, 4, 9.0) == (found.status, len(phone.asked), phone.seconds)


def test_stops_looking_in_time() -> None:
    """What does not turn up within the time stays as it was."""
    phone = Phone(now=2.0)
    assert Status.MAYBE_SENT is looked(unclear(), phone, within=10.0).status
    assert phone.seconds <= 12.0


def test_proved_absent() -> None:
    """Two looks in vain with a watermark, each a horizon later, prove that it was not taken."""
    phone = Phone(Held("r-2", EXPIRY + 1, EXPIRY + 2, id="m-2"), now=EXPIRY + HORIZON)
    once = looked(unclear(), phone, later())
    assert (Status.MAYBE_SENT, 1) == (once.status, len(once.attempts[0].looks))
    phone.seconds += HORIZON - 1
    early = looked(once, phone, later())
    assert once.attempts == early.attempts
    phone.seconds += 1
    proved = looked(early, phone, later())
    assert (Status.NOT_SENT, True) == (proved.status, proved.retry_later)
    assert (Outcome.NOT_SENT, Evidence.ABSENT) == (
        proved.attempts[0].outcome,
        proved.attempts[0].evidence,
    )


def test_proved_absent_in_one_call() -> None:
    """With time enough one call looks until absence is proved."""
    phone = Phone(Held("r-2", EXPIRY + 1, EXPIRY + 2, id="m-2"), now=EXPIRY + 2)
    proved = looked(unclear(), phone, later(), within=300.0)
    assert (Status.NOT_SENT, 2) == (proved.status, len(proved.attempts[0].looks))
    assert EXPIRY + 2 * HORIZON <= phone.seconds


NO_PROOF: list[tuple[str, Attempt, Memory, tuple[Held, ...]]] = [
    ("no watermark", attempt(), Memory(), ()),
    ("a watermark that the list does not show", attempt(), later(), ()),
    (
        "a watermark from before the attempt had ended",
        attempt(),
        later(at=EXPIRY),
        (Held("r-2", EXPIRY, EXPIRY, id="m-2"),),
    ),
    (
        "a watermark of another account",
        attempt("carrierx"),
        later("wavix"),
        (Held("r-2", EXPIRY + 1, EXPIRY + 1, id="m-2"),),
    ),
    (
        "a 2xx was read: it is theirs, and waits for its id",
        attempt(evidence=Evidence.ACCEPTED_WITHOUT_ID),
        later(),
        (Held("r-2", EXPIRY + 1, EXPIRY + 1, id="m-2"),),
    ),
    (
        "a search by likeness",
        attempt("signalwire"),
        later("signalwire"),
        (Held("r-2", 200.0, 200.0, id="m-2"),),
    ),
]


@pytest.mark.parametrize(
    ("sought", "memory", "held"),
    [row[1:] for row in NO_PROOF],
    ids=[row[0] for row in NO_PROOF],
)
def test_no_proof_of_absence(sought: Attempt, memory: Memory, held: tuple[Held, ...]) -> None:
    """Without each part of the proof, no number of looks makes an absence."""
    phone = Phone(*held, now=EXPIRY + HORIZON)
    found = looked(unclear(sought), phone, memory, within=3600.0)
    assert (Status.MAYBE_SENT, ()) == (found.status, found.attempts[0].looks)


LIKELY: list[tuple[str, tuple[Held, ...], bool]] = [
    ("exactly one", (Held(None, 1.0, 1.0),), True),
    ("two", (Held(None, 1.0, 1.0), Held(None, 2.0, 2.0, id="m-3")), False),
    ("another number", (Held(None, 1.0, 1.0, to="+13135550199"),), False),
    ("another kind", (Held(None, 1.0, 1.0, kind="mms"),), False),
    ("too early", (Held(None, -600.0, 1.0),), False),
    ("too late", (Held(None, 600.0, 1.0),), False),
    ("one that is another's", (Held(None, 1.0, 1.0, id="m-2"),), False),
    (
        "one beside one that is another's",
        (Held(None, 1.0, 1.0, id="m-2"), Held(None, 1.0, 1.0)),
        True,
    ),
]


@pytest.mark.parametrize(
    ("held", "adopted"), [row[1:] for row in LIKELY], ids=[row[0] for row in LIKELY]
)
def test_likeness(held: tuple[Held, ...], adopted: bool) -> None:  # noqa: FBT001
    """Without references, exactly one likely record that belongs to nobody else is adopted."""
    memory = later("signalwire", at=1.0)
    found = looked(unclear(attempt("signalwire")), Phone(*held, now=700.0), memory)
    assert (Status.SENT if adopted else Status.MAYBE_SENT) is found.status


def test_likeness_of_a_strangers_attempt() -> None:
    """Whoever does not know what else was sent takes a likely record only when told to."""
    phone, delivery = Phone(Held(None, 1.0, 1.0), now=3.0), unclear(attempt("signalwire"))
    assert Status.MAYBE_SENT is looked(delivery, phone, known=False).status
    assert Status.SENT is looked(delivery, phone, known=False, likely=True).status
    nobody = attrs.evolve(delivery, to=None)
    assert Status.MAYBE_SENT is looked(nobody, phone, known=False, likely=True).status


def test_learns_from_what_it_is_given() -> None:
    """An accepted attempt in a delivery is nobody else's, and shows how far the list has come."""
    memory = Memory()
    accepted = attempt(
        outcome=Outcome.ACCEPTED,
        reference="r-2",
        provider_id="m-2",
        started_at=START + timedelta(seconds=EXPIRY + 1),
    )
    looked(unclear(accepted), Phone(now=3.0), memory)
    mark = memory.watermark("wavix", START)
    assert (True, "r-2") == (memory.owns("wavix", "m-2"), mark and mark.reference)


def test_an_account_without_a_list() -> None:
    """Not being able to look says nothing of what was sent: never a NotSent."""
    config = Config.from_mapping({"accounts": {"memory": {"sender": "Acme"}}})
    steps = resolve(
        unclear(attempt("memory", lookup="exact")),
        config.accounts,
        Memory(),
        Phone().world(),
        within=0.0,
        seconds=5.0,
    )
    with pytest.raises(LookupFailed, match="cannot list"):
        next(steps)


def test_a_tag_of_the_callers_own_leaves_likeness() -> None:
    """Where the caller's tag took our place on the wire, text, number and time must do."""
    own = attempt(lookup="heuristic")
    mine, other = Held("campaign", 1.0, 1.0), Held("campaign", 1.0, 1.0, text="y", id="m-3")
    phone = Phone(mine, other, now=3.0)
    assert Status.SENT is looked(unclear(own), phone).status
    assert "tag=" not in phone.asked[0].request.url


class Endless(Phone):
    """A list whose pages never end."""

    def answer(self, call: Call) -> Response | Failure:
        """Return a page that names the next."""
        self.asked.append(call)
        following = f"/api/messaging/logs?page_token=PA{len(self.asked)}"
        return _json({"data": [], "links": {"next": following}})


def test_a_list_too_long_to_look_through() -> None:
    """Likeness needs the whole list: one that does not end is no answer, and the look does."""
    phone = Endless(now=3.0)
    with pytest.raises(LookupFailed, match="too many messages"):
        looked(unclear(attempt("signalwire")), phone)
    assert MOST_PAGES == len(phone.asked)


def test_several_copies_are_told() -> None:
    """Several records of one reference are several copies: taken, with a warning."""
    phone = Phone(Held("r-1", 1.0, 1.0), Held("r-1", 1.0, 1.0, id="m-9"), now=3.0)
    found = looked(unclear(), phone)
    assert ("m-1", ("2 copies of it were found",)) == (
        found.provider_id,
        found.attempts[0].warnings,
    )


def test_adopted_only_once() -> None:
    """A record that one delivery has adopted is no other's."""
    memory, phone = Memory(), Phone(Held(None, 1.0, 1.0), now=3.0)
    first = looked(unclear(attempt("signalwire")), phone, memory)
    second = looked(unclear(attempt("signalwire", reference="r-8")), phone, memory)
    assert [Status.SENT, Status.MAYBE_SENT] == [first.status, second.status]


def test_rivals_adopt_nothing() -> None:
    """Where two unclear attempts could have left the one record, neither takes it."""
    memory, phone = Memory(), Phone(Held(None, 1.0, 1.0), now=3.0)
    mine = attempt("signalwire")
    others = {
        "at once": attempt("signalwire", reference="r-8"),
        "later": attempt("signalwire", reference="r-9", started_at=START + timedelta(hours=1)),
    }
    memory.ended(others["later"], TO)
    memory.ended(attempt("wavix", reference="r-7", lookup="heuristic"), TO)
    memory.ended(attempt("signalwire", reference="r-6"), "+13135550100")
    memory.ended(others["at once"], TO)
    assert Status.MAYBE_SENT is looked(unclear(mine), phone, memory).status
    memory.ended(attrs.evolve(others["at once"], outcome=Outcome.NOT_SENT), TO)
    assert Status.SENT is looked(unclear(mine), phone, memory).status


def test_the_latest_watermark_stays() -> None:
    """An older attempt that is settled later moves no watermark back."""
    memory = later(at=EXPIRY + 50)
    memory.ended(attempt(outcome=Outcome.ACCEPTED, provider_id="m-1"), TO)
    mark = memory.watermark("wavix", START)
    assert mark is not None
    assert "r-2" == mark.reference


def test_each_unclear_attempt_is_looked_for() -> None:
    """Two copies may exist: each is found at its own account."""
    delivery = unclear(attempt(), attempt("carrierx", reference="r-5"))
    phone = Phone(Held("r-1", 1.0, 1.0), Held("r-5", 2.0, 2.0, id="m-5"), now=3.0)
    found = looked(delivery, phone)
    assert ["m-1", "m-5"] == [one.provider_id for one in found.attempts]
    assert ("carrierx", "m-5") == (found.account, found.provider_id)


def test_one_absent_and_one_unknown_is_maybe_sent() -> None:
    """NOT_SENT is said only where it is proved of every attempt."""
    delivery = unclear(attempt(), attempt("signalwire", reference="r-5"))
    phone = Phone(Held("r-2", 9999.0, EXPIRY + 1, id="m-2"), now=EXPIRY + 40)
    found = looked(delivery, phone, later(), within=300.0)
    assert [Outcome.NOT_SENT, Outcome.MAYBE_SENT] == [one.outcome for one in found.attempts]
    assert (Status.MAYBE_SENT, False) == (found.status, found.retry_later)


TROUBLE: list[Response | Failure] = [
    Failure(stage=Stage.WHOLE, text="no answer in time"),
    Response(500, {}, b""),
    Response(401, {}, b""),
    Response(200, {}, b"<html>"),
]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_no_answer_is_lookup_failed(trouble: Response | Failure) -> None:
    """A look that gets no answer raises LookupFailed, and the delivery stays as it was."""
    phone, delivery = Phone(Held("r-1", 1.0, 1.0), now=3.0), unclear()
    phone.trouble = [trouble]
    with pytest.raises(LookupFailed) as raised:
        looked(delivery, phone)
    assert delivery == raised.value.delivery


def test_trouble_is_outlived() -> None:
    """With time left, a look that got no answer is made again."""
    phone = Phone(Held("r-1", 1.0, 1.0), now=3.0)
    phone.trouble = [TROUBLE[0], TROUBLE[1]]
    assert Status.SENT is looked(unclear(), phone, within=20.0).status


CLOSED: list[Attempt] = [
    attempt(outcome=Outcome.ACCEPTED),
    attempt(outcome=Outcome.NOT_SENT),
    attempt(outcome=None),
    attempt(lookup="none"),
]


@pytest.mark.parametrize("settled", CLOSED)
def test_nothing_to_look_for(settled: Attempt) -> None:
    """What is known, is still under way, or can never be found is not looked for."""
    phone, delivery = Phone(now=3.0), unclear(settled)
    assert delivery == looked(delivery, phone, within=60.0)
    assert [] == phone.asked


def test_an_attempt_never_closed_is_looked_for() -> None:
    """An attempt without an end (a killed process) is unclear once it has expired."""
    phone = Phone(Held("r-1", 1.0, 1.0), now=EXPIRY + 1)
    assert Status.SENT is looked(unclear(attempt(outcome=None)), phone).status


@given(
    taken=st.one_of(st.none(), st.floats(0, EXPIRY)),
    lag=st.floats(0, 2000),
    mark=st.floats(0, 1000),
    looks=st.lists(st.floats(0, 400), min_size=1, max_size=8),
)
def test_what_was_taken_is_never_called_absent(
    taken: float | None, lag: float, mark: float, looks: list[float]
) -> None:
    """Whatever the lag: a list that keeps its order never proves the absence of what it holds."""
    held = [Held("r-2", mark, mark + lag, id="m-2")]
    if taken is not None:
        # Kept in order: what was taken earlier is shown no later.
        shown = taken + lag if taken > mark else min(taken + lag, mark + lag)
        held.append(Held("r-1", taken, shown))
    phone, delivery = Phone(*held), unclear()
    for wait in looks:
        phone.seconds += wait
        delivery = looked(delivery, phone, later(at=mark))
    assert (taken is None) or Status.NOT_SENT is not delivery.status
    assert (taken is not None) or Status.SENT is not delivery.status
