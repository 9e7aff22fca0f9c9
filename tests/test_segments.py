"""Segments: counted, split and made cheaper, against the standard and an obvious reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.segments import Encoding, segments, smart, split

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"
GSM, UCS = Encoding.GSM_7, Encoding.UCS_2

#: text, encoding, units, segments. 3GPP TS 23.038: 128 characters, ten of two septets.
COUNTED = [
    ("", GSM, 0, 0),
    ("a", GSM, 1, 1),
    (BASIC, GSM, 127, 1),
    (EXTENDED, GSM, 20, 1),
    ("a" * 160, GSM, 160, 1),
    ("a" * 161, GSM, 161, 2),
    ("a" * 306, GSM, 306, 2),
    ("a" * 307, GSM, 307, 3),
    ("a" * 159 + "€", GSM, 161, 2),
    ("€" * 80, GSM, 160, 1),
    ("€" * 81, GSM, 162, 2),
    # 153 septets a part: 76 euro signs fit, the 153rd septet stays empty.
    ("€" * 153, GSM, 306, 3),
    ("a" * 152 + "{" + "b" * 152, GSM, 306, 3),
    ("a" * 151 + "{" + "b" * 153, GSM, 306, 2),
    ("a\r\nb", GSM, 4, 1),
    ("\r\n" * 80, GSM, 160, 1),
    ("\r\n" * 80 + "a", GSM, 161, 2),
    ("ΔΦΓ€", GSM, 5, 1),
    ("Δ" * 161, GSM, 161, 2),
    ("ж" * 70, UCS, 70, 1),
    ("ж" * 71, UCS, 71, 2),
    ("ж" * 134, UCS, 134, 2),
    ("ж" * 135, UCS, 135, 3),
    ("😀" * 35, UCS, 70, 1),
    ("😀" * 36, UCS, 72, 2),
    # 67 units a part: 33 of two units fit, the 67th unit stays empty.
    ("😀" * 67, UCS, 134, 3),
    ("a" * 66 + "😀" + "b" * 66, UCS, 134, 3),
    ("a" * 65 + "😀" + "b" * 67, UCS, 134, 2),
    # Once UCS-2, an extended character costs one unit like any other.
    ("{" * 69 + "ж", UCS, 70, 1),
    ("e\u0301", UCS, 2, 1),
    ("`", UCS, 1, 1),
    ("\t", UCS, 1, 1),
    ("ç", UCS, 1, 1),
    ("“", UCS, 1, 1),
    # A lone half of a surrogate pair is one unit, and two of them are no pair.
    ("\ud83d", UCS, 1, 1),
    ("a" * 66 + "\ud83d\ude00" + "b" * 66, UCS, 134, 2),
]


@pytest.mark.parametrize(("text", "encoding", "units", "count"), COUNTED)
def test_counted(text: str, encoding: Encoding, units: int, count: int) -> None:
    """Each text has the encoding, the units and the segments that the standard gives it."""
    found = segments(text)
    assert (encoding, units, count) == (found.encoding, found.units, found.count)


def test_segments_are_a_value() -> None:
    """Equal counts are equal, print themselves without the text, and cannot be changed."""
    found = segments("Hi {Ann}")
    assert segments("{Bob}...") == found
    assert hash(segments("{Bob}...")) == hash(found)
    assert "Segments(GSM-7, count=1, units=10)" == repr(found)
    with pytest.raises(AttributeError):
        found.count = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "limit"),
    [("a", 160), ("a" * 161, 153), ("ж", 70), ("ж" * 71, 67), ("", 160)],
)
def test_limit(text: str, limit: int) -> None:
    """A part of several holds less, because it carries a header."""
    assert limit == segments(text).limit


@pytest.mark.parametrize(
    ("text", "forced_by"),
    [("plain {€}", ()), ("“Hi” “there”", ("“", "”")), ("a😀b😀ж", ("😀", "ж")), ("ç`", ("ç", "`"))],
)
def test_forced_by(text: str, forced_by: tuple[str, ...]) -> None:
    """The characters that forced UCS-2 are told, each once, in the order of the text."""
    assert forced_by == segments(text).forced_by


def obvious(text: str) -> tuple[Encoding, int, list[str]]:
    """Count and cut as slowly and plainly as can be."""
    encoding = GSM if all(one in BASIC + EXTENDED for one in text) else UCS
    costs = [2 if (one in EXTENDED if encoding is GSM else one > "\uffff") else 1 for one in text]
    single, multi = (160, 153) if encoding is GSM else (70, 67)
    if sum(costs) <= single:
        return encoding, sum(costs), [text] if text else []
    parts, used = [""], 0
    for one, cost in zip(text, costs, strict=True):
        if used + cost > multi:
            parts, used = [*parts, ""], 0
        parts[-1] += one
        used += cost
    return encoding, sum(costs), parts


ALPHABETS = ["ab c", "a{}[]|€\f", "aΔé\r\n", "abж", "a😀é", "a“”…Δ", BASIC + EXTENDED]
TEXTS = st.one_of(
    *(st.text(alphabet, max_size=330) for alphabet in ALPHABETS),
    st.text(max_size=200),
    st.lists(st.sampled_from("a\ud83d\ude00😀€"), max_size=150).map("".join),
)


@given(TEXTS)
def test_agrees_with_the_obvious_way(text: str) -> None:
    """The fast count and the plain one never differ; the parts joined are the text."""
    encoding, units, parts = obvious(text)
    found = segments(text)
    assert (encoding, units, len(parts)) == (found.encoding, found.units, found.count)
    assert parts == list(split(text))


#: text, and what smart encoding makes of it.
SMARTER = [
    ("“Hi” – it’s me…", '"Hi" - it\'s me...'),
    ("no\u00a0break", "no break"),
    ("zero\u200bwidth™\ufe0f", "zerowidthTM"),
    ("cafe\u0301 — 5′", "café - 5'"),
    ("ＡＢＣ！", "ABC!"),
    ("ﬁne № 7™", "fine No 7TM"),
    ("«quoted» • item", '"quoted" * item'),
    ("tab\tline\u2028next", "tab line\nnext"),
]


@pytest.mark.parametrize(("text", "better"), SMARTER)
def test_smart(text: str, better: str) -> None:
    """Typographic characters give way to their GSM-7 likeness, and each change is told."""
    found = smart(text)
    assert better == found.text
    assert segments(found.text).encoding is GSM
    rebuilt, last = "", 0
    for change in found.changes:
        assert change.old == text[change.position : change.position + len(change.old)]
        rebuilt += text[last : change.position] + change.new
        last = change.position + len(change.old)
    assert better == rebuilt + text[last:]


IN_VAIN = ["plain", "", "{€}", "😀 “x”", "Привет — мир", "👩\u200d👧", "…" * 70, "q\u0301 ’"]


@pytest.mark.parametrize("text", IN_VAIN)
def test_smart_changes_nothing_in_vain(text: str) -> None:
    """A text that is GSM-7, or would be UCS-2 all the same, stays as it is."""
    found = smart(text)
    assert (text, ()) == (found.text, found.changes)


@given(TEXTS)
def test_smart_never_costs_more(text: str) -> None:
    """Smart encoding is idempotent and never makes a text longer on the air."""
    better = smart(text).text
    assert better == smart(better).text
    assert segments(better).count <= segments(text).count
