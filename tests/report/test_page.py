"""The page of a report: whole, escaped, alone, and with the report's own figures."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import attrs
import pytest

from polysms.report import Report, Stratum, Warned, compare
from polysms.report.page import TITLE, page
from polysms.report.page.markup import escaped
from polysms.report.page.reading import BILLED, NOTES
from polysms.report.page.tables import leaves
from tests.report import pages
from tests.report.counting import cell, settled, timed
from tests.report.parsing import Element, parsed

pytestmark = pytest.mark.one_python

REPORTS: dict[str, Callable[[], Report]] = {
    "usual": pages.usual,
    "crowd": pages.crowd,
    "hostile": pages.hostile,
    "extreme": pages.extreme,
    "single": pages.single,
    "empty": pages.empty,
}
#: What may stand in the place of another element's text or style.
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "nav"),
    *("script", "h1", "h2", "h3", "h4", "p", "ul", "li", "a", "b", "strong", "span", "bdi", "code"),
    *("div", "figure", "figcaption", "details", "summary", "table", "caption", "thead", "tbody"),
    *("tr", "th", "td", "data", "button", "output"),
    *("svg", "desc", "g", "path", "line", "rect", "text", "tspan"),
}


def shown(report: Report, **wishes: Any) -> Element:
    """Return the page of a report as a tree."""
    return parsed(page(report, **wishes))


@pytest.fixture(params=REPORTS, scope="module")
def report(request: pytest.FixtureRequest) -> Report:
    """Return each of the reports."""
    return REPORTS[request.param]()


@pytest.fixture(scope="module")
def tree(report: Report) -> Element:
    """Return the page of each report."""
    return shown(report, periods=pages.weeks(3) if report.arms else ())


def test_a_page_is_whole(tree: Element) -> None:
    """Every element is one that the page means to have, and has its own id, if any."""
    assert ALLOWED >= {one.name for one in tree.every()}
    ids = Counter(one.attributes["id"] for one in tree.every() if "id" in one.attributes)
    assert not [name for name, count in ids.items() if count > 1]
    links = [one.attributes["href"].removeprefix("#") for one in tree.every("a")]
    labels = [one.attributes.get("aria-labelledby", "") for one in tree.every()]
    assert {*links, *filter(None, labels)} <= ids.keys()


def test_a_page_says_what_it_is(tree: Element) -> None:
    """It has a language, one heading of the first rank, and no rank is left out."""
    assert tree.one("html").attributes["lang"] == "en"
    ranks = [int(one.name[1]) for one in tree.every("h1", "h2", "h3", "h4")]
    assert ranks[0] == 1
    assert ranks.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(ranks))


def test_a_page_is_alone(tree: Element) -> None:
    """Nothing on it points anywhere: no address, no element that loads, no handler, no style."""
    for one in tree.every():
        for name, value in one.attributes.items():
            assert not name.startswith("on"), (one.name, name)
            assert name not in {"style", "src", "srcset", "action", "data", "xlink:href"}
            assert name != "href" or value.startswith("#")
    code = tree.one("style").text + tree.one("script").text
    assert not re.search(r"//|url\(|@import|https?:|fetch|XMLHttp|innerHTML|eval", code)


def test_only_its_own_style_and_script_may_run(tree: Element) -> None:
    """The policy forbids everything but the one style and the one script, by their digests."""
    policy = next(
        one.attributes["content"]
        for one in tree.every("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digests = {
        name: base64.b64encode(hashlib.sha256(tree.one(name).text.encode()).digest()).decode()
        for name in ("style", "script")
    }
    expected = (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src "
        f"'sha256-{digests['script']}'; base-uri 'none'; form-action 'none'"
    )
    assert expected == policy


def test_pictures_are_told_to_those_who_do_not_see_them(tree: Element) -> None:
    """A picture has a title and a description, or is hidden because its words stand beside it."""
    for one in tree.every("svg"):
        if "svg" in one.path:
            continue
        if one.attributes.get("aria-hidden") == "true":
            continue
        assert one.attributes["role"] == "img"
        first, second, *_ = one.parts
        assert isinstance(first, Element)
        assert isinstance(second, Element)
        assert (first.name, second.name) == ("title", "desc")
        assert first.text
        assert second.text


def test_tables_can_be_read_and_taken_along(tree: Element) -> None:
    """A table has a caption, heads with their scope, a box that keys reach, and its button."""
    buttons = {one.attributes["data-table"]: one for one in tree.every("button")}
    for table in tree.every("table"):
        assert table.one("caption").text
        width = len(list(table.one("thead").every("th")))
        for row in table.one("tbody").every("tr"):
            head, *cells = row.every("th", "td")
            assert (head.name, head.attributes["scope"]) == ("th", "row")
            assert width == 1 + len(cells)
        box = table.parent
        assert box is not None
        assert box.attributes["tabindex"] == "0"
        assert box.attributes["aria-label"]
        # Where no script runs there is no button that does nothing.
        assert "hidden" in buttons.pop(table.attributes["id"]).attributes
    assert not buttons


def test_all_that_is_concluded_is_told(report: Report, tree: Element) -> None:
    """Every verdict, every warning, the method and the assumptions stand on the page."""
    said = [sentence for verdict in report.verdicts for sentence in verdict]
    said += [warned.sentence for warned in report.warnings]
    text = tree.text.replace("`", "")
    for sentence in (*said, *report.method, *report.assumptions):
        assert _plain(sentence) in text


def _plain(sentence: str) -> str:
    seen = parsed(escaped(sentence)).text
    return " ".join(seen.replace("`", "").split())


def _figures(tree: Element, name: str) -> list[list[str]]:
    table = next(one for one in tree.every("table") if one.attributes.get("id") == f"all-{name}")
    return [[_value(one) for one in row.every("th", "td")] for row in table.every("tr")]


def _value(one: Element) -> str:
    data = list(one.every("data"))
    return data[0].attributes["value"] if data else one.text


def _told(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else parsed(escaped(str(value))).text


def _columns(tree: Element, name: str) -> list[dict[str, str]]:
    head, *rows = _figures(tree, name)
    return [{row[0]: row[place] for row in rows} for place in range(1, len(head))]


def _rows(tree: Element, name: str) -> list[dict[str, str]]:
    head, *rows = _figures(tree, name)
    return [dict(zip(head, row, strict=True)) for row in rows]


def _wanted(thing: dict[str, Any], names: Sequence[str], *without: str) -> dict[str, str]:
    found = {name: _told(value) for name, value in leaves(thing)}
    return {name: found.get(name, "") for name in names if name not in without}


@pytest.mark.parametrize("name", ["usual", "crowd", "extreme"])
def test_every_figure_is_the_reports_own(name: str) -> None:
    """What the tables hold for copying is what ``to_dict()`` says, digit for digit."""
    report = REPORTS[name]()
    tree, data = shown(report), report.to_dict()
    for arm, found in zip(data["arms"], _columns(tree, "accounts"), strict=True):
        bare = {key: value for key, value in arm.items() if key not in {"account", "curve"}}
        assert dict(leaves(bare)).keys() <= found.keys()
        assert _wanted(bare, list(found)) == found
    for pair, found in zip(data["pairs"], _columns(tree, "pairs"), strict=True):
        bare = {key: value for key, value in pair.items() if key not in {"first", "second"}}
        assert dict(leaves(bare)).keys() <= found.keys()
        assert _wanted(bare, list(found)) == found
    points = [{"account": arm["account"], **one} for arm in data["arms"] for one in arm["curve"]]
    for table, things in (("strata", data["rows"]), ("curves", points)):
        for thing, found in zip(things, _rows(tree, table), strict=True):
            assert dict(leaves(thing)).keys() <= found.keys()
            assert _wanted(thing, list(found)) == found
    terms = {row["Term"]: row["Value"] for row in _rows(tree, "terms")}
    assert {**_wanted(data["terms"], list(data["terms"])), "within": str(report.within)} == terms


def test_every_warning_has_its_figures() -> None:
    """The figures of warnings can be taken along too."""
    report = pages.extreme()
    found = _rows(shown(report), "warnings")
    assert [warned.kind for warned in report.warnings] == [row["kind"] for row in found]
    assert any(row.get("figures.more_first") for row in found)


@pytest.mark.parametrize("hostile", pages.HOSTILE)
def test_a_name_stays_a_name(hostile: str) -> None:
    """Whatever a name says is read, and nothing else; wherever it stands."""
    counts = pages.traffic(300, 0.9, 5.0)
    stratum = Stratum(hostile, hostile, 1, hostile, hostile)
    mine = attrs.evolve(
        counts,
        refused={hostile: sum(counts.refused.values())},
        costs={hostile: counts.costs["USD"]},
    )
    cells = [
        cell(account, one, place)
        for account, one in ((hostile, mine), ("b", counts))
        for place in (stratum, Stratum("US", "sms", 1))
    ]
    plain = [
        cell(account, counts, place)
        for account in ("a", "b")
        for place in (Stratum("US", "sms", 1), Stratum("GB", "sms", 1))
    ]
    weeks = [(hostile, compare(cells)), ("b", compare(cells))]
    tree = shown(compare(cells), title=hostile, periods=weeks)
    usual = shown(compare(plain))
    assert usual.one("script").text == tree.one("script").text
    assert len(list(usual.every("script"))) == len(list(tree.every("script")))
    assert ALLOWED >= {one.name for one in tree.every()}
    seen = parsed(escaped(hostile)).text
    assert seen == tree.one("h1").text
    assert seen in [one.text for one in tree.every("bdi")]
    assert "\u202e" not in page(compare(cells))
    assert "\x00" not in page(compare(cells))


def test_doubts_come_before_conclusions() -> None:
    """What may make it all wrong stands first, then the verdicts, then how far they go."""
    names = ("billed_more", "too_few_for_margin", "canary", "sample_ratio")
    report = attrs.evolve(
        pages.usual(), warnings=tuple(Warned(kind=kind, sentence=f"<{kind}>") for kind in names)
    )
    text = shown(report).text
    places = [text.index(told) for told in ("<canary>", "<sample_ratio>", report.verdicts[0][0])]
    assert sorted(places) == places
    assert places[-1] < text.index("<too_few_for_margin>") < text.index("Who delivers more")
    assert text.index("What it costs") < text.index("<billed_more>")


def test_a_warning_nobody_knows_is_a_doubt() -> None:
    """A kind that is new is told first: only what is known to be harmless comes later."""
    report = attrs.evolve(pages.usual(), warnings=(Warned(kind="new", sentence="Beware."),))
    assert "new" not in {*NOTES, BILLED}
    assert ["Beware."] == [
        item.text for box in shown(report).of_class("grave") for item in box.every("li")
    ]


def test_few_pairs_are_told_in_full_and_many_by_account() -> None:
    """With more than three pairs a line for each account comes first; no sentence is lost."""
    few = list(shown(pages.usual(("a", "b", "c"))).of_class("verdict"))
    assert 3 == len(few)
    assert not [one for one in few if "details" in one.path]
    many = shown(pages.crowd())
    lines = next(one for one in many.of_class("verdict") if one.name == "ul")
    assert 8 == len(list(lines.every("li")))
    assert 28 == len([one for one in many.of_class("verdict") if "details" in one.path])


def test_accounts_are_placed_among_the_others() -> None:
    """More than, less than, no difference shown, not to be compared: each pair is in one."""
    text = shown(pages.extreme()).text
    assert "huge: delivers more than tiny and none; not to be compared with silent" in text
    assert "none: delivers less than huge; no difference shown from tiny; not to be" in text
    assert "silent: not to be compared with all others." in text


def test_those_that_differ_are_told_first() -> None:
    """A pair with a difference shown stands before one without."""
    report = pages.usual(("a", "b", "c"))
    told = [one.one("p").text for one in _cards(shown(report))]
    shown_first = [verdict[0] for pair, verdict in _verdicts(report) if _is_shown(pair)]
    assert shown_first == told[: len(shown_first)]
    assert 0 < len(shown_first) < 3


def _cards(tree: Element) -> list[Element]:
    every = [one for one in tree.of_class("verdict") if one.name == "div"]
    for one in every:
        one.parts = [part for part in one.parts if isinstance(part, Element)]
    return every


def _verdicts(report: Report) -> list[tuple[Any, tuple[str, ...]]]:
    return list(zip(report.pairs, report.verdicts, strict=True))


def _is_shown(pair: Any) -> bool:
    return pair.delivered is not None and pair.delivered.shown


def test_the_title_is_the_callers() -> None:
    """A page is called what the caller says, and something sensible where he says nothing."""
    assert "Codes <2026>" == shown(pages.usual(), title="Codes <2026>").one("h1").text
    assert TITLE == shown(pages.usual()).one("h1").text
    assert shown(pages.usual()).one("head").one("title").text == TITLE


def test_nothing_is_said_of_nothing() -> None:
    """An empty report says that it is empty, and how it would have been found."""
    tree = shown(pages.empty())
    assert "nothing to compare yet" in tree.text
    assert "There are not two accounts to be compared." in tree.text
    assert ["How this was found"] == [one.text for one in tree.one("main").every("h2")]
    assert not list(tree.every("table", "svg", "nav"))


def test_observational_texts_were_not_given_by_chance() -> None:
    """Where accounts were not drawn, the first sentence does not say that they were."""
    report = pages.usual()
    observed = attrs.evolve(report, terms=attrs.evolve(report.terms, observational=True))
    assert "given to them by chance" in shown(report).text
    assert "given to them by chance" not in shown(observed).text


def test_hollow_marks_show_no_difference() -> None:
    """A mark is hollow where no difference is shown, and full where one is."""
    report = pages.usual(("a", "b", "c"))
    hollow = list(shown(report).of_class("hollow"))
    assert sum(not _is_shown(pair) for pair in report.pairs) == len(hollow)


def test_thin_lines_are_for_more_than_one_pair_or_look() -> None:
    """With one pair and one look an interval is an interval; else a wider one is drawn too."""
    assert not list(shown(pages.usual()).of_class("reach"))
    assert 1 == len(list(shown(pages.usual(looks=4)).of_class("reach")))
    assert 3 == len(list(shown(pages.usual(("a", "b", "c"))).of_class("reach")))


def test_what_is_not_there_is_said() -> None:
    """No price, no delivery, no failure, no time apart: a sentence stands in its place."""
    nothing = shown(compare([cell("a", settled(0, 40)), cell("b", settled(0, 40))])).text
    assert "No price is known of any text." in nothing
    assert "Nothing has been delivered yet." in nothing
    assert "from week to week" in nothing
    whole = shown(compare([cell("a", settled(40, 40)), cell("b", settled(40, 40))])).text
    assert "Every text was delivered." in whole
    report = attrs.evolve(pages.usual(), warnings=())
    assert not list(shown(report).of_class("grave"))
    assert "Before you believe this" not in shown(report).text


def test_accounts_that_report_nothing_are_rows_without_a_line() -> None:
    """An account that never reports, and one that was given nothing, are named and not drawn."""
    text = shown(pages.extreme()).text
    assert "never reports" in text
    assert "was given none" in text
    silent = compare([cell("a", pages.traffic(200, 0.5, 9.0), reports=False)])
    tree = shown(silent)
    assert "In USD" in [one.text for one in tree.every("h3")]
    assert not list(tree.of_class("whisker"))


def test_times_that_are_not_reached_have_a_bound() -> None:
    """A quantile beyond what is known is later than the interval's lower end."""
    counts = timed([float(second) for second in range(1, 49)], [60.0] * 52)
    enough = timed([float(second) for second in range(1, 56)], [60.0] * 45)
    text = shown(compare([cell("a", counts), cell("b", enough)])).text
    assert "later than 41 s" in text
    assert "50 s (41 s or later)" in text


