"""``polysms doctor``, against the sandbox: well, and with each kind of trouble."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import Client
from polysms.cli.doctor_send import TEXT
from polysms.sandbox import Behaviour, running
from polysms.server import Receiver
from tests.cli.conftest import NUMBER, PATIENCE, POLYSMS, Command, Said
from tests.client import offering
from tests.faults import FaultServer, answering, write_authority
from tests.server.test_loopback import served

CONFIG = """
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
timeouts = { read = 2.0 }
[accounts.carrierx]
token = "canary-carrierx"
sender = "+13135550101"
[accounts.unready]
provider = "carrierx"
token = "canary-carrierx"
sender = "+13135550196"
[accounts.signalwire]
space = "demo"
project_id = "p"
api_token = "canary-signalwire"
sender = "+13135550102"
[accounts.compat]
provider = "signalwire-compat"
space = "demo"
project_id = "p"
api_token = "canary-signalwire"
sender = "+13135550102"
[accounts.locked]
provider = "wavix"
api_key = "canary-invalid"
sender = "+13135550100"
[accounts.null]
sender = "+13135550102"
"""
SENDING = ("wavix", "carrierx", "signalwire", "compat")
TO = ("--send-to", NUMBER, "--yes", "--timeout", f"{PATIENCE}s")
Change = Callable[[str, Any], Any]

pytestmark = pytest.mark.one_python


@pytest.fixture(autouse=True)
def here(command: Command, tmp_path: Path) -> Path:
    """Write the configuration; return its path."""
    del command
    path = tmp_path / "polysms.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


class Altered(httpx.BaseTransport):
    """Leads to the sandbox, and changes what it answers."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request; its answer is changed, unless it is none."""
        response = self._real.handle_request(request)
        data = self._change(f"{request.method} {request.url.path}", json.loads(response.read()))
        if data is None:
            return httpx.Response(404, json={"success": False})
        return httpx.Response(response.status_code, json=data)

    def close(self) -> None:
        """Close the connections."""
        self._real.close()


def graded(said: Said, grade: str = "differs") -> dict[str, str]:
    """Return what has this grade in what a run told a program, by what it is about."""
    document = json.loads(said.out)
    assert said.code == document["exit_code"]
    found = [one for account in document["accounts"] for one in account["findings"]]
    return {one["about"]: one["text"] for one in found if one["grade"] == grade}


def received(sandbox: str) -> list[dict[str, Any]]:
    """Return the doctor's own texts that the phones got since the last time."""
    items: list[dict[str, Any]] = httpx.get(f"{sandbox}/_sandbox/messages").json()["items"]
    httpx.post(f"{sandbox}/_sandbox/reset")
    return [item for item in items if item["text"] == TEXT]


def test_reads_send_nothing(command: Command, sandbox: str) -> None:
    """Without --send-to nothing is sent, and what is not offered is no fault."""
    received(sandbox)
    said = command("doctor", *SENDING)
    assert (0, "", []) == (said.code, said.err, received(sandbox))
    assert ["Nothing differs."] == said.out.splitlines()[-1:]
    assert {80} >= {len(line) for line in said.out.splitlines() if len(line) > 79}
    for words in ("309.06 USD", "not offered by CarrierX", "can send (status enabled)"):
        assert words in said.out


@pytest.mark.usefixtures("sandbox")
def test_program_gets_it_all(command: Command) -> None:
    """JSON has the same findings, and numbers are masked in it."""
    document = json.loads(command("doctor", "wavix", "--json").out)
    (account,) = document["accounts"]
    assert (True, 0) == (document["ok"], document["exit_code"])
    assert ("wavix", "wavix", None) == (account["account"], account["provider"], account["sent"])
    assert {"credentials", "latency", "clock", "TLS", "identity", "balance"} == {
        one["about"] for one in account["findings"] if not one["about"].startswith("sender")
    }
    assert "sender +1********00" in {one["about"] for one in account["findings"]}


