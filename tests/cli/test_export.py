"""``polysms export``: the ledger as JSON Lines, CSV and Parquet, never all of it in memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from polysms import Client, Delivery, Message, Status
from polysms.cli import formats
from polysms.cli.formats import COLUMNS
from polysms.delivery import Attempt, Evidence, Outcome, Price
from polysms.ledger import End, Ledger, Line
from tests.cli.conftest import NUMBER, PATIENCE, POLYSMS, Command

pytestmark = [pytest.mark.unmeasured, pytest.mark.usefixtures("kept")]
THEN = datetime(2025, 3, 1, 7, 30, tzinfo=UTC)
KINDS = pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])


def stopped(at: datetime) -> Callable[[], datetime]:
    """Return a clock that stands still."""
    return lambda: at


def address(kept: Path) -> str:
    """Return the address of the ledger."""
    return f"sqlite:///{kept.parent}/ledger.db"


def written(place: int, tries: int = 1) -> tuple[list[Line], End]:
    """Return a message as the ledger is told of it, after some tries of which the last did it."""
    at = THEN + timedelta(seconds=place)
    attempts = tuple(
        Attempt(
            account="wavix", provider="wavix", reference=f"r-{place}-{one}", started_at=at,
            ended_at=at + timedelta(seconds=0.5), text="said so", from_="+13135550100",
            outcome=Outcome.ACCEPTED if one == tries else Outcome.NOT_SENT,
            evidence=Evidence.ACCEPTED if one == tries else Evidence.REFUSAL,
            provider_id=f"p-{place}" if one == tries else None,
        )
        for one in range(1, tries + 1)
    )  # fmt: skip
    message = Message(NUMBER, "your code is 1234", key=f"k-{place}", tag="codes")
    delivery = Delivery(
        id=f"id-{place:06d}", status=Status.QUEUED, attempts=attempts, to=NUMBER, key=message.key,
        from_="+13135550100", account="wavix", provider="wavix", provider_id=f"p-{place}",
        text=message.text, price=Price(Decimal("0.0100")), created_at=at, segments_predicted=1,
    )  # fmt: skip
    return [Line(str(delivery.id), message, one) for one in attempts], End(delivery, message)


def fill(kept: Path, count: int, tries: int = 1) -> None:
    """Write messages of one second after the other into the ledger."""
    waiting = iter(range(count))
    while places := list(islice(waiting, 1000)):
        at = THEN + timedelta(seconds=places[0])
        with Ledger(address(kept), clock=stopped(at)) as ledger:
            told = [written(place, tries) for place in places]
            ledger.write_many([line for lines, _ in told for line in lines])
            ledger.write_many([], [end for _, end in told])


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an export, each value as a text."""
    if path.suffix == ".parquet":
        rows = parquet.read_table(path).to_pylist()
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    else:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def exported(command: Command, target: str, *options: str) -> list[dict[str, Any]]:
    """Export into a file; return its rows."""
    said = command("export", target, *options)
    assert (0, "") == (said.code, said.err)
    return read(Path(target))


@KINDS
def test_a_row_for_each_attempt(command: Command, kept: Path, kind: str) -> None:
    """Each attempt is a row with its message's facts, in every format the same, oldest first."""
    fill(kept, 2, tries=2)
    rows = exported(command, f"all.{kind}")

    assert ["id-000000", "id-000000", "id-000001", "id-000001"] == [row["id"] for row in rows]
    assert ["1", "2", "1", "2"] == [row["attempt_number"] for row in rows]
    assert ["not_sent", "accepted"] == [row["attempt_outcome"] for row in rows[:2]]
    first = rows[0]
    assert ("k-0", "codes", "QUEUED", "wavix", "p-0") == tuple(
        first[name] for name in ("key", "tag", "status", "account", "provider_id")
    )
    assert ("0.0100", "USD", "1", "0.5") == tuple(
        first[name] for name in ("price", "price_currency", "segments", "attempt_seconds")
    )
    assert THEN.isoformat() == first["attempt_started_at"]


@KINDS
def test_a_message_without_attempts(command: Command, kept: Path, kind: str) -> None:
    """A message that nobody tried is there too."""
    with Client.from_config(kept) as client:
        id_ = client.enqueue(Message(NUMBER, "hello")).id
    (row,) = exported(command, f"all.{kind}")

    assert (id_, "PENDING", "", "") == tuple(
        row[name] for name in ("id", "status", "attempt_number", "attempt_outcome")
    )


