"""Which numbers are of the United States and of Canada: both are +1, and the rules differ."""

from __future__ import annotations

_LENGTH = 11

# Area codes in service, by the North American Numbering Plan's public list.
_CANADA = frozenset(
    [
        "204",
        "226",
        "236",
        "249",
        "250",
        "257",
        "263",
        "289",
        "306",
        "343",
        "354",
        "365",
        "367",
        "368",
        "382",
        "387",
        "403",
        "416",
        "418",
        "428",
        "431",
        "437",
        "438",
        "450",
        "460",
        "468",
        "474",
        "506",
        "514",
        "519",
        "537",
        "548",
        "568",
        "579",
        "581",
        "584",
        "587",
        "600",
        "604",
        "613",
        "622",
        "639",
        "647",
        "672",
        "683",
        "705",
        "709",
        "742",
        "753",
        "778",
        "780",
        "782",
        "807",
        "819",
        "825",
        "851",
        "867",
        "873",
        "879",
        "902",
        "905",
        "942",
    ]
)
_ISLANDS = frozenset(
    [
        "242",
        "246",
        "264",
        "268",
        "284",
        "345",
        "441",
        "473",
        "649",
        "658",
        "664",
        "721",
        "758",
        "767",
        "784",
        "809",
        "829",
        "849",
        "868",
        "869",
        "876",
    ]
)


def is_us(digits: str) -> bool:
    """Return whether a number, as digits with its country code, is of the United States."""
    return _is_american(digits) and digits[1:4] not in _CANADA | _ISLANDS


def is_us_or_canada(digits: str) -> bool:
    """Return whether a number, as digits with its country code, is of the US or Canada."""
    return _is_american(digits) and digits[1:4] not in _ISLANDS


def _is_american(digits: str) -> bool:
    return len(digits) == _LENGTH and digits.startswith("1")
