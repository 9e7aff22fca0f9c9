"""The page in a real browser: silent, alone, as wide as its window, legible, and ruled by keys."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polysms.report import Report
from polysms.report.page import page
from tests.report import pages
from tests.report.browser import Browser, browser, found

pytestmark = [
    pytest.mark.unmeasured,
    pytest.mark.skipif(found() is None, reason="no browser is installed (chromium)"),
]

REPORTS: dict[str, Callable[[], Report]] = {
    "usual": pages.usual,
    "crowd": pages.crowd,
    "hostile": pages.hostile,
    "extreme": pages.extreme,
    "empty": pages.empty,
}
#: A small phone, a phone, a desk.
WIDTHS = (320, 375, 1280)

#: Every text that is seen and has too little contrast to what it stands on, or is too small.
CONTRAST = """
(() => {
  const light = (channel) => {
    channel /= 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  };
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const bad = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ["SCRIPT", "title", "desc"].includes(one.tagName)) {
      continue;
    }
    if (!one.checkVisibility() || !one.getClientRects().length) continue;
    const style = getComputedStyle(one);
    const ink = colour(one.closest("svg") ? style.fill : style.color);
    const [low, high] = [luminance(ink), luminance(ground(one))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    seen += 1;
    if (ratio < 4.5 || parseFloat(style.fontSize) < 12) {
      bad.push([walker.currentNode.data, ratio, style.fontSize]);
    }
  }
  return { seen, bad };
})()
"""

#: Every shape and line of an account that is hard to tell from the page: 3 is what is asked.
SHAPES = (
    CONTRAST.replace(
        'const ink = colour(one.closest("svg") ? style.fill : style.color);', ""
    ).partition("const bad")[0]
    + """
  const page = luminance(ground(document.body));
  return Array.from(document.querySelectorAll(".mark:not(.hollow), .line, .bar"), (one) => {
    const style = getComputedStyle(one);
    const ink = colour(one.matches(".line") ? style.stroke : style.fill);
    const [low, high] = [luminance(ink), page].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
})()
"""
)

#: What can be reached by keys, in order: what it is, and whether it is seen that it was reached.
REACHED = """
(() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const style = getComputedStyle(one);
  const place = one.getBoundingClientRect();
  return {
    name: one.tagName.toLowerCase(),
    what: one.id || one.getAttribute("aria-label") || one.textContent,
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: place.bottom > 0 && place.top < innerHeight && place.width > 0,
  };
})()
"""
REACHABLE = """
Array.from(document.querySelectorAll("a, summary, button, [tabindex]"))
  .filter((one) => one.checkVisibility()).length
"""

#: Words of a picture that lie over each other.
OVERLAPS = """
(() => {
  const bad = [];
  for (const svg of document.querySelectorAll("svg.ends, svg.foot, .axis > svg")) {
    const texts = Array.from(svg.querySelectorAll("text")).filter((one) => one.checkVisibility());
    const boxes = texts.map((one) => [one.textContent, one.getBoundingClientRect()]);
    boxes.forEach(([name, a], place) => {
      for (const [other, b] of boxes.slice(place + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 3) bad.push([name, other, across, down]);
      }
      if (a.left < 0 || a.right > innerWidth) bad.push([name, "edge", a.left, a.right]);
    });
  }
  return bad;
})()
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run a browser for these tests."""
    program = found()
    assert program is not None
    with browser(program, tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the page of each report into a file."""
    folder = tmp_path_factory.mktemp("pages")
    written = {}
    for name, made in REPORTS.items():
        report = made()
        names = tuple(arm.account for arm in report.arms)
        told = page(report, title=f"The {name} one", periods=pages.weeks(7, names) if names else ())
        written[name] = folder / f"{name}.html"
        written[name].write_text(told, encoding="utf-8")
    return written


