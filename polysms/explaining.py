"""A delivery explained, for people: who was considered, what each answered, what would be next."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from polysms import redact
from polysms.delivery import Attempt, Considered, Delivery, Evidence, Outcome, Status
from polysms.errors import Fault

WIDTH = 79
_INDENT = "    "
#: How the router begins its word on those whom nobody needed to ask.
_NOT_ASKED = "not asked: "


def explained(delivery: Delivery) -> str:
    """Return a delivery's story in lines of at most 79 characters, numbers masked."""
    return "\n".join((*told(delivery), *_wrapped(f"Next: {advice(delivery)}")))


def told(delivery: Delivery) -> Iterator[str]:
    """Yield the lines of a delivery's story so far, without what comes next."""
    to = redact.mask(delivery.to) if delivery.to else "nobody"
    counted = delivery.segments
    size = "" if counted is None else f", {counted} segment{'s' if counted != 1 else ''}"
    yield from _wrapped(f"{delivery.kind} to {to}{size}: {delivery.status}")
    if delivery.id is not None:
        yield from _wrapped(f"id {delivery.id}")
    yield from _copies(delivery)
    for number, (spoken, attempt) in enumerate(_turns(delivery), start=1):
        yield from _wrapped(f"{number}. {redact.scrub(spoken)}")
        if attempt is not None:
            yield from _of_attempt(attempt)


def _copies(delivery: Delivery) -> Iterator[str]:
    """Tell of copies beyond the first, and what they cost."""
    copies = [one for one in delivery.attempts if one.outcome is Outcome.ACCEPTED]
    for attempt in copies[1:]:
        cost = "" if attempt.price is None else f", which costs {attempt.price}"
        yield from _wrapped(f"{attempt.account} has another copy of it{cost}")


def _turns(delivery: Delivery) -> Iterator[tuple[str, Attempt | None]]:
    """Yield each account's turn with the attempt that came of it, if one did."""
    attempts = iter(delivery.attempts)
    for considered in delivery.considered:
        yield _spoken(considered), next(attempts, None) if considered.chosen else None
    for attempt in attempts:  # of which nobody has written down why
        yield f"{attempt.account}: asked", attempt


def _spoken(considered: Considered) -> str:
    if considered.why.startswith(_NOT_ASKED):
        return f"{considered.account}: not asked, {considered.why.removeprefix(_NOT_ASKED)}"
    chosen = "chosen" if considered.chosen else "passed over"
    return f"{considered.account}: {chosen}, {considered.why}"


def _of_attempt(attempt: Attempt) -> Iterator[str]:
    yield from _wrapped(f"{_OUTCOMES[attempt.outcome]}: {_evidence(attempt)}", _INDENT)
    for warning in attempt.warnings:
        yield from _wrapped(f"warning: {redact.scrub(warning)}", _INDENT)
    if attempt.unsupported:
        names = " and ".join(attempt.unsupported)
        yield from _wrapped(f"{attempt.provider} has no word for {names}", _INDENT)


_OUTCOMES = {
    Outcome.ACCEPTED: "accepted",
    Outcome.NOT_SENT: "surely not sent",
    Outcome.MAYBE_SENT: "maybe sent",
    None: "under way",
}


def _evidence(attempt: Attempt) -> str:
    facts = [redact.scrub(attempt.text) or "no answer yet"]
    if attempt.evidence in _PROVED:
        facts.append(_PROVED[attempt.evidence])
    if attempt.reason is not None:
        facts.append(f"reason {attempt.reason}")
    if attempt.status_code is not None:
        facts.append(f"HTTP {attempt.status_code}")
    if attempt.code is not None:
        facts.append(f"code {attempt.code}")
    if attempt.provider_id is not None:
        facts.append(f"provider_id {attempt.provider_id}")
    if attempt.valid_for is not None:
        facts.append(f"valid for {attempt.valid_for} s")
    if attempt.seconds is not None:
        facts.append(f"{attempt.seconds:.2f} s")
    return ", ".join(facts)


_PROVED = {
    Evidence.FOUND: "but its provider's list shows that it has it",
    Evidence.ABSENT: "and its provider's list shows that it does not have it",
}


def advice(delivery: Delivery) -> str:
    """Return, in a sentence, what comes next, or what can be done."""
    if delivery.status is Status.MAYBE_SENT:
        return f"nothing is sent again by itself. {_remedy(delivery)}"
    if delivery.status is Status.NOT_SENT:
        return _after_not_sent(delivery)
    if delivery.status is Status.PENDING:
        return "nobody was asked"
    if delivery.final:
        return "nothing; this status is final"
    return "nothing to do; fetch it, or wait for its report, to know more"


def _remedy(delivery: Delivery) -> str:
    unclear = [one for one in delivery.attempts if one.outcome is Outcome.MAYBE_SENT]
    if unclear and all(one.lookup == "none" for one in unclear):
        return "No look-up can find it: wait for its report"
    return "Look it up (client.resolve, polysms resolve) or wait for its report"


def _after_not_sent(delivery: Delivery) -> str:
    if delivery.retry_later:
        return "surely not sent, and it may succeed later: it can be sent again safely"
    if delivery.reason is not None and delivery.reason.fault is Fault.ACCOUNT:
        return f"surely not sent; mend the account ({delivery.reason}), then send it again safely"
    return "surely not sent; sending it again as it is would end the same way"


def _wrapped(text: str, indent: str = "") -> list[str]:
    # A provider's words may hold anything, terminal codes included. Ids and numbers stay whole.
    return wrap(
        "".join(character if character.isprintable() else " " for character in text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "   ",
        break_on_hyphens=False,
    )
