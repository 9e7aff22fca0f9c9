"""The one text that ``polysms doctor --send-to`` sends, through the client as any other."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import typer

from polysms.cli.doctor_follow import followed
from polysms.cli.options import WHERE
from polysms.cli.output import Output, plainly
from polysms.cli.send import begun
from polysms.client import Client
from polysms.config import Account, Config
from polysms.config.reading import fault
from polysms.delivery import Delivery, Status
from polysms.doctor import Finding, shape
from polysms.doctor import sent as readings
from polysms.doctor.findings import untold
from polysms.doctor.sent import Followed
from polysms.errors import ConfigError, MaybeSent, NotSent, PolysmsError
from polysms.message import Message

#: Plain letters, one segment: what it shows is not about the text.
TEXT = "polysms doctor: this text shows that texts arrive. Nothing is to be done."


@attrs.frozen(kw_only=True)
class Asked:
    """What is to be sent, by whom, and how long it is followed, in seconds."""

    message: Message
    account: Account
    timeout: float


@attrs.frozen(kw_only=True)
class Sent:
    """What became of it: ``is_unclear`` says that nobody could tell whether it was taken."""

    findings: tuple[Finding, ...]
    delivery: Delivery | None = None
    followed: Followed | None = None
    is_unclear: bool = False


def asked(account: Account, number: str, sender: str | None, timeout: float) -> Asked:
    """Return what is to be sent; raises before anything was asked."""
    if account.local:
        sentence = f"{account.name} ({account.provider_name}) sends nothing to a phone"
        raise fault("--send-to", sentence, WHERE)
    return Asked(message=Message(number, TEXT, from_=sender), account=account, timeout=timeout)


def require_consent(wanted: Asked, output: Output) -> None:
    """Ask whether the text is to be sent. Raises ConfigError where nobody can, or wants it."""
    if sys.stdin is None or not sys.stdin.isatty():
        sentence = "asks before it sends, and there is no terminal to ask on; give --yes"
        raise fault("--send-to", sentence, WHERE)
    to, name = output.number(wanted.message.to), wanted.account.name
    question = f"Send one text to {to} through {plainly(name)}? It is a real one, and costs."
    if not typer.confirm(question, err=True):
        raise ConfigError("nothing was sent: the answer was no")


def sent(config: Config, wanted: Asked, output: Output) -> Sent:
    """Send the text, once, and follow it."""
    taken: list[Delivery] = []

    def keep(delivery: Delivery | None, error: PolysmsError | None) -> None:
        if delivery is not None and error is None:
            taken.append(delivery)

    with begun(), Client(config, after_send=keep) as client:
        try:
            delivery = client.send(wanted.message, via=wanted.account.name)
        except MaybeSent as error:
            return _unclear(client, wanted, error)
        except NotSent as error:
            return Sent(findings=(readings.not_sent(str(error)),), delivery=error.delivery)
        except KeyboardInterrupt:
            # The answer was read all the same: the text is on its way.
            if not taken:
                raise
            return Sent(findings=(readings.accepted(taken[-1]), *_stopped()), delivery=taken[-1])
        if not output.json:
            output.say(f"Sent. It is followed for {wanted.timeout:g} s at most; Ctrl-C ends that.")
        return _taken(client, wanted, delivery)


def _stopped() -> Iterator[Finding]:
    yield untold("following", "was stopped before it began")


def _taken(client: Client, wanted: Asked, delivery: Delivery) -> Sent:
    adapter = wanted.account.adapter
    documented = getattr(adapter, "documented", None)
    notes = followed(client, wanted.account, delivery, wanted.timeout)
    findings = (
        readings.accepted(delivery),
        *shape.findings(documented, delivery.raw),
        *readings.findings(notes, adapter.capabilities, delivery.raw),
        *readings.guessed(notes.stops, getattr(adapter, "is_guess", lambda _: False)),
    )
    return Sent(findings=findings, delivery=notes.delivery, followed=notes)


def _unclear(client: Client, wanted: Asked, error: MaybeSent) -> Sent:
    """Tell an unclear send as such, and look for it. It is never sent again."""
    findings = [readings.unclear(f"{error}.")]
    answer = _body(error)
    if answer is not None:
        documented = getattr(wanted.account.adapter, "documented", None)
        findings += shape.findings(documented, answer)
    delivery = error.delivery
    if delivery is not None:
        found, finding = _sought(client, delivery, wanted.timeout)
        findings.append(finding)
        delivery = found or delivery
    return Sent(findings=tuple(findings), delivery=delivery, is_unclear=True)


def _sought(client: Client, delivery: Delivery, timeout: float) -> tuple[Delivery | None, Finding]:
    began = time.monotonic()
    try:
        found = client.resolve(delivery, within=timeout)
    except PolysmsError as error:
        return None, readings.resolved(None, time.monotonic() - began, str(error))
    except KeyboardInterrupt:
        return None, untold("found again", "the search was stopped")
    return found, readings.resolved(found, time.monotonic() - began, None)


def _body(error: MaybeSent) -> Mapping[str, Any] | None:
    """Return the object that was answered, None where it is none."""
    try:
        data = json.loads(error.body or "")
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def plain(one: Sent) -> dict[str, Any]:
    """Return it as plain data."""
    notes, delivery = one.followed, one.delivery
    return {
        "unclear": one.is_unclear,
        "status": str(delivery.status if delivery else Status.NOT_SENT),
        **{name: getattr(delivery, name, None) for name in ("id", "provider_id", "reference")},
        "segments_predicted": delivery and delivery.segments_predicted,
        "segments_billed": delivery and delivery.segments_billed,
        "price": delivery and delivery.price and str(delivery.price),
        "by_id_after": notes and notes.by_id and notes.by_id.after,
        "by_list_after": notes and notes.by_list and notes.by_list.after,
        "ended_after": notes and notes.ended,
        "heard_after": notes and notes.heard,
        "statuses": [attrs.asdict(stop) for stop in notes.stops] if notes else [],
    }
