"""Nobody who said STOP is sent anything: by either client, by a worker, one message or many."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from polysms import (
    AsyncClient,
    Client,
    Config,
    ConfigError,
    Delivery,
    MaybeSent,
    Message,
    NotSent,
    Outcome,
    Reason,
    Refused,
    Status,
)
from polysms.client.core import REAL_WORLD
from polysms.client.optouts import AT_ONCE, LONGEST_REST, REST, keywords_of, lists_of, mirrors_of
from polysms.ledger import Ledger
from polysms.sandbox import Behaviour, running
from polysms.worker import Worker
from tests.clients import WAVIX, Both, accepted, answering
from tests.postgres import Postgres

Make = Callable[..., Both]

TO = "+13135550123"
FRIEND = "+13135550144"
SECOND = {**WAVIX, "provider": "wavix"}
UNSUBSCRIBED = httpx.Response(
    422, json={"success": False, "message": "The recipient has unsubscribed"}
)
BUSY = httpx.Response(503, json={"success": False}, headers={"Retry-After": "60"})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.unmeasured)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/polysms.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.database(request.getfixturevalue("template")))


def tables(ledger: str, **route: Any) -> dict[str, Any]:
    """Return a configuration of two accounts and a route over both."""
    return {
        "accounts": {"wavix": WAVIX, "second": SECOND},
        "routes": {"main": {"accounts": ["wavix", "second"], **route}},
        "default": "main",
        "ledger": ledger,
    }


def optouts(client: Both, method: str, *given: Any) -> Any:
    """Return what a method of ``client.optouts`` returns; of what it yields, a list."""
    found = getattr(client.client.optouts, method)(*given)
    if client.runner is None:
        return list(found) if method == "list" else found

    async def waited() -> Any:
        return [one async for one in found] if method == "list" else await found

    return client.runner.run(waited())


def refusal(client: Both, message: Message, **wishes: Any) -> Refused:
    """Return the error of a message that we refuse ourselves."""
    with pytest.raises(Refused) as raised:
        client.send(message, **wishes)
    assert (Reason.OPTED_OUT, "polysms") == (raised.value.reason, raised.value.by)
    return raised.value


# A send.


def test_opted_out_number_is_not_sent_to(make: Make, ledger: str) -> None:
    """No account is asked, the delivery says why, and the same later would end the same."""
    transport, asked = answering(accepted())
    client = make(tables(ledger), transport=transport)
    optouts(client, "add", TO)

    error = refusal(client, Message(TO, "Sale!", tag="sale"))

    assert [] == asked
    assert TO not in str(error)
    assert not error.retry_later
    delivery = error.delivery
    assert delivery is not None
    assert (Status.NOT_SENT, Reason.OPTED_OUT, ()) == (
        delivery.status,
        delivery.reason,
        delivery.attempts,
    )
    why = {one.account: one.why for one in delivery.considered if not one.chosen}
    assert "has opted out" in why["wavix"]
    assert "opted_out" in why["second"]
    assert not any(one.chosen for one in delivery.considered)
    (kept,) = client.call("find", tag="sale")
    assert (delivery.id, Status.NOT_SENT, Reason.OPTED_OUT) == (kept.id, kept.status, kept.reason)


@pytest.mark.parametrize(
    ("rule", "opted_out_of", "asked"),
    [("marketing", "login", 1), ("marketing", "marketing", 0), ("none", None, 1), ("all", "x", 0)],
)
def test_route_names_its_list(
    make: Make, ledger: str, rule: str, opted_out_of: str | None, asked: int
) -> None:
    """The key ``optouts`` of the route that is taken decides whose STOP counts."""
    transport, seen = answering(accepted())
    client = make(tables(ledger, optouts=rule), transport=transport)
    optouts(client, "add", TO, opted_out_of)

    if asked:
        client.send(Message(TO, "Your code is 1234"))
    else:
        refusal(client, Message(TO, "Your code is 1234"))

    assert asked == len(seen)


def test_without_a_ledger_nothing_is_checked(make: Make) -> None:
    """Without a ledger there are no opt-outs; and a word about them says what is missing."""
    transport, asked = answering(accepted())
    client = make({"accounts": {"wavix": WAVIX}}, transport=transport)

    client.send(Message(TO, "hello"))

    assert 1 == len(asked)
    for method, *given in (("add", TO), ("remove", TO), ("has", TO), ("list",)):
        with pytest.raises(ConfigError, match="needs a ledger"):
            optouts(client, method, *given)


def test_key_is_free_again(make: Make, ledger: str) -> None:
    """A message that was refused for an opt-out gives its key up: after START it is sent."""
    transport, asked = answering(accepted())
    client = make(tables(ledger), transport=transport)
    message = Message(TO, "hello", key="order-1")
    optouts(client, "add", TO)
    refusal(client, message)

    optouts(client, "remove", TO)

    assert Status.QUEUED == client.send(message).status
    assert 1 == len(asked)


def stopping(ledger: str, *answers: httpx.Response | Exception) -> httpx.MockTransport:
    """Return a transport at whose first request the recipient says STOP."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        with Ledger(ledger) as opened:
            opened.optouts.add(TO)
        given = answers[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.MockTransport(answer)


def test_stop_between_two_accounts(make: Make, ledger: str) -> None:
    """Each attempt is checked: a STOP that comes during the first lets no second one begin."""
    client = make(tables(ledger), transport=stopping(ledger, BUSY))

    error = refusal(client, Message(TO, "hello"))

    assert error.delivery is not None
    assert [("wavix", Outcome.NOT_SENT)] == [
        (one.account, one.outcome) for one in error.delivery.attempts
    ]
    assert error.delivery.attempts == client.call("get", error.delivery.id).attempts


def test_stop_after_what_may_have_been_sent(make: Make, ledger: str) -> None:
    """A message that may have been sent stays so, though its second copy is refused."""
    unclear = httpx.ReadTimeout("no answer")
    client = make(tables(ledger, on_maybe_sent="next"), transport=stopping(ledger, unclear))

    with pytest.raises(MaybeSent) as raised:
        client.send(Message(TO, "hello"))

    assert raised.value.delivery is not None
    assert 1 == len(raised.value.delivery.attempts)
    kept = client.call("get", raised.value.delivery.id)
    assert Status.MAYBE_SENT == kept.status


def test_provider_that_knows_of_an_opt_out(make: Make, ledger: str) -> None:
    """What one provider refuses so stops the route, and no other account is asked from then on."""
    transport, asked = answering(UNSUBSCRIBED, accepted())
    client = make(tables(ledger), transport=transport)

    with pytest.raises(Refused) as raised:
        client.send(Message(TO, "hello"))

    assert (Reason.OPTED_OUT, "provider", 1) == (raised.value.reason, raised.value.by, len(asked))
    (known,) = optouts(client, "list")
    assert (TO, "", "provider:wavix") == (known.number, known.list, known.source)
    refusal(client, Message(TO, "hello"), via="second")
    assert 1 == len(asked)


def test_provider_speaks_of_the_list_of_the_route(make: Make, ledger: str) -> None:
    """What was refused on a route of one list says nothing about the other lists."""
    transport, asked = answering(UNSUBSCRIBED, accepted())
    client = make(tables(ledger, optouts="marketing"), transport=transport)
    with pytest.raises(Refused):
        client.send(Message(TO, "hello"))

    assert ["marketing"] == [one.list for one in optouts(client, "list")]
    refusal(client, Message(TO, "hello"))
    assert 1 == len(asked)


def test_several_sources_are_one_to_a_client(make: Make, ledger: str) -> None:
    """What a provider says of a number that you have added is one opt-out, taken off at once."""
    transport, asked = answering(UNSUBSCRIBED, accepted())
    client = make(tables(ledger), transport=transport)
    with pytest.raises(Refused):
        client.send(Message(TO, "hello"))

    assert not optouts(client, "add", TO)
    assert 1 == len(optouts(client, "list"))
    assert optouts(client, "remove", TO)
    assert not optouts(client, "has", TO)
    client.send(Message(TO, "hello"))
    assert 2 == len(asked)


def test_provider_is_asked_on_a_route_that_asks_for_no_list(make: Make, ledger: str) -> None:
    """With ``optouts = "none"`` the provider still has its own say, each time."""
    transport, asked = answering(UNSUBSCRIBED)
    client = make(tables(ledger, optouts="none"), transport=transport)

    for _ in range(2):
        with pytest.raises(Refused):
            client.send(Message(TO, "hello"))

    assert 2 == len(asked)


# Many.


def test_many(make: Make, ledger: str) -> None:
    """Of many messages those to numbers that opted out are refused, and all the others sent."""
    transport, asked = answering(accepted())
    client = make(tables(ledger), transport=transport)
    numbers = [f"+131355501{digits}" for digits in range(10, 70)]
    opted_out = set(numbers[::6])
    for number in sorted(opted_out):
        optouts(client, "add", number)

    results = many(client, [Message(number, "hello") for number in numbers])

    refused = {one.message.to for one in results if isinstance(one.error, Refused)}
    assert opted_out == refused
    assert set(numbers) - opted_out == {one.message.to for one in results if one.error is None}
    assert len(numbers) - len(opted_out) == len(asked)


def many(client: Both, messages: Any) -> list[Any]:
    """Return the results of many messages, ten at once."""
    if client.runner is None:
        return list(client.client.send_many(messages))

    async def results() -> list[Any]:
        return [one async for one in client.client.send_many(messages)]

    return client.runner.run(results())


def test_stop_while_many_are_sent(make: Make, ledger: str) -> None:
    """A STOP that comes while many are sent ends it: what begins later is refused."""
    told = threading.Event()
    late: list[bool] = []

    def answer(_: httpx.Request) -> httpx.Response:
        late.append(told.is_set())
        return accepted()

    client = make(tables(ledger), transport=httpx.MockTransport(answer))

    def messages() -> Iterator[Message]:
        for number in range(150):
            if number == 60:
                stop.start()
            # The second half begins once the opt-out is committed.
            if number == 100:
                stop.join()
            yield Message(TO, f"hello {number}", tag="late" if number >= 100 else None)

    def add() -> None:
        with Ledger(ledger) as opened:
            opened.optouts.add(TO)
        told.set()

    stop = threading.Thread(target=add)
    results = many(client, messages())

    assert 150 == len(results)
    after = [one for one in results if one.message.tag == "late"]
    assert 50 == len(after)
    assert all(isinstance(one.error, Refused) for one in after)
    sent = [one for one in results if one.error is None]
    assert len(sent) == len(late)
    assert 60 - 10 <= len(sent) <= 100


# The outbox.


def test_worker_sends_nothing_that_was_stopped_meanwhile(ledger: str) -> None:
    """An opt-out between enqueue and the worker's send refuses the message: it is over."""
    transport, asked = answering(accepted())

    async def work() -> list[Delivery]:
        async with AsyncClient(tables(ledger), transport=transport) as client:
            waiting = [await client.enqueue(Message(to, "hello")) for to in (TO, FRIEND)]
            await client.optouts.add(TO)
            await Worker(client).run(drain=True)
            return [await client.get(str(one.id)) for one in waiting]

    stopped, sent = asyncio.run(asyncio.wait_for(work(), 60))

    assert (Status.NOT_SENT, Reason.OPTED_OUT, ()) == (
        stopped.status,
        stopped.reason,
        stopped.attempts,
    )
    assert Status.QUEUED == sent.status
    assert 1 == len(asked)
    with Ledger(ledger) as opened:
        entry = opened.entry(str(stopped.id))
        assert entry is not None
        assert "over" == entry.state


def test_stop_after_the_worker_has_claimed(ledger: str) -> None:
    """A lease gives no leave: the opt-out counts that is there as the attempt is written."""
    transport, asked = answering(accepted())
    with Client(tables(ledger), transport=transport) as client:
        waiting = client.enqueue(Message(TO, "hello"))
        until = client.duties.now() + timedelta(minutes=5)
        (claim,) = client.ledger.outbox.claim("waiting", "me", until=until, limit=10)
        client.optouts.add(TO)

        client.obey(client.duties.send(claim, "me"))

        entry = client.ledger.entry(str(waiting.id))
        assert entry is not None
        assert ("over", Status.NOT_SENT) == (entry.state, entry.delivery.status)
    assert [] == asked


def test_waiting_message_is_sent_after_start(ledger: str) -> None:
    """What counts is how it stands as the message is sent, not as it was enqueued."""
    transport, asked = answering(accepted())

    async def work() -> None:
        async with AsyncClient(tables(ledger), transport=transport) as client:
            await client.optouts.add(TO)
            await client.enqueue(Message(TO, "hello"))
            await client.optouts.remove(TO)
            await Worker(client).run(drain=True)

    asyncio.run(asyncio.wait_for(work(), 60))
    assert 1 == len(asked)


# The client's own words.


def test_add_has_remove_list(make: Make, ledger: str) -> None:
    """A client adds numbers, knows them however written, and takes them off again."""
    client = make(tables(ledger))

    assert optouts(client, "add", "+1 313 555 0123", "marketing")
    assert not optouts(client, "add", TO, "marketing")
    assert optouts(client, "has", TO)
    assert optouts(client, "has", TO, "marketing")
    assert not optouts(client, "has", TO, "login")
    assert optouts(client, "add", TO)
    assert optouts(client, "has", TO, "login")
    assert [(TO, ""), (TO, "marketing")] == [
        (one.number, one.list) for one in optouts(client, "list")
    ]
    assert optouts(client, "remove", TO)
    assert not optouts(client, "remove", TO)
    assert not optouts(client, "has", TO)


@pytest.mark.parametrize("name", ["all", "none", "ALL", "None", " all ", "", "  "])
def test_words_that_name_no_list(make: Make, ledger: str, name: str) -> None:
    """A list cannot be called as a route calls all of them, or none."""
    client = make(tables(ledger))
    for method in ("add", "remove"):
        with pytest.raises(ConfigError, match="list:"):
            optouts(client, method, TO, name)


# The configuration.


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ({"routes": {"r": {"accounts": ["wavix"], "optouts": "none"}}}, "routes.r.optouts"),
        ({"routes": {"r": {"accounts": ["wavix"], "optouts": "promo"}}}, "routes.r.optouts"),
        (
            {"accounts": {"wavix": {**WAVIX, "mirror_optouts": True}}},
            "accounts.wavix.mirror_optouts",
        ),
    ],
)
def test_what_needs_a_ledger(part: Mapping[str, Any], key: str) -> None:
    """What can only be kept to with a ledger is refused without one."""
    with pytest.raises(ConfigError, match="needs a ledger") as raised:
        Config.from_mapping({"accounts": {"wavix": WAVIX}, **part})
    assert key == raised.value.key


