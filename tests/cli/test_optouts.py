"""``polysms optouts``: numbers that are sent nothing more, seen, added, taken off, imported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polysms import Client
from tests.cli.conftest import NUMBER, Command

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("kept")]
FRIEND = "+13135550144"


@pytest.fixture
def client(kept: Path) -> Iterator[Client]:
    """Return a client of the same ledger."""
    with Client.from_config(kept) as opened:
        yield opened


def known(client: Client) -> list[tuple[str, str, str, str]]:
    """Return what the ledger has: number, list, tenant, source."""
    return [(one.number, one.list, one.tenant, one.source) for one in client.optouts.list()]


def test_add_and_remove(command: Command, client: Client) -> None:
    """A number is added however it is written, and taken off again; each is told in a line."""
    said = command("optouts", "add", "(313) 555-0123", "--region", "US", "--list", "marketing")
    assert (0, "+1********23 is sent nothing more (list marketing).\n") == (said.code, said.out)
    assert [(NUMBER, "marketing", "", "command")] == known(client)

    again = command("optouts", "add", "+1 313 555 0123", "--list", "marketing")
    assert (0, "+1********23 had opted out already (list marketing).\n") == (again.code, again.out)

    gone = command("optouts", "remove", "+1 313 555 0123")
    assert "+1********23 may be sent messages again (every list).\n" == gone.out
    assert [] == known(client)
    assert "had not opted out" in command("optouts", "remove", "+1 313 555 0123").out


def test_add_in_json(command: Command, client: Client) -> None:
    """A program is told what became of a number; it is masked unless --reveal is given."""
    said = command("optouts", "add", NUMBER, "--tenant", "acme", "--json")
    assert {"number": "+1********23", "list": None, "tenant": "acme", "new": True} == json.loads(
        said.out
    )
    shown = command("optouts", "remove", NUMBER, "--tenant", "acme", "--json", "--reveal")
    assert {"number": NUMBER, "list": None, "tenant": "acme", "removed": True} == json.loads(
        shown.out
    )


def test_send_is_refused(command: Command) -> None:
    """What was added counts for the command that sends: nothing leaves, and exit code 3 says so."""
    command("optouts", "add", NUMBER)

    said = command("send", "--to", NUMBER, "hello", "--via", "null")

    assert 3 == said.code
    assert "has opted out" in said.err


def test_list(command: Command, client: Client) -> None:
    """Every opt-out is a row: its number masked, its list, since when, and how it is known."""
    assert "No number has opted out.\n" == command("optouts", "list").out
    client.optouts.add(NUMBER)
    client.optouts.add(FRIEND, "marketing", tenant="acme", source="inbound:+13135550100")

    header, first, second = command("optouts", "list").out.splitlines()

    assert ["number", "list", "tenant", "since", "(UTC)", "how"] == header.split()
    assert ["+1********23", "every", "list"] == first.split()[:3]
    assert "api" == first.split()[-1]
    assert ["+1********44", "marketing", "acme"] == second.split()[:3]
    assert "inbound:+1********00" == second.split()[-1]
    assert 2 == len(command("optouts", "list", "--list", "marketing").out.splitlines())
    assert 2 == len(command("optouts", "list", "--tenant", "acme").out.splitlines())


def test_list_in_json(command: Command, client: Client) -> None:
    """With --json each opt-out is a line; whole numbers stand there with --reveal alone."""
    client.optouts.add(FRIEND, source="inbound:+13135550100")
    client.optouts.add(NUMBER, "marketing", tenant="acme")

    lines = [json.loads(one) for one in command("optouts", "list", "--json").out.splitlines()]
    whole = command("optouts", "list", "--json", "--reveal").out

    assert [("+1********44", None, None), ("+1********23", "marketing", "acme")] == [
        (one["number"], one["list"], one["tenant"]) for one in lines
    ]
    assert "inbound:+1********00" == lines[0]["source"]
    assert FRIEND in whole
    assert "inbound:+13135550100" in whole


@pytest.mark.parametrize(
    "text",
    [
        "+13135550123\n+13135550144\n",
        "+1 313 555 0123\r\n\r\n+1 (313) 555-0144",
        "name,number\nAnn,+13135550123\nBob,+13135550144\n",
        "\ufeffNumber , name\n+13135550123,Ann\n+13135550144,Bob\n",
        "number\n+13135550123\n+13135550144\n+1 313 555-0123\n",
    ],
)
@pytest.mark.parametrize("stdin", [True, False])
def test_import(
    command: Command, client: Client, tmp_path: Path, text: str, *, stdin: bool
) -> None:
    """A number a line, or the column "number" of a CSV file; from a file, or from stdin."""
    file = tmp_path / "numbers.csv"
    file.write_bytes(text.encode())
    given = {"stdin": text.encode()} if stdin else {}

    said = command("optouts", "import", "-" if stdin else str(file), "--list", "x", **given)

    assert 0 == said.code
    assert "(2 new)" in said.out
    assert [(NUMBER, "x", "", "import"), (FRIEND, "x", "", "import")] == known(client)


def test_import_names_each_bad_row(command: Command, client: Client, tmp_path: Path) -> None:
    """What is no number is named by its line, without the number; all the others are in."""
    file = tmp_path / "numbers.csv"
    file.write_text("name,number\na,+13135550123\nb,\nc,313 555 0150\nd\ne,+13135550144\n")

    said = command("optouts", "import", str(file))

    assert 3 == said.code
    assert "Numbers that are sent nothing more: 2 (2 new).\n" == said.out
    whole = said.err.replace("\n", " ")
    for line in ("line 3:", "line 4:", "line 5:", "left out: 3"):
        assert line in whole
    assert "0150" not in whole
    assert {NUMBER, FRIEND} == {one[0] for one in known(client)}


def test_import_in_json(command: Command, tmp_path: Path) -> None:
    """A program is told how many are in, how many of them are new, and every bad row."""
    file = tmp_path / "numbers.txt"
    file.write_text("+13135550123\nnobody\n" * 30)

    said = command("optouts", "import", str(file), "--json")
    document: Any = json.loads(said.out)

    assert 3 == said.code
    assert (30, 1) == (document["numbers"], document["new"])
    assert list(range(2, 61, 2)) == [one["line"] for one in document["bad"]]


def test_import_again_changes_nothing(command: Command, client: Client, tmp_path: Path) -> None:
    """A file can be imported as often as anybody likes."""
    file = tmp_path / "numbers.txt"
    file.write_text("+13135550123\n")
    command("optouts", "import", str(file))
    before = list(client.optouts.list())

    assert "(0 new)" in command("optouts", "import", str(file)).out
    assert before == list(client.optouts.list())


def test_import_of_many(command: Command, client: Client, tmp_path: Path) -> None:
    """A file of more numbers than one commit takes is in as a whole."""
    file = tmp_path / "numbers.txt"
    file.write_text("".join(f"+1313555{digits:04}\n" for digits in range(1100)))

    assert "(1,100 new)" in command("optouts", "import", str(file)).out
    assert 1100 == len(known(client))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("name,phone\nAnn,+13135550123\n", 'no column "number"'), ("\xff\n", "is not UTF-8")],
)
def test_import_of_what_cannot_be_read(
    command: Command, client: Client, tmp_path: Path, text: str, sentence: str
) -> None:
    """A file of another kind is refused, and nothing of it is guessed at."""
    file = tmp_path / "numbers.csv"
    file.write_text(text, encoding="latin-1")

    said = command("optouts", "import", str(file))

    assert 2 == said.code
    assert sentence in said.err.replace("\n", " ")
    assert [] == known(client)


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "nobody"),
        ("remove", "nobody"),
        ("add", NUMBER, "--list", "all"),
        ("import", "no-such-file"),
        ("import", "-", "--region", "XX"),
    ],
)
def test_wrong_usage(command: Command, arguments: tuple[str, ...]) -> None:
    """What cannot be meant is told in a sentence, with exit code 2."""
    said = command("optouts", *arguments)
    assert 2 == said.code
    assert said.err


def test_without_a_ledger(command: Command, tmp_path: Path) -> None:
    """Without a ledger there is nothing to keep them in, and the remedy is told."""
    (tmp_path / "polysms.toml").write_text('[accounts.null]\nsender = "+13135550102"\n')

    said = command("optouts", "list")

    assert 2 == said.code
    assert "needs a ledger" in said.err


@pytest.mark.parametrize(("rule", "told"), [("none", True), ("marketing", True), ("all", False)])
def test_check_names_routes(command: Command, tmp_path: Path, rule: str, *, told: bool) -> None:
    """``polysms check`` names a route that sends to numbers which have said STOP."""
    (tmp_path / "polysms.toml").write_text(
        'ledger = "sqlite:///ledger.db"\ndefault = "main"\n'
        '[accounts.null]\nsender = "+13135550102"\n'
        f'[routes.main]\naccounts = ["null"]\noptouts = "{rule}"\n'
    )

    out = command("check", "--offline").out
    document = json.loads(command("check", "--offline", "--json").out)

    lines = [line for line in out.splitlines() if line.startswith("  opt-outs")]
    assert told is bool(lines)
    assert (rule == "none") is any("STOP" in line for line in lines)
    assert rule == document["routes"]["main"]["optouts"]


@pytest.mark.parametrize(
    ("rules", "senders", "told"),
    [
        (("marketing", "login"), ("+13135550102", "13135550102"), True),
        (("marketing", "all"), ("+13135550102", "+13135550102"), True),
        (("marketing", "marketing"), ("+13135550102", "+13135550102"), False),
        (("none", "all"), ("+13135550102", "+13135550102"), False),
        (("marketing", "login"), ("+13135550102", "+13135550103"), False),
        (("marketing", "login"), ("Acme", "Acme"), False),
    ],
)
def test_check_names_senders_of_several_lists(
    command: Command,
    tmp_path: Path,
    rules: tuple[str, str],
    senders: tuple[str, str],
    *,
    told: bool,
) -> None:
    """``polysms check`` names a number at which STOP can mean no single list."""
    (tmp_path / "polysms.toml").write_text(
        'ledger = "sqlite:///ledger.db"\ndefault = "sale"\n'
        f'[accounts.null]\nsender = "{senders[0]}"\n'
        f'[accounts.other]\nprovider = "null"\nsender = "{senders[1]}"\n'
        f'[routes.sale]\naccounts = ["null"]\noptouts = "{rules[0]}"\n'
        f'[routes.code]\naccounts = ["other"]\noptouts = "{rules[1]}"\n'
    )

    out = " ".join(command("check", "--offline").out.split())

    assert told is ("serves routes of several opt-out lists (code, sale)" in out)
    assert told is ("several opt-out lists" in out)
