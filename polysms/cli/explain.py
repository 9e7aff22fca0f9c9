"""``polysms send --explain`` and ``--dry-run``: what happened and why, and what would happen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from polysms.cli.failure import DONE, NOT_SENT, exit_code, facts_of, report
from polysms.cli.output import Output, plainly
from polysms.client.core import told
from polysms.delivery import Delivery
from polysms.providers.base import Request
from polysms.routing.preview import Previewed

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


def previewed(seen: Sequence[Previewed], output: Output) -> int:
    """Print what a send would do; return 0 if any account could take the message, else 3."""
    if output.json:
        output.document({"sent": False, "route": [_plain(one) for one in seen]})
    else:
        output.say("Nothing is sent. The accounts would be asked in this order, each only if the")
        output.say("one before surely does not have the message:")
        for place, one in enumerate(seen, start=1):
            for line in _lines(place, one):
                output.say(line)
    return DONE if any(one.request is not None for one in seen) else NOT_SENT


def _plain(one: Previewed) -> dict[str, Any]:
    attempt, request = one.attempt, one.request
    return {
        "account": one.account.name,
        "provider": one.account.provider_name,
        "why": one.why or None,
        "error": None if one.error is None else str(one.error),
        "warnings": list(attempt.warnings) if attempt else [],
        "unsupported": list(attempt.unsupported) if attempt else [],
        "request": None
        if request is None
        else {
            "method": request.method,
            "url": one.account.hide(request.url),
            "headers": dict(_headers(request)),
            "body": _body(one, request),
        },
    }


def _lines(place: int, one: Previewed) -> Iterator[str]:
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
    yield plainly(f"   {one.request.method} {one.account.hide(one.request.url)}")
    for name, value in _headers(one.request):
        yield plainly(f"   {name}: {value}")
    for line in json.dumps(_body(one, one.request), indent=2, ensure_ascii=False).splitlines():
        yield plainly(f"   {line}")


def _headers(request: Request) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        if name.lower() == "authorization":
            yield name, f"{value.partition(' ')[0]} ***"
        else:
            yield name, value


def _body(one: Previewed, request: Request) -> object:
    hidden = one.account.hide(request.content.decode(errors="replace"))
    try:
        return json.loads(hidden)
    except ValueError:
        return hidden
