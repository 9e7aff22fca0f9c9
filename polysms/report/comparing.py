"""Counts become a :class:`Report`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from polysms.report.arms import Arm, Row, Terms, arm, row, share_of, within
from polysms.report.assignment import assignment
from polysms.report.counts import Cell, Stratum
from polysms.report.method import ASSUMPTIONS, METHOD
from polysms.report.pairs import Pair, pairs
from polysms.report.readiness import readiness
from polysms.report.saying import verdict
from polysms.report.suspicion import suspicions
from polysms.report.warning import Warned


@attrs.frozen(kw_only=True)
class Report:
    """Accounts compared.

    ``within``: by how many seconds from its assignment a message counts as delivered. ``rows`` are
    the strata of each account. ``verdicts`` are what is to be said of each pair, in sentences,
    the most important first, in the order of ``pairs``; ``method`` and ``assumptions`` how it was
    found and what it takes for granted.
    """

    terms: Terms
    within: float
    arms: tuple[Arm, ...]
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    warnings: tuple[Warned, ...]
    verdicts: tuple[tuple[str, ...], ...]
    method: tuple[str, ...] = METHOD
    assumptions: tuple[str, ...] = ASSUMPTIONS

    def to_dict(self) -> dict[str, Any]:
        """Return every figure as plain data that JSON can carry."""
        from polysms.report import plain  # noqa: PLC0415 - loaded when used

        return plain.report_to_dict(self)


def compare(cells: Iterable[Cell], terms: Terms | None = None) -> Report:
    """Return the accounts compared, in the order in which their cells come.

    :raises ValueError: an account has two cells of one stratum.
    """
    every = _once(cells)
    terms = terms or Terms()
    until = within(every, terms.horizon)
    arms = tuple(_arms(every, until, terms))
    more = {arm.account: arm.inflation for arm in arms}
    shares = {cell: share_of(cell.counts, until, more[cell.account]) for cell in every}
    compared = pairs(arms, shares, until, terms)
    return Report(
        terms=terms,
        within=until,
        arms=arms,
        rows=tuple(row(cell, share, terms.z) for cell, share in shares.items()),
        pairs=compared,
        warnings=(
            *assignment(every, terms),
            *suspicions(every, arms, terms),
            *readiness(every, arms, compared, until, terms),
        ),
        verdicts=tuple(_verdicts(arms, compared, until, terms)),
    )


def _once(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    found: dict[tuple[str, Stratum], Cell] = {}
    for cell in cells:
        if found.setdefault((cell.account, cell.stratum), cell) is not cell:
            raise ValueError(f"{cell.account} has two cells of {cell.stratum}.")
    return tuple(found.values())


def _arms(cells: Sequence[Cell], until: float, terms: Terms) -> Iterator[Arm]:
    for name in dict.fromkeys(cell.account for cell in cells):
        yield arm(name, [cell for cell in cells if cell.account == name], until, terms.z)


def _verdicts(
    arms: Sequence[Arm], compared: Sequence[Pair], until: float, terms: Terms
) -> Iterator[tuple[str, ...]]:
    named: Mapping[str, Arm] = {arm.account: arm for arm in arms}
    for pair in compared:
        yield verdict(pair, named[pair.first], named[pair.second], until, terms)
