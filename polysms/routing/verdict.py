"""What came of one attempt: evidence becomes an outcome.

The law of this file: only proof that the provider cannot have the whole message, or its own
understood "no", makes an attempt *not sent*. Everything else is *maybe sent*.
"""

from __future__ import annotations

from typing import Any

import attrs

from polysms.delivery import Evidence, Outcome
from polysms.errors import Reason
from polysms.providers.base import (
    Accepted,
    Answer,
    Busy,
    Provider,
    Record,
    Refused,
    Response,
    Unclear,
)
from polysms.routing.steps import Failure, Stage


@attrs.frozen(kw_only=True, slots=False)
class Verdict:
    """The outcome of one attempt, with everything an error or an attempt row wants to tell."""

    outcome: Outcome
    evidence: Evidence
    text: str
    reason: Reason | None = None
    code: str | None = None
    status_code: int | None = None
    busy: bool = False
    limited: bool = False
    retry_after: float | None = None
    ours: bool = False
    interrupted: bool = False
    record: Record | None = None
    body: bytes = attrs.field(default=b"", repr=False)


def judge(provider: Provider, answer: Response | Failure) -> Verdict:
    """Return the outcome of an attempt from what came back, or from how far it got."""
    if isinstance(answer, Failure):
        return _of_failure(answer)
    try:
        meaning = provider.read(answer)
    except Exception as error:  # noqa: BLE001 - an adapter's bug must not look like "not sent"
        meaning = Unclear(text=f"the answer could not be read ({type(error).__name__})")
    outcome, evidence, facts = _of_meaning(meaning, answer)
    status, body = answer.status, answer.body
    return Verdict(outcome=outcome, evidence=evidence, status_code=status, body=body, **facts)


def _of_failure(failure: Failure) -> Verdict:
    if failure.no is not None and failure.stage is Stage.NOTHING:
        outcome, evidence, facts = _of_no(failure.no)
        return Verdict(outcome=outcome, evidence=evidence, **{**facts, "text": failure.text})
    outcome, evidence = {
        Stage.NOTHING: (Outcome.NOT_SENT, Evidence.NOTHING_WRITTEN),
        Stage.PARTIAL: (Outcome.NOT_SENT, Evidence.NOT_COMPLETE),
        Stage.WHOLE: (Outcome.MAYBE_SENT, Evidence.NO_ANSWER),
    }[failure.stage]
    return Verdict(
        outcome=outcome,
        evidence=evidence,
        text=failure.text,
        ours=failure.ours,
        interrupted=failure.interrupted,
    )


def _of_meaning(meaning: Answer, response: Response) -> tuple[Outcome, Evidence, dict[str, Any]]:
    match meaning:
        case Accepted(record=record):
            facts = {"text": "accepted", "record": record}
            return Outcome.ACCEPTED, Evidence.ACCEPTED, facts
        case Refused() | Busy():
            return _of_no(meaning)
        case Unclear(text=text, code=code):
            evidence = Evidence.ACCEPTED_WITHOUT_ID if response.ok else Evidence.UNCLEAR_ANSWER
            return Outcome.MAYBE_SENT, evidence, {"text": text, "code": code}
    text = f"the adapter answered with a {type(meaning).__name__}"
    return Outcome.MAYBE_SENT, Evidence.UNCLEAR_ANSWER, {"text": text}


def _of_no(meaning: Refused | Busy) -> tuple[Outcome, Evidence, dict[str, Any]]:
    facts: dict[str, Any] = {"text": meaning.text, "code": meaning.code}
    if isinstance(meaning, Refused):
        facts["reason"] = meaning.reason
    else:
        wait = meaning.retry_after
        facts |= {"busy": True, "limited": meaning.limited, "retry_after": wait}
    return Outcome.NOT_SENT, Evidence.REFUSAL, facts
