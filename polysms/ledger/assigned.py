"""What a comparison counts of a message, kept up as it is tried, reported and looked for.

It is written with what it follows from, in one transaction, so that a comparison reads nothing
else. It depends neither on the order in which reports come nor on how often they do: of times the
earliest counts, and the status of a copy is the highest rank that was said of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Connection

from polysms.delivery import Delivery, Outcome, Status
from polysms.ledger import bulk
from polysms.ledger.rows import Row
from polysms.ledger.tables import assignments
from polysms.routing.fold import ARRIVED, highest
from polysms.segments import segments

if TYPE_CHECKING:
    from polysms.ledger.book import Copy, Page
    from polysms.ledger.writing import End, Line
    from polysms.routing.assigning import Assignment

#: How messages end at the account they were given to; each of them in one of these ways.
DELIVERED, UNDELIVERED, UNREPORTED = "delivered", "undelivered", "unreported"
PENDING, REFUSED, NOT_SENT = "pending", "refused", "not_sent"
#: The words for a copy that a provider has, or may have.
ACCEPTED, MAYBE_SENT = "accepted", "maybe_sent"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_SEGMENTS = 10_000
_MILLISECOND = timedelta(milliseconds=1)
_NAMES = tuple(column.name for column in assignments.columns)
#: What is not known as a message is assigned.
_BEGINNING = {
    **dict.fromkeys(_NAMES),
    **dict.fromkeys(("polled", "confirmed", "arrived"), False),
    "ended": PENDING,
    "others": 0,
}


def milliseconds(moment: datetime) -> int:
    """Return a time in whole milliseconds of the epoch."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(milliseconds: int) -> datetime:
    """Return the time of so many milliseconds of the epoch."""
    return _EPOCH + milliseconds * _MILLISECOND


def hashed(recipient: str, secret: bytes) -> str:
    """Return what tells one recipient from another, and does not tell who it is."""
    return hmac.new(secret, recipient.encode(), hashlib.sha256).hexdigest()[:32]


@attrs.define
class Assigned:
    """The line of one message: as it was found (None for a new one), and as it will be."""

    found: Row | None
    row: dict[str, Any]

    def _since(self, moment: datetime) -> int:
        return max(0, milliseconds(moment) - int(self.row["assigned_ms"]))

    def said(self, status: Status, at: datetime, *, polled: bool) -> None:
        """Note that at this moment we heard a status, or (polled) found it by asking."""
        after = self._since(at)
        if status in ARRIVED:
            known = self.row["delivered_ms"]
            if known is None or (after, polled) < (known, self.row["polled"]):
                self.row |= {"delivered_ms": after, "polled": polled}
        elif polled and not status.final:
            found = self.row["delivered_ms"] if self.row["polled"] else None
            if found is None or after < found:
                self.row["asked_ms"] = max(after, self.row["asked_ms"] or 0)

    def timed(self, theirs: datetime, ours: datetime) -> None:
        """Note the time that a provider tells of what we heard at ours."""
        ahead = (theirs - ours) // _MILLISECOND
        known = self.row["ahead_ms"]
        self.row["ahead_ms"] = ahead if known is None else max(known, ahead)

    def billed(self, delivery: Delivery) -> None:
        """Note what a provider says of segments and carrier, each as far as it says it."""
        billed = delivery.segments_billed
        # A provider may say anything; no message has so many.
        known = billed if billed is not None and 0 <= billed <= _MOST_SEGMENTS else None
        facts = {"billed": known, "mcc": delivery.mcc, "mnc": delivery.mnc}
        self.row |= {name: value for name, value in facts.items() if value is not None}

    def settle(self, page: Page, known: Callable[[str], Row], now: datetime) -> None:
        """Let the line follow from the attempts; ``known`` gives what is known of each."""
        own = [copy for copy in page.copies.values() if copy.account == self.row["account"]]
        facts = [known(copy.reference) for copy in sorted(own, key=_number)]
        reasons = [one["reason"] for one in facts if one.get("reason")]
        statuses = {copy.status_at(now) for copy in own}
        self.row["outcome"] = _outcome(own, statuses)
        self.row["ended"] = _ended(statuses, reasons)
        self.row["reason"] = reasons[-1] if self.row["ended"] == REFUSED else None
        self.row |= _price(facts)
        self.row["others"] = len(page.copies) - len(own)
        self.row["arrived"] = any(copy.status in ARRIVED for copy in page.copies.values())
        self.row["confirmed"] = page.value("confirmed_at") is not None


