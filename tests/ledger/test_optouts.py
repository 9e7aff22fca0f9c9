"""Who wants no more messages is sent none: checked as an attempt is written, whoever sends it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from itertools import permutations
from typing import Any

import attrs
import pytest
from sqlalchemy import Connection

from polysms.delivery import Evidence, InboundMessage, Outcome, Status
from polysms.errors import InvalidMessage, PolysmsError, Reason, Refused
from polysms.ledger import End, Job, Ledger, Line
from polysms.ledger.batches import written
from polysms.ledger.optouts import PAGE, Heard, heard
from polysms.ledger.reports import Note
from polysms.ledger.unwanted import OptedOut
from polysms.message import Message
from tests.ledger import scenes

NUMBER = "+13135550123"
FRIEND = "+13135550144"
#: Our numbers that people answer to.
OURS = "+13135550100"
OTHER = "+13135550101"
LISTS = {"promo": "marketing", "codes": "login", "login": "none", "news": "all"}


def line(message: Message | None = None, optouts: str = "all", **facts: str) -> Line:
    """Return an attempt that is about to begin."""
    said = message or scenes.message(to=NUMBER)
    return Line(scenes.fresh(), said, scenes.opened(**facts), optouts=optouts)


def is_refused(ledger: Ledger, wanted: Line) -> bool:
    """Whether an attempt is not to begin; then nothing of it is in the ledger."""
    refused = None
    try:
        ledger.write_many([wanted])
    except Refused as error:
        refused = error.reason, error.by, error.retry_later
    assert refused in {None, (Reason.OPTED_OUT, "polysms", False)}
    assert (ledger.get(wanted.id) is None) is (refused is not None)
    return refused is not None


def lists(ledger: Ledger, number: str = NUMBER) -> set[str]:
    """Return the lists that a number has opted out of."""
    return {one.list for one in ledger.optouts.of(number)}


# What is kept.


@pytest.mark.parametrize(
    "written", ["+1 313 555 0123", "+1 (313) 555-0123", "+1.313.555.0123", "+13135550123"]
)
def test_number_is_one_however_written(ledger: Ledger, written: str) -> None:
    """A number is compared in E.164, so that no other spelling of it is sent anything."""
    ledger.optouts.add(written)

    assert is_refused(ledger, line())
    assert not is_refused(ledger, line(scenes.message(to=FRIEND)))
    assert 1 == ledger.optouts.remove("+1-313-555-0123")
    assert not is_refused(ledger, line())


def test_what_is_no_number_is_refused(ledger: Ledger) -> None:
    """What nothing can be sent to is told, and not kept as if it protected anybody."""
    with pytest.raises(InvalidMessage):
        ledger.optouts.add("313 555 0123")
    assert [] == list(ledger.optouts.walk())


def test_second_opt_out_changes_nothing(ledger: Ledger) -> None:
    """A number that is there keeps when and how it came, and it is told that it is not new."""
    assert ledger.optouts.add(NUMBER, source="api")
    (first,) = ledger.optouts.of(NUMBER)

    assert not ledger.optouts.add(NUMBER, source="import")
    assert (first,) == ledger.optouts.of(NUMBER)
    assert (NUMBER, "", "", "api") == (first.number, first.list, first.tenant, first.source)
    assert scenes.NOW == first.since


@pytest.mark.parametrize(
    ("list_", "left"), [("a", {"", "b"}), ("", {"a", "b"}), (None, set()), ("c", {"", "a", "b"})]
)
def test_remove(ledger: Ledger, list_: str | None, left: set[str]) -> None:
    """A number is taken off one list, or off each of them; of this tenant alone."""
    for name in ("", "a", "b"):
        ledger.optouts.add(NUMBER, name)
    ledger.optouts.add(NUMBER, "a", "acme")

    assert 3 - len(left) == ledger.optouts.remove(NUMBER, list_)
    assert left == {one.list for one in ledger.optouts.of(NUMBER, "")}
    assert 1 == len(ledger.optouts.of(NUMBER, "acme"))


def test_walk_goes_through_every_page(ledger: Ledger) -> None:
    """A walk yields each opt-out once, however many pages they fill, and narrows by list."""
    numbers = {f"+1313555{digits:04}" for digits in range(100, 100 + PAGE + 3)}
    assert len(numbers) == ledger.optouts.add_many(numbers, "a")
    ledger.optouts.add(NUMBER, "b", "acme")

    found = [one.number for one in ledger.optouts.walk()]

    assert [*sorted(numbers), NUMBER] == found
    assert [NUMBER] == [one.number for one in ledger.optouts.walk("b")]
    assert [NUMBER] == [one.number for one in ledger.optouts.walk(tenant="acme")]
    assert len(numbers) == len(list(ledger.optouts.walk(tenant="")))


def test_repr_shows_no_number(ledger: Ledger) -> None:
    """An opt-out in a log shows neither the number nor the one that was answered."""
    ledger.optouts.add(NUMBER, source=f"inbound:{OURS}")

    said = repr(ledger.optouts.of(NUMBER))
    assert NUMBER not in said
    assert OURS not in said


# Before an attempt.


@pytest.mark.parametrize(
    ("rule", "list_", "refused"),
    [
        ("all", "", True),
        ("all", "marketing", True),
        ("marketing", "", True),
        ("marketing", "marketing", True),
        ("marketing", "news", False),
        ("none", "", False),
        ("none", "marketing", False),
    ],
)
def test_lists(ledger: Ledger, rule: str, list_: str, refused: bool) -> None:  # noqa: FBT001
    """A route asks for every list, for one and those of every list, or for none."""
    ledger.optouts.add(NUMBER, list_)

    assert refused is is_refused(ledger, line(optouts=rule))


@pytest.mark.parametrize(
    ("opted_out_of", "sent_by", "refused"),
    [
        ("", None, True),
        ("", "acme", True),
        ("acme", "acme", True),
        ("acme", None, False),
        ("acme", "other", False),
        ("json:acme", "json:acme", True),
    ],
)
def test_tenants(ledger: Ledger, opted_out_of: str, sent_by: str | None, refused: bool) -> None:  # noqa: FBT001
    """What was said to one tenant binds that one; what was said to none binds all."""
    ledger.optouts.add(NUMBER, tenant=opted_out_of)

    assert refused is is_refused(ledger, line(scenes.message(to=NUMBER, tenant=sent_by)))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_group(ledger: Ledger, place: int) -> None:
    """A group is not sent to if any of its numbers has opted out, however it is written."""
    numbers = [NUMBER, FRIEND, "+13135550145"]
    to, *others = numbers
    group = {"carrierx": {"group_recipients": [one.replace("555", " 555-") for one in others]}}
    ledger.optouts.add(numbers[place])

    assert is_refused(ledger, line(scenes.message(to=to, options=group)))
    ledger.optouts.remove(numbers[place])
    assert not is_refused(ledger, line(scenes.message(to=to, options=group)))


def test_what_has_begun_may_end(ledger: Ledger) -> None:
    """An opt-out that comes while an attempt is under way does not lose what became of it."""
    begun = line()
    ledger.write_many([begun])
    ledger.optouts.add(NUMBER)

    ended = attrs.evolve(begun, attempt=scenes.closed(begun.attempt))
    ledger.write_many([ended])

    delivery = ledger.get(begun.id)
    assert delivery is not None
    assert (ended.attempt,) == delivery.attempts


def test_one_refusal_costs_the_others_nothing(ledger: Ledger) -> None:
    """Of many that share a commit, those who opted out are refused, and the others written."""
    wanted = [line(scenes.message(to=f"+131355501{digits}")) for digits in range(10, 40)]
    refused = wanted[3::7]
    ledger.optouts.add_many(one.message.to for one in refused)
    jobs = [Job([one], []) for one in wanted]

    ledger.write_jobs(jobs)

    assert refused == [
        one for one, job in zip(wanted, jobs, strict=True) if isinstance(job.error, Refused)
    ]
    assert set(refused) == {one for one in wanted if ledger.get(one.id) is None}
    # Each with an error of its own, for each is told its own delivery.
    assert len(refused) == len({id(job.error) for job in jobs if job.error})


def test_refusals_cost_one_more_try() -> None:
    """However many are refused, the others go into one commit."""
    jobs = [Job([line()], []) for _ in range(30)]
    refused = {job.lines[0].id for job in jobs[3::7]}
    tries: list[int] = []

    def commit(lines: Sequence[Line], _: Sequence[End]) -> None:
        tries.append(len(lines))
        found = frozenset(refused & {one.id for one in lines})
        if found:
            raise OptedOut(found)

    written(commit, jobs)

    assert [30, 30 - len(refused)] == tries
    assert len(refused) == sum(job.error is not None for job in jobs)
    assert all(job.done for job in jobs)


def test_nothing_begins_after_an_opt_out(url: str) -> None:
    """While eight threads send, an opt-out is added: no attempt whose write comes later begins."""
    with Ledger(url) as ledger, ThreadPoolExecutor(8) as threads:
        ledger.optouts.of(NUMBER)
        opted_out = threading.Event()
        stopping = threading.Event()

        def send(_: int) -> list[tuple[bool, bool]]:
            found = []
            while not stopping.is_set():
                late = opted_out.is_set()
                found.append((late, is_refused(ledger, line())))
                if late and len(found) > 3:
                    break
            return found

        sending = threads.map(send, range(8))
        ledger.optouts.add(NUMBER)
        opted_out.set()
        results = [one for found in sending for one in found]
        stopping.set()

    assert {True} == {refused for late, refused in results if late}


# What a provider says.


def _refused_by_provider(said: Message, optouts: str = "all") -> End:
    no = {"reason": Reason.OPTED_OUT, "evidence": Evidence.REFUSAL, "text": "unsubscribed"}
    attempt = scenes.closed(scenes.opened(), Outcome.NOT_SENT, **no)
    delivery = scenes.ended(scenes.fresh(), said, attempt)
    return End(delivery, said, optouts=optouts)


@pytest.mark.parametrize(("rule", "list_"), [("all", ""), ("none", ""), ("marketing", "marketing")])
def test_provider_tells(ledger: Ledger, rule: str, list_: str) -> None:
    """What one provider refuses because of an opt-out no other account is asked for."""
    said = scenes.message(to=NUMBER, tenant="acme")

    ledger.write_many([], [_refused_by_provider(said, rule)])

    (known,) = ledger.optouts.of(NUMBER)
    assert ("provider:wavix", list_, "acme") == (known.source, known.list, known.tenant)


def _reported(ledger: Ledger, said: Message, **facts: Any) -> Note:
    """Return the report that a message was refused because its number has opted out."""
    done = scenes.closed(scenes.opened())
    ledger.write_many([Line(scenes.fresh(), said, done, via="sale")])
    event = attrs.evolve(
        scenes.report(done), **{"status": Status.UNDELIVERED, "reason": Reason.OPTED_OUT, **facts}
    )
    return Note(event=event, lists={"sale": "marketing"})


def test_report_tells(ledger: Ledger) -> None:
    """An opt-out that a provider reports is kept: of the list of the message's route, once."""
    note = _reported(ledger, scenes.message(to=NUMBER, tenant="acme"))

    ledger.record_many([note])

    (known,) = ledger.optouts.of(NUMBER)
    assert ("provider:wavix", "marketing", "acme") == (known.source, known.list, known.tenant)
    ledger.optouts.remove(NUMBER, "marketing", "acme")
    ledger.record_many([note])
    assert () == ledger.optouts.of(NUMBER)


