"""Reports to be put on a page: usual ones, crowded ones, hostile ones and empty ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from statistics import NormalDist
from typing import Any

import attrs

from polysms.report import (
    Age,
    Cell,
    Clock,
    Cost,
    Counts,
    Delay,
    Report,
    Rescue,
    Segments,
    Stratum,
    Terms,
    bucket,
    compare,
)
from tests.report.counting import DAY, GB, OLD, US, settled

#: Names that try to leave their place: markup, a script's end, an attribute, a formula, a turn.
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload='alert(2)'>",
    '=HYPERLINK("javascript:alert(3)")&amp;<b>',
    "\u202etxet desrever\u0000 `code` {{7*7}}",
)
STRATA = (US, GB, Stratum("NG", "sms", 2), Stratum("US", "mms", 1))


def spread(count: int, median: float, width: float = 1.0, steps: int = 50) -> tuple[Delay, ...]:
    """Return so many delays around a median, lognormal in so many steps, the same every time."""
    normal = NormalDist(math.log(median), width)
    found: dict[float, int] = {}
    for place in range(count):
        step = place * steps // count
        seconds = bucket(math.exp(normal.inv_cdf((step + 0.5) / steps)))
        found[seconds] = found.get(seconds, 0) + 1
    return tuple(Delay(seconds, number) for seconds, number in sorted(found.items()))


def traffic(
    assigned: int, share: float, median: float, price: str = "0.0079", **facts: Any
) -> Counts:
    """Return what an account made of so many messages: most settled, some pending or refused."""
    delivered, pending = round(assigned * share), assigned // 50
    refused = (assigned - delivered - pending) // 4
    lost = assigned - delivered - pending - refused
    priced = assigned - refused
    cost = Cost(
        priced=priced,
        total=priced * Decimal(price),
        squares=priced * float(price) ** 2,
        delivered=delivered,
        delivered_total=delivered * Decimal(price),
    )
    defaults: dict[str, Any] = {
        "assigned": assigned,
        "accepted": assigned - refused,
        "delivered": delivered,
        "undelivered": lost,
        "pending": pending,
        "refused": {"balance": refused // 2, "not allowed": refused - refused // 2},
        "confirmed": round(delivered * 0.7),
        "arrived": delivered + refused // 2,
        "delays": spread(delivered, median),
        "ages": (Age(OLD, lost + refused), Age(90.0, pending)),
        "costs": {"USD": cost},
        "segments": Segments(
            messages=priced,
            predicted=priced,
            billed=priced + priced // 100,
            differing=priced // 100,
        ),
        "clock": Clock(reports=delivered),
        "rescue": Rescue(attempts=refused, delivered=refused // 2, undelivered=refused // 4),
    }
    return Counts(**{**defaults, **facts})


@cache
def usual(names: tuple[str, ...] = ("wavix", "signalwire"), *, looks: int = 1) -> Report:
    """Return a report of accounts that each deliver a little less and a little later."""
    cells = [
        Cell(
            account=name,
            stratum=stratum,
            share=1 / len(names),
            counts=traffic(
                2400 // (1 + row),
                0.955 - 0.012 * place - 0.03 * row,
                9.0 * 1.35**place,
                f"{0.0079 - 0.0006 * place:.4f}",
            ),
        )
        for place, name in enumerate(names)
        for row, stratum in enumerate(STRATA)
    ]
    return compare(cells, Terms(looks=looks))


@cache
def crowd() -> Report:
    """Return a report of eight accounts, one with a name that goes on and on."""
    long = "the-account-of-the-northern-branch-for-one-time-codes-and-nothing-else-2026"
    return usual(("wavix", "signalwire", "carrierx", "twilio", long, "ümlaut-电信", "b", "spare"))


@cache
def hostile() -> Report:
    """Return a report whose accounts, kinds, reasons and currencies are all hostile."""
    cells = []
    for place, name in enumerate(HOSTILE):
        for row in range(2):
            counts = traffic(400, 0.9 - 0.1 * place, 5.0)
            counts = attrs.evolve(
                counts,
                refused={f"{HOSTILE[0]}{row}": sum(counts.refused.values())},
                costs={HOSTILE[1]: counts.costs["USD"]},
            )
            stratum = Stratum(HOSTILE[(place + row) % 2], HOSTILE[0], 1, HOSTILE[2], HOSTILE[3])
            cells.append(Cell(account=name, stratum=stratum, share=0.25, counts=counts))
    return compare(cells)


@cache
def extreme() -> Report:
    """Return a report of figures that are huge, tiny, missing, or all alike."""
    huge, dear, cheap = 10**12, Decimal("98765.4321"), Decimal("0.0000000012")
    cells = (
        Cell(
            account="huge",
            share=0.2,
            counts=settled(
                huge - 1_234_567,
                huge,
                0.0,
                costs={"USD": Cost(priced=huge, total=huge * cheap, squares=0.0, delivered=huge)},
            ),
        ),
        Cell(
            account="tiny",
            share=0.2,
            counts=settled(
                1,
                huge // 3,
                40 * DAY,
                costs={"JPY": Cost(priced=3, total=3 * dear, squares=3 * float(dear) ** 2)},
            ),
        ),
        Cell(account="none", share=0.2, counts=settled(0, 5)),
        Cell(account="silent", share=0.2, reports=False, counts=settled(0, 50)),
        Cell(account="unused", share=0.2, counts=Counts()),
    )
    return compare(cells, Terms(horizon=60 * DAY))


def empty() -> Report:
    """Return the report of nothing."""
    return compare(())


def single() -> Report:
    """Return a report of one account that delivered all."""
    return compare([Cell(account="wavix", share=1.0, counts=settled(40, 40))])


def weeks(
    number: int = 9, names: Sequence[str] = ("wavix", "signalwire")
) -> list[tuple[str, Report]]:
    """Return a report for each week; the first account is away for one of them."""
    found = []
    for week in range(number):
        cells = [
            Cell(
                account=name,
                share=1 / len(names),
                counts=traffic(300, 0.95 - 0.02 * place - 0.01 * (week * (place + 2) % 4), 10.0),
            )
            for place, name in enumerate(names)
            if (week, place) != (3, 0)
        ]
        found.append((f"week {week + 36}", compare(cells)))
    return found
