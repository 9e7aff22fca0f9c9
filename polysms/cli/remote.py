"""A provider's own list, as commands ask for it: its filters, and all of it as a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from polysms.cli import formats
from polysms.cli.options import WHERE
from polysms.cli.output import Output
from polysms.client import Client
from polysms.config.reading import fault
from polysms.delivery import Delivery, Price
from polysms.errors import LookupFailed

PANEL = "A provider's own list"
#: Messages of a page, where a list comes in pages: as many as the provider gives at once.
_PAGE = 1000


def option(*names: str, **facts: Any) -> Any:
    """Return an option of those that are about a provider's own list."""
    return typer.Option(*names, rich_help_panel=PANEL, **facts)


Reference = Annotated[
    str | None, option("--reference", metavar="ID", help="With our reference of one attempt.")
]
Filters = Annotated[
    list[str] | None,
    option("--filter", metavar="NAME=VALUE", help="In the provider's own words; repeatable."),
]
_WORDS, _TIMES, _COUNTS = "words", "time", "count"
#: What an export has of each message, in this order, and of what kind each is.
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("account", "provider_id", "reference", "kind", "direction"), _WORDS),
    **dict.fromkeys(("to", "from", "status", "raw_status", "reason", "error_code"), _WORDS),
    **dict.fromkeys(("mcc", "mnc"), _WORDS),
    "segments": _COUNTS,
    **dict.fromkeys(("price", "price_currency", "fees", "fees_currency"), _WORDS),
    **dict.fromkeys(("created_at", "sent_at", "delivered_at"), _TIMES),
}
#: What it has only where texts are wanted.
TEXTS: Mapping[str, str] = dict.fromkeys(("text", "media", "error_text"), _WORDS)


def filters(given: Sequence[str] | None) -> dict[str, str]:
    """Return filters that are written NAME=VALUE."""
    found = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise fault("--filter", "write it as NAME=VALUE", WHERE)
        found[name] = value
    return found


def exported(  # noqa: PLR0913 - each by name
    client: Client,
    account: str,
    query: Mapping[str, Any],
    output: Output,
    *,
    target: str,
    kind: str,
    texts: bool,
) -> int:
    """Write a provider's own list into a file, while it comes; return how many messages it has.

    Where the list breaks off, what came before is in ``FILE.part``, and LookupFailed is raised.
    """
    write = formats.writer(target, kind, {**COLUMNS, **TEXTS} if texts else COLUMNS)
    broken: list[LookupFailed] = []
    with closing(_messages(client, account, query, broken)) as messages:
        count = write(_row(one, output, texts=texts) for one in messages)
    if broken:
        raise _left(broken[0], target, count)
    return count


def _messages(
    client: Client, account: str, query: Mapping[str, Any], broken: list[LookupFailed]
) -> Generator[Delivery, None, None]:
    """Yield the messages as the provider gives them: in one answer if it can, else in pages."""
    adapter = client.config.account(account).adapter
    found: Iterator[Delivery]
    if hasattr(adapter, "export_request"):
        found = client.export_remote(account, **query)
    else:
        found = client.list_remote(account, **query, page_size=_PAGE)
    try:
        yield from found
    except LookupFailed as error:
        broken.append(error)


def _left(error: LookupFailed, target: str, count: int) -> LookupFailed:
    """Return the error, after what came has got a name that does not look whole."""
    if target == "-":
        return error
    if not count:
        Path(target).unlink()
        return error
    part = Path(f"{target}.part")
    Path(target).rename(part)
    error.args = (f"{error}; what came is in {part}", *error.args[1:])
    return error


def _row(one: Delivery, output: Output, *, texts: bool) -> dict[str, Any]:
    alike = ("account", "provider_id", "reference", "kind", "direction", "raw_status")
    more = ("error_code", "mcc", "mnc", "segments", "created_at", "sent_at", "delivered_at")
    facts = {name: getattr(one, name) for name in (*alike, *more)}
    facts |= {"status": str(one.status), "reason": one.reason and str(one.reason)}
    facts |= {"to": output.number(one.to) or None, "from": output.number(one.from_) or None}
    facts |= {**_money("price", one.price), **_money("fees", one.fees)}
    if texts:
        facts |= {"text": output.words(one.text) or None, "media": " ".join(one.media) or None}
        facts["error_text"] = output.words(one.error_text) or None
    return facts


def _money(name: str, price: Price | None) -> dict[str, str | None]:
    amount, currency = (str(price.amount), price.currency) if price else (None, None)
    return {name: amount, f"{name}_currency": currency}
