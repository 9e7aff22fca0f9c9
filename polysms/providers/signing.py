"""What signatures of webhooks are made of where several providers make them alike.

The URL as it was configured, then the fields of a form sorted by name; or a URL that names the hash
of a JSON body (``bodySHA256``). All HMAC-SHA1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from polysms.providers.hearing import WebhookRequest, fields

DEFAULT_PORTS = {"https": 443, "http": 80}


def in_base64(key: str, text: bytes) -> str:
    """Return the HMAC-SHA1 of a text, in base64."""
    return base64.b64encode(hmac.digest(key.encode(), text, "sha1")).decode()


def in_hex(key: str, text: bytes) -> str:
    """Return the HMAC-SHA1 of a text, in hexadecimal digits."""
    return hmac.digest(key.encode(), text, "sha1").hex()


def sorted_form(request: WebhookRequest) -> bytes:
    """Return each name and value of a form, sorted by name, with nothing between them.

    Raises :class:`~polysms.errors.BadPayload` for a form that cannot be read.
    """
    return b"".join((name + value).encode() for name, value in sorted(fields(request), key=_name))


def _name(field: tuple[str, str]) -> str:
    return field[0]


def names_body(url: str, body: bytes) -> bool:
    """Whether a URL has the hash of this body, once."""
    claimed = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    actual = hashlib.sha256(body).hexdigest()
    return len(claimed) == 1 and hmac.compare_digest(
        claimed[0].encode(errors="replace"), actual.encode()
    )


def with_ports(url: str, *, any_port: bool = False) -> tuple[str, ...]:
    """Return a URL as it is and, where its port is the default one, with and without it.

    ``any_port`` adds it without a port that is no default, too.
    """
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    name, colon, port = host.rpartition(":")
    default = str(DEFAULT_PORTS.get(scheme, ""))
    if not colon or not port.isdecimal():  # "[2001:db8::1]" ends in a bracket
        return url, f"{scheme}://{host}:{default}{slash}{path}"
    without = f"{scheme}://{name}{slash}{path}"
    return (url, without) if any_port or port == default else (url,)
