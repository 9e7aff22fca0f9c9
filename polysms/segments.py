"""Segments: what a text costs on the air, and what makes it cost more.

A text that fits the GSM 7-bit alphabet (3GPP TS 23.038) has 160 septets in one segment and 153 in
each of several; any other text is UCS-2, 70 and 67 UTF-16 units. Characters of the extension table
cost two septets. A segment never ends between the two septets of such a character, nor between
the two units of a surrogate pair. Half a pair, which is no text, counts as one unit.

Characters are counted at C speed: a text becomes bytes, and only the ends of segments are looked
at. ``utf_16_le_encode`` is what ``str.encode`` calls after a search that takes as long again.
"""

from __future__ import annotations

import re
import unicodedata
from codecs import charmap_build, charmap_encode, utf_16_le_encode
from collections.abc import Iterator
from enum import StrEnum
from itertools import accumulate, pairwise

import attrs

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_GSM = frozenset(_BASIC + _EXTENDED)
# Marks stand for characters, so that bytes are counted at C speed: one below 0x80 costs one septet,
# one above costs two, and zero is not in the alphabet.
_OF_ONE, _OF_TWO, _FOREIGN = 0x2E, 0x80, 0
_ALL_FOREIGN = bytes((_FOREIGN,))
_MARKS = bytes(
    _OF_ONE if chr(code) in _BASIC else _OF_TWO if chr(code) in _EXTENDED else _FOREIGN
    for code in range(0x100)
)
# The alphabet as a character map of one byte each, as Python's own code pages are: the basic
# characters fill the bytes below 0x80, and zero stands for itself.
_ALPHABET = charmap_build("\0" + _BASIC + _EXTENDED + "\ufffe" * (0x80 - len(_EXTENDED)))
_ALPHABET_MARKS = bytes((_FOREIGN, *[_OF_ONE] * 0x7F, *[_OF_TWO] * 0x80))


