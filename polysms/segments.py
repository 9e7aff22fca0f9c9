"""Segments: what a text costs on the air, and what makes it cost more.

A text that fits the GSM 7-bit alphabet (3GPP TS 23.038) has 160 septets in one segment and 153 in
each of several; any other text is UCS-2, 70 and 67 UTF-16 units. Characters of the extension table
cost two septets. A segment never ends between the two septets of such a character, nor between
the two units of a surrogate pair.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from itertools import pairwise

import attrs

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_GSM = frozenset(_BASIC + _EXTENDED)
# The same alphabets as bytes, for bytes.translate and bytes.replace, which work at C speed.
_BASIC_BYTES = _BASIC.encode("latin-1", "ignore")
_EXTENDED_BYTES = _EXTENDED.encode("latin-1", "ignore")
_ESCAPE = 0x1B
_PAIRS = {byte: (bytes((byte,)), bytes((_ESCAPE, byte))) for byte in _EXTENDED_BYTES}
# The high bytes (UTF-16) under which the alphabet has characters: Latin-1, Greek, the euro sign.
_GSM_PLANES = b"\x00\x03\x20"


class Encoding(StrEnum):
    """How a text goes over the air."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


_GSM_7, _UCS_2 = Encoding.GSM_7, Encoding.UCS_2
_SINGLE = {_GSM_7: 160, _UCS_2: 70}
_MULTI = {_GSM_7: 153, _UCS_2: 67}


# Frozen by its setter: attrs.frozen takes three times as long to make one.
@attrs.define(on_setattr=attrs.setters.frozen, unsafe_hash=True)
class Segments:
    """How a text is cut: into ``count`` segments, of ``units`` in all.

    Units are septets in GSM-7 and UTF-16 units in UCS-2. An empty text has no segment.
    """

    encoding: Encoding
    count: int
    units: int
    _text: str = attrs.field(repr=False, eq=False)

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
    if text.isascii():
        return _of_bytes(text, text.encode())
    # The euro sign is the only extended character outside Latin-1: another takes its place.
    data = text.replace("€", "|").encode("latin-1", "ignore")
    if len(data) == len(text):
        return _of_bytes(text, data)
    wide = text.encode("utf-16-le", "surrogatepass")
    high = wide[1::2]
    if not high.translate(None, _GSM_PLANES) and frozenset(text) <= _GSM:
        return _extended(text, _septets(text), _EXTENDED_BYTES)
    units = len(high)
    count = _even(units, 70, 67) if units == len(text) else len(_cuts_ucs_2(wide))
    return Segments(_UCS_2, count, units, text)


def _of_bytes(text: str, data: bytes) -> Segments:
    """Return the segments of a text whose characters are single bytes of Latin-1."""
    units = len(data)
    rest = data.translate(None, _BASIC_BYTES)
    if not rest:
        return Segments(_GSM_7, _even(units, 160, 153), units, text)
    if not rest.translate(None, _EXTENDED_BYTES):
        return _extended(text, data, rest)
    return Segments(_UCS_2, _even(units, 70, 67), units, text)


def _extended(text: str, data: bytes, present: bytes) -> Segments:
    septets = _escaped(data, present)
    return Segments(_GSM_7, len(_cuts_gsm_7(septets)), len(septets), text)


def _even(units: int, single: int, multi: int) -> int:
    """Return the number of segments where no character costs two units."""
    return -(-units // multi) if units > single else min(units, 1)


def _septets(text: str) -> bytes:
    """Return a GSM-7 text as one byte a character; which Greek letter it is does not matter."""
    return text.replace("€", "|").encode("latin-1", "replace")


def _escaped(data: bytes, present: bytes) -> bytes:
    for byte in frozenset(present):
        data = data.replace(*_PAIRS[byte])
    return data


def _cuts_gsm_7(septets: bytes) -> list[int]:
    """Return the septet at which each segment ends, never right after an escape."""
    length = len(septets)
    if length <= 160:
        return [length] if length else []
    cuts, end = [], 153
    while end < length:
        if septets[end - 1] == _ESCAPE:
            end -= 1
        cuts.append(end)
        end += 153
    cuts.append(length)
    return cuts


def _cuts_ucs_2(wide: bytes) -> list[int]:
    """Return the UTF-16 unit at which each segment ends, never between two of one character."""
    length = len(wide) // 2
    if length <= 70:
        return [length] if length else []
    cuts, end = [], 67
    while end < length:
        # The second half of a pair begins the next segment: unless it stands alone, step back.
        if wide[2 * end + 1] & 0xFC == 0xDC and wide[2 * end - 1] & 0xFC == 0xD8:
            end -= 1
        cuts.append(end)
        end += 67
    cuts.append(length)
    return cuts


def split(text: str) -> tuple[str, ...]:
    """Return the parts a text is cut into; joined they are the text."""
    if segments(text).encoding is _UCS_2:
        wide = text.encode("utf-16-le", "surrogatepass")
        return tuple(
            wide[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
            for start, end in pairwise([0, *_cuts_ucs_2(wide)])
        )
    septets = _escaped(_septets(text), _EXTENDED_BYTES)
    # An escape and its character are one character of the text.
    ends = [end - septets.count(_ESCAPE, 0, end) for end in _cuts_gsm_7(septets)]
    return tuple(text[start:end] for start, end in pairwise([0, *ends]))


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
        "": "\u200b\u200c\u200d\u2060\ufeff\u00ad",
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
