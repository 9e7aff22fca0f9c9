"""A key belongs to one message, and of two that begin one at once, one does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from polysms.delivery import Outcome, Status
from polysms.errors import KeyConflict, LedgerError
from polysms.ledger import KeyState, Ledger
from polysms.message import Message
from polysms.providers.wavix import WavixOptions
from tests.ledger import scenes

LATER = scenes.NOW + timedelta(hours=1)
SAID = scenes.message(key="k")


def begun(ledger: Ledger, id_: str = "first", said: Message = SAID, **facts: Any) -> KeyState:
    """Begin the key of a message."""
    moment = facts.pop("now", scenes.NOW)
    return ledger.begin_key("k", said.tenant, ledger.fingerprint(said), id_, moment)


def test_new_key_is_the_messages_that_asked(ledger: Ledger) -> None:
    """A key that nobody has is given away, once; the next is told whose it is."""
    state, again = begun(ledger), begun(ledger, "second")

    assert (True, "first", None) == (state.new, state.id, state.delivery)
    assert (False, "first") == (again.new, again.id)
    assert again.delivery is not None
    assert Status.PENDING is again.delivery.status


@pytest.mark.parametrize("outcome", [None, Outcome.ACCEPTED, Outcome.MAYBE_SENT])
def test_key_of_what_may_be_sent_stays(ledger: Ledger, outcome: Outcome | None) -> None:
    """A message that was or may be sent, or is being sent, keeps its key however long it takes."""
    attempt = scenes.opened()
    begun(ledger)
    ledger.write("first", SAID, attempt)
    if outcome is not None:
        ledger.ended(scenes.ended("first", SAID, scenes.closed(attempt, outcome)))

    state = begun(ledger, "second", now=LATER)

    assert (False, "first") == (state.new, state.id)
    assert ledger.get("first", None) is not None
    assert state.delivery is not None
    assert (attempt.reference,) == tuple(one.reference for one in state.delivery.attempts)


def test_key_of_what_was_not_sent_is_given_anew(ledger: Ledger) -> None:
    """A message that was surely not sent is tried anew, under the new id."""
    begun(ledger)
    over = scenes.closed(scenes.opened(), Outcome.NOT_SENT)
    ledger.write("first", SAID, over)
    assert not begun(ledger, "second").new

    ledger.ended(scenes.ended("first", SAID, over))

    assert begun(ledger, "second").new
    assert not begun(ledger, "third").new


def test_key_that_was_only_begun_is_given_anew_in_time(ledger: Ledger) -> None:
    """A process that died before its first attempt holds a key for a while only."""
    begun(ledger)

    assert not begun(ledger, "second").new
    assert begun(ledger, "second", now=LATER).new


def test_try_that_lost_its_key_may_not_begin(ledger: Ledger) -> None:
    """A process that slept while another took its key over writes no attempt any more."""
    begun(ledger)
    begun(ledger, "second", now=LATER)

    with pytest.raises(LedgerError, match="key"):
        ledger.write("first", SAID, scenes.opened())

    ledger.write("second", SAID, scenes.opened())
    found = ledger.get("k")
    assert found is not None
    assert "second" == found.id


def test_attempt_that_runs_may_end_without_its_key(ledger: Ledger) -> None:
    """Losing the key forbids to begin; how an attempt ended is always written."""
    attempt = scenes.opened()
    ledger.write("first", SAID, attempt)
    begun(ledger, "second")

    ledger.write("first", SAID, scenes.closed(attempt))

    found = ledger.get("first")
    assert found is not None
    assert Status.QUEUED is found.status


OTHERS: list[dict[str, Any]] = [
    {"text": "Your table is gone"},
    {"to": "+13135550124"},
    {"from_": "Acme"},
    {"media": ["https://example.com/a.png"]},
    {"options": {"wavix": {"tag": "t"}}},
]
SAME: list[dict[str, Any]] = [
    {"tag": "lunch"},
    {"valid_for": 60},
    {"status_callback": "https://example.com/reports"},
    {"timezone": "America/Detroit"},
    {"options": {}},
    {"options": {"wavix": WavixOptions()}, "says": {"options": {"wavix": {}}}},
    {
        "options": {"wavix": WavixOptions(tag="t")},
        "says": {"options": {"wavix": {"tag": "t"}}},
    },
]


@pytest.mark.parametrize("fields", OTHERS)
def test_key_of_another_message_is_a_conflict(ledger: Ledger, fields: dict[str, Any]) -> None:
    """What is said, to whom and from whom tells one message from another."""
    begun(ledger)

    with pytest.raises(KeyConflict) as caught:
        begun(ledger, "second", scenes.message(**{"key": "k", **fields}))

    assert "key" == caught.value.field
    assert scenes.NUMBER not in str(caught.value)


@pytest.mark.parametrize("fields", SAME)
def test_same_message_may_be_wished_otherwise(ledger: Ledger, fields: dict[str, Any]) -> None:
    """How long it is valid and how it is labelled do not make another message."""
    said = scenes.message(key="k", **fields.get("says", {}))
    begun(ledger, said=said)

    wishes = {name: value for name, value in fields.items() if name != "says"}
    assert "first" == begun(ledger, "second", scenes.message(key="k", **wishes)).id


def test_conflict_lasts_though_nothing_was_sent(ledger: Ledger) -> None:
    """A key that would be given anew is not given to another message."""
    begun(ledger)

    with pytest.raises(KeyConflict):
        begun(ledger, "second", scenes.message("Other", key="k"), now=LATER)


def test_keys_are_of_tenants(ledger: Ledger) -> None:
    """Each tenant has keys of its own."""
    states = [begun(ledger, f"id-{one}", scenes.message(key="k", tenant=one)) for one in ("a", "b")]

    assert [True, True] == [state.new for state in states]


def test_one_of_many_begins(ledger: Ledger) -> None:
    """Eight threads that begin one key at once: one is to send, and all name the same message."""
    fingerprint = ledger.fingerprint(SAID)

    def begin(number: int) -> KeyState:
        return ledger.begin_key("k", None, fingerprint, f"id-{number}", scenes.NOW)

    with ThreadPoolExecutor(8) as threads:
        states = list(threads.map(begin, range(24)))

    assert 1 == sum(state.new for state in states)
    assert 1 == len({state.id for state in states})


def test_one_of_many_tries_anew(ledger: Ledger) -> None:
    """Of eight that would try anew what was not sent, one does."""
    begun(ledger)
    fingerprint = ledger.fingerprint(SAID)

    def begin(number: int) -> KeyState:
        return ledger.begin_key("k", None, fingerprint, f"id-{number}", LATER)

    with ThreadPoolExecutor(8) as threads:
        states = list(threads.map(begin, range(24)))

    assert 1 == sum(state.new for state in states)


def test_fingerprint_is_of_the_ledger(url: str, tmp_path: Path) -> None:
    """A fingerprint is the same whenever a ledger is opened, and another in another ledger."""
    with (
        Ledger(url, clock=scenes.clock) as one,
        Ledger(url, clock=scenes.clock) as same,
        Ledger(f"sqlite:///{tmp_path}/b.db") as other,
    ):
        known = one.fingerprint(SAID)

        assert known == same.fingerprint(SAID)
        assert known != other.fingerprint(SAID)