def test_hint_tells_once_it_is_proved(ledger: Ledger) -> None:
    """Nobody is locked out by a report that nobody proved."""
    note = _reported(ledger, scenes.message(to=NUMBER))

    ledger.record_many([attrs.evolve(note, hint=True)])
    assert () == ledger.optouts.of(NUMBER)

    ledger.record_many([note])
    assert ["marketing"] == [known.list for known in ledger.optouts.of(NUMBER)]


def test_report_about_a_group_names_nobody(ledger: Ledger) -> None:
    """Who of a group has opted out is not known, also where its numbers are forgotten."""
    group = {"carrierx": {"group_recipients": [FRIEND]}}
    said = scenes.message(to=NUMBER, options=group, media=("https://example.com/a.png",))

    ledger.record_many([_reported(ledger, said)])
    later = _reported(ledger, said)
    ledger.purge(texts_older_than=scenes.NOW + timedelta(days=99))
    ledger.record_many([later])

    assert [] == list(ledger.optouts.walk())


def test_other_reports_tell_nothing(ledger: Ledger) -> None:
    """A message that is not delivered for another reason locks nobody out."""
    note = _reported(ledger, scenes.message(to=NUMBER), reason=Reason.BLOCKED)

    ledger.record_many([note])

    assert [] == list(ledger.optouts.walk())


