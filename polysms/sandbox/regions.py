"""Which numbers are of the United States and of Canada: both are +1, and the rules differ."""

from __future__ import annotations

import re

_AMERICAN = re.compile(r"1[0-9]{10}")
# Area codes in service, by the North American Numbering Plan's public list.
_CANADIAN = re.compile(
    r"1(?:204|226|236|249|250|257|263|289|306|343|354|365|367|368|382|387|403|416|418|428"
    r"|431|437|438|450|460|468|474|506|514|519|537|548|568|579|581|584|587|600|604|613"
    r"|622|639|647|672|683|705|709|742|753|778|780|782|807|819|825|851|867|873|879|902"
    r"|905|942)[0-9]{7}"
)
# The Bahamas, Jamaica and the others that share the +1.
_ELSEWHERE = re.compile(
    r"1(?:242|246|264|268|284|345|441|473|649|658|664|721|758|767|784|809|829|849|868|869"
    r"|876)[0-9]{7}"
)


def is_us(digits: str) -> bool:
    """Return whether a number, as digits with its country code, is of the United States."""
    return is_us_or_canada(digits) and not _CANADIAN.fullmatch(digits)


def is_us_or_canada(digits: str) -> bool:
    """Return whether a number, as digits with its country code, is of the US or Canada."""
    return bool(_AMERICAN.fullmatch(digits)) and not _ELSEWHERE.fullmatch(digits)
