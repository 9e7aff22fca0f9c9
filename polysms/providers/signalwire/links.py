"""The links from page to page: they get the token, so only our own origin is followed."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

_PORTS = {"https": 443, "http": 80}


def followed(link: object, here: str) -> str | None:
    """Return the whole address of the next page, None at the end.

    A link may be whole or relative to ``here``, the page it stands on. One that leads to another
    origin, back to the same page or nowhere is the end.
    """
    if not isinstance(link, str) or not link or not (link.isascii() and link.isprintable()):
        return None
    try:
        ours, theirs = urlsplit(here), urlsplit(urljoin(here, link))
        if _origin(ours) != _origin(theirs):
            return None
    except ValueError:  # "//[": the beginning of an address that never ends
        return None
    # Spelled as our own address is: another spelling might be read otherwise by others.
    target = urlunsplit(theirs._replace(scheme=ours.scheme, netloc=ours.netloc, fragment=""))
    return target if target != here else None


def _origin(parts: SplitResult) -> tuple[str, str, str | None, int | None]:
    user = parts.netloc.rpartition("@")[0]
    return parts.scheme, user, parts.hostname, parts.port or _PORTS.get(parts.scheme)
