"""Phone numbers: which are taken, in which form, and which country they are of."""

from __future__ import annotations

import re
from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from polysms import numbers
from polysms.errors import Fault, InvalidMessage, NotSent

RECIPIENTS = [
    ("+13135550123", "+13135550123"),
    ("+1 (313) 555-0123", "+13135550123"),
    (" +1.313.555.0123\n", "+13135550123"),
    ("+1\u00a0313\u2011555\u20130123", "+13135550123"),
    ("+44 7700 900123", "+447700900123"),
    ("+49" + "1" * 13, "+49" + "1" * 13),
    # Possible for its length; that no such number is in use is left to the provider.
    ("+15550000123", "+15550000123"),
    # Seed 004: numbers that pass as they are, written with a plus or without.
    ("988", "988"),
    ("+988", "988"),
    ("12345", "12345"),
    ("123456", "123456"),
]


@pytest.mark.parametrize(("number", "expected"), RECIPIENTS)
def test_recipient(number: str, expected: str) -> None:
    """A recipient is digits after a plus, or a short number as its digits alone."""
    assert expected == numbers.recipient(number)


NO_RECIPIENTS = [
    ("", "is empty"),
    (" -.() ", "is empty"),
    ("3135550123", "has no country code"),
    ("0013135550123", "has no country code"),
    ("12", "has no country code"),
    ("1234567", "has no country code"),
    ("555-CALL-NOW", "has letters"),
    ("Acme", "has letters"),
    ("+1313555CALL", "has characters that are not digits"),
    ("+1313555012\uff13", "has characters that are not digits"),
    ("++13135550123", "has characters that are not digits"),
    ("+", "has characters that are not digits"),
    ("+13135550123;ext=5", "has characters that are not digits"),
    # Documented as 15 by ITU-T E.164; one page of a provider (seed 004) says 17.
    ("+1313555012345678", "has 16 digits, E.164 allows 15"),
    ("+13135550123456789", "has 17 digits, E.164 allows 15"),
    ("+44 (0)7700 900123", "has a (0)"),
    ("+0123456789", "has no known country code"),
    ("+9991234567", "has no known country code"),
    ("+131355501", "is too short or too long"),
    ("+131355501234", "is too short or too long"),
    # Seven digits are dialled within an area only.
    ("+15550123", "is too short or too long"),
    (None, "is None; write a phone number in quotes"),
    (13135550123, "is of type int; write a phone number in quotes"),
    (b"+13135550123", "is of type bytes; write a phone number in quotes"),
]


@pytest.mark.parametrize(("number", "what"), NO_RECIPIENTS)
def test_no_recipient(number: str, what: str) -> None:
    """What cannot be a recipient is refused in a sentence that says why and what to do."""
    with pytest.raises(InvalidMessage, match=re.escape(what)) as raised:
        numbers.recipient(number)
    assert ("to", Fault.MESSAGE, False) == (
        raised.value.field,
        raised.value.fault,
        raised.value.retry_later,
    )
    assert re.search(r": \w.*\w", str(raised.value))


@pytest.mark.parametrize("number", ["+13135550123999", "313 555 0123", "+1 313 555 0123 x"])
def test_error_shows_no_number(number: str) -> None:
    """The sentence about a wrong number shows only its ends."""
    with pytest.raises(InvalidMessage) as raised:
        numbers.recipient(number)
    assert "555" not in str(raised.value)
    assert "***" in str(raised.value)


def test_error_about_a_long_text_is_short() -> None:
    """Whatever was handed in as a number, the sentence stays one that can be read."""
    with pytest.raises(InvalidMessage) as raised:
        numbers.recipient("x" * 10_000)
    assert f"number '{'x' * 40}' has letters" == str(raised.value).partition(":")[0]


NATIONAL = [
    ("(313) 555-0123", "US", "+13135550123"),
    ("1 313 555 0123", "US", "+13135550123"),
    ("(313) 555-0123", "us", "+13135550123"),
    ("07700 900123", "GB", "+447700900123"),
    ("+44 (0)7700 900123", None, "+447700900123"),
    ("+44 7700 900123", "US", "+447700900123"),
    ("tel:+1-313-555-0123", None, "+13135550123"),
]


@pytest.mark.parametrize(("number", "region", "expected"), NATIONAL)
def test_e164(number: str, region: str | None, expected: str) -> None:
    """A number as people write it becomes E.164; one with a plus needs no region."""
    assert expected == numbers.e164(number, region)


NO_NATIONAL = [
    ("(313) 555-0123", None, "to", 'give region="US"'),
    ("Acme", "US", "to", "as people in US write it?"),
    ("", "gb", "to", "as people in GB write it?"),
    ("(313) 555-0123 ext. 5", "US", "to", "has an extension"),
    ("555-0123", "US", "to", "is too short or too long"),
    ("313 555 0123 4", "US", "to", "is too short or too long"),
    ("+49" + "1" * 15, None, "to", "has 17 digits"),
    ("+13135550123", "USA", "region", "'USA' is not a two-letter country"),
    ("+13135550123", "", "region", "'' is not a two-letter country"),
    ("+13135550123", 1, "region", "1 is not a two-letter country"),
    (13135550123, "US", "to", "is of type int; write a phone number in quotes"),
]


@pytest.mark.parametrize(("number", "region", "field", "what"), NO_NATIONAL)
def test_no_e164(number: str, region: str | None, field: str, what: str) -> None:
    """What cannot become E.164 is refused, naming the argument that is wrong."""
    with pytest.raises(InvalidMessage) as raised:
        numbers.e164(number, region)
    assert field == raised.value.field
    assert what in str(raised.value)


