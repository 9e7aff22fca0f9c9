"""``polysms resolve`` with a ledger: one by its id or key, or all that may have been sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import Client, Message, Status
from polysms.delivery import Attempt
from polysms.ledger import Ledger
from tests.cli.conftest import NUMBER, Command

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("kept", "sandbox")]
#: Accepted, and the connection is closed without an answer.
LOST = "+13135550113"
LONG_AGO = datetime.now(UTC) - timedelta(days=2)


def lost(command: Command, key: str, to: str = LOST) -> dict[str, Any]:
    """Send a text whose answer is lost; return what is printed."""
    said = command("send", "--json", "--to", to, "--key", key, "hello")
    assert 4 == said.code
    printed: dict[str, Any] = json.loads(said.out)
    return printed


def abandoned(kept: Path, id_: str = "id-1") -> None:
    """Write an attempt that a process began that is no more; its provider never got it."""
    attempt = Attempt(
        account="wavix", provider="wavix", reference=f"r-{id_}", lookup="exact",
        started_at=LONG_AGO, expires_at=LONG_AGO + timedelta(seconds=60),
    )  # fmt: skip
    address = f"sqlite:///{kept.parent}/ledger.db"
    with Ledger(address, clock=lambda: LONG_AGO) as ledger:
        ledger.write(id_, Message(NUMBER, "hello"), attempt)


def test_by_key_and_by_id(command: Command, sandbox: str) -> None:
    """One is found by its id or key, written down, and nothing is sent by that."""
    id_ = lost(command, "order-7")["delivery"]["id"]
    before = httpx.get(f"{sandbox}/_sandbox/messages").json()["total"]
    said = command("resolve", "--within", "20s", "order-7")
    again = command("resolve", "--json", id_)

    assert (0, "") == (said.code, said.err)
    assert said.out.startswith(f"{id_}: ")
    assert "wavix has it as " in said.out
    assert (0, id_) == (again.code, json.loads(again.out)["id"])
    assert before == httpx.get(f"{sandbox}/_sandbox/messages").json()["total"]
    assert "MAYBE_SENT" not in command("show", id_).out.splitlines()[0]


def test_all(command: Command, kept: Path) -> None:
    """Without a name all are looked for that may have been sent; the worst is the exit code."""
    first, second = (lost(command, key)["delivery"]["id"] for key in ("a", "b"))
    abandoned(kept)
    command("send", "--via", "null", "--to", NUMBER, "hello")
    said = command("resolve", "--within", "3s")
    lines = dict(line.split(": ", 1) for line in said.out.splitlines())

    assert (4, "") == (said.code, said.err)
    assert ["id-1", first, second] == list(lines)
    assert "still unknown; do not send it again by reflex" == lines["id-1"]
    assert all("wavix has it as" in lines[id_] for id_ in (first, second))


def test_none(command: Command) -> None:
    """A ledger without any is told, and that is no failure."""
    said = command("resolve")

    assert (0, "") == (said.code, said.out)
    assert ["the ledger: holds no message that may have been sent"] == said.lines


def test_without_a_ledger(command: Command) -> None:
    """Without a ledger a file must be given, or a ledger be added."""
    said = command("resolve", "--url", "memory://?sender=Acme")

    assert (2, True) == (said.code, 'as ledger = "sqlite:///polysms.db"' in said.err)


def test_a_file_of_a_message_that_is_known(command: Command, tmp_path: Path) -> None:
    """What a file tells of a message of the ledger is looked for as the ledger knows it."""
    printed = lost(command, "order-7")
    (tmp_path / "sent.json").write_text(json.dumps(printed), encoding="utf-8")
    said = command("resolve", "--within", "20s", "sent.json")

    assert 0 == said.code
    assert "MAYBE_SENT" not in command("show", "order-7").out.splitlines()[0]


def test_what_waits_is_left_alone(command: Command, kept: Path) -> None:
    """Nobody is told to send what a worker will send."""
    with Client.from_config(kept) as client:
        waiting = str(client.enqueue(Message(NUMBER, "hello")).id)
        cancelled = str(client.enqueue(Message(NUMBER, "hello")).id)
        client.cancel(cancelled)
    said, of_program = command("resolve", waiting), command("resolve", "--json", waiting)

    assert 4 == said.code
    assert f"{waiting}: not sent so far; it is sent by itself, so leave it alone\n" == said.out
    assert "PENDING" == json.loads(of_program.out)["status"]
    assert 3 == command("resolve", cancelled).code


def test_no_answer(command: Command, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that gives no answer leaves a message unknown, and the rest is looked for."""
    abandoned(kept, "id-1")
    abandoned(kept, "id-2")
    monkeypatch.setenv("POLYSMS_SANDBOX", "http://127.0.0.1:9")
    said = command("resolve")

    assert (4, 2) == (said.code, said.out.count("still unknown"))
    assert 2 == len(said.lines)


def test_an_account_that_is_gone(command: Command, kept: Path) -> None:
    """A message of an account that is in the configuration no more stays unknown."""
    abandoned(kept)
    kept.write_text(kept.read_text("utf-8").replace("wavix]", "other]"), encoding="utf-8")
    kept.write_text(
        'ledger = "sqlite:///ledger.db"\n[accounts.null]\nsender = "+13135550100"\n', "utf-8"
    )
    said = command("resolve")

    assert (4, True) == (said.code, said.lines[0].startswith("id-1: "))


def test_what_is_only_likely_is_not_written_down(kept: Path, command: Command) -> None:
    """A guess about a message is told to who asks, and changes nothing in the ledger."""
    kept.write_text(
        'ledger = "sqlite:///ledger.db"\n[accounts.signalwire]\nspace = "example"\n'
        'project_id = "p"\napi_token = "canary"\nsender = "+13135550100"\n',
        "utf-8",
    )
    printed = lost(command, "order-7", to="+13135550116")
    with Client.from_config(kept) as client:
        delivery = client.get(printed["delivery"]["id"])
        client.resolve(delivery, within=5, likely=True)

        assert Status.MAYBE_SENT is client.get(str(delivery.id)).status