@KINDS
def test_numbers_and_texts(command: Command, kept: Path, kind: str) -> None:
    """Numbers are masked and texts are left out, unless they are asked for."""
    fill(kept, 1)
    (plain,) = exported(command, f"plain.{kind}")
    (whole,) = exported(command, f"whole.{kind}", "--reveal", "--texts")

    assert ("+1********23", "+1********00", "+1********00") == tuple(
        plain[name] for name in ("to", "from", "attempt_from")
    )
    assert not {"text", "attempt_text", "media"} & plain.keys()
    assert NUMBER.encode() not in Path(f"plain.{kind}").read_bytes()
    assert b"your code" not in Path(f"plain.{kind}").read_bytes()
    assert (NUMBER, "+13135550100", "your code is 1234", "said so") == tuple(
        whole[name] for name in ("to", "from", "text", "attempt_text")
    )


def test_texts_that_were_forgotten(command: Command, kept: Path) -> None:
    """What was purged is exported no more."""
    fill(kept, 1)
    assert 0 == command("ledger", "purge", "--older-than", "1s").code
    (row,) = exported(command, "all.jsonl", "--texts")

    assert ("id-000000", "") == (row["id"], row["text"])


def test_a_key_that_is_a_number(command: Command, kept: Path) -> None:
    """A key or label that holds a number is masked."""
    with Client.from_config(kept) as client:
        client.send(Message(NUMBER, "hello", key=NUMBER, tag=f"to {NUMBER}"), via="null")
    (row,) = exported(command, "all.jsonl")

    assert ("+1********23", "to +1********23") == (row["key"], row["tag"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["0", "1", "2"]),
        (("--since", "2025-03-01T07:30:01Z"), ["1", "2"]),
        (("--until", "2025-03-01T07:30:01Z"), ["0"]),
        (("--since", "2025-03-01T07:30:01Z", "--until", "2025-03-01T07:30:02Z"), ["1"]),
        (("--since", "1h"), []),
    ],
)
def test_a_span(
    command: Command, kept: Path, options: tuple[str, ...], expected: list[str]
) -> None:
    """A span begins with its first moment and ends before its last, so that spans add up."""
    for place in range(3):
        at = THEN + timedelta(seconds=place)
        with Ledger(address(kept), clock=stopped(at)) as ledger:
            lines, end = written(place)
            ledger.write_many(lines, [end])
    rows = exported(command, "some.jsonl", *options)

    assert [f"id-00000{place}" for place in expected] == [row["id"] for row in rows]


@KINDS
def test_an_empty_ledger(command: Command, kind: str) -> None:
    """An export of nothing is a file with no rows."""
    assert [] == exported(command, f"none.{kind}")


def test_to_stdout(command: Command, kept: Path) -> None:
    """``-`` is standard output: JSON Lines, or CSV where that is said, and nothing else."""
    fill(kept, 2)
    lines, table = command("export", "-"), command("export", "-", "--format", "csv")

    assert 2 == len([json.loads(line) for line in lines.out.splitlines()])
    assert ["id-000000", "id-000001"] == [
        row["id"] for row in csv.DictReader(table.out.splitlines())
    ]


def test_told(command: Command, kept: Path) -> None:
    """How many rows were written is told."""
    fill(kept, 2)

    assert "2 rows in all.csv\n" == command("export", "all.csv").out
    assert {"file": "two.csv", "rows": 2} == json.loads(command("export", "two.csv", "--json").out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("all.xls",), "say what it is to be: --format jsonl, csv or parquet"),
        (("all",), "say what it is to be"),
        (("there.csv",), "there.csv: exists already; name a new file"),
        (("nowhere/all.csv",), "nowhere/all.csv: cannot be written"),
        (("-", "--format", "parquet"), "is written into a file; name one"),
        (("all.csv", "--since", "then"), "--since: write how long ago"),
        (("all.csv", "--url", "memory://?sender=Acme"), 'as ledger = "sqlite:///polysms.db"'),
        (("a\0b.csv",), "cannot be written"),
    ],
)
def test_mistakes(command: Command, kept: Path, arguments: tuple[str, ...], words: str) -> None:
    """What cannot be written is told before anything is, and nothing is written over."""
    (kept.parent / "there.csv").write_text("mine", encoding="utf-8")
    said = command("export", *arguments)

    assert (2, True) == (said.code, words in said.err)
    assert ["mine"] == [path.read_text("utf-8") for path in kept.parent.glob("*.csv*")]


