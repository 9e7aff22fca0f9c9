"""``polysms serve``: it hears what providers post, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any

import typer

from polysms import AsyncClient
from polysms.cli.failure import DONE, reported
from polysms.cli.listening import Listen, receiver_of
from polysms.cli.options import WHERE, File, Json, Url, configured
from polysms.cli.output import Output
from polysms.client.records import MISSING
from polysms.config import Config
from polysms.config.reading import fault
from polysms.errors import ConfigError
from polysms.server import Receiver
from polysms.webhooks import address
from polysms.webhooks.paths import tokens_of

Port = Annotated[int, typer.Option(min=0, max=65_535, metavar="PORT", help="0 takes a free one.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")]
Proxies = Annotated[
    str | None,
    typer.Option(
        "--forwarded-allow-ips",
        metavar="ADDRESSES",
        help="The proxies whose X-Forwarded-For is believed, with commas between them.",
    ),
]


@reported
def serve(  # noqa: PLR0913 - one argument for each option
    *,
    host: Host = "127.0.0.1",
    port: Port = 8027,
    listen: Listen = None,
    forwarded_allow_ips: Proxies = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Hear delivery reports, inbound messages and opt-outs.

    What comes is kept in the ledger before its provider is answered; your
    functions are told after that. Providers must reach this at public_url:
    put a proxy with TLS before it. Ctrl-C or SIGTERM ends it. Exit codes:
    0 it ended as it should; 2 wrong usage or configuration.
    """
    output = Output(json=json)
    serving = _serving()
    if listen is not None and (config or url):
        raise ConfigError("--listen names a receiver, which has a configuration: give no other")
    with contextlib.suppress(KeyboardInterrupt), _bound(serving, host, port) as bound:
        asyncio.run(_serve(serving, bound, listen, (config, url), forwarded_allow_ips, output))
    return DONE


def _serving() -> Any:
    try:
        from polysms.server import serving  # noqa: PLC0415 - an extra may be missing
    except ModuleNotFoundError as error:
        sentence = f"serve needs {error.name}: pip install 'polysms[server]'"
        raise ConfigError(sentence) from None
    return serving


def _bound(serving: Any, host: str, port: int) -> socket.socket:
    try:
        bound: socket.socket = serving.listening(host, port)
    except OSError as error:
        sentence = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise fault("--port", sentence, WHERE) from error
    return bound


async def _serve(  # noqa: PLR0913, PLR0917 - what the options say
    serving: Any,
    bound: socket.socket,
    listen: str | None,
    where: tuple[str | None, str | None],
    proxies: str | None,
    output: Output,
) -> None:
    async with _receiver(listen, where) as receiver:
        # Before anything is said: without a ledger that can be read nothing can be kept.
        await receiver.ready()
        await serving.serve(
            receiver,
            [bound],
            forwarded_allow_ips=proxies,
            ready=_saying(output, receiver.client.config, bound),
        )


@contextlib.asynccontextmanager
async def _receiver(
    listen: str | None, where: tuple[str | None, str | None]
) -> AsyncIterator[Receiver]:
    if listen is not None:
        yield receiver_of(listen)
        return
    accounts = configured(*where)
    if accounts.ledger is None:
        raise ConfigError(f"{MISSING}; or name a receiver with --listen", key="ledger")
    async with AsyncClient(accounts) as client:
        yield Receiver(client)


def addresses(config: Config) -> Mapping[str, str]:
    """Return the address to give to the provider of each account that can hear."""
    return {
        name: address(account, config.public_url or "")
        for name, account in config.accounts.items()
        if account.broken is None and hasattr(account.adapter, "events") and tokens_of(account)
    }


def _saying(output: Output, config: Config, bound: socket.socket) -> Callable[[], None]:
    host, port = bound.getsockname()[:2]
    found = addresses(config)

    def say() -> None:
        if output.json:
            facts = {"type": "started", "host": host, "port": port, "addresses": dict(found)}
            output.document(facts, indent=None)
            return
        for name, url in found.items():
            output.say(f"{name}: {url}")
        output.say(f"Listening on {host}, port {port}, until Ctrl-C.")

    return say
