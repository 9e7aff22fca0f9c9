"""A report as one page of HTML that opens without a network, on a phone and on a desk.

The page holds its style and its few lines of script, loads nothing, and its policy forbids it to:
only this style and this script run, whatever an account is called.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from polysms.report.comparing import Report
from polysms.report.page import costing, delivering, reading, timing
from polysms.report.page.delivering import Looks
from polysms.report.page.look import looks
from polysms.report.page.markup import Markup, joined, tag
from polysms.report.page.numbers import tables
from polysms.report.page.script import SCRIPT
from polysms.report.page.style import STYLE
from polysms.report.page.timing import Periods

#: What the page is called where nobody says.
TITLE = "Which account really delivers"


def page(report: Report, *, title: str = "", periods: Periods = ()) -> str:
    """Return a report as one HTML page.

    ``periods`` are the same comparison at one time after another (what each is called, and its
    report): how the accounts did over time is drawn from them, and left out without them.
    """
    named = title or TITLE
    drawn = looks([arm.account for arm in report.arms])
    parts = list(_parts(report, drawn, periods)) if report.arms else []
    top = tag(
        "header",
        tag("h1", named),
        reading.standfirst(report),
        reading.doubts(report.warnings),
        reading.verdicts(report),
        reading.notes(report.warnings),
        _contents(parts),
        class_="top",
    )
    main = tag("main", *(_section(*part) for part in parts), _section(*_method(report)))
    body = tag("body", top, main, tag("script", Markup(SCRIPT)))
    return f"<!DOCTYPE html>\n{tag('html', _head(named), body, lang='en')}\n"


def _parts(report: Report, drawn: Looks, periods: Periods) -> Iterator[tuple[str, str, Markup]]:
    delivered = (
        delivering.rates(report, drawn),
        delivering.differences(report, drawn),
        delivering.beside(report, drawn),
        delivering.strata(report, drawn),
    )
    yield "delivered", "Who delivers more", joined(delivered)
    yield "speed", "How fast they arrive", timing.curves(report, drawn)
    yield "cost", "What it costs", costing.costs(report, drawn)
    yield "failures", "What became of the others", costing.failures(report, drawn)
    yield "time", "From one time to the next", timing.over(periods, drawn)
    naive = reading.naive(report, [drawn[arm.account] for arm in report.arms])
    about = tag(
        "p",
        "Every figure as the report has it. Shares are parts of 1, times are seconds. The buttons "
        "copy exact values, with tabs between them, for a spreadsheet.",
    )
    yield "figures", "All figures", joined((about, tables(report), naive))


def _method(report: Report) -> tuple[str, str, Markup]:
    return "method", "How this was found", reading.method(report)


def _section(name: str, title: str, body: Markup) -> Markup:
    return tag("section", tag("h2", title, id=name), body, aria_labelledby=name)


def _contents(parts: list[tuple[str, str, Markup]]) -> Markup:
    if not parts:
        return Markup()
    names = [*((name, title) for name, title, _ in parts), ("method", "How this was found")]
    items = [tag("li", tag("a", title, href=f"#{name}")) for name, title in names]
    return tag("nav", tag("ul", *items), aria_label="On this page")


def _head(title: str) -> Markup:
    policy = (
        f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return joined(
        (
            Markup('<head><meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            tag("title", title),
            tag("style", Markup(STYLE)),
            Markup("</head>"),
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
