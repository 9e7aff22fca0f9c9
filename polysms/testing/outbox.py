"""The outbox: what an application sends in a test, and what its providers make of it.

::

    def test_table(polysms_outbox):
        book_a_table(phone="+13135550123")
        polysms_outbox.assert_sent(to="+13135550123", contains="ready")

Without pytest: ``with capture() as outbox:``. Everything but the network is as in production:
adapters build their requests and read well-formed answers of their providers, routes fail over,
the ledger writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from polysms.client import standin
from polysms.delivery import Delivery, Outcome, Status
from polysms.testing.asserting import nothing_as_wanted, sent_as_wanted
from polysms.testing.rules import Rule
from polysms.testing.sent import Sent, Wanted
from polysms.testing.taking import Taking

if TYPE_CHECKING:
    from polysms.server import Receiver
    from polysms.testing.contract.example import Example


class Outbox:
    """What was sent while it stood in the network's place; iterable, and it has a length."""

    def __init__(self, taking: Taking) -> None:
        self._taking = taking

    @property
    def messages(self) -> list[Sent]:
        """What was sent, or may have been, in order."""
        return [one for one in self.tries if one.outcome is not Outcome.NOT_SENT]

    @property
    def tries(self) -> list[Sent]:
        """Every try, in order: also what was refused, and what found no provider."""
        return self._taking.all()

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Sent]:
        return iter(self.messages)

    def __getitem__(self, place: int) -> Sent:
        return self.messages[place]

    def __repr__(self) -> str:
        return f"<Outbox {self.messages!r}>"

    def clear(self) -> None:
        """Forget what was sent, and what :meth:`on` asked for."""
        self._taking.clear()

    # Assertions.

    def assert_sent(  # noqa: PLR0913 - each by name
        self,
        *,
        to: str | None = None,
        contains: str | None = None,
        text: str | None = None,
        from_: str | None = None,
        via: str | None = None,
        key: str | None = None,
        tag: str | None = None,
        count: int | None = None,
    ) -> Sent:
        """Return the first message that was sent and is meant; ``count``: there are so many.

        ``via`` names its account or provider. What may have been sent counts as sent. Raises
        :class:`AssertionError`, which shows what was sent.
        """
        __tracebackhide__ = True
        wanted = Wanted(to=to, contains=contains, text=text, from_=from_, via=via, key=key, tag=tag)
        return sent_as_wanted(self.tries, wanted, count)

    def assert_nothing_sent(self, **wanted: Any) -> None:
        """Raise :class:`AssertionError` where anything was sent, or may have been.

        With the arguments of :meth:`assert_sent`: anything of the kind.
        """
        __tracebackhide__ = True
        nothing_as_wanted(self.tries, Wanted(**wanted))

    # What becomes of messages.

    def on(  # noqa: PLR0913 - each by name
        self,
        *,
        to: str | None = None,
        via: str | None = None,
        contains: str | None = None,
        text: str | None = None,
        from_: str | None = None,
        key: str | None = None,
        tag: str | None = None,
    ) -> Rule:
        """Say what becomes of some messages, or of all, from now on: ``on(...).refuse(...)``.

        The first rule that fits counts; without one a message is taken.
        """
        wanted = Wanted(to=to, contains=contains, text=text, from_=from_, via=via, key=key, tag=tag)
        return Rule(wanted, self._taking.rules.append)

    def settle(
        self,
        delivery: Delivery | Sent,
        status: Status | str,
        *,
        code: str | None = None,
        text: str | None = None,
    ) -> None:
        """Let a message have come to a status at its provider, who tells it only when asked.

        For programs that ``fetch()``, or whose worker looks; :meth:`report` also posts it.
        """
        from polysms.testing.reporting import settled  # noqa: PLC0415 - only where it is used

        settled(self._taking, delivery, status, code, text)

    def report(
        self,
        delivery: Delivery | Sent,
        status: Status | str,
        *,
        code: str | None = None,
        text: str | None = None,
        receiver: Receiver | None = None,
    ) -> Delivery:
        """Let the provider report a status to the program's receiver; return the delivery then.

        The report is signed, posted, verified, parsed and confirmed as in production, and your
        functions are told; what they raise is raised here. ``status`` is a
        :class:`~polysms.Status` or a word of the provider's, ``code`` its error code (Wavix: the
        text). In an event loop use :meth:`areport`.
        """
        from polysms.testing import reporting  # noqa: PLC0415 - only where it is used

        settled = reporting.settled(self._taking, delivery, status, code, text)
        return reporting.reported(self._taking, settled, receiver)

    async def areport(
        self,
        delivery: Delivery | Sent,
        status: Status | str,
        *,
        code: str | None = None,
        text: str | None = None,
        receiver: Receiver | None = None,
    ) -> Delivery:
        """As :meth:`report`, in an event loop."""
        from polysms.testing import reporting  # noqa: PLC0415 - only where it is used

        settled = reporting.settled(self._taking, delivery, status, code, text)
        return await reporting.areported(self._taking, settled, receiver)

    def inbound(  # noqa: PLR0913 - each by name
        self,
        from_: str,
        text: str = "",
        *,
        to: str | None = None,
        media: tuple[str, ...] = (),
        account: str | None = None,
        receiver: Receiver | None = None,
    ) -> None:
        """Let a person write to the program, as a provider posts it: ``inbound(number, "STOP")``.

        ``to`` is the number they write to; left out, the one that wrote to them last, or the
        account's own. In an event loop use :meth:`ainbound`.
        """
        from polysms.testing import writing  # noqa: PLC0415 - only where it is used

        said = writing.Writing(from_=from_, to=to, text=text, media=media, account=account)
        writing.written(self._taking, said, receiver)

    async def ainbound(  # noqa: PLR0913 - each by name
        self,
        from_: str,
        text: str = "",
        *,
        to: str | None = None,
        media: tuple[str, ...] = (),
        account: str | None = None,
        receiver: Receiver | None = None,
    ) -> None:
        """As :meth:`inbound`, in an event loop."""
        from polysms.testing import writing  # noqa: PLC0415 - only where it is used

        said = writing.Writing(from_=from_, to=to, text=text, media=media, account=account)
        await writing.awritten(self._taking, said, receiver)


