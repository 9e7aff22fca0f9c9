"""The error tree: its shape, its facts, and that they survive copies and processes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from polysms import errors
from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import Fault, PolysmsError, Reason

#: Each class, its parent, whose fault it is unless a reason says more, whether to try later.
TREE: list[tuple[type[PolysmsError], type[Exception], Fault | None, bool]] = [
    (errors.PolysmsError, Exception, None, False),
    (errors.ConfigError, errors.PolysmsError, Fault.US, False),
    (errors.NotSent, errors.PolysmsError, None, False),
    (errors.InvalidMessage, errors.NotSent, Fault.MESSAGE, False),
    (errors.KeyConflict, errors.InvalidMessage, Fault.MESSAGE, False),
    (errors.Unsupported, errors.NotSent, Fault.PROVIDER, False),
    (errors.Unreachable, errors.NotSent, Fault.PROVIDER, True),
    (errors.RateLimited, errors.NotSent, Fault.PROVIDER, True),
    (errors.Refused, errors.NotSent, Fault.PROVIDER, False),
    (errors.AllFailed, errors.NotSent, Fault.PROVIDER, False),
    (errors.MaybeSent, errors.PolysmsError, Fault.PROVIDER, False),
    (errors.Unreadable, errors.MaybeSent, Fault.PROVIDER, False),
    (errors.LookupFailed, errors.PolysmsError, Fault.PROVIDER, True),
    (errors.NotFound, errors.LookupFailed, Fault.PROVIDER, False),
    (errors.LedgerError, errors.PolysmsError, Fault.US, False),
    (errors.WebhookError, errors.PolysmsError, None, False),
    (errors.BadSignature, errors.WebhookError, None, False),
    (errors.BadPayload, errors.WebhookError, None, False),
]
CLASSES = [row[0] for row in TREE]

#: What a class adds to the facts that all have.
OWN: dict[type[PolysmsError], dict[str, Any]] = {
    errors.ConfigError: {"key": "accounts.wavix.api_key"},
    errors.InvalidMessage: {"field": "to"},
    errors.KeyConflict: {"field": "key"},
    errors.RateLimited: {"retry_after": 2.5},
    errors.Refused: {"by": "polysms"},
}
NOW = datetime(2026, 4, 14, 13, 51, tzinfo=UTC)
DELIVERY = Delivery(
    id="0192f3a1",
    status=Status.NOT_SENT,
    to="+13135550123",
    raw={"body": ["kept"]},
    attempts=(
        Attempt(
            account="wavix",
            provider="wavix",
            reference="r1",
            started_at=NOW,
            outcome=Outcome.NOT_SENT,
            reason=Reason.BALANCE,
        ),
    ),
)
FACTS: dict[str, Any] = {
    "delivery": DELIVERY,
    "reason": Reason.BALANCE,
    "fault": Fault.ACCOUNT,
    "retry_later": True,
    "account": "wavix",
    "status_code": 402,
    "code": "21610",
    "text": "no funds",
    "body": '{"message": "no funds"}',
}


def made(kind: type[PolysmsError]) -> PolysmsError:
    """Return an error of a class with every fact it can have."""
    return kind("Wavix: no funds; top the account up", **FACTS, **OWN.get(kind, {}))


@pytest.mark.parametrize(("kind", "parent", "fault", "later"), TREE)
def test_tree(
    *, kind: type[PolysmsError], parent: type[Exception], fault: Fault | None, later: bool
) -> None:
    """Each class stands below its parent and says by itself whose fault it is."""
    error = kind("A sentence.")
    assert parent is kind.__bases__[0]
    assert (fault, later) == (error.fault, error.retry_later)
    assert "A sentence." == str(error)


def test_tree_is_whole() -> None:
    """The tree above, and the drawing at the head of the module, name every class there is."""
    found = {
        item
        for item in vars(errors).values()
        if isinstance(item, type) and issubclass(item, PolysmsError)
    }
    assert found == set(CLASSES)
    drawn = {line.split()[0] for line in str(errors.__doc__).splitlines() if line.strip()}
    assert {kind.__name__ for kind in found} <= drawn


def test_invalid_message_is_a_value_error() -> None:
    """A form that catches ValueError catches a wrong number too."""
    assert issubclass(errors.InvalidMessage, ValueError)


@pytest.mark.parametrize("kind", CLASSES)
def test_sent_or_not(kind: type[PolysmsError]) -> None:
    """No error says both: surely not sent, and maybe sent."""
    assert not (issubclass(kind, errors.NotSent) and issubclass(kind, errors.MaybeSent))


@pytest.mark.parametrize("kind", CLASSES)
def test_facts_are_attributes(kind: type[PolysmsError]) -> None:
    """Every fact handed in is an attribute of the same name."""
    error = made(kind)
    expected = {**FACTS, **OWN.get(kind, {})}
    assert expected == {name: getattr(error, name) for name in expected}


@pytest.mark.parametrize("kind", CLASSES)
def test_facts_left_out(kind: type[PolysmsError]) -> None:
    """Facts that are not known are None, and ``by`` is the provider."""
    error = kind("A sentence.")
    unknown = ("delivery", "reason", "account", "status_code", "code", "text", "body")
    assert [None] * 7 == [getattr(error, name) for name in unknown]
    own = {name: getattr(error, name) for name in OWN.get(kind, {})}
    assert dict.fromkeys(own) | ({"by": "provider"} if "by" in own else {}) == own


def pickled(protocol: int) -> Callable[[PolysmsError], PolysmsError]:
    """Return a function that takes an error through a pickle and back."""
    return lambda error: pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own


COPIES: list[Callable[[PolysmsError], PolysmsError]] = [
    copy.copy,
    copy.deepcopy,
    *(pickled(protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)),
]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("copied", COPIES)
def test_copies_keep_the_facts(
    copied: Callable[[PolysmsError], PolysmsError], kind: type[PolysmsError]
) -> None:
    """A copy, and a pickle as a task queue makes it, is the same error with the same facts."""
    error = made(kind)
    error.add_note("said on the way")
    again = copied(error)
    assert kind is type(again)
    assert (str(error), error.args) == (str(again), again.args)
    assert vars(error) == vars(again)
    assert ["said on the way"] == again.__notes__


@pytest.mark.parametrize("kind", CLASSES)
def test_numbers_and_credentials_are_hidden(kind: type[PolysmsError]) -> None:
    """The sentence, the provider's text and its body show no number and no credential."""
    said = "+13135550123 with Bearer canary-token at https://user:canary@example.com/"
    error = kind(said, text=said, body=said)
    for shown in (str(error), repr(error), error.text, error.body):
        assert "3135550" not in str(shown)
        assert "canary" not in str(shown)


