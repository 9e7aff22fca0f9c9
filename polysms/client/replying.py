"""What a client does with a message that came in: it answers it, it fetches what came with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from polysms import numbers
from polysms.config import Config
from polysms.delivery import Delivery, InboundMessage
from polysms.errors import InvalidMessage
from polysms.message import Message

if TYPE_CHECKING:
    from polysms.client.media import Media


def answer(inbound: InboundMessage, text: str, fields: Mapping[str, Any]) -> Message:
    """Return the message that answers another one, from the number that one came to."""
    if not isinstance(inbound, InboundMessage):
        kind = type(inbound).__name__
        raise InvalidMessage(f"reply() takes an InboundMessage, not a {kind}")
    if not inbound.from_ or numbers.is_alphanumeric(inbound.from_):
        sender = f"came from the name {inbound.from_!r}" if inbound.from_ else "names no sender"
        sentence = f"this message {sender}, and only a number can be replied to"
        raise InvalidMessage(sentence, field="to", account=inbound.account)
    return Message(inbound.from_, text, **{"from_": inbound.to, **fields})


class Replying:
    """What the sync client does with a message that came in."""

    config: Config

    if TYPE_CHECKING:

        def send(self, *message: Any, **settings: Any) -> Delivery:
            """As the client's."""

    def reply(  # noqa: PLR0913 - each wish by name
        self,
        inbound: InboundMessage,
        text: str = "",
        *,
        via: str | None = None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
        **fields: Any,
    ) -> Delivery:
        """Answer a message: send from the number it came to, to the one it came from.

        Through the account it came through, unless ``via`` names another. ``via`` and the three
        after it are those of ``send``; ``fields`` are the other fields of
        :class:`~polysms.message.Message`, as ``media``, ``key`` or ``tag``. A reply goes to the
        sender alone, also where a group was written to. Raises what ``send`` raises, and
        :class:`~polysms.errors.InvalidMessage` for a message from a name, as ``Acme``: names are
        for sending only, and nobody can reply to one.
        """
        return self.send(
            answer(inbound, text, fields),
            via=via or inbound.account,
            on_maybe_sent=on_maybe_sent,
            deadline=deadline,
            attempt_timeout=attempt_timeout,
        )

    def media(
        self,
        inbound: InboundMessage,
        index: int = 0,
        *,
        most: int | None = None,
        types: Sequence[str] | None = None,
        within: float | timedelta | None = None,
    ) -> Media:
        """Fetch what came with a message: its picture, or the one at ``index``.

        ``most`` is in bytes (5 MiB), ``types`` are those that are taken, as ``image/*``; it all
        ends ``within`` so many seconds (30). Only https, only hosts of the public internet; the
        provider's credentials go to the provider alone. Raises
        :class:`~polysms.errors.LookupFailed`, whose ``reason`` is "media" for what is not taken,
        and :class:`~polysms.errors.NotFound` for what is not there (any more).
        """
        from polysms.client import media, media_wire  # noqa: PLC0415 - httpcore, when first used

        bounds = media.bounds_of(most, types, within)
        return media_wire.downloaded(*media.begun(self.config, inbound, index, bounds))


class ReplyingAsync:
    """What the async client does with a message that came in."""

    config: Config

    if TYPE_CHECKING:

        async def send(self, *message: Any, **settings: Any) -> Delivery:
            """As the client's."""

    async def reply(  # noqa: PLR0913 - each wish by name
        self,
        inbound: InboundMessage,
        text: str = "",
        *,
        via: str | None = None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
        **fields: Any,
    ) -> Delivery:
        """Answer a message; as :meth:`Client.reply <polysms.client.sync.Client.reply>`."""
        return await self.send(
            answer(inbound, text, fields),
            via=via or inbound.account,
            on_maybe_sent=on_maybe_sent,
            deadline=deadline,
            attempt_timeout=attempt_timeout,
        )

    async def media(
        self,
        inbound: InboundMessage,
        index: int = 0,
        *,
        most: int | None = None,
        types: Sequence[str] | None = None,
        within: float | timedelta | None = None,
    ) -> Media:
        """Fetch what came with a message; as the sync client's ``media``."""
        from polysms.client import media, media_wire  # noqa: PLC0415 - as above

        bounds = media.bounds_of(most, types, within)
        return await media_wire.downloaded_async(*media.begun(self.config, inbound, index, bounds))