def test_taken_back_stays_taken_back(ledger: Ledger) -> None:
    """A refusal that is written down once more does not undo what happened since."""
    end = _refused_by_provider(scenes.message(to=NUMBER))
    ledger.write_many([], [end])
    ledger.optouts.remove(NUMBER)

    ledger.write_many([], [end])

    assert () == ledger.optouts.of(NUMBER)


def test_refusal_of_a_group_names_nobody(ledger: Ledger) -> None:
    """Who of a group has opted out is not known, and nobody is guessed at."""
    group = {"carrierx": {"group_recipients": [FRIEND]}}

    ledger.write_many([], [_refused_by_provider(scenes.message(to=NUMBER, options=group))])

    assert [] == list(ledger.optouts.walk())


def test_other_refusals_tell_nothing(ledger: Ledger) -> None:
    """A number that a provider refuses for another reason has not opted out."""
    end = _refused_by_provider(scenes.message(to=NUMBER))
    (attempt,) = end.delivery.attempts
    other = attrs.evolve(attempt, reason=Reason.INVALID_NUMBER)

    ledger.write_many([], [End(attrs.evolve(end.delivery, attempts=(other,)), end.message)])

    assert [] == list(ledger.optouts.walk())


# What people say.


def said(
    keyword: str | None, to: str = OURS, from_: str = NUMBER, minute: int | None = None
) -> InboundMessage:
    """Return a message to one of our numbers; ``minute`` is when its provider says it was said."""
    return InboundMessage(
        event_id=scenes.fresh("event"),
        account="wavix",
        provider="wavix",
        provider_id=scenes.fresh("theirs"),
        from_=from_,
        to=to,
        received_at=scenes.NOW,
        keyword=keyword,
        at=None if minute is None else scenes.NOW - timedelta(minutes=60 - minute),
    )