def _unfold(window: Browser) -> None:
    window.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_silent_and_alone(
    window: Browser, files: dict[str, Path], name: str, scheme: str
) -> None:
    """No error, no warning, no dialogue, no request but for the page itself."""
    window.open(files[name], dark=scheme == "dark")
    _unfold(window)
    said = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert [] == window.heard(*said, "Page.javascriptDialogOpening")
    requests = [one["request"]["url"] for one in window.heard("Network.requestWillBeSent")]
    assert [files[name].as_uri()] == requests
    assert window.run("document.querySelectorAll('img, iframe, link, object').length") == 0


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_as_wide_as_its_window(
    window: Browser, files: dict[str, Path], name: str, width: int
) -> None:
    """Nothing makes the page scroll sideways, and no words of a picture lie over each other."""
    window.open(files[name], width=width)
    assert [] == window.run(OVERLAPS)
    _unfold(window)
    assert width == window.run("document.documentElement.scrollWidth")
    assert width == window.run("document.documentElement.clientWidth")
    over = window.run(
        "Array.from(document.querySelectorAll('p, li, h1, h2, h3, h4, .says, .who, summary, "
        "button, .box')).filter((one) => one.checkVisibility() && !one.closest('table') && "
        f"one.getBoundingClientRect().right > {width}).map((one) => one.textContent)"
    )
    assert [] == over


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_word_can_be_read(
    window: Browser, files: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    """Words have a contrast of 4.5 or more in both schemes, shapes of 3, and are 12 pixels high."""
    window.open(files[name], width=width, dark=scheme == "dark")
    _unfold(window)
    answer = window.run(CONTRAST)
    assert answer["seen"] > 10
    assert [] == answer["bad"]
    assert all(ratio >= 3 for ratio in window.run(SHAPES))


def test_light_dark_and_paper_differ(window: Browser, files: dict[str, Path]) -> None:
    """The page is light or dark as its reader wishes, and on paper always light."""
    ground = "getComputedStyle(document.body).backgroundColor"
    window.open(files["usual"])
    assert "rgb(255, 255, 255)" == window.run(ground)
    window.light(dark=True)
    assert "rgb(18, 22, 28)" == window.run(ground)
    window.light(dark=True, media="print")
    assert "rgb(255, 255, 255)" == window.run(ground)
    window.run("dispatchEvent(new Event('beforeprint'))")
    assert 0 == window.run("document.querySelectorAll('details:not([open])').length")


@pytest.mark.parametrize("name", ["usual", "hostile", "empty"])
def test_everything_is_reached_by_keys(window: Browser, files: dict[str, Path], name: str) -> None:
    """The tabulator goes to each link, fold, table and button once, and it is seen where it is."""
    window.open(files[name])
    _unfold(window)
    wanted = window.run(REACHABLE)
    reached: list[dict[str, Any]] = []
    for _ in range(wanted):
        window.press("Tab", 9)
        reached.append(window.run(REACHED))
    assert all(one and one["outline"] and one["seen"] for one in reached)
    order = window.run(
        "Array.from(document.querySelectorAll('a, summary, button, [tabindex]'), "
        "(one) => one.id || one.getAttribute('aria-label') || one.textContent)"
    )
    assert order == [one["what"] for one in reached]


def test_folds_open_by_keys(window: Browser, files: dict[str, Path]) -> None:
    """A fold is opened by the key that presses a button."""
    window.open(files["usual"])
    window.run("document.querySelector('details > summary').focus()")
    assert window.run("document.querySelector('details').open") is False
    window.press("Enter", 13, "\r")
    assert window.run("document.querySelector('details').open") is True


#: The figures of a table as they should be copied.
TABLE = """
Array.from(document.getElementById("costs").rows, (row) => Array.from(row.cells, (cell) =>
  cell.querySelector("data") ? cell.querySelector("data").value : cell.textContent))
"""


def _copied(window: Browser, table: str) -> list[list[str]]:
    window.run(f"document.querySelector('button[data-table={table}]').focus()")
    window.press("Enter", 13, "\r")
    said = f"document.querySelector('button[data-table={table}]').parentElement.textContent"
    window.wait_for(f"/Copied|Selected/.test({said})")
    text = window.run("navigator.clipboard.readText()")
    return [line.split("\t") for line in text.removesuffix("\n").split("\n")]


def _allow(window: Browser) -> None:
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    window.tell("Browser.grantPermissions", permissions=permissions)
    window.tell("Page.bringToFront")


@pytest.mark.parametrize("name", ["usual", "extreme"])
def test_figures_are_copied_exactly(window: Browser, files: dict[str, Path], name: str) -> None:
    """The button, pressed by a key, puts exact figures on the clipboard, with tabs between."""
    window.open(files[name])
    _allow(window)
    assert window.run(TABLE) == _copied(window, "costs")
    assert window.run("document.activeElement.dataset.table") == "costs"


@pytest.mark.parametrize(
    "trouble",
    [
        "navigator.clipboard.writeText = () => Promise.reject(new Error('no'))",
        "delete Navigator.prototype.clipboard",
    ],
)
def test_without_a_clipboard_there_is_another_way(
    window: Browser, files: dict[str, Path], trouble: str
) -> None:
    """Where a browser gives no clipboard the older way copies, and leaves nothing on the page."""
    window.open(files["usual"])
    _allow(window)
    window.run("window.read = navigator.clipboard; 0")
    window.run(f"{trouble}; 0")
    button = "document.querySelector('button[data-table=costs]')"
    window.run(f"{button}.focus()")
    window.press("Enter", 13, "\r")
    window.wait_for(f"{button}.parentElement.textContent.includes('Copied.')")
    text = window.run("read.readText()")
    assert window.run(TABLE) == [line.split("\t") for line in text.rstrip("\n").split("\n")]
    assert 0 == window.run("document.querySelectorAll('textarea').length")


def test_where_nothing_copies_the_table_is_selected(
    window: Browser, files: dict[str, Path]
) -> None:
    """Where nothing may copy, the figures are selected, and the page says what to do."""
    window.open(files["usual"])
    window.run("delete Navigator.prototype.clipboard; document.execCommand = () => false; 0")
    window.run("document.querySelector('button[data-table=costs]').click()")
    window.wait_for("getSelection().toString().includes('Texts priced')")
    said = window.run("document.querySelector('button[data-table=costs] + output').textContent")
    assert "Selected: copy it with your keyboard." == said


def test_no_name_becomes_a_formula(window: Browser, files: dict[str, Path]) -> None:
    """A name that a spreadsheet would take for a formula is copied with an apostrophe before it."""
    window.open(files["hostile"])
    _allow(window)
    rows = _copied(window, "costs")
    names = [row[0] for row in rows[1:]]
    assert "'" + pages.HOSTILE[2] in names
    assert pages.HOSTILE[0] in names
    window.open(files["usual"])
    _allow(window)
    _unfold(window)
    figures = {row[0]: row[1] for row in _copied(window, "all-pairs")}
    assert float(figures["naive.seconds"]) < 0


def test_figures_can_be_selected_without_a_script(window: Browser, files: dict[str, Path]) -> None:
    """With scripts off there is no button, and a table is text that can be selected."""
    window.open(files["usual"], scripts=False)
    buttons = "Array.from(document.querySelectorAll('button'), (one) => one.checkVisibility())"
    assert not any(window.run(buttons))
    window.run("getSelection().selectAllChildren(document.getElementById('costs'))")
    assert "0.0079" in window.run("getSelection().toString()")


@pytest.mark.parametrize("name", ["usual", "crowd"])
@pytest.mark.parametrize("width", [1280, 375])
def test_a_picture_of_it_is_not_empty(
    window: Browser, files: dict[str, Path], tmp_path: Path, name: str, width: int
) -> None:
    """On a desk and on a phone every plot is drawn: each line is as wide as it should be."""
    window.open(files[name], width=width)
    window.picture(tmp_path / "seen.png")
    assert (tmp_path / "seen.png").stat().st_size > 50_000
    plots = window.run(
        "Array.from(document.querySelectorAll('.plot .line'), (one) => "
        "one.getBoundingClientRect().width / one.closest('.field').getBoundingClientRect().width)"
    )
    assert plots
    assert all(0.3 < part <= 1.05 for part in plots)


def test_a_script_that_got_in_would_not_run(window: Browser, tmp_path: Path) -> None:
    """Even where a page was tampered with, its policy lets no other script run, and no load."""
    told = page(pages.usual())
    data = urllib.parse.quote("<svg xmlns='http://www.w3.org/2000/svg'/>")
    injected = (
        f"<script>window.hurt = 1</script><img src='data:image/svg+xml,{data}' onload='hurt=2'>"
    )
    tampered = tmp_path / "tampered.html"
    tampered.write_text(told.replace("<main>", f"<main>{injected}"), encoding="utf-8")
    window.open(tampered)
    assert "undefined" == window.run("typeof window.hurt")
    assert window.heard("Log.entryAdded")
