"""All figures of a report as tables, as exact as the report has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from polysms.report.comparing import Report
from polysms.report.page.markup import Markup, joined, tag
from polysms.report.page.tables import Table, below, exact, side_by_side


def tables(report: Report) -> Markup:
    """Return every figure of a report that has accounts."""
    data = report.to_dict()
    return joined(tag("details", *one) for one in _tables(data))


def _tables(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    arms, pairs = data["arms"], data["pairs"]
    names: list[str] = [tag("bdi", arm["account"]) for arm in arms]
    bare = [_without(arm, "account", "curve") for arm in arms]
    yield _folded("accounts", "Accounts", ["Figure", *names], side_by_side(bare))
    if pairs:
        names = [f"{pair['first']} less {pair['second']}" for pair in pairs]
        bare = [_without(pair, "first", "second") for pair in pairs]
        yield _folded("pairs", "Pairs", ["Figure", *names], side_by_side(bare))
    head, rows = below(data["rows"])
    yield _folded("strata", "By what was sent", head, rows)
    curves = [{"account": arm["account"], **point} for arm in arms for point in arm["curve"]]
    if curves:
        head, rows = below(curves)
        yield _folded("curves", "Share delivered over time", head, rows)
    if data["warnings"]:
        head, rows = below(data["warnings"])
        yield _folded("warnings", "Warnings", head, rows)
    terms = [*data["terms"].items(), ("within", data["within"])]
    rows = [[name, exact(value)] for name, value in terms]
    yield _folded("terms", "What was asked", ["Term", "Value"], rows)


def _without(thing: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in thing.items() if key not in names}


def _folded(
    name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[str, str]:
    table = Table(name=f"all-{name}", caption=caption, head=head, rows=rows)
    return tag("summary", caption), table.markup()
