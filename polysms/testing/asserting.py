"""Assertions about what was sent; one that fails shows what was."""

from __future__ import annotations

from polysms.delivery import Outcome
from polysms.testing.sent import Sent, Wanted, difference


def sent_as_wanted(tries: list[Sent], wanted: Wanted, count: int | None) -> Sent:
    """Return the first message that is meant; raise AssertionError where there is none.

    With ``count`` there must be exactly so many.
    """
    __tracebackhide__ = True
    if count is not None and count < 1:
        raise ValueError("count: is at least 1; for none there is assert_nothing_sent()")
    gone = [sent for sent in tries if sent.outcome is not Outcome.NOT_SENT]
    meant = [sent for sent in gone if not wanted.missed(sent)]
    if not meant or (count is not None and len(meant) != count):
        raise AssertionError("\n".join(_said(tries, gone, meant, wanted, count)))
    return meant[0]


def nothing_as_wanted(tries: list[Sent], wanted: Wanted) -> None:
    """Raise AssertionError where anything that is meant was sent, or may have been."""
    __tracebackhide__ = True
    meant = [
        sent for sent in tries if sent.outcome is not Outcome.NOT_SENT and not wanted.missed(sent)
    ]
    if meant:
        head = f"{_number(len(meant))} sent{wanted.told()}, and none should have been:"
        raise AssertionError("\n".join([head, *_listed(meant)]))


def _said(
    tries: list[Sent], gone: list[Sent], meant: list[Sent], wanted: Wanted, count: int | None
) -> list[str]:
    exactly = "" if count is None else f", not {count},"
    lines = [f"{_number(len(meant), exactly)} sent{wanted.told()}"]
    nearest = None if meant else wanted.nearest(gone)
    if gone:
        lines += [f"{_number(len(gone))} sent in all:", *_listed(gone, nearest, wanted)]
    else:
        lines.append("nothing was sent at all")
    kept = [sent for sent in tries if sent.outcome is Outcome.NOT_SENT]
    if kept:
        lines += [f"{_number(len(kept))} tried and not sent:", *_listed(kept)]
    return lines


def _number(count: int, exactly: str = "") -> str:
    words = {0: "no message", 1: "1 message"}.get(count, f"{count} messages")
    return f"{words}{exactly} {'was' if count in {0, 1} else 'were'}"


def _listed(
    some: list[Sent], nearest: Sent | None = None, wanted: Wanted | None = None
) -> list[str]:
    lines = []
    for place, sent in enumerate(some, start=1):
        lines.append(f"  {place}. {sent.told()}")
        if wanted is not None and sent is nearest:
            lines.append(f"     ^ the nearest: {difference(wanted, sent)}")
    return lines