def _number(copy: Copy) -> int:
    return copy.number


def _outcome(own: Iterable[Copy], statuses: Collection[Status]) -> str | None:
    if any(copy.outcome is Outcome.ACCEPTED or copy.status is not None for copy in own):
        return ACCEPTED
    if Status.MAYBE_SENT in statuses:
        return MAYBE_SENT
    return None if Status.PENDING in statuses else NOT_SENT


def _ended(statuses: Collection[Status], reasons: Collection[str]) -> str:
    """Return how the copies at one account ended: together they count once."""
    if not ARRIVED.isdisjoint(statuses):
        return DELIVERED
    if any(not status.final and status is not Status.NOT_SENT for status in statuses):
        return PENDING
    finals = [status for status in statuses if status.final]
    if finals:
        return UNREPORTED if highest(finals) is Status.UNREPORTED else UNDELIVERED
    return REFUSED if reasons else NOT_SENT


def _price(facts: Iterable[Row]) -> Mapping[str, str | None]:
    """Return what all attempts cost, as far as they are charged in the currency of the last."""
    priced = [one for one in facts if one.get("price") is not None]
    if not priced:
        return {"price": None, "currency": None}
    currency = priced[-1]["currency"]
    alike = [Decimal(one["price"]) for one in priced if one["currency"] == currency]
    return {"price": str(sum(alike[1:], alike[0])), "currency": currency}


class Assignments:
    """The lines of some messages, inside one transaction; most messages have none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._of: dict[str, Assigned] = {}

    def load(self, ids: list[str]) -> None:
        """Read the lines of messages that have one."""
        for row in bulk.find(self._connection, assignments.c.message_id, _NAMES, ids):
            self._of[row["message_id"]] = Assigned(row, {**row})

    def begin(self, page: Page, line: Line, given: Assignment, secret: bytes) -> None:
        """Begin the line of a message; it belongs to the account that it was given to first."""
        id_, message = line.id, line.message
        if page.value("experiment") is not None:
            return
        page.changes["experiment"] = given.experiment
        row = {
            **_BEGINNING,
            "message_id": id_,
            "assigned_ms": milliseconds(line.attempt.started_at),
            "country": given.stratum.country,
            "kind": message.kind,
            "sender_kind": given.sender_kind,
            "predicted": 1 if message.media else segments(message.text).count,
            "tag": message.tag,
            "recipient": hashed(message.to, secret),
        }
        row["segments"] = row["predicted"]
        row |= {name: getattr(given, name) for name in _GIVEN}
        self._of[id_] = Assigned(None, row)

    def of(self, id_: str, account: str | None) -> Assigned | None:
        """Return the line of a message, if it is about what this account does with it."""
        one = self._of.get(id_)
        return one if one is not None and one.row["account"] == account else None

    def told(self, id_: str, copy: Copy, end: End, now: datetime) -> None:
        """Note what the end of a send, or a later look, tells of a copy."""
        one = self.of(id_, copy.account)
        if one is None:
            return
        status = end.delivery.status
        one.billed(end.delivery)
        if copy.outcome is Outcome.ACCEPTED and (end.is_look or status in ARRIVED):
            one.said(status, now, polled=True)

    def put_back(
        self, pages: Mapping[str, Page], known: Callable[[str], Row], now: datetime
    ) -> None:
        """Settle every line, and write what has changed."""
        for id_, one in self._of.items():
            one.settle(pages[id_], known, now)
        new = [one.row for one in self._of.values() if one.found is None]
        bulk.add(self._connection, assignments, new)
        changes = {
            id_: {name: value for name, value in one.row.items() if value != one.found[name]}
            for id_, one in self._of.items()
            if one.found is not None
        }
        bulk.change(self._connection, assignments.c.message_id, changes)


_GIVEN = ("experiment", "route", "account", "probability", "unit", "randomised")
