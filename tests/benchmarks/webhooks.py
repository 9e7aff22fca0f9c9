"""What it costs to verify and read one webhook, by form: the median of many, in microseconds."""

from __future__ import annotations

import statistics
import time

from polysms.webhooks import read
from tests.webhooks.forms import FORMS, PUBLIC, REFERENCE, account

ROUNDS = 5_000
WARM_UP = 500


def main() -> None:
    """Measure and print."""
    for name, form in FORMS.items():
        of = account(form.provider)
        request = form.request(of, REFERENCE)
        taken = []
        for _ in range(WARM_UP + ROUNDS):
            started = time.perf_counter_ns()
            read(of, request, PUBLIC)
            taken.append(time.perf_counter_ns() - started)
        median = statistics.median(taken[WARM_UP:]) / 1000
        print(f"{name:36} {median:6.1f} us   (at most 100 is wanted)")
