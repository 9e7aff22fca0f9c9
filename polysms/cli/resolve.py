"""``polysms resolve``: what became of messages that may have been sent. Never sends anything."""

from __future__ import annotations

from typing import Annotated

import attrs
import typer

from polysms.cli import unclear, unsure
from polysms.cli.failure import DONE, MAYBE_SENT, NOT_SENT, reported, tell
from polysms.cli.options import File, Json, Reveal, Url, configured, seconds
from polysms.cli.output import Output, plainly
from polysms.cli.unclear import Unclear
from polysms.client import Client
from polysms.config import Config
from polysms.config.reading import fault
from polysms.delivery import Delivery, Outcome, Status
from polysms.errors import LookupFailed

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE|ID|KEY",
        show_default=False,
        help='What "polysms send --json" printed, or a file of --results, "-" reads stdin; '
        "or of the ledger an id or key; else all of it.",
    ),
]
Within = Annotated[
    str | None, typer.Option(metavar="TIME", help="Go on looking for each so long, as 2m.")
]


@reported
def resolve(  # noqa: PLR0913 - one argument for each option
    *,
    source: Source = None,
    within: Within = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Find out what became of messages that may have been sent. Sends nothing, ever.

    Exit codes: 0 the providers have them; 2 wrong usage or configuration;
    3 one is proved not to have been sent, so it may be sent again; 4 one is
    still unknown, or was found by likeness alone.
    """
    patience = seconds("--within", within)
    accounts, output = configured(config, url), Output(json=json, reveal=reveal)
    of_ledger = unsure.is_meant(source, accounts)
    given = [] if of_ledger else _read(str(source), accounts)
    try:
        with Client(accounts) as client:
            sought = unsure.sought(client, source) if of_ledger else iter(given)
            codes = [_resolved(client, one, patience, output) for one in sought]
            if not codes:
                tell(f"{source or 'the ledger'}: holds no message that may have been sent")
            return max(codes, default=DONE)
    except KeyboardInterrupt:
        tell("interrupted: what is not told above is still unknown; nothing was sent")
        return MAYBE_SENT


def _read(source: str, accounts: Config) -> list[Unclear]:
    sought = unclear.read(source)
    for one in sought:
        _require_accounts(one.delivery, accounts)
    return sought


def _require_accounts(delivery: Delivery, config: Config) -> None:
    """Raise ConfigError where an account that was asked is another one here, or none."""
    for attempt in delivery.attempts:
        here = config.account(attempt.account).provider_name
        if here != attempt.provider:
            sentence = f"is {here} here, and {attempt.provider} was asked"
            raise fault(f"account {attempt.account}", sentence, config.where)


def _resolved(client: Client, sought: Unclear, within: float | None, output: Output) -> int:
    """Look for one delivery, tell what became of it, and return its exit code."""
    sought = sought if sought.is_kept else unsure.known(client, sought)
    before = sought.delivery
    after, likely = _looked(client, sought, within), None
    if sought.is_kept and (code := unsure.told_unsent(after, output)) is not None:
        return code
    if not sought.is_kept and _by_likeness(before, after):
        after, likely = before, after
    if output.json:
        found = {} if likely is None else {"likely": {name: getattr(likely, name) for name in _ID}}
        row = {} if sought.row is None else {"row": sought.row}
        output.document({**after.to_dict(), **found, **row}, indent=None)
    else:
        output.say(plainly(f"{sought.name}: {_told(after, likely)}"))
    return _CODES.get(after.status, DONE)


_CODES = {Status.MAYBE_SENT: MAYBE_SENT, Status.NOT_SENT: NOT_SENT}
#: What names a message that was found at its provider.
_ID = ("account", "provider_id", "status")


def _looked(client: Client, sought: Unclear, within: float | None) -> Delivery:
    before = sought.delivery
    if sought.is_kept:
        return unsure.looked(client, before, within)
    masked = before.to is None or "*" in before.to
    # A masked number is nobody's; the reference does without it.
    asked = attrs.evolve(before, to=None) if masked else before
    try:
        after = client.resolve(asked, within=within, likely=True)
    except LookupFailed as error:
        tell(f"{sought.name}: {error}")
        after = error.delivery or asked
    if masked and after.status is Status.MAYBE_SENT and "heuristic" in _grades(after):
        tell(
            f"{sought.name}: its number is not here whole, and without it "
            "nothing like it can be found",
            'Give what "polysms send --json --reveal" printed.',
        )
    return attrs.evolve(after, to=before.to) if after.to is None else after


def _grades(delivery: Delivery) -> set[str | None]:
    return {one.lookup for one in delivery.attempts if one.outcome is Outcome.MAYBE_SENT}


def _by_likeness(before: Delivery, after: Delivery) -> bool:
    """Whether likeness is all that speaks for it: this process knows of no other message."""
    if before.status is not Status.MAYBE_SENT or after.status is Status.MAYBE_SENT:
        return False
    pairs = zip(before.attempts, after.attempts, strict=True)
    settled = [new for old, new in pairs if new.outcome is not old.outcome]
    return bool(settled) and all(one.lookup == "heuristic" for one in settled)


def _told(delivery: Delivery, likely: Delivery | None) -> str:
    if likely is not None:
        return (
            f"still unknown; {likely.account} has one like it, "
            f"{likely.provider_id} ({likely.status}), which may be another of yours"
        )
    if delivery.status is Status.MAYBE_SENT:
        return "still unknown; do not send it again by reflex"
    if delivery.status in _CODES:
        return "surely not sent; it may be sent again"
    has = f"{delivery.account} has it as {delivery.provider_id}"
    return f"{delivery.status}, {has}"