def hear(ledger: Ledger, inbound: InboundMessage, *mirror: str) -> Heard | None:
    """Hear a message as its event is kept."""
    return ledger.record_many([Note(event=inbound, lists=LISTS, mirror=mirror)])[0].opt_out


def sent(  # noqa: PLR0913 - each by name
    ledger: Ledger,
    via: str,
    sender: str = OURS,
    *,
    minutes: int = 0,
    tenant: str | None = None,
    to: str = NUMBER,
) -> None:
    """Note that a message was sent from one of our numbers."""
    then = scenes.NOW - timedelta(minutes=60 - minutes)
    attempt = scenes.closed(scenes.opened(from_=sender, started_at=then))
    message = scenes.message(to=to, tenant=tenant)
    ledger.write_many([Line(scenes.fresh(), message, attempt, via=via)])


@pytest.mark.parametrize(
    ("via", "list_"),
    [("promo", "marketing"), ("login", ""), ("news", ""), ("wavix", ""), (None, "")],
)
def test_stop_is_of_the_list_that_was_answered(ledger: Ledger, via: str | None, list_: str) -> None:
    """STOP is about the route whose message it answers; about all where that is not known."""
    if via is not None:
        sent(ledger, via)

    found = hear(ledger, said("stop"))

    assert Heard(number=NUMBER, list=list_, tenant="", keyword="stop") == found
    assert {list_} == lists(ledger)
    assert f"inbound:{OURS}" == ledger.optouts.of(NUMBER)[0].source


@pytest.mark.parametrize(
    ("routes", "list_"),
    [
        (("promo", "promo"), "marketing"),
        (("promo", "codes"), ""),
        (("codes", "promo"), ""),
        (("promo", "news"), ""),
    ],
)
def test_number_that_serves_several_lists(
    ledger: Ledger, routes: tuple[str, str], list_: str
) -> None:
    """Who had messages of several lists from one number stops them all: nobody knows which."""
    for minutes, via in enumerate(routes):
        sent(ledger, via, minutes=minutes)
    sent(ledger, "login", OTHER, minutes=3)

    hear(ledger, said("stop"))

    assert {list_} == lists(ledger)


