"""Phone numbers: E.164, what is possible, which country, which short numbers pass as they are.

*Possible*, not *valid*: a number is taken when its length is one that its country uses
(phonenumberslite's words). Numbering plans change faster than any table, and a wrong "invalid"
loses a message, so whether the number exists is left to the provider.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from polysms import redact
from polysms.errors import InvalidMessage

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

#: E.164 allows fifteen digits after the plus (ITU-T E.164 §6.1).
LONGEST = 15
_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015\u00a0/]+")
# A pass-through number may carry a plus ("+988", seed 004); a short code never does.
_SHORT = re.compile(r"\+([0-9]{3})|([0-9]{3,6})")
# As in "+44 (0)20 7946 0958": part of the national form, and never of the international one.
_TRUNK = "(0)"
_WRITE = 'write "+", the country code and the number, digits only'
#: What helps a program with a number that has no country code.
IN_CODE = 'or use polysms.e164(number, region="US")'
_ALPHANUMERIC = re.compile(r"[A-Za-z]")


def e164(number: str, region: str | None = None) -> str:
    """Return a number people write, as ``(313) 555-0123``, in E.164, as ``+13135550123``.

    ``region`` is the two-letter country in whose national form the number is written; not needed
    for a number that begins with ``+``. Raises :class:`InvalidMessage` for what cannot be one.
    """
    import phonenumbers  # noqa: PLC0415 - 50 ms of metadata, loaded when first used

    if not isinstance(number, str):
        raise _not_text(number)
    if region is not None and str(region).upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidMessage(f"region {region!r} is not a two-letter country", field="region")
    try:
        parsed = phonenumbers.parse(number, region and region.upper())
    except phonenumbers.NumberParseException as error:
        raise _wrong(number, "is not a phone number", _remedy(region)) from error
    if parsed.extension:
        raise _wrong(number, "has an extension", "leave it out: no text reaches one")
    _require_possible(parsed, number)
    formatted = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    _require_length(formatted, number)
    return formatted


def _remedy(region: str | None) -> str:
    if region is None:
        return 'begin with "+" and the country code, or give region="US"'
    return f"is it really written as people in {region.upper()} write it?"


def recipient(number: str) -> str:
    """Return a recipient in E.164, or a short number (988, a short code) as its digits alone.

    Spaces, dots, hyphens and parentheses are taken out. Raises :class:`InvalidMessage` for a
    number without a country code, with letters, too long or of no possible length.
    """
    if not isinstance(number, str):
        raise _not_text(number)
    return _recipient(number)


@lru_cache(maxsize=8192)
def _recipient(number: str) -> str:
    compact = _SEPARATORS.sub("", number)
    if short := _SHORT.fullmatch(compact):
        return short.group(1) or short.group(2)
    _require_plus(number, compact)
    digits = compact[1:]
    if not (digits.isascii() and digits.isdigit()):
        raise _wrong(number, "has characters that are not digits", _WRITE)
    _require_length(compact, number)
    if _TRUNK in number:
        raise _wrong(number, f"has a {_TRUNK}", "leave it out: it is dialled within a country only")
    _require_possible(_parsed(compact), number)
    return compact


def _require_plus(number: str, compact: str) -> None:
    if compact.startswith("+"):
        return
    if not compact:
        raise _wrong(number, "is empty", _WRITE)
    if _ALPHANUMERIC.search(compact):
        raise _wrong(number, "has letters", _WRITE)
    raise _wrong(number, "has no country code", f'begin with "+" and the country code, {IN_CODE}')


def _require_length(compact: str, number: str) -> None:
    length = len(compact) - 1
    if length > LONGEST:
        raise _wrong(number, f"has {length} digits, E.164 allows {LONGEST}", "shorten it")


def _require_possible(parsed: PhoneNumber, number: str) -> None:
    import phonenumbers  # noqa: PLC0415 - as above

    # Not is_possible_number: it takes a number without its area code too ("+1 555 0123").
    found = phonenumbers.is_possible_number_with_reason(parsed)
    if found != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise _wrong(number, "is too short or too long for its country", "count its digits")


def _parsed(number: str) -> PhoneNumber:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise _wrong(number, "has no known country code", "check what follows the plus") from error


def _not_text(number: object) -> InvalidMessage:
    kind = "None" if number is None else f"of type {type(number).__name__}"
    # No whole number as an example: errors hide every number.
    sentence = f'to: is {kind}; write a phone number in quotes, as "+1..."'
    return InvalidMessage(sentence, field="to")


def _wrong(number: str, what: str, remedy: str) -> InvalidMessage:
    return InvalidMessage(f"number {redact.mask(number)[:40]!r} {what}: {remedy}", field="to")


@lru_cache(maxsize=8192)
def is_short(number: str) -> bool:
    """Whether this is a short number (3 to 6 digits, no country code), as 988 or a short code."""
    return _SHORT.fullmatch(number) is not None


@lru_cache(maxsize=1024)
def is_alphanumeric(sender: str) -> bool:
    """Whether a sender is a name ("Acme") rather than a number."""
    return not _SEPARATORS.sub("", sender).lstrip("+").isdigit()


@lru_cache(maxsize=1024)
def sender(written: str) -> str:
    """Return a sender in one spelling: a number as ``+`` and digits, or as the digits it is.

    Names and ``@names`` stay as they are. Raises :class:`InvalidMessage` for a number with a
    ``(0)``, of which nobody can say whether it is dialled.
    """
    compact = _SEPARATORS.sub("", written)
    digits = compact.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return written.strip()
    if _TRUNK in written:
        sentence = f"from_: has a {_TRUNK}; leave it out: it is dialled within a country only"
        raise InvalidMessage(sentence, field="from_")
    return compact


@lru_cache(maxsize=8192)
def country(number: str) -> str | None:
    """Return the two-letter country of an E.164 number, None where it cannot be told.

    Countries that share a calling code (+1, +44, +7 ...) are told apart by their number ranges,
    so a number outside every range, as most fictional ones, has no country.
    """
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None


def zones(number: str) -> tuple[str, ...] | None:
    """Return the time zones in which a number may be, as ``America/Detroit``; () for an unknown.

    None where nothing here tells: phonenumberslite has the code for it and not the data.
    """
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        from phonenumbers import timezone  # noqa: PLC0415 - as above
    except ImportError:
        return None
    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)


def in_us_or_canada(number: str) -> bool:
    """Whether a number is of the US or Canada, or a +1 number of no other known country."""
    return number.startswith("+1") and country(number) in {"US", "CA", None}


def in_us(number: str) -> bool:
    """Whether a number is of the US, or a +1 number of no other known country."""
    return number.startswith("+1") and country(number) in {"US", None}


def digits(number: str) -> str:
    """Return only the digits of a number: how two spellings of one number are compared."""
    return "".join(character for character in number if character.isdigit())


def digits_or_name(sender: str) -> str:
    """Return a name as it is, a number as its digits: how some providers filter their lists."""
    return sender if is_alphanumeric(sender) else digits(sender)


def same(one: str, other: str) -> bool:
    """Whether two senders are the same: names letter for letter, numbers by their digits."""
    if one == other or is_alphanumeric(one) or is_alphanumeric(other):
        return one == other
    return digits(one) == digits(other)
