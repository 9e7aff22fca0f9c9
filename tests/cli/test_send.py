"""``polysms send`` where nothing goes wrong, with accounts that keep their messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, Config, ConfigError
from polysms.cli.options import message_options, moment, seconds
from polysms.message import Message
from tests.cli.conftest import NUMBER, Command

MEMORY = "memory://?sender=Acme"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Message, dict[str, Any]]]:
    """Return what the command hands to ``Client.send``, as it does so."""
    seen: list[tuple[Message, dict[str, Any]]] = []
    real = Client.send

    def noted(self: Client, message: Message, **wishes: Any) -> object:
        seen.append((message, wishes))
        return real(self, message, **wishes)

    monkeypatch.setattr(Client, "send", noted)
    return seen


def test_every_option_arrives(
    command: Command, sent: list[tuple[Message, dict[str, Any]]], tmp_path: Path
) -> None:
    """Each option of the command is a field of the message or a wish of the send."""
    file = tmp_path / "sms.toml"
    file.write_text(
        'default = "b"\n[accounts.a]\nprovider = "memory"\nsender = ["Acme", "Bolt"]\n'
        '[accounts.b]\nprovider = "null"\n',
        encoding="utf-8",
    )
    said = command(
        *("send", "--config", str(file), "--to", NUMBER, "--from", "Bolt", "--via", "a"),
        *("--media", "https://example.com/a.png", "--media", "https://example.com/b.png"),
        *("--valid-for", "2m", "--tag", "orders", "--deadline", "30s", "--on-maybe-sent", "next"),
        *("--status-callback", "https://example.com/dlr"),
        *("--option", "wavix.smart_encoding=true", "--option", "signalwire.send_as_mms=false"),
        "hello",
    )
    expected = Message(
        NUMBER,
        "hello",
        from_="Bolt",
        media=("https://example.com/a.png", "https://example.com/b.png"),
        valid_for=120,
        tag="orders",
        status_callback="https://example.com/dlr",
        options={"wavix": {"smart_encoding": True}, "signalwire": {"send_as_mms": False}},
    )

    assert (0, "") == (said.code, said.err)
    assert [(expected, {"via": "a", "on_maybe_sent": "next", "deadline": 30.0})] == sent


def test_human_output(command: Command) -> None:
    """People see the status, then what is known, numbers masked; no advice where none is due."""
    said = command("send", "--url", MEMORY, "--to", NUMBER, "hello")
    first, *rest = said.out.splitlines()

    assert "SENT, accepted by memory" == first
    assert "  to           +1********23" in rest
    assert "  segments     1" in rest
    assert not any(line.startswith(("Follow", "Tried", "--smart")) for line in rest)


def test_json_output(command: Command) -> None:
    """Programs get the whole delivery, numbers masked unless they ask."""
    arguments = ("send", "--json", "--url", MEMORY, "--to", NUMBER, "hello")
    masked, whole = command(*arguments), command(*arguments, "--reveal")

    assert "+1********23" == json.loads(masked.out)["to"]
    assert NUMBER == json.loads(whole.out)["to"]
    assert "accepted" == json.loads(whole.out)["attempts"][0]["outcome"]


def test_text_from_standard_input(
    command: Command, sent: list[tuple[Message, dict[str, Any]]]
) -> None:
    """A dash reads the text from standard input, less the newline that ends it."""
    command("send", "--url", MEMORY, "--to", NUMBER, "-", stdin="Grüße\n\nK\r\n".encode())

    assert "Grüße\n\nK" == sent[0][0].text


def test_smart_says_what_it_changed(
    command: Command, sent: list[tuple[Message, dict[str, Any]]]
) -> None:
    """``--smart`` replaces what makes a text dear, and says so to people and to programs."""
    arguments = ("send", "--url", MEMORY, "--to", NUMBER, "--smart", "“Hi”… me")
    told = command(*arguments).out
    changes = json.loads(command(*arguments, "--json").out)["smart"]

    assert ['"Hi"... me'] * 2 == [message.text for message, _ in sent]
    assert "Smart encoding changed '“' to '\"', '”' to '\"', '…' to '...'" in told
    assert {"position": 0, "old": "“", "new": '"'} == changes[0]


def test_many_smart_changes_are_counted(command: Command) -> None:
    """A long list of changes is cut, and it can be seen that it is."""
    told = command("send", "--url", MEMORY, "--to", NUMBER, "--smart", "…" * 20).out

    assert told.rstrip().endswith("and 12 more")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("“" + "x" * 100, "--smart makes 1 of 2 segments: '“' and the like are not in GSM-7"),
        ("“", None),
        ("x" * 200, None),
        ("ж" * 100, None),
    ],
)
def test_advice_to_use_smart(command: Command, text: str, advice: str | None) -> None:
    """Where smart encoding would save a segment, that is said; elsewhere nothing is."""
    told = command("send", "--url", MEMORY, "--to", NUMBER, text).out

    assert (advice in told) if advice else ("--smart" not in told)


def test_accounts_that_were_skipped_are_told(command: Command, tmp_path: Path) -> None:
    """A message that went another way says why."""
    file = tmp_path / "sms.toml"
    file.write_text(
        '[accounts.first]\nprovider = "memory"\nsender = "Bolt"\n'
        '[accounts.second]\nprovider = "memory"\nsender = "Acme"\n'
        '[routes.main]\naccounts = ["first", "second"]\n',
        encoding="utf-8",
    )
    said = command(
        *("send", "--config", str(file), "--via", "main", "--from", "Acme", "--to", NUMBER, "x")
    )

    assert 0 == said.code
    assert "Skipped first: account first does not list this sender" in said.out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), {}),
        (("wavix.tag=a=b",), {"wavix": {"tag": "a=b"}}),
        (("wavix.smart_encoding=false",), {"wavix": {"smart_encoding": False}}),
        (
            ("carrierx.group_recipients=+13135550124", "carrierx.group_recipients=+13135550125"),
            {"carrierx": {"group_recipients": ("+13135550124", "+13135550125")}},
        ),
        (
            ("signalwire.custom_variables.order=17", "signalwire.custom_variables.shop=a.b"),
            {"signalwire": {"custom_variables": {"order": "17", "shop": "a.b"}}},
        ),
    ],
)
def test_options(given: tuple[str, ...], expected: dict[str, Any]) -> None:
    """``--option`` gives what one provider alone has, of the type its field wants."""
    assert expected == message_options(given, Config.from_url(MEMORY))


def test_options_of_a_provider_of_ones_own() -> None:
    """A provider that only the configuration knows takes options too."""
    config = Config.from_mapping(
        {"accounts": {"own": {"provider": "polysms.providers.wavix:Wavix", "api_key": "k"}}}
    )
    name = config.accounts["own"].provider_name

    assert {name: {"tag": "a"}} == message_options((f"{name}.tag=a",), config)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30", 30.0), ("30s", 30.0), ("2m", 120.0), ("1.5h", 5400.0), ("7d", 604_800.0)],
)
def test_seconds(text: str, expected: float) -> None:
    """A duration is written as people write it."""
    assert expected == seconds("--deadline", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21", "2026-11-21T00:00:00+00:00"),
        ("2026-11-21T07:30", "2026-11-21T07:30:00+00:00"),
        ("2026-11-21T07:30+02:00", "2026-11-21T07:30:00+02:00"),
        ("2h", "2026-11-21T05:30:00+00:00"),
        ("1d", "2026-11-20T07:30:00+00:00"),
    ],
)
def test_moment(text: str, expected: str) -> None:
    """A time is an ISO time, UTC unless it says otherwise, or how long ago."""
    found = moment("--since", text, datetime(2026, 11, 21, 7, 30, tzinfo=UTC))

    assert found is not None
    assert expected == found.isoformat()


def test_no_moment_and_no_seconds() -> None:
    """What is not given stays open."""
    assert (None, None) == (seconds("--deadline", None), moment("--since", None, datetime.now(UTC)))


def test_a_wrong_option_says_where_it_was_read() -> None:
    """A mistake on the command line is said to be there."""
    with pytest.raises(ConfigError, match="in the command line"):
        seconds("--deadline", "soon")
