"""What may be shown of a phone number, a secret or a provider's words.

Phone numbers show their first two characters and their last two digits, secrets show nothing.
Everything that ends in a ``repr``, an error or a log record passes through here.
"""

from __future__ import annotations

import re

HIDDEN = "***"
#: A number of fewer digits is a short code, known to all.
PRIVATE_DIGITS = 7
# Seven digits after a plus, ten without one: fewer are a date, a time or a count.
_NUMBER = re.compile(r"\+\d(?:[\s().-]{0,2}\d){6,}|(?<![\w-])\d(?:[\s().-]{0,2}\d){9,}(?![\w-])")
_CREDENTIAL = re.compile(
    r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"
    # KEY is no one's: it stands in our own examples.
    r"|(?<=://)(?!KEY@)[^/\s]+(?=@)"
    r"|(?<=appid=)[^&\s]+"
)


def mask(number: str | None) -> str:
    """Return a phone number with its middle hidden, as ``+1********23``.

    A sender that is a name ("Acme") and a short code are no one's private number and stay whole.
    """
    if number is None:
        return "None"
    if sum(character.isdigit() for character in number) < PRIVATE_DIGITS:
        return number
    head = 2 if number.startswith("+") else 1
    return number[:head] + "*" * (len(number) - head - 2) + number[-2:]


def scrub(text: str) -> str:
    """Return a text with every phone number masked and every credential hidden."""
    hidden = _CREDENTIAL.sub(HIDDEN, text)
    return _NUMBER.sub(lambda match: mask(match.group()), hidden)


def shown(text: str | None) -> str:
    """Return the ``repr`` of a caller's own words, scrubbed: a key may be made of a number."""
    return repr(text if text is None else scrub(text))


def hide(text: str, secrets: tuple[str, ...]) -> str:
    """Return :func:`scrub` of a text, with these very secrets hidden too, in any place."""
    # The longest first: one may be the beginning of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return scrub(text)
