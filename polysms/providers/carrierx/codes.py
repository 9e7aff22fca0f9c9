"""CarrierX's words: its statuses, and which fields and texts of an error mean what."""

from __future__ import annotations

from polysms.delivery import Status
from polysms.errors import Reason

STATUSES = {word: Status[word.upper()] for word in ("queued", "sent", "delivered", "received")}
# The full list of words could not be read in the documents; a name that says failure is believed.
GUESSES = (
    ("undeliv", Status.UNDELIVERED),
    ("reject", Status.REJECTED),
    ("expir", Status.EXPIRED),
    ("fail", Status.FAILED),
    ("error", Status.FAILED),
)
# Errors carry no code, but name the field at fault: {"errors": [{"field", "message", ...}]}.
FIELDS = {
    **dict.fromkeys(("to", "to_did", "group_recipients"), Reason.INVALID_NUMBER),
    **dict.fromkeys(("from", "from_did"), Reason.SENDER),
    "media_urls": Reason.MEDIA,
    "message": Reason.CONTENT,
}
# Nor are the texts listed; these words would mean the same in any of them.
TEXTS = (
    (r"opted[ -]?out|unsubscribed", Reason.OPTED_OUT),
    (r"balance|insufficient funds|not enough credit", Reason.BALANCE),
    (r"not enabled|capabilit", Reason.SENDER),
)


def is_guess(status: str | None) -> bool:
    """Whether a status word is not documented, so that its sound alone tells what it means."""
    return status is not None and status not in STATUSES


def status_of(status: str | None, direction: str | None) -> Status:
    """Return what a status word means of a message in this direction."""
    word = "received" if direction == "inbound" else status or ""
    guessed = (status for part, status in GUESSES if part in word.lower())
    return STATUSES.get(word) or next(guessed, Status.UNRECOGNIZED)
