"""The commands, put together, and wrong usage told in our own words."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from polysms.cli.check import check
from polysms.cli.compare import compare
from polysms.cli.demo import demo
from polysms.cli.doctor import doctor
from polysms.cli.export import export
from polysms.cli.failure import DONE, USAGE, misused, report
from polysms.cli.features import features
from polysms.cli.hints import hint
from polysms.cli.ledger import ledger
from polysms.cli.listing import listed
from polysms.cli.local import sandbox
from polysms.cli.lookup import fetch
from polysms.cli.optouts import optouts
from polysms.cli.output import Output, flush, prepare
from polysms.cli.records import cancel, confirm
from polysms.cli.rehearse import rehearse
from polysms.cli.resolve import resolve
from polysms.cli.send import send
from polysms.cli.senders import senders
from polysms.cli.serve import serve
from polysms.cli.services import balance, identity, lookup, redacted
from polysms.cli.simulate import simulated
from polysms.cli.story import explain, show
from polysms.cli.webhooks import webhooks
from polysms.cli.worker import worker

_EPILOG = "No account yet? Begin with: polysms demo"

app = typer.Typer(
    name="polysms",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_MESSAGES, _ACCOUNTS, _TRYING = "Messages", "Accounts", "Trying it"
_LEDGER = "The ledger and the outbox"
_WEBHOOKS = "What providers post"
app.command("demo", rich_help_panel=_TRYING)(demo)
app.command("send", rich_help_panel=_MESSAGES)(send)
app.command("fetch", rich_help_panel=_MESSAGES)(fetch)
app.command("list", rich_help_panel=_MESSAGES)(listed)
app.command("show", rich_help_panel=_MESSAGES)(show)
app.command("explain", rich_help_panel=_MESSAGES)(explain)
app.command("cancel", rich_help_panel=_MESSAGES)(cancel)
app.command("confirm", rich_help_panel=_MESSAGES)(confirm)
app.command("resolve", rich_help_panel=_MESSAGES)(resolve)
app.command("check", rich_help_panel=_ACCOUNTS)(check)
app.command("doctor", rich_help_panel=_ACCOUNTS)(doctor)
app.command("rehearse", rich_help_panel=_ACCOUNTS)(rehearse)
app.command("providers", rich_help_panel=_ACCOUNTS)(features)
app.command("balance", rich_help_panel=_ACCOUNTS)(balance)
app.command("identity", rich_help_panel=_ACCOUNTS)(identity)
app.command("lookup", rich_help_panel=_ACCOUNTS)(lookup)
app.add_typer(senders, name="senders", rich_help_panel=_ACCOUNTS)
app.command("redact", rich_help_panel=_MESSAGES)(redacted)
app.command("compare", rich_help_panel=_ACCOUNTS)(compare)
app.command("worker", rich_help_panel=_LEDGER)(worker)
app.command("export", rich_help_panel=_LEDGER)(export)
app.add_typer(ledger, name="ledger", rich_help_panel=_LEDGER)
app.command("serve", rich_help_panel=_WEBHOOKS)(serve)
app.add_typer(webhooks, name="webhooks", rich_help_panel=_WEBHOOKS)
app.add_typer(optouts, name="optouts", rich_help_panel=_LEDGER)
app.command("simulate", rich_help_panel=_TRYING)(simulated)
app.command("sandbox", rich_help_panel=_TRYING)(sandbox)


def _version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        Output().say(f"polysms {version('polysms')}")
        raise typer.Exit


@app.callback()
def polysms(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show it and exit."),
    ] = False,
) -> None:
    """Send texts and MMS through Wavix, CarrierX, SignalWire or Twilio.

    Phone numbers are masked unless --reveal is given. Exit codes: 0 done;
    2 wrong usage, configuration or message, nothing was attempted; 3 surely
    not sent, or no answer to a look-up; 4 may have been sent.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing is raised."""
    prepare()
    try:
        code = app(list(arguments) or ["--help"], standalone_mode=False)
    except SystemExit:  # how Rich ends a page of help whose reader has gone
        code = DONE
    except Exception as error:  # noqa: BLE001 - no traceback reaches the user
        names = [str(one.name) for one in app.registered_commands]
        names += [str(one.name) for one in app.registered_groups]
        if misused(error) and (advice := hint(arguments, names)) is not None:
            error.add_note(advice)
        code = report(error, _speaking(arguments))
    flush()
    return (code or DONE) if arguments else USAGE


def _speaking(arguments: Sequence[str]) -> Output:
    given = list(arguments)
    options = given[: given.index("--")] if "--" in given else given
    return Output(json="--json" in options)
