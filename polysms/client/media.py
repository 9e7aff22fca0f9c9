"""What came with an inbound message: pictures, sounds, cards, fetched within bounds.

Who posts a webhook chose these addresses, and an address is believed no further than it must be.
Only https; only hosts of the public internet (:mod:`polysms.client.public`); our credentials go to
the account's own origin alone; redirects are followed a few times, each looked at as the first.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import attrs
import httpcore
import httpx

from polysms import message
from polysms.client.plans import seconds_of
from polysms.client.pooled import headers_of
from polysms.client.public import is_public, is_public_or_loopback
from polysms.client.transports import proxy_of
from polysms.config import Account, Config
from polysms.delivery import InboundMessage
from polysms.errors import ConfigError, InvalidMessage, LookupFailed, NotFound, Reason

#: More than any carrier passes on in one MMS.
MOST_BYTES = 5 * 1024 * 1024
#: What phones send. A pattern takes no SVG: it is a program, and must be named.
TYPES = ("image/*", "audio/*", "video/*", "text/plain", "text/vcard", "text/x-vcard")
SECONDS = 30.0
MOST_REDIRECTS = 3
_PROGRAMS = frozenset({"image/svg+xml", "text/html", "application/xhtml+xml"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})
_HTTPS = 443


def _shown_size(content: bytes) -> str:
    return f"<{len(content)} bytes>"


@attrs.frozen(kw_only=True)
class Media:
    """One attachment: its bytes, and the type that its host says they are of.

    ``url`` is where it came from at last; whoever knows it may be able to fetch it.
    """

    content: bytes = attrs.field(repr=_shown_size)
    content_type: str
    url: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Bounds:
    """How much is taken (bytes), of which types, and how long it may take (seconds)."""

    most: int = MOST_BYTES
    types: tuple[str, ...] = TYPES
    seconds: float = SECONDS


def bounds_of(
    most: int | None, types: Sequence[str] | None, within: float | timedelta | None
) -> Bounds:
    """Return the bounds that arguments name; raise ConfigError for what are none."""
    facts: dict[str, Any] = {}
    if most is not None:
        facts["most"] = _whole(most)
    if types is not None:
        facts["types"] = _patterns(types)
    if within is not None:
        facts["seconds"] = seconds_of("within", within)
    return Bounds(**facts)


def _whole(most: int) -> int:
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ConfigError("most: write a number of bytes, at least 1", key="most")
    return most


def _patterns(types: Sequence[str]) -> tuple[str, ...]:
    if isinstance(types, str) or not all(isinstance(one, str) and "/" in one for one in types):
        raise ConfigError('types: write a list, as ["image/*", "text/vcard"]', key="types")
    return tuple(one.lower() for one in types)


@attrs.frozen
class Wanted:
    """One request: where to, and with which headers."""

    url: httpx.URL = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)


class Got:
    """The answer to one request, its body as far as it is taken."""

    def __init__(self, response: httpcore.Response, bounds: Bounds) -> None:
        self.status = response.status
        self.headers = headers_of(response)
        self.body = bytearray()
        self._bounds = bounds

    @property
    def content_type(self) -> str:
        """The type its host names, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_trouble(self) -> bool:
        """Whether its host failed, and may not fail again."""
        return httpx.codes.is_server_error(self.status)

    def is_taken(self) -> bool:
        """Whether the body is to be read. Raises LookupFailed for one that nobody asked for."""
        if self.status != httpx.codes.OK:
            return False
        if not any(_fits(self.content_type, one) for one in self._bounds.types):
            # Not its words as they are: the host may have written anything there.
            named = f"{self.content_type[:60]!r}" if self.content_type else "no type"
            raise _refused(f"it is of {named}, and only {', '.join(self._bounds.types)} is taken")
        if self.headers.get("content-encoding", "identity") != "identity":
            raise _refused("it came packed, though nobody asked for that")
        length = self.headers.get("content-length", "")
        self._check(int(length) if length.isdecimal() else 0)
        return True

    def add(self, chunk: bytes) -> None:
        """Take one more piece of the body. Raises LookupFailed where it is too much."""
        self._check(len(self.body) + len(chunk))
        self.body += chunk

    def _check(self, size: int) -> None:
        if size > self._bounds.most:
            raise _refused(f"it has more than {self._bounds.most} bytes, the most that is taken")


