"""``polysms simulate``: a plan in, what it would show out; nothing is sent, nothing is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ARMS = ("--arm", "wavix=0.95,3s,0.0075", "--arm", "signalwire=0.93,5s,0.006")
QUICK = (*ARMS, "--per-day", "2000", "--days", "8", "--plays", "30")


def test_arms(command: Command) -> None:
    """Two arms and the traffic are enough; what is shown fits a terminal of 80 columns."""
    said = command("simulate", *QUICK)

    assert (0, "") == (said.code, said.err)
    assert "Played 30 times: 8 days of 2,000 texts. Nothing was sent." in said.out
    assert "it takes 2,213 texts each, 2.2 days, to show it" in " ".join(said.out.split())
    assert [*map(str, range(1, 9))] == [line.split()[0] for line in _days(said.out)]
    assert all(len(line) <= 80 for line in said.out.splitlines())


def test_one_of_each(command: Command) -> None:
    """One play, one day, one text: the words agree with their figures."""
    said = command("simulate", *ARMS, "--per-day", "1", "--days", "1", "--plays", "1")
    assert "Played 1 time: 1 day of 1 text. Nothing was sent." in said.out
    assert "not within 1 day." in " ".join(said.out.split())


def _days(out: str) -> list[str]:
    return [line for line in out.splitlines() if "±" in line]


def test_as_json(command: Command) -> None:
    """Programs get the plan, every day of every pair, and when a share of the plays shows it."""
    told = json.loads(command("simulate", *QUICK, "--json").out)
    (pair,) = told["pairs"]

    assert ("wavix", "signalwire", 2213) == (pair["first"], pair["second"], pair["needed_first"])
    assert pytest.approx(0.02) == pair["difference"]
    assert [*range(1, 9)] == [stage["day"] for stage in pair["stages"]]
    assert pair["shown_by"]["0.5"] <= pair["shown_by"]["0.9"] <= 8
    assert {"wavix": 0.95, "signalwire": 0.93} == told["accounts"]
    assert told["first_play"][0][0].startswith("wavix ")
    assert 30 == told["plan"]["plays"]


def test_seed(command: Command) -> None:
    """The same seed, the same words; another one, others."""
    first, again = command("simulate", *QUICK), command("simulate", *QUICK)
    other = command("simulate", *QUICK, "--seed", "2")

    assert first.out == again.out
    assert _days(first.out) != _days(other.out)


def test_example(command: Command) -> None:
    """The printed plan is played as it is, and options change it."""
    Path("plan.toml").write_text(command("simulate", "--example").out, encoding="utf-8")
    few = ("--days", "3", "--plays", "5")
    played = command("simulate", "plan.toml", *few)
    changed = command(
        *("simulate", "plan.toml", *few, "--per-day", "50", "--share", "wavix=3"),
        *("--sticky", "--per-recipient", "2", "--no-failover"),
    )

    assert (0, 0) == (played.code, changed.code)
    assert "3 days of 2,000 texts" in played.out
    assert "The usual comparison, which counts what failover handed on" in played.out
    assert "3 days of 50 texts" in changed.out
    assert "75.0 %" in changed.out
    assert "The usual comparison" not in changed.out


def test_three_and_none(command: Command) -> None:
    """The two best are told in full, other pairs in a sentence; alike ones are said to be so."""
    arms = ("--arm", "a=0.9", "--arm", "b=0.8", "--arm", "c=0.9")
    said = command("simulate", *arms, "--days", "100", "--plays", "5")
    plain = " ".join(said.out.split())

    assert "a less c: there is no difference. One of 1.0 points would take" in plain
    assert "a less b: +10.0 points, shown at one look in half of the plays by day 1" in plain
    assert len(_days(said.out)) <= 13


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ((), "--arm: give two at least"),
        (("--arm", "wavix"), "--arm: 'wavix' is no provider; write it as wavix=0.95,3s,0.0075"),
        (("--arm", "a=0.9,3s,0.1,5"), "--arm: 'a=0.9,3s,0.1,5' is no provider"),
        (("--arm", "a=,3s"), "--arm: 'a=,3s' is no provider"),
        (("--arm", "a=0.9"), "arms: are 1; write two at least"),
        ((*ARMS[:2], "--arm", "b=93"), "arms.b.delivers: 93 is no share from 0 to 1"),
        ((*ARMS, "--share", "wavx=2"), "--share: 'wavx=2' is none; write it as NAME=2; the arms"),
        ((*ARMS, "--share", "wavix=no"), "arms.wavix.share: write a number"),
        ((*ARMS, "--days", "0"), "days: 0 is not from 1 to 366"),
        (("plan.toml", *ARMS), "A plan and --arm are both given; give one."),
        (("nowhere.toml",), "nowhere.toml: No such file or directory. A plan to begin with"),
        (("bad.toml",), "bad.toml is no TOML:"),
        (("plan.toml",), "arms: are 0; write two at least, 8 at most (in plan.toml)"),
        (("plan.toml", "--share", "a=2"), "--share: 'a=2' is none; write it as NAME=2"),
        (("plan.toml", "--days", "3"), "arms: are 0; write two at least, 8 at most (in plan.toml"),
    ],
)
def test_mistakes(command: Command, given: tuple[str, ...], lines: str) -> None:
    """What is wrong is told with its remedy, and the exit code is that of wrong usage."""
    Path("bad.toml").write_text("arms = [", encoding="utf-8")
    Path("plan.toml").write_text("days = 3\n", encoding="utf-8")
    said = command("simulate", *given)

    assert (2, "") == (said.code, said.out)
    assert lines in " ".join(said.err.split())