@pytest.mark.parametrize("account", SENDING)
def test_one_text_is_measured(command: Command, sandbox: str, account: str) -> None:
    """One text is sent, and all of its way is told: look-ups, statuses, report, segments, price."""
    received(sandbox)
    said = command("doctor", account, *TO, "--json")
    sent = json.loads(said.out)["accounts"][0]["sent"]

    assert ({}, 0) == (graded(said), said.code)
    assert 1 == len(received(sandbox))
    assert ("DELIVERED", 1, 1) == tuple(
        sent[name] for name in ("status", "segments_predicted", "segments_billed")
    )
    assert None not in (sent["price"], sent["provider_id"], sent["by_id_after"])
    assert sent["by_list_after"] > 0 < sent["ended_after"]
    assert "delivered" == sent["statuses"][-1]["raw_status"]


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("locked", {"credentials": "HTTP 401"}),
        ("unready", {"sender +1********96": "cannot send: status in_progress"}),
    ],
)
def test_what_is_wrong_with_an_account(
    command: Command, sandbox: str, account: str, told: dict[str, str]
) -> None:
    """Refused credentials and a sender that may not send are told, with exit code 3."""
    said = command("doctor", account, "--json")
    found = graded(said)
    assert 3 == said.code
    assert told.keys() == found.keys()
    assert all(words in found[about] for about, words in told.items())


def test_nothing_is_sent_without_good_credentials(command: Command, sandbox: str) -> None:
    """Where nobody is let in, no text is tried."""
    received(sandbox)
    said = command("doctor", "locked", *TO, "--json")
    assert (3, []) == (said.code, received(sandbox))
    assert None is json.loads(said.out)["accounts"][0]["sent"]


def _no_echo(at: str, data: Any) -> Any:
    for item in data.get("items", [data]):
        item.pop("tag", None) if at == "POST /v3/messages" else item.update(tag=None)
    return data


def _new_field(at: str, data: Any) -> Any:
    return {**data, "shiny": "+13135550123", "segments": "1"} if at.startswith("POST") else data


def _billed(_: str, data: Any) -> Any:
    return {**data, "segments": 2} if "segments" in data else data


def _no_list(at: str, data: Any) -> Any:
    return {**data, "items": []} if at == "GET /v3/messages" else data


def _no_fetch(at: str, data: Any) -> Any:
    return None if at.startswith("GET /v3/messages/") and "sender" not in at else data


def _strange(at: str, data: Any) -> Any:
    return {**data, "status": "zapped"} if at.startswith("GET /v3/messages/") else data


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            _no_echo,
            {
                "answer": "documented and absent: tag",
                "reference in answer": "does not come back",
                "reference in look-up by id": "does not come back",
                "reference in list": "does not come back",
            },
        ),
        (_new_field, {"answer": "not documented: shiny"}),
        (_billed, {"segments": "1 predicted, 2 billed"}),
        (_no_list, {"list": "did not know it within"}),
        (
            _no_fetch,
            {"look-up by id": "did not know it within", "report by asking": "not within"},
        ),
        (_strange, {"statuses": "'zapped' is in no document", "report by asking": "not within"}),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_what_differs(
    command: Command, monkeypatch: pytest.MonkeyPatch, change: Change, told: dict[str, str]
) -> None:
    """What is not as documented is told by its name, without values; the text was sent once."""
    monkeypatch.setattr("polysms.client.sync.make_sync", lambda _: Altered(change))
    said = command("doctor", "wavix", "--send-to", NUMBER, "--yes", "--timeout", "2s", "--json")
    found = graded(said)
    assert 3 == said.code
    assert told.keys() == found.keys()
    assert all(words in found[about] for about, words in told.items())