@pytest.mark.parametrize(("days", "list_"), [(29, ""), (31, "login")])
def test_old_messages_are_not_what_is_stopped(ledger: Ledger, days: int, list_: str) -> None:
    """A list of which nothing came for 30 days is not what a STOP is about."""
    sent(ledger, "promo", minutes=-days * 24 * 60)
    sent(ledger, "codes")

    hear(ledger, said("stop"))

    assert {list_} == lists(ledger)


def test_newest_of_old_messages_counts(ledger: Ledger) -> None:
    """Where nothing came for 30 days the newest message counts, with its tenant."""
    sent(ledger, "codes", minutes=-40 * 24 * 60)
    sent(ledger, "promo", minutes=-35 * 24 * 60, tenant="acme")

    found = hear(ledger, said("stop"))

    assert found is not None
    assert ("marketing", "acme") == (found.list, found.tenant)


def test_number_that_serves_several_tenants(ledger: Ledger) -> None:
    """Who had messages of several tenants from one number stops them all."""
    sent(ledger, "promo", minutes=1, tenant="acme")
    sent(ledger, "promo", minutes=2, tenant="other")

    found = hear(ledger, said("stop"))

    assert found is not None
    assert ("marketing", "") == (found.list, found.tenant)
    assert is_refused(ledger, line(scenes.message(to=NUMBER, tenant="acme"), "marketing"))


@pytest.mark.parametrize("spelled", ["13135550100", "+13135550100"])
def test_our_number_is_one_however_written(ledger: Ledger, spelled: str) -> None:
    """A provider that leaves out the plus means the same number of ours."""
    sent(ledger, "promo", spelled)

    found = hear(ledger, said("stop"))

    assert found is not None
    assert "marketing" == found.list


@pytest.mark.parametrize("keyword", ["help", None])
def test_other_words_change_nothing(ledger: Ledger, keyword: str | None) -> None:
    """HELP and ordinary answers are no opt-outs."""
    assert hear(ledger, said(keyword)) is None
    assert () == ledger.optouts.of(NUMBER)


def test_said_twice(ledger: Ledger) -> None:
    """STOP after STOP, and START after START, change nothing more."""
    assert hear(ledger, said("stop")) is not None
    assert hear(ledger, said("stop")) is None
    assert hear(ledger, said("start")) is not None
    assert hear(ledger, said("start")) is None
    assert () == ledger.optouts.of(NUMBER)


def test_start_takes_back_what_was_said_to_the_same_number(ledger: Ledger) -> None:
    """START undoes a STOP to the same number of ours, whatever was sent from it meanwhile."""
    sent(ledger, "promo", minutes=1)
    hear(ledger, said("stop"))
    sent(ledger, "news", minutes=2)

    hear(ledger, said("start"))

    assert set() == lists(ledger)


def test_start_leaves_what_was_said_elsewhere(ledger: Ledger) -> None:
    """START to one number gives no leave to what was stopped at another."""
    sent(ledger, "promo", minutes=1)
    sent(ledger, "news", OTHER, minutes=2)
    hear(ledger, said("stop", OTHER))

    hear(ledger, said("start"))

    assert {""} == lists(ledger)


def test_start_at_another_number(ledger: Ledger) -> None:
    """Each number that was told STOP is to be told START, however many there are."""
    hear(ledger, said("stop"))
    assert hear(ledger, said("stop", OTHER)) is None

    assert hear(ledger, said("start")) is None
    assert is_refused(ledger, line())
    assert ([""], 1) == ([one.list for one in ledger.optouts.of(NUMBER)], ledger.stats().optouts)

    found = hear(ledger, said("start", OTHER))
    assert Heard(number=NUMBER, list="", tenant="", keyword="start") == found
    assert not is_refused(ledger, line())


def test_start_at_a_number_that_was_never_stopped(ledger: Ledger) -> None:
    """START where nothing was stopped gives no leave to anybody else."""
    hear(ledger, said("stop"))

    assert hear(ledger, said("start", "+13135550177")) is None
    assert is_refused(ledger, line())


