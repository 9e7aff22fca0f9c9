"""Rows as messages: what a template may name, what a file may hold, what is wrong with a row."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polysms import ConfigError, InvalidMessage, Message
from polysms.cli.rows import BadRow, Plan, Row, Template, check, records

NUMBER = "+13135550123"


def plan(text: str = "Hi {name}", **changes: Any) -> Plan:
    """Return how rows of ``phone,name,id`` become messages."""
    return Plan(template=Template.parse(text), to_column="phone", **changes)


def lines(*given: str) -> Iterator[tuple[int, list[str]]]:
    """Return the records of lines below the header ``phone,name,id``."""
    return iter(enumerate([line.split(",") for line in ("phone,name,id", *given)], start=1))


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("Hi {name}", ("name",), "Hi Ann"),
        ("{name}{name} {id}", ("name", "id"), "AnnAnn 7"),
        ("no column", (), "no column"),
        ("", (), ""),
        ("{{name}} {{{name}}}", ("name",), "{name} {Ann}"),
        ("{ name }", ("name",), "Ann"),
        ("{name.__class__}", ("name.__class__",), "a dot is a part of the name"),
        ("{name[0]}", ("name[0]",), "so is an index"),
        ("{name!r:>9}", ("name!r:>9",), "and a format"),
        ("{first name}", ("first name",), "and a space"),
    ],
)
def test_template(text: str, columns: tuple[str, ...], expected: str) -> None:
    """Between braces stands a column's name and nothing else; doubled braces are braces."""
    values = {
        "name": "Ann",
        "id": "7",
        "name.__class__": "a dot is a part of the name",
        "name[0]": "so is an index",
        "name!r:>9": "and a format",
        "first name": "and a space",
    }
    template = Template.parse(text)

    assert columns == template.columns
    assert expected == template.filled(values)


def test_values_are_not_templates() -> None:
    """Braces in a value stay as they are."""
    assert "Hi {id}" == Template.parse("Hi {name}").filled({"name": "{id}", "id": "7"})


@pytest.mark.parametrize("text", ["Hi {name", "Hi name}", "{a{b}}", "{", "}"])
def test_a_lone_brace(text: str) -> None:
    """A brace without its other is told with its place, before any file is read."""
    with pytest.raises(ConfigError, match=r"--text: a lone .* at character .*; write it twice"):
        Template.parse(text)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"phone,name\n1,Ann\n", [(1, ["phone", "name"]), (2, ["1", "Ann"])]),
        (b"\xef\xbb\xbfphone\r\n1\r\n", [(1, ["phone"]), (2, ["1"])]),
        (b"phone\n1", [(1, ["phone"]), (2, ["1"])]),
        (b"\n\nphone\n , \n1\n", [(3, ["phone"]), (5, ["1"])]),
        (b'phone\n"two\nlines"\n3\n', [(1, ["phone"]), (2, ["two\nlines"]), (4, ["3"])]),
        (b'phone\n"say ""hi"", you"\n', [(1, ["phone"]), (2, ['say "hi", you'])]),
        ("phone\nGrüße\n".encode(), [(1, ["phone"]), (2, ["Grüße"])]),
        (b"", []),
    ],
)
def test_records(tmp_path: Path, written: bytes, expected: list[tuple[int, list[str]]]) -> None:
    """A record has the line it begins on, whatever stands in it; blank lines are left out."""
    file = tmp_path / "people.csv"
    file.write_bytes(written)

    assert expected == list(records(str(file)))


