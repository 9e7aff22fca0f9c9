"""The shape of an answer, beside the documented one; and the tables that adapters have of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysms.doctor.findings import Grade
from polysms.doctor.shape import WORDS, findings, kind_of, places
from polysms.providers import REGISTRY, load
from tests import published

DOCUMENTED = {
    "id": "text",
    "count": "number",
    "left": "text or absent",
    "a": "object",
    "a.b": "flag",
}
GOOD: dict[str, Any] = {"id": "1", "count": 2, "a": {"b": True}}
SPECIFICATION = Path(__file__).parent.parent / "data" / "signalwire-create-message.yaml"
WITH_TABLE = sorted(name for name in REGISTRY if hasattr(load(name), "documented"))


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "null"),
        (True, "flag"),
        (1, "whole"),
        (1.5, "number"),
        ("1", "text"),
        ([1], "list"),
        ({}, "object"),
    ],
)
def test_kinds(value: object, word: str) -> None:
    """Every value of JSON has its word."""
    assert word == kind_of(value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (GOOD, [(Grade.FINE, "4 fields, as documented")]),
        ({**GOOD, "left": "x", "count": 1.5}, [(Grade.FINE, "5 fields, as documented")]),
        ({"id": "1", "a": {}}, [(Grade.DIFFERS, "documented and absent: count, a.b")]),
        ({"id": "1", "count": 1}, [(Grade.DIFFERS, "documented and absent: a")]),
        ({**GOOD, "id": 1}, [(Grade.DIFFERS, "id is whole, documented: text")]),
        ({**GOOD, "a": None}, [(Grade.DIFFERS, "a is null, documented: object")]),
        ({**GOOD, "left": None}, [(Grade.DIFFERS, "left is null, documented: text or absent")]),
        (
            {**GOOD, "new": 1, "a": {"b": False, "c": {"d": 1}}},
            [(Grade.DIFFERS, "not documented: a.c, new")],
        ),
        (
            {"id": None, "count": "2", "a": {"b": True}, "z": 0},
            [
                (
                    Grade.DIFFERS,
                    "id is null, documented: text; count is text, documented: number",
                ),
                (Grade.DIFFERS, "not documented: z"),
            ],
        ),
    ],
)
def test_findings(answer: Mapping[str, Any], told: list[tuple[Grade, str]]) -> None:
    """Absent, wrong and unknown fields are told by name; inner ones where they are documented."""
    found = list(findings(DOCUMENTED, answer))
    assert told == [(one.grade, one.text) for one in found]
    assert {"answer"} == {one.about for one in found}


def test_no_table() -> None:
    """An adapter without a table is no fault of the answer's."""
    assert [Grade.UNTOLD] == [one.grade for one in findings(None, GOOD)]


def test_outside_words_are_bounded() -> None:
    """A provider's names are told short, and not all of them; its values never."""
    names = {f"{number:03}" + "x" * 100: "secret value" for number in range(50)}
    (found,) = findings({}, names)
    assert found.text.endswith("and 30 more")
    assert 20 * 62 + 40 > len(found.text)
    assert "secret" not in found.text


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"tag": "r"}, ["tag"]),
        ({"tag": "rr", "b": "x r"}, []),
        ({"a": {"b": ["x", "r"]}, "c": "r"}, ["a.b[]", "c"]),
        ({"a": ("r",)}, ["a[]"]),
        ([[[[[["r"]]]]]], ["[][][][][][]"]),
        ([[[[[[["r"]]]]]]], []),
    ],
)
def test_places(data: object, found: list[str]) -> None:
    """A text is found where it stands by itself, and not deeper than any answer is."""
    assert found == list(places("r", data))


@pytest.mark.parametrize("name", WITH_TABLE)
def test_tables_use_known_words(name: str) -> None:
    """What a field may be is said in the words that there are."""
    table: Mapping[str, str] = load(name).documented  # type: ignore[attr-defined]
    assert set() == {word for words in table.values() for word in words.split(" or ")} - WORDS


def test_built_in_providers_have_tables() -> None:
    """Each provider that polysms brings and that sends says what it documents."""
    assert {"wavix", "carrierx", "signalwire", "signalwire-compat"} <= set(WITH_TABLE)


def test_signalwire_table_is_its_schema() -> None:
    """The table is that of the published OpenAPI document: names, kinds, and all required."""
    whole = yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8"))
    schema = whole["components"]["schemas"]["Message.Message"]
    words = {"string": "text", "integer": "whole", "array": "list", "null": "null"}
    expected = {}
    for name, field in schema["properties"].items():
        kinds = field.get("type", "string")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        expected[name] = " or ".join(words[kind] for kind in kinds)

    table: Mapping[str, str] = load("signalwire").documented  # type: ignore[attr-defined]
    assert expected == table
    assert set(schema["required"]) == set(table)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("wavix", published.WAVIX_SENT),
        ("wavix", published.WAVIX_SENT_MMS),
        ("carrierx", published.CARRIERX_SMS),
        ("signalwire", published.SIGNALWIRE_MESSAGE),
        ("signalwire-compat", published.COMPAT_MESSAGE),
    ],
)
def test_published_examples_are_as_documented(name: str, answer: str) -> None:
    """The answers that a provider publishes itself hold nothing that differs."""
    table: Mapping[str, str] = load(name).documented  # type: ignore[attr-defined]
    assert [Grade.FINE] == [one.grade for one in findings(table, json.loads(answer))]
