"""SignalWire's signatures, all HMAC-SHA1 with the project's signing key over the configured URL.

=========  ==============================================  ========
body       what is signed                                  written
=========  ==============================================  ========
JSON       URL + raw body                                  hex
form       URL + each name and value, sorted by name       base64
JSON       URL, whose ``bodySHA256`` is the body's hash    base64
=========  ==============================================  ========

The second is Twilio's scheme, the third its way with JSON; both belong to the compatibility API.
Whether a URL without a port is signed with its default port differs: both are right. Source: the
guide on webhook security and the SDK's own validator and its tests (2026-08).
"""

from __future__ import annotations

from polysms.providers import signing
from polysms.providers.hearing import Signed, WebhookRequest, is_form

#: The second name is what the compatibility API says too.
HEADERS = ("x-signalwire-signature", "x-twilio-signature")


def signed(request: WebhookRequest, url: str, keys: tuple[str, ...]) -> Signed:
    """Return the signature a request has, and those it should have at a URL.

    Raises :class:`~polysms.errors.BadPayload` for a form that cannot be read.
    """
    given = next((request.headers[name] for name in HEADERS if name in request.headers), None)
    texts = [one.encode() for one in signing.with_ports(url)]
    write = signing.in_base64 if is_form(request) or _is_hashed(given) else signing.in_hex
    rest = _rest(request, url, given)
    if rest is None:
        return Signed(given=given, right=())
    return Signed(
        given=given, right=tuple(write(key, text + rest) for key in keys for text in texts)
    )


def _rest(request: WebhookRequest, url: str, given: str | None) -> bytes | None:
    """Return what is signed after the URL, None where the body is not the one the URL names."""
    if request.method == "GET":
        return b""
    if is_form(request):
        return signing.sorted_form(request)
    if not _is_hashed(given):
        return request.body
    return b"" if signing.names_body(url, request.body) else None


def _is_hashed(given: str | None) -> bool:
    # 20 bytes are 28 characters of base64 or 40 of hex.
    return given is not None and len(given) == 28
