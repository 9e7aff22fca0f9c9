"""Messages that are given to an account by chance, or by what reports have shown, and their way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest

from polysms.errors import AllFailed, NotSent, Unsupported
from polysms.message import Message
from polysms.routing import assigning
from polysms.routing.assigning import Assignment, Stratum
from polysms.routing.deliver import deliver
from polysms.routing.plan import Plan
from polysms.routing.preview import preview
from polysms.routing.standing import Matured, Standing
from polysms.routing.steps import Stage, World
from tests.routing.streets import Sent, Street
from tests.routing.test_deliver import TABLES, TO, broken
from tests.routing.test_turns import marked, opened

NAMES = ("wavix", "carrierx", "signalwire")
PICTURE = "https://example.com/a.png"
NOTHING = broken(Stage.NOTHING)
EQUAL = dict.fromkeys(NAMES, 1.0)
#: Enough messages that each account is drawn for some of them.
MANY = 60


class Lottery:
    """A street whose route is drawn; every message has an id of its own."""

    def __init__(self, strategy: str = "experiment", **route: Any) -> None:
        main = {"accounts": NAMES, "strategy": strategy, **route}
        tables = {**TABLES, "routes": {"main": main}, "ledger": "sqlite:///unused.db"}
        self.street = Street(tables, written=True)
        self.standing = Standing()
        self._numbers = iter(range(100_000))

    def plan(self) -> Plan:
        """Return the plan of a send."""
        found = self.street.plan("main")
        return attrs.evolve(found, name="main", standing=lambda: self.standing)

    def world(self) -> World:
        """Return the street's world, with new ids."""
        return attrs.evolve(self.street.world(), new_id=lambda: f"id-{next(self._numbers)}")

    def send(self, message: Message | None = None, **settings: Any) -> Sent:
        """Send a message to its end."""
        said = message or Message(TO, "x")
        return self.street.follow(deliver(said, self.plan(), self.world(), **settings))

    def many(self, **settings: Any) -> list[Sent]:
        """Send many messages."""
        return [self.send(**settings) for _ in range(MANY)]


def given(sent: Sent) -> Assignment:
    """Return the one assignment that was written of a message: with its first attempt."""
    first, *others = [step.assignment for step in sent.writes]
    assert first is not None
    assert not any(others)
    return first


def drawn(message: str, account: str = "wavix", **shares: float) -> bool:
    """Whether chance gives a message to an account of the route, by the documented rule."""
    shares = shares or EQUAL
    experiment = assigning.experiment_of("main", "", shares, sticky=False)
    stratum = Stratum("US", "sms", 1)
    found = assigning.assign(shares, experiment=experiment, stratum=stratum, unit=message)
    return found[0] == account


def one_of(account: str, **shares: float) -> str:
    """Return the id of a message that chance gives to an account."""
    return next(id_ for id_ in map("m-{}".format, range(1000)) if drawn(id_, account, **shares))


def test_experiment_draws_by_the_message() -> None:
    """Who gets a message follows from its id, as an auditor finds it; the rest comes after it."""
    lottery = Lottery()
    for sent in lottery.many():
        (account,) = sent.asked
        assert drawn(str(sent.known.id), account)
        expected = Assignment(
            experiment=assigning.experiment_of("main", "", EQUAL, sticky=False),
            route="main",
            account=account,
            probability=1 / 3,
            stratum=Stratum("US", "sms", 1),
            sender_kind="number",
        )
        assert expected == given(sent)


def test_experiment_says_so() -> None:
    """The delivery tells with which chance its account was drawn, and from which messages."""
    sent = Lottery(shares={"wavix": 3, "signalwire": 1}).send(
        id_=one_of("wavix", wavix=3, signalwire=1)
    )
    why = "first by experiment: drawn with a chance of 0.75 (US sms of 1 segment)"
    assert [why] == sent.why("wavix")
    assert why in sent.known.explain().replace("\n   ", " ")


