"""Deliveries: the order of statuses, times, prices, and plain data there and back."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import (
    Attempt,
    Considered,
    Delivery,
    DeliveryReport,
    Event,
    Evidence,
    InboundMessage,
    Outcome,
    Price,
    Status,
    aware,
)
from polysms.errors import Reason

NOW = datetime(2026, 4, 14, 13, 51, 16, tzinfo=UTC)
NAIVE = datetime(2026, 4, 14, 13, 51, 16)
DETROIT = timezone(timedelta(hours=-4))

#: What providers say of a message, the most telling first.
RANKED = [
    Status.READ,
    Status.DELIVERED,
    Status.UNDELIVERED,
    Status.FAILED,
    Status.REJECTED,
    Status.EXPIRED,
    Status.UNREPORTED,
    Status.SENT,
    Status.QUEUED,
    Status.UNRECOGNIZED,
]
#: What only we say, before or beside a provider.
OURS = [Status.PENDING, Status.NOT_SENT, Status.MAYBE_SENT, Status.CANCELLED]
FINAL = {*RANKED[:7], Status.RECEIVED, Status.CANCELLED}


def test_ranks() -> None:
    """The order of knowledge, in which the highest seen is a message's status."""
    assert RANKED == sorted(RANKED, key=lambda status: status.rank, reverse=True)
    assert len(Status) == len({status.rank for status in Status})


@pytest.mark.parametrize("ours", OURS)
def test_what_a_provider_says_outranks_what_we_say(ours: Status) -> None:
    """Once a provider has said anything of a message, our own word for it is over."""
    assert [] == [said for said in [*RANKED, Status.RECEIVED] if said.rank <= ours.rank]


def test_statuses_are_all_in_the_tables() -> None:
    """No status goes without a rule."""
    assert {*RANKED, *OURS, Status.RECEIVED} == set(Status)


@pytest.mark.parametrize("status", Status)
def test_final(status: Status) -> None:
    """A final status is one after which nothing more is expected from the provider."""
    assert (status in FINAL) is status.final
    assert (status in FINAL) is Delivery(id=None, status=status).final


@given(st.permutations(RANKED), st.lists(st.sampled_from(RANKED)))
def test_order_of_reports_does_not_matter(order: list[Status], more: list[Status]) -> None:
    """Reports may come twice and in any order: the highest rank is the same."""
    assert Status.READ is max([*more, *order], key=lambda status: status.rank)


@pytest.mark.parametrize("status", Status)
def test_status_is_its_word(status: Status) -> None:
    """A status reads as its name, in JSON too."""
    assert (status.name, f'"{status.name}"') == (str(status), json.dumps(status))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (Price(Decimal("0.02")), "0.02 USD"),
        (Price(Decimal("0.0200"), "EUR"), "0.0200 EUR"),
        (Price(Decimal(0)), "0 USD"),
    ],
)
def test_price(price: Price, expected: str) -> None:
    """A price reads as people write it, with every digit the provider gave."""
    assert expected == str(price)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, "None"),
        (NAIVE, "2026-04-14 13:51:16+00:00"),
        (NOW, "2026-04-14 13:51:16+00:00"),
        (NAIVE.replace(tzinfo=DETROIT), "2026-04-14 13:51:16-04:00"),
    ],
)
def test_aware(said: datetime | None, expected: str) -> None:
    """A time without a zone is UTC; one with a zone stays as it is."""
    assert expected == str(aware(said))


ATTEMPT: dict[str, Any] = {
    "account": "wavix",
    "provider": "wavix",
    "reference": "r1",
    "started_at": NOW,
}
REPORT: dict[str, Any] = {
    "event_id": "e1",
    "account": "wavix",
    "provider": "wavix",
    "provider_id": "p1",
}
TIMES = ("created_at", "sent_at", "delivered_at", "changed_at", "status_changed_at")


@pytest.mark.parametrize("name", TIMES)
def test_times_of_a_delivery_are_aware(name: str) -> None:
    """Some providers leave the zone out: every time of a delivery has one."""
    times: dict[str, Any] = {name: NAIVE}
    found = Delivery(id="1", status=Status.SENT, **times)
    assert NOW == getattr(found, name)


@pytest.mark.parametrize("name", ["at", "received_at"])
def test_times_of_an_event_are_aware(name: str) -> None:
    """As for a delivery."""
    times: dict[str, Any] = {"received_at": NOW, name: NAIVE}
    events: list[Event] = [
        DeliveryReport(**REPORT, status=Status.SENT, **times),
        InboundMessage(**REPORT, from_="+13135550123", to="12345", **times),
    ]
    assert [NOW, NOW] == [getattr(event, name) for event in events]


@pytest.mark.parametrize(
    ("ended", "expected"), [(None, None), (NOW, 0.0), (NOW + timedelta(milliseconds=1500), 1.5)]
)
def test_seconds_of_an_attempt(ended: datetime | None, expected: float | None) -> None:
    """An attempt took the seconds from its start to its end, None while it runs."""
    assert expected == Attempt(**ATTEMPT, ended_at=ended).seconds


@pytest.mark.parametrize(
    ("predicted", "billed", "expected"),
    [(None, None, None), (1, None, 1), (1, 2, 2), (1, 0, 0), (None, 3, 3)],
)
def test_segments(predicted: int | None, billed: int | None, expected: int | None) -> None:
    """Segments are the billed ones where the provider says so, else the predicted."""
    found = Delivery(
        id="1", status=Status.SENT, segments_predicted=predicted, segments_billed=billed
    )
    assert expected == found.segments


