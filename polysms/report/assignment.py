"""Whether chance gave out the messages as it was told to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from polysms.report.arms import Terms
from polysms.report.chances import chi_square_tail
from polysms.report.counts import Cell, Stratum
from polysms.report.warning import Warned
from polysms.report.words import chance, listed, number

#: A warning is raised by chance in one report of a thousand.
_RARE = 0.001
#: A stratum of which an account should have got fewer is joined with others like it.
_LEAST = 5.0

#: By stratum and account: how many were assigned, and the share it should have got.
_Table = Mapping[Stratum, Mapping[str, tuple[float, float]]]


def assignment(cells: Sequence[Cell], terms: Terms) -> Iterator[Warned]:
    """Yield what is wrong with how the messages were given to the accounts."""
    if terms.observational or any(cell.share is None for cell in cells):
        accounts = tuple(dict.fromkeys(cell.account for cell in cells if cell.share is None))
        yield Warned(
            kind="observational",
            sentence="Not everything was assigned by chance: the accounts may have been given "
            "different messages, and a difference between them may be one of those. No cause is "
            "shown.",
            accounts=accounts,
        )
    else:
        yield from _shares(cells)
    yield from _mixture(cells)
    yield from _periods(cells)


def _assigned(cell: Cell) -> int:
    """Return how often chance decided: by message, or by recipient where the route is sticky."""
    return cell.counts.recipients.number if cell.counts.recipients else cell.counts.assigned


def _table(cells: Sequence[Cell]) -> _Table:
    table: dict[Stratum, dict[str, tuple[float, float]]] = defaultdict(dict)
    for cell in cells:
        share = 1.0 if cell.share is None else cell.share
        table[cell.stratum][cell.account] = (_assigned(cell), share)
    return table


def _shares(cells: Sequence[Cell]) -> Iterator[Warned]:
    """Yield whether the accounts got other shares of all than they should (a ratio mismatch)."""
    found: dict[str, float] = defaultdict(float)
    wanted: dict[str, float] = defaultdict(float)
    for row in _table(cells).values():
        whole, shares = (sum(part) for part in zip(*row.values(), strict=True))
        for account, (count, share) in row.items():
            found[account] += count
            wanted[account] += whole * share / shares if shares else 0.0
    expected = [(found[name], wanted[name]) for name in found if wanted[name] > 0]
    chi_square = math.fsum((count - share) ** 2 / share for count, share in expected)
    value = chi_square_tail(chi_square, len(expected) - 1)
    if value < _RARE:
        told = listed(
            [f"{name} {number(found[name])} instead of {number(wanted[name])}" for name in found]
        )
        yield Warned(
            kind="sample_ratio",
            sentence=f"The accounts were not given their shares: {told} ({chance(value)}). "
            "Something takes messages out, or puts them in; find it before you believe the rest.",
            accounts=tuple(found),
            figures={"chi_square": chi_square, "chance": value},
        )


def _mixture(cells: Sequence[Cell]) -> Iterator[Warned]:
    """Yield whether an account was given more of one stratum than of the others."""
    rows = _joined(_table(cells))
    freedom = sum(len(row) - 1 for _, row in rows) - (len({cell.account for cell in cells}) - 1)
    if len(rows) < 2 or freedom < 1:
        return
    parts = [(_distance(row), stratum) for stratum, row in rows]
    chi_square = math.fsum(part for part, _ in parts)
    value = chi_square_tail(chi_square, freedom)
    if value < _RARE:
        worst = max(parts, key=lambda part: part[0])[1]
        yield Warned(
            kind="not_randomised",
            sentence=f"Assignment goes with what was sent ({chance(value)}), most of all for "
            f"{worst}: chance alone does not do that. The accounts were not given the same "
            "messages.",
            figures={"chi_square": chi_square, "chance": value, "stratum": worst},
        )


def _joined(table: _Table) -> list[tuple[str, list[tuple[float, float]]]]:
    """Return found and expected of each stratum, with those of too few messages as one."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in table.values():
        whole = sum(count for count, _ in row.values())
        for account, (count, share) in row.items():
            totals[account][0] += count
            totals[account][1] += whole * share
    scale = {name: found / wanted if wanted else 0.0 for name, (found, wanted) in totals.items()}
    rows: list[tuple[str, list[tuple[float, float]]]] = []
    few: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for stratum, row in table.items():
        whole = sum(count for count, _ in row.values())
        pairs = {name: (count, whole * share * scale[name]) for name, (count, share) in row.items()}
        if min(wanted for _, wanted in pairs.values()) >= _LEAST:
            rows.append((str(stratum), list(pairs.values())))
            continue
        for name, (count, wanted) in pairs.items():
            few[name][0] += count
            few[name][1] += wanted
    rest = [(found, wanted) for found, wanted in few.values() if wanted > 0]
    return [*rows, ("the rest", rest)] if len(rest) > 1 else rows


def _distance(row: Sequence[tuple[float, float]]) -> float:
    return math.fsum((found - wanted) ** 2 / wanted for found, wanted in row)


def _periods(cells: Sequence[Cell]) -> Iterator[Warned]:
    """Yield whether shares were changed under way: then only differences within periods count."""
    shares: dict[str, set[float | None]] = defaultdict(set)
    for cell in cells:
        shares[cell.account].add(cell.share)
    changed = tuple(name for name, every in shares.items() if len(every) > 1)
    if changed:
        yield Warned(
            kind="shares_changed",
            sentence=f"The shares of {listed(changed)} were changed under way: each account's own "
            "rates mix the times before and after. The differences do not; go by those.",
            accounts=changed,
        )
