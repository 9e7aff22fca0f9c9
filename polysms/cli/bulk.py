"""``polysms send --csv``: a message for each row of a file, once all of them have been checked."""

from __future__ import annotations

import contextlib
import functools
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from polysms.cli import rows
from polysms.cli.again import keys, require_memory
from polysms.cli.failure import DONE, USAGE, name_of, tell
from polysms.cli.options import WHERE, configured, message_options, seconds
from polysms.cli.output import Output, Terminal, columns, plainly
from polysms.cli.pace import Pace, Rows
from polysms.cli.tally import Record, Tally, facts_of, unclear
from polysms.cli.wishes import Missing, Wishes, joined
from polysms.client import Client
from polysms.config import Config
from polysms.config.reading import fault
from polysms.delivery import Outcome
from polysms.errors import ConfigError, MaybeSent
from polysms.message import Message
from polysms.segments import segments, smart

#: How many bad rows, repeated recipients and examples are shown to people.
_MOST_SHOWN, _EXAMPLES = 20, 3


def offered(single: Callable[..., int]) -> Callable[..., int]:
    """Return ``polysms send`` with --csv, given how it sends one message."""
    return joined(single, run)


def run(wishes: Wishes, given: Mapping[str, Any]) -> int:
    """Check every row, then send; return the exit code. ``given`` holds what all have in common."""
    output = Output(json=given["json"], reveal=given["reveal"])
    accounts = configured(given["config"], given["url"])
    limit = seconds("--deadline", given["deadline"])
    route = accounts.route(given["via"])
    require_memory(wishes, accounts)
    record = Record(wishes.results)
    record.require_new()
    pace = Pace(wishes.rate)
    plan = _plan(wishes, given, accounts)
    checked = rows.check(rows.records(str(wishes.csv), wishes.delimiter), plan)
    if _refused(checked, wishes, output):
        return USAGE
    chosen = checked.good[: wishes.limit]
    if wishes.dry_run:
        _preview(chosen, plan, route.accounts, output)
        return DONE
    many = {"concurrency": wishes.concurrency, "via": given["via"], "deadline": limit}
    many["on_maybe_sent"] = given["on_maybe_sent"]
    with _begun(), Client(accounts) as client:
        messages = Rows(chosen, plan, pace, keys(wishes, client))
        return _sent(client, messages, many, record, output)


def _plan(wishes: Wishes, given: Mapping[str, Any], accounts: Config) -> rows.Plan:
    if wishes.template is None and not given["media"]:
        raise Missing("Missing option '--text', the text with {column} for a row's value.")
    if wishes.key_column == wishes.to_column:
        sentence = "is the recipient's column, and no number is written into the results"
        raise fault("--key-column", sentence, WHERE)
    fields: dict[str, Any] = {
        "media": given["media"] or (),
        "from_": given["from_"],
        "valid_for": seconds("--valid-for", given["valid_for"]),
        "tag": given["tag"],
        "status_callback": given["status_callback"],
        "options": message_options(given["option"] or (), accounts),
    }
    return rows.Plan(
        template=rows.Template.parse(wishes.template or ""),
        to_column=wishes.to_column,
        key_column=wishes.key_column,
        region=wishes.region,
        better=(lambda text: smart(text).text) if given["with_smart"] else str,
        message=functools.partial(Message, **fields),
    )


def _refused(checked: rows.Checked, wishes: Wishes, output: Output) -> bool:
    """Tell what is wrong with the rows; return whether nothing is to be sent for it."""
    refused = bool(checked.bad) and not wishes.skip_bad
    bad = [f"line {row.line}: {plainly(row.why)}" for row in checked.bad]
    if refused and output.json:
        output.document(
            {
                "type": "BadRows",
                "message": f"{len(bad)} bad rows; nothing was sent",
                "bad": [attrs.asdict(row) for row in checked.bad],
                "exit_code": USAGE,
            }
        )
        return True
    for sentence in _shortened(bad):
        tell(sentence)
    if refused:
        tell(
            f"{len(bad)} of {len(bad) + len(checked.good)} rows are bad; nothing was sent.",
            "Mend them (--region says where national numbers are written), "
            "or send the others with --skip-bad.",
        )
    elif checked.repeated:
        lines = ", ".join(map(str, checked.repeated[:_MOST_SHOWN]))
        more = len(checked.repeated) - _MOST_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        tell(f"warning: a recipient of a row above is there again in line {lines}{rest}")
    return refused