REASONS = [
    # reason, whether it stops the route, whose fault
    (Reason.INVALID_NUMBER, True, Fault.RECIPIENT),
    (Reason.OPTED_OUT, True, Fault.RECIPIENT),
    (Reason.CONTENT, True, Fault.MESSAGE),
    (Reason.BLOCKED, True, Fault.RECIPIENT),
    (Reason.OTHER, True, Fault.PROVIDER),
    (Reason.SENDER, False, Fault.ACCOUNT),
    (Reason.BALANCE, False, Fault.ACCOUNT),
    (Reason.CREDENTIALS, False, Fault.ACCOUNT),
    (Reason.PERMISSION, False, Fault.ACCOUNT),
    (Reason.CAPABILITY, False, Fault.PROVIDER),
    (Reason.MEDIA, False, Fault.MESSAGE),
    (Reason.TOO_LONG, False, Fault.MESSAGE),
    (Reason.QUOTA, False, Fault.ACCOUNT),
    (Reason.DUPLICATE, False, Fault.US),
]


@pytest.mark.parametrize(("reason", "stops", "fault"), REASONS)
def test_reason(*, reason: Reason, stops: bool, fault: Fault) -> None:
    """A reason says whether another provider may be asked, and gives its fault to the error."""
    assert stops is reason.stops
    assert fault is reason.fault
    assert fault is errors.Refused("no", reason=reason).fault


def test_reasons_are_all_in_the_table() -> None:
    """No reason goes without a rule."""
    assert list(Reason) == sorted((reason for reason, *_ in REASONS), key=list(Reason).index)


def test_said_fault_wins() -> None:
    """A fault that is handed in stands against the reason's and the class's."""
    error = errors.Unreachable(
        "no", reason=Reason.BALANCE, fault=Fault.RECIPIENT, retry_later=False
    )
    assert Fault.RECIPIENT is error.fault
    assert error.retry_later is False