def test_wrong_type_is_told_beside_the_new_field(
    command: Command, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several differences of one answer are told each in its line, and how to report them."""
    monkeypatch.setattr("polysms.client.sync.make_sync", lambda _: Altered(_new_field))
    out = " ".join(command("doctor", "wavix", *TO).out.split())
    assert "segments is text, documented: whole" in out
    assert "2 differs." in out
    assert "worth telling" in out


@pytest.mark.parametrize(
    ("digits", "told"),
    [
        ("0115", {"send": "It is not sent again", "answer": "documented and absent: message_id"}),
        ("0110", {"send": "It is not sent again"}),
        ("0113", {"send": "It is not sent again"}),
        ("0109", {"send": "It is not sent again"}),
    ],
)
def test_unclear_send(command: Command, sandbox: str, digits: str, told: dict[str, str]) -> None:
    """Where nobody can tell, that is what is told; it is looked for, and never sent again."""
    received(sandbox)
    words = ("--send-to", f"+1313555{digits}", "--yes", "--timeout", f"{PATIENCE}s", "--json")
    said = command("doctor", "wavix", *words)
    found = graded(said)
    (sent,) = [account["sent"] for account in json.loads(said.out)["accounts"]]

    assert (4, 1) == (said.code, len(received(sandbox)))
    assert (True, True) == (sent["unclear"], sent["provider_id"] is not None)
    assert all(words in found[about] for about, words in told.items())
    assert "it was taken" in graded(said, "fine")["found again"]


def test_unclear_send_that_is_not_found(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not found in time may have been sent all the same."""
    with running(behaviour=Behaviour(speed=0.01, hang_seconds=5)) as slow:
        monkeypatch.setenv("POLYSMS_SANDBOX", slow.url)
        words = ("--send-to", "+13135550113", "--yes", "--timeout", "1s", "--json")
        said = command("doctor", "wavix", *words)
    assert 4 == said.code
    assert "may have been sent" in graded(said, "could not tell")["found again"]


@pytest.mark.parametrize("digits", ["0105", "0107"])
def test_refused_send(command: Command, sandbox: str, digits: str) -> None:
    """A refusal is surely not sent: exit code 3."""
    received(sandbox)
    said = command("doctor", "wavix", "--send-to", f"+1313555{digits}", "--yes", "--json")
    assert (3, []) == (said.code, received(sandbox))
    assert graded(said)["send"].startswith("surely not sent: wavix (Wavix) refused the message")


def test_slow_provider(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that lags and a report that does not come are told with the time."""
    with running(behaviour=Behaviour(speed=0.01)) as slow:
        monkeypatch.setenv("POLYSMS_SANDBOX", slow.url)
        words = ("--send-to", NUMBER, "--yes", "--timeout", "1s", "--json")
        said = command("doctor", "wavix", *words)
    assert {"list", "report by asking"} == graded(said).keys()
    assert all("within 1." in text for text in graded(said).values())


@pytest.mark.parametrize(
    ("header", "grade", "words"),
    [
        ("Date: Sat, 21 Nov 2015 07:30:00 GMT\r\n", "differs", "behind ours"),
        ("", "could not tell", "no Date that can be read"),
    ],
)
def test_clock(command: Command, here: Path, header: str, grade: str, words: str) -> None:
    """A provider's clock that is wrong is told; one that is not said cannot be."""
    with FaultServer(answering("200 OK", b"{}", header)) as server:
        base = f'base_url = "{server.url}"\napi_key = "canary"\nsender = "Acme"\n'
        here.write_text(f"[accounts.wavix]\n{base}", encoding="utf-8")
        said = command("doctor", "--json")
    assert words in graded(said, grade)["clock"]


@pytest.mark.parametrize(
    ("trusted", "host", "told"),
    [
        (True, "127.0.0.1", ("fine", "TLSv1.")),
        (False, "127.0.0.1", ("differs", "cannot be verified")),
        (True, "elsewhere.example", ("differs", "cannot be verified")),
    ],
)
def test_encryption(
    command: Command, here: Path, *, trusted: bool, host: str, told: tuple[str, str]
) -> None:
    """The version and the certificate's end are told; one that nobody vouches for is wrong."""
    fault = answering("200 OK", b"{}", "Date: Sat, 21 Nov 2026 07:30:00 GMT\r\n")
    with FaultServer(fault, tls=True, certificate_for=host) as server:
        lines = [f'base_url = "{server.url}"', 'api_key = "canary"', 'sender = "Acme"']
        lines += [f'ca = "{write_authority(here.parent)}"'] if trusted else []
        here.write_text("\n".join(["[accounts.wavix]", *lines]), encoding="utf-8")
        said = command("doctor", "--json")
    grade, words = told
    assert words in graded(said, grade)["TLS"]


@pytest.mark.usefixtures("closed_port")
def test_nobody_answers(command: Command) -> None:
    """Where nobody answers, the credentials may be good: that is not known, and told so."""
    said = command("doctor", "wavix", "--json")
    assert "gave no answer" in graded(said, "could not tell")["credentials"]


@pytest.mark.parametrize("provider", ["Mute", "Parrot"])
def test_third_party(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    """An adapter of somebody else is asked for what it offers, and the rest is said not to be."""
    monkeypatch.setattr("polysms.client.sync.make_sync", lambda _: offering.repeating([]))
    lines = f'provider = "tests.client.offering:{provider}"\nsender = "Acme"\n'
    here.write_text(f"[accounts.own]\n{lines}", encoding="utf-8")
    said = command("doctor", "--json")
    silent = graded(said, "could not tell")
    # Parrot's sender is too new to send.
    assert (0 if provider == "Mute" else 3) == said.code
    assert (provider == "Mute") is ("identity" in silent)
    assert "not offered by Mute" == silent["credentials"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "+13135550100"), "--from: is for the text of --send-to"),
        (("--timeout", "5s"), "--timeout: is for the text of --send-to"),
        (("--send-to", NUMBER, "--yes"), "sends one text: name one account"),
        (("wavix", "carrierx", "--send-to", NUMBER, "--yes"), "sends one text: name one"),
        (("null", "--send-to", NUMBER, "--yes"), "sends nothing to a phone"),
        (("wavix", "--send-to", NUMBER), "there is no terminal to ask on"),
        (("wavix", "--send-to", "hello", "--yes"), "hello"),
        (("wavix", "--send-to", NUMBER, "--yes", "--timeout", "soon"), "--timeout"),
        (("nobody",), "nobody"),
    ],
)
def test_wrong_usage(command: Command, sandbox: str, words: tuple[str, ...], told: str) -> None:
    """Wrong usage ends with 2 before anybody is asked, and nothing is sent."""
    received(sandbox)
    said = command("doctor", *words)
    assert (2, True, []) == (said.code, told in said.err, received(sandbox))