@pytest.mark.parametrize(
    ("wrong", "meant"), [("ALL", "all"), ("None", "none"), ("NONE", "none"), (" All ", "all")]
)
def test_other_spelling_of_a_word(ledger: str, wrong: str, meant: str) -> None:
    """What is nearly "all" or "none" is no list, and the error says which of the two was meant."""
    with pytest.raises(ConfigError, match=f'optouts: write "{meant}"') as raised:
        Config.from_mapping(tables(ledger, optouts=wrong))
    assert "routes.main.optouts" == raised.value.key


@pytest.mark.parametrize("wrong", ["", "  ", "a\nb", "x" * 256])
def test_list_that_is_no_name(wrong: str) -> None:
    """A route names its list in a few printable characters."""
    route = {"accounts": ["wavix"], "optouts": wrong}
    with pytest.raises(ConfigError) as raised:
        Config.from_mapping({"accounts": {"wavix": WAVIX}, "routes": {"r": route}})
    assert "routes.r.optouts" == raised.value.key


def test_only_who_has_an_api_is_told() -> None:
    """Opt-outs are mirrored where the provider can be told, and nowhere else."""
    account = {"provider": "carrierx", "token": "t", "sender": "+13135550100"}
    with pytest.raises(ConfigError, match="carrierx cannot be told") as raised:
        Config.from_mapping({"accounts": {"a": {**account, "mirror_optouts": True}}})
    assert "accounts.a.mirror_optouts" == raised.value.key