def test_many_kinds_are_drawn_in_part() -> None:
    """The twelve most frequent kinds of texts are drawn, and the others counted."""
    cells = [
        cell(account, settled(30 + place, 40 + place), Stratum(f"X{place}", "sms", 1))
        for place in range(15)
        for account in ("a", "b")
    ]
    tree = shown(compare(cells))
    drawn = [one.text for one in tree.every("h4")]
    assert 12 == len(drawn)
    assert "X14 sms of 1 segment (108 texts)" == drawn[0]
    assert "The other 3 kinds are in the tables." in tree.text


def test_periods_are_drawn_one_after_another() -> None:
    """Each account has a mark for each time it was given texts, and a gap where it was not."""
    tree = shown(pages.usual(), periods=pages.weeks(9))
    course = next(
        one
        for one in tree.of_class("field")
        if one.one_of("title") == "The share delivered in one time after another"
    )
    assert 8 + 9 == len(list(course.of_class("whisker")))
    lines = [one.attributes["d"].count("M") for one in course.of_class("line")]
    assert [2, 1] == lines
    assert "week 39: signalwire " in course.text
    labels = [one.text for one in course.every("text") if one.text.startswith("week")]
    assert ["week 36", "week 44"] == [labels[0], labels[-1]]


def test_periods_may_begin_with_a_gap() -> None:
    """An account that comes later has no line before; one that is gone has no name at the end."""
    weeks = pages.weeks(4)
    tree = shown(pages.usual(), periods=weeks[3:] + weeks[:1] + weeks[3:])
    assert "A gap is a time in which it was given none" in tree.text