@pytest.mark.usefixtures("sandbox")
def test_unfinished_account(command: Command, here: Path) -> None:
    """An account that cannot be used is told among the others."""
    text = CONFIG.replace('"canary-carrierx"', '"${POLYSMS_NO_SUCH}"', 1)
    here.write_text(f'default = "wavix"\n{text}', encoding="utf-8")
    said = command("doctor", "--json")
    assert "cannot be used" in graded(said)["configuration"]


@pytest.mark.parametrize(("answer", "code", "count"), [("y", 0, 1), ("n", 2, 0), ("", 2, 0)])
def test_consent(here: Path, sandbox: str, answer: str, code: int, count: int) -> None:
    """On a terminal it asks before it sends; only a yes sends."""
    received(sandbox)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    words = ("doctor", "wavix", "--send-to", NUMBER, "--timeout", f"{PATIENCE}s")
    done = subprocess.run(  # noqa: S603 - our own command
        [*POLYSMS, *words],
        stdin=theirs,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        cwd=here.parent,
    )
    os.close(ours)
    os.close(theirs)
    assert (code, count) == (done.returncode, len(received(sandbox)))
    assert "Send one text to +1********23 through wavix?" in done.stderr


@pytest.mark.parametrize("interrupted", [KeyboardInterrupt, RuntimeError])
def test_broken_off(
    command: Command,
    sandbox: str,
    monkeypatch: pytest.MonkeyPatch,
    interrupted: type[BaseException],
) -> None:
    """Ctrl-C ends the following and tells what is known; a bug of ours is never "not sent"."""
    received(sandbox)

    def stop(_: float) -> None:
        raise interrupted

    monkeypatch.setattr("polysms.cli.doctor_follow.time.sleep", stop)
    said = command("doctor", "wavix", *TO, "--json")
    assert 1 == len(received(sandbox))
    if interrupted is KeyboardInterrupt:
        assert "was stopped after" in graded(said, "could not tell")["following"]
        assert 0 == said.code
    else:
        assert (4, "MaybeSent") == (said.code, json.loads(said.out)["type"])


def test_webhook_is_heard(
    command: Command, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that a receiver keeps in the ledger is told with its time and our reference."""
    with (
        running(behaviour=Behaviour(speed=20)) as house,
        socket.create_server(("127.0.0.1", 0)) as bound,
    ):
        monkeypatch.setenv("POLYSMS_SANDBOX", house.url)
        kept = f'ledger = "sqlite:///{tmp_path}/ledger.db"\n'
        kept += f'public_url = "http://127.0.0.1:{bound.getsockname()[1]}/hooks"\n'
        token = 'api_key = "canary-wavix"\nwebhook_token = "token-0123456789abcdef"'
        text = CONFIG.replace('api_key = "canary-wavix"', token)
        here.write_text(f'{kept}default = "wavix"\n{text}', encoding="utf-8")
        with Client.from_config(here) as client, served(Receiver(client), bound):
            said = command("doctor", "wavix", *TO, "--json")
    fine = graded(said, "fine")
    assert (0, "kept in the ledger") == (said.code, fine["report by webhook"][:18])
    assert "our reference in tag" in fine["report by webhook"]
