"""One read of an account, with all that shows on its way: the answer, the clocks, the encryption.

Nothing here sends a message.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import attrs

from polysms.client.asking import LOOKUP_SECONDS
from polysms.client.keeping import Task, Told
from polysms.client.sync import Client
from polysms.client.transports import proxy_of, tls
from polysms.config import Account
from polysms.doctor.account import Tls
from polysms.errors import LookupFailed, PolysmsError
from polysms.providers.base import Response
from polysms.routing import lookup
from polysms.routing.steps import Answer

_HTTPS = 443


@attrs.frozen(kw_only=True)
class Probe:
    """What one read brought: ``error`` says what is wrong with it, and with the credentials."""

    asked_at: datetime
    answered_at: datetime
    response: Response | None
    error: LookupFailed | None


def probe(client: Client, account: Account, now: Callable[[], datetime]) -> Probe:
    """Ask whether an account's credentials are good, and keep all that was answered."""
    found: Probe = client._ask(_probed(account, now))  # noqa: SLF001 - asks as the client does
    return found


def _probed(account: Account, now: Callable[[], datetime]) -> Generator[Task, Told, Probe]:
    steps = lookup.check(account, LOOKUP_SECONDS)
    call = next(steps)
    asked_at = now()
    answer = yield call
    answered_at = now()
    return Probe(
        asked_at=asked_at,
        answered_at=answered_at,
        response=answer if isinstance(answer, Response) else None,
        error=_wrong(steps, answer),
    )


def _wrong(steps: Generator[object, Answer, None], answer: Told) -> LookupFailed | None:
    try:
        steps.send(answer)
    except StopIteration:
        return None
    except LookupFailed as error:
        return error
    raise RuntimeError("a check asks once")


def encryption(account: Account, url: str) -> tuple[Tls | str, bool]:
    """Return how a connection of its own to an account's provider is encrypted.

    Or a sentence that says why nobody can tell, or what is wrong, and whether it is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return f"none: it leads to {parts.netloc}", not _is_here(parts.hostname)
    if proxy_of(account) is not None:
        return "not looked at through a proxy", False
    try:
        return _shaken(account, parts.hostname or "", parts.port or _HTTPS), False
    except ssl.SSLCertVerificationError as error:
        return f"its certificate cannot be verified: {error.verify_message}", True
    except (OSError, ValueError) as error:
        return f"no encrypted connection ({type(error).__name__})", True
    except PolysmsError as error:
        return str(error), True


def _is_here(host: str | None) -> bool:
    return host in {"127.0.0.1", "localhost", "::1"}


def _shaken(account: Account, host: str, port: int) -> Tls:
    context, began = tls(account), time.monotonic()
    with (
        socket.create_connection((host, port), account.timeouts.connect) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        took = time.monotonic() - began
        certificate = secure.getpeercert() or {}
        stamp = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        version = secure.version() or "TLS"
    return Tls(version=version, expires_at=datetime.fromtimestamp(stamp, UTC), seconds=took)