class Encoding(StrEnum):
    """How a text goes over the air."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


_GSM_7, _UCS_2 = Encoding.GSM_7, Encoding.UCS_2
_SINGLE = {_GSM_7: 160, _UCS_2: 70}
_MULTI = {_GSM_7: 153, _UCS_2: 67}


# Frozen by its properties: attrs.frozen takes three times as long to make one.
@attrs.define(repr=False, unsafe_hash=True)
class Segments:
    """How a text is cut: into ``count`` segments, of ``units`` in all.

    Units are septets in GSM-7 and UTF-16 units in UCS-2. An empty text has no segment.
    """

    _encoding: Encoding
    _count: int
    _units: int
    _text: str = attrs.field(eq=False)

    def __repr__(self) -> str:
        return f"Segments({self.encoding}, count={self.count}, units={self.units})"

    @property
    def encoding(self) -> Encoding:
        """How the text goes over the air."""
        return self._encoding

    @property
    def count(self) -> int:
        """Segments, as they are sent and charged."""
        return self._count

    @property
    def units(self) -> int:
        """Septets or UTF-16 units, of the whole text."""
        return self._units

    @property
    def limit(self) -> int:
        """Units that one segment of this text can hold: 160 or 153, 70 or 67."""
        return (_SINGLE if self.count <= 1 else _MULTI)[self.encoding]

    @property
    def forced_by(self) -> tuple[str, ...]:
        """The characters that forced UCS-2, each once, in the order of the text."""
        return tuple(dict.fromkeys(one for one in self._text if one not in _GSM))


def segments(text: str) -> Segments:
    """Return how many segments a text needs and in which encoding."""
    # The only extended character outside ASCII: another of the same cost takes its place.
    plain = text.replace("€", "|")
    if plain.isascii():
        return _marked(text, plain.encode().translate(_MARKS))
    wide = utf_16_le_encode(text, "replace")[0]
    if len(wide) > 2 * len(text):
        return Segments(_UCS_2, len(_cuts_ucs_2(wide)), len(wide) // 2, text)
    return _marked(text, _marks(text))


def _marked(text: str, marks: bytes) -> Segments:
    """Return the segments of a text without surrogate pairs, given its marks."""
    length = len(text)
    if _FOREIGN in marks:
        return Segments(_UCS_2, -(-length // 67) if length > 70 else 1, length, text)
    if not marks.isascii():
        septets = _septets(marks)
        return Segments(_GSM_7, len(_cuts_gsm_7(septets)), len(septets), text)
    count = -(-length // 153) if length > 160 else min(length, 1)
    return Segments(_GSM_7, count, length, text)


def _marks(text: str) -> bytes:
    """Return a mark for each character, or a single foreign one."""
    try:
        encoded = charmap_encode(text, "strict", _ALPHABET)[0]
    except UnicodeEncodeError:
        return _ALL_FOREIGN
    # Below 0x80 a byte is as good a mark as any.
    return encoded if encoded.isascii() else encoded.translate(_ALPHABET_MARKS)


def _septets(marks: bytes) -> bytes:
    """Return a byte for each septet: of two, the second is a continuation byte of UTF-8."""
    return marks.decode("latin-1").encode()


def _cuts_gsm_7(septets: bytes) -> list[int]:
    """Return the septet at which each segment ends, never between two of one character."""
    length = len(septets)
    if length <= 160:
        return [length] if length else []
    cuts, end = [], 153
    while end < length:
        if septets[end] == _OF_TWO:
            end -= 1
        cuts.append(end)
        end += 153
    cuts.append(length)
    return cuts


def _cuts_ucs_2(wide: bytes) -> list[int]:
    """Return the byte at which each segment ends, never between two units of one character."""
    length = len(wide)
    if length <= 140:
        return [length]
    cuts, end = [], 134
    while end < length:
        # The second half of a pair would begin the next segment.
        if wide[end + 1] & 0xFC == 0xDC:
            end -= 2
        cuts.append(end)
        end += 134
    cuts.append(length)
    return cuts


def split(text: str) -> tuple[str, ...]:
    """Return the parts a text is cut into; joined they are the text."""
    ends = _ends_ucs_2(text) if segments(text).encoding is _UCS_2 else _ends_gsm_7(text)
    return tuple(text[start:end] for start, end in pairwise([0, *ends]))


def _ends_gsm_7(text: str) -> Iterator[int]:
    """Yield the character at which each part ends."""
    septets = _septets(_marks(text))
    # The second septet of a character is none of the text.
    return (end - septets.count(_OF_TWO, 0, end) for end in _cuts_gsm_7(septets))


def _ends_ucs_2(text: str) -> Iterator[int]:
    """Yield the character at which each part ends."""
    wide = utf_16_le_encode(text, "replace")[0]
    cuts = pairwise([0, *_cuts_ucs_2(wide)])
    return accumulate(len(wide[start:end].decode("utf-16-le")) for start, end in cuts)


@attrs.frozen
class Change:
    """One replacement: at which index of the given text, what, by what ("" where removed)."""

    position: int
    old: str
    new: str


@attrs.frozen
class Smart:
    """A text after smart encoding, and what was changed."""

    text: str
    changes: tuple[Change, ...] = ()


def _table() -> dict[str, str]:
    same = {
        "'": "‘’‚‛′‹›ʼ`´",
        '"': "“”„‟″«»",
        "-": "‐‑‒–—―−⁃",
        " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
        "\u202f\u205f\u3000\t",
        "": "\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff\u00ad",
        "*": "•‣∙",
        "\n": "\u2028\u2029\x0b",
    }
    table = {old: new for new, olds in same.items() for old in olds}
    table.update({"…": "...", "‼": "!!", "⁇": "??", "⁄": "/", "∕": "/", "ﬁ": "fi", "ﬂ": "fl"})
    table.update({"ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl", "№": "No", "™": "TM", "℠": "SM"})
    # Fullwidth forms stand in the order of ASCII.
    table.update({chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)} | {"｀": "'"})
    return table


_SMART = _table()
_PIECE = re.compile(r"[^\u0300-\u036f][\u0300-\u036f]+|" + "|".join(map(re.escape, _SMART)))


def smart(text: str) -> Smart:
    """Return a text with typographic characters replaced by their GSM-7 likeness.

    Curly quotes, dashes, ellipses, odd spaces and the like, and accents written apart, are
    replaced where that brings the text into GSM-7 and costs no segment more; elsewhere nothing is
    changed, because nothing would be gained.
    """
    changes: list[Change] = []

    def replaced(match: re.Match[str]) -> str:
        old = match.group()
        new = _SMART.get(old) or ("" if old in _SMART else unicodedata.normalize("NFC", old))
        if new != old:
            changes.append(Change(match.start(), old, new))
        return new

    better = _PIECE.sub(replaced, text)
    before, after = segments(text), segments(better)
    if before.encoding is _UCS_2 and after.encoding is _GSM_7 and after.count <= before.count:
        return Smart(better, tuple(changes))
    return Smart(text)