def keyed(words: Any) -> Config:
    """Return a configuration with keywords."""
    return Config.from_mapping({"accounts": {"wavix": WAVIX}, "keywords": words})


def test_keywords_are_added_by_language() -> None:
    """Words of another language are added, and a kind that is named replaces the usual words."""
    found = keywords_of(keyed({"es": {"stop": ["PARAR", "BAJA"]}, "en": {"help": "ASSIST"}}))

    kinds = {word: found.kind(word) for word in ("baja", "Stop!", "ARRÊT", "assist", "help")}
    assert {
        "baja": "stop",
        "Stop!": "stop",
        "ARRÊT": "stop",
        "assist": "help",
        "help": None,
    } == kinds
    assert "help" == keywords_of(keyed({})).kind("HELP")


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("STOP", "keywords"),
        ({"es": ["PARAR"]}, "keywords.es"),
        ({"es": {"halt": ["PARAR"]}}, "keywords.es.halt"),
        ({"es": {"stop": 5}}, "keywords.es.stop"),
        ({"es": {"stop": ["?!"]}}, "keywords.es.stop"),
    ],
)
def test_keywords_that_are_none(words: Any, key: str) -> None:
    """What is no list of words by kind and language is refused, by its key."""
    with pytest.raises(ConfigError) as raised:
        keyed(words)
    assert key == raised.value.key


