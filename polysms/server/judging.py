"""What a request is: a probe, something to be refused, or a webhook with its events."""

from __future__ import annotations

from urllib.parse import unquote

from polysms.client.log import log
from polysms.config import Account, Config
from polysms.delivery import DeliveryReport, Event
from polysms.errors import BadPayload, BadSignature
from polysms.providers.hearing import LARGEST
from polysms.webhooks import Belief, Hearing, Keywords, WebhookRequest, WebhookResponse, read

_PLAIN = {"content-type": "text/plain; charset=utf-8"}
_PROBES = frozenset({"GET", "HEAD"})


def refusal(status: int, words: str, **headers: str) -> WebhookResponse:
    """Return an answer that is a refusal: few words, and nothing that is ours."""
    return WebhookResponse(status, {**_PLAIN, **headers}, words.encode())


HERE = refusal(200, "")
NOT_ALLOWED = refusal(405, "webhooks are posted", allow="POST")
FORGED = refusal(403, "refused")
UNREADABLE = refusal(400, "cannot be read")
TOO_LARGE = refusal(413, "too large", connection="close")
TOO_SLOW = refusal(408, "too slow", connection="close")
BUSY = refusal(503, "try again later", **{"retry-after": "5"})
BROKEN = refusal(500, "failed")


def judged(
    config: Config, request: WebhookRequest, source: str | None, keywords: Keywords
) -> Hearing | WebhookResponse:
    """Return what a request tells, as far as it is believed, or how it is refused."""
    account = _account_of(config, request)
    methods = _methods(account)
    if request.method in _PROBES and (request.method not in methods or not request.target[1]):
        return HERE
    if request.method not in methods:
        return NOT_ALLOWED
    if len(request.body) > LARGEST or len(request.url) > LARGEST:
        return TOO_LARGE
    if account is None:
        return FORGED
    if account.broken is not None:
        log.error("account=%s cannot hear: %s", account.name, account.broken)
        return BUSY
    return _read(config, account, request, source, keywords)


def _read(
    config: Config,
    account: Account,
    request: WebhookRequest,
    source: str | None,
    keywords: Keywords,
) -> Hearing | WebhookResponse:
    try:
        return read(account, request, config.public_url or "", source, keywords)
    except BadSignature as error:
        log.warning("account=%s: %s", account.name, error)
        return FORGED
    except BadPayload as error:
        log.warning("account=%s: %s", account.name, error)
        return UNREADABLE


def _methods(account: Account | None) -> tuple[str, ...]:
    provider = None if account is None else account.provider
    methods: tuple[str, ...] = getattr(provider, "webhook_methods", ("POST",))
    return methods


def _account_of(config: Config, request: WebhookRequest) -> Account | None:
    """Return the account whose address this is; a path of the public address may stand before."""
    path = request.target[0]
    before = (config.public_url or "").partition("://")[2].partition("/")[2]
    for inside in (path.removeprefix(f"/{before}") if before else path, path):
        account = config.accounts.get(unquote(inside[1:].partition("/")[0]))
        if account is not None:
            return account
    return None


def is_doubted(hearing: Hearing, event: Event) -> bool:
    """Whether nobody has proved what a report says."""
    doubted = hearing.verdict is not None and hearing.verdict.belief is Belief.HINT
    return doubted and isinstance(event, DeliveryReport)


def is_hint(hearing: Hearing, event: Event) -> bool:
    """Whether what an event says is to be confirmed before anything follows from it."""
    ends = isinstance(event, DeliveryReport) and event.status.final
    return ends and is_doubted(hearing, event)


def is_named(hearing: Hearing, event: Event) -> bool:
    """Whether a report that ends nothing came to the address of the attempt that it is about."""
    if hearing.verdict is None or not isinstance(event, DeliveryReport) or event.status.final:
        return False
    return event.reference is not None and event.reference == hearing.verdict.reference


def is_signed(hearing: Hearing) -> bool:
    """Whether the provider itself has signed what a request says, its address too."""
    return hearing.verdict is not None and hearing.verdict.proof == "signature"
