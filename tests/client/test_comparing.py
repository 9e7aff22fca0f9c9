"""``compare``: what a client's ledger has counted becomes a report, for both clients alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, Status
from polysms.errors import ConfigError
from polysms.ledger import Ledger
from tests.clients import Both
from tests.ledger import histories, scenes
from tests.ledger.histories import History

Make = Callable[..., Both]
SIX_DAYS_AGO = datetime.now(UTC) - timedelta(days=6)


def settings(tmp_path: Path, **route: Any) -> dict[str, Any]:
    """Return a configuration of an experiment."""
    return {
        "default": "main",
        "ledger": f"sqlite:///{tmp_path}/ledger.db",
        "accounts": {
            "wavix": {"api_key": "k", "sender": "+13137890021"},
            "carrierx": {"token": "t", "sender": "+15162065575"},
        },
        "routes": {
            "main": {
                "strategy": "experiment",
                "accounts": ["wavix", "carrierx"],
                "seed": "s",
                **route,
            },
            "other": {"accounts": ["wavix"]},
        },
    }


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Ledger]:
    """Write twenty messages for each of two accounts: one delivers all, one a half."""
    clock = histories.Clock(SIX_DAYS_AGO)
    with Ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as ledger:
        for number in range(40):
            account = ("wavix", "carrierx")[number % 2]
            one = History(ledger, clock, scenes.message(to=histories.NUMBER, tag=f"t{number % 3}"))
            one.send(account)
            good = account == "wavix" or number % 4 == 1
            one.report(Status.DELIVERED if good else Status.UNDELIVERED, 3 + number / 10)
            clock.pass_by(3600)
        yield ledger


@pytest.mark.usefixtures("filled")
def test_only_experiment_is_compared(tmp_path: Path, make: Make) -> None:
    """The one route that is an experiment needs no name; the report's terms say what was done."""
    sms = make(settings(tmp_path))
    report = sms.call("compare")

    assert ["carrierx", "wavix"] == [arm.account for arm in report.arms]
    assert [(20, 10), (20, 20)] == [(a.counts.assigned, a.counts.delivered) for a in report.arms]
    assert (1, False, False) == (
        report.terms.looks,
        report.terms.sticky,
        report.terms.observational,
    )
    assert report.verdicts[0][0].startswith("wavix delivers more than carrierx")


def test_looks_are_counted(tmp_path: Path, filled: Ledger, make: Make) -> None:
    """A second look counts once there is something new to be seen."""
    sms = make(settings(tmp_path))
    looks = [sms.call("compare").terms.looks for _ in range(2)]
    History(filled, histories.Clock(SIX_DAYS_AGO)).send()
    looks.append(sms.call("compare").terms.looks)

    assert [1, 1, 2] == looks


def test_rows_by_something_else_change_no_verdict(
    tmp_path: Path, filled: Ledger, make: Make
) -> None:
    """What the counts are shown by is no ground for what is concluded."""
    del filled
    sms = make(settings(tmp_path))
    plain, told = sms.call("compare"), sms.call("compare", by=["tag"])

    assert (plain.verdicts, plain.arms) == (told.verdicts, told.arms)
    assert {"t0", "t1", "t2"} == {str(row.stratum) for row in told.rows}
    assert 40 == sum(row.counts.assigned for row in told.rows)


@pytest.mark.usefixtures("filled")
def test_over_time_is_the_same_in_parts(tmp_path: Path, make: Make) -> None:
    """The parts have every message once, and count no look."""
    sms = make(settings(tmp_path))
    parts = sms.call("compare_over_time", parts=4)
    report = sms.call("compare")

    given = [sum(arm.counts.assigned for arm in part.arms) for _, part in parts]
    assert ([10, 10, 10, 10], 1) == (given, report.terms.looks)


@pytest.mark.usefixtures("filled")
def test_dead_number_that_was_delivered_to(tmp_path: Path, make: Make) -> None:
    """A report of a delivery to a number that is known to be dead is false, and said to be."""
    sms = make(settings(tmp_path))
    report = sms.call("compare", canaries=[histories.NUMBER])

    assert "canary" in {warned.kind for warned in report.warnings}


def test_application_confirms(tmp_path: Path, filled: Ledger, make: Make) -> None:
    """What the application heard of is counted beside what providers say."""
    found = filled.find(account="wavix", limit=5)
    sms = make(settings(tmp_path))
    for delivery in found:
        sms.call("confirm", str(delivery.id))
    report = sms.call("compare", "main")

    assert {"wavix": 5, "carrierx": 0} == {a.account: a.counts.confirmed for a in report.arms}


@pytest.mark.parametrize(
    ("wanted", "route", "key", "match"),
    [
        ({"route": "mian"}, {}, "route", "main"),
        ({}, {"strategy": "failover", "seed": ""}, "route", "experiment"),
        ({"by": ["colour"]}, {}, "by", "colour"),
        ({"margin": 2.0}, {}, "margin", "share"),
    ],
)
def test_wrong_questions(
    tmp_path: Path, wanted: dict[str, Any], route: dict[str, Any], key: str, match: str
) -> None:
    """What cannot be compared is told with the remedy, before anything is counted."""
    with Client(settings(tmp_path, **route)) as sms, pytest.raises(ConfigError, match=match) as no:
        sms.compare(**wanted)

    assert key == no.value.key


def test_without_a_ledger(make: Make, tmp_path: Path) -> None:
    """What nobody kept cannot be compared."""
    config = settings(tmp_path, strategy="failover", seed="")
    del config["ledger"]
    sms = make(config)
    with pytest.raises(ConfigError, match="ledger"):
        sms.call("compare", "main")


@pytest.mark.usefixtures("filled")
def test_observed_messages_are_no_experiment(tmp_path: Path, make: Make) -> None:
    """What was assigned by chance is left out of what was merely observed, and no look counts."""
    sms = make(settings(tmp_path))
    report = sms.call("compare", observational=True)

    assert ((), True, 1) == (report.arms, report.terms.observational, report.terms.looks)