_current: list[Outbox] = []


@contextmanager
def capture(examples: Mapping[str, Example] | None = None) -> Iterator[Outbox]:
    """Send whatever this process sends with polysms into an outbox, inside the block.

    ``examples`` say how providers answer that polysms does not know, by the ``name`` of their
    adapters. Before and after, every client forgets what it knows of earlier sends: breakers,
    marks, pauses, rates, tokens, and the event loop of an ``AsyncClient``.
    """
    taking = Taking(examples or {})
    outbox = Outbox(taking)
    standin.forget_all()
    standin.put(taking)
    _current.append(outbox)
    try:
        yield outbox
    finally:
        _current.remove(outbox)
        standin.take_away(taking)
        standin.forget_all()


def _one() -> Outbox:
    if not _current:
        raise RuntimeError(
            "there is no outbox here: ask for the fixture `polysms_outbox`, or use capture()"
        )
    return _current[-1]


def assert_sent(outbox: Outbox | None = None, **wanted: Any) -> Sent:
    """As :meth:`Outbox.assert_sent`, of an outbox or of the one that stands there now."""
    __tracebackhide__ = True
    return (_one() if outbox is None else outbox).assert_sent(**wanted)


def assert_nothing_sent(outbox: Outbox | None = None, **wanted: Any) -> None:
    """As :meth:`Outbox.assert_nothing_sent`, of an outbox or of the one that stands there now."""
    __tracebackhide__ = True
    (_one() if outbox is None else outbox).assert_nothing_sent(**wanted)
