"""``polysms rehearse``: lines in, what changes out, and nobody is asked."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from polysms.cli.lines import LONGEST_LINE, message_in
from polysms.message import Message
from tests.cli.conftest import NUMBER, Command

pytestmark = pytest.mark.one_python

CONFIG = """
default = "wavix"

[accounts.wavix]
api_key = "canary"
sender = "+13135550100"

[accounts.signalwire]
space = "example"
project_id = "p-1"
api_token = "canary"
sender = "+13135550100"

[accounts.carrierx]
token = "canary"
sender = "+13135550121"
"""
PRICES = """
[prices]
wavix = { "+1" = 0.01 }
signalwire = { "+1" = 0.0083 }
"""
PAIR = ("--from", "wavix", "--to", "signalwire")


@pytest.fixture(autouse=True)
def configured(command: Command, closed_port: None) -> None:
    """Write the configuration; whoever asked a provider would get no answer."""
    del command, closed_port
    Path("polysms.toml").write_text(CONFIG, encoding="utf-8")


def line(**fields: Any) -> bytes:
    """Return a message as a line of JSON."""
    return json.dumps({"to": NUMBER, "text": "x", **fields}).encode() + b"\n"


def media(count: int) -> list[str]:
    """Return so many media."""
    return [f"https://example.com/{number}.png" for number in range(count)]


SAME = line()
CHANGED = line(valid_for=600)
IMPOSSIBLE = line(text="x" * 1601)
BAD = b"{\n"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (b"", 0),
        (SAME, 0),
        (SAME + CHANGED, 0),
        (SAME + IMPOSSIBLE + CHANGED, 3),
        (SAME + BAD + CHANGED, 2),
        (IMPOSSIBLE + BAD, 2),
        (b"\n\n" + SAME + b"  \r\n", 0),
        (SAME.rstrip(b"\n"), 0),
        (b"\xef\xbb\xbf" + SAME, 0),
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_exit_codes(command: Command, lines: bytes, code: int, form: tuple[str, ...]) -> None:
    """All can be said: 0; some cannot: 3; some lines are no messages, so nobody knows: 2."""
    assert code == command("rehearse", *PAIR, *form, "-", stdin=lines).code


def test_what_people_see(command: Command) -> None:
    """The lines that differ and what changes in each, what they come to, and the segments."""
    Path("m.jsonl").write_bytes(
        SAME + CHANGED + b"\n" + IMPOSSIBLE + line(media=media(2), text="y" * 500)
    )

    said = command("rehearse", *PAIR, "m.jsonl")

    assert [
        "line what changes",
        "   2 valid_for has no word there: polysms stops after it itself",
        "   4 no longer possible: SignalWire: takes at most 1600 characters of text in an",
        "     SMS, the message has 1601",
        "",
        "From wavix to signalwire:",
        "  lines       4",
        "  same        2",
        "  changed     1",
        "  impossible  1",
        "  bad         0",
        "",
        "kind account    messages segments",
        "sms  wavix             3       13",
        "sms  signalwire        2        2",
        "mms  wavix             1        1",
        "mms  signalwire        1        1",
    ] == [shown.rstrip() for shown in said.out.splitlines()]
    assert (3, "") == (said.code, said.err)


def test_price_lists_make_segments_money(command: Command) -> None:
    """Where the configuration lists prices, the sums say what is spent, and what has no price."""
    Path("polysms.toml").write_text(CONFIG + PRICES, encoding="utf-8")
    lines = line(text="x" * 161) + line(to="+442079460123") + line(media=media(1))

    said = command("rehearse", *PAIR, "-", stdin=lines).out.splitlines()

    assert [
        "kind account    messages segments   cost unlisted",
        "sms  wavix             2        3   0.02        1",
        "sms  signalwire        2        3 0.0166        1",
        "mms  wavix             1        1               1",
        "mms  signalwire        1        1               1",
    ] == [shown.rstrip() for shown in said[-5:]]


def test_a_group_has_no_listed_price(command: Command) -> None:
    """A price list speaks of an SMS and of media: a group without media is neither."""
    Path("polysms.toml").write_text(CONFIG + '[prices]\ncarrierx = { "+1" = 0.01 }\n', "utf-8")
    stdin = line(options={"carrierx": {"group_recipients": ["+13135550124"]}})
    arguments = ("rehearse", "--from", "wavix", "--to", "carrierx", "--json", "-")

    summary = json.loads(command(*arguments, stdin=stdin).out.splitlines()[-1])["summary"]

    assert {"messages": 1, "segments": 1, "cost": None, "unlisted": 1} == summary["after"]["mms"]


def test_what_programs_read(command: Command) -> None:
    """One object a line, each with what both accounts would say, then the sums."""
    Path("polysms.toml").write_text(CONFIG + PRICES, encoding="utf-8")
    stdin = CHANGED + BAD + IMPOSSIBLE

    said = command("rehearse", *PAIR, "--json", "-", stdin=stdin)
    changed, bad, impossible, last = (json.loads(found) for found in said.out.splitlines())
    summary = last["summary"]

    assert "" == said.err
    assert (1, "changed") == (changed["line"], changed["result"])
    assert ["valid_for has no word there: polysms stops after it itself"] == changed["differences"]
    assert ([], ["valid_for"]) == (
        changed["before"]["unsupported"],
        changed["after"]["unsupported"],
    )
    assert ("+1********00", "GSM-7", 1) == tuple(
        changed["after"][name] for name in ("from_", "encoding", "recipients")
    )
    assert {"line", "result", "error"} == set(bad)
    assert ("too_long", 0, None) == tuple(
        impossible["after"][name] for name in ("reason", "segments", "from_")
    )
    assert (0, 1, 1, 1) == tuple(summary[name] for name in ("same", "changed", "impossible", "bad"))
    assert {"messages": 2, "segments": 12, "cost": "0.12", "unlisted": 0} == summary["before"][
        "sms"
    ]
    assert {"messages": 0, "segments": 0, "cost": None, "unlisted": 0} == summary["after"]["mms"]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_numbers_are_shown_to_who_asks(command: Command, form: tuple[str, ...]) -> None:
    """Senders are masked, in tables and in sentences, unless --reveal is given."""
    arguments = ("rehearse", "--from", "wavix", "--to", "carrierx", *form, "-")
    masked = command(*arguments, stdin=SAME).out
    whole = command(*arguments, "--reveal", stdin=SAME).out

    assert "the sender becomes '+1********21' instead of '+1********00'" in masked
    assert "+13135550121" not in masked
    assert "the sender becomes '+13135550121' instead of '+13135550100'" in whole


def test_few_lines_are_shown_and_the_impossible_first(command: Command) -> None:
    """The table stays short, says how much it leaves out, and never hides the worst behind it."""
    stdin = CHANGED * 5 + IMPOSSIBLE + CHANGED * 1000

    said = command("rehearse", *PAIR, "--limit", "2", "-", stdin=stdin).out

    assert ["   1 valid_for", "   6 no longer"] == [
        shown[:14] for shown in said.splitlines() if shown.startswith("   ") and shown[3].isdigit()
    ]
    assert "and 1,004 more that differ: --limit N or --json shows them" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{x}", "is not JSON: Expecting property name enclosed in double quotes, character 2"),
        (b"\xff", "is not UTF-8 text"),
        (b"[1]", "is no object"),
        (b"9" * 5000, "is JSON beyond reason"),
        (b"[" * 100_000, "is JSON beyond reason"),
        (b"x" * (LONGEST_LINE + 2), "has more than 1,000,000 bytes"),
        (b'{"text": "x"}', "to: is missing"),
        (line(to=None), "to: is None; write a phone number in quotes"),
        (line(to="3135550123"), "number '3*******23' has no country code"),
        (line(txt="x"), "a message has no field 'txt'; did you mean \"text\"?"),
        (line(**{"313 555 0123": 1}), "no field '3*********23'"),
        (line(text=5), "text: is a int; write a str"),
        (line(text=""), "text: is empty"),
        (line(media="https://example.com/a.png"), "media: is one str; write a list of URLs"),
        (line(valid_for="2m"), "valid_for: is a str; write seconds"),
        (line(from_="@nobody"), "there is no logical sender '@nobody'"),
        (line(**{"from": "+13135550100", "from_": "+13135550100"}), "from and from_ are both"),
        (line(options=[1]), "options: is not a mapping"),
    ],
)
def test_bad_lines(command: Command, text: bytes, words: str) -> None:
    """What is wrong with a line is told with its number, and the others are rehearsed."""
    stdin = SAME + text.rstrip(b"\n") + b"\n" + SAME

    people = command("rehearse", *PAIR, "-", stdin=stdin)
    program = command("rehearse", *PAIR, "--json", "-", stdin=stdin)
    results = [json.loads(found) for found in program.out.splitlines()]

    assert people.lines[0].startswith("line 2: ")
    assert words in people.lines[0]
    assert words in results[1]["error"]
    assert ["same", "bad", "same"] == [found["result"] for found in results[:-1]]


def test_every_field_of_a_message(command: Command) -> None:
    """A line has Message's own fields, and from as a person would write it."""
    del command
    found = message_in(
        line(
            **{
                "from": "Acme",
                "media": media(1),
                "valid_for": 60,
                "tag": "a",
                "status_callback": "https://example.com/dlr",
                "options": {"wavix": {"smart_encoding": True}},
                "timezone": "America/Detroit",
                "key": "k",
                "tenant": "t",
            }
        )
    )

    assert found == Message(
        NUMBER,
        "x",
        from_="Acme",
        media=media(1),
        valid_for=60,
        tag="a",
        status_callback="https://example.com/dlr",
        options={"wavix": {"smart_encoding": True}},
        timezone="America/Detroit",
        key="k",
        tenant="t",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "wavix", "m.jsonl"), "Missing option '--to'"),
        ((*PAIR,), "Missing argument 'FILE'"),
        (("--from", "wavix", "--to", "wavx", "m.jsonl"), "there is no account 'wavx'"),
        ((*PAIR, "none.jsonl"), "none.jsonl: cannot be read: No such file"),
        ((*PAIR, "."), ".: cannot be read: Is a directory"),
        ((*PAIR, "--limit", "-1", "-"), "'--limit'"),
    ],
)
def test_wrong_usage(command: Command, arguments: tuple[str, ...], words: str) -> None:
    """What is wrong beforehand is told in one sentence, and nothing is rehearsed."""
    said = command("rehearse", *arguments)

    assert (2, "") == (said.code, said.out)
    assert words in said.lines[0]


def test_everything_fits_80_columns(command: Command) -> None:
    """No line is broken by a terminal, however large the counts and long the sentences."""
    Path("polysms.toml").write_text(CONFIG + PRICES, encoding="utf-8")
    long_name = {"wavix": {"y" * 300: 1}}
    stdin = IMPOSSIBLE + line(options=long_name) + CHANGED * 2000

    said = command("rehearse", *PAIR, "--limit", "3", "-", stdin=stdin)

    assert all(len(shown) <= 80 for shown in said.out.splitlines())


@pytest.mark.unmeasured
def test_memory_does_not_grow_with_the_file(tmp_path: Path, command: Command) -> None:
    """Of a hundred times as many lines, no more is held at once: a million fit too."""

    def peak(count: int) -> int:
        file = tmp_path / f"{count}.jsonl"
        file.write_bytes(CHANGED * count)
        tracemalloc.start()
        command("rehearse", *PAIR, str(file))
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    small, large = peak(30), peak(3000)

    # Three thousand lines, held, would be a megabyte at least.
    assert large < small + 300_000
