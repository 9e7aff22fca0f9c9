"""``polysms check``: what would break, said beforehand, and whether each account is let in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import attrs
import typer
from rich.text import Text

from polysms import numbers, redact
from polysms.cli.checked_choice import of_choice, warnings_of
from polysms.cli.checked_ledger import CheckedLedger, checked_ledger, of_keeping
from polysms.cli.checked_optouts import of_lists
from polysms.cli.checked_senders import cannot_send
from polysms.cli.failure import DONE, exit_code, facts_of, remedy, reported
from polysms.cli.options import File, Json, Reveal, Url, configured
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.client.limits import Limits
from polysms.client.transports import require
from polysms.config import Account, Config, Route, Rule
from polysms.errors import ConfigError, LookupFailed, NotSent, PolysmsError
from polysms.message import Message
from polysms.webhooks.paths import tokens_of

#: Fictional (Ofcom's range for drama), and outside the US and Canada: only the sender is tried.
_ABROAD = "+442079460100"

#: Digits of a number of the US or Canada without its country code.
_NATIONAL = 10
_BARE_VARIABLE = re.compile(r"\$[A-Z_][A-Z0-9_]*")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="ACCOUNT", show_default=False, help="Only these accounts."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no provider.")]


@attrs.frozen(kw_only=True)
class Checked:
    """One account as it stands; ``credentials`` is "good", "refused", "not asked" or "none"."""

    account: Account
    address: str | None
    credentials: str
    warnings: tuple[str, ...] = ()
    error: LookupFailed | ConfigError | None = None

    def to_dict(self, output: Output) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "account": self.account.name,
            "provider": self.account.provider_name,
            "senders": [output.number(sender) for sender in self.account.sender],
            "address": self.address,
            "credentials": self.credentials,
            "warnings": list(self.warnings),
            "error": None if self.error is None else facts_of(self.error),
        }


@reported
def check(  # noqa: PLR0913 - one argument for each option
    *,
    accounts: Names = None,
    offline: Offline = False,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Check the configuration, and by a read-only call the credentials.

    Exit codes: 0 all is well; 2 the configuration is wrong; 3 an account's
    provider gave no answer or did not let us in. Nothing is ever sent.
    """
    whole = configured(config, url)
    output = Output(json=json, reveal=reveal)
    chosen = [whole.account(name) for name in accounts] if accounts else whole.accounts.values()
    with Client(whole) as client:
        asked = None if offline else client
        checked = [_checked(account, asked, whole) for account in chosen]
        ledger = None if accounts else checked_ledger(whole, client)
    errors = [one.error for one in (*checked, ledger) if one is not None and one.error is not None]
    if json:
        output.document(_document(whole, checked, ledger, output, ok=not errors))
    else:
        _show(whole, checked, output)
        _show_ledger(ledger, output)
    # The configuration's own mistakes weigh more than what a provider said.
    return min(map(exit_code, errors), default=DONE)


def _checked(account: Account, client: Client | None, config: Config) -> Checked:
    if account.broken is not None:
        warning = f"cannot be used: {account.broken}"
        return Checked(account=account, address=None, credentials="missing", warnings=(warning,))
    credentials, error = _asked(account, client)
    asked = cannot_send(account, client) if client and credentials == "good" else ()
    kept = (*_of_reports(account, config.public_url), *of_lists(account, config))
    warnings = (*_warnings(account), *kept, *asked)
    return Checked(
        account=account,
        address=_address(account),
        credentials=credentials,
        warnings=warnings,
        error=error,
    )


def _asked(
    account: Account, client: Client | None
) -> tuple[str, LookupFailed | ConfigError | None]:
    if (lacking := _lacking(account)) is not None:
        return "not asked", lacking
    if not hasattr(account.adapter, "check_request"):
        return "none needed", None
    if client is None:
        return "not asked", None
    try:
        client.check(account.name)
    except LookupFailed as error:
        return ("not known" if error.reason is None else "refused"), error
    return "good", None


def _lacking(account: Account) -> ConfigError | None:
    """Return what this machine lacks for the account's requests, None where it is all there."""
    try:
        Limits().prepare(account)
        require(account)
    except ConfigError as error:
        return error
    return None


def _address(account: Account) -> str | None:
    """Return where an account's requests go, None for one whose messages stay in this process."""
    build = getattr(account.adapter, "check_request", None)
    if build is None:
        return None
    parts = urlsplit(build().url)
    return f"{parts.scheme}://{parts.netloc}"


def _warnings(account: Account) -> Iterator[str]:
    if not account.sender:
        yield "has no sender: every message must name one, and none is listed"
    for sender in account.sender:
        yield from _of_sender(account, sender)
    if any(map(_BARE_VARIABLE.fullmatch, account.secrets)):
        yield "a credential is a $ and a name as it stands; a variable is written ${NAME}"
    if not account.local and (_address(account) or "").startswith("http://"):
        yield "does not lead to its provider: nothing it sends reaches a phone"


def _of_reports(account: Account, public_url: str | None) -> Iterator[str]:
    if public_url is not None and not account.local and not tokens_of(account):
        yield "has no webhook_token: its sends ask for no reports at public_url, none is believed"


