"""``polysms send``: one message, and what is known of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

import attrs
import typer
from rich.text import Text

from polysms.cli import bulk, later, show
from polysms.cli.explain import DryRun, Explain, explained, explained_error, shown_dry
from polysms.cli.failure import DONE, name_of, reported
from polysms.cli.options import (
    File,
    Json,
    Region,
    Reveal,
    Url,
    configured,
    message_options,
    recipient,
    require_region,
    seconds,
)
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.client.core import told
from polysms.config import Config
from polysms.delivery import Attempt, Considered, Delivery, Outcome
from polysms.errors import InvalidMessage, MaybeSent, PolysmsError
from polysms.message import LONGEST_TEXT, Message
from polysms.providers import LOCAL
from polysms.segments import Smart, segments, smart

#: No text of so many bytes can be sent, so no more of standard input is read.
_MOST_BYTES = 4 * LONGEST_TEXT + 1
_MOST_CHANGES = 8


class OnMaybeSent(StrEnum):
    """What to do when nobody can tell whether an account took the message."""

    STOP = "stop"
    NEXT = "next"


Words = Annotated[
    str, typer.Argument(metavar="TEXT", show_default=False, help='The text; "-" reads stdin.')
]
To = Annotated[str, typer.Option(metavar="NUMBER", help="The recipient, as +13135550100.")]
Sender = Annotated[
    str | None,
    typer.Option("--from", metavar="SENDER", help="One of the account's senders, or @name."),
]
Media = Annotated[
    list[str] | None, typer.Option(metavar="URL", help="Media, for an MMS; may be repeated.")
]
Via = Annotated[str | None, typer.Option(metavar="NAME", help="An account or a route.")]
ValidFor = Annotated[
    str | None, typer.Option(metavar="TIME", help="No longer wanted after this time, as 2m.")
]
Tag = Annotated[str | None, typer.Option(metavar="TAG", help="Your label, for grouping.")]
Callback = Annotated[
    str | None, typer.Option(metavar="URL", help="Where the provider is to report to.")
]
WithSmart = Annotated[
    bool, typer.Option("--smart", help="Replace curly quotes and the like, to save segments.")
]
Deadline = Annotated[
    str | None, typer.Option(metavar="TIME", help="For all attempts together, as 30s.")
]
MaybeSentRule = Annotated[
    OnMaybeSent | None,
    typer.Option(help="Where nobody can tell: stop, or next, which may send it twice."),
]
Extras = Annotated[
    list[str] | None,
    typer.Option(metavar="PROVIDER.KEY=VALUE", help="What one provider alone has; repeatable."),
]


@reported
@bulk.offered
def send(  # noqa: PLR0913 - one argument for each option
    *,
    text: Words = "",
    to: To,
    from_: Sender = None,
    media: Media = None,
    via: Via = None,
    valid_for: ValidFor = None,
    tag: Tag = None,
    key: later.Key = None,
    at: later.At = None,
    is_later: later.Later = False,
    status_callback: Callback = None,
    with_smart: WithSmart = False,
    deadline: Deadline = None,
    on_maybe_sent: MaybeSentRule = None,
    option: Extras = None,
    region: Region = None,
    config: File = None,
    url: Url = None,
    explain: Explain = False,
    dry_run: DryRun = False,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Send one message, or with --csv one for each row of a file.

    Exit codes: 0 a provider took it; 2 wrong usage, configuration or message;
    3 surely not sent; 4 it may have been sent. Of many, the worst.
    """
    accounts = configured(config, url)
    better = _encoded(_text(text), with_smart=with_smart)
    given = {"media": media, "from_": from_, "valid_for": valid_for, "tag": tag, "key": key}
    given |= {"status_callback": status_callback, "options": option}
    require_region(region)
    message = _message(recipient(to, region), better.text, given, accounts)
    output = Output(json=json, reveal=reveal)
    limit = seconds("--deadline", deadline)
    wishes: dict[str, Any] = {"via": via, "on_maybe_sent": on_maybe_sent, "deadline": limit}
    if dry_run:
        return shown_dry(accounts, message, via, on_maybe_sent, output)
    if is_later or at is not None:
        return later.enqueued(accounts, message, at, {**wishes, "explain": explain}, output)
    return _send(accounts, message, better, wishes, output, explain=explain)


def _message(to: str, text: str, given: Mapping[str, Any], accounts: Config) -> Message:
    """Return the message of what the command line says, as people write it there."""
    read = {
        "media": given["media"] or (),
        "valid_for": seconds("--valid-for", given["valid_for"]),
        "options": message_options(given["options"] or (), accounts),
    }
    return Message(to, text, **{**given, **read})


