"""What a comparison counts: no message and no number, only how many, how long and how much.

Whoever counts (the ledger does it in SQL) delivers one :class:`Cell` for each account and stratum.
A message belongs to the account to which chance gave it **first**, whatever came afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from typing import TypeVar

import attrs

Value = TypeVar("Value")

#: Delays are counted in buckets: below so many milliseconds they are so many wide. From 1 s on a
#: bucket is at most 1 % of its value, before that 10 ms; its middle stands for it, so a quantile is
#: off by at most 0.5 %, or 5 ms. A million delays are some 2,000 rows. In whole milliseconds, so
#: that a database finds the same bucket: ``(ms / width) * width + width / 2.0``.
BUCKETS: tuple[tuple[int, int], ...] = (
    (1000, 10),
    *(
        (edge * 10**decade, width * 10**decade)
        for decade in range(7)
        for edge, width in ((2000, 10), (5000, 20), (10_000, 50))
    ),
)


def bucket(seconds: float) -> float:
    """Return the middle of the bucket in which a delay falls; a negative one counts as none."""
    # By way of microseconds, because 1.13 * 1000 is a little less than 1130.
    milliseconds = round(max(seconds, 0.0) * 1_000_000) // 1000
    width = next((wide for below, wide in BUCKETS if milliseconds < below), BUCKETS[-1][1])
    return (milliseconds // width * width + width / 2) / 1000


@attrs.frozen(order=True)
class Stratum:
    """Messages that are alike before they are sent, by what their number and text say.

    ``period`` tells apart the times between which the shares of the accounts were changed. What is
    not told apart is empty or 0. Where assignment is sticky the strata are countries only.
    ``group`` is for views by something else, as a tag: verdicts never rest on it.
    """

    country: str = ""
    kind: str = ""
    segments: int = 0
    period: str = ""
    group: str = ""

    def __str__(self) -> str:
        """Return it in words: ``US sms of 2 segments``."""
        size = f"of {self.segments} segment{'s' if self.segments > 1 else ''}"
        parts = (self.country, self.kind, size if self.segments else "", self.period, self.group)
        return " ".join(part for part in parts if part) or "all"


@attrs.frozen
class Delay:
    """So many messages were delivered after so many seconds from their assignment.

    ``after`` is for those whose end was found by asking the provider: the seconds at which it had
    last been asked in vain (0: never). They were delivered between the two.
    """

    seconds: float
    count: int = 1
    after: float | None = None


@attrs.frozen
class Age:
    """So many messages were not delivered as far as was known after so many seconds.

    That is their age now; for those whose end is found by asking, their age when last asked.
    """

    seconds: float
    count: int = 1


@attrs.frozen(kw_only=True)
class Cost:
    """What the messages cost whose price is known, in one currency; their carriers' fees apart.

    ``priced`` messages cost ``total``; ``squares`` is the sum of their squared prices;
    ``delivered`` of them were delivered, and those cost ``delivered_total``.
    """

    priced: int
    total: Decimal
    squares: float
    delivered: int = 0
    delivered_total: Decimal = Decimal(0)

    def __add__(self, other: Cost) -> Cost:
        return _added(self, other)


@attrs.frozen(kw_only=True)
class Segments:
    """Predicted and billed segments of the messages for which both are known."""

    messages: int = 0
    predicted: int = 0
    billed: int = 0
    differing: int = 0

    def __add__(self, other: Segments) -> Segments:
        return _added(self, other)


@attrs.frozen(kw_only=True)
class Clock:
    """Reports that carry the provider's time, and those whose time lay ahead of our clock's.

    ``worst`` is by how many seconds the worst of them did.
    """

    reports: int = 0
    ahead: int = 0
    worst: float = 0.0

    def __add__(self, other: Clock) -> Clock:
        worst = max(self.worst, other.worst)
        return Clock(
            reports=self.reports + other.reports, ahead=self.ahead + other.ahead, worst=worst
        )


@attrs.frozen(kw_only=True)
class Rescue:
    """What an account was given after another had failed. It is never compared, only shown."""

    attempts: int = 0
    delivered: int = 0
    undelivered: int = 0

    def __add__(self, other: Rescue) -> Rescue:
        return _added(self, other)


@attrs.frozen(kw_only=True)
class Recipients:
    """Sums over recipients, each with n messages of which x were delivered, for sticky routes."""

    number: int
    messages_squared: int
    delivered_squared: int
    product: int

    def __add__(self, other: Recipients) -> Recipients:
        return _added(self, other)


@attrs.frozen(kw_only=True)
class Counts:
    """What became of messages that were assigned alike.

    Each ended in one way: ``assigned`` is the sum of ``delivered``, ``undelivered`` (the provider's
    final no), ``unreported`` (it will not say), ``pending``, ``refused`` (by reason) and
    ``not_sent`` (no refusal, but surely not sent). ``accepted`` and ``maybe_sent`` are what the
    send itself ended with. ``confirmed`` are those of which the application heard; ``arrived``
    those that some account delivered in the end, this one or one after it. ``delays`` are of the
    delivered, ``ages`` of all others. ``canaries`` are messages to numbers known to be dead; they
    are in no other count.
    """

    assigned: int = 0
    accepted: int = 0
    maybe_sent: int = 0
    not_sent: int = 0
    refused: Mapping[str, int] = attrs.field(factory=dict, hash=False)
    delivered: int = 0
    undelivered: int = 0
    unreported: int = 0
    pending: int = 0
    confirmed: int = 0
    arrived: int = 0
    delays: tuple[Delay, ...] = attrs.field(default=(), repr=False)
    ages: tuple[Age, ...] = attrs.field(default=(), repr=False)
    costs: Mapping[str, Cost] = attrs.field(factory=dict, hash=False)
    segments: Segments = Segments()
    clock: Clock = Clock()
    rescue: Rescue = Rescue()
    recipients: Recipients | None = None
    canaries: int = 0
    canaries_delivered: int = 0

    def __add__(self, other: Counts) -> Counts:
        return _added(self, other)

    @property
    def sent(self) -> int:
        """Those that may have reached the provider: all but the refused and the not sent."""
        return self.assigned - self.not_sent - sum(self.refused.values())

    @property
    def is_polled(self) -> bool:
        """Whether the end of some was found by asking the provider."""
        return any(delay.after is not None for delay in self.delays)


@attrs.frozen(kw_only=True, eq=False)
class Cell:
    """The messages of one stratum that one account was given by chance.

    ``share`` is the chance with which a message of this stratum went to this account, None where
    nothing was left to chance. ``reports`` is False where the provider never reports this kind
    (its capabilities say so): such a cell is shown, and never compared.
    """

    account: str
    stratum: Stratum = Stratum()
    counts: Counts
    share: float | None = None
    reports: bool = True

    def __attrs_post_init__(self) -> None:
        """Refuse counts that contradict each other: no comparison can be right with them."""
        counts = self.counts
        never = counts.not_sent + sum(counts.refused.values())
        known = counts.delivered + counts.undelivered + counts.unreported + counts.pending
        _agree(self, "messages in all", counts.assigned, known + never)
        _agree(self, "delays", counts.delivered, sum(delay.count for delay in counts.delays))
        others = counts.assigned - counts.delivered
        _agree(self, "ages", others, sum(age.count for age in counts.ages))


def _agree(cell: Cell, what: str, expected: int, found: int) -> None:
    if expected != found:
        place = f"{cell.account}, {cell.stratum}"
        raise ValueError(f"{place}: there are {found} {what}, and there should be {expected}.")


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    every = tuple(counts)
    # Tuples are joined once and not pair by pair, which would take the square of their number.
    delays = tuple(delay for one in every for delay in one.delays)
    ages = tuple(age for one in every for age in one.ages)
    bare = (attrs.evolve(one, delays=(), ages=()) for one in every)
    return attrs.evolve(
        reduce(Counts.__add__, bare) if every else Counts(), delays=delays, ages=ages
    )


def _added(one: Value, other: Value) -> Value:
    """Return a value whose every field is the sum of two; what one does not know is not known."""
    names = [field.name for field in attrs.fields(type(one))]  # type: ignore[arg-type]
    sums = {name: _sum(getattr(one, name), getattr(other, name)) for name in names}
    return type(one)(**sums)


def _sum(one: Value, other: Value) -> Value:
    if one is None or other is None:
        return None  # type: ignore[return-value]
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        joined = dict(one)
        for key, value in other.items():
            joined[key] = joined[key] + value if key in joined else value
        return joined  # type: ignore[return-value]
    return one + other  # type: ignore[operator,no-any-return]
