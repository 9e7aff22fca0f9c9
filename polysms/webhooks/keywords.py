"""STOP, START and HELP: when the whole of a message is a word that means one of them.

The English words are those that the FCC (47 CFR 64.1200(a)(10)) and the carriers' handbooks name;
the French ones are Canada's. Others are added by language, as ``{"es": {"stop": ["PARAR"]}}``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import attrs

STOP, START, HELP = "stop", "start", "help"
KINDS = (STOP, START, HELP)

#: For each language, the words of each kind.
Words = Mapping[str, Mapping[str, Iterable[str]]]
USUAL: Words = {
    "en": {
        STOP: (*("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),),
        START: ("START", "UNSTOP", "YES"),
        HELP: ("HELP", "INFO"),
    },
    "fr": {STOP: ("ARRET",), HELP: ("AIDE",)},
}

#: A message that is longer is no keyword, whatever stands around one.
LONGEST = 100


def plain(text: str) -> str:
    """Return a text without case, accents, blanks and punctuation: ``Opt-out!`` is ``optout``."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in parts if _counts(character))


def _counts(character: str) -> bool:
    # Vowel signs of other scripts are marks too, and no ornament.
    is_accent = "\u0300" <= character <= "\u036f" or "\ufe00" <= character <= "\ufe0f"
    return character.isalnum() or (unicodedata.category(character)[0] == "M" and not is_accent)


def _table(words: Words) -> dict[str, str]:
    table: dict[str, str] = {}
    for language, kinds in words.items():
        for kind, spelled in kinds.items():
            if kind not in KINDS:
                raise ValueError(f"keywords: {language}.{kind} is none of {', '.join(KINDS)}")
            for word in (spelled,) if isinstance(spelled, str) else spelled:
                _add(table, plain(word), kind)
    return table


def _add(table: dict[str, str], word: str, kind: str) -> None:
    if not word:
        raise ValueError("keywords: a word has no letter and no digit")
    if table.setdefault(word, kind) != kind:
        raise ValueError(f"keywords: {word!r} cannot mean {table[word]} and {kind}")


@attrs.frozen
class Keywords:
    """Which words mean what, from words by language.

    Raises ValueError for a word that would mean two things.
    """

    words: Words = attrs.field(default=USUAL, hash=False)
    _kinds: Mapping[str, str] = attrs.field(init=False, repr=False, hash=False)

    @_kinds.default
    def _read(self) -> dict[str, str]:
        return _table(self.words)

    def kind(self, text: str) -> str | None:
        """Return ``"stop"``, ``"start"`` or ``"help"`` where the whole text means it, else None."""
        return self._kinds.get(plain(text)) if len(text) <= LONGEST else None


#: The usual words of every language at once.
EVERY = Keywords()