WHOLE = Delivery(
    id="0192f3a1",
    status=Status.DELIVERED,
    raw_status="delivered",
    account="main-wavix",
    provider="wavix",
    provider_id="871b4eeb",
    reference="r2",
    kind="mms",
    to="+13135550123",
    from_="+13137890021",
    text="canary-text",
    media=("https://example.com/canary-media",),
    segments_predicted=1,
    segments_billed=2,
    price=Price(Decimal("0.0200"), "EUR"),
    fees=Price(Decimal("0.003")),
    mcc="310",
    mnc="260",
    error_code="0",
    error_text="canary-error",
    reason=Reason.OTHER,
    created_at=NAIVE,
    sent_at=NAIVE.replace(tzinfo=DETROIT),
    delivered_at=NOW,
    key="otp:+13135550123",
    tag="tag of +13135550123",
    attempts=(
        Attempt(**ATTEMPT, outcome=Outcome.NOT_SENT, evidence=Evidence.REFUSAL, code="401"),
        Attempt(
            **ATTEMPT,
            ended_at=NOW,
            outcome=Outcome.ACCEPTED,
            evidence=Evidence.ACCEPTED,
            reason=Reason.OTHER,
            from_="+13137890021",
            retry_after=1.5,
            unsupported=("tag",),
            warnings=("a warning",),
        ),
    ),
    considered=(Considered(account="carrierx", chosen=False, why="has no sender"),),
    raw={"message_id": "871b4eeb", "list": [1, None, {"canary": True}]},
)


def test_to_dict() -> None:
    """Plain data has words and numbers that JSON can carry, and the segments for readers."""
    plain = WHOLE.to_dict()
    assert ("DELIVERED", 2, {"amount": "0.0200", "currency": "EUR"}) == (
        plain["status"],
        plain["segments"],
        plain["price"],
    )
    assert "2026-04-14T13:51:16+00:00" == plain["created_at"]
    assert ["not_sent", "accepted"] == [attempt["outcome"] for attempt in plain["attempts"]]
    names = {field.name for field in attrs.fields(Delivery)}
    assert names | {"segments"} == set(plain)


@pytest.mark.parametrize("delivery", [WHOLE, Delivery(id=None, status=Status.UNRECOGNIZED)])
def test_from_dict(delivery: Delivery) -> None:
    """A delivery that went through JSON is the same delivery, types and all."""
    again = Delivery.from_dict(json.loads(json.dumps(delivery.to_dict())))
    assert delivery == again
    assert [type(field) for field in attrs.astuple(delivery, recurse=False)] == [
        type(field) for field in attrs.astuple(again, recurse=False)
    ]


TIMES_OF_ANY = st.one_of(
    st.none(), st.datetimes(timezones=st.sampled_from([UTC, DETROIT])), st.datetimes()
)
WORDS = st.one_of(st.none(), st.text(max_size=10))
PRICES = st.one_of(
    st.none(), st.builds(Price, st.decimals(allow_nan=False, allow_infinity=False), st.text())
)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.builds(
        Delivery,
        id=WORDS,
        status=st.sampled_from(Status),
        to=WORDS,
        text=WORDS,
        media=st.lists(st.text(max_size=5), max_size=2).map(tuple),
        price=PRICES,
        fees=PRICES,
        reason=st.one_of(st.none(), st.sampled_from(Reason)),
        created_at=TIMES_OF_ANY,
        sent_at=TIMES_OF_ANY,
        raw=st.dictionaries(st.text(max_size=5), PLAIN, max_size=3),
    )
)
def test_any_delivery_comes_back(delivery: Delivery) -> None:
    """Plain data loses nothing, whatever a provider said."""
    assert delivery == Delivery.from_dict(json.loads(json.dumps(delivery.to_dict())))


def test_pickle() -> None:
    """A delivery crosses to a worker and is the same there."""
    assert pickle.loads(pickle.dumps(WHOLE)) == WHOLE  # noqa: S301 - our own


@pytest.mark.parametrize("kind", [Attempt, Considered, Delivery, DeliveryReport, InboundMessage])
def test_fields_are_said_by_name(kind: type[attrs.AttrsInstance]) -> None:
    """So many fields have no order that anyone remembers."""
    assert [] == [field.name for field in attrs.fields(kind) if not field.kw_only]


PRIVATE: list[Any] = [
    WHOLE,
    WHOLE.attempts[1],
    InboundMessage(
        **REPORT,
        from_="+13135550123",
        to="+13137890021",
        received_at=NOW,
        text="canary-text",
        media=("https://example.com/canary",),
        raw={"canary": 1},
    ),
    DeliveryReport(
        **REPORT,
        status=Status.SENT,
        received_at=NOW,
        key="otp:+13135550123",
        tag="tag of +13135550123",
        raw={"canary": 1},
    ),
]


@pytest.mark.parametrize("value", PRIVATE)
def test_hash(value: Any) -> None:
    """All of these can be in a set, though what the provider said is a mapping."""
    assert 1 == len({value, attrs.evolve(value)})


@pytest.mark.parametrize("value", PRIVATE)
def test_shows_nothing_private(value: Any) -> None:
    """The repr of what became of a message has no text, no URL and no whole number."""
    for shown in (repr(value), str(value), f"{[value]}"):
        assert "canary" not in shown
        assert "313555" not in shown
        assert "313789" not in shown
    assert "***" in repr(value)
