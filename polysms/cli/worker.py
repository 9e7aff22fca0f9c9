"""``polysms worker``: it sends what waits in the outbox, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from polysms import AsyncClient
from polysms.cli.failure import DONE, MAYBE_SENT, reported, tell
from polysms.cli.listening import Listen, receiver_of
from polysms.cli.options import File, Json, Url, configured
from polysms.cli.output import Output
from polysms.config import Config
from polysms.server import Receiver
from polysms.worker import Worker

Concurrency = Annotated[
    int, typer.Option(min=1, max=10_000, metavar="N", help="Messages at once, at most.")
]
Drain = Annotated[bool, typer.Option("--drain", help="End when nothing is to be sent now.")]


@reported
def worker(  # noqa: PLR0913 - one argument for each option
    *,
    concurrency: Concurrency = 100,
    drain: Drain = False,
    listen: Listen = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Send what waits in the outbox, and look for what became of it.

    As many as you like may run, on several machines. Ctrl-C or SIGTERM ends
    it within ten seconds; no message is lost or sent twice by that. With
    --listen it also tells your functions what another process heard and did
    not live to tell. Exit codes: 0 it ended as it should; 2 wrong usage or
    configuration.
    """
    output = Output(json=json)
    try:
        listening = None if listen is None else receiver_of(listen)
        working = _work(configured(config, url), listening, concurrency, output, drain=drain)
        return asyncio.run(working)
    except KeyboardInterrupt:
        tell(
            "ended at once: what was under way may have been sent, and another worker looks for it"
        )
        return MAYBE_SENT


async def _work(
    accounts: Config,
    receiver: Receiver | None,
    concurrency: int,
    output: Output,
    *,
    drain: bool,
) -> int:
    async with AsyncClient(accounts) as client:
        # Before anything is said: without a ledger that can be read there is nothing to do.
        await client.consult(lambda ledger: ledger.outbox.last_seen())
        working = Worker(client, concurrency=concurrency)
        with _until_told(working):
            _say(output, "started", worker=working.name, concurrency=concurrency, drain=drain)
            async with contextlib.nullcontext() if receiver is None else receiver.running():
                await working.run(drain=drain)
        left = await client.consult(lambda ledger: ledger.outbox.waiting())
        _say(output, "ended", worker=working.name, seen_to=working.sent, left=left)
    return DONE


_SENTENCES = {
    "started": "Sending what waits, {concurrency} at once, until {end}.",
    "ended": "Ended: {seen_to} seen to, {left} still in the outbox.",
}


def _say(output: Output, event: str, **facts: Any) -> None:
    if output.json:
        output.document({"type": event, **facts}, indent=None)
    else:
        end = "nothing is due" if facts.get("drain") else "Ctrl-C"
        output.say(_SENTENCES[event].format(**facts, end=end))


@contextlib.contextmanager
def _until_told(working: Worker) -> Iterator[None]:
    """Stop the worker at the first SIGTERM or Ctrl-C; a second one ends the process as ever."""
    loop = asyncio.get_running_loop()
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, _: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        loop.call_soon_threadsafe(working.stop)

    for one in before:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
