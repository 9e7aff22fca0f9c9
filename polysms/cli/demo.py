"""``polysms demo``: the main job, with no account and no network.

Starts the sandbox, sends a text and an MMS through each provider, and follows each by ``fetch``
until nothing more is to come. The second act is :mod:`polysms.cli.demo_failover`, the third
:mod:`polysms.cli.demo_compare`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from rich.live import Live
from rich.table import Table

from polysms.cli import show
from polysms.cli.demo_compare import Compared, compared, show_compared
from polysms.cli.demo_compare import plain as plain_comparison
from polysms.cli.demo_failover import Act, acts, plain, show_acts
from polysms.cli.failure import DONE, NOT_SENT, reported
from polysms.cli.local import Port, started
from polysms.cli.options import Json, Reveal
from polysms.cli.output import Output, columns
from polysms.client import Client
from polysms.config import Config, Source
from polysms.delivery import Delivery, Status
from polysms.errors import LookupFailed
from polysms.message import Message

#: Seconds after which a message that has not settled never will: the demo says so and fails.
PATIENCE = 12.0
_PAUSE = 0.15
_SENDER = "+13135550100"
_RECIPIENT = "+1313555012"
_PICTURE = "https://example.com/table.png"
_ACCOUNTS: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "demo", "sender": _SENDER},
    "carrierx": {"token": "demo", "sender": _SENDER},
    "signalwire": {
        "space": "demo",
        "project_id": "demo",
        "api_token": "demo",
        "sender": _SENDER,
    },
}


@attrs.frozen(kw_only=True)
class Sent:
    """One message of the demo: ``expected`` is where it should settle, ``seconds`` when it did."""

    delivery: Delivery
    expected: Status
    began: float
    seconds: float | None = None

    @property
    def well(self) -> bool:
        """Whether it settled where it should."""
        return self.seconds is not None and self.delivery.status is self.expected


@reported
def demo(*, port: Port = 0, json: Json = False, reveal: Reveal = False) -> int:
    """Send through each provider's sandbox, through a route in trouble, then compare two.

    Needs no account and no network; writes polysms-compare.html here.
    Exit codes: 0 every text went as it should, 3 not.
    """
    output = Output(json=json, reveal=reveal)
    with started(port=port) as house:
        config = Config.from_mapping({"accounts": _ACCOUNTS}, Source("the demo"), house.url)
        with Client(config) as client:
            sent = _watched(client, output)
        if not output.json:
            _show(sent, output)
        played = acts(_ACCOUNTS, house)
    if not output.json:
        show_acts(played, output)
    act = compared()
    if output.json:
        output.document(_document(sent, played, act))
    else:
        show_compared(act, output)
    return DONE if _all_well(sent, played, act) else NOT_SENT


def _watched(client: Client, output: Output) -> list[Sent]:
    """Return the messages as they settled, showing them live where someone watches."""
    if output.json or not output.terminal.is_terminal:
        return _followed(client, _all_sent(client), lambda _: None)
    with Live(console=output.terminal, transient=True, auto_refresh=False) as live:
        return _followed(
            client, _all_sent(client), lambda sent: live.update(_table(sent), refresh=True)
        )


def _all_sent(client: Client) -> list[Sent]:
    wanted = [(account, media) for account in _ACCOUNTS for media in ((), (_PICTURE,))]
    return [
        _one_sent(client, account, Message(f"{_RECIPIENT}{n}", "Your table is ready", media=media))
        for n, (account, media) in enumerate(wanted)
    ]


def _one_sent(client: Client, account: str, message: Message) -> Sent:
    reports = client.config.account(account).adapter.capabilities.reports
    expected = Status.DELIVERED if message.kind in reports else Status.SENT
    began = time.monotonic()
    delivery = client.send(message, via=account)
    return Sent(delivery=delivery, expected=expected, began=began)


def _followed(
    client: Client, sent: list[Sent], seen: Callable[[Sequence[Sent]], None]
) -> list[Sent]:
    until = time.monotonic() + PATIENCE
    seen(sent)
    while time.monotonic() < until and any(one.seconds is None for one in sent):
        time.sleep(_PAUSE)
        sent = [one if one.seconds is not None else _fetched(client, one) for one in sent]
        seen(sent)
    return sent


def _fetched(client: Client, one: Sent) -> Sent:
    try:
        delivery = client.fetch(one.delivery)
    except LookupFailed:
        return one
    settled = delivery.final or delivery.status is one.expected
    seconds = time.monotonic() - one.began if settled else None
    return attrs.evolve(one, delivery=delivery, seconds=seconds)


def _all_well(sent: Sequence[Sent], played: Sequence[Act], act: Compared | None) -> bool:
    every = (*sent, *played, *(() if act is None else (act,)))
    return all(one.well for one in every)


def _document(sent: Sequence[Sent], played: Sequence[Act], act: Compared | None) -> dict[str, Any]:
    return {
        "ok": _all_well(sent, played, act),
        "messages": [_plain(one) for one in sent],
        "failover": [plain(one) for one in played],
        "comparison": None if act is None else plain_comparison(act),
    }


def _show(sent: Sequence[Sent], output: Output) -> None:
    output.table(_table(sent))
    output.say("")
    output.say("SignalWire's MMS ends at SENT: no carrier reports an MMS back to SignalWire.")
    if not all(one.well for one in sent):
        output.say(f"Not every message settled as it should within {PATIENCE:g} s.")


def _plain(one: Sent) -> dict[str, Any]:
    return {
        **one.delivery.to_dict(),
        "expected": one.expected,
        "settled": one.well,
        "seconds": one.seconds and round(one.seconds, 2),
    }


def _table(sent: Sequence[Sent]) -> Table:
    right = ("segments", "price", "time")
    table = columns("provider", "kind", "id", "segments", "price", "status", "time", right=right)
    for one in sent:
        delivery = one.delivery
        table.add_row(
            delivery.provider,
            delivery.kind,
            show.short_id(delivery.provider_id),
            str(delivery.segments or ""),
            str(delivery.price or ""),
            show.status(delivery.status),
            "" if one.seconds is None else f"{one.seconds:.1f} s",
        )
    return table
