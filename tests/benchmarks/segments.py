"""What ``segments`` costs beside ``smsutil.split``, on texts of 300 characters, in one run."""

from __future__ import annotations

import timeit
from collections.abc import Callable

import smsutil

from polysms.segments import segments

TEXTS = {
    "GSM-7": "Your table is ready, see you soon. ",
    "GSM-7, accents": "Dein Tisch ist für Dich gedeckt. ",
    "GSM-7, Greek": "Your table is ready, ΦΩΣ ΔΩΣΩ Ξ. ",
    "GSM-7, extended": "Your [table] is {ready} for 20 €. ",
    "UCS-2, quotes": "Your “table” is ready – see you… ",  # noqa: RUF001 - its subject
    "UCS-2": "Your table is ready, до встречи. ",
    "UCS-2, emoji": "Your table 🍽 is ready, see you 👋 ",
}


def microseconds(call: Callable[[], object], number: int) -> float:
    """Return the best of many short runs: what it costs when nothing else disturbs."""
    return min(timeit.repeat(call, number=number, repeat=200)) / number * 1e6


def main() -> None:
    """Measure and print."""
    for name, phrase in TEXTS.items():
        text = (phrase * 10)[:300]
        theirs = microseconds(lambda text=text: smsutil.split(text), 10)  # type: ignore[misc]
        ours = microseconds(lambda text=text: segments(text), 300)  # type: ignore[misc]
        print(
            f"{name:16} smsutil {theirs:6.1f} us   polysms {ours:6.2f} us   {theirs / ours:5.1f} x"
        )
