"""``polysms send --csv``: checked first, sent at a pace, and every outcome told."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import pytest

from polysms import Client, ConfigError, MaybeSent, Message, NotSent, Result
from polysms.cli import tally
from polysms.cli.pace import Pace, Rows
from polysms.cli.rows import Plan, Row, Template
from tests.cli.conftest import PATIENCE, POLYSMS, Command

pytestmark = pytest.mark.one_python

MEMORY = "memory://?sender=Acme"
WAVIX = "wavix://canary-key@?sender=%2B13137890021"
PLAN = Plan(template=Template.parse("Hi"), to_column="phone")
HEADER = ("line", "key", "outcome", "account", "provider_id", "id", "status", "segments", "error")


def people(*numbers: str, name: str = "people.csv") -> str:
    """Write a file of people with these numbers; return its name."""
    lines = [f"{number},Ann {count},k{count}\n" for count, number in enumerate(numbers)]
    Path(name).write_text("phone,name,id\n" + "".join(lines), encoding="utf-8")
    return name


def many(*arguments: str, url: str = MEMORY, text: str = "Hi {name}") -> tuple[str, ...]:
    """Return the arguments that send to all people."""
    return ("send", "--url", url, "--csv", "people.csv", "--text", text, *arguments)


def results(name: str = "out.csv") -> list[dict[str, str]]:
    """Return what a results file tells, by line of the rows."""
    with Path(name).open(encoding="utf-8", newline="") as stream:
        return sorted(csv.DictReader(stream), key=lambda row: int(row["line"]))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Return the messages that are sent, as they are."""
    seen: list[Message] = []
    real = Client.send

    def noted(self: Client, message: Message, **wishes: Any) -> object:
        seen.append(message)
        return real(self, message, **wishes)

    monkeypatch.setattr(Client, "send", noted)
    return seen


def test_a_message_for_each_row(command: Command, sent: list[Message]) -> None:
    """Each row's number gets the text with the row's values, and all that is said of every one."""
    people("+13135550101", "+13135550102")
    said = command(*many("--tag", "dinner", "--from", "Acme"))

    assert (0, "") == (said.code, said.err)
    assert {
        Message("+13135550101", "Hi Ann 0", tag="dinner", from_="Acme"),
        Message("+13135550102", "Hi Ann 1", tag="dinner", from_="Acme"),
    } == set(sent)
    lines = [line.split() for line in said.out.splitlines()]
    assert ["accepted", "2", "2"] in lines
    assert ["memory", "2", "2"] in lines


def test_smart_and_media(command: Command, sent: list[Message]) -> None:
    """``--smart`` mends each text; with media a text may be left out."""
    people("+13135550101")
    command(*many("--smart", text="“Hi” {name}"))
    command("send", "--url", MEMORY, "--csv", "people.csv", "--media", "https://example.com/a.png")

    assert ['"Hi" Ann 0', ""] == [message.text for message in sent]
    assert ("https://example.com/a.png",) == sent[1].media


def test_no_key_is_set(command: Command, sent: list[Message]) -> None:
    """A key needs a ledger: it is written down beside the result, and not sent."""
    people("+13135550101")
    command(*many("--key-column", "id", "--results", "out.csv"))

    assert [None] == [message.key for message in sent]
    assert ["k0"] == [row["key"] for row in results()]


@pytest.mark.usefixtures("sandbox")
def test_every_outcome_is_told(command: Command) -> None:
    """Accepted, refused and maybe sent are told apart: in the table, the file, the exit code."""
    people("+13135550131", "+13135550105", "+13135550113", "+13135550132")
    said = command(*many("--key-column", "id", "--results", "out.csv", url=WAVIX))
    found = results()

    assert 4 == said.code
    assert ["2", "3", "4", "5"] == [row["line"] for row in found]
    assert ["accepted", "not_sent", "maybe_sent", "accepted"] == [row["outcome"] for row in found]
    assert ["", "Refused: invalid_number", "MaybeSent", ""] == [row["error"] for row in found]
    assert ["QUEUED", "NOT_SENT", "MAYBE_SENT", "QUEUED"] == [row["status"] for row in found]
    assert [True, False, False, True] == [bool(row["provider_id"]) for row in found]
    assert {"wavix"} == {row["account"] for row in found}
    assert all(row["id"] for row in found)
    written = Path("out.csv").read_text(encoding="utf-8")
    assert ",".join((*HEADER, "attempts")) == written.splitlines()[0]
    assert "5550" not in written
    assert "Ann" not in written
    lines = [line.split() for line in said.out.splitlines()]
    for row in (["accepted", "2", "2"], ["refused:", "invalid_number", "1"], ["maybe", "sent"]):
        assert row in [line[: len(row)] for line in lines]
    assert "Look for those that may have been sent before you send them again:" in said.out


