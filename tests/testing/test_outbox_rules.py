"""``outbox.on(...)``: providers refuse, say nothing or are away, and the client does as ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from polysms import (
    AllFailed,
    MaybeSent,
    Message,
    RateLimited,
    Reason,
    Refused,
    Status,
    Unreachable,
)
from polysms.delivery import Evidence, Outcome
from polysms.providers import LOCAL, REGISTRY
from polysms.testing import Outbox
from tests.clients import KINDS, Both
from tests.testing.houses import NUMBER, READY, tables

REASONS = tuple(reason for reason in Reason if reason is not Reason.DUPLICATE)
#: The reasons for which a provider documents neither a code nor an HTTP status of its own.
IN_OUR_WORDS = {("carrierx", Reason.TOO_LONG), ("carrierx", Reason.QUOTA)}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of client."""
    return str(request.param)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("provider", REGISTRY)
def test_refusals(provider: str, reason: Reason, polysms_outbox: Outbox) -> None:
    """Each provider refuses for each reason with an answer that its adapter reads so."""
    both = Both("sync", tables(provider))
    polysms_outbox.on().refuse(reason)
    with pytest.raises(Refused) as raised:
        both.send(READY)
    both.close()

    assert (reason, "provider") == (raised.value.reason, raised.value.by)
    # It was really answered: by the provider's own words, or by the HTTP status that says so.
    assert ((provider, reason) in IN_OUR_WORDS) == (raised.value.status_code is None)
    assert [Outcome.NOT_SENT] == [one.outcome for one in polysms_outbox.tries]
    polysms_outbox.assert_nothing_sent()


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("provider", LOCAL)
def test_refusals_without_a_network(provider: str, reason: Reason, polysms_outbox: Outbox) -> None:
    """Accounts that have no provider refuse too: a program is tested with what it has."""
    both = Both("sync", tables(provider))
    polysms_outbox.on().refuse(reason)
    with pytest.raises(Refused) as raised:
        both.send(READY)
    both.close()

    assert reason is raised.value.reason


CODES = {
    "signalwire": ("21610", Reason.OPTED_OUT),
    "signalwire-compat": ("30006", Reason.CAPABILITY),
    "twilio": ("21614", Reason.INVALID_NUMBER),
    "wavix": ("Flood control", Reason.QUOTA),
    "carrierx": ("media_urls", Reason.MEDIA),
}


@pytest.mark.parametrize("provider", CODES)
def test_refusal_by_code(provider: str, polysms_outbox: Outbox) -> None:
    """A code of the provider's is read as in production."""
    code, reason = CODES[provider]
    both = Both("sync", tables(provider))
    polysms_outbox.on().refuse(code=code)
    with pytest.raises(Refused) as raised:
        both.send(READY)
    both.close()

    assert reason is raised.value.reason
    assert code in {raised.value.code, raised.value.text}


def test_refusal_that_stops(kind: str, polysms_outbox: Outbox) -> None:
    """A wrong number is wrong everywhere; an account's trouble is its own."""
    both = Both(kind, tables("wavix", "signalwire"))
    polysms_outbox.on(to=NUMBER, via="wavix").refuse("invalid_number").times(1)
    polysms_outbox.on(via="wavix").refuse("balance")
    with pytest.raises(Refused):
        both.send(READY)
    assert "signalwire" == both.send(READY).account
    both.close()

    assert ["wavix", "wavix", "signalwire"] == [one.account for one in polysms_outbox.tries]


def test_maybe_sent(kind: str, polysms_outbox: Outbox) -> None:
    """A message that may have been sent counts as sent, no other is asked, and a look finds it."""
    both = Both(kind, tables("wavix", "signalwire"))
    polysms_outbox.on(contains="ready").maybe_sent()
    with pytest.raises(MaybeSent) as raised:
        both.send(READY)
    assert raised.value.delivery is not None
    found = both.resolve(raised.value.delivery)
    both.close()

    assert Evidence.NO_ANSWER is raised.value.delivery.attempts[0].evidence
    assert Status.QUEUED is found.status
    assert "maybe sent: no answer" in polysms_outbox.assert_sent(via="wavix", count=1).told()
    with pytest.raises(AssertionError, match="none should have been"):
        polysms_outbox.assert_nothing_sent()


def test_maybe_sent_and_not_taken(kind: str, polysms_outbox: Outbox) -> None:
    """With ``taken=False`` the provider has nothing, and a look finds nothing."""
    both = Both(kind, tables("wavix"))
    polysms_outbox.on().maybe_sent(taken=False)
    with pytest.raises(MaybeSent) as raised:
        both.send(READY)
    assert raised.value.delivery is not None
    assert Status.MAYBE_SENT is both.resolve(raised.value.delivery).status
    both.close()


