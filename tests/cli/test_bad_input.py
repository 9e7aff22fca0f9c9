"""Bad input: each ends with the documented exit code and a sentence that helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import NUMBER, Command

WAVIX = "wavix://canary-key@?sender=%2B13137890021&sender=Acme"
CARRIERX = "carrierx://canary-token@?sender=%2B15162065575"
SIGNALWIRE = "signalwire://project:canary-token@example?sender=%2B15559876543"
MEMORY = "memory://?sender=Acme"
MEDIA = ("--media", "https://example.com/a.png")

#: Arguments after ``send``, the exit code, and words of the first line on stderr.
SENDS = [
    (("--url", MEMORY, "--to", NUMBER, ""), 2, "text: is empty"),
    (("--url", MEMORY, "--to", NUMBER), 2, "text: is empty"),
    (("--url", MEMORY, "--to", "3135550123", "x"), 2, "no country code"),
    (("--url", MEMORY, "--to", "CALL-ME", "x"), 2, "has letters"),
    (("--url", MEMORY, "--to", "+1313555CALL", "x"), 2, "not digits"),
    (("--url", MEMORY, "--to", "+13135550123456789", "x"), 2, "17 digits"),
    (("--url", MEMORY, "--to", "", "x"), 2, "is empty"),
    (("--url", MEMORY, "--to", NUMBER, "x" * 20_000), 2, "20000 characters"),
    (("--url", MEMORY, "--to", NUMBER, "a\ud800b"), 2, "half a surrogate pair (U+D800)"),
    (("--url", MEMORY, "--to", NUMBER, "a\x00b"), 2, "control character U+0000"),
    (("--url", MEMORY, "--to", NUMBER, "--media", "javascript:alert(1)"), 2, "'javascript'"),
    (("--url", MEMORY, "--to", NUMBER, "--media", "https://u:p@example.com/a"), 2, "user name"),
    (("--url", MEMORY, "--to", NUMBER, "--from", "@alerts", "x"), 2, "no logical sender '@alerts'"),
    (("--url", MEMORY, "--to", NUMBER, "--from", "Other", "x"), 3, "does not list this sender"),
    (("--url", MEMORY, "--to", NUMBER, "--via", "wavx", "x"), 2, "no account or route 'wavx'"),
    (("--url", WAVIX, "--to", NUMBER, "--from", "Acme", "x"), 3, "the US or Canada"),
    (("--url", WAVIX, "--to", NUMBER, *MEDIA * 6), 3, "at most 5 media, the message has 6"),
    (("--url", CARRIERX, "--to", NUMBER, *MEDIA * 11), 3, "at most 10 media, the message has 11"),
    (("--url", SIGNALWIRE, "--to", NUMBER, *MEDIA * 9), 3, "at most 8 media, the message has 9"),
    (("--url", SIGNALWIRE, "--to", NUMBER, "x" * 1601), 3, "at most 1600 characters"),
    (("--url", CARRIERX, "--to", NUMBER, "x"), 3, "could not be reached"),
    (
        ("--url", f"{SIGNALWIRE} || {CARRIERX}", "--to", NUMBER, "x"),
        3,
        "no account took the message",
    ),
    (("--to", NUMBER, "x"), 2, "there is no configuration"),
    (("--url", "canary", "--to", NUMBER, "x"), 2, "--url: is no URL"),
    (("--url", "wavx://canary@", "--to", NUMBER, "x"), 2, 'did you mean "wavix"?'),
    (("--url", "wavix://canary@:x", "--to", NUMBER, "x"), 2, "percent-encode its parts"),
    (("--url", f"{WAVIX}&sendr=1", "--to", NUMBER, "x"), 2, 'did you mean "sender"?'),
    (("--config", WAVIX, "--to", NUMBER, "x"), 2, "--config: is a URL"),
    (("--config", "none.toml", "--to", NUMBER, "x"), 2, "none.toml: cannot be read"),
    (("--config", "a", "--url", MEMORY, "--to", NUMBER, "x"), 2, "both given"),
    (
        ("--url", MEMORY, "--to", NUMBER, "--valid-for", "soon", "x"),
        2,
        "--valid-for: write seconds",
    ),
    (("--url", MEMORY, "--to", NUMBER, "--valid-for", "99d", "x"), 2, "1 second to 28 days"),
    (("--url", MEMORY, "--to", NUMBER, "--deadline", "0", "x"), 2, "--deadline: must be more"),
    (("--url", MEMORY, "--to", NUMBER, "--on-maybe-sent", "retry", "x"), 2, "'stop', 'next'"),
    (("--url", MEMORY, "--to", NUMBER, "--option", "wavix", "x"), 2, "PROVIDER.KEY=VALUE"),
    (("--url", MEMORY, "--to", NUMBER, "--option", "wavx.tag=a", "x"), 2, 'did you mean "wavix"?'),
    (("--url", WAVIX, "--to", NUMBER, "--option", "wavix.tg=a", "x"), 2, "known are tag"),
    (("--url", WAVIX, "--to", NUMBER, "--option", "wavix.smart_encoding=perhaps", "x"), 2, "true"),
    (("--url", MEMORY, "--to", NUMBER, "--option", "memory.a=b", "x"), 2, "it has none"),
    (("--url", MEMORY, "--to", NUMBER, "--option", "wavix.tag.a=b", "x"), 2, "known are tag"),
    (
        ("--url", MEMORY, "--to", NUMBER, "--option", "signalwire.custom_variables=b", "x"),
        2,
        "PROVIDER.KEY.NAME=VALUE",
    ),
    (("--url", MEMORY, "x"), 2, "Missing option '--to'"),
    (("--url", MEMORY, NUMBER, "--to", NUMBER, "x"), 2, "unexpected extra argument"),
    (("--url", MEMORY, "--too", NUMBER, "x"), 2, "No such option"),
]

#: The other commands.
OTHERS = [
    (("fetch", "--url", WAVIX, "wavix"), 2, "give the provider's own id after it"),
    (("fetch", "--url", WAVIX, "wavix", "871b4eeb"), 3, "gave no answer"),
    (("fetch", "--url", WAVIX, "wavx", "871b4eeb"), 2, "no account 'wavx'"),
    (("fetch", "--url", MEMORY, "memory", "1"), 3, "cannot fetch a message"),
    (("list", "--url", WAVIX), 2, "this needs a ledger"),
    (("list", "--url", WAVIX, "--remote", "wavix"), 3, "gave no answer"),
    (("list", "--url", WAVIX, "--remote", "wavix", "--since", "later"), 2, "--since: write how"),
    (("list", "--url", WAVIX, "--remote", "wavix", "--until", "9999999d"), 2, "--until: write how"),
    (("list", "--url", WAVIX, "--remote", "wavix", "--limit", "0"), 2, "'--limit'"),
    (("list", "--url", MEMORY, "--remote", "memory"), 3, "cannot list its messages"),
    (("check",), 2, "there is no configuration"),
    (("check", "--url", WAVIX, "wavx"), 2, "no account 'wavx'"),
    (("sandbox", "--port", "99999"), 2, "'--port'"),
    (("sned",), 2, "No such command 'sned'"),
    (("send", "--url", MEMORY, "--to", NUMBER, "--region", "Mars", "x"), 2, "--region: 'Mars' is"),
]

#: What stands in ``polysms.toml``, and words of the first line on stderr.
FILES = [
    ('[accounts.wavix]\napi_key = "${WAVIX_KEY}"\nsender = "Acme"', "WAVIX_KEY is not set"),
    ('[accounts.wavix]\napi_kee = "canary"', 'did you mean "api_key"?'),
    ('[accounts.wavix]\nsender = "Acme"', "accounts.wavix.api_key: is missing"),
    ('[accounts.wavix]\napi_key = ""', "accounts.wavix.api_key: is empty"),
    ('[acounts.wavix]\napi_key = "canary"', 'did you mean "accounts"?'),
    ("[accounts.wavix", "is not TOML"),
    ("", "accounts: there is none"),
]


@pytest.mark.usefixtures("closed_port")
@pytest.mark.parametrize(("arguments", "code", "words"), SENDS)
def test_send(command: Command, arguments: tuple[str, ...], code: int, words: str) -> None:
    """What is wrong is said in the first line on stderr, and nothing is said on stdout."""
    said = command("send", *arguments)

    assert code == said.code
    assert words in said.lines[0]
    assert "" == said.out


@pytest.mark.usefixtures("closed_port")
@pytest.mark.parametrize(("arguments", "code", "words"), SENDS)
def test_send_as_json(command: Command, arguments: tuple[str, ...], code: int, words: str) -> None:
    """With ``--json`` the same is one object on stdout, and stderr is empty."""
    said = command("send", "--json", *arguments)
    told = json.loads(said.out)

    assert (code, code) == (said.code, told["exit_code"])
    assert words in told["message"]
    assert "" == said.err


@pytest.mark.usefixtures("closed_port")
@pytest.mark.parametrize(("arguments", "code", "words"), OTHERS)
def test_other_commands(
    command: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """The commands that never send keep the same rules."""
    said = command(*arguments)

    assert code == said.code
    assert words in said.lines[0]
    assert "" == said.out


@pytest.mark.parametrize(("text", "words"), FILES)
def test_files(command: Command, text: str, words: str) -> None:
    """A mistake in the configuration names its key and its remedy: nothing is attempted."""
    Path("polysms.toml").write_text(text, encoding="utf-8")

    said = command("send", "--to", NUMBER, "x")

    assert 2 == said.code
    assert words in said.lines[0]


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"", "text: is empty"),
        (b"\n", "text: is empty"),
        (b"a\x00b", "control character U+0000"),
        (b"a\xff", "not UTF-8"),
        (b"x" * 20_000, "20000 characters"),
        (b"x" * 100_000, "longer than anything"),
    ],
)
def test_standard_input(command: Command, stdin: bytes, words: str) -> None:
    """What comes in by "-" is checked as any text, and never more of it is read than can be."""
    said = command("send", "--url", MEMORY, "--to", NUMBER, "-", stdin=stdin)

    assert 2 == said.code
    assert words in said.lines[0]


def test_wrong_usage_has_the_keys_of_every_error(command: Command) -> None:
    """A program reads wrong usage as it reads any error."""
    usage = json.loads(command("send", "--json").out)
    config = json.loads(command("send", "--json", "--to", NUMBER, "x").out)

    assert list(config) == list(usage)
    assert ("UsageError", "ConfigError") == (usage["type"], config["type"])


def test_json_after_two_dashes_is_text(command: Command) -> None:
    """What stands after ``--`` is an argument, and decides nothing about the answer."""
    said = command("send", "--to", NUMBER, "--", "a", "--json")

    assert (2, "") == (said.code, said.out)
    assert "unexpected extra argument" in said.lines[0]


#: What people write at first, and what they are told to write.
MEANT = [
    (("sned",), 'Did you mean "send"?'),
    (("bulk", "people.csv"), "There is polysms send --csv FILE --text TEXT"),
    (("status", "1"), "There is polysms show ID"),
    (("send", NUMBER, "hi"), 'The recipient is an option: polysms send --to NUMBER "TEXT"'),
    (("send", "(313) 555-0123", "hi"), 'polysms send --to NUMBER "TEXT"'),
    (("send", "--url", MEMORY, NUMBER), 'of them): polysms send --to NUMBER "TEXT"'),
    (
        ("send", "--url", MEMORY, "--to", NUMBER, "--text", "hi"),
        'is the last word: polysms send --to NUMBER "TEXT"',
    ),
    (
        ("send", "--url", MEMORY, "--to", "3135550123", "hi"),
        'begin with "+" and the country code, or say where it is written, as --region US',
    ),
]


@pytest.mark.parametrize(("arguments", "words"), MEANT)
def test_what_was_meant(command: Command, arguments: tuple[str, ...], words: str) -> None:
    """Who guesses how the command is used is told what to write, with the shell's words."""
    said = command(*arguments)

    assert (2, "") == (said.code, said.out)
    assert words in said.err
    assert "polysms.e164" not in said.err


@pytest.mark.parametrize("number", ["(313) 555-0123", "3135550123", NUMBER])
def test_region_of_one_number(command: Command, number: str) -> None:
    """``--region`` makes of a number as its country writes it what can be sent to."""
    said = command(
        "send", "--url", MEMORY, "--region", "us", "--to", number, "--json", "--reveal", "x"
    )

    assert (0, NUMBER) == (said.code, json.loads(said.out)["to"])


def test_region_leaves_short_numbers(command: Command) -> None:
    """A short number belongs to no region."""
    said = command("send", "--url", MEMORY, "--region", "US", "--to", "988", "--json", "x")

    assert (0, "988") == (said.code, json.loads(said.out)["to"])