def test_word_with_two_meanings(make: Make) -> None:
    """A word cannot mean STOP in one language and START in another: no client is made."""
    with pytest.raises(ConfigError, match="cannot mean") as raised:
        make(keyed({"es": {"start": ["ARRET"]}}))
    assert "keywords.es" == raised.value.key


def test_what_a_receiver_is_to_know(ledger: str) -> None:
    """The lists of the routes, and the accounts to be told, are read off the configuration."""
    whole = tables(ledger, optouts="marketing")
    whole["accounts"]["wavix"] = {**WAVIX, "mirror_optouts": True}
    config = Config.from_mapping(whole)

    assert {"main": "marketing"} == lists_of(config)
    assert ("wavix",) == mirrors_of(config)


# What providers are told.


@pytest.fixture(scope="module")
def home() -> Iterator[Any]:
    """Return a sandbox."""
    with running(behaviour=Behaviour(seed=7)) as sandbox:
        yield sandbox


def mirrored(sandbox: Any, ledger: str) -> dict[str, Any]:
    """Return a configuration whose first account is told, at the sandbox."""
    sandbox.reset()
    account = {**WAVIX, "base_url": sandbox.url}
    whole = tables(ledger)
    whole["accounts"] = {"wavix": {**account, "mirror_optouts": True}, "second": account}
    return whole