def test_without_pyarrow(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, Parquet says what to install; the others do without."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = command("export", "all.parquet")

    assert (2, "Parquet needs pyarrow: pip install 'polysms[export]'") == (said.code, said.lines[0])
    assert 0 == command("export", "all.csv").code


@KINDS
def test_a_file_has_its_name_once_it_is_whole(tmp_path: Path, kind: str) -> None:
    """Nobody who looks for a file finds half of it, whenever the program dies."""
    target = tmp_path / f"all.{kind}"
    seen = []

    def rows() -> Iterator[dict[str, str]]:
        for place in range(3):
            seen.append(target.exists())
            yield {"id": str(place)}

    formats.writer(str(target), kind, COLUMNS)(rows())

    assert ([False] * 3, [target]) == (seen, list(tmp_path.glob("all*")))


@KINDS
def test_one_that_breaks_leaves_nothing(
    command: Command, kept: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is there under its name only once it is whole."""
    fill(kept, 1200)
    with Ledger(address(kept)) as ledger, ledger._store._writer.connect() as connection:  # type: ignore[attr-defined] # noqa: SLF001 - damage
        connection.exec_driver_sql(
            "UPDATE polysms_messages SET status = 'NONSENSE' WHERE id = 'id-001100'"
        )
        connection.commit()
    said = command("export", f"all.{kind}")

    assert 0 != said.code
    assert [] == [path.name for path in kept.parent.glob("all.*")]


def test_a_reader_that_goes(kept: Path) -> None:
    """A pipe whose reader has gone is quiet, and no failure."""
    fill(kept, 3000)
    with subprocess.Popen(  # noqa: S603 - our own command
        [*POLYSMS, "export", "-", "--config", str(kept)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(PATIENCE)

    assert (0, b"") == (code, said)


class Held(dict[str, Any]):
    """A row that is counted as long as somebody holds it."""

    alive = 0

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        Held.alive += 1

    def __del__(self) -> None:
        Held.alive -= 1


@KINDS
def test_few_rows_are_in_memory(tmp_path: Path, kind: str) -> None:
    """However many rows there are, no more of them are in memory than Parquet keeps together."""
    most = []

    def rows() -> Iterator[Held]:
        for place in range(12_000):
            most.append(Held.alive)
            yield Held(id=str(place))

    count = formats.writer(str(tmp_path / f"all.{kind}"), kind, COLUMNS)(rows())

    assert 12_000 == count
    assert max(most) <= (5000 if kind == "parquet" else 2)


def test_a_walk_reads_page_by_page(kept: Path) -> None:
    """The ledger is read a page at a time, and what is written meanwhile does not make it long."""
    fill(kept, 1100)
    with Ledger(address(kept), clock=stopped(THEN + timedelta(days=1))) as ledger:
        walk = ledger.walk()
        first = next(walk)
        lines, end = written(1_000_000)
        ledger.write_many(lines, [end])
        # Not read yet, so that its page shows it as it is then.
        ledger.forget("id-001099")
        rest = list(walk)

    assert ("id-000000", 1099) == (first.delivery.id, len(rest))
    assert ("id-001099", None) == (rest[-1].delivery.id, rest[-1].delivery.text)
    assert "your code is 1234" == rest[-2].delivery.text


@pytest.mark.unmeasured
def test_postgresql(command: Command, kept: Path, postgres_ledger: None) -> None:
    """PostgreSQL's ledger is exported alike, and in the same order."""
    assert 0 == command("ledger", "upgrade").code
    with Client.from_config(kept) as client:
        ids = [client.send(Message(NUMBER, "hello"), via="null").id for _ in range(3)]
    rows = exported(command, "all.csv")

    assert ids == [row["id"] for row in rows]
    assert ["accepted"] * 3 == [row["attempt_outcome"] for row in rows]