@pytest.mark.usefixtures("sandbox")
def test_a_refusal_is_not_sent(command: Command) -> None:
    """Where some were surely not sent and none maybe, the exit code is 3."""
    people("+13135550131", "+13135550105")

    assert 3 == command(*many(url=WAVIX)).code


@pytest.mark.usefixtures("sandbox")
def test_json(command: Command) -> None:
    """Programs get a line for each result and one for them all."""
    people("+13135550131", "+13135550105")
    said = command(*many("--json", url=WAVIX))
    *found, summary = map(json.loads, said.out.splitlines())

    assert (3, "") == (said.code, said.err)
    assert {("accepted", 2), ("not_sent", 3)} == {(one["outcome"], one["line"]) for one in found}
    assert {"type", "delivery", *HEADER} == set(found[0])
    assert [None, None] == [one["delivery"] for one in found]
    assert {
        "type": "summary",
        "messages": 2,
        "accepted": 1,
        "refused": {"invalid_number": 1},
        "not_sent": 0,
        "maybe_sent": 0,
        "not_begun": 0,
        "segments": 1,
        "accounts": {"wavix": {"accepted": 1, "segments": 1}},
        "exit_code": 3,
    } == summary


def test_bad_rows_stop_everything(command: Command, sent: list[Message]) -> None:
    """A bad row is listed by its line, numbers masked, and nothing is sent."""
    people("+13135550101", "3135550123", "+1313")
    said = command(*many("--results", "out.csv"))

    assert 2 == said.code
    assert [] == sent
    assert said.lines[0].startswith("line 3: number '3*******23' has no country code")
    assert said.lines[1].startswith("line 4: number ")
    assert "2 of 3 rows are bad; nothing was sent." == said.lines[2]
    assert not Path("out.csv").exists()


def test_bad_rows_in_json(command: Command) -> None:
    """Programs get them all in one object."""
    people(*["3135550123"] * 30)
    said = command(*many("--json"))
    found = json.loads(said.out)

    assert (2, "", "BadRows", 2) == (said.code, said.err, found["type"], found["exit_code"])
    assert [*range(2, 32)] == [row["line"] for row in found["bad"]]


def test_a_long_list_is_cut(command: Command) -> None:
    """People see the first twenty, and how many more there are."""
    people(*["3135550123"] * 30)

    assert "... and 10 more" in command(*many()).lines
    people(*["+13135550101"] * 30)
    assert command(*many()).lines[0].endswith("20, 21, 22 and 9 more")


def test_skip_bad(command: Command, sent: list[Message]) -> None:
    """The good rows can be sent all the same, and the bad ones are told."""
    people("+13135550101", "3135550123")
    said = command(*many("--skip-bad"))

    assert 0 == said.code
    assert ["+13135550101"] == [message.to for message in sent]
    assert said.lines[0].startswith("line 3: ")


def test_a_recipient_twice_is_a_warning(command: Command, sent: list[Message]) -> None:
    """A number that is there again gets both messages, and it is said."""
    people("+13135550101", "+13135550101")
    said = command(*many())

    assert (0, 2) == (said.code, len(sent))
    assert "warning: a recipient of a row above is there again in line 3" in said.err


def test_limit(command: Command, sent: list[Message]) -> None:
    """Only the first good rows are sent, but all are checked."""
    people("+13135550101", "+13135550102", "+13135550103")
    assert 0 == command(*many("--limit", "2")).code
    assert {"+13135550101", "+13135550102"} == {message.to for message in sent}

    people("+13135550101", "+13135550102", "3135550123")
    assert 2 == command(*many("--limit", "2")).code


def test_dry_run(command: Command, sent: list[Message]) -> None:
    """Everything is checked and counted, the first rows are shown, nothing is sent."""
    people(*(f"+1313555010{number}" for number in range(6)))
    arguments = many("--dry-run", "--results", "out.csv", text="Hi {name} " + "x" * 160)
    said = command(*arguments)
    told = json.loads(command(*arguments, "--json").out)

    assert (0, []) == (said.code, sent)
    lines = [line.split() for line in said.out.splitlines()]
    assert [["messages", "6"], ["segments", "12"], ["accounts", "memory"]] == lines[:3]
    assert ["+1********00", "+1********01", "+1********02"] == [
        line[1] for line in lines if line[:1] in (["2"], ["3"], ["4"])
    ]
    assert "Nothing was sent." == said.out.splitlines()[-1]
    assert (6, 12, ["memory"]) == (told["messages"], told["segments"], told["accounts"])
    assert "+1********00" == told["examples"][0]["to"]
    assert not Path("out.csv").exists()


