"""STOP, START and HELP: whole messages that are a word, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.webhooks import USUAL, Keywords
from polysms.webhooks.keywords import EVERY, LONGEST

MEANT = [
    *[
        (word, "stop")
        for word in ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
    ],
    *[(word, "start") for word in ["START", "UNSTOP", "YES"]],
    *[(word, "help") for word in ["HELP", "INFO"]],
    ("Arrêt", "stop"),
    ("ARRET", "stop"),
    ("aide", "help"),
    ("stop", "stop"),
    (" Stop. ", "stop"),
    ("STOP!!!", "stop"),
    ("\u201cstop\u201d", "stop"),
    ("S.T.O.P", "stop"),
    ("stop all", "stop"),
    ("Opt-out", "stop"),
    ("opt out", "stop"),
    ("STOP \N{OCTAGONAL SIGN}", "stop"),
    ("\N{NO ENTRY}\ufe0f stop", "stop"),
    ("\uff33\uff34\uff2f\uff30", "stop"),
    ("help?", "help"),
    ("yes\r\n", "start"),
]


@pytest.mark.parametrize(("text", "kind"), MEANT)
def test_meant(text: str, kind: str) -> None:
    """A word is known in any case, with any punctuation, accents and pictures."""
    assert kind == EVERY.kind(text)


NOT_MEANT = [
    "",
    "?",
    "stop it",
    "please stop",
    "stop texting me, please",
    "the end",
    "yes please",
    "don't stop",
    "help me",
    "stopp",
    "parar",
    "stop" + "!" * LONGEST,
]


@pytest.mark.parametrize("text", NOT_MEANT)
def test_not_meant(text: str) -> None:
    """Only a whole message means it."""
    assert EVERY.kind(text) is None


def test_own_words() -> None:
    """Words come by language, one or several; those that are not given are not known."""
    words = Keywords({"es": {"stop": ["PARAR", "baja"], "help": "ayuda"}})
    found = [words.kind(text) for text in ("Parar", "¡BAJA!", "ayuda", "STOP")]
    assert ["stop", "stop", "help", None] == found


def test_added_words() -> None:
    """The usual words and one's own go together."""
    words = Keywords({**USUAL, "de": {"stop": ["ABMELDEN"], "help": ["HILFE"]}})
    assert ["stop", "stop", "help"] == [words.kind(text) for text in ("STOP", "abmelden", "Hilfe")]


def test_vowel_signs_count() -> None:
    """The vowel signs of a script are letters of it, and no accents to be dropped."""
    words = Keywords({"hi": {"stop": ["\u0930\u0941\u0915\u0947\u0902"]}})
    assert "stop" == words.kind("\u0930\u0941\u0915\u0947\u0902!")
    assert words.kind("\u0930\u0915") is None


BAD = [
    ({"en": {"halt": ["STOP"]}}, "en.halt is none of stop, start, help"),
    ({"en": {"stop": ["!"]}}, "a word has no letter and no digit"),
    ({"en": {"stop": ["GO"]}, "xx": {"start": ["go!"]}}, "'go' cannot mean stop and start"),
]


@pytest.mark.parametrize(("words", "sentence"), BAD)
def test_bad_words(words: dict[str, dict[str, list[str]]], sentence: str) -> None:
    """A word that means nothing, or two things, is refused."""
    with pytest.raises(ValueError, match=sentence):
        Keywords(words)


@given(st.text(max_size=30), st.sampled_from(MEANT))
def test_any_text(text: str, meant: tuple[str, str]) -> None:
    """Any text has a kind or none, and letters beside a word take its meaning."""
    assert EVERY.kind(text) in {"stop", "start", "help", None}
    assert EVERY.kind(f"{meant[0]} qqqq") is None