def test_provider_is_told(make: Make, ledger: str, home: Any) -> None:
    """Wavix is told of each opt-out, once, and refuses from then on itself."""
    client = make(mirrored(home, ledger))
    numbers = [f"+13135551{digits}" for digits in range(100, 100 + AT_ONCE + 5)]
    for number in numbers:
        optouts(client, "add", number)

    assert [AT_ONCE, 5, 0] == [optouts(client, "mirror") for _ in range(3)]

    assert {number[1:] for number in numbers} == {number for number, _ in home.optouts}
    assert {None} == {sender for _, sender in home.optouts}
    optouts(client, "remove", numbers[0])
    with pytest.raises(Refused) as raised:
        client.send(Message(numbers[0], "hello"), via="second")
    assert (Reason.OPTED_OUT, "provider") == (raised.value.reason, raised.value.by)


def test_taken_back_before_it_was_told(make: Make, ledger: str, home: Any) -> None:
    """Who says START before the provider was told is never named to it."""
    client = make(mirrored(home, ledger))
    optouts(client, "add", TO)
    optouts(client, "remove", TO)

    assert 0 == optouts(client, "mirror")
    assert {} == home.optouts


def test_provider_that_cannot_be_told_now(make: Make, ledger: str, home: Any) -> None:
    """While a provider does not listen it is left alone, longer each time; nothing is lost."""
    moment = [0.0]
    world = attrs.evolve(REAL_WORLD, clock=lambda: moment[0])
    client = make(mirrored(home, ledger), world=world)
    optouts(client, "add", TO)
    home.behaviour = Behaviour(modes={"wavix": "down"})

    assert 0 == optouts(client, "mirror")
    home.behaviour = Behaviour()
    assert 0 == optouts(client, "mirror")
    moment[0] = REST - 1
    assert 0 == optouts(client, "mirror")
    moment[0] = REST + 1
    assert 1 == optouts(client, "mirror")
    assert [(TO[1:], None)] == list(home.optouts)


