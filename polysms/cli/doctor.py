"""``polysms doctor``: a live account, measured, and what differs from its provider's documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import attrs
import typer
from rich.table import Table
from rich.text import Text

from polysms.cli import doctor_reads, doctor_send
from polysms.cli.doctor_send import Asked, Sent
from polysms.cli.failure import DONE, MAYBE_SENT, NOT_SENT, reported
from polysms.cli.options import WHERE, File, Json, Reveal, Url, configured, seconds
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.config import Account, Config
from polysms.config.reading import fault
from polysms.doctor import Finding, Grade, worst

#: Seconds that a text is followed.
_TIMEOUT = 60.0

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="ACCOUNT", show_default=False, help="Only these accounts."),
]
SendTo = Annotated[
    str | None,
    typer.Option("--send-to", metavar="NUMBER", help="Send one text to this number of your own."),
]
Sender = Annotated[
    str | None, typer.Option("--from", metavar="SENDER", help="The text's sender, or @name.")
]
Timeout = Annotated[
    str | None,
    typer.Option("--timeout", metavar="TIME", help="Follow the text so long, as 5m; else 60s."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Send it without asking.")]


@attrs.frozen(kw_only=True)
class Examined:
    """One account, and what was found."""

    account: Account
    findings: tuple[Finding, ...]
    sent: Sent | None = None

    @property
    def address(self) -> str | None:
        """Where its requests go, None where that cannot be told."""
        if self.account.broken is not None:
            return None
        build = getattr(self.account.adapter, "check_request", None)
        parts = None if build is None else urlsplit(build().url)
        return None if parts is None else f"{parts.scheme}://{parts.netloc}"

    @property
    def all(self) -> tuple[Finding, ...]:
        """What was found, in order."""
        return self.findings + (() if self.sent is None else self.sent.findings)

    @property
    def code(self) -> int:
        """The exit code that it stands for."""
        if self.sent is not None and self.sent.is_unclear:
            return MAYBE_SENT
        return NOT_SENT if worst(self.all) is Grade.DIFFERS else DONE


@reported
def doctor(  # noqa: PLR0913 - one argument for each option
    *,
    accounts: Names = None,
    send_to: SendTo = None,
    from_: Sender = None,
    timeout: Timeout = None,
    yes: Yes = False,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Measure live accounts, and tell what differs from their providers' documents.

    Sends nothing, unless --send-to names a number of yours: then one text,
    once, after asking. Exit codes: 0 all is as documented, or could not be
    told; 2 wrong usage or configuration; 3 something differs, or the text
    was surely not sent; 4 it may have been sent.
    """
    whole, output = configured(config, url), Output(json=json, reveal=reveal)
    chosen = [whole.account(name) for name in accounts] if accounts else _all(whole)
    wanted = _asked(chosen, send_to, from_, seconds("--timeout", timeout))
    if wanted is not None and not yes:
        doctor_send.require_consent(wanted, output)
    examined = [_examined(whole, account, wanted, output) for account in chosen]
    code = max((one.code for one in examined), default=DONE)
    if json:
        output.document(_document(examined, code))
    else:
        _show(examined, output)
    return code


def _all(config: Config) -> list[Account]:
    return list(config.accounts.values())


def _asked(
    chosen: Sequence[Account], number: str | None, sender: str | None, timeout: float | None
) -> Asked | None:
    if number is None:
        for name, value in (("--from", sender), ("--timeout", timeout)):
            if value is not None:
                raise fault(name, "is for the text of --send-to", WHERE)
        return None
    if len(chosen) != 1:
        names = ", ".join(account.name for account in chosen)
        raise fault("--send-to", f"sends one text: name one account of {names}", WHERE)
    return doctor_send.asked(chosen[0], number, sender, timeout or _TIMEOUT)


def _examined(config: Config, account: Account, wanted: Asked | None, output: Output) -> Examined:
    if account.broken is not None:
        return Examined(account=account, findings=(doctor_reads.broken(account),))
    with Client(config) as client:
        findings = tuple(doctor_reads.findings(client, account))
    is_good = all(one.grade is not Grade.DIFFERS for one in findings if one.about == "credentials")
    sent = doctor_send.sent(config, wanted, output) if wanted is not None and is_good else None
    return Examined(account=account, findings=findings, sent=sent)


def _document(examined: Sequence[Examined], code: int) -> dict[str, Any]:
    return {
        "ok": code == DONE,
        "exit_code": code,
        "accounts": [
            {
                "account": one.account.name,
                "provider": one.account.provider_name,
                "address": one.address,
                "findings": [attrs.asdict(finding) for finding in one.all],
                "sent": None if one.sent is None else doctor_send.plain(one.sent),
            }
            for one in examined
        ],
    }


_COLOURS = {Grade.FINE: "green", Grade.DIFFERS: "red", Grade.UNTOLD: "yellow"}
_REPORT = (
    "What differs is worth telling, whoever is mistaken: send what --json prints to the makers of "
    "polysms. Neither numbers nor credentials are in it."
)


def _show(examined: Sequence[Examined], output: Output) -> None:
    for one in examined:
        name, provider = plainly(one.account.name), plainly(one.account.provider_name)
        address = f" at {plainly(one.address)}" if one.address else ""
        output.say(Text.assemble((f"account {name}", "bold"), f" ({provider}){address}"))
        output.table(_table(one.all))
    differing = [found for one in examined for found in one.all if found.grade is Grade.DIFFERS]
    output.say(f"{len(differing) or 'Nothing'} differs." if len(differing) != 1 else "1 differs.")
    if differing:
        output.say(_REPORT)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        grade = Text(f"  {one.grade}", style=_COLOURS[one.grade])
        table.add_row(grade, Text(plainly(one.about)), Text(plainly(one.text)))
    return table