def test_assignment_is_the_first_account_whoever_takes_it() -> None:
    """What failover does afterwards changes nothing about who had the message first."""
    lottery = Lottery()
    lottery.street.script = {"wavix": [NOTHING] * 5}
    sent = lottery.send(id_=one_of("wavix"))
    assert "wavix" == sent.asked[0]
    assert sent.asked[1] != "wavix"
    assert "wavix" == given(sent).account


def test_key_is_drawn_and_not_its_tries() -> None:
    """A key that is tried again, under another id, goes to the same account."""
    lottery = Lottery()
    for key in map(str, range(20)):
        message = Message(TO, "x", key=key)
        assert 1 == len({lottery.send(message).asked[0] for _ in range(3)})


def test_sticky_draws_recipients() -> None:
    """With sticky a recipient stays with its account, whatever is sent and how long it is."""
    lottery = Lottery(sticky=True)
    accounts = set()
    for number in range(20):
        to = f"+1313555{number:04d}"
        sends = [
            lottery.send(Message(to, "x" * 200)),
            lottery.send(Message(to, "x")),
            lottery.send(Message(to, "x", key="k")),
        ]
        (account,) = {sent.asked[0] for sent in sends}
        assert [("recipient", Stratum("US"))] * 3 == [
            (given(one).unit, given(one).stratum) for one in sends
        ]
        accounts.add(account)
    assert set(NAMES) == accounts


def test_who_cannot_take_it_has_no_part() -> None:
    """Chance is among those that could take the message, and its probability is over those."""
    lottery = Lottery()
    opened(lottery.street, "wavix")
    found = Counter(given(sent).account for sent in lottery.many())
    assert {"carrierx", "signalwire"} == set(found)
    assert 0.5 == given(lottery.send()).probability


def test_who_has_no_sender_has_no_part() -> None:
    """An account that cannot say the message at all was never drawn for it."""
    lottery = Lottery()
    message = Message(TO, "x", from_="+13137890021")  # of wavix alone
    sent = lottery.send(message)
    assert ["wavix"] == sent.asked
    assert (False, 1.0) == (given(sent).randomised, given(sent).probability)


def test_drawn_and_limited_stays_with_its_arm() -> None:
    """Whose rate was used up after the draw has the message as its own all the same."""
    lottery = Lottery(when_limited="skip")
    limited = attrs.evolve(lottery.street.accounts["wavix"], mps=1.0)
    lottery.street.accounts["wavix"] = limited
    lottery.street.rates.append(9.0)
    sent = lottery.send(id_=one_of("wavix"))
    assert "wavix" not in sent.asked
    assert "wavix" == given(sent).account
    assert "drawn with a chance of 0.333" in sent.why("wavix")[0]


def test_share_of_nothing_is_a_spare() -> None:
    """An account without a share is never drawn; it is asked when the others fail."""
    lottery = Lottery(shares={"wavix": 1, "carrierx": 1})
    assert {"wavix", "carrierx"} == {sent.asked[0] for sent in lottery.many()}
    lottery.street.script = {name: [NOTHING] * 9 for name in ("wavix", "carrierx")}
    sent = lottery.send()
    assert "signalwire" == sent.asked[2]
    assert 0.5 == given(sent).probability


def test_spare_alone_is_no_draw() -> None:
    """Where only accounts without a share could take it, nothing was left to chance."""
    lottery = Lottery(shares={"wavix": 1, "carrierx": 1})
    opened(lottery.street, "wavix", "carrierx")
    sent = lottery.send()
    assert ("signalwire", False, 1.0) == (
        given(sent).account,
        given(sent).randomised,
        given(sent).probability,
    )


def test_all_rest() -> None:
    """Where all should rest the least bad is asked, and that was no draw."""
    lottery = Lottery()
    opened(lottery.street, "wavix", "carrierx")
    marked(lottery.street, "signalwire")
    sent = lottery.send()
    assert given(sent).account == sent.asked[0]
    assert not given(sent).randomised


def test_without_failover() -> None:
    """With failover = false the drawn account is the only one that is asked."""
    lottery = Lottery(failover=False)
    lottery.street.script = {name: [NOTHING] * 9 for name in NAMES}
    sent = lottery.send(id_=one_of("carrierx"))
    assert {"carrierx"} == set(sent.asked)
    assert isinstance(sent.error, NotSent)
    assert not isinstance(sent.error, AllFailed)
    assert ["not asked: failover = false"] == sent.why("wavix")


