"""A finding: what was looked at, how it is, and the figures."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import attrs

from polysms import redact


class Grade(StrEnum):
    """How something is, beside what was to be expected of it."""

    FINE = "fine"
    DIFFERS = "differs"
    UNTOLD = "could not tell"


@attrs.frozen
class Finding:
    """What was looked at, how it is, and why; numbers and credentials are hidden in ``text``."""

    about: str
    grade: Grade
    text: str = attrs.field(converter=redact.scrub)


def fine(about: str, text: str) -> Finding:
    """Return the finding that something is as it should be."""
    return Finding(about, Grade.FINE, text)


def differs(about: str, text: str) -> Finding:
    """Return the finding that something is not as it should be."""
    return Finding(about, Grade.DIFFERS, text)


def untold(about: str, text: str) -> Finding:
    """Return the finding that nobody can tell."""
    return Finding(about, Grade.UNTOLD, text)


def worst(findings: Iterable[Finding]) -> Grade:
    """Return DIFFERS if anything differs, else FINE: what nobody can tell is no fault."""
    found = {finding.grade for finding in findings}
    return Grade.DIFFERS if Grade.DIFFERS in found else Grade.FINE


def seconds(value: float) -> str:
    """Return a duration as people read it."""
    return f"{value:.2f} s"
