"""Counts of the database become the cells of a comparison."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs
from sqlalchemy import Connection

from polysms import numbers
from polysms.ledger import counting
from polysms.ledger.assigned import ACCEPTED, DELIVERED, MAYBE_SENT, REFUSED
from polysms.ledger.observing import BY, Scope
from polysms.report import (
    Age,
    Cell,
    Clock,
    Cost,
    Counts,
    Delay,
    Recipients,
    Rescue,
    Segments,
    Stratum,
)
from polysms.report.counts import total

#: Whose cell: an account, and a stratum.
Place = tuple[str, Stratum]
Row = Mapping[Any, Any]
#: Whether an account reports a kind at all.
Reports = Callable[[str, str], bool]

_ENDS = ("delivered", "undelivered", "unreported", "pending", "not_sent")
_SEGMENTS = {
    "messages": "both",
    "predicted": "predicted",
    "billed": "billed",
    "differing": "differing",
}
_RECIPIENTS = tuple(field.name for field in attrs.fields(Recipients))
_CANARIES = ("canaries", "canaries_delivered")
_RESCUE = tuple(field.name for field in attrs.fields(Rescue))


def cells(
    connection: Connection, scope: Scope, by: Collection[str], reports: Reports
) -> tuple[Cell, ...]:
    """Return the cells of a scope.

    ``by`` is what strata are told apart by (nothing: by all that was known before it was sent).
    """
    book = _Book(scope, by)
    with counting.sorting(connection):
        for row in counting.counts(connection, scope):
            book.count(row)
    book.close()
    if book.is_sticky:
        for row in counting.recipients(connection, scope):
            groups = Recipients(**{name: int(row[name]) for name in _RECIPIENTS})
            book.groups[book.place(row)] = groups
    for row in counting.rescues(connection, scope):
        book.rescue(row, Rescue(**{name: int(row[name]) for name in _RESCUE}))
    return book.cells(reports)


class _Book:
    """What is counted, by place."""

    def __init__(self, scope: Scope, by: Collection[str]) -> None:
        self._scope = scope
        self._by = by
        self._tallies: defaultdict[tuple[Any, ...], _Tally] = defaultdict(_Tally)
        self._countries: dict[str, str] = {"": ""}
        self._several = False
        #: Where recipients were assigned.
        self.groups: dict[Place, Recipients] = {}
        self._counts: dict[Place, list[Counts]] = {}
        self._kinds: defaultdict[Place, set[str]] = defaultdict(set)
        self._weights: defaultdict[Place, float] = defaultdict(float)

    @property
    def is_sticky(self) -> bool:
        """Whether any recipients were assigned, and not messages."""
        unit = self._scope.cell.index("unit")
        return any(key[unit] == "recipient" for key in self._tallies)

    def count(self, row: Row) -> None:
        """Count messages that are alike."""
        self._tallies[tuple([row[name] for name in self._scope.cell])].add(row)
        if row["prefix"] not in self._countries:
            # As one of the numbers that begin so tells it.
            self._countries[row["prefix"]] = numbers.country(row["sample"] or "") or ""

    def close(self) -> None:
        """Put what was counted in its places, now that all of it is known."""
        keys = [dict(zip(self._scope.cell, key, strict=True)) for key in self._tallies]
        every = list(zip(keys, self._tallies.values(), strict=True))
        self._several = len({key["experiment"] for key in keys}) > 1
        heard = {key["account"] for key, tally in every if tally.is_heard}
        for key, tally in every:
            place = self.place(key)
            self.add(place, tally.counted(is_silent=key["account"] not in heard))
            self._kinds[place].add(key["kind"])
            self._weights[place] += tally.weight

    def place(self, row: Row) -> Place:
        """Return the place of a row."""
        return row["account"], self._stratum(row)

    def _stratum(self, row: Row) -> Stratum:
        country = row.get("country") or self._countries.get(row.get("prefix") or "", "")
        if self._by:
            told = [_words(row, name) for name in self._by if name not in {"country", "kind"}]
            return Stratum(
                country=country if "country" in self._by else "",
                kind=row["kind"] if "kind" in self._by else "",
                group=", ".join(told),
            )
        period = row["experiment"] if self._several else ""
        if row["unit"] == "recipient":
            return Stratum(country=country, period=period)
        return Stratum(country, row["kind"], row["segments"], period)

    def add(self, place: Place, counts: Counts) -> None:
        """Add counts to a place."""
        self._counts.setdefault(place, []).append(counts)

    def rescue(self, row: Row, given: Rescue) -> None:
        """Add what an account was given after another, if it is one of those compared."""
        place = self.place(row)
        own = sorted(one for one in self._counts if one[0] == place[0])
        if own:
            self.add(place if place in self._counts else own[0], Counts(rescue=given))

    def cells(self, reports: Reports) -> tuple[Cell, ...]:
        """Return every cell, by account and stratum."""
        return tuple(self._cells(reports))

    def _cells(self, reports: Reports) -> Iterator[Cell]:
        for place in sorted(self._counts):
            account, stratum = place
            every = total(self._counts[place])
            counts = attrs.evolve(every, recipients=self.groups.get(place))
            yield Cell(
                account=account,
                stratum=stratum,
                counts=counts,
                share=self._share(place, counts),
                reports=any(reports(account, kind) for kind in self._kinds[place]),
            )

    def _share(self, place: Place, counts: Counts) -> float | None:
        """Return the chance of a cell's messages; where it varied, what they had together."""
        if self._scope.observational:
            return None
        weight = self._weights[place]
        return min(1.0, counts.assigned / weight) if weight else 0.0


