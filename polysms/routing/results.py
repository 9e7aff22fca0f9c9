"""Attempts become what a send returns or raises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from polysms.config import Account
from polysms.delivery import Attempt, Considered, Delivery, Evidence, Outcome, Status
from polysms.errors import (
    AllFailed,
    Fault,
    MaybeSent,
    NotSent,
    PolysmsError,
    RateLimited,
    Refused,
    Unreachable,
    Unreadable,
)
from polysms.message import Message
from polysms.providers.base import Record
from polysms.routing.verdict import Verdict
from polysms.segments import segments

_LONGEST_BODY = 2_000


def delivery_of(record: Record, delivery: Delivery) -> Delivery:
    """Return a delivery with what the provider's record adds; what it leaves out stays."""
    best = max(delivery.status, record.status, key=lambda status: status.rank)
    items = record.__dict__.items()
    facts = {name: value for name, value in items if value is not None and value != ()}
    facts["attempts"] = tuple(_priced(one, record, delivery) for one in delivery.attempts)
    return attrs.evolve(delivery, **{**facts, "status": best})


def _priced(attempt: Attempt, record: Record, delivery: Delivery) -> Attempt:
    if record.price is None or attempt.provider_id != delivery.provider_id:
        return attempt
    same = attempt.account == delivery.account and attempt.outcome is Outcome.ACCEPTED
    return attrs.evolve(attempt, price=record.price) if same else attempt


def _facts(record: Record) -> dict[str, Any]:
    """Return what a provider's answer adds to a delivery of ours."""
    facts = record.__dict__.copy()
    for name in _OURS:
        del facts[name]
    for name in _ASSUMED:
        if facts[name] is None:
            del facts[name]
    return facts


# Our own words stay: the wire may have another tag in the reference's place.
_OURS = ("reference", "text", "media", "to", "from_")
# What we know without being told; nothing is known beforehand of the rest.
_ASSUMED = ("kind", "direction", "provider_id", "created_at")


def delivery_after(  # noqa: PLR0913 - each fact by name
    message: Message,
    *,
    id_: str,
    started_at: datetime,
    attempts: tuple[Attempt, ...],
    considered: tuple[Considered, ...],
    record: Record | None,
) -> Delivery:
    """Return where a message stands after these attempts."""
    last = attempts[-1] if attempts else None
    facts: dict[str, Any] = {
        "id": id_,
        "status": _status(attempts),
        "kind": message.kind,
        "to": message.to,
        "text": message.text,
        "media": message.media,
        "segments_predicted": 1 if message.media else segments(message.text).count,
        "created_at": started_at,
        "key": message.key,
        "tag": message.tag,
        "attempts": attempts,
        "considered": considered,
    }
    if last is not None:
        facts["account"] = last.account
        facts["provider"] = last.provider
        facts["provider_id"] = last.provider_id
        facts["reference"] = last.reference
        facts["from_"] = last.from_
    if record is not None:
        facts.update(_facts(record))
    return Delivery(**facts)


def _status(attempts: tuple[Attempt, ...]) -> Status:
    if any(attempt.outcome is Outcome.MAYBE_SENT for attempt in attempts):
        return Status.MAYBE_SENT
    return Status.NOT_SENT if attempts else Status.PENDING


def error_of(verdict: Verdict, attempt: Attempt, account: Account) -> PolysmsError:
    """Return the error that one attempt alone would raise."""
    body = verdict.body[:_LONGEST_BODY].decode(errors="replace")
    facts: dict[str, Any] = {
        "account": attempt.account,
        "reason": verdict.reason,
        "status_code": verdict.status_code,
        "code": verdict.code,
        "text": attempt.text,
        "body": account.hide(body) if body else None,
    }
    title = f"{attempt.account} ({account.adapter.capabilities.title})"
    if verdict.outcome is Outcome.MAYBE_SENT:
        return _maybe_sent(verdict, title, facts)
    if verdict.interrupted or verdict.ours:
        return NotSent(
            f"{title} was not asked: {attempt.text}", retry_later=True, **facts, fault=Fault.US
        )
    if verdict.busy:
        sentence = f"{title} asks to come back later: {attempt.text}"
        return RateLimited(sentence, retry_after=verdict.retry_after, **facts)
    if verdict.reason is not None:
        return Refused(f"{title} refused the message ({verdict.reason}): {attempt.text}", **facts)
    return Unreachable(f"{title} could not be reached: {attempt.text}", **facts)


def _maybe_sent(verdict: Verdict, title: str, facts: dict[str, Any]) -> MaybeSent:
    advice = "it may have been sent; look it up or wait for its report before sending it again"
    answered = verdict.evidence is not Evidence.NO_ANSWER
    kind = Unreadable if answered else MaybeSent
    return kind(f"{title}: {facts['text']}: {advice}", **facts)


def error_after(errors: Sequence[PolysmsError], delivery: Delivery, accounts: int) -> PolysmsError:
    """Return the one error of a send: MaybeSent before all, else the account's own, else all."""
    unsure = [error for error in errors if isinstance(error, MaybeSent)]
    if unsure:
        return _with(unsure[-1], delivery)
    if accounts == 1 or (errors[-1].reason is not None and errors[-1].reason.stops):
        return _with(errors[-1], delivery)
    return _all_failed(errors, delivery)


def _with(error: PolysmsError, delivery: Delivery) -> PolysmsError:
    status = Status.MAYBE_SENT if isinstance(error, MaybeSent) else Status.NOT_SENT
    later = error.retry_later and status is Status.NOT_SENT
    error.delivery = attrs.evolve(delivery, status=status, reason=error.reason, retry_later=later)
    return error


def _all_failed(errors: Sequence[PolysmsError], delivery: Delivery) -> PolysmsError:
    understood = [error for error in errors if error.reason is not None]
    last = understood[-1] if understood else None
    failed = AllFailed(
        f"no account took the message: {'; '.join(map(_named, errors))}",
        reason=None if last is None else last.reason,
        account=None if last is None else last.account,
        retry_later=any(error.retry_later for error in errors),
    )
    return _with(failed, delivery)


def _named(error: PolysmsError) -> str:
    """Return an error's sentence with the name of its account, once."""
    sentence = str(error)
    return sentence if sentence.startswith(f"{error.account} (") else f"{error.account}: {sentence}"