@pytest.mark.parametrize("source", ["api", "import", "command"])
@pytest.mark.parametrize("list_", ["", "marketing"])
def test_start_leaves_what_you_said(ledger: Ledger, source: str, list_: str) -> None:
    """What you have added yourself is yours to take back, and no START does it."""
    sent(ledger, "promo")
    ledger.optouts.add(NUMBER, list_, source=source)
    hear(ledger, said("stop"))

    hear(ledger, said("start"))

    assert [(list_, source)] == [(one.list, one.source) for one in ledger.optouts.of(NUMBER)]


ORDERS = [
    (("stop", 1), ("start", 2)),
    (("start", 1), ("stop", 2)),
    (("stop", 1), ("start", 2), ("stop", 3)),
    (("start", 1), ("stop", 2), ("start", 3)),
    (("stop", 1), ("stop", 2), ("start", 3)),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("via", [None, "promo"])
def test_last_word_counts_in_whatever_order_it_comes(
    ledger: Ledger,
    order: tuple[tuple[str, int], ...],
    via: str | None,
    together: bool,  # noqa: FBT001
) -> None:
    """Of STOP and START that one counts which was said last, and not which came last."""
    stopped = order[-1][0] == "stop"
    for number, came in enumerate(permutations(order)):
        person = f"+131355501{number + 10}"
        if via is not None:
            sent(ledger, via, to=person)
        words = [said(word, from_=person, minute=minute) for word, minute in came]
        notes = [Note(event=one, lists=LISTS) for one in words]
        for some in [notes] if together else [[one] for one in notes]:
            ledger.record_many(some)

        found = line(scenes.message(to=person), "all" if via is None else "marketing")
        assert stopped is is_refused(ledger, found), came


def test_time_of_an_opt_out_is_when_it_was_said(ledger: Ledger) -> None:
    """A STOP that comes late is as old as its provider says; a clock that is ahead counts not."""
    hear(ledger, said("stop", minute=10))
    hear(ledger, said("stop", from_=FRIEND, minute=99))

    assert scenes.NOW - timedelta(minutes=50) == ledger.optouts.of(NUMBER)[0].since
    assert scenes.NOW == ledger.optouts.of(FRIEND)[0].since


@pytest.mark.parametrize("first", ["stop", "start"])
def test_words_that_are_heard_at_once(url: str, first: str) -> None:
    """Of two words that two machines hear at once the second waits to know of the first."""
    at = {"stop": 2, "start": 3}
    second = "start" if first == "stop" else "stop"
    with Ledger(url, clock=scenes.clock) as ledger, ThreadPoolExecutor(1) as another:
        sent(ledger, "promo")
        hear(ledger, said("start", minute=1))

        def hold(connection: Connection) -> Future[Heard | None]:
            heard(connection, said(first, minute=at[first]), scenes.NOW, LISTS)
            meanwhile = another.submit(hear, ledger, said(second, minute=at[second]))
            wait([meanwhile], timeout=0.5)
            return meanwhile

        meanwhile: Future[Heard | None] = ledger._write(hold)  # noqa: SLF001 - it is held open
        meanwhile.result(30)

        assert () == ledger.optouts.of(NUMBER)


@pytest.mark.parametrize(
    ("via", "tenant"), [("promo", None), ("promo", "acme"), ("news", "acme"), ("news", None)]
)
def test_start_takes_back_what_a_provider_said(
    ledger: Ledger, via: str, tenant: str | None
) -> None:
    """START is a later wish than what a provider refused by: of any list, and of its tenant."""
    refused = _refused_by_provider(scenes.message(to=NUMBER, tenant=tenant), LISTS[via])
    (attempt,) = refused.delivery.attempts
    delivery = attrs.evolve(refused.delivery, attempts=(attrs.evolve(attempt, from_=OURS),))
    ledger.write_many([], [attrs.evolve(refused, delivery=delivery)])
    assert 1 == len(ledger.optouts.of(NUMBER))

    found = hear(ledger, said("start"))

    assert found is not None
    expected = Heard(
        number=NUMBER,
        list="marketing" if via == "promo" else "",
        tenant=tenant or "",
        keyword="start",
    )
    assert expected == found
    assert () == ledger.optouts.of(NUMBER)


def test_start_leaves_what_a_provider_said_to_another_tenant(ledger: Ledger) -> None:
    """START to a number of one tenant gives no leave to another one's."""
    sent(ledger, "promo", tenant="acme")
    ledger.write_many([], [_refused_by_provider(scenes.message(to=NUMBER, tenant="other"))])

    assert hear(ledger, said("start")) is None
    assert 1 == len(ledger.optouts.of(NUMBER))


def test_what_a_provider_says_after_start_counts(ledger: Ledger) -> None:
    """A report of before a START locks nobody out again; one that is of later does."""
    message = scenes.message(to=NUMBER)
    before, after = (
        _reported(ledger, message, at=scenes.NOW - timedelta(minutes=minutes))
        for minutes in (30, 10)
    )
    ledger.record_many([_reported(ledger, message, at=scenes.NOW - timedelta(minutes=40))])
    hear(ledger, said("start", minute=40))
    assert () == ledger.optouts.of(NUMBER)

    ledger.record_many([before])
    assert () == ledger.optouts.of(NUMBER)

    ledger.record_many([after])
    assert ["marketing"] == [one.list for one in ledger.optouts.of(NUMBER)]


def test_several_sources_are_one_opt_out(ledger: Ledger) -> None:
    """A number is one line of each list, of its oldest source; and is taken off at once."""
    hear(ledger, said("stop", minute=20))
    hear(ledger, said("stop", OTHER, minute=10), "wavix")
    assert not ledger.optouts.add(NUMBER)
    ledger.optouts.add(NUMBER, "a")

    (every, one) = ledger.optouts.walk()
    assert (every, one) == ledger.optouts.of(NUMBER)
    assert ("", f"inbound:{OTHER}", ("wavix",)) == (every.list, every.source, every.mirror)
    assert scenes.NOW - timedelta(minutes=50) == every.since
    assert 2 == ledger.optouts.remove(NUMBER)
    assert () == ledger.optouts.of(NUMBER)
    assert not is_refused(ledger, line())


def test_pages_do_not_part_an_opt_out(ledger: Ledger) -> None:
    """A number whose sources fall on two pages of a walk is one line all the same."""
    numbers = sorted(f"+1313555{digits:04}" for digits in range(100, 100 + PAGE - 1))
    ledger.optouts.add_many(numbers)
    ledger.optouts.add("+13135559999", source="api")
    ledger.optouts.add("+13135559999", source="import")

    assert [*numbers, "+13135559999"] == [one.number for one in ledger.optouts.walk()]


# What providers are told.


def test_mirror_is_kept_until_told(ledger: Ledger) -> None:
    """Who is to be told of an opt-out is kept with it, until each of them has been."""
    ledger.optouts.add(NUMBER, mirror=["wavix", "second"])
    ledger.optouts.add(FRIEND, mirror=["second"])
    (first,) = ledger.optouts.untold("wavix", 10)

    ledger.optouts.told(first, "wavix")

    assert NUMBER == first.number
    assert () == ledger.optouts.untold("wavix", 10)
    assert {NUMBER, FRIEND} == {one.number for one in ledger.optouts.untold("second", 10)}
    assert 1 == len(ledger.optouts.untold("second", 1))
    assert ("second",) == ledger.optouts.of(NUMBER)[0].mirror


def test_one_list_is_told_to_nobody(ledger: Ledger) -> None:
    """A provider knows nothing of our lists: told of one, it would refuse the others as well."""
    ledger.optouts.add(NUMBER, "marketing", mirror=["wavix"])
    sent(ledger, "promo")
    hear(ledger, said("stop"), "wavix")
    hear(ledger, said("stop", OTHER, FRIEND), "wavix")

    assert [FRIEND] == [one.number for one in ledger.optouts.untold("wavix", 10)]


def test_name_of_one_account_within_another(ledger: Ledger) -> None:
    """Accounts whose names are alike are told apart."""
    ledger.optouts.add(NUMBER, mirror=["wavix-2", "wa%"])

    assert () == ledger.optouts.untold("wavix", 10)
    assert () == ledger.optouts.untold("wa", 10)
    assert 1 == len(ledger.optouts.untold("wa%", 10))


def test_errors_are_the_callers(ledger: Ledger) -> None:
    """A refusal is an error of polysms that says what it is, without the number."""
    ledger.optouts.add(NUMBER)
    with pytest.raises(PolysmsError, match="has opted out") as raised:
        ledger.write_many([line()])
    assert NUMBER not in str(raised.value)