def _of_sender(account: Account, sender: str) -> Iterator[str]:
    try:
        message = Message(_ABROAD, "x", from_=sender)
        account.adapter.request(message, "check")
    except NotSent as error:
        yield str(error)
        return
    yield from _of_number(account, sender)
    told = tuple(getattr(account.adapter, "warnings", lambda _: ())(message))
    yield from told
    if not told and numbers.is_alphanumeric(sender) and not account.local:
        yield f"sender {sender!r} is a name: nobody can answer it, and US carriers refuse names"


def _of_number(account: Account, sender: str) -> Iterator[str]:
    if account.local or numbers.is_short(sender) or not sender.isdigit():
        return
    shown = redact.mask(sender)
    if len(sender) == _NATIONAL:
        yield f"sender {shown} has no country code; write + and the country code before it"
    elif account.adapter.capabilities.plus_senders:
        yield f"sender {shown} must begin with + and the country code"


def _document(
    config: Config,
    checked: Sequence[Checked],
    ledger: CheckedLedger | None,
    output: Output,
    *,
    ok: bool,
) -> dict[str, Any]:
    return {
        "ok": ok,
        "configuration": config.where,
        "default": config.default,
        "accounts": [one.to_dict(output) for one in checked],
        "ledger": None if ledger is None else ledger.to_dict(),
        "routes": {name: _plain(route, config) for name, route in config.routes.items()},
    }


def _plain(route: Route, config: Config) -> dict[str, Any]:
    hours = None if route.hours is None else str(route.hours)
    return {**attrs.asdict(route), "hours": hours, "warnings": list(warnings_of(route, config))}


def _show(config: Config, checked: Sequence[Checked], output: Output) -> None:
    output.say(f"The configuration in {plainly(config.where)} is well formed.")
    for one in checked:
        _show_account(one, output)
    for name, route in config.routes.items():
        default = " (the default)" if name == config.default else ""
        output.say(Text.assemble("\n", (f"route {plainly(name)}", "bold"), default))
        output.facts(_of_route(route, output))
        _show_trouble(tuple(warnings_of(route, config)), None, output)
    output.facts(_of_rails(config, output))


def _show_account(one: Checked, output: Output) -> None:
    account = one.account
    output.say(Text.assemble("\n", (f"account {plainly(account.name)}", "bold")))
    output.facts(
        [
            ("provider", account.provider_name),
            ("senders", ", ".join(output.number(sender) for sender in account.sender)),
            ("address", one.address),
            ("limits", ", ".join(_limits(account))),
            ("credentials", one.credentials),
        ]
    )
    _show_trouble(one.warnings, one.error, output)


def _show_ledger(ledger: CheckedLedger | None, output: Output) -> None:
    if ledger is not None:
        output.say(Text("\nledger", style="bold"))
        output.facts(ledger.facts())
        _show_trouble([ledger.warning] if ledger.warning else [], ledger.error, output)


def _show_trouble(warnings: Sequence[str], error: PolysmsError | None, output: Output) -> None:
    for warning in warnings:
        output.say(Text(f"  warning: {plainly(warning)}", style="yellow"))
    if error is not None:
        output.say(Text(f"  {plainly(str(error))}", style="red"))
        if (advice := remedy(error)) is not None:
            output.say(f"  {advice}")


def _limits(account: Account) -> Iterator[str]:
    if account.mps is not None:
        yield f"{account.mps:g} segments/s"
    if account.sender_mps is not None:
        yield f"{account.sender_mps:g} segments/s for each sender"
    if account.concurrency is not None:
        yield f"{account.concurrency} requests at once"


def _of_route(route: Route, output: Output) -> Iterator[tuple[str, object]]:
    yield route.strategy, ", then ".join(route.accounts)
    yield from of_choice(route)
    for number, rule in enumerate(route.rules, start=1):
        yield f"rule {number}", _of_rule(rule, output)
    yield "deadline", f"{route.deadline:g} s over all attempts"
    yield "each attempt", route.attempt_timeout and f"{route.attempt_timeout:g} s"
    yield "maybe sent", route.on_maybe_sent
    yield "look-ups", route.resolve_within and f"for {route.resolve_within:g} s"
    yield from of_keeping(route)


def _of_rule(rule: Rule, output: Output) -> str:
    senders = [output.number(one) if one[-1:].isdigit() else one for one in rule.senders]
    wanted = [", ".join(words) for words in (rule.countries, rule.prefixes, rule.kinds, senders)]
    fits = "; ".join(filter(None, wanted)) or "everything"
    return f"{fits}: {', then '.join(rule.accounts)}"


def _of_rails(config: Config, output: Output) -> Iterator[tuple[str, object]]:
    rails = config.rails
    yield "only to", ", ".join(output.number(number) for number in rails.only_to)
    yield "redirected", rails.redirect_to and f"all to {output.number(rails.redirect_to)}"
    yield "countries", ", ".join(rails.countries)
    yield "segments", rails.max_segments and f"at most {rails.max_segments}"