def _text(given: str) -> str:
    """Return the text as given, or for "-" what standard input holds, less its last newline."""
    if given != "-":
        return given
    read = sys.stdin.buffer.read(_MOST_BYTES)
    if len(read) == _MOST_BYTES:
        raise InvalidMessage("text: is longer than anything that can be sent", field="text")
    try:
        return read.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise InvalidMessage("text: standard input is not UTF-8 text", field="text") from None


def _encoded(text: str, *, with_smart: bool) -> Smart:
    return smart(text) if with_smart else Smart(text)


def _send(  # noqa: PLR0913 - each by name
    accounts: Config,
    message: Message,
    better: Smart,
    wishes: Mapping[str, Any],
    output: Output,
    *,
    explain: bool,
) -> int:
    try:
        with begun():
            delivery = _sent(accounts, message, **wishes)
            _show(delivery, message, better, output, explain=explain)
    except (Exception, KeyboardInterrupt) as error:
        if not explain:
            raise
        return explained_error(error, output)
    return DONE


@contextlib.contextmanager
def begun() -> Iterator[None]:
    """Make a maybe sent of whatever breaks once a send has begun."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if told(error) is not None:
            raise
        raise MaybeSent(
            f"the command broke after the send had begun ({name_of(error)}): "
            "the message may have been sent"
        ) from error


def _sent(accounts: Config, message: Message, **wishes: Any) -> Delivery:
    taken: list[Delivery] = []

    def keep(delivery: Delivery | None, error: PolysmsError | None) -> None:
        if delivery is not None and error is None:
            taken.append(delivery)

    with Client(accounts, after_send=keep) as client:
        try:
            return client.send(message, **wishes)
        except KeyboardInterrupt:
            # Ctrl-C while the answer was read: the provider has taken the message all the same.
            if not taken:
                raise
            return taken[-1]


def _show(
    delivery: Delivery, message: Message, better: Smart, output: Output, *, explain: bool
) -> None:
    if output.json:
        changes = [attrs.asdict(change) for change in better.changes]
        story = {"explained": delivery.explain()} if explain else {}
        output.document({**delivery.to_dict(), "smart": changes, **story})
        return
    by = (
        f"accepted by {delivery.account}"
        if delivery.provider_id
        else "not sent so far: wait for it"
    )
    output.say(Text.assemble(show.status(delivery.status), f", {by}"))
    # Who has just written the text need not read it again.
    output.facts(show.facts(attrs.evolve(delivery, text=None, media=()), output))
    for note in _notes(delivery, message, better):
        output.say(plainly(note))
    if explain:
        explained(delivery, output)


def _notes(delivery: Delivery, message: Message, better: Smart) -> Iterator[str]:
    if better.changes:
        yield _changes(better)
    elif note := _advice(message):
        yield note
    for one in _before_it(delivery):
        if not one.chosen:
            yield f"Skipped {one.account}: {one.why}"
    for attempt in delivery.attempts:
        yield from _of_attempt(attempt)
    if delivery.provider_id is None:
        yield f"Follow it: polysms show {delivery.id}"
    elif delivery.provider not in LOCAL:
        yield f"Follow it: polysms fetch {delivery.account} {delivery.provider_id}"


def _before_it(delivery: Delivery) -> tuple[Considered, ...]:
    """Return who was considered until the account that took it: the rest needs no words."""
    chosen = [place for place, one in enumerate(delivery.considered) if one.chosen]
    return delivery.considered[: chosen[-1] if chosen else None]


def _of_attempt(attempt: Attempt) -> Iterator[str]:
    if attempt.outcome is not Outcome.ACCEPTED:
        yield f"Tried {attempt.account} before: {attempt.text}"
        return
    for name in attempt.unsupported:
        yield f"{attempt.provider} has no word for {name}: polysms keeps it itself"
    for warning in attempt.warnings:
        yield f"Warning: {warning}"


def _changes(better: Smart) -> str:
    pairs = [f"{change.old!r} to {change.new!r}" for change in better.changes[:_MOST_CHANGES]]
    more = len(better.changes) - len(pairs)
    return f"Smart encoding changed {', '.join(pairs)}{f' and {more} more' if more else ''}"


def _advice(message: Message) -> str | None:
    """Return how smart encoding would make an SMS cheaper, None where it would not."""
    counted, better = segments(message.text), segments(smart(message.text).text)
    if message.media or better.count >= counted.count:
        return None
    saving = f"--smart makes {better.count} of {counted.count} segments"
    return f"{saving}: {counted.forced_by[0]!r} and the like are not in GSM-7"
