"""CarrierX's lists: its filter language, its orders and its pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import attrs
from starlette.datastructures import URL

from polysms.sandbox.answering import refuse, whole
from polysms.sandbox.carrierx_rules import LEGACY, no
from polysms.sandbox.state import Object

# Pagination page.
_LIMIT = 10
_MOST = 1000
# Filtering page: `field operator value`, a value with spaces in either quotation mark.
_CONDITION = re.compile(
    r"""\s*(?P<field>[\w.]+)\s+(?P<operator>\w+)\s+(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'"""
    r"""|(?P<bare>[^\s"']+))\s*"""
)
_AND = re.compile(r"and\s+")
_ORDER = re.compile(r"(?P<field>\w+)(?:\s+(?P<way>asc|desc))?")
# eq, gt, ge and like were seen in documents; the others are their natural companions.
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "like": lambda left, right: _like(str(left), right),
}
_SMALL = re.compile(r"[0-9]{1,9}")
_NAMES = {old: new for new, old in LEGACY.items()}


@attrs.frozen
class _Condition:
    field: str
    operator: str
    value: str


def _wrong(field: str, message: str) -> NoReturn:
    refuse(no(400, message, field))


def page(items: Sequence[Object], query: Mapping[str, str], url: URL) -> Object:
    """Return the envelope of a list (pagination page) for items that come newest first.

    ``total`` is null, as in the documents; ``pagination`` holds absolute links, or none.
    """
    limit = whole(query.get("limit"), _LIMIT, 1, _MOST)
    offset = whole(query.get("offset"), 0, 0, 10**9)
    if limit is None or offset is None:
        _wrong("limit" if limit is None else "offset", "is out of range")
    found = _ordered(_filtered(items, query.get("filter", "")), query.get("order", ""))
    shown = found[offset : offset + limit]
    more = offset + limit < len(found)
    return {
        "count": len(shown),
        "has_more": more,
        "items": shown,
        "limit": limit,
        "offset": offset,
        "pagination": _links(url, limit, offset, more=more),
        "total": None,
    }


def _links(url: URL, limit: int, offset: int, *, more: bool) -> dict[str, str]:
    links = {}
    if more:
        links["next"] = str(url.include_query_params(limit=limit, offset=offset + limit))
    if offset:
        before = max(0, offset - limit)
        links["previous"] = str(url.include_query_params(limit=limit, offset=before))
    return links


def _filtered(items: Sequence[Object], text: str) -> list[Object]:
    conditions = _conditions(text)
    return [item for item in items if all(_holds(item, each) for each in conditions)]


def _conditions(text: str) -> list[_Condition]:
    """Return the conditions of a filter, which only ``and`` joins."""
    found: list[_Condition] = []
    position = 0
    while text[position:].strip():
        match = _CONDITION.match(text, position)
        if match is None or match["operator"] not in _OPERATORS:
            _wrong("filter", f"cannot be understood at {text[position:]!r}")
        value = next(one for one in match.group("double", "single", "bare") if one is not None)
        found.append(_Condition(match["field"], match["operator"], value))
        position = match.end()
        joined = _AND.match(text, position)
        if joined is None and position < len(text):
            _wrong("filter", "conditions are joined by and")
        position = joined.end() if joined else position
    return found


def _holds(item: Object, condition: _Condition) -> bool:
    value = _value(item, condition.field, "filter")
    if value is None:
        return condition.operator == "ne"
    if isinstance(value, int) and condition.operator != "like":
        return _SMALL.fullmatch(condition.value) is not None and _OPERATORS[condition.operator](
            value, int(condition.value)
        )
    return _OPERATORS[condition.operator](str(value), condition.value)


def _value(item: Object, field: str, where: str) -> Any:
    """Return a field by its present or its legacy name, whichever the account sees."""
    for name in (field, LEGACY.get(field), _NAMES.get(field)):
        if name in item:
            return item[name]
    _wrong(where, f"there is no field {field!r}")


def _like(value: str, pattern: str) -> bool:
    parts = map(re.escape, pattern.split("%"))
    return re.fullmatch(".*".join(parts), value, re.DOTALL) is not None


def _ordered(items: list[Object], text: str) -> list[Object]:
    """Return the items in the order asked for; which one is usual is not documented."""
    if text in ("", "shuffle"):
        return items
    match = _ORDER.fullmatch(text.strip())
    if match is None:
        _wrong("order", f"cannot be understood: {text!r}")
    field = match["field"]
    return sorted(
        items,
        key=lambda item: _rank(_value(item, field, "order")),
        reverse=match["way"] == "desc",
    )


def _rank(value: object) -> tuple[int, int, str]:
    """Return what to sort by: null first, numbers as numbers, all else as texts."""
    if isinstance(value, int):
        return 1, value, ""
    return (0, 0, "") if value is None else (2, 0, str(value))