def test_dry_run_of_nothing(command: Command) -> None:
    """A file without rows is no error."""
    people()
    assert (0, 0) == (command(*many("--dry-run")).code, command(*many()).code)


def test_results_are_never_overwritten(command: Command, sent: list[Message]) -> None:
    """A results file that is there may tell of texts that were sent."""
    people("+13135550101")
    Path("out.csv").write_text("mine", encoding="utf-8")
    said = command(*many("--results", "out.csv"))

    assert (2, [], "mine") == (said.code, sent, Path("out.csv").read_text(encoding="utf-8"))
    assert "--results: out.csv exists already; name a new file" in said.err


def test_results_that_cannot_be_written(command: Command, sent: list[Message]) -> None:
    """A place where no file can be made is told before anything is sent."""
    people("+13135550101")
    nowhere = command(*many("--results", "nowhere/out.csv"))
    long = command(*many("--results", "x" * 300))
    Path("dangling.csv").symlink_to("nowhere/out.csv")
    dangling = command(*many("--results", "dangling.csv"))

    assert (2, 2, 2, []) == (nowhere.code, long.code, dangling.code, sent)
    assert "--results: there is no folder 'nowhere'" in nowhere.err
    assert "cannot be written: File name too long" in " ".join(long.lines)
    assert "--results: 'dangling.csv' cannot be written: File exists" in dangling.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_stops_the_sending(command: Command, sent: list[Message]) -> None:
    """Where results can no longer be written, no more is begun, and that is said."""
    people(*["+13135550101"] * 50)

    class Full(tally.Record):
        def require_new(self) -> None:
            """Let it be."""

        def __enter__(self) -> Self:
            self._stream = Path("/dev/full").open("w", encoding="utf-8")
            return self

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("polysms.cli.bulk.Record", Full)
        said = command(*many("--results", "/dev/full", "--concurrency", "1"))

    assert 3 == said.code
    assert len(sent) < 5
    assert "cannot be written any more (No space left on device)" in said.err


