"""Fetching, listing and checking, as generators of steps. Nothing here ever sends a message."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs

from polysms import numbers
from polysms.config import Account
from polysms.delivery import Delivery, Status
from polysms.errors import LookupFailed, NotFound, Unsupported
from polysms.providers.base import Accepted, Page, Query, Record, Refused, Response
from polysms.routing.results import delivery_of
from polysms.routing.steps import Answer, Call, Failure, Step

NOT_FOUND = 404


def fetch(
    account: Account, provider_id: str, known: Delivery | None, seconds: float
) -> Generator[Step, Answer, Delivery]:
    """Yield the steps that ask a provider for one message; return what is now known of it."""
    build = able(account, "fetch_request", "fetch a message")
    answer = yield Call(account, build(provider_id), seconds)
    response = answered(account, answer)
    if response.status == NOT_FOUND:
        raise NotFound(f"{_title(account)} knows no such message", **_facts(account, response))
    meaning = account.adapter.read(response)
    if not isinstance(meaning, Accepted):
        raise failed(account, response, meaning)
    delivery = known or foreign(meaning.record, account)
    return delivery_of(attrs.evolve(meaning.record, reference=None), delivery)


def page(
    account: Account, query: Query, seconds: float, of: str = "list"
) -> Generator[Step, Answer, Page]:
    """Yield the steps that read one page of a provider's own list, or (details) of its bills."""
    build = able(account, f"{of}_request", "list its messages")
    answer = yield Call(account, build(query), seconds)
    response = answered(account, answer)
    meaning = getattr(account.adapter, f"read_{of}")(response, query)
    if not isinstance(meaning, Page):
        raise failed(account, response, meaning)
    return meaning


def check(account: Account, seconds: float) -> Generator[Step, Answer, None]:
    """Yield the steps that find out whether an account's credentials are good."""
    build = able(account, "check_request", "be checked")
    answer = yield Call(account, build(), seconds)
    response = answered(account, answer)
    if not response.ok:
        raise failed(account, response, account.adapter.read(response))
    wrong = getattr(account.adapter, "read_check", lambda _: None)(response)
    if wrong is not None:
        raise failed(account, response, wrong)


def foreign(record: Record, account: Account) -> Delivery:
    """Return the delivery of a message that we do not hold ourselves."""
    delivery = Delivery(
        id=None,
        status=Status.UNRECOGNIZED,
        account=account.name,
        provider=account.provider_name,
    )
    return delivery_of(record, delivery)


def wanted(record: Record, query: Query) -> bool:
    """Whether a listed message is one the query asks for: not every provider can filter."""
    return (
        _same(query.to, record.to)
        and _same(query.from_, record.from_)
        and (query.direction in {None, record.direction or query.direction})
        and (query.since is None or record.created_at is None or record.created_at >= query.since)
        and (query.until is None or record.created_at is None or record.created_at <= query.until)
        and (query.reference is None or record.reference in {None, query.reference})
    )


def _same(asked: str | None, found: str | None) -> bool:
    return asked is None or found is None or numbers.same(asked, found)


def able(account: Account, method: str, doing: str) -> Any:
    """Return a method of an account's adapter; raise Unsupported where it has none."""
    found = getattr(account.adapter, method, None)
    if found is None:
        raise Unsupported(f"{_title(account)} cannot {doing}", account=account.name)
    return found


def _title(account: Account) -> str:
    return f"{account.name} ({account.adapter.capabilities.title})"


def answered(account: Account, answer: Answer) -> Response:
    """Return the response of an answer; raise LookupFailed where there is none."""
    if isinstance(answer, Response):
        return answer
    text, no = (answer.text, answer.no) if isinstance(answer, Failure) else ("no answer", None)
    if no is None:
        raise LookupFailed(f"{_title(account)} gave no answer: {text}", account=account.name)
    text = account.hide(text)
    raise LookupFailed(
        f"{_title(account)} said no: {text}",
        text=text,
        reason=no.reason if isinstance(no, Refused) else None,
        retry_later=not isinstance(no, Refused),
        account=account.name,
    )


def _facts(account: Account, response: Response) -> dict[str, Any]:
    body = response.body[:2000].decode(errors="replace")
    return {
        "account": account.name,
        "status_code": response.status,
        "body": account.hide(body) if body else None,
    }


def failed(account: Account, response: Response, meaning: object) -> LookupFailed:
    """Return the error of a response that does not tell what was asked for."""
    text = account.hide(getattr(meaning, "text", "") or "an answer we cannot read")
    reason = meaning.reason if isinstance(meaning, Refused) else None
    sentence = f"{_title(account)} answered HTTP {response.status}: {text}"
    return LookupFailed(
        sentence,
        text=text,
        reason=reason,
        retry_later=reason is None,
        **_facts(account, response),
    )