def _shortened(sentences: Sequence[str]) -> Iterator[str]:
    yield from sentences[:_MOST_SHOWN]
    if len(sentences) > _MOST_SHOWN:
        yield f"... and {len(sentences) - _MOST_SHOWN} more"


def _preview(
    chosen: Sequence[rows.Row], plan: rows.Plan, accounts: Sequence[str], output: Output
) -> None:
    """Show what would be sent."""
    sms = not plan.message(chosen[0].to, chosen[0].text).media if chosen else True
    count = sum(segments(row.text).count for row in chosen) if sms else None
    examples = [
        {"line": row.line, "to": row.to, "text": output.words(row.text)}
        for row in chosen[:_EXAMPLES]
    ]
    if output.json:
        found = {"type": "dry_run", "messages": len(chosen), "segments": count}
        output.document({**found, "accounts": list(accounts), "examples": examples})
        return
    output.facts(
        [("messages", len(chosen)), ("segments", count), ("accounts", ", ".join(accounts))]
    )
    table = columns("line", "to", "text", right=("line",))
    for row in examples:
        to, text = output.number(str(row["to"])), plainly(str(row["text"]))
        table.add_row(str(row["line"]), to, text)
    output.table(table)
    output.say("Nothing was sent.")


@contextlib.contextmanager
def _begun() -> Iterator[None]:
    """Make a maybe sent of whatever breaks once the sending has begun."""
    try:
        yield
    except ConfigError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        raise MaybeSent(
            f"the command broke after the sending had begun ({name_of(error)}): "
            "what the results do not tell of may have been sent"
        ) from error


def _sent(
    client: Client, messages: Rows, many: Mapping[str, Any], record: Record, output: Output
) -> int:
    tally = Tally(len(messages))
    with messages.until_ctrl_c(), record:
        with _bar(output) as bar:
            task = bar.add_task("sending", total=len(messages))
            for result in client.send_many(messages, **many):
                row = messages.row(result.message)
                facts = facts_of(result, row.line, row.key)
                tally.add(result)
                lost = unclear(result)
                record.write(facts, lost)
                messages.stopped = messages.stopped or record.broken is not None
                if output.json:
                    found = {"type": "result", **facts, "delivery": lost and lost.to_dict()}
                    output.document(found, indent=None)
                bar.update(task, advance=1, description=_briefly(tally))
        code = tally.exit_code(interrupted=messages.interrupted)
        _sum_up(tally, code, record, output)
    return code


def _bar(output: Output) -> Progress:
    """Return the progress bar: on stderr where that is a terminal which shows nothing else."""
    terminal = Terminal(stderr=True)
    return Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        TimeRemainingColumn(),
        console=terminal,
        disable=not terminal.is_terminal or (output.json and sys.stdout.isatty()),
        # Rich would lead what is written to stdout to the bar's own stream.
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _briefly(tally: Tally) -> str:
    counts = ((outcome.replace("_", " "), tally.outcomes[outcome]) for outcome in Outcome)
    return ", ".join(f"{count} {name}" for name, count in counts if count)


def _sum_up(tally: Tally, code: int, record: Record, output: Output) -> None:
    if record.broken is not None:
        tell(f"--results: cannot be written any more ({record.broken}); so the rest was not begun")
    if output.json:
        output.document(tally.document(code), indent=None)
        return
    output.table(tally.tables())
    if tally.outcomes[Outcome.MAYBE_SENT]:
        for line in _ways_to_look(tally, record):
            output.say(plainly(line))


def _ways_to_look(tally: Tally, record: Record) -> Iterator[str]:
    yield "Look for those that may have been sent before you send them again:"
    if record.path is not None and record.broken is None:
        yield f"  polysms resolve {shlex.quote(record.path)}"
        return
    for account in sorted(tally.unclear):
        yield f"  polysms list --remote {shlex.quote(account)} --since 1h"
    yield "(With --results FILE they can be looked for by polysms resolve FILE.)"
