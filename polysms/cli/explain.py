"""``polysms send --explain`` and ``--dry-run``: what happened and why, and what would happen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import unquote, unquote_plus

import attrs
import typer

from polysms.cli.failure import DONE, NOT_SENT, exit_code, facts_of, report
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.client.core import told
from polysms.config import Account, Config
from polysms.delivery import Delivery
from polysms.message import Message
from polysms.providers.base import Request
from polysms.redact import HIDDEN
from polysms.routing.preview import Previewed

#: Headers that may carry a credential in a form that the account does not know.
_SECRET = re.compile(r"auth|cookie|password|secret|signature|token|api-?key", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"

Explain = Annotated[
    bool, typer.Option("--explain", help="Tell which accounts were considered, and why.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the route and its requests; send nothing.")
]


def explained(delivery: Delivery, output: Output) -> None:
    """Print the story of a delivery."""
    output.say("")
    for line in delivery.explain().splitlines():
        output.say(plainly(line))


def explained_error(error: BaseException, output: Output) -> int:
    """Tell an error with the story of its delivery; return the exit code."""
    found = told(error)
    delivery = found.delivery if found else None
    if delivery is None:
        return report(error, output)
    if output.json:
        output.document({**facts_of(error), "explained": delivery.explain()})
        return exit_code(error)
    code = report(error, output)
    explained(delivery, output)
    return code


def shown_dry(
    accounts: Config, message: Message, via: str | None, on_maybe_sent: str | None, output: Output
) -> int:
    """Print what a send would do; return 0 if any account could take the message, else 3."""
    with Client(_bent(accounts, via, on_maybe_sent)) as client:
        seen = client.preview(message, via=via)
    if output.json:
        route = [_plain(one, output) for one in seen]
        output.document({"sent": False, "route": route})
    else:
        output.say("Nothing is sent. The accounts would be asked in this order, each only if the")
        output.say("one before surely does not have the message:")
        for place, one in enumerate(seen, start=1):
            for line in _lines(place, one, output):
                output.say(line)
    return DONE if any(one.request is not None for one in seen) else NOT_SENT


def _bent(config: Config, via: str | None, on_maybe_sent: str | None) -> Config:
    """Return the configuration with its route as this call bends it: it changes the requests."""
    name = via or config.default
    if name is None or on_maybe_sent is None or name not in config.routes:
        return config
    route = attrs.evolve(config.routes[name], on_maybe_sent=on_maybe_sent)
    return attrs.evolve(config, routes={**config.routes, name: route})


def _plain(one: Previewed, output: Output) -> dict[str, Any]:
    attempt, request = one.attempt, one.request
    return {
        "account": one.account.name,
        "provider": one.account.provider_name,
        "why": one.why or None,
        "error": None if one.error is None else str(one.error),
        "warnings": list(attempt.warnings) if attempt else [],
        "unsupported": list(attempt.unsupported) if attempt else [],
        "request": None if request is None else _shown(request, _hider(one.account, output)),
    }


def _lines(place: int, one: Previewed, output: Output) -> Iterator[str]:
    why = f": {one.why}" if one.why else ""
    yield ""
    yield plainly(f"{place}. {one.account.name} ({one.account.provider_name}){why}")
    if one.error is not None:
        yield plainly(f"   would be passed over: {one.error}")
    if one.request is None or one.attempt is None:
        return
    for warning in one.attempt.warnings:
        yield plainly(f"   warning: {warning}")
    for name in one.attempt.unsupported:
        yield f"   {one.attempt.provider} has no word for {name}: polysms keeps it itself"
    shown = _shown(one.request, _hider(one.account, output))
    yield plainly(f"   {shown['method']} {shown['url']}")
    for name, value in shown["headers"].items():
        yield plainly(f"   {name}: {value}")
    for line in json.dumps(shown["body"], indent=2, ensure_ascii=False).splitlines():
        yield plainly(f"   {line}")


Hide = Callable[[str], str]


def _hider(account: Account, output: Output) -> Hide:
    """Return what hides the account's secrets in a text, and numbers unless they are wanted."""
    return _without_secrets(account) if output.reveal else account.hide


def _without_secrets(account: Account) -> Hide:
    def hide(text: str) -> str:
        # The longest first: one may be the beginning of another.
        for secret in sorted(filter(None, account.secrets), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    return hide


def _shown(request: Request, hide: Hide) -> dict[str, Any]:
    """Return a request as it may be shown; what is escaped on the wire is read first."""
    return {
        "method": request.method,
        "url": hide(unquote(request.url)),
        "headers": {name: _header(name, value, hide) for name, value in request.headers.items()},
        "body": _body(request, hide),
    }


def _header(name: str, value: str, hide: Hide) -> str:
    if not _SECRET.search(name):
        return hide(value)
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {HIDDEN}" if space and scheme.isalpha() else HIDDEN


def _body(request: Request, hide: Hide) -> object:
    text = request.content.decode(errors="replace")
    try:
        return _hidden(json.loads(text), hide)
    except ValueError:
        kinds = [value for name, value in request.headers.items() if name.lower() == "content-type"]
        form = any(kind.startswith(_FORM) for kind in kinds)
        return hide(unquote_plus(text) if form else text)


def _hidden(data: object, hide: Hide) -> object:
    if isinstance(data, Mapping):
        return {hide(name): _hidden(value, hide) for name, value in data.items()}
    if isinstance(data, list):
        return [_hidden(item, hide) for item in data]
    if isinstance(data, int) and not isinstance(data, bool):
        written = hide(str(data))
        return data if written == str(data) else written
    return hide(data) if isinstance(data, str) else data