def test_without_failover_goes_on_to_who_can_say_it() -> None:
    """Who cannot say the message has no part in the draw, so the one that can is the only one."""
    lottery = Lottery(failover=False)
    sent = lottery.send(Message(TO, "x", from_="+13137890021"), id_=one_of("carrierx"))
    assert ["wavix"] == sent.asked


@pytest.mark.parametrize("failover", [True, False])
def test_tried_again(failover: bool) -> None:  # noqa: FBT001 - a table's column
    """A message of the outbox keeps its account over its tries, and is not assigned anew."""
    lottery = Lottery(failover=failover)
    sent = lottery.send(id_=one_of("wavix"), earlier="signalwire")
    assert ["signalwire"] == sent.asked
    assert [None, None] == [step.assignment for step in sent.writes]


def test_tried_again_says_so() -> None:
    """A later try tells that its account had the message before."""
    sent = Lottery().send(id_=one_of("wavix"), earlier="signalwire")
    assert ["first by experiment: the message was given to it before"] == sent.why("signalwire")


def test_tried_again_while_it_rests() -> None:
    """If the account is down by then others are asked; with failover = false it is waited for."""
    lottery = Lottery()
    opened(lottery.street, "signalwire")
    assert "signalwire" not in lottery.send(earlier="signalwire").asked
    alone = Lottery(failover=False)
    opened(alone.street, "signalwire")
    assert ["signalwire"] == alone.send(earlier="signalwire").asked


def test_a_copy_is_no_draw() -> None:
    """Another copy, after a bad report, goes to another account and belongs to no arm."""
    sent = Lottery().send(id_=one_of("wavix"), passed_over=["wavix"], earlier="wavix")
    assert sent.asked[0] in {"carrierx", "signalwire"}
    assert [None, None] == [step.assignment for step in sent.writes]


def test_account_is_a_manual_choice() -> None:
    """``via`` an account leaves nothing to chance, and counts in no experiment."""
    lottery = Lottery()
    plan = lottery.street.plan("wavix")
    sent = lottery.street.follow(deliver(Message(TO, "x"), plan, lottery.world()))
    assert [None, None] == [step.assignment for step in sent.writes]


def test_a_rule_with_one_account_is_no_draw() -> None:
    """Where a rule names one account nothing is left to chance, and that is noted."""
    lottery = Lottery(rules=[{"kinds": ["mms"], "accounts": ["carrierx"]}])
    sent = lottery.send(Message(TO, "x", media=[PICTURE]))
    assert (False, "carrierx") == (given(sent).randomised, given(sent).account)


def test_nobody_can_say_it() -> None:
    """A message that no account can say was given to none."""
    sent = Lottery().send(Message(TO, "x", from_="+19995550199"))
    assert isinstance(sent.error, Unsupported | NotSent)
    assert [] == sent.writes


def test_preview() -> None:
    """A preview tells the shares: which account a message will have is known with its id."""
    lottery = Lottery(shares={"wavix": 3, "carrierx": 1})
    seen = preview(Message(TO, "x", key="k"), lottery.plan(), lottery.world())
    told = {one.account.name: one.why for one in seen}
    assert {
        "wavix": "by chance, 0.75 of all",
        "carrierx": "by chance, 0.25 of all",
        "signalwire": "it has no share",
    } == told


# The best of them.


def known(**shares: float) -> Standing:
    """Return a standing in which each account delivered this part of a thousand."""
    return Standing(
        Matured(
            account=name,
            country="US",
            kind="sms",
            sender_kind="number",
            delivered=round(1000 * share),
            ended=1000,
        )
        for name, share in shares.items()
    )


def best(**route: Any) -> Lottery:
    """Return a route that goes by reports, which speak for CarrierX."""
    lottery = Lottery("best", **{"explore": 0.0, **route})
    lottery.standing = known(wavix=0.90, carrierx=0.95, signalwire=0.80)
    return lottery


