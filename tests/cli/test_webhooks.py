"""``polysms webhooks``: an account's address, and why a webhook is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polysms.webhooks import address
from tests.cli.conftest import Command
from tests.webhooks.forms import FORMS, KEY, PUBLIC, REFERENCE, account

CONFIG = f"""
public_url = "{PUBLIC}"
[accounts.wavix]
api_key = "x"
webhook_token = "token-0123456789abcdef"
[accounts.bare]
provider = "wavix"
api_key = "x"
[accounts.signalwire]
space = "example"
project_id = "p-1"
api_token = "x"
signing_key = "{KEY}"
"""
ADDRESS = f"{PUBLIC}/wavix/token-0123456789abcdef"


@pytest.fixture
def here(command: Command, tmp_path: Path) -> Path:
    """Write a configuration; return its folder."""
    del command
    (tmp_path / "polysms.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def test_url_is_alone_on_a_line(here: Path, command: Command) -> None:
    """An account's address is printed for a program to take as it is."""
    said = command("webhooks", "url", "wavix")

    assert (0, f"{ADDRESS}\n") == (said.code, said.out)


def test_url_for_programs(here: Path, command: Command) -> None:
    """The same as JSON."""
    said = command("webhooks", "url", "wavix", "--json")

    assert {"account": "wavix", "url": ADDRESS} == json.loads(said.out)


@pytest.mark.parametrize(
    ("name", "sentence"), [("bare", "webhook_token: is missing"), ("nobody", "nobody")]
)
def test_no_url(here: Path, command: Command, name: str, sentence: str) -> None:
    """An account that has no address is told why."""
    said = command("webhooks", "url", name)

    assert (2, "", True) == (said.code, said.out, sentence in said.err)


def test_no_public_url(here: Path, command: Command) -> None:
    """Without a public address no account has one."""
    text = CONFIG.replace("public_url", "# public_url")
    (here / "polysms.toml").write_text(text, encoding="utf-8")

    assert "public_url: is missing" in command("webhooks", "url", "wavix").err


def saved(here: Path, url: str, body: bytes, end: str = "\r\n") -> str:
    """Save a signed report of SignalWire to a file, with this URL and body; return its name."""
    of = account("signalwire")
    request = FORMS["signalwire report"].request(of)
    lines = [f"POST {url} HTTP/1.1", *(f"{name}: {said}" for name, said in request.headers.items())]
    head = end.join([*lines, "", ""]).encode()
    (here / "request.txt").write_bytes(head + body)
    return "request.txt"


def whole() -> tuple[str, bytes]:
    """Return the URL and body that SignalWire signed."""
    request = FORMS["signalwire report"].request(account("signalwire"))
    return request.url, request.body


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_request_that_is_right(here: Path, command: Command, end: str) -> None:
    """A saved request is read as it came."""
    said = command("webhooks", "test", "signalwire", saved(here, *whole(), end))

    assert (0, "genuine: the signature is right\n") == (said.code, said.out)


def test_what_differs(here: Path, command: Command) -> None:
    """Which part of a signature is wrong is told."""
    url, body = whole()
    anew = json.dumps(json.loads(body), indent=1).encode()
    said = command("webhooks", "test", "signalwire", saved(here, url, anew))

    assert (3, True) == (said.code, "written anew on the way" in said.out.replace("\n", " "))


def test_what_differs_for_programs(here: Path, command: Command) -> None:
    """Programs are told which part it is."""
    url, body = whole()
    said = command("webhooks", "test", "signalwire", saved(here, url, body + b" "), "--json")
    facts = json.loads(said.out)

    assert (3, "refused", "signature") == (said.code, facts["belief"], facts["part"])


def test_by_options(here: Path, command: Command) -> None:
    """A request may be given in its parts."""
    body = '{"message_id": "m-1", "status": "sent"}'
    (here / "body.json").write_text(body, encoding="utf-8")
    given = ("webhooks", "test", "wavix", "--header", "content-type: application/json")
    by_file = command(*given, "--address", ADDRESS, "--body", "@body.json")
    wrong = command(*given, "--address", f"{ADDRESS}x", "--body", "{}")

    assert (0, "hint: the address is right\n") == (by_file.code, by_file.out)
    assert (3, True) == (wrong.code, "account token" in wrong.out)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{", "body is not JSON"),
        ("[]", "no object"),
        ('{"status": "sent"}', "it is about no message"),
    ],
)
def test_body_that_cannot_be_read(here: Path, command: Command, body: str, sentence: str) -> None:
    """What a receiver answers with 400 is refused here too, for its body."""
    given = ("webhooks", "test", "wavix", "--address", ADDRESS, "--body", body)
    said, facts = command(*given), json.loads(command(*given, "--json").out)

    assert (3, True) == (said.code, said.out.startswith("refused: body: "))
    assert sentence in said.out.replace("\n", " ")
    assert ("refused", "body") == (facts["belief"], facts["part"])


def test_message_that_nobody_signed(here: Path, command: Command) -> None:
    """A message to us needs a signature where its provider signs; an address does not do."""
    of = account("signalwire")
    request = FORMS["signalwire swml"].request(of)
    url = address(of, PUBLIC, REFERENCE)
    (here / "body").write_bytes(request.body)
    said = command(
        *("webhooks", "test", "signalwire", "--address", url),
        *("--header", "content-type: application/json", "--body", "@body"),
    )

    assert (3, "refused: signature: is missing from an inbound message\n") == (said.code, said.out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give the request"),
        (("request.txt", "--address", "x"), "give the request"),
        (("nowhere.txt",), "cannot be read"),
        (("polysms.toml",), "is no request"),
        (("--address", "x", "--header", "y"), "write it as NAME:VALUE"),
        (("--address", "x", "--body", "@nowhere"), "cannot be read"),
    ],
)
def test_wrong_usage(
    here: Path, command: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    """What cannot be read is told in a sentence."""
    said = command("webhooks", "test", "wavix", *arguments)

    assert (2, True) == (said.code, sentence in said.err.replace("\n", " ")), said.err
