"""The options of ``polysms send`` that are for many messages, beside those for one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args

import attrs
import typer

from polysms.cli.hints import HOW_TO_SEND
from polysms.cli.options import WHERE, Region
from polysms.config.reading import fault

_PANEL = "Many at once"


def _option(*names: str, help: str, **facts: Any) -> Any:  # noqa: A002 - Typer's own word
    return typer.Option(*names, help=help, rich_help_panel=_PANEL, **facts)


@attrs.frozen(kw_only=True)
class Wishes:
    """The options of ``polysms send`` that are for many messages."""

    csv: Annotated[
        str | None, _option("--csv", metavar="FILE", help='Send a message for each row; "-" stdin.')
    ] = None
    template: Annotated[
        str | None,
        _option("--text", metavar="TEXT", help="The text, with {column} for a row's value."),
    ] = None
    to_column: Annotated[
        str, _option("--to-column", metavar="NAME", help="The column of the recipient.")
    ] = "phone"
    key_column: Annotated[
        str | None,
        _option(
            "--key-column",
            metavar="NAME",
            help="Written beside each result; with a ledger, a row is sent once by it.",
        ),
    ] = None
    region: Region = None
    delimiter: Annotated[
        str, _option("--delimiter", metavar="CHARACTER", help="What stands between two fields.")
    ] = ","
    skip_bad: Annotated[
        bool, _option("--skip-bad", help="Send the good rows of a file that has bad ones.")
    ] = False
    rate: Annotated[
        float | None, _option("--rate", metavar="N", help="Messages per second, at most.")
    ] = None
    limit: Annotated[
        int | None, _option("--limit", metavar="N", min=1, help="Send the first N rows only.")
    ] = None
    concurrency: Annotated[
        int, _option("--concurrency", metavar="N", min=1, help="Sends at once, at most.")
    ] = 10
    results: Annotated[
        str | None,
        _option("--results", metavar="FILE", help="A new file for what became of each."),
    ] = None
    resend_maybe_sent: Annotated[
        bool,
        _option(
            "--resend-maybe-sent",
            help="Send rows again that an earlier run may have sent: a second copy is possible.",
        ),
    ] = False
    dry_run: Annotated[
        bool, _option("--dry-run", help="Check every row and show what would be sent.")
    ] = False


def _parameters() -> dict[str, inspect.Parameter]:
    attrs.resolve_types(Wishes, include_extras=True)
    return {
        field.name: inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in attrs.fields(Wishes)
    }


#: What the options for one message are called, of those that every row's message has too.
_COMMON = frozenset(
    {
        *("from_", "media", "via", "valid_for", "tag", "status_callback", "with_smart", "deadline"),
        "region",
        *("on_maybe_sent", "option", "config", "url", "json", "reveal"),
    }
)


class Missing(typer.BadParameter):
    """An option that this use of the command needs is not there; told as Typer tells it."""

    def format_message(self) -> str:
        """Return the sentence alone."""
        return str(self.message)


def joined(
    single: Callable[..., int], many: Callable[[Wishes, Mapping[str, Any]], int]
) -> Callable[..., int]:
    """Return a command that has the options of both; with --csv it is ``many``, else ``single``.

    ``single`` gets the arguments that it names itself, ``many`` all of them beside its wishes.
    """
    own = dict(inspect.signature(single, eval_str=True).parameters)
    recipient = Annotated[str | None, get_args(own["to"].annotation)[1]]
    own["to"] = own["to"].replace(default=None, annotation=recipient)
    more = _parameters()

    @functools.wraps(single)
    def send(**given: Any) -> int:
        if given["csv"] is not None:
            _require_default(given, own.keys() - more.keys() - _COMMON, own, "does not go with")
            return many(Wishes(**{name: given[name] for name in more}), given)
        _require_default(given, more.keys() - own.keys(), more, "is for")
        if given["to"] is None:
            sentence = "Missing option '--to', the recipient (or --csv, a file of them)"
            raise Missing(f"{sentence}: {HOW_TO_SEND}")
        return single(**{name: given[name] for name in own})

    signature = inspect.Signature(list({**more, **own}.values()))
    send.__signature__ = signature  # type: ignore[attr-defined]
    return send


def _require_default(
    given: Mapping[str, Any],
    names: Iterable[str],
    parameters: Mapping[str, inspect.Parameter],
    how: str,
) -> None:
    for name in sorted(names):
        if given[name] != parameters[name].default:
            option = "--text" if name == "template" else f"--{name.replace('_', '-')}"
            instead = f"; the text of one message is the last word: {HOW_TO_SEND}"
            sentence = f"{how} --csv{instead if name == 'template' else ''}"
            raise fault("TEXT" if name == "text" else option, sentence, WHERE)
