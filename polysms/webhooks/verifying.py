"""Whether a webhook is believed, and if not, which part of it is wrong.

===================================  ===========  ====================================
a provider that signs (SignalWire)   signature    genuine if it is right, refused if not
                                     no, but the  hint: a report to be fetched
                                     message's
                                     token
one that does not (Wavix, CarrierX)  its token    hint, or genuine with
                                                  ``verify_reports = "trust"``
===================================  ===========  ====================================

A hint is never dropped and never believed where it would end a message or send it again. What a
signature proves is checked over the raw bytes, and every comparison takes its time.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address

import attrs

from polysms.config import Account
from polysms.errors import BadPayload, BadSignature
from polysms.providers.hearing import Signed, WebhookRequest, bounded
from polysms.webhooks.paths import is_one_of, place_of, reference_of, tokens_of


class Belief(StrEnum):
    """How far a webhook is believed."""

    GENUINE = "genuine"
    HINT = "hint"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class Verdict:
    """What is believed of a webhook.

    ``part`` names what is wrong or missing with one that is refused ("method", "size", "source",
    "path", "account token", "message token", "signature", "body"), ``why`` says it in a sentence.
    ``proof`` says what was right: "signature" or "address". ``reference`` is the attempt that the
    address proves. ``inbound`` says whether an inbound message in it is believed: from a provider
    that signs, only one that is signed.
    """

    belief: Belief
    part: str | None = None
    why: str = ""
    proof: str | None = None
    reference: str | None = None
    inbound: bool = False

    def demand(self) -> Verdict:
        """Return it; raise :class:`~polysms.errors.BadSignature` where it refuses."""
        if self.belief is Belief.REFUSED:
            raise BadSignature(f"the webhook is refused: {self.part}: {self.why}")
        return self


def verify(
    account: Account, request: WebhookRequest, public_url: str, source: str | None = None
) -> Verdict:
    """Return what is believed of a request that came to an account's address.

    ``public_url`` is the configured one; what the request says of its host is never looked at.
    ``source`` is the address it came from, needed where the account limits its ``sources``.
    """
    refusal = _outside(account, request, source)
    if refusal is not None:
        return refusal
    place = place_of(account, request, public_url)
    if place.parts is None:
        return _refused("path", "is not of this account")
    reference = None
    if place.parts:
        reference, refusal = _by_path(account, *place.parts)
    if refusal is not None:
        return refusal
    if getattr(account.adapter, "signing_keys", ()):
        return _by_signature(account, request, place.url, reference)
    if not place.parts:
        return _refused("account token", "is missing")
    return _by_address(account, reference, inbound=True)


def _by_path(account: Account, token: str, *rest: str) -> tuple[str | None, Verdict | None]:
    """Return the reference that the parts of a path prove, and a refusal where they prove nothing.

    A signature does not make up for a wrong path: URL and body are signed as one text, and who has
    seen one could move the border between them.
    """
    if not is_one_of(token, tokens_of(account)):
        return None, _refused("account token", "is not the configured one")
    if not rest:
        return None, None
    reference = reference_of(account, "/".join(rest))
    if reference is None:
        return None, _refused("message token", "was not made by this account's token")
    return reference, None


def _refused(part: str, why: str) -> Verdict:
    return Verdict(belief=Belief.REFUSED, part=part, why=why)


def _outside(account: Account, request: WebhookRequest, source: str | None) -> Verdict | None:
    """Return a refusal for what can be seen before anything is computed."""
    methods: tuple[str, ...] = getattr(account.adapter, "webhook_methods", ("POST",))
    if request.method not in methods:
        return _refused("method", f"is not {' or '.join(methods)}")
    try:
        bounded(request)
    except BadPayload as error:
        return _refused("size", str(error))
    if not request.url.isascii():
        return _refused("path", "has characters that no URL has")
    if account.sources and not _is_from(account, source):
        return _refused("source", "is none of the account's sources")
    return None


def _is_from(account: Account, source: str | None) -> bool:
    try:
        found = ip_address(source or "")
    except ValueError:
        return False
    # A socket of both families shows an old address inside a new one.
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in account.sources)


def _by_address(account: Account, reference: str | None, *, inbound: bool) -> Verdict:
    belief = Belief.GENUINE if account.verify_reports == "trust" else Belief.HINT
    return Verdict(belief=belief, proof="address", reference=reference, inbound=inbound)


def _by_signature(
    account: Account, request: WebhookRequest, url: str, reference: str | None
) -> Verdict:
    try:
        signed = signed_at(account, request, url)
    except BadPayload as error:
        return _refused("body", str(error))
    if signed.given is None:
        if reference is None:
            return _refused("signature", "is missing")
        return _by_address(account, reference, inbound=False)
    if not is_one_of(signed.given, signed.right):
        return _refused("signature", "is not made of this URL and body with the signing key")
    return Verdict(belief=Belief.GENUINE, proof="signature", reference=reference, inbound=True)


def signed_at(account: Account, request: WebhookRequest, url: str) -> Signed:
    """Return a request's signature, and the right ones at a URL, of a provider that signs."""
    adapter: object = account.adapter
    return adapter.signed(request, url)  # type: ignore[attr-defined,no-any-return]
