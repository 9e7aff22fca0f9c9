"""Wavix's words: its statuses, and what the texts of its errors mean."""

from __future__ import annotations

import re

from polysms.delivery import Status
from polysms.errors import Reason

STATUSES = {
    "accepted": Status.QUEUED,
    "pending": Status.QUEUED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "rejected": Status.REJECTED,
    "expired": Status.EXPIRED,
    "dlr_expired": Status.UNREPORTED,
}

# docs.wavix.com/messaging/errors/ID. The API shows no id, only a text, so each row has words to
# find in it; the first row that fits counts.
ERRORS: tuple[tuple[int, str, Reason], ...] = (
    (55, r"idempoten|duplicate", Reason.DUPLICATE),
    (9, r"unsubscribed|opted[ -]?out|stop word", Reason.OPTED_OUT),
    (31, r"no credits|inactive number|number inactive", Reason.INVALID_NUMBER),
    (0, r"insufficient|balance|not enough (funds|credit)", Reason.BALANCE),
    (5, r"sender id.*not (provisioned|allowed|registered)", Reason.SENDER),
    (22, r"sender id.*(not found|invalid)|invalid (sender|parameter from)", Reason.SENDER),
    (7, r"flood", Reason.QUOTA),
    (47, r"blocked (for )?60 min", Reason.QUOTA),
    (26, r"per second", Reason.QUOTA),
    (36, r"daily (quota|limit)|t-mobile", Reason.QUOTA),
    (38, r"per[ -]minute", Reason.QUOTA),
    (34, r"(brand|campaign).*limit", Reason.QUOTA),
    (33, r"spam.*|inactive.*campaign", Reason.CONTENT),
    (12, r"mms.*(us|canada|united states)", Reason.CAPABILITY),
    (13, r"(media|attachment|file).*(1 ?mb|size|large)", Reason.MEDIA),
    (14, r"(media|attachment|file).*format", Reason.MEDIA),
    (15, r"(media|attachment|file|url).*(accessible|public)", Reason.MEDIA),
    (21, r"attachments", Reason.MEDIA),
    (41, r"too long", Reason.TOO_LONG),
    (43, r"content filter|verizon", Reason.CONTENT),
    (46, r"non-?compliant|url.*blocked|content", Reason.CONTENT),
    (45, r"unsupported carrier|no route", Reason.CAPABILITY),
    (29, r"unsupported by|not supported by", Reason.CAPABILITY),
    (17, r"destination.*forbidden", Reason.BLOCKED),
    (19, r"destination.*blocked", Reason.BLOCKED),
    (44, r"no longer active", Reason.INVALID_NUMBER),
    (18, r"not (a )?mobile|destination.*invalid|invalid.*(number|dest|to$)", Reason.INVALID_NUMBER),
    (23, r"far[ -]end", Reason.OTHER),
    (24, r"gateway", Reason.OTHER),
    (25, r"callback", Reason.OTHER),
)

LONGEST_ERROR = 1000  # characters of a text that are searched: the time grows with their square


def reason_of(text: str) -> Reason | None:
    """Return what the text of an error means, None where no row of the table fits."""
    text = text[:LONGEST_ERROR]
    found = (reason for _, words, reason in ERRORS if re.search(words, text, re.IGNORECASE))
    return next(found, None)


def status_of(status: str | None, direction: str | None) -> Status:
    """Return what a status word means of a message in this direction."""
    if direction == "inbound":
        return Status.RECEIVED
    return STATUSES.get(status or "", Status.UNRECOGNIZED)
