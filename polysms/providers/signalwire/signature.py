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

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from polysms.providers.hearing import Signed, WebhookRequest, fields, is_form

#: The second name is what the compatibility API says too.
HEADERS = ("x-signalwire-signature", "x-twilio-signature")
DEFAULT_PORTS = {"https": 443, "http": 80}


def signed(request: WebhookRequest, url: str, keys: tuple[str, ...]) -> Signed:
    """Return the signature a request has, and those it should have at a URL.

    Raises :class:`~polysms.errors.BadPayload` for a form that cannot be read.
    """
    given = next((request.headers[name] for name in HEADERS if name in request.headers), None)
    texts = [one.encode() for one in with_ports(url)]
    write = _base64 if is_form(request) or _is_hashed(given) else _hex
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
        return b"".join(
            (name + value).encode() for name, value in sorted(fields(request), key=_name)
        )
    if not _is_hashed(given):
        return request.body
    claimed = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    actual = hashlib.sha256(request.body).hexdigest()
    return b"" if len(claimed) == 1 and _equal(claimed[0], actual) else None


def _name(field: tuple[str, str]) -> str:
    return field[0]


def _is_hashed(given: str | None) -> bool:
    # 20 bytes are 28 characters of base64 or 40 of hex.
    return given is not None and len(given) == 28


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _hex(key: str, text: bytes) -> str:
    return hmac.digest(key.encode(), text, "sha1").hex()


def _base64(key: str, text: bytes) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text, "sha1")).decode()


def with_ports(url: str) -> tuple[str, ...]:
    """Return a URL as it is and, where its port is the default one, with and without it."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    default = f":{DEFAULT_PORTS.get(scheme, '')}"
    if host.endswith(default):
        return url, f"{scheme}://{host.removesuffix(default)}{slash}{path}"
    if host.rpartition("]")[2].count(":"):
        return (url,)
    return url, f"{scheme}://{host}{default}{slash}{path}"
