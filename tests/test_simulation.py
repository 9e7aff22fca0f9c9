"""The whole router on a virtual clock: thousands of seeds, and each replays bit for bit."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from polysms.delivery import Outcome
from polysms.routing import deliver, resolve, run, verdict
from tests.campaigns import false_trips
from tests.campaigns.virtual import Sample, broken, simulate

#: Each Python plays some seeds, one of them more, and the campaigns all two thousand.
CHUNK = 100
CHUNKS = [
    0,
    *(pytest.param(chunk, marks=pytest.mark.unmeasured) for chunk in range(1, 8)),
    *(pytest.param(chunk, marks=pytest.mark.campaign) for chunk in range(8, 20)),
]
#: Sends, of which two in a hundred go wrong.
SENDS = [2_000, pytest.param(10_000, marks=pytest.mark.unmeasured)]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_seeds(chunk: int) -> None:
    """Whatever the faults, routes and times: nothing is lost, doubled unasked, or mistold."""
    seeds = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    wrong = [(seed, sentence) for seed in seeds for sentence in broken(simulate(seed))]
    assert [] == wrong


@pytest.mark.parametrize("seed", range(0, 2000, 200))
def test_a_seed_replays(seed: int) -> None:
    """The same seed brings the same requests at the same moments, and the same ends."""
    assert _story(simulate(seed)) == _story(simulate(seed))


def _story(sample: Sample) -> Any:
    ends = [(one.began, one.ended, one.delivery, str(one.error)) for one in sample.told]
    return sample.town.trace.hexdigest(), sample.town.copies, ends


@pytest.mark.parametrize("sends", SENDS)
def test_no_false_trips(sends: int) -> None:
    """Two in a hundred tries that go wrong open no breaker."""
    assert 0 == false_trips.run(sends=sends)


def _always_goes_on(self: Any, found: Any) -> bool:
    return found.interrupted  # type: ignore[no-any-return]


def _calls_it_unsent(provider: Any, answer: Any) -> Any:
    found = _judge(provider, answer)
    unsure = found.outcome is Outcome.MAYBE_SENT
    return attrs.evolve(found, outcome=Outcome.NOT_SENT) if unsure else found


def _needs_no_watermark(self: Any, *, caught_up: bool) -> Any:
    del caught_up
    return _in_vain(self, caught_up=True)


_judge = verdict.judge
_in_vain = resolve._Look._in_vain  # noqa: SLF001 - the very thing that is broken here

MISTAKES: list[tuple[Any, str, Any]] = [
    (run.Run, "stops_after", _always_goes_on),
    (deliver, "judge", _calls_it_unsent),
    (resolve._Look, "_in_vain", _needs_no_watermark),  # noqa: SLF001 - as above
]


@pytest.mark.parametrize(("place", "name", "mistake"), MISTAKES, ids=[row[1] for row in MISTAKES])
def test_mistakes_are_found(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, mistake: Any
) -> None:
    """A router that goes on when in doubt, or calls doubt a no, breaks promises here."""
    monkeypatch.setattr(place, name, mistake)
    assert any(broken(simulate(seed)) for seed in range(150))