#: Numbers set aside for fiction, by country.
FICTIONAL = st.one_of(
    st.tuples(st.just("US"), st.from_regex(r"\+1(313|212|415)55501[0-9]{2}", fullmatch=True)),
    st.tuples(st.just("GB"), st.from_regex(r"\+447700900[0-9]{3}", fullmatch=True)),
    st.tuples(st.just("FR"), st.from_regex(r"\+3319900[0-9]{4}", fullmatch=True)),
)
FORMS = st.sampled_from(
    [
        PhoneNumberFormat.E164,
        PhoneNumberFormat.INTERNATIONAL,
        PhoneNumberFormat.NATIONAL,
        PhoneNumberFormat.RFC3966,
    ]
)


@given(number=FICTIONAL, form=FORMS)
def test_e164_of_a_formatted_number(number: tuple[str, str], form: int) -> None:
    """Each form in which a number is written leads back to the number."""
    region, expected = number
    written = phonenumbers.format_number(phonenumbers.parse(expected), form)
    assert expected == numbers.e164(written, region)


@given(number=FICTIONAL)
def test_recipient_takes_what_e164_returns(number: tuple[str, str]) -> None:
    """A number in E.164 is a recipient as it is, and in the international form too."""
    _, expected = number
    written = phonenumbers.format_number(
        phonenumbers.parse(expected), PhoneNumberFormat.INTERNATIONAL
    )
    assert [expected, expected] == [numbers.recipient(expected), numbers.recipient(written)]


ANY_TEXT = st.one_of(
    st.text(),
    st.text("+0123456789 ().-/x\u00a0\u2011\uff11"),
    st.from_regex(r"\+[1-9][0-9]{5,17}", fullmatch=True),
)
REGIONS = st.one_of(st.none(), st.sampled_from(["US", "GB", "DE", "IT", "AR"]), st.text())


@given(number=ANY_TEXT)
def test_any_text_as_recipient(number: str) -> None:
    """A text is refused, or becomes what E.164 or a short number may look like; no third way."""
    with suppress(InvalidMessage):
        taken = numbers.recipient(number)
        assert re.fullmatch(r"\+[1-9][0-9]{3,14}|[0-9]{3,6}", taken)
        assert taken == numbers.recipient(taken)


@given(number=ANY_TEXT, region=REGIONS)
def test_any_text_to_e164(number: str, region: str | None) -> None:
    """A text is refused, or becomes a number that a message may be sent to."""
    with suppress(InvalidMessage):
        taken = numbers.e164(number, region)
        assert re.fullmatch(r"\+[1-9][0-9]{3,14}", taken)


@given(number=ANY_TEXT)
def test_any_text_has_a_country_or_none(number: str) -> None:
    """Asking where a number is from never fails."""
    found = numbers.country(number)
    assert found is None or re.fullmatch(r"[A-Z]{2}|001", found)


COUNTRIES = [
    ("+442079460958", "GB", False, False),
    ("+33199001234", "FR", False, False),
    ("+12025550101", "US", True, True),
    ("+14165550101", "CA", False, True),
    ("+18765550101", "JM", False, False),
    # Of no range that is in use, as fictional area codes are: taken for the US.
    ("+15555550101", None, True, True),
    ("988", None, False, False),
    ("", None, False, False),
]


@pytest.mark.parametrize(("number", "country", "us", "us_or_canada"), COUNTRIES)
def test_country(*, number: str, country: str | None, us: bool, us_or_canada: bool) -> None:
    """Countries that share a code are told apart; an unknown +1 number counts as the US."""
    found = (numbers.country(number), numbers.in_us(number), numbers.in_us_or_canada(number))
    assert (country, us, us_or_canada) == found


SENDERS = [
    # sender, a name?, short?, its digits, as some providers filter by it
    ("Acme", True, False, "", "Acme"),
    ("Acme 24", True, False, "24", "Acme 24"),
    ("", True, False, "", ""),
    ("+13135550123", False, False, "13135550123", "13135550123"),
    ("1 (313) 555-0123", False, False, "13135550123", "13135550123"),
    ("+988", False, True, "988", "988"),
    ("988", False, True, "988", "988"),
    ("123456", False, True, "123456", "123456"),
    ("12", False, False, "12", "12"),
    ("1234567", False, False, "1234567", "1234567"),
]


@pytest.mark.parametrize(("sender", "name", "short", "digits", "filtered"), SENDERS)
def test_sender(*, sender: str, name: bool, short: bool, digits: str, filtered: str) -> None:
    """A sender is a name or a number, and a number may be short."""
    assert name is numbers.is_alphanumeric(sender)
    assert short is numbers.is_short(sender)
    assert digits == numbers.digits(sender)
    assert filtered == numbers.digits_or_name(sender)


SAME = [
    ("+13135550123", "13135550123", True),
    ("+13135550123", "1 (313) 555-0123", True),
    ("+13135550123", "+13135550124", False),
    ("Acme", "Acme", True),
    ("Acme", "ACME", False),
    ("Acme 12345", "12345", False),
    ("12345", "Acme 12345", False),
]


@pytest.mark.parametrize(("one", "other", "expected"), SAME)
def test_same(*, one: str, other: str, expected: bool) -> None:
    """Names are the same letter for letter, numbers by their digits."""
    assert expected is numbers.same(one, other)


def test_wrong_number_is_not_sent() -> None:
    """A wrong number is found before anything is attempted."""
    with pytest.raises(NotSent) as raised:
        numbers.recipient("")
    assert raised.value.delivery is None
