"""How each provider says no, by reason: with its own documented code, in its documented shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from polysms.errors import Reason
from polysms.providers.base import Provider, Refused, Request, Response, basic
from polysms.sandbox import carrierx_rules, signalwire_laml_rules, signalwire_rules, twilio_rules
from polysms.sandbox.answering import INVALID, NO_SCOPE, Refusal
from polysms.sandbox.wavix_account import no as wavix_no

Codes = Mapping[Reason, str]

# The error pages of Wavix, whose API shows a text alone; paraphrased.
WAVIX: Codes = {
    Reason.INVALID_NUMBER: "Destination number is invalid or is not a mobile number",
    Reason.OPTED_OUT: "The recipient has unsubscribed",
    Reason.CONTENT: "The message was stopped by a content filter",
    Reason.SENDER: "Sender ID not found",
    Reason.BALANCE: "Insufficient balance",
    Reason.CAPABILITY: "Unsupported carrier",
    Reason.MEDIA: "Attachment format is not supported",
    Reason.TOO_LONG: "The message is too long",
    Reason.QUOTA: "Daily limit reached",
    Reason.BLOCKED: "Destination is blocked",
    Reason.OTHER: "Gateway rejected the message",
}
# CarrierX names the field at fault; it documents no codes.
CARRIERX: Codes = {
    Reason.INVALID_NUMBER: "to",
    Reason.SENDER: "from",
    Reason.MEDIA: "media_urls",
    Reason.CONTENT: "message",
}
_CARRIERX_TEXTS = {
    Reason.OPTED_OUT: "the recipient has opted out",
    Reason.BALANCE: "insufficient balance",
}
SIGNALWIRE: Codes = {
    Reason.INVALID_NUMBER: "invalid_to_number",
    Reason.OPTED_OUT: "number_blacklisted",
    Reason.CONTENT: "message_filtered",
    Reason.SENDER: "invalid_from_number",
    Reason.BALANCE: "insufficient_balance_to_send_message",
    Reason.PERMISSION: "sending_disabled_for_space",
    Reason.CAPABILITY: "destination_number_not_supported",
    Reason.MEDIA: "invalid_media_url",
    Reason.TOO_LONG: "character_limit_exceeded",
    Reason.QUOTA: "pft_daily_limit_exceeded",
    Reason.BLOCKED: "message_blocked_by_carrier",
    Reason.OTHER: "unknown_error",
}
COMPATIBLE: Codes = {
    Reason.INVALID_NUMBER: "21211",
    Reason.OPTED_OUT: "21610",
    Reason.CONTENT: "30007",
    Reason.SENDER: "21212",
    Reason.BALANCE: "30002",
    Reason.PERMISSION: "21219",
    Reason.CAPABILITY: "30006",
    Reason.MEDIA: "21620",
    Reason.TOO_LONG: "21617",
    Reason.QUOTA: "30022",
    Reason.BLOCKED: "30004",
    Reason.OTHER: "30008",
}
TWILIO: Codes = {**COMPATIBLE, Reason.SENDER: "21606", Reason.PERMISSION: "21608"}


def _wavix(reason: Reason | None, code: str | None) -> Refusal | None:
    text = code or (WAVIX.get(reason) if reason else None)
    return text and wavix_no(422, text)  # type: ignore[return-value]


def _carrierx(reason: Reason | None, code: str | None) -> Refusal | None:
    if reason in _CARRIERX_TEXTS and code is None:
        return carrierx_rules.no(422, _CARRIERX_TEXTS[reason])
    field = code or (CARRIERX.get(reason) if reason else None)
    return field and carrierx_rules.no(422, "is not accepted", field)  # type: ignore[return-value]


def _signalwire(reason: Reason | None, code: str | None) -> Refusal | None:
    word = code or (SIGNALWIRE.get(reason) if reason else None)
    return word and signalwire_rules.invalid(word, None)  # type: ignore[return-value]


def _numbered(codes: Codes, no: Callable[[int], Refusal]) -> Callable[..., Refusal | None]:
    def refusal(reason: Reason | None, code: str | None) -> Refusal | None:
        number = code or (codes.get(reason) if reason else None)
        return None if number is None or not number.isdigit() else _numbered_no(no, int(number))

    return refusal


def _numbered_no(no: Callable[[int], Refusal], code: int) -> Refusal:
    """Return a refusal with any code, also with one that the sandbox has no words for."""
    try:
        return no(code)
    except KeyError:
        known = no(_KNOWN)
        return attrs.evolve(known, body={**known.body, "code": code, "message": f"Error {code}"})


_KNOWN = 21211
_BY_NAME: Mapping[str, Callable[..., Refusal | None]] = {
    "wavix": _wavix,
    "carrierx": _carrierx,
    "signalwire": _signalwire,
    "signalwire-compat": _numbered(COMPATIBLE, signalwire_laml_rules.no),
    "twilio": _numbered(TWILIO, twilio_rules.no),
}


def documented(
    provider: Provider, request: Request, reason: Reason | None, code: str | None
) -> Iterator[Request | Response]:
    """Yield how a provider may say no: an answer, or a request that the sandbox says no to."""
    no = _BY_NAME[provider.name](reason, code)
    if no is not None:
        yield Response(no.status, _small(no.headers), json.dumps(no.body).encode())
    word = {Reason.CREDENTIALS: INVALID, Reason.PERMISSION: NO_SCOPE}.get(reason or Reason.OTHER)
    if word and code is None:
        yield _asked_with(request, word)


def _small(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _asked_with(request: Request, credential: str) -> Request:
    """Return a request with a credential that the sandbox turns away."""
    said = request.headers.get("Authorization", "")
    is_basic = said.lower().startswith("basic")
    value = basic(credential, credential) if is_basic else f"Bearer {credential}"
    return attrs.evolve(request, headers={**request.headers, "Authorization": value})


def is_no(provider: Provider, response: Response, reason: Reason | None) -> bool:
    """Whether a provider's adapter reads an answer as a refusal for this reason."""
    meaning: Any = provider.read(response)
    return isinstance(meaning, Refused) and reason in {None, meaning.reason}
