"""Each rule of the contract sees its own fault, and no other: the zoo of bad adapters."""

from __future__ import annotations

from typing import Any

import pytest

from polysms.errors import Reason, Unsupported
from polysms.testing.contract import PICTURE, RULES, Broken, Rule, Subject
from polysms.testing.contract.subject import Unwritten
from tests.testing.parrot import HEARING, ROW
from tests.testing.zoo import ZOO, Crow, Lark, Magpie, Parrot, Tame, example

ANIMALS = [pytest.param(name, kind, id=kind.__name__) for name, kind in ZOO.items()]
QUICK = [rule for rule in RULES.values() if not rule.sends]
SLOW = [rule for rule in RULES.values() if rule.sends]


def breaks(kind: type[Any], rules: list[Rule]) -> set[str]:
    """Return the names of those rules that an adapter breaks."""
    found = set()
    for rule in rules:
        try:
            rule.check(Subject(kind, example(kind)))
        except Broken:
            found.add(rule.name)
    return found


def test_every_rule_has_an_animal() -> None:
    """A rule that nobody is known to break is not tested."""
    assert set(RULES) == set(ZOO)


@pytest.mark.parametrize(("name", "kind"), ANIMALS)
def test_breaks_its_rule_alone(name: str, kind: type[Any]) -> None:
    """An adapter with one fault breaks the rule that is about it, and none of the others."""
    rules = [*QUICK, *(rule for rule in SLOW if rule.name == name)]
    assert {name} == breaks(kind, rules)


@pytest.mark.campaign
@pytest.mark.parametrize(("name", "kind"), ANIMALS)
def test_breaks_no_rule_about_sending(name: str, kind: type[Any]) -> None:
    """Nor does it break another of the rules that need a server."""
    assert set() == breaks(kind, [rule for rule in SLOW if rule.name != name])


@pytest.mark.parametrize(
    ("kind", "hears"), [(Parrot, False), (Tame, True), (HEARING.HearingParrot, True)]
)
def test_the_page_keeps_every_rule(kind: type[Any], hears: bool) -> None:  # noqa: FBT001
    """The adapter of the page on adding a provider keeps the contract, webhooks and all."""
    rules = [rule for rule in RULES.values() if hears or "events" not in rule.needs]
    assert set() == breaks(kind, rules)


@pytest.mark.parametrize("name", [name for name in RULES if name != "a_text_alone_has_no_media"])
def test_texts_alone_are_enough(name: str) -> None:
    """An adapter of a provider without MMS keeps every rule."""
    RULES[name].check(Subject(Lark, example(Lark)))


def test_rule_about_pictures_is_not_tried_without_them() -> None:
    """What a request has where pictures would stand is not asked where none can be sent."""
    with pytest.raises(Unwritten, match="takes no media"):
        RULES["a_text_alone_has_no_media"].check(Subject(Lark, example(Lark)))


def test_picture_where_texts_alone_are_sent() -> None:
    """The provider is told by its name, and what it lacks, so that a route goes on."""
    with pytest.raises(Unsupported) as caught:
        Subject(Lark, example(Lark)).request(media=[PICTURE])
    assert "Parrot: sends texts alone, no media, the message has 1" == str(caught.value)
    assert Reason.MEDIA is caught.value.reason


@pytest.mark.parametrize("kind", [Magpie, Crow])
def test_table_agrees_with_itself_about_media(kind: type[Any]) -> None:
    """How many media are taken, and where they go, are both nothing or neither."""
    with pytest.raises(Broken, match="what it says of MMS"):
        RULES["it_has_the_parts_of_an_adapter"].check(Subject(kind, example(kind)))


@pytest.mark.parametrize(("name", "kind"), ANIMALS)
def test_failure_is_told_in_words(name: str, kind: type[Any]) -> None:
    """A failure says the rule, what the adapter has, what it should have, and why it matters."""
    rule = RULES[name]
    with pytest.raises(Broken) as caught:
        rule.check(Subject(kind, example(kind)))
    first, *findings, last = str(caught.value).splitlines()
    assert f"The rule: {rule.sentence}" == first
    assert f"Why it matters: {rule.why}" == last
    assert 1 <= len(findings) <= 6
    assert "the adapter has" in findings[0]
    assert "; it should have " in findings[0]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_rules_are_sentences(rule: Rule) -> None:
    """A rule is one sentence, in one line, and so is why it matters."""
    for sentence in (rule.sentence, rule.why):
        assert sentence.endswith(".")
        assert sentence.isprintable()


def test_findings_do_not_show_everything() -> None:
    """Of many findings the first few are shown, and the rest is counted."""

    class Silent(Parrot):  # type: ignore[misc]
        """Says nothing but that it is unclear."""

        def read(self, _: object) -> object:
            return None

    with pytest.raises(Broken, match=r"and \d+ more"):
        RULES["success_without_an_id_is_unclear"].check(Subject(Silent, ROW))
