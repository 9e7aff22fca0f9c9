"""Assignment by chance: which account a message is given to, so that anybody can draw it again.

Each account of an experiment has a number from 0 to 1, made by BLAKE2b of what is written here and
of nothing else; the account with the least ``-ln(number) / share`` has the message. So each gets
its share, an account that drops out moves its own messages only, and whoever knows the experiment,
the stratum and the unit finds the same account.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import attrs

from polysms import numbers
from polysms.message import Message
from polysms.segments import segments

MESSAGE = "message"
RECIPIENT = "recipient"
#: Numbers of the US and Canada that nobody pays for: carriers treat their texts as another kind.
_TOLL_FREE = re.compile(r"\+?1(800|833|844|855|866|877|888)\d{7}")


@attrs.frozen(order=True)
class Stratum:
    """Messages that are alike before they are sent, by what their number and text say.

    Where recipients are assigned, not messages, only the ``country`` is told.
    """

    country: str = ""
    kind: str = ""
    segments: int = 0

    def __str__(self) -> str:
        """Return it in words: ``US sms of 2 segments``."""
        size = f"of {self.segments} segment{'s' if self.segments > 1 else ''}"
        parts = (self.country, self.kind, size if self.segments else "")
        return " ".join(part for part in parts if part) or "any message"


@attrs.frozen(kw_only=True)
class Assignment:
    """The account that a message was given to first, and how.

    ``experiment`` is a short hash of the route's name and of all that decides the draw: a change of
    any of it begins another experiment. ``account`` is the first that the message was given to,
    ``probability`` the chance with which it was drawn among those that could take the message.
    ``unit`` says what was drawn: each "message", or each "recipient". ``randomised`` is False where
    nothing was left to chance: a learned or pinned choice, or one account alone that could take it.
    ``sender_kind`` is "name", "short", "toll_free" or "number".
    """

    experiment: str
    route: str
    account: str
    probability: float
    unit: str = MESSAGE
    randomised: bool = True
    stratum: Stratum = Stratum()
    sender_kind: str = ""


def experiment_of(route: str, seed: str, shares: Mapping[str, float], *, sticky: bool) -> str:
    """Return the short hash of an experiment: twelve hexadecimal digits.

    It is BLAKE2b (6 bytes) of the JSON list ``[route, seed, [[account, share], ...], sticky]``, the
    accounts in alphabetical order, the shares as floating point numbers.
    """
    listed = [[name, float(shares[name])] for name in sorted(shares)]
    return blake2b(_written(route, seed, listed, sticky), digest_size=6).hexdigest()


def chance(experiment: str, stratum: Stratum, unit: str, name: str) -> float:
    """Return the number from 0 to 1 of one name (an account) for one unit.

    It is BLAKE2b (8 bytes, the first the highest) of the JSON list ``[experiment, country, kind,
    segments, unit, name]``, plus a half, divided by 2**64. JSON is written without blanks, every
    character beyond ASCII as an escape.
    """
    facts = (experiment, stratum.country, stratum.kind, stratum.segments, unit, name)
    digest = blake2b(_written(*facts), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


def _written(*facts: object) -> bytes:
    return json.dumps(facts, separators=(",", ":")).encode()


def assign(
    shares: Mapping[str, float], *, experiment: str, stratum: Stratum, unit: str
) -> Sequence[str]:
    """Return the accounts in the order in which chance has them: the first one gets the message.

    ``unit`` is what :func:`unit_of` returns for the message. Accounts without a share come last, in
    the order in which they are given.
    """
    return sorted(
        shares, key=lambda name: race(shares[name], chance(experiment, stratum, unit, name))
    )


def race(share: float, chance: float) -> float:
    """Return the place of one in a draw by shares: the least of all wins.

    The least of ``-ln(chance) / share`` falls on each by its share (Efraimidis and Spirakis, 2006);
    with a chance of its own for each the rest keep their order when one drops out.
    """
    return -math.log(max(chance, 1e-300)) / share if share > 0 else math.inf


def probability(shares: Mapping[str, float], account: str) -> float:
    """Return the chance with which an account is drawn among those of these shares."""
    whole = math.fsum(shares.values())
    return shares[account] / whole if whole > 0 else 1.0


def unit_of(message: Message, id_: str, *, sticky: bool) -> str:
    """Return what is drawn for: the recipient, else the message's key, else its id.

    A message that is sent again with its key is the same message, and keeps its account.
    """
    if sticky:
        return message.to
    if message.key is not None:
        return json.dumps([message.tenant, message.key])
    return id_


def stratum_of(message: Message, *, sticky: bool) -> Stratum:
    """Return the stratum of a message, or of its recipient."""
    country = numbers.country(message.to) or ""
    if sticky:
        return Stratum(country)
    return Stratum(country, message.kind, 1 if message.media else segments(message.text).count)


def sender_kind(sender: str | None) -> str:
    """Return what kind of sender this is: "name", "short", "toll_free", "number", "" for none."""
    if not sender:
        return ""
    if numbers.is_alphanumeric(sender):
        return "name"
    if numbers.is_short(sender):
        return "short"
    return "toll_free" if _TOLL_FREE.fullmatch(sender) else "number"
