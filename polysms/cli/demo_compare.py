"""The demo's third act: two providers that differ, 400 texts by chance, and what reports show.

One of them loses many and is slow, because the sandbox was asked to make it so. All else is as in
earnest: the real client, a ledger, webhooks, the report, and its page.
"""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from polysms.cli.output import Output, columns, plainly
from polysms.client import Client
from polysms.config import Config, Source
from polysms.message import Message
from polysms.report import Arm, Cell, Contrast, Report
from polysms.report.words import number, percent

#: Where the page is written, in the current folder.
PAGE = "polysms-compare.html"
_TITLE = "Two providers that the sandbox plays (polysms demo)"
#: Neither bears a provider's name: how they fare is our invention.
BETTER, WORSE = "steady", "flaky"
_LOSSES = {"wavix": 0.03, "signalwire": 0.30}
_SLOWNESS = {"signalwire": 2.0}
_KEY = "PSKdemo0000000000000"
_STEADY = {
    "provider": "wavix",
    "api_key": "demo",
    "sender": "+13135550100",
    # Its reports are not signed. These come from this very process: nobody is asked after them.
    "webhook_token": "nobody-else-hears-this-demo",
    "verify_reports": "trust",
}
_FLAKY = {
    "provider": "signalwire",
    "space": "demo",
    "project_id": "11111111-1111-4111-8111-111111111111",
    "api_token": "demo",
    "sender": "+13135550101",
    "signing_key": _KEY,
}
_SPEED = 10.0
_SEED, _DRAW = 1, "polysms"
_ROUTE = "main"
#: Numbers that nobody has; none of them asks the sandbox for trouble.
_AREAS = ("212", "313", "415", "617", "713")
_LAST = range(120, 200)
_AT_ONCE = 10
#: Seconds in which every text must have ended; the slow one takes half a second.
_PATIENCE = 20.0
_PAUSE = 0.1
_HOST = "127.0.0.1"


@attrs.frozen(kw_only=True)
class Compared:
    """What the third act came to; ``page`` is None where it could not be written."""

    report: Report
    page: str | None
    seconds: float

    @property
    def well(self) -> bool:
        """Whether every text ended, and the report names the one that is better."""
        counts = [arm.counts for arm in self.report.arms]
        ended = sum(one.delivered + one.undelivered for one in counts)
        return ended == texts() and self.better == BETTER

    @property
    def shown(self) -> Contrast | None:
        """The difference, where one is shown."""
        found = [pair.delivered for pair in self.report.pairs]
        return next((one for one in found if one is not None and one.shown), None)

    @property
    def better(self) -> str | None:
        """The account that is shown to deliver more."""
        if self.shown is None:
            return None
        pair = self.report.pairs[0]
        return pair.first if self.shown.difference > 0 else pair.second


def texts() -> int:
    """Return how many texts the act sends."""
    return len(_AREAS) * len(_LAST)


def compared() -> Compared | None:
    """Play the act and write its page; None where the ledger's packages are not installed."""
    if importlib.util.find_spec("sqlalchemy") is None:
        return None
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _playing(Path(folder)) as client:
        for _ in client.send_many(_messages(), concurrency=_AT_ONCE):
            pass  # what went wrong with a send is in the report
        report = _settled(client)
    return Compared(report=report, page=_written(report), seconds=time.monotonic() - began)


def _messages() -> Iterator[Message]:
    # By its key chance decides for a message, so that every run gives out the same.
    for area in _AREAS:
        for last in _LAST:
            yield Message(f"+1{area}5550{last}", "Your code is 4711", key=f"demo-{area}-{last}")


