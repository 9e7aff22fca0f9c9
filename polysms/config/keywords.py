"""The words that mean STOP, START and HELP, by language, as a configuration adds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polysms.config.reading import Source, Texts, fault, known, value_of

KINDS = ("stop", "start", "help")
#: For each language, the words of each kind.
Words = Mapping[str, Mapping[str, tuple[str, ...]]]
#: Where a configuration that is made in code says it is.
_CODE = Source()


def keywords_of(value: Any, source: Source = _CODE) -> Words:
    """Return what tables say of keywords: a kind that a language names replaces its usual words."""
    return {
        language: _kinds(table, f"keywords.{language}", source.where)
        for language, table in _table(value, "keywords", source.where).items()
    }


def _kinds(value: Any, key: str, where: str) -> dict[str, tuple[str, ...]]:
    table = _table(value, key, where)
    known(table, KINDS, key, where)
    return {kind: _words(words, f"{key}.{kind}", where) for kind, words in table.items()}


def _words(value: Any, key: str, where: str) -> tuple[str, ...]:
    words: tuple[str, ...] = value_of(value, Texts, key, where)
    for word in words:
        if not any(character.isalnum() for character in word):
            raise fault(key, f"{word!r} has no letter and no digit", where)
    return words


def _table(value: Any, key: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise fault(key, f"is a {type(value).__name__}; write a table", where)
    return value
