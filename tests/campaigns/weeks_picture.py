"""The picture of :mod:`tests.campaigns.weeks`: what is delivered in an average week, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from tests.campaigns.weeks import Result

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 144, 40, 34
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: What each line is called, and how it is drawn: told apart by more than its colour.
LINES: Mapping[str, tuple[str, str]] = {
    "best": ("best", ""),
    "round_robin": ("turns", "6 4"),
    "failover": ("first", "2 3"),
}
STYLE = """
  .paper { fill: #ffffff }
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .grid { stroke: #d0d7de; stroke-width: 1 } .bad { fill: #d0d7de; opacity: .45 }
  .line { fill: none; stroke-width: 2.5 }
  .best { stroke: #0550ae } .turns { stroke: #9a6700 } .first { stroke: #a40e26 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 }
    .grid { stroke: #3d444d } .bad { fill: #3d444d }
    .best { stroke: #79c0ff } .turns { stroke: #e3b341 } .first { stroke: #ff9492 }
  }
"""


def picture(results: Mapping[str, Result], weeks: int, bad: tuple[int, int]) -> str:
    """Return the picture; ``bad`` are the hours of the week between which a provider is worse."""
    told = ", ".join(f"{name} {results[name].share:.1%}" for name in LINES)
    title = f"Share delivered through the week, on average of {weeks} weeks: {told}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        *_frame(results, bad),
        *_lines(results),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def curve(result: Result) -> list[float]:
    """Return the share delivered in each hour of the week."""
    return [got / sent for got, sent in zip(result.delivered, result.sent, strict=True)]


def _lowest(results: Mapping[str, Result]) -> float:
    least = min(min(curve(result)) for result in results.values())
    return int(least * 20) / 20


def _x(hour: float, hours: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * hour / hours


def _y(share: float, lowest: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share) / (1 - lowest)


def _frame(results: Mapping[str, Result], bad: tuple[int, int]) -> Iterator[str]:
    lowest, hours = _lowest(results), 24 * len(DAYS)
    begin, end = (_x(hour, hours) for hour in bad)
    height = HEIGHT - TOP - BOTTOM
    place = f'x="{begin:.1f}" y="{TOP}" width="{end - begin:.1f}" height="{height}"'
    yield f'<rect class="bad" {place}/>'
    yield f'<text x="{begin + 6:.1f}" y="{TOP + 16}">a provider is worse</text>'
    yield f'<text x="{LEFT}" y="{TOP - 18}">delivered</text>'
    for step in range(round((1 - lowest) * 20) + 1):
        y = _y(1 - step / 20, lowest)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{100 - 5 * step} %</text>'
    for number, day in enumerate(DAYS):
        x = _x(24 * number + 12, hours)
        yield f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{day}</text>'


def _lines(results: Mapping[str, Result]) -> Iterator[str]:
    lowest, hours = _lowest(results), 24 * len(DAYS)
    labels = {}
    for name, (word, dashes) in LINES.items():
        shares = curve(results[name])
        points = (f"{_x(n + 0.5, hours):.1f} {_y(one, lowest):.1f}" for n, one in enumerate(shares))
        drawn = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path class="line {word}"{drawn} d="M{"L".join(points)}"/>'
        labels[name] = sum(shares[-12:]) / 12
    yield from _labels(labels, lowest, results)


def _labels(
    ends: Mapping[str, float], lowest: float, results: Mapping[str, Result]
) -> Iterator[str]:
    """Yield each line's name beside its end, none over another."""
    last = -99.0
    for name in sorted(ends, key=lambda one: -ends[one]):
        last = max(_y(ends[name], lowest) + 4, last + 18)
        share = f"{results[name].share:.1%}"
        yield f'<text x="{WIDTH - RIGHT + 8}" y="{last:.1f}">{name} {share}</text>'