def _words(row: Row, name: str) -> str:
    known = [str(row[column]) for column in BY[name] if row[column]]
    return "-".join(known) or f"no {name}"


@attrs.define
class _Tally:
    """What is counted in one place, as it grows."""

    counts: Counter[str] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)
    delays: Counter[tuple[int, int | None]] = attrs.field(factory=Counter)
    #: By age; of those that are pending, with when they were last asked for in vain.
    ages: Counter[tuple[int, int | None]] = attrs.field(factory=Counter)
    prices: Counter[tuple[str, str, bool]] = attrs.field(factory=Counter)
    worst: int = 0
    weight: float = 0.0

    def add(self, row: Row) -> None:
        """Add messages that are alike."""
        messages, ended = int(row["messages"]), row["ended"]
        is_delivered = ended == DELIVERED
        if row["dead"]:
            self.counts["canaries"] += messages
            self.counts["canaries_delivered"] += messages if is_delivered else 0
            return
        self.counts["assigned"] += messages
        if ended == REFUSED:
            self.refused[row["reason"] or "other"] += messages
        else:
            self.counts[ended] += messages
        if row["outcome"] in {ACCEPTED, MAYBE_SENT}:
            self.counts[row["outcome"]] += messages
        for name in ("confirmed", "arrived"):
            self.counts[name] += messages if row[name] else 0
        (self.delays if is_delivered else self.ages)[row["halves"], row["asked"]] += messages
        if row["price"] is not None:
            self.prices[row["currency"], row["price"], is_delivered] += messages
        self.weight += messages / row["probability"] if row["probability"] else 0.0
        self._measure(row)

    def _measure(self, row: Row) -> None:
        for name in (*_SEGMENTS.values(), "timed", "ahead"):
            self.counts[name] += int(row[name] or 0)
        self.worst = max(self.worst, row["worst"] or 0)

    @property
    def is_heard(self) -> bool:
        """Whether any report told of a delivery, so that not all of it was found by asking."""
        return any(asked is None for _, asked in self.delays)

    def counted(self, *, is_silent: bool) -> Counts:
        """Return the counts; of an account that is silent nothing is known since it was asked."""
        said = self.counts
        names = (*_ENDS, "assigned", "accepted", "maybe_sent", "confirmed", "arrived")
        plain: dict[str, Any] = {name: said[name] for name in (*names, *_CANARIES)}
        return Counts(
            **plain,
            refused=dict(self.refused),
            delays=tuple(_delays(self.delays)),
            ages=tuple(_ages(self.ages, is_silent=is_silent)),
            costs=_costs(self.prices),
            segments=Segments(**{name: said[column] for name, column in _SEGMENTS.items()}),
            clock=Clock(reports=said["timed"], ahead=said["ahead"], worst=self.worst / 1000),
        )


def _delays(found: Mapping[tuple[int, int | None], int]) -> Iterator[Delay]:
    for (halves, asked), count in found.items():
        yield Delay(halves / 2000, count, None if asked is None else asked / 1000)


def _ages(found: Mapping[tuple[int, int | None], int], *, is_silent: bool) -> Iterator[Age]:
    for (halves, asked), count in found.items():
        is_asked = is_silent and asked is not None
        yield Age(asked / 1000 if is_asked and asked is not None else halves / 2000, count)


def _costs(prices: Mapping[tuple[str, str, bool], int]) -> Mapping[str, Cost]:
    costs: dict[str, Cost] = {}
    for (currency, words, is_delivered), messages in prices.items():
        price = Decimal(words)
        cost = Cost(
            priced=messages,
            total=price * messages,
            squares=float(price) ** 2 * messages,
            delivered=messages if is_delivered else 0,
            delivered_total=price * messages if is_delivered else Decimal(0),
        )
        costs[currency] = costs[currency] + cost if currency in costs else cost
    return costs
