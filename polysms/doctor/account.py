"""What the readings of an account mean: nothing of this sends anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import attrs

from polysms import numbers, redact
from polysms.delivery import aware
from polysms.doctor.findings import Finding, differs, fine, seconds, untold
from polysms.services import Balance, Identity, Sender

#: Seconds by which a provider's clock may differ from ours before it is told as a fault: what is
#: looked for by time is looked for two minutes around it.
MOST_SKEW = 30.0
#: Seconds that a Date header may be behind: it is cut to whole ones, and servers keep it a while.
_CUT = 2.0
#: Days that a certificate should still be good.
FEWEST_DAYS = 7


@attrs.frozen(kw_only=True)
class Tls:
    """A connection that was encrypted: by which version, until when its certificate is good."""

    version: str
    expires_at: datetime
    seconds: float


def not_offered(about: str, title: str) -> Finding:
    """Return the finding of what a provider, or its adapter, does not offer."""
    return untold(about, f"not offered by {title}")


def credentials(wrong: str | None, *, is_let_in: bool | None) -> Finding:
    """Return whether the credentials are good; ``is_let_in`` is None where no answer came."""
    if wrong is None:
        return fine("credentials", "good")
    return untold("credentials", wrong) if is_let_in is None else differs("credentials", wrong)


def latency(value: float) -> Finding:
    """Return how long one read took."""
    return fine("latency", f"one read took {seconds(value)}")


def clock(date: str | None, asked_at: datetime, answered_at: datetime) -> Finding:
    """Return how far the provider's clock is from ours, by the Date header of its answer."""
    said = _date(date)
    if said is None:
        return untold("clock", "the answer has no Date that can be read")
    apart = _apart(said - answered_at, said + timedelta(seconds=_CUT) - asked_at)
    if abs(apart) <= MOST_SKEW:
        return fine("clock", f"{seconds(abs(apart))} apart, as far as a Date tells")
    way = "ahead of" if apart > 0 else "behind"
    return differs("clock", f"the provider's is {seconds(abs(apart))} {way} ours: one is wrong")


def _apart(least: timedelta, most: timedelta) -> float:
    """Return the seconds between two clocks at least, where the true difference is in between."""
    if least > timedelta(0):
        return least.total_seconds()
    return most.total_seconds() if most < timedelta(0) else 0.0


def _date(value: str | None) -> datetime | None:
    try:
        return aware(parsedate_to_datetime(value or ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def tls(reading: Tls | str, now: datetime, *, is_wrong: bool = False) -> Finding:
    """Return how the connection is encrypted; a text says why that is not known, or not so."""
    if isinstance(reading, str):
        return differs("TLS", reading) if is_wrong else untold("TLS", reading)
    days = (reading.expires_at - now).days
    day = f"{reading.expires_at.astimezone(UTC):%Y-%m-%d}"
    took = f"connected in {seconds(reading.seconds)}"
    text = f"{reading.version}, {took}, certificate good until {day}"
    return fine("TLS", text) if days >= FEWEST_DAYS else differs("TLS", f"{text}: {days} days")


def identity(found: Identity) -> Finding:
    """Return who the provider says that we are."""
    known = [one for one in (found.name, found.id) if one]
    if not known:
        return untold("identity", "the answer names nobody")
    return fine("identity", ", ".join(known))


def balance(found: Balance) -> Finding:
    """Return what is left."""
    text = f"{found.amount} {found.currency}" if found.currency else str(found.amount)
    if found.amount > 0:
        return fine("balance", text)
    return differs("balance", f"{text}: nothing is left to send with")


def sender(wanted: str, listed: Sequence[Sender] | None, alone: Sender | None = None) -> Finding:
    """Return whether a sender can send, by its provider's list, and by what is said of it alone.

    ``listed`` is None where the provider has no list. One that a list does not have may be good:
    a verified number, or a name where names need no registration.
    """
    about = f"sender {redact.mask(wanted)}"
    if listed is None:
        return untold(about, "the provider has no list of senders")
    same = [one for one in listed if is_same(one, wanted)]
    if not same:
        return untold(about, _unlisted(len(listed)))
    found = same[0] if alone is None else alone
    if found.can_send is None:
        return untold(about, f"listed; {_said(found) or 'whether it can send is not said'}")
    if found.can_send:
        return fine(about, f"can send{_bracketed(found)}")
    return differs(about, f"cannot send: {found.why or _said(found) or 'its provider says so'}")


def _unlisted(others: int) -> str:
    if not others:
        return "the provider's list of senders is empty"
    return f"not among the {others} sender{'' if others == 1 else 's'} that the provider lists"


def is_same(listed: Sender, wanted: str) -> bool:
    """Whether a sender of a list is the one that is meant."""
    return numbers.same(listed.sender, wanted)


def _said(found: Sender) -> str | None:
    return found.status and f"status {found.status}"


def _bracketed(found: Sender) -> str:
    return f" ({_said(found)})" if found.status else ""


def no_sender() -> Finding:
    """Return the finding that no sender is configured."""
    return differs("sender", "none is configured: every message must name one")
