"""The demo's second act: the first provider is in trouble, and the phone gets one copy anyway.

It refuses; it takes the message and says nothing; it is unreachable. The sandbox
says what it has taken.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from polysms.cli import show
from polysms.cli.output import Output, columns
from polysms.client import Client
from polysms.config import Config, Route
from polysms.config.build import account_of
from polysms.delivery import Delivery, Status
from polysms.errors import LookupFailed, MaybeSent
from polysms.message import Message

_RECIPIENT = "+1313555014"
#: Seconds the first provider is waited for: short, so that nobody waits long for the demo.
_PATIENCE = 1.0
#: Seconds a look for what became of an unclear message may take: lists lag.
_LOOKING = 6.0
_PAUSE = 0.05
#: How much faster than life the sandbox is in this act.
_SPEED = 10.0
#: What the first provider is told to do, and what that means.
TROUBLE = {
    "refuse": "refuses",
    "hang": "takes it, says nothing",
    "unreachable": "is unreachable",
}
_NOBODY = "unreachable"


@attrs.frozen(kw_only=True)
class Act:
    """One text: what the first provider did to it, what came of it, and its copies."""

    trouble: str
    outcome: str
    delivery: Delivery
    copies: int

    @property
    def well(self) -> bool:
        """Whether the phone got exactly one copy, and the sender knows it."""
        return self.copies == 1 and self.delivery.status is Status.DELIVERED


def acts(tables: dict[str, dict[str, Any]], house: Any) -> list[Act]:
    """Send one text into each trouble, and return what came of it."""
    return [_act(tables, number, trouble, house) for number, trouble in enumerate(TROUBLE)]


def _act(tables: dict[str, dict[str, Any]], number: int, trouble: str, house: Any) -> Act:
    first, second = list(tables)[:2]
    message = Message(f"{_RECIPIENT}{number}", f"Your table is ready ({trouble})")
    alone = trouble == _NOBODY
    hasty = {**tables[first], "timeouts": {"read": _PATIENCE}}
    accounts = {
        first: account_of(first, hasty, sandbox=_nobody() if alone else house.url),
        second: account_of(second, tables[second], sandbox=house.url),
    }
    route = Route(accounts=(first, second), repeats=0)
    _behave(house, first, "ok" if alone else trouble)
    with Client(Config(accounts=accounts, routes={"main": route}, default="main")) as client:
        outcome, delivery = _sent(client, message, lambda: _behave(house, first, "ok"))
        delivery = _settled(client, delivery)
    _behave(house, first, "ok")
    return Act(
        trouble=f"{first} {TROUBLE[trouble]}",
        outcome=outcome,
        delivery=delivery,
        copies=sum(entry.draft.text == message.text for entry in house.store.all()),
    )


def _nobody() -> str:
    """Return an address of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _sent(client: Client, message: Message, heal: Callable[[], None]) -> tuple[str, Delivery]:
    try:
        return "accepted", client.send(message)
    except MaybeSent as error:
        heal()
        found = _resolved(client, error)
    return "maybe sent" if found.status is Status.MAYBE_SENT else "maybe sent, then found", found


def _resolved(client: Client, error: MaybeSent) -> Delivery:
    unclear = error.delivery
    if unclear is None:
        raise error
    try:
        return client.resolve(unclear, within=_LOOKING)
    except LookupFailed:
        return unclear


def _settled(client: Client, delivery: Delivery) -> Delivery:
    until = time.monotonic() + _LOOKING
    while delivery.provider_id and not delivery.final and time.monotonic() < until:
        time.sleep(_PAUSE)
        with contextlib.suppress(LookupFailed):
            delivery = client.fetch(delivery)
    return delivery


def _behave(house: Any, provider: str, mode: str) -> None:
    house.behaviour = attrs.evolve(house.behaviour, modes={provider: mode}, speed=_SPEED)


def plain(act: Act) -> dict[str, Any]:
    """Return an act as plain data."""
    return {
        **act.delivery.to_dict(),
        "trouble": act.trouble,
        "result": act.outcome,
        "copies": act.copies,
        "well": act.well,
    }


def show_acts(played: Sequence[Act], output: Output) -> None:
    """Print the acts."""
    shown = columns("the first provider", "outcome", "went to", "status", "copies")
    for act in played:
        status = show.status(act.delivery.status)
        shown.add_row(act.trouble, act.outcome, act.delivery.account, status, str(act.copies))
    output.say("")
    output.say("A route over two providers, the first in trouble. The phone gets one copy:")
    output.say("")
    output.table(shown)
    output.say("")
    output.say("Refused, unreachable: surely not sent, so the next one was asked. No answer: it")
    output.say("may have been sent, so nobody else was asked; a look-up found it.")
    output.say("The story of a message of yours: polysms send --explain")
