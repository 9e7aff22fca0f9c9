"""The campaigns in their short form, and proof that their checker finds what it is there to find.

The campaigns themselves run on one Python only (3.13), or wherever POLYSMS_CAMPAIGNS is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from polysms.delivery import Attempt, Evidence, Outcome, Status
from tests.campaigns import (
    audit,
    checker,
    crashes,
    failover_time,
    healing,
    kills,
    lottery,
    side_by_side,
)
from tests.campaigns.audit import Kept, Sent, Tried
from tests.campaigns.checker import PROMISES, Told
from tests.campaigns.crowd import CROWDS
from tests.campaigns.kills import Game, Tally
from tests.campaigns.lottery import Play
from tests.campaigns.phone import Copy
from tests.campaigns.proxy import FAULTS, drawn
from tests.campaigns.town import Town, town

SEED = 7
campaign = pytest.mark.unmeasured

STARTED = datetime(2026, 4, 14, 12, tzinfo=UTC)
TAKEN = Attempt(
    account="wavix",
    provider="wavix",
    reference="r-1",
    started_at=STARTED,
    outcome=Outcome.ACCEPTED,
    evidence=Evidence.ACCEPTED,
    provider_id="p-1",
)
UNSURE = attrs.evolve(
    TAKEN, outcome=Outcome.MAYBE_SENT, evidence=Evidence.NO_ANSWER, provider_id=None
)
WITHOUT_ID = attrs.evolve(UNSURE, evidence=Evidence.ACCEPTED_WITHOUT_ID)
UNSENT = attrs.evolve(UNSURE, outcome=Outcome.NOT_SENT, evidence=Evidence.REFUSAL)
LATER = attrs.evolve(TAKEN, account="carrierx", provider="carrierx", reference="r-2")
COPY = Copy(number=1, provider="wavix", provider_id="p-1", reference="r-1")
SENT = Told(outcome=Outcome.ACCEPTED, provider_id="p-1", attempts=(TAKEN,))
MAYBE = Told(outcome=Outcome.MAYBE_SENT, attempts=(UNSURE,))


def case(
    broken: str | None, tale: Told | None, *copies: Copy, most: int = 1, others: Any = None
) -> Any:
    """Return a row: the promise that is broken, and the run in which it is."""
    return pytest.param(broken, {1: tale, **(others or {})}, copies, most, id=broken)


def copy(**changes: Any) -> Copy:
    """Return the copy with other facts."""
    return attrs.evolve(COPY, **changes)


@pytest.mark.parametrize(
    ("broken", "tales", "copies", "most"),
    [
        case(PROMISES[0], None),
        case(PROMISES[1], SENT, COPY, copy(number=2, provider_id="p-2")),
        case(PROMISES[2], SENT),
        case(PROMISES[2], SENT, copy(provider_id="p-9")),
        case(PROMISES[3], Told(outcome=Outcome.NOT_SENT, attempts=(UNSURE,)), COPY),
        case(PROMISES[4], Told(outcome=Outcome.MAYBE_SENT, attempts=(UNSURE, UNSURE)), COPY, COPY),
        case(
            PROMISES[5],
            Told(outcome=Outcome.ACCEPTED, provider_id="p-2", attempts=(UNSENT, LATER)),
            COPY,
            copy(provider="carrierx", provider_id="p-2", reference="r-2"),
            most=2,
        ),
        case(PROMISES[6], MAYBE, copy(reference="r-9")),
        case(
            PROMISES[7],
            Told(outcome=Outcome.MAYBE_SENT, attempts=(WITHOUT_ID, UNSURE)),
            most=2,
        ),
        case(PROMISES[8], SENT, COPY, copy(number=2), others={2: SENT}),
    ],
)
def test_checker_finds(
    broken: str, tales: dict[int, Told | None], copies: tuple[Copy, ...], most: int
) -> None:
    """Each promise that is broken is found, and no other is called broken."""
    found = checker.findings(sorted(tales), tales, copies, most)

    assert {broken} == {finding.promise for finding in found}


@pytest.mark.parametrize(
    ("tale", "copies", "most"),
    [
        (SENT, (COPY,), 1),
        (MAYBE, (COPY,), 1),
        (MAYBE, (), 1),
        (Told(outcome=Outcome.NOT_SENT, attempts=(UNSENT,)), (), 1),
        (
            Told(outcome=Outcome.MAYBE_SENT, attempts=(UNSURE, LATER)),
            (COPY, copy(provider="carrierx", provider_id="p-2", reference="r-2")),
            2,
        ),
    ],
)
def test_checker_is_content(tale: Told, copies: tuple[Copy, ...], most: int) -> None:
    """A run that keeps every promise has no findings."""
    assert [] == checker.findings([1], {1: tale}, copies, most)


def test_faults_follow_from_the_seed() -> None:
    """The same seed, provider and message meet the same fault; a fifth of them meets one."""
    names = [drawn(SEED, "wavix", f"{number}/1", 0.2) for number in range(2000)]

    assert names == [drawn(SEED, "wavix", f"{number}/1", 0.2) for number in range(2000)]
    assert names != [drawn(SEED + 1, "wavix", f"{number}/1", 0.2) for number in range(2000)]
    assert {*FAULTS, None} == set(names)
    assert 300 <= len(names) - names.count(None) <= 500


@pytest.fixture(scope="module")
def place() -> Iterator[Town]:
    """Return a town that stands while the campaigns run."""
    with town(SEED) as standing:
        yield standing


@campaign
@pytest.mark.parametrize("policy", lottery.MOST)
@pytest.mark.parametrize("client", CROWDS)
def test_wire_lottery(place: Town, policy: str, client: str) -> None:
    """500 sends, a fifth of whose requests meet a fault: nothing lost, nothing doubled unasked."""
    game = Play(sends=lottery.ROUND, seed=SEED, policy=policy, client=client)

    (played,) = lottery.play(place, game)
    lottery.show(game, [played])

    assert [] == played.findings
    assert lottery.ROUND == len(played.tales)
    # What a look-up can tell for sure is told, and is true.
    assert 0 == played.maybe.overdue
    assert 0 == played.maybe.wrong
    assert played.maybe.found
    assert lottery.ALIVE <= played.after
    # The faults were really there: some sends are unsure, of either truth.
    assert played.maybe.taken
    assert played.maybe.untaken


@campaign
def test_side_by_side(place: Town) -> None:
    """Through the same faults, catching everything doubles texts; polysms does if it is told to."""
    loop, stop, following = side_by_side.compare(place, side_by_side.OURS, range(100), SEED)
    side_by_side.show([loop, stop, following])

    assert loop.having(2)
    assert 0 == stop.having(2)
    assert following.having(2)
    assert 0 == following.having(3)
    # Nor is anyone told by polysms what is not true.
    for row in (stop, following):
        assert 0 == row.told(side_by_side.Word.SENT, arrived=False)
        assert 0 == row.told(side_by_side.Word.FAILED, arrived=True)


@campaign
@pytest.mark.parametrize("client", CROWDS)
def test_healing(place: Town, client: str) -> None:
    """After an outage traffic comes back, none of it lost; a hundred callers make one probe."""
    outage = healing.heal(place, client, SEED)
    healing.show([outage])

    assert outage.back is not None
    assert 0 == outage.lost
    # None, where a busy machine lets the probe's own time run out before it is on its way.
    assert outage.asked <= 1
    assert outage.crowd <= 1


@campaign
def test_failover() -> None:
    """A provider that refuses or swallows connections passes the message on to the next."""
    figures = list(failover_time.measure(sends=1))

    for one in figures:
        failover_time.show(one)
    ways = {(one.way, one.client) for one in figures}
    assert ways == {(way, client) for way in failover_time.WAYS for client in ("sync", "async")}


TRIED = Tried(provider="wavix", reference="r-1", outcome=Outcome.ACCEPTED, provider_id="p-1")
KEPT = Kept(number=1, status=Status.DELIVERED, state="over", attempts=(TRIED,))
WAITING = Kept(number=1, status=Status.PENDING, state="waiting", due=True)
ONE = Sent(surely=frozenset({1}))
BOTH = Sent(surely=frozenset({1, 2}))


def tried(outcome: Outcome | None, **changes: Any) -> tuple[Tried, ...]:
    """Return an attempt that was not accepted."""
    return (attrs.evolve(TRIED, outcome=outcome, provider_id=None, **changes),)


def kept(**changes: Any) -> Kept:
    """Return the message with other facts."""
    return attrs.evolve(KEPT, **changes)


@pytest.mark.parametrize(
    ("broken", "sent", "ledger", "copies"),
    [
        pytest.param(0, ONE, (), (), id="a lost row"),
        pytest.param(0, ONE, (KEPT, WAITING), (COPY,), id="a row twice"),
        pytest.param(0, ONE, (KEPT, kept(number=2, attempts=())), (COPY,), id="rolled back"),
        pytest.param(1, ONE, (attrs.evolve(WAITING, due=False),), (), id="forgotten"),
        pytest.param(2, ONE, (KEPT,), (COPY, copy(number=2, reference=None)), id="unexpected"),
        pytest.param(3, ONE, (KEPT,), (COPY, copy(provider_id="p-2")), id="a double"),
        pytest.param(4, ONE, (KEPT,), (), id="accepted by nobody"),
        pytest.param(4, ONE, (KEPT,), (copy(provider_id="p-9"),), id="accepted under another id"),
        pytest.param(
            5,
            ONE,
            (kept(status=Status.NOT_SENT, attempts=tried(Outcome.NOT_SENT)),),
            (COPY,),
            id="sent after all",
        ),
        pytest.param(
            6,
            ONE,
            (kept(status=Status.MAYBE_SENT, attempts=tried(Outcome.MAYBE_SENT)),),
            (),
            id="unknown",
        ),
        pytest.param(
            6, ONE, (kept(status=Status.PENDING, due=True, attempts=tried(None)),), (), id="open"
        ),
        pytest.param(
            7, ONE, (KEPT,), (copy(reference="r-9"),), id="not written before it was sent"
        ),
        pytest.param(
            8,
            BOTH,
            (KEPT, kept(number=2, attempts=(attrs.evolve(TRIED, reference="r-2"),))),
            (COPY, copy(number=2, reference="r-2")),
            id="one id for two",
        ),
    ],
)
def test_audit_finds(
    broken: int, sent: Sent, ledger: tuple[Kept, ...], copies: tuple[Copy, ...]
) -> None:
    """Each promise about a ledger that is broken is found, and no other is called broken."""
    found = audit.findings(sent, ledger, copies)

    assert {audit.PROMISES[broken]} == {finding.promise for finding in found}


@pytest.mark.parametrize(
    ("ledger", "copies"),
    [
        ((KEPT,), (COPY,)),
        ((WAITING,), ()),
        ((kept(status=Status.NOT_SENT, attempts=tried(Outcome.NOT_SENT)),), ()),
        (
            (
                kept(
                    status=Status.MAYBE_SENT,
                    state="unclear",
                    due=True,
                    attempts=tried(Outcome.MAYBE_SENT, provider="signalwire"),
                ),
            ),
            (copy(provider="signalwire", reference=None),),
        ),
    ],
)
def test_audit_is_content(ledger: tuple[Kept, ...], copies: tuple[Copy, ...]) -> None:
    """A ledger that keeps every promise has no findings; what may not be there need not be."""
    perhaps = Sent(surely=frozenset({1}), perhaps=frozenset({2}))

    assert [] == audit.findings(perhaps, ledger, copies)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        (True, {}),
        (False, {"hits": 19}),
        (False, {"lost": 1}),
        (False, {"extra": 1}),
        (False, {"unsent": 1}),
        (False, {"troubles": ("a process ended with 1, not -9",)}),
        (False, {"findings": (audit.Finding(audit.PROMISES[0], 1),)}),
    ],
)
def test_kills_judge(expected: bool, changes: dict[str, Any]) -> None:  # noqa: FBT001
    """Kills keep their promises only if nothing is lost or doubled, and half met an attempt."""
    tally = attrs.evolve(Tally(kills=40, hits=20, messages=400), **changes)

    assert expected == kills.is_kept(Game(kills=40), tally)


@pytest.mark.campaign
@pytest.mark.timeout(400)  # a busy machine
def test_kills() -> None:
    """40 workers die at random: nothing is lost or doubled, as it is by two usual habits."""
    told = kills.run(kills.games(40, 10, [("sqlite", 1)]))

    ours, *others = told
    assert kills.is_kept(*ours)
    for game, tally in others:
        assert kills.is_kept(game, tally)
        assert 0 == tally.lost
        assert tally.extra


@pytest.mark.campaign
@pytest.mark.timeout(400)  # a busy machine
def test_crashes() -> None:
    """A program dies at every point, and again in its recovery: every message comes, once."""
    deaths = crashes.run(crashes.few)

    assert [] == deaths.troubles
    assert deaths.first
    assert deaths.second
