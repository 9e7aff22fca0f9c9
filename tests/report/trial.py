"""The trial that every book on survival analyses: remission of leukaemia in weeks.

Freireich and others (1963), as Cox (1972) printed it: 21 children under 6-mercaptopurine, 21 under
placebo. A relapse is an event, as a delivery is one here.
"""

from __future__ import annotations

from polysms.report import Counts
from tests.report.counting import timed

RELAPSES = (6, 6, 6, 7, 10, 13, 16, 22, 23)
IN_REMISSION = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
PLACEBO = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)


def treated() -> Counts:
    """Return the children under 6-mercaptopurine."""
    return timed(RELAPSES, IN_REMISSION)


def placebo() -> Counts:
    """Return those under placebo: all relapsed."""
    return timed(PLACEBO)