@contextlib.contextmanager
def _playing(folder: Path) -> Iterator[Client]:
    """Yield a client of two accounts at a sandbox, beside a receiver that hears their reports."""
    from polysms.sandbox import Behaviour, running  # noqa: PLC0415 - an extra may be missing
    from polysms.server import Receiver, serving  # noqa: PLC0415 - as above
    from polysms.webhooks import address  # noqa: PLC0415 - as above

    behaviour = Behaviour(
        speed=_SPEED, seed=_SEED, losses=_LOSSES, slowness=_SLOWNESS, signing_key=_KEY
    )
    with running(behaviour=behaviour) as house, serving.listening(_HOST, 0) as listening:
        public_url = f"http://{_HOST}:{listening.getsockname()[1]}"
        config = Config.from_mapping(_tables(folder, public_url), Source("the demo"), house.url)
        told = {"wavix": address(config.account(BETTER), public_url)}
        house.behaviour = attrs.evolve(behaviour, callback_urls=told)
        with Client(config) as client, serving.beside(Receiver(client), [listening]):
            yield client


def _tables(folder: Path, public_url: str) -> dict[str, Any]:
    return {
        "public_url": public_url,
        "ledger": f"sqlite:///{folder / 'demo.db'}",
        "accounts": {BETTER: _STEADY, WORSE: _FLAKY},
        "routes": {_ROUTE: {"accounts": [BETTER, WORSE], "strategy": "experiment", "seed": _DRAW}},
        "default": _ROUTE,
    }


def _settled(client: Client) -> Report:
    """Return the comparison once every text has ended, or it was waited for long enough."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and not _has_ended(client.ledger.cells(_ROUTE)):
        time.sleep(_PAUSE)
    return client.compare(_ROUTE)


def _has_ended(cells: Sequence[Cell]) -> bool:
    """Whether nothing is pending, and what is lost has been followed longer than any delay."""
    counts = [cell.counts for cell in cells]
    slowest = max((delay.seconds for one in counts for delay in one.delays), default=0.0)
    youngest = min((age.seconds for one in counts for age in one.ages), default=0.0)
    return not any(one.pending for one in counts) and youngest > slowest


def _written(report: Report) -> str | None:
    from polysms.report.page import page  # noqa: PLC0415 - loaded when used

    try:
        Path(PAGE).write_text(page(report, title=_TITLE), encoding="utf-8")
    except OSError:
        return None
    return PAGE


def plain(act: Compared) -> Mapping[str, Any]:
    """Return the act as plain data."""
    return {
        "well": act.well,
        "better": act.better,
        "page": act.page,
        "seconds": round(act.seconds, 2),
        "report": act.report.to_dict(),
    }


def show_compared(act: Compared | None, output: Output) -> None:
    """Print the act."""
    output.say("")
    if act is None:
        output.say("The third act compares providers, and needs: pip install 'polysms[ledger]'")
        return
    output.say(f"An experiment: {texts()} texts, given by chance to two providers that the sandbox")
    output.say(f"plays, {_SPEED:g} times as fast as life; one loses 3 of 100, the other 30:")
    output.say("")
    shown = columns(*_COLUMNS, right=_COLUMNS[1:])
    for arm in act.report.arms:
        shown.add_row(*_row(arm))
    output.table(shown)
    output.say("")
    output.say(_found(act))
    if act.page is not None:
        output.say(f"The whole report, as a page: {act.page}")
    output.say("What would yours take? polysms simulate --example")


_COLUMNS = ("account", "given", "delivered", "share", "interval", "half of all within")


def _row(arm: Arm) -> tuple[str, ...]:
    counts, found = arm.counts, arm.delivered
    half = arm.times[0].seconds
    return (
        plainly(arm.account),
        number(counts.assigned),
        number(counts.delivered),
        "" if found is None else percent(found.share),
        "" if found is None else f"{100 * found.low:.1f} to {100 * found.high:.1f}",
        "never" if half is None else f"{half:.2f} s",
    )


def _found(act: Compared) -> str:
    found = act.shown
    if found is None or not act.well:
        return "The comparison did not come out as it should."
    low, high = sorted((abs(found.low), abs(found.high)))
    return (
        f"Shown: {act.better} delivers {100 * abs(found.difference):.0f} points more "
        f"({100 * low:.0f} to {100 * high:.0f})."
    )
