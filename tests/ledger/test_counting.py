"""The database counts as reading every row in Python does, in whatever order things were heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from polysms.delivery import Attempt, DeliveryReport, Outcome, Price, Status
from polysms.errors import Reason
from polysms.ledger import Ledger, counting
from polysms.ledger.tables import assignments, attempts, events, messages
from polysms.report import BUCKETS, Cell, Clock, Cost, Rescue, Segments, Stratum, bucket
from polysms.routing.assigning import Assignment
from polysms.routing.assigning import Stratum as Drawn
from tests.ledger import histories, scenes
from tests.ledger.histories import ROUTE, History

DAY = timedelta(days=1)
ARRIVED = {Status.DELIVERED, Status.READ}
FAILED = {Status.UNDELIVERED, Status.FAILED, Status.REJECTED, Status.EXPIRED}
EDGES = sorted({edge + near for edge, _ in BUCKETS for near in (-1, 0, 1)} | set(range(0, 3000, 7)))


def test_buckets_are_those_of_the_report(ledger: Ledger) -> None:
    """The database finds the bucket of each delay that the report finds, at every edge too."""
    values = ", ".join(f"({ms})" for ms in EDGES)
    listed = f"WITH given(ms) AS (VALUES {values})"
    words = f"{listed} SELECT ms, {counting.middle('ms')} FROM given"  # noqa: S608 - our own words

    found = ledger._read(lambda one: one.execute(text(words)).all())  # noqa: SLF001 - no other way

    assert {ms: bucket(ms / 1000) for ms in EDGES} == {ms: halves / 2000 for ms, halves in found}


# What may happen to a message: at the account that it was given to, and at another after it.


@attrs.frozen
class Said:
    """A report: of which of the attempts, what, when we heard it, and the provider's own time."""

    copy: int
    status: Status
    after: float
    ahead: float | None


@attrs.frozen
class Story:
    """One message and all that happens to it."""

    account: str
    stratum: Drawn
    outcome: Outcome
    reason: Reason | None
    price: Decimal | None
    rescued: bool
    said: tuple[Said, ...]
    confirmed: bool


SAID = st.builds(
    Said,
    st.integers(0, 1),
    st.sampled_from(sorted({*ARRIVED, *FAILED, Status.SENT, Status.UNREPORTED})),
    st.integers(0, 100_000).map(lambda ms: ms / 1000),
    st.none() | st.integers(-2000, 2000).map(lambda ms: ms / 1000),
)
STORIES = st.builds(
    Story,
    st.sampled_from(["wavix", "signalwire"]),
    st.builds(Drawn, st.sampled_from(["US", "GB"]), st.just("sms"), st.integers(1, 2)),
    st.sampled_from([*Outcome, Outcome.ACCEPTED]),
    st.sampled_from([None, Reason.INVALID_NUMBER, Reason.CONTENT]),
    st.none() | st.sampled_from([Decimal("0.0079"), Decimal("0.02")]),
    st.booleans(),
    st.lists(SAID, max_size=4).map(tuple),
    st.booleans(),
)


@attrs.define
class Kept:
    """A message as it was written, for the reference."""

    story: Story
    history: History


def played(ledger: Ledger, stories: Sequence[Story], shuffle: Callable[[list[Any]], None]) -> None:
    """Write the messages, and their reports in some order, some of them twice."""
    clock = histories.Clock()
    kept = [Kept(story, History(ledger, clock)) for story in stories]
    for one in kept:
        _sent(one.story, one.history)
    reports = [(one, said) for one in kept for said in one.story.said]
    shuffle(reports)
    for number, (one, said) in enumerate(reports):
        copies = [copy for copy in one.history.attempts if copy.outcome is Outcome.ACCEPTED]
        if said.copy < len(copies):
            for _ in range(1 + number % 2):
                ledger.record(_report(said, copies[said.copy]))
    for one in kept:
        if one.story.confirmed:
            ledger.outbox.confirm(one.history.id, None)


def _report(said: Said, copy: Attempt) -> Any:
    heard = scenes.NOW + timedelta(seconds=said.after)
    at = None if said.ahead is None else heard + timedelta(seconds=said.ahead)
    name = f"{copy.reference}:{said.status}:{said.after}:{said.ahead}"
    return scenes.report(copy, said.status, event_id=name, received_at=heard, at=at)


