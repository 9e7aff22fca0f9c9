"""Tables whose figures can be taken along: selected as they stand, or copied exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from polysms.report.page.figures import NONE
from polysms.report.page.markup import Markup, joined, tag

_AMOUNT = re.compile(r"-?\d+(\.\d+)?([eE]-?\d+)?")
#: What a column holds: a text; or a figure, with what is shown of it.
Cell = str | tuple[Any, str]


@attrs.frozen(kw_only=True)
class Table:
    """A table: the first column names its rows."""

    name: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    about: str = ""

    def markup(self) -> Markup:
        """Return the table in a box of its own that scrolls, and the button that copies it."""
        texts = [True, *(isinstance(one, str) for one in self.rows[0][1:])]
        head = tag(
            "tr",
            *(
                tag("th", one, scope="col", class_="text" if is_text else None)
                for one, is_text in zip(self.head, texts, strict=True)
            ),
        )
        about = joined((" ", tag("span", self.about))) if self.about else ""
        table = tag(
            "table",
            tag("caption", self.caption, about),
            tag("thead", head),
            tag("tbody", *(_row(row) for row in self.rows)),
            id=self.name,
        )
        box = tag("div", table, class_="box", tabindex="0", role="region", aria_label=self.caption)
        return joined((box, _tools(self)))


def _tools(table: Table) -> Markup:
    button = tag(
        "button",
        f"Copy “{table.caption}”",
        type="button",
        hidden="",
        data_table=table.name,
    )
    return tag("div", button, tag("output", ""), class_="tools")


def _row(row: Sequence[Cell]) -> Markup:
    first, *rest = row
    return tag("tr", tag("th", _shown(first), scope="row"), *(_cell(one) for one in rest))


def _cell(one: Cell) -> Markup:
    return tag("td", _shown(one), class_="text" if isinstance(one, str) else None)


def _shown(one: Cell) -> str:
    if isinstance(one, str):
        return one
    value, told = one
    return tag("data", told, value="" if value is None else str(value))


def exact(value: Any) -> Cell:
    """Return a figure of the report for a table: as it is, rounded for the eye."""
    if value is None:
        return None, NONE
    if isinstance(value, bool):
        return str(value).lower(), "yes" if value else "no"
    if isinstance(value, int):
        return value, f"{value:,}"
    if isinstance(value, float):
        return value, f"{value:.6g}"
    # Money is text, as everywhere.
    return (value, value) if _AMOUNT.fullmatch(value) else str(value)


def leaves(data: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every figure of plain data with its path: ``counts.refused.balance``."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    elif isinstance(data, list):
        for place, value in enumerate(data, 1):
            yield from leaves(value, f"{name}.{place}")
    else:
        yield name, data


def side_by_side(things: Sequence[Mapping[str, Any]]) -> list[list[Cell]]:
    """Return a row for each figure of some things, a column for each thing."""
    every = [dict(leaves(thing)) for thing in things]
    names = dict.fromkeys(name for one in every for name in one)
    return [[name, *(_found(one, name) for one in every)] for name in names]


def below(things: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Cell]]]:
    """Return a column for each figure of some things, and a row for each thing."""
    every = [dict(leaves(thing)) for thing in things]
    names = list(dict.fromkeys(name for one in every for name in one))
    return names, [[_found(one, name) for name in names] for one in every]


def _found(one: Mapping[str, Any], name: str) -> Cell:
    return exact(one[name]) if name in one else ""