def test_rest_grows_until_it_is_heard(make: Make, ledger: str) -> None:
    """Each failure in a row doubles the time that a provider is left alone, an hour at most."""
    moment = [0.0]
    world = attrs.evolve(REAL_WORLD, clock=lambda: moment[0])
    transport, asked = answering(httpx.Response(500))
    whole = tables(ledger)
    whole["accounts"]["wavix"] = {**WAVIX, "mirror_optouts": True}
    client = make(whole, transport=transport, world=world)
    optouts(client, "add", TO)
    rests = []

    for _ in range(9):
        begun, before = moment[0], len(asked)
        while len(asked) == before:
            moment[0] += REST / 2
            optouts(client, "mirror")
        rests.append(moment[0] - begun)

    doubled = [REST * 2**count for count in range(8)]
    assert [REST / 2, *(min(one, LONGEST_REST) for one in doubled)] == rests


def test_another_process_tells_what_one_could_not(make: Make, ledger: str, home: Any) -> None:
    """What is yet to be told outlives the client that heard of it."""
    whole = mirrored(home, ledger)
    first = make(whole)
    optouts(first, "add", TO)
    first.close()

    assert 1 == optouts(make(whole), "mirror")
    assert [(TO[1:], None)] == list(home.optouts)


@pytest.mark.parametrize(
    ("answer", "told_again"),
    [
        (httpx.Response(422, json={"success": False, "message": "Already opted out"}), False),
        (httpx.Response(401, json={"success": False, "message": "Unauthorized"}), True),
        (httpx.Response(429, json={"success": False}), True),
        (httpx.Response(500), True),
        (httpx.Response(200, json={"success": False, "message": "Insufficient balance"}), True),
        (httpx.ConnectError("no"), True),
    ],
)
def test_what_is_told_again(
    make: Make, ledger: str, answer: httpx.Response | Exception, *, told_again: bool
) -> None:
    """A no about this very number is the end of it; all else is told again later."""
    moment = [0.0]
    world = attrs.evolve(REAL_WORLD, clock=lambda: moment[0])
    transport, asked = answering(answer, httpx.Response(201, json={"success": True}))
    whole = tables(ledger)
    whole["accounts"]["wavix"] = {**WAVIX, "mirror_optouts": True}
    client = make(whole, transport=transport, world=world)
    optouts(client, "add", TO)

    optouts(client, "mirror")
    moment[0] = REST + 1
    optouts(client, "mirror")

    assert 1 + told_again == len(asked)
    assert b'{"opt_out":{"number":"13135550123"}}' == asked[0].content.replace(b" ", b"")


def test_nothing_is_not_sent_by_a_mirror(make: Make, ledger: str) -> None:
    """An account that is not to be told is never asked anything."""
    transport, asked = answering(accepted())
    client = make(tables(ledger), transport=transport)
    optouts(client, "add", TO)

    assert 0 == optouts(client, "mirror")
    assert [] == asked
    with pytest.raises(NotSent):
        client.send(Message(TO, "hello"))
