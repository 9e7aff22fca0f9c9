"""What goes wrong, told: one sentence, its remedy, and an exit code that says what may have left.

=====  =================================================================================
code   meaning
=====  =================================================================================
0      done
2      usage, configuration, or a message wrong in itself: nothing was attempted
3      surely not sent; or a fetch, list or check without an answer (nothing was sent by it)
4      may have been sent: sending it again may send it twice
=====  =================================================================================
"""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import Callable
from typing import Any

from rich.text import Text

from polysms import redact
from polysms.cli.output import Output, Terminal, plainly
from polysms.client.core import told
from polysms.errors import (
    ConfigError,
    InvalidMessage,
    LookupFailed,
    MaybeSent,
    NotSent,
    PolysmsError,
    RateLimited,
    Reason,
    Unreachable,
    Unsupported,
)
from polysms.numbers import IN_CODE

DONE, USAGE, NOT_SENT, MAYBE_SENT = 0, 2, 3, 4
_DEBUG = "POLYSMS_DEBUG"


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error, or for the interrupt that an error of a send caused."""
    error = told(error) or error
    if isinstance(error, MaybeSent):
        return MAYBE_SENT
    if isinstance(error, (ConfigError, InvalidMessage)):
        return USAGE
    return NOT_SENT if isinstance(error, (PolysmsError, KeyboardInterrupt)) else USAGE


def reported(command: Callable[..., int]) -> Callable[..., int]:
    """Return a command whose errors are told to the user; it returns the exit code in any case."""

    @functools.wraps(command)
    def run(**arguments: Any) -> int:
        try:
            return command(**arguments)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback reaches the user
            speaking = {name: arguments.get(name, False) for name in ("json", "reveal")}
            return report(error, Output(**speaking))

    return run


def report(error: BaseException, output: Output) -> int:
    """Tell an error to the user and return the exit code."""
    if _unexpected(error) and os.environ.get(_DEBUG) == "1":
        traceback.print_exception(error)
    if output.json:
        output.document(facts_of(error))
    if not output.json or _unexpected(error):
        # A bug, or a stdout that takes nothing, is told on stderr in any case.
        tell(_sentence(error), remedy(error))
    return exit_code(error)


def tell(sentence: str, advice: str | None = None) -> None:
    """Print what happened, and below it the remedy, on stderr."""
    terminal = Terminal(stderr=True)
    terminal.say(Text(plainly(sentence), style="red"))
    if advice:
        terminal.say(Text(plainly(advice)))


def facts_of(error: BaseException) -> dict[str, Any]:
    """Return an error as a JSON object; what is not known is null."""
    found = told(error)
    delivery = found.delivery if found else None
    return {
        "type": "UsageError" if misused(error) else type(found or error).__name__,
        "message": _sentence(error),
        "remedy": remedy(error),
        **{
            name: getattr(found, name, None)
            for name in ("reason", "fault", "retry_later", "account", "status_code", "code")
        },
        "delivery": None if delivery is None else delivery.to_dict(),
        "exit_code": exit_code(error),
    }


def misused(error: BaseException) -> bool:
    """Return whether it is one of Typer's errors; they have moved, so only their shape is known."""
    return hasattr(error, "format_message")


def _unexpected(error: BaseException) -> bool:
    cause = error.__cause__ if isinstance(error, MaybeSent) else error
    known = isinstance(cause, PolysmsError) or (cause is not None and misused(cause))
    return isinstance(cause, Exception) and not known


def _sentence(error: BaseException) -> str:
    found = told(error)
    if found is not None:
        return in_shell(str(found))
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; nothing was sent"
    if (misuse := getattr(error, "format_message", None)) is not None:
        return redact.scrub(misuse())
    return f"polysms failed unexpectedly ({name_of(error)}); nothing was sent"


def in_shell(sentence: str) -> str:
    """Return a sentence whose advice is for the command and not for a program."""
    return sentence.replace(IN_CODE, "or say where it is written, as --region US")


def name_of(error: BaseException) -> str:
    """Return what an exception is, without its words: they may hold a URL, a number or a text."""
    system = error.strerror if isinstance(error, OSError) else None
    return system or type(error).__name__


def remedy(error: BaseException) -> str | None:
    """Return what can be done about an error, in a sentence; None where nothing better is known."""
    if (found := told(error)) is None:
        return _of_a_stranger(error)
    account = found.account or (found.delivery and found.delivery.account) or "ACCOUNT"
    if isinstance(found, MaybeSent):
        return (
            "Look for it before you send it again: polysms resolve (with what --json prints), or "
            f"polysms list --remote {account} --since 1h"
        )
    if isinstance(found, ConfigError) and "there is no configuration" in str(found):
        return "No account yet? See it work without one: polysms demo"
    if found.reason is Reason.PERMISSION and found.status_code in _MISDIRECTED:
        return _ADDRESS.format(account=account)
    if found.reason in _BY_REASON:
        return _BY_REASON[found.reason].format(account=account)
    return _by_kind(found)


def _of_a_stranger(error: BaseException) -> str | None:
    if misused(error):
        notes = getattr(error, "__notes__", ())
        return " ".join(
            (*notes, "polysms --help, or polysms COMMAND --help, shows how it is used.")
        )
    return None if isinstance(error, KeyboardInterrupt) else f"{_DEBUG}=1 shows where."


#: Answers of a place that is not the provider's, and what may have led there.
_MISDIRECTED = frozenset({301, 302, 303, 305, 307, 308, 404, 405, 410, 421})
_ADDRESS = (
    "Mend its base_url, which stands for the provider's whole address, path included, "
    "then try: polysms check {account}"
)
_BY_REASON = {
    Reason.CREDENTIALS: "Mend its credentials, then try: polysms check {account}",
    Reason.PERMISSION: "Ask the provider to allow it, then try: polysms check {account}",
    Reason.BALANCE: "Nothing was sent. Top up the account, then send it again.",
    Reason.SENDER: "See which senders your accounts have: polysms check --offline",
}


def _by_kind(error: PolysmsError) -> str | None:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return f"Nothing was sent. Try again in {error.retry_after:g} s."
    if isinstance(error, Unsupported):
        return "Nothing was sent. What each provider can do: polysms providers"
    if isinstance(error, LookupFailed):
        return "Nothing was sent by this; it may be tried again." if error.retry_later else None
    if isinstance(error, Unreachable) and (sandbox := os.environ.get("POLYSMS_SANDBOX")):
        return f"Nothing was sent. Is the sandbox of POLYSMS_SANDBOX={sandbox} running?"
    if isinstance(error, NotSent) and not isinstance(error, InvalidMessage):
        return "Nothing was sent; it may be sent again." if error.retry_later else None
    return None