def _fits(content_type: str, pattern: str) -> bool:
    if pattern in {content_type, "*/*"}:
        return True
    begin = pattern.removesuffix("*")
    return begin != pattern and content_type.startswith(begin) and content_type not in _PROGRAMS


Steps = Generator[Wanted, Got, Media]


class Fetching:
    """One attachment of one account being fetched."""

    def __init__(self, account: Account, bounds: Bounds) -> None:
        if proxy_of(account):
            sentence = "media are not fetched through a proxy: where it leads cannot be checked"
            key = f"accounts.{account.name}.proxy"
            raise ConfigError(f"{key}: {sentence}; fetch their URLs yourself", key=key)
        self.account = account
        self.bounds = bounds
        self.until = time.monotonic() + bounds.seconds
        self._home, self._credentials = _home(account)
        self.is_on_loopback = self._home is not None and self._home.host in _LOOPBACKS
        self.is_allowed = is_public_or_loopback if self.is_on_loopback else is_public

    def steps(self, url: str) -> Steps:
        """Yield each request to make, to be answered with what it brought; return the media."""
        at_home = True
        for _ in range(MOST_REDIRECTS + 1):
            target = self._target(url)
            # Who has once sent us elsewhere does not choose what we then ask of our own provider.
            at_home = at_home and self._is_home(target)
            own = self._credentials if at_home else {}
            got = yield Wanted(target, {"Accept": "*/*", "Accept-Encoding": "identity", **own})
            if got.status not in _REDIRECTS or "location" not in got.headers:
                return _media(got, target)
            url = urljoin(str(target), got.headers["location"])
        raise _refused(f"it was passed on more than {MOST_REDIRECTS} times")

    def _target(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(message.url("media", url)).copy_with(fragment=None)
        except (InvalidMessage, httpx.InvalidURL):
            raise _refused("its address is none that can be fetched") from None
        if self._is_home(target) or (self.is_on_loopback and target.host in _LOOPBACKS):
            return target
        if target.scheme != "https" or (target.port or _HTTPS) != _HTTPS:
            raise _refused("its address is not https, or of another port")
        return target

    def _is_home(self, target: httpx.URL) -> bool:
        return self._home is not None and _origin(target) == _origin(self._home)

    def request(self, wanted: Wanted) -> httpcore.Request:
        """Return a request as httpcore takes it."""
        url = wanted.url
        whole = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        timeouts = self.account.timeouts
        steps = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write}
        headers = {"Host": url.netloc.decode("ascii"), **wanted.headers}
        return httpcore.Request(
            "GET",
            whole,
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            extensions={"timeout": steps},
        )


def _home(account: Account) -> tuple[httpx.URL | None, dict[str, str]]:
    """Return the provider's own address, and what lets us in there."""
    build: Any = getattr(account.adapter, "check_request", None)
    if build is None:
        return None, {}
    request = build()
    names = [name for name in request.headers if name.lower() == "authorization"]
    return httpx.URL(request.url), {name: request.headers[name] for name in names}


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    port = url.port or (_HTTPS if url.scheme == "https" else 80)
    return url.scheme, url.host, port


def _media(got: Got, target: httpx.URL) -> Media:
    if got.status == httpx.codes.OK:
        return Media(content=bytes(got.body), content_type=got.content_type, url=str(target))
    if got.status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise NotFound(f"the media is not there any more (HTTP {got.status})")
    if got.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        facts: dict[str, Any] = {"reason": Reason.CREDENTIALS, "retry_later": False}
    else:
        facts = {"retry_later": got.status == httpx.codes.TOO_MANY_REQUESTS or got.is_trouble}
    raise LookupFailed(f"the media was not given (HTTP {got.status})", **facts)


def _refused(sentence: str) -> LookupFailed:
    return LookupFailed(
        f"the media is not taken: {sentence}", reason=Reason.MEDIA, retry_later=False
    )


def begun(
    config: Config, inbound: InboundMessage, index: int, bounds: Bounds
) -> tuple[Fetching, Steps]:
    """Return the fetching of one attachment of a message, and its steps."""
    if not 0 <= index < len(inbound.media):
        raise NotFound(f"the message has no media[{index}]: it came with {len(inbound.media)}")
    fetching = Fetching(config.account(inbound.account), bounds)
    return fetching, fetching.steps(inbound.media[index])