def test_best() -> None:
    """It asks who surely delivers most, tells what speaks for it, and leaves nothing to chance."""
    sent = best().send()
    assert ["carrierx"] == sent.asked
    of = "of 1,000 to US by sms from a number"
    why = (
        f"first by best: at least 93.5% delivered (950 {of}), "
        f"against wavix: at least 88.0% delivered (900 {of})"
    )
    assert [why] == sent.why("carrierx")
    assert (False, 1.0) == (given(sent).randomised, given(sent).probability)


def test_best_goes_on_to_the_next_best() -> None:
    """Where the best fails the next best is asked."""
    lottery = best()
    lottery.street.script = {"carrierx": [NOTHING] * 5, "wavix": [NOTHING] * 5}
    assert ["carrierx", "wavix", "signalwire"] == lottery.send().asked[:3]


def test_best_knows_nothing_yet() -> None:
    """Without reports it is the route's order."""
    lottery = best()
    lottery.standing = Standing()
    sent = lottery.send()
    assert ["wavix"] == sent.asked
    assert sent.why("wavix")[0].startswith("first by best: no report speaks for it yet, against")


@pytest.mark.parametrize(
    ("pin", "to", "expected"),
    [
        ("wavix", TO, "wavix"),
        ({"US": "signalwire"}, TO, "signalwire"),
        ({"US": "signalwire"}, "+442079460123", "carrierx"),
        ({"US": "signalwire", "": "wavix"}, "+442079460123", "wavix"),
        ({"ca": "signalwire"}, TO, "carrierx"),
    ],
)
def test_pin_wins(pin: Any, to: str, expected: str) -> None:
    """A pinned account is asked first, whatever reports say; the others stay by their reports."""
    sent = best(pin=pin).send(Message(to, "x"))
    assert [expected] == sent.asked
    pinned = ["first by best: pinned"] == sent.why(expected)
    assert (expected != "carrierx") is pinned


def test_pin_is_no_reason_to_ask_who_rests() -> None:
    """A pinned account whose breaker is open is passed over as any other."""
    lottery = best(pin="wavix")
    opened(lottery.street, "wavix")
    assert ["carrierx"] == lottery.send().asked


def test_explores() -> None:
    """A part of all messages goes to any account alike, so that who is behind can be seen again."""
    lottery = best(explore=0.5)
    sends = [lottery.send() for _ in range(400)]
    explored = [sent for sent in sends if given(sent).randomised]
    assert 0.4 < len(explored) / 400 < 0.6
    assert {1 / 3} == {given(sent).probability for sent in explored}
    assert min(Counter(sent.asked[0] for sent in explored).values()) > 40
    assert {"carrierx"} == {sent.asked[0] for sent in sends if not given(sent).randomised}
    why = "first by best: explored, drawn with a chance of 0.333 (US sms of 1 segment)"
    assert {why} == {sent.why(sent.asked[0])[0] for sent in explored}


def test_explores_one_in_twenty() -> None:
    """Unless said otherwise five in a hundred are left to chance."""
    lottery = Lottery("best")
    found = sum(given(lottery.send()).randomised for _ in range(2000))
    assert 70 <= found <= 130


def test_best_asks_senders_that_are_there() -> None:
    """An account without a sender is judged without one, and cannot be asked."""
    sent = best().send(Message(TO, "x", from_="+13137890021"))
    assert ["wavix"] == sent.asked


class Broken:
    """An adapter with a bug."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        if name == "request":
            raise RuntimeError("a bug")
        return getattr(self._adapter, name)


@pytest.mark.parametrize("strategy", ["best", "experiment"])
def test_a_bug_of_one_has_no_part(strategy: str) -> None:
    """An adapter that cannot even make its request keeps no other account from its message."""
    lottery = Lottery(strategy, shares={}) if strategy == "experiment" else best()
    wavix = lottery.street.accounts["wavix"]
    provider: Any = Broken(wavix.provider)
    lottery.street.accounts["wavix"] = attrs.evolve(wavix, provider=provider)
    sent = lottery.send(id_=one_of("carrierx"))
    assert ["carrierx"] == sent.asked
    assert given(sent).probability in {0.5, 1.0}
