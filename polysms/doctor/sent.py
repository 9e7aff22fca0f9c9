"""What became of the one text that was sent, and what its answer and its look-ups mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from polysms.delivery import Delivery, Outcome, Status
from polysms.doctor.findings import Finding, differs, fine, seconds, untold
from polysms.doctor.shape import places
from polysms.providers.base import Capabilities

#: Seconds before the second look, by how much each further one waits longer, and at most.
_FIRST, _LONGER, _LONGEST = 0.25, 1.4, 5.0


def pauses() -> Iterator[float]:
    """Yield the seconds between looks: often at first, when most happens."""
    pause = _FIRST
    while True:
        yield pause
        pause = min(pause * _LONGER, _LONGEST)


@attrs.define(kw_only=True)
class Looked:
    """One way of looking a message up: after how many seconds it was seen, and what went wrong."""

    after: float | None = None
    in_vain: float | None = None
    places: tuple[str, ...] = ()
    error: str | None = None

    def note(self, at: float, reference: str, raw: Mapping[str, Any] | None) -> None:
        """Note what a look brought: the provider's own object, None where it had none."""
        self.error = None
        if raw is None:
            self.in_vain = at
            return
        self.after = at if self.after is None else self.after
        self.places = self.places or tuple(places(reference, raw))


@attrs.frozen
class Stop:
    """A status that was seen, and after how many seconds it was seen first."""

    after: float
    raw_status: str | None
    status: Status


@attrs.define(kw_only=True)
class Followed:
    """One text, followed from the answer to its send on. Times are seconds after that answer.

    ``by_id`` and ``by_list`` are None where the provider has no such look-up; ``heard`` is when a
    webhook was kept in the ledger, and ``awaits`` says that one should be.
    """

    delivery: Delivery
    reference: str
    by_id: Looked | None
    by_list: Looked | None
    awaits: bool = False
    stops: list[Stop] = attrs.field(factory=list)
    ended: float | None = None
    heard: float | None = None
    heard_places: tuple[str, ...] = ()
    within: float = 0.0
    is_interrupted: bool = False

    def walk(self, at: float, delivery: Delivery) -> None:
        """Note where a look found the message."""
        last = self.stops[-1] if self.stops else None
        if last is None or last.raw_status != delivery.raw_status:
            self.stops.append(Stop(at, delivery.raw_status, delivery.status))
        if delivery.final and self.ended is None:
            self.ended = at

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be learnt by looking."""
        seen = all(one is None or one.after is not None for one in (self.by_id, self.by_list))
        # Without a look by id nobody will ever tell its end.
        return seen and (self.ended is not None or self.by_id is None) and not self._is_awaited

    @property
    def _is_awaited(self) -> bool:
        return self.awaits and self.heard is None


def findings(followed: Followed, can: Capabilities, answer: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what following a text has shown, beside what its provider's documents promise."""
    exact = can.lookup == "exact"
    yield _echo("answer", tuple(places(followed.reference, answer)), exact=exact)
    for where, look in (("look-up by id", followed.by_id), ("list", followed.by_list)):
        yield _lag(where, look, followed)
        if look is not None and look.after is not None:
            yield _echo(where, look.places, exact=exact)
    yield from _walk(followed.stops)
    yield _end(followed, is_promised=followed.delivery.kind in can.reports)
    yield _heard(followed)
    yield _segments(followed.delivery)
    price = followed.delivery.price
    yield untold("price", "not told so far") if price is None else fine("price", str(price))
    if followed.is_interrupted:
        yield untold("following", f"was stopped after {seconds(followed.within)}")


def _echo(where: str, found: tuple[str, ...], *, exact: bool) -> Finding:
    about = f"reference in {where}"
    if found:
        return fine(about, f"comes back in {', '.join(found)}")
    if exact:
        return differs(about, "does not come back, though the documents say so")
    return untold(about, "the provider has no field for it")


def _lag(where: str, look: Looked | None, followed: Followed) -> Finding:
    if look is None:
        return untold(where, "not offered")
    if look.after is not None:
        vain = "" if look.in_vain is None else f", not yet after {seconds(look.in_vain)}"
        return fine(where, f"knows it after {seconds(look.after)}{vain}")
    if look.error is not None:
        return untold(where, look.error)
    late = f"did not know it within {seconds(followed.within)}"
    return untold(where, late) if followed.is_interrupted else differs(where, late)


def _walk(stops: list[Stop]) -> Iterator[Finding]:
    if stops:
        told = [f"{stop.status} ({stop.raw_status}) {seconds(stop.after)}" for stop in stops]
        yield fine("statuses", ", ".join(told))
    for stop in stops:
        if stop.status is Status.UNRECOGNIZED:
            yield differs("statuses", f"{stop.raw_status!r} is in no document")


def guessed(stops: list[Stop], is_guess: Any) -> Iterator[Finding]:
    """Yield the words of a provider whose meaning was a guess until they were seen."""
    for stop in stops:
        if is_guess(stop.raw_status):
            what = f"{stop.raw_status!r} is in no document; it is taken for {stop.status}"
            yield differs("statuses", what)


def _end(followed: Followed, *, is_promised: bool) -> Finding:
    about = "report by asking"
    if followed.ended is not None:
        return fine(about, f"{followed.stops[-1].status} after {seconds(followed.ended)}")
    late = f"not within {seconds(followed.within)}"
    if followed.by_id is None:
        return untold(about, "not offered")
    if followed.is_interrupted or not is_promised:
        return untold(about, late if is_promised else f"{late}; the documents promise none")
    return differs(about, late)


def _heard(followed: Followed) -> Finding:
    about = "report by webhook"
    if followed.heard is not None:
        places = f", our reference in {', '.join(followed.heard_places)}"
        told = places if followed.heard_places else ""
        return fine(about, f"kept in the ledger after {seconds(followed.heard)}{told}")
    if not followed.awaits:
        return untold(about, "nobody listens: that takes a ledger and a public_url")
    late = f"not within {seconds(followed.within)}"
    return untold(about, f"{late}; is `polysms serve` running, and reachable at public_url?")


def _segments(delivery: Delivery) -> Finding:
    predicted, billed = delivery.segments_predicted, delivery.segments_billed
    if billed is None:
        return untold("segments", f"{predicted} predicted, none told")
    text = f"{predicted} predicted, {billed} billed"
    return fine("segments", text) if predicted == billed else differs("segments", text)


def accepted(delivery: Delivery) -> Finding:
    """Return how the send itself went."""
    taken = [one for one in delivery.attempts if one.outcome is Outcome.ACCEPTED]
    took = [one.seconds for one in taken if one.seconds is not None]
    return fine("send", f"taken in {seconds(took[-1])}" if took else "taken")


def unclear(sentence: str) -> Finding:
    """Return the finding of a send whose answer does not tell whether it was taken."""
    return differs("send", f"{sentence} It is not sent again.")


def not_sent(sentence: str) -> Finding:
    """Return the finding of a send that surely did not happen."""
    return differs("send", f"surely not sent: {sentence}")


def resolved(after: Delivery | None, took: float, error: str | None) -> Finding:
    """Return what looking for an unclear send has brought."""
    about = "found again"
    if error is not None:
        return untold(about, error)
    if after is None or after.status is Status.MAYBE_SENT:
        return untold(about, f"not within {seconds(took)}: it may have been sent all the same")
    if after.status is Status.NOT_SENT:
        return fine(about, f"after {seconds(took)} it is proved that it was not taken")
    return fine(about, f"after {seconds(took)}: it was taken")
