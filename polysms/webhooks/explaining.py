"""Why a webhook is refused, for the one who sets it up: ``polysms webhooks test``.

A signature that is wrong does not say what is wrong with it. But most causes are few and known: a
proxy that changes the address, a framework that writes the JSON anew, a form that is called JSON.
Each is tried backwards; what makes the signature right is the cause.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs

from polysms.config import Account
from polysms.errors import BadPayload
from polysms.providers.base import JSON
from polysms.providers.hearing import FORM, WebhookRequest, json_object
from polysms.webhooks.paths import is_one_of, place_of
from polysms.webhooks.verifying import Belief, Verdict, signed_at, verify

#: A cause in a sentence, and the request and URL as they were before it.
Cause = tuple[str, WebhookRequest, str]
_NO_CAUSE = (
    "no known change of URL or body makes it right: is signing_key that of the project that sent "
    "it, and the body the raw one?"
)


def explain(
    account: Account, request: WebhookRequest, public_url: str, source: str | None = None
) -> tuple[str, ...]:
    """Return, in sentences, what is believed of a request and, of a signature, what differs."""
    verdict = verify(account, request, public_url, source)
    first = _said(verdict)
    if verdict.part != "signature":
        return (first,)
    return (first, *_signature(account, request, public_url))


def _said(verdict: Verdict) -> str:
    if verdict.belief is Belief.REFUSED:
        return f"refused: {verdict.part}: {verdict.why}"
    about = " and is about one message" if verdict.reference else ""
    return f"{verdict.belief}: the {verdict.proof} is right{about}"


def _signature(account: Account, request: WebhookRequest, public_url: str) -> Iterator[str]:
    url = place_of(account, request, public_url).url
    if signed_at(account, request, url).given is None:
        yield _without(request)
        return
    causes = [*_addresses(request, url), *_bodies(request, url), *_kinds(request, url)]
    found = [sentence for sentence, was, at in causes if _is_right(account, was, at)]
    yield next(iter(found), _NO_CAUSE)


def _is_right(account: Account, request: WebhookRequest, url: str) -> bool:
    try:
        signed = signed_at(account, request, url)
    except BadPayload:
        return False
    return signed.given is not None and is_one_of(signed.given, signed.right)


def _without(request: WebhookRequest) -> str:
    others = sorted(name for name in request.headers if "signature" in name)
    if others:
        return f"it has only {', '.join(others)}, which is not what messages are signed with"
    return "it has no header of a signature: was it lost at a proxy?"


def _addresses(request: WebhookRequest, url: str) -> Iterator[Cause]:
    """Yield the addresses that the provider may know us by, in place of the configured one."""
    path, query = request.target
    target = f"{path}?{query}" if query else path
    scheme, _, rest = url.partition("://")
    other = "http" if scheme == "https" else "https"
    yield f"URL: signed for {other}, public_url says {scheme}", request, f"{other}://{rest}"
    for name in ("x-forwarded-host", "host"):
        host = request.headers.get(name, "")
        for of in (scheme, other):
            sentence = f"URL: signed for the host {host!r}, not for that of public_url"
            yield sentence, request, f"{of}://{host}{target}"
    origin = f"{scheme}://{urlsplit(url).netloc}"
    yield "URL: public_url has a path too many or too few", request, f"{origin}{target}"
    yield "URL: signed without its query", request, url.partition("?")[0]
    yield "URL: signed with a slash at the end", request, f"{url}/"
    yield "URL: signed without the slash at the end", request, url.removesuffix("/")


def _bodies(request: WebhookRequest, url: str) -> Iterator[Cause]:
    """Yield the bodies that this one may have been."""
    body = request.body
    for was in (body.rstrip(b"\r\n"), body + b"\n", body + b"\r\n"):
        yield "body: a line end was added or lost on the way", _with(request, was), url
    try:
        data = json_object(request)
    except BadPayload:
        return
    for separators in ((",", ":"), (", ", ": ")):
        for is_ascii in (False, True):
            was = json.dumps(data, separators=separators, ensure_ascii=is_ascii).encode(
                errors="replace"
            )
            sentence = "body: the JSON was parsed and written anew on the way; keep the raw bytes"
            yield sentence, _with(request, was), url


def _with(request: WebhookRequest, body: bytes) -> WebhookRequest:
    return attrs.evolve(request, body=body)


def _kinds(request: WebhookRequest, url: str) -> Iterator[Cause]:
    for kind in (JSON, FORM):
        was = attrs.evolve(request, headers={**request.headers, "content-type": kind})
        yield f"content type: signed as {kind}, and came as {request.media_type!r}", was, url