#: Arguments that cannot be, and words of the first line on stderr.
WRONG = [
    (("--csv", "people.csv", "--text", "x", "--to", "+13135550101"), "--to: does not go with"),
    (("--csv", "people.csv", "--text", "x", "words"), "TEXT: does not go with --csv"),
    (("--csv", "people.csv"), "Missing option '--text'"),
    (("--csv", "people.csv", "--text", "Hi {nam}"), 'did you mean "name"?'),
    (("--csv", "people.csv", "--text", "Hi {name"), "a lone"),
    (("--csv", "people.csv", "--text", "x", "--to-column", "fone"), 'did you mean "phone"?'),
    (("--csv", "people.csv", "--text", "x", "--key-column", "phone"), "the recipient's column"),
    (("--csv", "people.csv", "--text", "x", "--rate", "0"), "--rate: write how many a second"),
    (("--csv", "people.csv", "--text", "x", "--rate", "nan"), "--rate: write how many a second"),
    (("--csv", "people.csv", "--text", "x", "--limit", "0"), "'--limit'"),
    (("--csv", "people.csv", "--text", "x", "--concurrency", "0"), "'--concurrency'"),
    (("--csv", "people.csv", "--text", "x", "--region", "Mars"), "two-letter country"),
    (("--csv", "people.csv", "--text", "x", "--via", "wavx"), "no account or route 'wavx'"),
    (("--csv", "people.csv", "--text", "x", "--deadline", "soon"), "--deadline: write seconds"),
    (("--csv", "none.csv", "--text", "x"), "none.csv: cannot be read"),
    (("--to", "+13135550101", "--text", "x"), "--text: is for --csv"),
    (("--to", "+13135550101", "x", "--rate", "2"), "--rate: is for --csv"),
    (("--to", "+13135550101", "x", "--skip-bad"), "--skip-bad: is for --csv"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_wrong_usage(
    command: Command, sent: list[Message], arguments: tuple[str, ...], words: str
) -> None:
    """What cannot be is told with its option, and nothing is sent."""
    people("+13135550101")
    said = command("send", "--url", MEMORY, *arguments)

    assert (2, []) == (said.code, sent)
    assert words in said.lines[0]


def test_whatever_breaks_may_have_sent(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the sending has begun, no bug of ours makes it look as if nothing was sent."""

    def broken(*_: object) -> None:
        raise RuntimeError

    people("+13135550101")
    monkeypatch.setattr(tally.Tally, "add", broken)
    said = command(*many())

    assert 4 == said.code
    assert "may have been sent" in said.lines[0]


CODES = {"accepted": 0, "not_sent": 3, "maybe_sent": 4}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "accepted"),
        (NotSent("no"), "not_sent"),
        (ConfigError("no"), "not_sent"),
        (MaybeSent("?"), "maybe_sent"),
        (ValueError("a bug"), "maybe_sent"),
    ],
)
def test_outcomes(error: Exception | None, expected: str) -> None:
    """What is not surely not sent may have been sent, the unexpected included."""
    result = Result(Message("+13135550101", "Hi"), None, error)
    counted = tally.Tally(1)
    counted.add(result)

    assert expected == tally.facts_of(result, 2, None)["outcome"]
    assert {expected: 1} == counted.outcomes
    assert CODES[expected] == counted.exit_code(interrupted=False)


class Clock:
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def test_pace() -> None:
    """At a rate of two, one passes each half second; who comes late does not catch up."""
    clock = Clock()
    pace = Pace(2, clock, clock.sleep)
    passed = []
    for busy in (0, 0.1, 0.2, 3, 0, 0):
        clock.now += busy
        pace.wait(lambda: False)
        passed.append(round(clock.now - 100, 3))

    assert [0.0, 0.5, 1.0, 4.0, 4.5, 5.0] == passed


def test_pace_ends_when_stopped() -> None:
    """Whoever is stopped does not wait for the rest of the time."""
    clock = Clock()
    pace = Pace(0.001, clock, clock.sleep)
    pace.wait(lambda: False)
    pace.wait(lambda: clock.now > 101)

    assert clock.now < 102


def test_no_rate_never_waits() -> None:
    """Without a rate nothing is slept away."""
    clock = Clock()
    pace = Pace(None, clock, clock.sleep)
    for _ in range(10):
        pace.wait(lambda: False)

    assert 100.0 == clock.now


def test_a_second_ctrl_c_interrupts_the_waiting() -> None:
    """The first begins no further message, the second is an interrupt as ever."""
    before = signal.getsignal(signal.SIGINT)
    messages = Rows((Row(2, "+13135550101", "Hi"),), PLAN, Pace(None))
    with messages.until_ctrl_c():
        signal.raise_signal(signal.SIGINT)
        assert [] == list(messages)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert messages.interrupted
    assert before is signal.getsignal(signal.SIGINT)


def _begin(*arguments: str) -> subprocess.Popen[str]:
    """Start the command on a long file, slowly; return once it has written two results."""
    people(*(f"+1313555{number:04}" for number in range(200, 400)))
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*POLYSMS, *many("--results", "out.csv", "--rate", "20", *arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "80"},
    )
    for _ in range(PATIENCE * 20):
        if Path("out.csv").exists() and Path("out.csv").read_text().count("\n") > 2:
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate())


def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C begins no more, waits for what is under way, and leaves everything complete: 130."""
    monkeypatch.chdir(tmp_path)
    with _begin("--json") as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    *found, summary = map(json.loads, out.splitlines())

    assert (130, "") == (process.returncode, err)
    assert 130 == summary["exit_code"]
    assert len(results()) == len(found) == summary["accepted"] < 200
    assert 200 == summary["accepted"] + summary["not_begun"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar is on stderr, where a terminal is; what programs read stays on stdout, whole."""
    monkeypatch.chdir(tmp_path)
    people("+13135550101", "+13135550102")
    ours, theirs = os.openpty()
    done = subprocess.run(  # noqa: S603 - our own command
        [*POLYSMS, *many("--json")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert "2 accepted" in shown
    assert "2/2" in shown
    assert ["result", "result", "summary"] == [
        json.loads(line)["type"] for line in done.stdout.splitlines()
    ]


def test_a_kill_leaves_what_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the process, the results up to then are whole lines of the file."""
    monkeypatch.chdir(tmp_path)
    with _begin() as process:
        process.kill()
        process.communicate(timeout=PATIENCE)
    found = results()

    assert len(found) >= 2
    assert {"accepted"} == {row["outcome"] for row in found}
    assert Path("out.csv").read_text(encoding="utf-8").endswith("\n")


@pytest.mark.parametrize(
    ("between", "given", "words"),
    [
        (";", (), 'semicolons (--delimiter ";")'),
        ("\t", (), "tabs (--delimiter"),
        ("|", (), 'bars (--delimiter "|")'),
        (",", ("--delimiter", ";"), "commas (leave --delimiter out)"),
    ],
)
def test_another_delimiter(
    command: Command, between: str, given: tuple[str, ...], words: str
) -> None:
    """Where the whole header was read as one name, it is said what may stand between fields."""
    Path("people.csv").write_text(f"phone{between}name\n", encoding="utf-8")
    said = command(*many(*given))

    assert 2 == said.code
    assert words in said.err


def test_bad_rows_are_told_with_the_shells_words(command: Command) -> None:
    """A row's remedy is an option, not a function."""
    people("3135550123")
    said = command(*many())

    assert "or say where it is written, as --region US" in said.lines[0]
