"""``polysms sandbox``: the providers played on this machine, and how commands start them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from polysms.cli.failure import DONE, reported
from polysms.cli.options import WHERE, Json
from polysms.cli.output import Output
from polysms.config.reading import fault
from polysms.errors import ConfigError

_MOMENT = 3600.0

Port = Annotated[int, typer.Option(min=0, max=65_535, metavar="PORT", help="0 takes a free one.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")]
Speed = Annotated[
    float, typer.Option(min=0.01, max=1000, metavar="N", help="How much faster than life.")
]


@reported
def sandbox(
    *, port: Port = 8026, host: Host = "127.0.0.1", speed: Speed = 1.0, json: Json = False
) -> int:
    """Play Wavix, CarrierX, SignalWire and Twilio on this machine, until Ctrl-C.

    Nothing reaches a phone. Any credential is good, unless it contains
    "invalid". The last four digits of a recipient ask for trouble:

    0101  delivered, as any other     0109  accepted, then 500
    0102  undelivered                 0110  accepted, then no answer
    0103  failed                      0111  503, come back later
    0104  expired                     0112  503
    0105  refused: invalid number     0113  accepted, connection closed
    0106  refused: opted out          0114  accepted, HTML
    0107  refused: balance too low    0115  accepted, {}
    0108  429, come back later        0116  accepted, JSON cut in two
    """
    with (
        contextlib.suppress(KeyboardInterrupt),
        started(host=host, port=port, speed=speed) as house,
    ):
        _show(house.url, Output(json=json))
        while True:
            time.sleep(_MOMENT)
    return DONE


@contextlib.contextmanager
def started(*, host: str = "127.0.0.1", port: int, speed: float = 1.0) -> Iterator[Any]:
    """Run the sandbox beside the command, and hand it over: its url, behaviour and store.

    Raises :class:`~polysms.errors.ConfigError` where the extra is missing or the port is taken.
    """
    try:
        from polysms.sandbox import Behaviour, running  # noqa: PLC0415 - an extra may be missing
    except ModuleNotFoundError as error:
        sentence = f"the sandbox needs {error.name}: pip install 'polysms[server]'"
        raise ConfigError(sentence) from error
    with contextlib.ExitStack() as open_:
        try:
            house = open_.enter_context(running(host, port, Behaviour(speed=speed)))
        except OSError as error:
            sentence = f"cannot listen on {host}, port {port}: {error.strerror}"
            raise fault("--port", sentence, WHERE) from error
        yield house


def _show(url: str, output: Output) -> None:
    if output.json:
        output.document({"url": url}, indent=None)
        return
    output.say(f"The sandbox plays Wavix, CarrierX, SignalWire and Twilio on {url} until Ctrl-C.")
    output.say(f"Every account goes there after: export POLYSMS_SANDBOX={url}")
    output.say(f"What the phones got: {url}/_sandbox/messages")
