"""A report as plain data: dictionaries, lists, texts and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from polysms.report.counts import Counts, Stratum

if TYPE_CHECKING:
    from polysms.report.comparing import Report

#: The observations themselves, hundreds to a cell: what they say is in the curves.
_LEFT_OUT = frozenset({"delays", "ages"})


def report_to_dict(report: Report) -> dict[str, Any]:
    """Return every figure of a report. Money is text, as everywhere; times are seconds."""
    data: dict[str, Any] = _plain(report)
    return data


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return {**_fields(value), **_derived(value)}
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Decimal) else value


def _derived(value: Any) -> dict[str, Any]:
    """Return what is no field, and wanted all the same."""
    if isinstance(value, Stratum):
        return {"name": str(value)}
    return {"sent": value.sent} if isinstance(value, Counts) else {}


def _fields(value: Any) -> dict[str, Any]:
    names = (field.name for field in attrs.fields(type(value)))
    return {name: _plain(getattr(value, name)) for name in names if name not in _LEFT_OUT}
