"""Which account really delivers: counts become a comparison that is statistically honest.

Pure: no clock, no chance, no database. Whoever counts hands in one :class:`Cell` for each account
and stratum; :func:`compare` returns a :class:`Report`.
"""

from __future__ import annotations

from polysms.report.arms import Arm, Row, Terms
from polysms.report.comparing import Report, compare
from polysms.report.contrasts import Contrast, Sooner
from polysms.report.counts import (
    BUCKETS,
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
    bucket,
)
from polysms.report.curves import Point, Quantile
from polysms.report.money import Spending
from polysms.report.naive import Naive
from polysms.report.pairs import NaivePair, Outlook, Pair
from polysms.report.shares import Estimate
from polysms.report.warning import Warned

__all__ = [
    "BUCKETS",
    "Age",
    "Arm",
    "Cell",
    "Clock",
    "Contrast",
    "Cost",
    "Counts",
    "Delay",
    "Estimate",
    "Naive",
    "NaivePair",
    "Outlook",
    "Pair",
    "Point",
    "Quantile",
    "Recipients",
    "Report",
    "Rescue",
    "Row",
    "Segments",
    "Sooner",
    "Spending",
    "Stratum",
    "Terms",
    "Warned",
    "bucket",
    "compare",
]
