"""What an HTTP answer means where no provider's own code says more: the default status table.

The rule behind every row: only an answer that says "no" before processing is a refusal. A gateway's
502 and 504, a 500, a 409 and everything unknown may follow a message that was taken: unclear.
"""

from __future__ import annotations

from collections.abc import Iterable

from polysms.errors import Reason
from polysms.providers.base import Accepted, Busy, Record, Refused, Response, Unclear
from polysms.providers.reading import retry_after

_REFUSALS = {
    401: Reason.CREDENTIALS,
    402: Reason.BALANCE,
    403: Reason.PERMISSION,
    413: Reason.MEDIA,
    451: Reason.BLOCKED,
}
# Wrong path, method, host or version: ours or the account's doing, so another account may serve.
_MISDIRECTED = frozenset({301, 302, 303, 305, 307, 308, 404, 405, 410, 421})
_UNSERVED = frozenset({406, 411, 415, 423, 424, 426, 428, 431, 501, 505})
# "The request did not come whole" and "too early": refusals while they come at once.
_EARLY = frozenset({408, 425})
#: A 408 that comes this late (seconds) may follow a request that was read whole.
PROMPT = 1.0


def outcome(
    response: Response,
    *,
    reason: Reason | None = None,
    text: str = "",
    code: str | None = None,
    busy: bool = False,
) -> Refused | Busy | Unclear:
    """Return what an answer without an accepted message means: the default status table.

    ``reason`` is the adapter's reading of the provider's own code and wins within 4xx; it never
    turns an unclear status into a refusal (409 means "exists already" as often as "no", and a late
    408 may follow a message that was read whole). ``busy`` says that the provider's own code means
    "later, please".
    """
    status = response.status
    text = text or _spoken(status)
    if status == 409 or reason is Reason.DUPLICATE:
        return Unclear(text=text, code=code)
    if (later := _later(response, text, code, busy=busy)) is not None:
        return later
    believed = 400 <= status < 500 and status not in _EARLY
    found = reason if reason and believed else _reason_of(response)
    if found is None:
        return Unclear(text=text, code=code)
    return Refused(reason=found, text=text, code=code)


def _spoken(status: int) -> str:
    """Return a sentence for an answer that has no text of its own."""
    if 300 <= status < 400:
        return (
            f"HTTP {status}, a redirect, which is never followed; is the account's address right?"
        )
    if status in _MISDIRECTED:
        return f"HTTP {status}; is the account's address right?"
    return f"HTTP {status}"


def weightiest(reasons: Iterable[Reason]) -> Reason | None:
    """Return what counts of several errors: one that stops the route before one that goes on."""
    found = tuple(reasons)
    return next((one for one in found if one.stops), next(iter(found), None))


def _later(response: Response, text: str, code: str | None, *, busy: bool) -> Busy | None:
    wait = retry_after(response)
    believed = 400 <= response.status < 500 and response.status not in _EARLY
    limited = response.status == 429 or (busy and believed)
    deliberate = response.status == 503 and wait is not None
    early = response.status in _EARLY and response.seconds <= PROMPT
    if limited or deliberate or early:
        return Busy(limited=limited, retry_after=wait, text=text, code=code)
    return None


def _reason_of(response: Response) -> Reason | None:
    status = response.status
    if status in _REFUSALS:
        return _REFUSALS[status]
    if status in _MISDIRECTED:
        return Reason.PERMISSION
    if status in _UNSERVED:
        return Reason.CAPABILITY
    if 400 <= status < 500 and status not in _EARLY:
        return Reason.OTHER
    return None


def accepted(response: Response, record: Record | None) -> Accepted | Unclear:
    """Return what a 2xx means: accepted with an id, else unclear (never a failure)."""
    taken = response.status in {200, 201, 202}
    if taken and record is not None and _is_id(record.provider_id):
        return Accepted(record)
    if not response.complete:
        return Unclear(text=f"HTTP {response.status}, and the answer was cut off or too long")
    return Unclear(text=f"HTTP {response.status} without a message id we can read")


def _is_id(word: str | None) -> bool:
    # Blanks, control characters and half surrogate pairs name nothing that could be asked for.
    return word is not None and word.isprintable() and bool(word.strip())