def _sent(story: Story, history: History) -> None:
    given = Assignment(
        experiment="e1",
        route=ROUTE,
        account=story.account,
        probability=0.5,
        stratum=story.stratum,
    )
    # Its segments are counted from its text.
    history.message = scenes.message("x" * (1 + 160 * (story.stratum.segments - 1)))
    history.begin(story.account, given)
    reason = story.reason if story.outcome is Outcome.NOT_SENT else None
    price = None if story.price is None else Price(story.price, "USD")
    paid = price if story.outcome is Outcome.ACCEPTED else None
    history.attempts[-1] = scenes.closed(
        history.attempts[-1], story.outcome, reason=reason, price=paid
    )
    if story.rescued:
        history.begin("carrierx")
        history.attempts[-1] = scenes.closed(history.attempts[-1], provider_id=scenes.fresh())
    predicted = {"segments_predicted": story.stratum.segments}
    said = scenes.ended(history.id, history.message, *history.attempts, **predicted)
    history.ledger.ended(said, history.message)


# The obvious way: read every message, attempt and report, and count.


def reference(ledger: Ledger, now: datetime) -> dict[tuple[str, Stratum], dict[str, Any]]:
    """Return what is to be counted, from rows alone."""
    given = ledger._read(lambda one: one.execute(assignments.select()).mappings().all())  # noqa: SLF001
    found: dict[tuple[str, Stratum], dict[str, Any]] = {}
    rescues: Counter[tuple[str, str]] = Counter()
    for row in given:
        entry = ledger.entry(row["message_id"])
        assert entry is not None
        stratum = Stratum(row["country"], row["kind"], entry.delivery.segments_predicted or 0)
        place = (row["account"], stratum)
        counts = found.setdefault(place, _nothing())
        _count(counts, ledger, entry, row["account"], now)
        rescues.update(_others(entry, row["account"]))
    for place, counts in found.items():
        first = min(one for one in found if one[0] == place[0])
        if place == first:
            counts["rescue"] = {
                name: count for (account, name), count in rescues.items() if account == place[0]
            }
    return found


def _nothing() -> dict[str, Any]:
    names = ("counts", "refused", "delays", "ages", "costs", "segments", "rescue")
    return {**{name: Counter() for name in names}, "skew": []}


def _count(counts: dict[str, Any], ledger: Ledger, entry: Any, account: str, now: datetime) -> None:
    own = [one for one in entry.delivery.attempts if one.account == account]
    theirs = {one.provider_id for one in own}
    heard_of = ledger.events(entry.delivery.id)
    said = [
        one for one in heard_of if isinstance(one, DeliveryReport) and one.provider_id in theirs
    ]
    began = entry.delivery.attempts[0].started_at
    outcome = own[0].outcome if own else Outcome.NOT_SENT
    name = _end(own, said)
    plain = counts["counts"]
    plain["assigned"] += 1
    plain["accepted"] += outcome is Outcome.ACCEPTED
    plain["maybe_sent"] += outcome is Outcome.MAYBE_SENT
    plain["confirmed"] += entry.confirmed_at is not None
    plain["arrived"] += any(status in ARRIVED for status in entry.statuses.values())
    if name == "refused":
        counts["refused"][own[-1].reason] += 1
    else:
        plain[name] += 1
    if name == "delivered":
        heard = min(one.received_at for one in said if one.status in ARRIVED)
        counts["delays"][bucket((heard - began).total_seconds())] += 1
    else:
        counts["ages"][bucket((now - began).total_seconds())] += 1
    for one in own:
        if one.price is not None:
            counts["costs"][one.price.amount, name == "delivered"] += 1
    ahead = [
        (one.at - one.received_at).total_seconds()
        for one in said
        if one.at is not None and one.status is not Status.UNREPORTED
    ]
    counts["skew"] += [max(ahead)] if ahead else []


def _end(own: Sequence[Attempt], said: Iterable[Any]) -> str:
    statuses = {one.status for one in said}
    if statuses & ARRIVED:
        return "delivered"
    if statuses & FAILED:
        return "undelivered"
    if Status.UNREPORTED in statuses:
        return "unreported"
    if any(one.outcome is not Outcome.NOT_SENT for one in own):
        return "pending"
    return "refused" if any(one.reason for one in own) else "not_sent"