def test_records_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads standard input, with another delimiter as well."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfa;b\n1;2\n")))

    assert [(1, ["a", "b"]), (2, ["1", "2"])] == list(records("-", ";"))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (b'phone\n1\n"never closed\n2\n', "is no CSV after line 2: unexpected end of data"),
        (b'phone\n"a"b\n', "is no CSV after line 1"),
        (b"phone\n" + b"x" * 200_000, "is no CSV after line 1: field larger"),
        ("phone\nGrüße\n".encode("latin-1"), ": line 2 is not UTF-8 text"),
        ("phone\n1\n".encode("utf-16"), ": line 1 is not UTF-8 text"),
        (b"phone\n" + b"1\r\n" * 9_000 + b"\xff\n", ": line 9002 is not UTF-8 text"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_csv(tmp_path: Path, written: bytes | None, words: str) -> None:
    """A file that cannot be read to its end is an error that says where."""
    file = tmp_path / "people.csv"
    if written is not None:
        file.write_bytes(written)

    with pytest.raises(ConfigError, match=words):
        list(records(str(file)))


def test_what_is_no_path() -> None:
    """A path that no system takes is told."""
    with pytest.raises(ConfigError, match="is no path"):
        list(records("a\0b"))


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", " "])
def test_what_is_no_delimiter(delimiter: str) -> None:
    """A delimiter is one character that means nothing else."""
    with pytest.raises(ConfigError, match="--delimiter: write one character"):
        list(records("-", delimiter))


def test_every_row_is_looked_at() -> None:
    """Good rows are kept with line, number, key and text; bad ones with line and reason."""
    given = (
        "+1 313 555-0123, Ann ,a",
        "+13135550124,,b",
        "3135550125,Cid,c",
        "+13135550126,Dee,a",
        "+13135550127,Eve",
        "+13135550128,Fay,d,e",
        "+13135550123,Gus, ",
        "+13135550123,Hal,h",
    )
    found = check(lines(*given), plan(key_column="id"))

    assert (Row(2, NUMBER, "Hi  Ann ", "a"), Row(9, NUMBER, "Hi Hal", "h")) == found.good
    assert (9,) == found.repeated
    assert (
        BadRow(3, "column 'name' is empty"),
        BadRow(
            4,
            "number '3*******25' has no country code: begin with \"+\" and the country code, "
            "or say where it is written, as --region US",
        ),
        BadRow(5, "has the same key as line 2"),
        BadRow(6, "has 2 fields where the header has 3"),
        BadRow(7, "has 4 fields where the header has 3"),
        BadRow(8, "column 'id' is empty"),
    ) == found.bad


def test_a_column_that_is_not_used_may_be_empty() -> None:
    """Only what a message needs must be there."""
    assert 1 == len(check(lines(f"{NUMBER},,"), plan("Hi")).good)


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("(313) 555-0123", "US", NUMBER),
        (" 313-555-0123 ", "us", NUMBER),
        (NUMBER, "GB", NUMBER),
        ("988", "US", "988"),
        ("988", None, "988"),
    ],
)
def test_region(number: str, region: str | None, expected: str) -> None:
    """With a region, numbers may be written as people there write them."""
    found = check(lines(f"{number},Ann,a"), plan(region=region))

    assert [expected] == [row.to for row in found.good]


def test_smart_texts() -> None:
    """What makes a text better makes it so before it is checked and shown."""
    found = check(lines(f"{NUMBER},“Ann”,a"), plan(better=lambda text: text.replace("“", '"')))

    assert ['Hi "Ann”'] == [row.text for row in found.good]


@pytest.mark.parametrize(
    ("header", "changes", "words"),
    [
        ("phone,nam,id", {}, "--text: the header has no column 'name'; did you mean \"nam\""),
        ("fone,name,id", {}, "--to-column: the header has no column 'phone'"),
        ("phone,name", {"key_column": "id"}, "--key-column: the header has no column 'id'"),
        ("phone,name,name", {}, "the header has 'name' twice"),
        ("+13135550123,Ann", {}, r"known are \+1\*{8}23, Ann"),
        (None, {}, "--csv: the file is empty"),
        ("phone,name", {"region": "Mars"}, "--region: 'Mars' is not a two-letter country"),
    ],
)
def test_what_is_wrong_with_all_rows(
    header: str | None, changes: dict[str, Any], words: str
) -> None:
    """A column that is not there is told once, with the nearest, and no number is shown."""
    given = iter([] if header is None else [(1, header.split(","))])
    with pytest.raises(ConfigError, match=words) as caught:
        check(given, plan(**changes))

    assert "3135550123" not in str(caught.value)


def test_nameless_columns_may_be_many() -> None:
    """A spreadsheet's empty columns, which have no name, harm nobody."""
    header = [(1, ["phone", "name", "", ""]), (2, [NUMBER, "Ann", "", ""])]

    assert 1 == len(check(iter(header), plan()).good)


def test_what_is_wrong_in_every_message() -> None:
    """What no row decides is one error, not one for each row."""

    def message(to: str, text: str) -> Message:
        return Message(to, text, tag="")

    with pytest.raises(InvalidMessage, match="tag"):
        check(lines(f"{NUMBER},Ann,a", f"{NUMBER},Bob,b"), plan(message=message))


def test_nothing_private_is_shown() -> None:
    """A row may be printed: its number is masked, its text is left out."""
    shown = repr(Row(2, NUMBER, "secret", NUMBER)) + repr(BadRow(3, f"number {NUMBER}"))

    assert "secret" not in shown
    assert NUMBER.lstrip("+") not in shown
