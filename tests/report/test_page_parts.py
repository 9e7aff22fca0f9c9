"""The parts of a page: figures, axes, marks, and the escaping that all of it rests on."""

from __future__ import annotations

import pytest

from polysms.report.page import axes, figures, look, markup, plots

pytestmark = pytest.mark.one_python


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (figures.share(0.0), "0.0 %"),
        (figures.share(1.0), "100.0 %"),
        (figures.share(0.9412), "94.1 %"),
        (figures.share(0.000012), "0.0012 %"),
        (figures.share(0.999988), "99.9988 %"),
        (figures.share(1e-9), "below 0.000001 %"),
        (figures.share(1 - 1e-9), "above 99.999999 %"),
        (figures.interval(0.93, 0.95), "93.0 to 95.0 %"),
        (figures.points(0.031), ("+3.1",)),
        (figures.points(-0.0004, 0.02), ("-0.04", "+2.00")),
        (figures.points(0.0, 0.0), ("+0.0", "+0.0")),
        (figures.points(1e-9, 0.5), ("+0.000", "+50.000")),
        (figures.money(0.0), "0"),
        (figures.money(0.0079), "0.0079"),
        (figures.money(0.00837912), "0.008379"),
        (figures.money(1234567.8), "1,234,568"),
        (figures.money(12.5), "12.5"),
        (figures.money(1.2e-9), "1.2e-09"),
        (figures.money(-3e13), "-3e+13"),
        (figures.seconds(None), "\u2013"),
        (figures.seconds(90.0), "90 s"),
        (figures.tick(95.0, 5.0), "95"),
        (figures.tick(92.5, 2.5), "92.5"),
        (figures.tick(0.075, 0.025), "0.075"),
        (figures.tick(-0.0, 1.0), "0"),
        (figures.tick(10_000.0, 5000.0), "10,000"),
        (figures.tick(1.15e-9, 5e-11), "1.15e-09"),
    ],
)
def test_figures_are_written_as_they_can_be_read(told: object, expected: object) -> None:
    """Tiny is not 0, nearly all is not all, and figures that stand together have as many digits."""
    assert expected == told


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.913, 0.937, (0.91, 0.92, 0.93, 0.94)),
        (0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0)),
        (0.02, 0.999, (0.0, 0.25, 0.5, 0.75, 1.0)),
        (0.5, 0.5, (0.44, 0.46, 0.48, 0.5, 0.52, 0.54, 0.56)),
        (1.0, 1.0, (0.9, 0.95, 1.0)),
    ],
)
def test_axes_of_shares_hold_their_ends(low: float, high: float, ticks: tuple[float, ...]) -> None:
    """Ticks are round, hold both ends, and never leave 0 to 1."""
    found = axes.shares(low, high)
    assert found.low <= low
    assert high <= found.high + 1e-12
    assert 0 <= found.low < found.high <= 1 + 1e-12
    assert found.ticks == pytest.approx(found.ticks)
    if low != high:
        assert pytest.approx(ticks) == found.ticks


def test_an_axis_of_nothing_is_that_of_all_shares() -> None:
    """Without a share the axis goes from 0 to 1."""
    assert (0.0, 1.0) == (axes.shares().low, axes.shares().high)


@pytest.mark.parametrize(("low", "high"), [(5.0, 5.0), (0.0, 0.0), (-3e12, 4e12), (1e-9, 2e-9)])
def test_axes_hold_whatever_there_is(low: float, high: float) -> None:
    """Equal ends, none, huge and tiny ones: there are two ticks or more, and both ends between."""
    found = axes.linear(low, high)
    assert found.low <= low <= high <= found.high
    assert 2 <= len(found.ticks) <= 7
    assert found.room <= found.place(low) <= found.place(high) <= 100 - found.room


def test_amounts_that_are_all_but_equal_do_not_fill_an_axis() -> None:
    """A price a thousandth dearer than another one lies close to it."""
    found = axes.amounts([1.0, 1.001])
    assert found.place(1.001) - found.place(1.0) < 5
    assert axes.amounts([1.0, 2.0]).place(2.0) - axes.amounts([1.0, 2.0]).place(1.0) > 50


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0.3, 600.0, ["1 s", "10 s", "1 min", "10 min"]),
        (2.0, 9.0, ["1 s", "10 s"]),
        (0.0, 0.0, ["0.01 s", "0.1 s"]),
        (1800.0, 40 * 86400.0, ["1 h", "6 h", "1 d", "3 d", "10 d", "30 d"]),
        (86400.0 * 2000, 86400.0 * 5000, ["365 d", "1000 d"]),
    ],
)
def test_times_are_marked_as_people_say_them(low: float, high: float, names: list[str]) -> None:
    """An axis of times grows by factors and has two marks at least."""
    found = axes.times(low, high)
    assert names == [axes.called(tick) for tick in found.ticks]
    assert 0.0 <= found.place(found.ticks[0]) < found.place(found.ticks[-1]) <= 100.0


def test_each_step_of_an_axis_of_times_is_as_wide_as_another_of_the_same_factor() -> None:
    """From 1 to 10 seconds is as far as from 1 to 10 minutes; what is 0 lies at the beginning."""
    found = axes.times(0.01, 86400.0)
    near = found.place(10.0) - found.place(1.0)
    assert pytest.approx(near) == found.place(600.0) - found.place(60.0)
    assert 0.0 == found.place(0.0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([100.0], [100.0]),
        ([100.0, 101.0, 102.0], [100.0, 118.0, 136.0]),
        ([-50.0, 20.0], [9.0, 27.0]),
        ([338.0, 339.0], [313.0, 331.0]),
    ],
)
def test_names_stay_apart(wanted: list[float], expected: list[float]) -> None:
    """Names at the ends of lines never overlap, and never leave the picture."""
    assert expected == plots.apart(wanted)


def test_accounts_look_different() -> None:
    """Eight accounts differ in letter, shape, line and colour; after them letters still do."""
    every = list(look.looks([f"account {place}" for place in range(30)]).values())
    for name in ("letter", "shape", "dash", "ink"):
        assert 8 == len({getattr(one, name) for one in every[:8]})
    assert ["A", "Z", "AA", "AD"] == [every[place].letter for place in (0, 25, 26, 29)]


def test_long_names_are_cut_where_there_is_little_room() -> None:
    """A name of 16 letters stays, a longer one ends in dots."""
    assert "x" * 16 == look.short("x" * 16)
    assert "x" * 15 + "…" == look.short("x" * 17)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (markup.escaped("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#x27;"),
        (markup.escaped("a\u202eb\x00c\u2066\n"), "a\ufffdb\ufffdc\ufffd\n"),
        (markup.escaped(markup.Markup("<b>")), "<b>"),
        (markup.tag("p", "1 < 2", class_='a"b'), '<p class="a&quot;b">1 &lt; 2</p>'),
        (markup.tag("rect", x=1.23456, text_anchor="end", y=None), '<rect x="1.23" '),
        (markup.code("run `a<b` now"), "run <code>a&lt;b</code> now"),
        (markup.code("one ` only <"), "one ` only &lt;"),
    ],
)
def test_texts_are_escaped_unless_they_are_markup(made: str, expected: str) -> None:
    """What is not known to be markup is a text, and a text cannot become markup."""
    assert made.startswith(expected)
    assert isinstance(made, markup.Markup)
