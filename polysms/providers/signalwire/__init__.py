"""SignalWire: https://SPACE.signalwire.com, REST messaging API (Basic: project id and API token).

Sources: the OpenAPI page of ``POST /api/messaging/messages`` (seed 004), the TypeSpec of messages
and logs of 2026-08-21, the error-code, rate-limit and webhook pages. Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import attrs

from polysms.errors import InvalidMessage
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Request, Response
from polysms.providers.limits import check, options_of
from polysms.providers.outcome import accepted
from polysms.providers.signalwire import webhooks
from polysms.providers.signalwire.account import SignalWireSettings
from polysms.providers.signalwire.documented import ANSWER
from polysms.providers.signalwire.logs import Logs
from polysms.providers.signalwire.records import record, refusal
from polysms.providers.signalwire.senders import Senders

__all__ = ("SignalWire", "SignalWireOptions", "SignalWireSettings")

_VARIABLE = re.compile(r"(?!(?i:signalwire_|sw_|rtc_|internal_))[A-Za-z_][A-Za-z0-9_]*")
MOST_VARIABLES = 20
LONGEST_VARIABLE = 1024


def _variables(value: Mapping[str, str]) -> dict[str, str]:
    if len(value) > MOST_VARIABLES:
        raise _wrong(f"has {len(value)} entries; at most {MOST_VARIABLES} are taken")
    for name, text in value.items():
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise _wrong(f"{name!r} is no allowed name: letters, digits, _, no reserved prefix")
        if not isinstance(text, str) or not 0 < len(text.encode()) <= LONGEST_VARIABLE:
            raise _wrong(f"{name!r} must be a text of 1 to {LONGEST_VARIABLE} bytes")
    return dict(value)


def _wrong(sentence: str) -> InvalidMessage:
    return InvalidMessage(f"custom_variables: {sentence}", field="options")


@attrs.frozen(kw_only=True, hash=False)
class SignalWireOptions:
    """What only SignalWire has.

    ``send_as_mms`` makes an MMS of a text without media; ``custom_variables`` come back in the
    status callback (and nowhere else): at most 20 names, values of at most 1,024 bytes.
    """

    send_as_mms: bool | None = None
    custom_variables: Mapping[str, str] = attrs.field(factory=dict, converter=_variables)


@attrs.frozen(kw_only=True, slots=False)
class _Send:
    """``Message.CreateMessageRequest`` of the OpenAPI document (seed 004)."""

    to: str
    sender: str
    body: str | None = None
    media: tuple[str, ...] = ()
    send_as_mms: bool | None = None
    status_callback: str | None = None
    custom_variables: dict[str, str] = attrs.field(factory=dict)


_wire = reading.wire_converter()
reading.wire(_wire, _Send, sender="from")


class SignalWire(Logs, Senders):
    """The SignalWire adapter."""

    name: ClassVar[str] = "signalwire"
    Settings: ClassVar[type] = SignalWireSettings
    Options: ClassVar[type] = SignalWireOptions
    documented: ClassVar[Mapping[str, str]] = ANSWER
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="SignalWire",
        lookup="heuristic",
        # No carrier reports an MMS back: it ends at "sent" (webhooks page).
        reports=frozenset({"sms"}),
        longest_text=1600,
        longest_mms_text=1600,
        most_media=8,
        validity=False,
        tag=False,
        status_callback=True,
        short_numbers=True,
        short_code_senders=True,
        alphanumeric_senders=False,
        plus_senders=True,
        mms_to="any",
        checked="2026-11-21",
        verified="documents",
        sources=("signalwire.com/docs/apis/rest/messages/create-message", "TypeSpec 2026-08-21"),
    )

    def request(self, message: Message, reference: str) -> Request:
        """Return ``POST /api/messaging/messages``. Raises Unsupported for what would be lost."""
        options = options_of(message, self.name, SignalWireOptions)
        check(message, self.capabilities, kind="mms" if options.send_as_mms else None)
        variables = dict(options.custom_variables)
        if message.status_callback and len(variables) < MOST_VARIABLES:
            # They come back in the status callback only, so without one they say nothing.
            variables.setdefault(webhooks.REFERENCE, reference)
        send = _Send(
            to=message.to,
            sender=message.from_ or "",
            body=message.text or None,
            media=message.media,
            send_as_mms=options.send_as_mms,
            status_callback=message.status_callback,
            custom_variables=variables,
        )
        headers = {**self._read, "Content-Type": base.JSON}
        return Request("POST", self._url, headers, reading.dumps(_wire.unstructure(send)))

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        if response.ok:
            return accepted(response, record(data))
        return refusal(response, data)
