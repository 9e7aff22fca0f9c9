"""Assignment by chance: the right shares, the same account every time, and independent draws."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.message import Message
from polysms.report.chances import chi_square_tail
from polysms.routing.assigning import (
    Stratum,
    assign,
    chance,
    experiment_of,
    probability,
    race,
    sender_kind,
    stratum_of,
    unit_of,
)

US = Stratum("US", "sms", 1)
NAMES = ("wavix", "signalwire", "carrierx")
SEEDS = range(20)
#: A test of this many tables on fixed seeds; each by itself so rare that none of them is there.
RARE = 0.0005


def first(shares: Mapping[str, float], experiment: str, unit: str, stratum: Stratum = US) -> str:
    """Return the account that gets a message."""
    return assign(shares, experiment=experiment, stratum=stratum, unit=unit)[0]


def misfit(found: Sequence[float], expected: Sequence[float]) -> float:
    """Return the chance of counts at least as far from what is expected."""
    value = math.fsum((one - two) ** 2 / two for one, two in zip(found, expected, strict=True))
    return chi_square_tail(value, len(found) - 1)


def independence(table: Mapping[tuple[str, str], int]) -> float:
    """Return the chance of a table at least as far from two independent draws."""
    whole = sum(table.values())
    rows, columns = Counter[str](), Counter[str]()
    for (row, column), count in table.items():
        rows[row] += count
        columns[column] += count
    value = sum(
        (table.get((row, column), 0) - rows[row] * columns[column] / whole) ** 2
        / (rows[row] * columns[column] / whole)
        for row in rows
        for column in columns
    )
    return chi_square_tail(value, (len(rows) - 1) * (len(columns) - 1))


SHARES: list[dict[str, float]] = [
    {"wavix": 1, "signalwire": 1},
    {"wavix": 3, "signalwire": 1},
    {"wavix": 0.5, "signalwire": 0.3, "carrierx": 0.2},
    {"wavix": 100, "signalwire": 1, "carrierx": 1},
]


@pytest.mark.parametrize("shares", SHARES)
def test_shares_are_exact(shares: dict[str, float]) -> None:
    """In the long run each account has its share, with any seed."""
    whole = sum(shares.values())
    for seed in SEEDS:
        experiment = experiment_of("main", str(seed), shares, sticky=False)
        found = Counter(first(shares, experiment, f"id-{number}") for number in range(2000))
        expected = [2000 * share / whole for share in shares.values()]
        assert misfit([found[name] for name in shares], expected) > RARE


def test_experiments_are_independent() -> None:
    """What one experiment gave to an account tells nothing of what the next one does."""
    shares = SHARES[2]
    experiments = [experiment_of("main", str(seed), shares, sticky=False) for seed in SEEDS]
    for one, other in pairwise(experiments):
        units = [f"id-{number}" for number in range(2000)]
        pairs = Counter((first(shares, one, unit), first(shares, other, unit)) for unit in units)
        assert independence(pairs) > RARE


STRATA = [US, Stratum("US", "sms", 2), Stratum("US", "mms", 1), Stratum("CA", "sms", 1), Stratum()]


def test_strata_are_independent() -> None:
    """What one stratum's draw was tells nothing of another's, though the unit be the same."""
    shares = SHARES[0]
    experiment = experiment_of("main", "", shares, sticky=False)
    for one, other in pairwise(STRATA):
        units = [f"id-{number}" for number in range(2000)]
        pairs = Counter(
            (first(shares, experiment, unit, one), first(shares, experiment, unit, other))
            for unit in units
        )
        assert independence(pairs) > RARE


def test_can_be_drawn_again_by_hand() -> None:
    """An auditor who has only this text finds the same account: JSON, BLAKE2b, a logarithm."""
    shares = {"wavix": 3.0, "signalwire": 1.0}
    plain = '["main","summer",[["signalwire",1.0],["wavix",3.0]],false]'
    experiment = blake2b(plain.encode(), digest_size=6).hexdigest()
    assert experiment == experiment_of("main", "summer", shares, sticky=False)
    for number in range(200):
        places = {}
        for name, share in shares.items():
            written = json.dumps(
                [experiment, "US", "sms", 1, f"id-{number}", name], separators=(",", ":")
            )
            digest = blake2b(written.encode(), digest_size=8).hexdigest()
            places[name] = -math.log((int(digest, 16) + 0.5) / 2**64) / share
        by_hand = min(places, key=places.__getitem__)
        assert by_hand == first(shares, experiment, f"id-{number}")


def test_known_draws() -> None:
    """The draws of this version are those of every later one: an experiment outlives a release."""
    shares = {"wavix": 1.0, "signalwire": 1.0}
    experiment = experiment_of("main", "summer", shares, sticky=False)
    found = "".join(first(shares, experiment, f"id-{number}")[0] for number in range(16))
    assert ("e3001c7f6a8a", "wswwswwwsswwwwws") == (experiment, found)


@given(
    st.text(),
    st.text(),
    st.dictionaries(st.text(min_size=1), st.floats(0, 1e9), min_size=1, max_size=4),
)
def test_assign_only_orders(experiment: str, unit: str, shares: dict[str, float]) -> None:
    """Nobody is left out or invented, and those without a share come last, in their order."""
    found = assign(shares, experiment=experiment, stratum=US, unit=unit)
    assert sorted(shares) == sorted(found)
    without = [name for name in shares if shares[name] <= 0]
    assert without == list(found)[len(found) - len(without) :]


@pytest.mark.parametrize("dropped", NAMES)
def test_others_keep_theirs(dropped: str) -> None:
    """Where an account cannot take part, only its own messages move."""
    shares = dict.fromkeys(NAMES, 1.0)
    rest = {name: 1.0 for name in NAMES if name != dropped}
    for number in range(300):
        drawn = first(shares, "e", f"id-{number}")
        assert drawn in {dropped, first(rest, "e", f"id-{number}")}


@pytest.mark.parametrize(
    "changed",
    [
        experiment_of("other", "summer", {"wavix": 1, "signalwire": 1}, sticky=False),
        experiment_of("main", "winter", {"wavix": 1, "signalwire": 1}, sticky=False),
        experiment_of("main", "summer", {"wavix": 2, "signalwire": 1}, sticky=False),
        experiment_of("main", "summer", {"wavix": 1, "signalwire": 1}, sticky=True),
    ],
)
def test_any_change_is_another_experiment(changed: str) -> None:
    """Route, seed, shares, unit: who changes one of them begins anew; the order is no change."""
    usual = experiment_of("main", "summer", {"wavix": 1, "signalwire": 1}, sticky=False)
    again = experiment_of("main", "summer", {"signalwire": 1.0, "wavix": 1}, sticky=False)
    assert usual == again
    assert usual != changed


def test_same_in_every_process() -> None:
    """A worker that starts anew draws as the others do."""
    code = (
        "import json;from polysms.routing.assigning import *;"
        "print(json.dumps([assign({'a': 1, 'b': 2}, experiment='e', stratum=Stratum('US'), "
        "unit=str(number)) for number in range(20)]))"
    )
    expected = [
        assign({"a": 1, "b": 2}, experiment="e", stratum=Stratum("US"), unit=str(number))
        for number in range(20)
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run(  # noqa: S603 - our own line
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, timeout=60
    )
    assert expected == json.loads(told.stdout)


PROBABILITIES: list[tuple[dict[str, float], str, float]] = [
    ({"wavix": 1, "signalwire": 1}, "wavix", 0.5),
    ({"wavix": 3, "signalwire": 1}, "signalwire", 0.25),
    ({"wavix": 3}, "wavix", 1.0),
    ({"wavix": 3, "signalwire": 0}, "signalwire", 0.0),
    ({"wavix": 0, "signalwire": 0}, "signalwire", 1.0),
]


@pytest.mark.parametrize(("shares", "account", "expected"), PROBABILITIES)
def test_probability(shares: dict[str, float], account: str, expected: float) -> None:
    """The chance of an account is its share of all that could take the message."""
    assert expected == probability(shares, account)


@pytest.mark.parametrize("number", [0.0, 5e-324, 1.0])
def test_race_without_a_share(number: float) -> None:
    """Who has no share is behind everybody, whatever is drawn."""
    assert math.inf == race(0.0, number)
    assert race(1e-9, number) < math.inf


UNITS = [
    (Message("+12125550123", "x"), False, "id-1"),
    (Message("+12125550123", "x"), True, "+12125550123"),
    (Message("+12125550123", "x", key="k"), False, '[null, "k"]'),
    (Message("+12125550123", "x", key="k"), True, "+12125550123"),
]


@pytest.mark.parametrize(("message", "sticky", "expected"), UNITS)
def test_unit(message: Message, sticky: bool, expected: str) -> None:  # noqa: FBT001 - a table's column
    """A recipient stays where it is, and so does a key that is tried again under another id."""
    assert expected == unit_of(message, "id-1", sticky=sticky)


PICTURE = "https://example.com/a.png"
MEANT: list[tuple[Message, bool, Stratum, str]] = [
    (Message("+12125550123", "x"), False, US, "US sms of 1 segment"),
    (Message("+12125550123", "x" * 200), False, Stratum("US", "sms", 2), "US sms of 2 segments"),
    (
        Message("+442079460123", "x" * 200, media=[PICTURE]),
        False,
        Stratum("GB", "mms", 1),
        "GB mms of 1 segment",
    ),
    (Message("+13135550123", "x"), False, Stratum("US", "sms", 1), "US sms of 1 segment"),
    (Message("+12125550123", "x" * 200), True, Stratum("US"), "US"),
    (Message("988", "x"), True, Stratum(), "any message"),
]


@pytest.mark.parametrize(("message", "sticky", "expected", "words"), MEANT)
def test_stratum(message: Message, sticky: bool, expected: Stratum, words: str) -> None:  # noqa: FBT001
    """Country, kind and size before it is sent; of a recipient the country alone."""
    found = stratum_of(message, sticky=sticky)
    assert expected == found
    assert words == str(found)


SENDERS = [
    (None, ""),
    ("", ""),
    ("Acme", "name"),
    ("12345", "short"),
    ("+13135550123", "number"),
    ("13135550123", "number"),
    ("+18885550123", "toll_free"),
    ("18005550123", "toll_free"),
    ("+442079460123", "number"),
]


@pytest.mark.parametrize(("sender", "expected"), SENDERS)
def test_sender_kind(sender: str | None, expected: str) -> None:
    """Carriers treat names, short codes, toll-free and other numbers each in its own way."""
    assert expected == sender_kind(sender)


@given(st.text(), st.text(), st.text())
def test_chance(experiment: str, unit: str, name: str) -> None:
    """Any words have a number between 0 and 1, and always the same."""
    found = chance(experiment, US, unit, name)
    assert 0 < found < 1
    assert found == chance(experiment, US, unit, name)
