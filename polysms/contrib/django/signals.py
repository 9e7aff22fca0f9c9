"""What is heard, as Django's signals.

Their receivers may be told twice of one event (``event_id``): an exception that one of them raises
lets all of them be told again later.
"""

from __future__ import annotations

from typing import Any

from django.db import close_old_connections
from django.dispatch import Signal

from polysms import DeliveryReport, InboundMessage
from polysms.server import OptOut, Receiver

#: Sent with ``report``, a :class:`~polysms.DeliveryReport`.
report_received = Signal()
#: Sent with ``message``, an :class:`~polysms.InboundMessage`.
message_received = Signal()
#: Sent with ``opt_out``, a :class:`~polysms.server.OptOut`.
opt_out_received = Signal()


def signals(receiver: Receiver) -> Receiver:
    """Let a receiver send the signals; return it. The ``receiver`` of this package does so."""

    @receiver.on_report
    def send_report(report: DeliveryReport) -> None:
        _send(report_received, report, report=report)

    @receiver.on_inbound
    def send_message(message: InboundMessage) -> None:
        _send(message_received, message, message=message)

    @receiver.on_opt_out
    def send_opt_out(opt_out: OptOut) -> None:
        _send(opt_out_received, opt_out, opt_out=opt_out)

    return receiver


def _send(signal: Signal, event: object, **facts: Any) -> None:
    # This may be a thread of ours, which no request of Django's begins and ends.
    close_old_connections()
    # Everybody, whether or not another has failed.
    for _, answer in signal.send_robust(type(event), **facts):
        if isinstance(answer, Exception):
            raise answer
