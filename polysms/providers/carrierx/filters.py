"""CarrierX's filter language, as its page on filtering has it: ``field operator value and ...``.

Conditions are joined by ``and`` alone; a value may stand in either kind of quotation marks. No way
to write a quotation mark within them is documented, so what would need one is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import attrs

from polysms import numbers
from polysms.errors import Reason, Unsupported
from polysms.providers.base import Query

#: A page's length, at most (page on pagination).
MOST = 1000
#: eq, gt and like are on the page, ge in its examples; their companions are believed.
OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le", "like")
#: The fields of the SMS object: a filter of this name alone asks for what equals its value.
FIELDS = frozenset(
    {
        *("date_changed", "date_created", "date_status_changed", "direction", "from", "from_did"),
        *("group_recipients", "mcc", "media_urls", "message", "message_segments", "message_sid"),
        *("mnc", "partner_sid", "price", "status", "to", "to_did", "type", "user_data"),
    }
)
#: The fields of a detail record.
DETAIL_FIELDS = frozenset(
    {
        *("a2p_campaign", "date_changed", "date_insert", "date_sent", "date_start", "date_stop"),
        *("delay_sent", "direction", "dr_sid", "mcc", "mcc_mnc_price", "mcc_mnc_rate", "message"),
        *("media_urls", "message_segments", "mnc", "number_billing", "number_dst", "p2p_nnid"),
        *("number_external", "number_group_dst", "number_src", "partner_sid", "passthrough_price"),
        *("passthrough_rate", "price", "provider", "rate", "registration_type", "status", "type"),
        *("user_data", "vendor_error_code", "version"),
    }
)
_TEST = re.compile(rf"[A-Za-z_][A-Za-z0-9_.]* (?:{'|'.join(OPERATORS)})")


def parameters(query: Query) -> dict[str, str]:
    """Return the parameters of ``GET /sms/messages`` for a query."""
    conditions = {
        "direction eq": query.direction,
        "to eq": query.to and numbers.digits(query.to),
        "from eq": query.from_ and numbers.digits(query.from_),
        "user_data eq": query.reference,
        "date_created ge": stamp(query.since),
        "date_created le": stamp(query.until),
    }
    return _paged(query, conditions, FIELDS)


def detail_parameters(query: Query) -> dict[str, str]:
    """Return the parameters of ``GET /sms/message_drs`` for a query."""
    conditions = {
        "direction eq": query.direction,
        "number_dst eq": query.to and numbers.digits(query.to),
        "number_src eq": query.from_ and numbers.digits(query.from_),
        "user_data eq": query.reference,
        "date_start ge": stamp(query.since),
        "date_start le": stamp(query.until),
    }
    return _paged(query, conditions, DETAIL_FIELDS)


def _paged(
    query: Query, conditions: Mapping[str, str | None], fields: frozenset[str]
) -> dict[str, str]:
    own, others, raw = told(query.filters, fields)
    return {
        "filter": joined({**conditions, **own}, raw),
        "limit": str(min(max(query.page_size, 1), MOST)),
        "offset": query.cursor or "0",
        **others,
    }


def told(
    filters: Mapping[str, str], fields: frozenset[str]
) -> tuple[dict[str, str], dict[str, str], str]:
    """Return the conditions among a caller's filters, the other parameters, and the raw filter.

    ``status`` and ``status eq`` are conditions, ``order`` is a parameter, ``filter`` is in
    CarrierX's own language.
    """
    tests = {f"{name} eq" if name in fields else name: value for name, value in filters.items()}
    conditions = {name: value for name, value in tests.items() if _TEST.fullmatch(name)}
    others = {name: value for name, value in tests.items() if name not in conditions}
    return conditions, others, others.pop("filter", "")


def joined(conditions: Mapping[str, str | None], raw: str = "") -> str:
    """Return a filter: every condition that has a value must hold, and the raw one too."""
    said = [f"{test} {quoted(value)}" for test, value in conditions.items() if value]
    return " and ".join(part for part in (*said, raw) if part)


def quoted(value: str) -> str:
    """Return a value in quotation marks that it does not hold itself.

    Raises :class:`~polysms.errors.Unsupported` where it holds both, or a backslash: in other
    languages that takes a mark its meaning.
    """
    for mark in ('"', "'"):
        if mark not in value and "\\" not in value:
            return f"{mark}{value}{mark}"
    what = "a backslash" if "\\" in value else "both kinds of quotation marks"
    raise Unsupported(f"CarrierX: a filter value cannot hold {what}", reason=Reason.CAPABILITY)


def stamp(moment: datetime | None) -> str | None:
    """Return a moment as CarrierX writes it, with milliseconds and a Z."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def following(query: Query, found: Collection[object], data: Mapping[str, object]) -> Query | None:
    """Return the query for the page after one: its links are not followed, the offset is counted.

    None at the end, which an empty page is too.
    """
    if not found or data.get("has_more") is not True:
        return None
    return attrs.evolve(query, cursor=str(int(query.cursor or 0) + len(found)))
