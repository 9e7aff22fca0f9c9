"""How many segments a text takes, by the rules of GSM 03.38 that all providers name.

Written apart from ``polysms.segments`` on purpose: the sandbox must not repeat its mistakes.
"""

from __future__ import annotations

# 3GPP TS 23.038, table 6.2.1, row by row.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Table 6.2.1.1: an escape character comes before each.
_EXTENSION = frozenset("\f^{}\\[~]|€")
_PLANE = 0xFFFF


def is_gsm(text: str) -> bool:
    """Return whether a text can be said in the GSM 7-bit alphabet."""
    return _BASIC.union(_EXTENSION).issuperset(text)


def units(text: str) -> int:
    """Return the length of a text as it is sent: septets, or 16-bit units."""
    return sum(_costs(text))


def segments(text: str) -> int:
    """Return the number of segments: 160 septets alone, 153 each in several; UCS-2: 70 and 67."""
    alone, each = (160, 153) if is_gsm(text) else (70, 67)
    costs = _costs(text)
    return 1 if sum(costs) <= alone else _packed(costs, each)


def _costs(text: str) -> list[int]:
    if is_gsm(text):
        return [2 if character in _EXTENSION else 1 for character in text]
    return [2 if ord(character) > _PLANE else 1 for character in text]


def _packed(costs: list[int], room: int) -> int:
    """Return how many segments hold characters that are never cut in two."""
    count, free = 1, room
    for cost in costs:
        if cost > free:
            count, free = count + 1, room
        free -= cost
    return count
