"""Where a provider's webhooks go: ``{public_url}/{account}/{token}[/{reference}.{HMAC}]``.

The token is the account's, unguessable and the same in each of its addresses. The last part is made
for one message, where a provider takes an address for each: nobody can make one for another.
"""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache
from urllib.parse import unquote

import attrs

from polysms.config import Account
from polysms.errors import ConfigError
from polysms.providers.base import escaped
from polysms.providers.hearing import WebhookRequest


def address(account: Account, public_url: str, reference: str | None = None) -> str:
    """Return the address for an account's webhooks, or for the reports of one message.

    Raises :class:`~polysms.errors.ConfigError` for an account without a secret to make it of.
    """
    secrets = tokens_of(account)
    if not secrets:
        key = f"accounts.{account.name}.webhook_token"
        sentence = "is missing; without it anybody could post reports"
        raise ConfigError(f"{key}: {sentence}", key=key)
    base = f"{public_url.rstrip('/')}/{escaped(account.name)}/{secrets[0]}"
    return base if reference is None else f"{base}/{message_token(account, reference)}"


def message_token(account: Account, reference: str) -> str:
    """Return the part of the address that is for the reports of one attempt."""
    return f"{escaped(reference)}.{_proof(tokens_of(account)[0], account.name, reference)}"


def tokens_of(account: Account) -> tuple[str, ...]:
    """Return the tokens that an account's address may have, the one to use first.

    They are the configured ones; where its provider signs, each signing key stands for one.
    """
    keys: tuple[str, ...] = getattr(account.adapter, "signing_keys", ())
    return account.webhook_token or _derived(keys)


# For every webhook the same, and as long to compute as all the rest.
@lru_cache(maxsize=64)
def _derived(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_digest(key, "webhook token") for key in keys)


def _proof(token: str, account: str, reference: str) -> str:
    # The line end stands in no part of an address, so no two pairs are signed alike.
    return _digest(token, f"{account}\n{reference}")


def _digest(key: str, text: str) -> str:
    whole = hmac.digest(key.encode(), text.encode(errors="replace"), "sha256")
    return base64.urlsafe_b64encode(whole[:18]).decode()


def reference_of(account: Account, part: str) -> str | None:
    """Return the reference that a message's part of an address proves, None if it proves none."""
    said, _, proof = part.rpartition(".")
    reference = unquote(said)
    right = [_proof(token, account.name, reference) for token in tokens_of(account)]
    return reference if is_one_of(proof, right) else None


def is_one_of(given: str, right: list[str] | tuple[str, ...]) -> bool:
    """Whether a text is one of the right ones; takes as long whichever it is, or if none."""
    said = given.encode(errors="replace")
    return sum(hmac.compare_digest(said, one.encode()) for one in right) > 0


@attrs.frozen
class Place:
    """Where a request arrived: its ``url`` as the provider knows it, and the ``parts`` of its path.

    ``parts`` follow the account's name; None where the path is not of this account.
    """

    url: str = attrs.field(repr=False)
    parts: tuple[str, ...] | None = attrs.field(repr=False)


def place_of(account: Account, request: WebhookRequest, public_url: str) -> Place:
    """Return where a request arrived, whatever host it names: a proxy may have changed that.

    The path may still have the path of the public address before it, or have lost it.
    """
    path, query = request.target
    public_url = public_url.rstrip("/")
    before = public_url.partition("://")[2].partition("/")[2]
    inside = path.removeprefix(f"/{before}") if before else path
    for one in (inside, path):
        name, *parts = one[1:].split("/")
        if one.startswith("/") and unquote(name) == account.name:
            url = f"{public_url}{one}"
            # Who pastes an address somewhere may add a slash.
            said = parts[:-1] if parts and not parts[-1] else parts
            return Place(f"{url}?{query}" if query else url, tuple(said))
    return Place(public_url, None)
