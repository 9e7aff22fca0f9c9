"""Our signatures beside SignalWire's own validator, which most of its customers verify with."""

from __future__ import annotations

import random
import string
from typing import Any
from urllib.parse import urlencode

import pytest

from polysms.webhooks import Belief, WebhookRequest, address, verify
from tests.webhooks.forms import FORM, JSON, account

official: Any = pytest.importorskip(
    "signalwire.request_validator",
    reason="SignalWire's own package is not installed: tox -e signatures has it",
)

CASES = 1_000
#: What stands in texts, names and addresses somewhere in the world.
LETTERS = f"{string.ascii_letters}{string.digits} +&=%/?#\"'{{}}éßжи早\N{PILE OF POO}"
HOSTS = (
    *("https://sms.example.com", "https://sms.example.com:443", "http://127.0.0.1"),
    *("http://127.0.0.1:80", "https://sms.example.com/hooks"),
)


def text(chance: random.Random, most: int) -> str:
    """Return some text."""
    return "".join(chance.choices(LETTERS, k=chance.randrange(1, most)))


def case(chance: random.Random) -> tuple[str, str, Any, WebhookRequest]:
    """Return a key, a public address, the body as the validator wants it, and the request."""
    key = f"PSK_{text(chance, 30)}_"  # the configuration takes no blank at an end
    public = chance.choice(HOSTS)
    of = account("signalwire", signing_key=key)
    url = address(of, public, chance.choice((None, text(chance, 20))))
    if chance.random() < 0.3:
        url += f"?{urlencode({text(chance, 5): text(chance, 9)})}"
    ours = official.RequestValidator(key)
    if chance.random() < 0.5:
        said: Any = "{" + text(chance, 200) + "}"
        signature = ours.build_signature(url, said)
        headers, body = JSON, said.encode()
    else:
        said = {text(chance, 12): text(chance, 40) for _ in range(chance.randrange(1, 12))}
        signature = ours.build_signature_with_compatibility(url, said)
        headers, body = FORM, urlencode(said).encode()
    signed = {**headers, "X-SignalWire-Signature": _perhaps_wrong(chance, signature)}
    return key, public, said, WebhookRequest("POST", url, signed, body)


def _perhaps_wrong(chance: random.Random, signature: str) -> str:
    if chance.random() < 0.5:
        return signature
    place = chance.randrange(len(signature) - 1)
    other = chance.choice([one for one in "0123456789abcdef" if one != signature[place]])
    return f"{signature[:place]}{other}{signature[place + 1 :]}"


def test_agrees_with_the_official_validator() -> None:
    """On a thousand random webhooks, half of them forged, both come to the same verdict."""
    chance = random.Random(7)  # noqa: S311 - the same cases each time
    verdicts = []
    for _ in range(CASES):
        key, public, said, request = case(chance)
        signature = request.headers["x-signalwire-signature"]
        theirs = official.RequestValidator(key).validate(request.url, said, signature)
        belief = verify(account("signalwire", signing_key=key), request, public).belief
        assert (theirs, request.url) == (belief is Belief.GENUINE, request.url)
        verdicts.append(theirs)
    assert CASES // 3 < sum(verdicts) < CASES * 2 // 3