def test_maybe_sent_goes_on_if_told_to(kind: str, polysms_outbox: Outbox) -> None:
    """``on_maybe_sent = "next"`` is real: a second copy goes to the next account."""
    both = Both(kind, tables("wavix", "signalwire"))
    polysms_outbox.on(via="wavix").maybe_sent()
    with pytest.raises(MaybeSent):
        both.send(READY)
    assert "signalwire" == both.send(READY, on_maybe_sent="next").account
    both.close()

    polysms_outbox.assert_sent(to=NUMBER, count=3)


def test_unreachable(kind: str, polysms_outbox: Outbox) -> None:
    """An account that is away is passed over; with no other it is said so."""
    both = Both(kind, tables("wavix", "signalwire"))
    polysms_outbox.on(via="wavix").unreachable()
    assert "signalwire" == both.send(READY).account
    with pytest.raises(Unreachable):
        both.send(READY, via="wavix")
    polysms_outbox.on(via="signalwire").unreachable()
    with pytest.raises(AllFailed):
        both.send(READY)
    both.close()


def test_busy(kind: str, polysms_outbox: Outbox) -> None:
    """An account that asks to come back later is not waited for a minute, and is left alone."""
    both = Both(kind, tables("wavix", "signalwire"))
    polysms_outbox.on(via="wavix").busy().times(1)
    with pytest.raises(RateLimited) as raised:
        both.send(READY, via="wavix")
    assert 60.0 == raised.value.retry_after
    assert "signalwire" == both.send(READY).account
    both.close()


@pytest.mark.parametrize("provider", [*REGISTRY, *LOCAL])
def test_busy_everywhere(provider: str, polysms_outbox: Outbox) -> None:
    """Every provider can be busy."""
    both = Both("sync", tables(provider))
    polysms_outbox.on().busy(90)
    with pytest.raises(RateLimited) as raised:
        both.send(READY)
    both.close()

    assert 90.0 == raised.value.retry_after


def test_busy_for_a_moment(polysms_outbox: Outbox) -> None:
    """A short wait is waited, and the same account asked again."""
    both = Both("sync", tables("wavix"))
    polysms_outbox.on().busy(1).times(1)
    delivery = both.send(READY)
    both.close()

    assert [Outcome.NOT_SENT, Outcome.ACCEPTED] == [one.outcome for one in delivery.attempts]


STATUSES = {
    "wavix": (("SENT", "sent"), (Status.QUEUED, "accepted"), ("dlr_expired", "dlr_expired")),
    "carrierx": ((Status.SENT, "sent"),),
    "signalwire": ((Status.SENT, "sent"), ("initiated", "initiated")),
    "signalwire-compat": ((Status.DELIVERED, "delivered"),),
    "twilio": ((Status.SENT, "sent"), ("sending", "sending")),
}


@pytest.mark.parametrize("provider", STATUSES)
def test_accept(provider: str, polysms_outbox: Outbox) -> None:
    """A message can be taken with another status, neutral or in the provider's own word."""
    both = Both("sync", tables(provider))
    for status, word in STATUSES[provider]:
        polysms_outbox.clear()
        polysms_outbox.on().accept(status)
        delivery = both.send(READY)
        assert word == delivery.raw_status
        if isinstance(status, Status):
            assert status is delivery.status
    both.close()


def test_order(polysms_outbox: Outbox) -> None:
    """The first rule that fits counts; when its times are over, the next; without one it is taken.

    So what is special is said before what is general.
    """
    both = Both("sync", tables("wavix"))
    polysms_outbox.on(to="+13135550100").accept()
    polysms_outbox.on().refuse("content").times(1)
    polysms_outbox.on().refuse("too_long").times(2)
    both.send(Message("+13135550100", "Ready"))
    for reason in ("content", "too_long", "too_long"):
        with pytest.raises(Refused) as raised:
            both.send(READY)
        assert reason == raised.value.reason
    both.send(READY)
    both.close()

    assert 2 == len(polysms_outbox)


@attrs.frozen
class Slip:
    """Something that is written wrongly, and what is said of it."""

    act: Callable[[Outbox], Any]
    said: str


SLIPS = {
    "reason": Slip(lambda o: o.on().refuse("wrong_number"), "there is no reason 'wrong_number'"),
    "duplicate": Slip(lambda o: o.on().refuse("duplicate"), r"write maybe_sent\(\)"),
    "times": Slip(lambda o: o.on().busy().times(0), "times: is at least 1"),
    "count": Slip(lambda o: o.assert_sent(count=0), r"there is assert_nothing_sent\(\)"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_slips(name: str, polysms_outbox: Outbox) -> None:
    """What cannot be meant is said at once, with what to write."""
    with pytest.raises(ValueError, match=SLIPS[name].said):
        SLIPS[name].act(polysms_outbox)
