"""What a comparison warns of, and what it does not."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from polysms.report import (
    Age,
    Cell,
    Clock,
    Cost,
    Counts,
    Delay,
    Report,
    Segments,
    Stratum,
    Terms,
    Warned,
    compare,
)
from tests.report.counting import GB, OLD, US, cell, recipients, settled

#: Delays that differ as phones do.
VARIED = tuple(Delay(float(second), 30) for second in range(2, 32))
#: What is wrong with nothing.
SOUND = settled(900, 1000, delays=VARIED)
OTHER = cell("signalwire", SOUND)


def kinds(*cells: Cell, terms: Terms | None = None) -> list[str]:
    """Return what is warned of, but for what there is too little of."""
    return [one.kind for one in compare(cells, terms).warnings if one.kind != "too_few_for_margin"]


def the(kind: str, report: Report) -> Warned:
    """Return the only warning of a kind."""
    (found,) = [one for one in report.warnings if one.kind == kind]
    return found


def test_a_sound_experiment_warns_only_that_it_is_small() -> None:
    """Two accounts, equal shares, settled, reports that vary: a point takes more messages."""
    assert kinds(cell("wavix", SOUND), OTHER) == []
    warned = the("too_few_for_margin", compare([cell("wavix", SOUND), OTHER]))
    assert warned.sentence == (
        "To tell a difference of 1.0 % between wavix and signalwire it takes about 14,000 more "
        "texts to wavix and about 14,000 to signalwire."
    )


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("canary", attrs.evolve(SOUND, canaries=5, canaries_delivered=2)),
        ("all_delivered", settled(900, 900, delays=VARIED)),
        ("constant_delay", settled(900, 1000, delays=(Delay(10.0, 400), Delay(10.2, 500)))),
        ("pending", attrs.evolve(SOUND, undelivered=30, pending=70)),
        ("clock_skew", attrs.evolve(SOUND, clock=Clock(reports=900, ahead=40, worst=90.0))),
        (
            "billed_more",
            attrs.evolve(
                SOUND, segments=Segments(messages=900, predicted=900, billed=1000, differing=100)
            ),
        ),
        (
            "unpriced",
            attrs.evolve(
                SOUND, costs={"USD": Cost(priced=10, total=Decimal("0.2"), squares=0.004)}
            ),
        ),
        (
            "polled",
            attrs.evolve(SOUND, delays=tuple(attrs.evolve(one, after=1.0) for one in SOUND.delays)),
        ),
    ],
)
def test_odd_reports_are_warned_of(kind: str, counts: Counts) -> None:
    """Each names the account, and only that."""
    report = compare([cell("wavix", counts), OTHER])
    assert kind in kinds(cell("wavix", counts), OTHER)
    assert the(kind, report).accounts == ("wavix",)
    assert "wavix" in the(kind, report).sentence


@pytest.mark.parametrize(
    "counts",
    [
        # Too few to be sure, with one failure, not by clockwork, asked and not told, in a moment.
        settled(200, 200, delays=(*(Delay(float(one), 5) for one in range(1, 41)),)),
        settled(60, 100, delays=(Delay(10.0, 60),)),
        settled(900, 1000, delays=(Delay(0.2, 900),)),
        settled(900, 1000, delays=(Delay(10.0, 450), Delay(11.0, 450))),
        attrs.evolve(SOUND, clock=Clock(reports=900, ahead=3, worst=0.5)),
        attrs.evolve(SOUND, canaries=5),
        attrs.evolve(SOUND, segments=Segments(messages=900, predicted=900, billed=903)),
        attrs.evolve(SOUND, costs={"USD": Cost(priced=990, total=Decimal("20.1"), squares=0.45)}),
    ],
)
def test_what_may_well_be_is_not_warned_of(counts: Counts) -> None:
    """A warning that comes for nothing is one that is not read."""
    assert [one for one in kinds(cell("wavix", counts), OTHER) if one != "sample_ratio"] == []


def test_billed_without_a_prediction_is_all_more() -> None:
    """Nothing predicted, something billed: all of it is more."""
    counts = attrs.evolve(SOUND, segments=Segments(messages=9, billed=9, differing=9))
    assert "(100.0 % more)" in the("billed_more", compare([cell("wavix", counts)])).sentence


def test_currencies_are_told_apart() -> None:
    """An account that charges in two has no one cost of a delivered message."""
    cost = Cost(priced=500, total=Decimal(5), squares=0.05)
    counts = attrs.evolve(SOUND, costs={"USD": cost, "EUR": cost})
    assert kinds(cell("wavix", counts), OTHER) == ["currencies"]


def test_what_is_never_reported_is_left_out_and_said() -> None:
    """An account that never reports MMS is compared by its SMS alone."""
    mms = Stratum("US", "mms", 1)
    silent = settled(0, 100, undelivered=0, pending=100)
    cells = [
        cell("wavix", SOUND),
        OTHER,
        cell("wavix", settled(90, 100), mms),
        cell("signalwire", silent, mms, reports=False),
    ]
    report = compare(cells)
    assert the("never_reports", report).figures == {"kind": "mms"}
    left = the("left_out", report)
    assert left.figures == {"messages": 200, "strata": "US mms of 1 segment"}
    assert report.pairs[0].strata == 1


def test_an_account_of_which_nothing_is_heard() -> None:
    """Thirty sent and not one report: the webhook is the first thing to look at."""
    nothing = settled(0, 30, undelivered=0, pending=30)
    assert "no_reports" in kinds(cell("wavix", nothing), OTHER)
    fewer = settled(0, 29, undelivered=0, pending=29)
    assert "no_reports" not in kinds(cell("wavix", fewer), OTHER)


@pytest.mark.parametrize(
    ("counts", "warned"),
    [
        (settled(27, 29), True),
        (settled(27, 30), False),
        (settled(90, 100, recipients=recipients([(4, 3)] * 25)), True),
    ],
)
def test_too_few(counts: Counts, *, warned: bool) -> None:
    """Fewer than thirty messages, or recipients where those were assigned, tell nothing."""
    assert ("too_few" in kinds(cell("wavix", counts), OTHER)) is warned


def test_one_account_is_no_comparison() -> None:
    """Nor is none."""
    assert "one_account" in kinds(OTHER)
    assert "one_account" in kinds()


def test_shares_that_were_not_kept() -> None:
    """800 and 1,000 of equal shares are not chance (a sample ratio mismatch)."""
    report = compare([cell("wavix", settled(700, 800)), OTHER])
    warned = the("sample_ratio", report)
    assert warned.accounts == ("wavix", "signalwire")
    assert "wavix 800 instead of 900 and signalwire 1,000 instead of 900" in warned.sentence


def test_too_few_everywhere_is_no_matter_of_the_country() -> None:
    """An account that lost a fifth of its messages lost them alike: one warning, not two."""
    report = compare(
        [
            cell("wavix", settled(700, 800)),
            cell("wavix", settled(700, 800), GB),
            cell("signalwire", settled(900, 1000)),
            cell("signalwire", settled(900, 1000), GB),
        ]
    )
    found = {one.kind for one in report.warnings}
    assert "sample_ratio" in found
    assert "not_randomised" not in found


def test_shares_that_chance_explains() -> None:
    """970 and 1,030 of two thousand are what chance does; so are any numbers of one account."""
    few = settled(870, 970, delays=(Delay(9.0, 435), Delay(20.0, 435)))
    many = settled(930, 1030, delays=(Delay(9.0, 465), Delay(20.0, 465)))
    assert kinds(cell("wavix", few), cell("signalwire", many)) == []
    assert "sample_ratio" not in kinds(cell("wavix", few, share=1.0))


def test_sticky_routes_are_judged_by_recipients() -> None:
    """A recipient with a thousand messages is one choice of chance, and not a thousand."""
    heavy = settled(1500, 2000, recipients=recipients([(1000, 800), *[(10, 7)] * 100]))
    light = settled(800, 1000, recipients=recipients([(10, 8)] * 100))
    cells = (cell("wavix", heavy), cell("signalwire", light))
    assert "sample_ratio" not in kinds(*cells, terms=Terms(sticky=True))


def test_sticky_counts_must_be_by_recipient() -> None:
    """Else the intervals are too narrow, and that is said."""
    assert "not_by_recipient" in kinds(cell("wavix", SOUND), OTHER, terms=Terms(sticky=True))


def test_assignment_that_goes_with_the_country() -> None:
    """Each got a thousand, one most of the American and the other most of the British ones."""
    report = compare(
        [
            cell("wavix", settled(540, 600)),
            cell("wavix", settled(360, 400), GB),
            cell("signalwire", settled(360, 400)),
            cell("signalwire", settled(540, 600), GB),
        ]
    )
    warned = the("not_randomised", report)
    assert warned.figures["stratum"] in {str(US), str(GB)}
    assert "p < 0.001" in warned.sentence
    assert "sample_ratio" not in [one.kind for one in report.warnings]


def test_many_small_strata_are_joined() -> None:
    """Strata of a few messages each are judged together, and chance explains these."""
    cells = [
        cell(account, settled(2, 3), Stratum(f"C{number}"))
        for account in ("wavix", "signalwire")
        for number in range(20)
    ]
    assert "not_randomised" not in kinds(*cells, *(cell(c.account, SOUND) for c in cells[::20]))
    uneven = [
        cell(account, settled(2, count), Stratum(f"C{number}"))
        for number in range(30)
        for account, count in (("wavix", 6), ("signalwire", 2))
    ]
    big = [cell("wavix", settled(900, 1000)), cell("signalwire", settled(900, 1180))]
    report = compare([*uneven, *big])
    assert the("not_randomised", report).figures["stratum"] == "the rest"


def test_a_stratum_of_one_account_says_nothing_of_chance() -> None:
    """Where only one of them sends at all there was no choice."""
    assert "not_randomised" not in kinds(cell("wavix", SOUND), OTHER, cell("wavix", SOUND, GB))


def test_what_was_not_left_to_chance() -> None:
    """Without shares, or when told so, no cause is shown."""
    free = cell("wavix", SOUND, share=None)
    report = compare([free, OTHER])
    assert the("observational", report).accounts == ("wavix",)
    assert kinds(cell("wavix", SOUND), OTHER, terms=Terms(observational=True)) == ["observational"]


def test_no_share_at_all_divides_by_nothing() -> None:
    """Shares of 0 were promised to nobody."""
    none = [cell("wavix", SOUND, share=0.0), cell("signalwire", SOUND, share=0.0)]
    assert "sample_ratio" not in kinds(*none)


def test_shares_changed_under_way() -> None:
    """Differences within periods hold; an account's own rates mix them."""
    before, after = (Stratum("US", "sms", 1, name) for name in ("before", "after"))
    cells = [
        cell("wavix", settled(900, 1000), before),
        cell("signalwire", settled(900, 1000), before),
        cell("wavix", settled(1350, 1500), after, share=0.75),
        cell("signalwire", settled(450, 500), after, share=0.25),
    ]
    report = compare(cells)
    assert the("shares_changed", report).accounts == ("wavix", "signalwire")
    assert not {"sample_ratio", "not_randomised"} & {one.kind for one in report.warnings}


def test_looks_are_warned_of() -> None:
    """The tenth look at equal accounts is wrong in one of five cases, if one may stop at any."""
    report = compare([cell("wavix", SOUND), OTHER], Terms(looks=10))
    warned = the("looks", report)
    assert "up to 19.3 %" in warned.sentence
    assert warned.figures["looks"] == 10


def test_young_messages_bring_the_end_nearer() -> None:
    """All are a minute old at most: nothing is said of the second minute."""
    young = settled(
        50,
        100,
        undelivered=0,
        pending=50,
        delays=tuple(Delay(float(one)) for one in range(1, 51)),
        ages=tuple(Age(float(one)) for one in range(11, 61)),
    )
    report = compare([cell("wavix", young), cell("signalwire", young)])
    assert report.within < 60
    assert the("short", report).figures == {"within": report.within, "horizon": 72 * 3600}
    assert OLD > Terms().horizon
