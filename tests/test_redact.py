"""What may be shown: numbers with their middle hidden, no credential at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import redact

NUMBERS = st.from_regex(r"\+1[2-9][0-9]{2}55501[0-9]{2}", fullmatch=True)
ASCII = st.characters(codec="ascii", exclude_characters="*")

MASKED = [
    (None, "None"),
    ("+13135550123", "+1********23"),
    ("13135550123", "1********23"),
    ("+1 (313) 555-0123", "+1*************23"),
    ("5550123", "5****23"),
    ("1234567", "1****67"),
    ("123456", "123456"),
    ("988", "988"),
    ("Acme", "Acme"),
    ("@alerts", "@alerts"),
    ("", ""),
]


@pytest.mark.parametrize(("number", "expected"), MASKED)
def test_mask(number: str | None, expected: str) -> None:
    """A number keeps its first and last two characters; names and short codes stay whole."""
    assert expected == redact.mask(number)


SCRUBBED = [
    ("call +13135550123 now", "call +1********23 now"),
    ("to (313) 555-0123.", "to (3**********23."),
    ("+1 313.555.0123, 13135550124", "+1***********23, 1********24"),
    ("error 21610 at line 123456", "error 21610 at line 123456"),
    ("Authorization: Bearer abcDEF123._~+/=-", "Authorization: ***"),
    ("authorization: basic cHJvamVjdDp0b2tlbg==", "authorization: ***"),
    ("https://user:canary@example.com/a", "https://***@example.com/a"),
    ("https://user:can@ry@example.com/a", "https://***@example.com/a"),
    ("wavix://canary@?sender=Acme", "wavix://***@?sender=Acme"),
    ("write wavix://KEY@?sender=...", "write wavix://KEY@?sender=..."),
    ("https://api.example.com/v1?appid=canary&to=1", "https://api.example.com/v1?appid=***&to=1"),
    ("https://example.com/a.png", "https://example.com/a.png"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), SCRUBBED)
def test_scrub(text: str, expected: str) -> None:
    """Numbers and credentials are hidden wherever they stand; all else stays."""
    assert expected == redact.scrub(text)


@given(number=NUMBERS, before=st.text(ASCII), after=st.text(ASCII))
def test_scrub_hides_every_number(number: str, before: str, after: str) -> None:
    """No text around a number brings it out again."""
    assert number not in redact.scrub(before + number + after)


@given(number=NUMBERS)
def test_mask_and_scrub_agree(number: str) -> None:
    """A number reads the same whether it was masked alone or found in a text."""
    assert f"to {redact.mask(number)}!" == redact.scrub(f"to {number}!")


HIDDEN = [
    ("the key canary is wrong", ("canary",), "the key *** is wrong"),
    ("canary-canary", ("canary",), "***-***"),
    ("project:canary-long", ("canary", "canary-long"), "project:***"),
    ("nothing here", ("", "canary"), "nothing here"),
    ("key canary of +13135550123", ("canary",), "key *** of +1********23"),
    ("key 12345678901 of all", ("12345678901",), "key *** of all"),
]


@pytest.mark.parametrize(("text", "secrets", "expected"), HIDDEN)
def test_hide(text: str, secrets: tuple[str, ...], expected: str) -> None:
    """Known secrets are hidden in any place, whole, and numbers with them."""
    assert expected == redact.hide(text, secrets)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, "None"), ("dinner", "'dinner'"), ("otp:+13135550123", "'otp:+1********23'")],
)
def test_shown(text: str | None, expected: str) -> None:
    """A caller's own words are shown as repr shows them, without the numbers in them."""
    assert expected == redact.shown(text)