def _others(entry: Any, account: str) -> Iterator[tuple[str, str]]:
    for one in entry.delivery.attempts:
        if one.account != account:
            yield one.account, "attempts"
            status = entry.statuses.get(one.reference)
            if status in ARRIVED:
                yield one.account, "delivered"
            if status in FAILED:
                yield one.account, "undelivered"


def plainly(cell: Cell) -> dict[str, Any]:
    """Return a cell's counts as the reference has them."""
    counts = cell.counts
    names = (
        *("assigned", "accepted", "maybe_sent", "confirmed", "arrived", "delivered"),
        *("undelivered", "unreported", "pending", "not_sent"),
    )
    assert Segments() == counts.segments
    return {
        "counts": Counter({name: getattr(counts, name) for name in names}),
        "refused": Counter(counts.refused),
        "delays": Counter({one.seconds: one.count for one in counts.delays}),
        "ages": sum((Counter({one.seconds: one.count}) for one in counts.ages), Counter()),
        "costs": {name: _rounded(cost) for name, cost in counts.costs.items()},
        "clock": counts.clock,
        "rescue": counts.rescue,
    }


def expected(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the reference found, with its sums made."""
    skew = found.pop("skew")
    del found["segments"]
    paid = found["costs"]
    costs = {}
    if paid:
        cost = Cost(
            priced=sum(paid.values()),
            total=sum(price * count for (price, _), count in paid.items()),
            squares=sum(float(price) ** 2 * n for (price, _), n in paid.items()),
            delivered=sum(count for (_, arrived), count in paid.items() if arrived),
            delivered_total=sum(
                (price * count for (price, arrived), count in paid.items() if arrived), Decimal(0)
            ),
        )
        costs["USD"] = _rounded(cost)
    ahead = [one for one in skew if one > 0]
    clock = Clock(reports=len(skew), ahead=len(ahead), worst=max([0.0, *skew]))
    rescue = Rescue(**found["rescue"])
    return {**found, "costs": costs, "clock": clock, "rescue": rescue}


def _rounded(cost: Cost) -> Cost:
    """Return a cost without what depends on the order in which floats are added up."""
    return attrs.evolve(cost, squares=round(cost.squares, 9))


def _empty(ledger: Ledger) -> None:
    def clear(connection: Any) -> None:
        for table in (assignments, events, attempts, messages):
            connection.execute(delete(table))

    ledger._write(clear)  # noqa: SLF001 - a new ledger for each example would take long


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stories=st.lists(STORIES, min_size=1, max_size=6), chance=st.randoms(use_true_random=False))
def test_counts_are_those_of_reading_every_row(
    ledger: Ledger, stories: list[Story], chance: Any
) -> None:
    """Whatever happened, heard in whatever order and however often, is counted as rows tell it."""
    _empty(ledger)
    played(ledger, stories, chance.shuffle)
    now = scenes.NOW + DAY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_clock", lambda: now)
        cells = ledger.cells(ROUTE)
        wanted = {place: expected(found) for place, found in reference(ledger, now).items()}

    assert wanted == {(cell.account, cell.stratum): plainly(cell) for cell in cells}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stories=st.lists(STORIES, min_size=1, max_size=4), chance=st.randoms(use_true_random=False))
def test_order_of_reports_changes_nothing(
    ledger: Ledger, stories: list[Story], chance: Any
) -> None:
    """The lines that are counted are the same, whichever report came first."""
    lines = []
    for shuffle in (lambda _: None, chance.shuffle):
        _empty(ledger)
        played(ledger, stories, shuffle)
        lines.append(sorted(_lines(ledger)))

    assert lines[0] == lines[1]


def _lines(ledger: Ledger) -> Iterator[str]:
    rows = ledger._read(lambda one: one.execute(assignments.select()).mappings().all())  # noqa: SLF001
    for row in rows:
        yield str({name: value for name, value in row.items() if name != "message_id"})


def test_price_of_several_attempts_is_their_sum(ledger: Ledger) -> None:
    """A message that one account was given twice costs what both cost."""
    history = History(ledger, histories.Clock())
    history.begin(given=histories.assignment())
    history.end(price=Price(Decimal("0.01"), "USD"))
    history.begin()
    history.end(price=Price(Decimal("0.02"), "USD"))

    assert Decimal("0.03") == histories.only(ledger.cells(ROUTE)).costs["USD"].total
