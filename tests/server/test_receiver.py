"""What a receiver does with what is posted: keep it, answer, tell; again, where that fails."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import attrs
import httpx
import pytest

from polysms import (
    Client,
    ConfigError,
    DeliveryReport,
    InboundMessage,
    LedgerError,
    Message,
    Status,
)
from polysms.client.core import REAL_WORLD
from polysms.config import Config
from polysms.ledger import Ledger
from polysms.server import Keywords, OptOut, Receiver
from polysms.server.telling import GIVES_UP, STEPS
from polysms.webhooks import WebhookRequest, address
from tests.clients import ACCEPTED
from tests.server.conftest import NUMBER, TABLES, House, Made, facts
from tests.webhooks.forms import FORMS, JSON, PUBLIC

PROVIDER_ID = ACCEPTED["message_id"]
SEND = Message(NUMBER, "Your table is ready", key="order-7", tag="orders")


def report(house: House, status: str = "delivered", account: str = "wavix", **body: Any) -> Any:
    """Return what Wavix posts of the message that it has."""
    of = house.config.account(account)
    facts = {"message_id": PROVIDER_ID, "status": status, "to": NUMBER, "from": "x", **body}
    url = address(of, PUBLIC, facts.pop("reference", None))
    return WebhookRequest("POST", url, JSON, json.dumps(facts).encode())


def inbound(house: House, text: str = "hello", id_: str = "in-1") -> WebhookRequest:
    """Return what SignalWire posts of a message to us."""
    form = FORMS["signalwire swml"]
    message = {**form.body["message"], "body": text, "message_id": id_}
    said = attrs.evolve(form, body={**form.body, "message": message})
    return said.request(house.config.account("signalwire"))


def later(house: House, **span: float) -> None:
    """Let time pass for the client and its ledger."""
    moved = REAL_WORLD.now() + timedelta(**span)
    world = attrs.evolve(REAL_WORLD, now=lambda: moved)
    house.client.duties._world = world  # noqa: SLF001 - the clock of a client is fixed otherwise
    house.ledger._clock = world.now  # noqa: SLF001


# With a ledger.


def test_event_is_filled_from_the_ledger(house: House) -> None:
    """Who listens hears of the message by our id, its key and its tag, once."""
    heard = house.listen()
    sent = house.send(SEND, via="trusted")

    answers = [house.ask(report(house, account="trusted")).status for _ in range(3)]

    assert [200] * 3 == answers
    assert [(sent.id, "order-7", "orders", "DELIVERED")] == [facts(one) for one in heard]
    assert Status.DELIVERED is house.ledger.get(str(sent.id)).status  # type: ignore[union-attr]


def test_report_of_an_unknown_message_is_told(house: House) -> None:
    """A report of a message that is none of ours is kept and told, without an id."""
    heard = house.listen()

    assert 200 == house.ask(report(house, account="trusted")).status
    assert [(None, None, None, "DELIVERED")] == [facts(one) for one in heard]


def test_hint_is_told_as_its_provider_confirms_it(house: House) -> None:
    """What a hint says does not count, what the provider answers does: for the ledger too."""
    heard = house.listen()
    sent = house.send(SEND)
    house.provider.status = "undelivered"

    assert 200 == house.ask(report(house, "delivered")).status
    assert 1 == house.catch_up()
    assert [(sent.id, "order-7", "orders", "UNDELIVERED")] == [facts(one) for one in heard]
    found = house.ledger.get(str(sent.id))
    assert found is not None
    assert (Status.UNDELIVERED, 1) == (found.status, house.provider.asked)


def test_hint_that_is_not_confirmed_is_told_later(house: House) -> None:
    """While the provider says that nothing has ended nobody is told, and nothing follows."""
    heard = house.listen()
    sent = house.send(SEND)
    house.provider.status = "sent"
    house.ask(report(house, "delivered"))
    assert 1 == house.catch_up()
    assert ([], Status.SENT) == (heard, house.ledger.get(str(sent.id)).status)  # type: ignore[union-attr]

    house.provider.status = "delivered"
    assert 0 == house.catch_up()
    later(house, seconds=STEPS[0] + 1)

    assert 1 == house.catch_up()
    assert ["DELIVERED"] == [str(one.status) for one in heard]
    assert 0 == house.catch_up()


def test_provider_is_not_asked_before_the_answer(house: House) -> None:
    """Whoever calls is answered at once: a provider that hangs is asked by a later look."""
    heard = house.listen()
    house.send(SEND)

    assert 200 == house.ask(report(house)).status
    assert (0, []) == (house.provider.asked, heard)
    assert (1, 1, 1) == (house.catch_up(), house.provider.asked, len(heard))


def test_hint_whose_provider_cannot_be_asked_is_told_later(house: House) -> None:
    """Trouble with the provider delays what it is to confirm."""
    heard = house.listen()
    house.send(SEND)
    house.provider.trouble = httpx.ConnectError("refused")

    assert 200 == house.ask(report(house)).status
    assert (1, []) == (house.catch_up(), heard)
    house.provider.trouble = None
    later(house, seconds=STEPS[0] + 1)
    house.catch_up()
    assert ["DELIVERED"] == [str(one.status) for one in heard]


def test_hint_is_told_at_last_with_what_is_known(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """After a day of asking in vain, what the ledger knows is told, and not what was claimed."""
    heard = house.listen()
    house.send(SEND)
    house.provider.trouble = httpx.ConnectError("refused")
    house.ask(report(house))
    later(house, seconds=GIVES_UP.total_seconds())

    assert 1 == house.catch_up()
    assert ["QUEUED"] == [str(one.status) for one in heard]
    assert ["ERROR"] == [one.levelname for one in caplog.records if "never conf" in one.message]
    later(house, days=30)
    assert 0 == house.catch_up()


def test_unknown_hint_is_never_told(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A claim about a message that neither the provider nor the ledger knows reaches nobody."""
    heard = house.listen()
    house.provider.status = "unknown"
    house.ask(report(house))
    later(house, seconds=GIVES_UP.total_seconds())

    assert 1 == house.catch_up()
    assert ([], 0) == (heard, house.catch_up())
    assert ["ERROR"] == [one.levelname for one in caplog.records if "never conf" in one.message]


def test_hint_of_what_is_known_asks_nobody(house: House) -> None:
    """A claim that the ledger has proved already is told as it is."""
    heard = house.listen()
    sent = house.send(SEND)
    house.ask(report(house))
    house.catch_up()
    house.ask(report(house, delivered="2026-04-14T14:00:00Z"))
    house.catch_up()

    assert (1, 2) == (house.provider.asked, len(heard))
    assert {sent.id} == {one.id for one in heard}


def test_status_that_ends_nothing_needs_no_proof(house: House) -> None:
    """An unproved report that neither ends nor sends anything again is taken as it is."""
    heard = house.listen()
    sent = house.send(SEND)
    house.ask(report(house, "sent"))

    assert (0, ["SENT"]) == (house.provider.asked, [str(one.status) for one in heard])
    assert Status.SENT is house.ledger.get(str(sent.id)).status  # type: ignore[union-attr]


def test_hint_without_listeners_is_asked_for(house: House) -> None:
    """A hint is followed up even where nobody listens: the ledger needs to know."""
    sent = house.send(SEND)
    house.ask(report(house))
    house.catch_up()

    assert Status.DELIVERED is house.ledger.get(str(sent.id)).status  # type: ignore[union-attr]


def test_failed_listener_is_told_again(house: House) -> None:
    """Who raises is told again, of the same event, and the provider's answer is not changed."""
    told: list[str] = []

    @house.receiver.on_report
    def fragile(event: DeliveryReport) -> None:
        told.append(event.event_id)
        if len(told) < 3:
            raise RuntimeError("not now")

    answer = house.ask(report(house, account="trusted"))
    waits = [sum(STEPS[:1]) + 1, sum(STEPS[:2]) + 2, 80_000]
    counts = []
    for seconds in waits:
        later(house, seconds=seconds)
        counts.append(house.catch_up())

    assert (200, [1, 1, 0]) == (answer.status, counts)
    assert (3, 1) == (len(told), len(set(told)))


def test_fault_of_ours_counts_as_a_failure(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What breaks while an event is told is tried at the usual intervals, and given up."""
    heard = house.listen()
    house.send(SEND)

    def broken(*_: object, **__: object) -> None:
        raise KeyError("no such name")

    monkeypatch.setattr(house.client, "fetch", broken)
    house.ask(report(house))
    spans = [0, STEPS[0] + 1, sum(STEPS[:2]) + 2, GIVES_UP.total_seconds()]
    counts = []
    for seconds in spans:
        later(house, seconds=seconds)
        counts += [house.catch_up(), house.catch_up()]
    later(house, days=30)

    assert [1, 0] * len(spans) == counts
    assert ([], 0) == (heard, house.catch_up())
    assert "given up" in caplog.text


def test_other_listeners_are_told_all_the_same(house: House) -> None:
    """One that fails keeps nothing from the others."""

    @house.receiver.on_report
    def broken(_: DeliveryReport) -> None:
        raise RuntimeError("never")

    heard = house.listen()
    house.ask(report(house, account="trusted"))

    assert 1 == len(heard)


def test_event_is_given_up_after_a_day(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody takes for a day is given up, and the log says so, without numbers or texts."""

    @house.receiver.on_inbound
    def broken(_: InboundMessage) -> None:
        raise RuntimeError("never")

    house.ask(inbound(house, "a secret"))
    later(house, seconds=GIVES_UP.total_seconds())

    assert (1, 0) == (house.catch_up(), house.catch_up())
    assert "given up" in caplog.text
    assert NUMBER not in caplog.text
    assert "a secret" not in caplog.text


def test_what_a_dead_process_kept_is_told_by_another(made: Made, ledger_url: str) -> None:
    """An event whose process died before it told anybody is told by the next one."""
    dead = made("sync", ledger_url)
    dead.listen()
    dead.receiver._hands.tell_all = lambda _: None  # type: ignore[union-attr,method-assign] # noqa: SLF001
    dead.ask(inbound(dead))
    living = made("async", ledger_url)
    heard = living.listen()
    assert 0 == living.catch_up()
    later(living, seconds=61)

    assert (1, ["in-1"]) == (living.catch_up(), [one.provider_id for one in heard])


def test_inbound(house: House) -> None:
    """A message to us is told once, and answered as its provider expects."""
    heard = house.listen()
    answers = [house.ask(inbound(house)) for _ in range(2)]

    assert {FORMS["signalwire swml"].answer[2]} == {answer.body for answer in answers}
    assert [("+13135550123", "hello")] == [(one.from_, one.text) for one in heard]


def test_opt_out(house: House) -> None:
    """A STOP is an opt-out, committed with its message; a START takes it back."""
    heard = house.listen()
    house.ask(inbound(house, "Stop!"))
    house.ask(inbound(house, "START", "in-2"))

    outs = [one for one in heard if isinstance(one, OptOut)]
    assert [("stop", "", NUMBER), ("start", "", NUMBER)] == [
        (one.kind, one.list, one.number) for one in outs
    ]
    assert [2, 0] == [
        sum(isinstance(one, InboundMessage) for one in heard),
        house.ledger.stats().optouts,
    ]


def test_opt_out_counts_without_listeners(house: House) -> None:
    """Nobody needs to listen for a STOP to count."""
    house.ask(inbound(house, "STOP"))

    assert 1 == house.ledger.stats().optouts


def test_opt_out_that_failed_is_told_again(house: House) -> None:
    """Who could not take an opt-out hears of it again, with its list."""
    outs: list[OptOut] = []

    @house.receiver.on_opt_out
    def fragile(out: OptOut) -> None:
        outs.append(out)
        if len(outs) == 1:
            raise RuntimeError("not now")

    house.ask(inbound(house, "STOP"))
    later(house, seconds=6)
    house.catch_up()

    assert 2 == len(outs)
    assert attrs.asdict(outs[0]) == attrs.asdict(outs[1])


def test_words_of_your_own(made: Made, ledger_url: str) -> None:
    """Keywords are those that the receiver is given."""
    house = made("sync", ledger_url)
    house.receiver = Receiver(house.client, Keywords({"es": {"stop": ["PARAR"]}}))
    house.ask(inbound(house, "STOP"))
    assert 0 == house.ledger.stats().optouts
    house.ask(inbound(house, "parar", "in-2"))
    assert 1 == house.ledger.stats().optouts


def test_words_of_the_configuration(made: Made, ledger_url: str) -> None:
    """Keywords that a configuration adds count beside the usual ones."""
    house = made("sync", ledger_url, keywords={"es": {"stop": ["PARAR"]}})
    heard = house.listen()
    house.ask(inbound(house, "parar"))
    house.ask(inbound(house, "START", "in-2"))

    assert ["stop", "start"] == [one.kind for one in heard if isinstance(one, OptOut)]


def test_opt_out_of_the_list_that_was_answered(made: Made, ledger_url: str) -> None:
    """A STOP is of the list that the route of the answered message names."""
    routes = {"news": {"accounts": ["signalwire"], "optouts": "news"}}
    house = made("sync", ledger_url, routes=routes)
    heard = house.listen()
    house.provider.status = "queued"
    house.send(Message(NUMBER, "News", from_="+13135550199"), via="news")
    house.ask(inbound(house, "STOP"))

    assert ["news"] == [one.list for one in heard if isinstance(one, OptOut)]


def test_ledger_in_trouble_is_never_a_2xx(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be kept is not acknowledged, so that it is posted again."""
    heard = house.listen()

    def broken(*_: object) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(Ledger, "record_many", broken)
    answer = house.ask(inbound(house))

    assert (503, []) == (answer.status, heard)
    assert "the disk is full" in caplog.text


def test_async_client_keeps_in_a_thread_and_tells_later(made: Made, ledger_url: str) -> None:
    """A WSGI program with an async client keeps events; its loop tells them."""
    house = made("async", ledger_url)
    heard = house.listen()

    assert 200 == house.receiver.handle(inbound(house)).status
    assert [] == heard
    later(house, seconds=61)
    assert (1, 1) == (house.catch_up(), len(heard))


# Without a ledger.


def test_told_before_the_answer(bare: House) -> None:
    """Without a ledger who listens is told first."""
    heard = bare.listen()

    assert 200 == bare.ask(report(bare, account="trusted")).status
    assert ["DELIVERED"] == [str(one.status) for one in heard]


def test_failure_is_a_500(bare: House) -> None:
    """Without a ledger a failure is answered with 500, so that the event comes again."""

    @bare.receiver.on_report
    def broken(_: DeliveryReport) -> None:
        raise RuntimeError("never")

    assert 500 == bare.ask(report(bare, account="trusted")).status


@pytest.mark.parametrize(
    ("found", "told", "status"),
    [("undelivered", ["UNDELIVERED"], 200), ("sent", [], 503), ("unknown", [], 503)],
)
def test_hint_is_asked_for_first(bare: House, found: str, told: list[str], status: int) -> None:
    """Without a ledger too, nothing is told that is claimed; the unconfirmed is to come again."""
    heard = bare.listen()
    bare.provider.status = found

    assert status == bare.ask(report(bare, "delivered")).status
    assert told == [str(one.status) for one in heard]


def test_hint_that_nobody_confirms_is_to_come_again(bare: House) -> None:
    """Where the provider cannot be asked, its report is not acknowledged."""
    heard = bare.listen()
    bare.provider.trouble = httpx.ConnectError("refused")

    assert (503, []) == (bare.ask(report(bare)).status, heard)


def test_opt_out_without_a_ledger(bare: House) -> None:
    """Without a ledger every STOP is told, as one of every list."""
    heard = bare.listen()
    bare.ask(inbound(bare, "STOP"))

    assert [("stop", "")] == [(one.kind, one.list) for one in heard if isinstance(one, OptOut)]


def test_async_client_without_a_ledger_has_no_sync_door(made: Made) -> None:
    """Nobody can tell what nothing keeps from another thread: that is said."""
    house = made("async")
    with pytest.raises(ConfigError, match="ahandle"):
        house.receiver.handle(inbound(house))


# Both.


def test_async_listeners(house: House) -> None:
    """Who listens may be async, with either client."""
    heard: list[str] = []

    @house.receiver.on_inbound
    async def slow(message: InboundMessage) -> None:
        await asyncio.sleep(0)
        heard.append(message.text)

    class Listener:
        async def __call__(self, message: InboundMessage) -> None:
            heard.append(message.text)

    house.receiver.on_inbound(Listener())
    house.receiver.on_inbound(lambda message: slow(message))  # noqa: PLW0108 - no async function
    house.ask(inbound(house))

    assert ["hello"] * 3 == heard


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"method": "GET"}, 200),
        ({"method": "HEAD"}, 200),
        ({"method": "GET", "url": "/"}, 200),
        ({"method": "PUT"}, 405),
        ({"url": "/hooks/nobody/x"}, 403),
        ({"url": "/"}, 403),
        ({"url": "/hooks/wavix/guessed-guessed-guessed"}, 403),
        ({"url": "/hooks/null/x"}, 403),
        ({"body": b"{"}, 400),
        ({"body": b"[]"}, 400),
        ({"body": b"x" * 70_000}, 413),
        ({"url": "/hooks/wavix/" + "x" * 70_000}, 413),
    ],
)
def test_refusals(bare: House, changes: dict[str, Any], status: int) -> None:
    """What is no webhook of ours is refused in few words, and nobody hears of it."""
    heard = bare.listen()
    answer = bare.ask(attrs.evolve(report(bare), **changes))

    assert (status, []) == (answer.status, heard)
    assert len(answer.body) < 30


def test_probe_of_a_door_that_takes_gets(bare: House) -> None:
    """A GET with fields is a webhook where the provider may post so, else a probe."""
    heard = bare.listen()
    of = bare.config.account("signalwire")
    request = FORMS["signalwire cxml by GET"].request(of)

    assert (200, b"") == (bare.ask(attrs.evolve(request, url=address(of, PUBLIC))).status, b"")
    assert [] == heard
    assert 200 == bare.ask(request).status
    assert 1 == len(heard)
    forged = attrs.evolve(request, url=request.url + "&Extra=1")
    assert 403 == bare.ask(forged).status


def test_account_that_is_broken(caplog: pytest.LogCaptureFixture) -> None:
    """An account whose configuration is wrong is our own trouble: its reports come again."""
    tables = {**TABLES, "wavix": {"api_key": "${NOWHERE_SET}"}}
    config = Config.from_mapping({"public_url": PUBLIC, "default": "trusted", "accounts": tables})
    with Client(config) as client:
        url = "/hooks/wavix/canary-0123456789abcdef"
        answer = Receiver(client).handle(WebhookRequest("POST", url, JSON, b"{}"))

    assert 503 == answer.status


def test_public_url_is_needed() -> None:
    """Without a public address there is nothing to receive at, and that is said."""
    config = Config.from_mapping({"accounts": TABLES})
    with (
        Client(config) as client,
        pytest.raises(ConfigError, match="public_url"),
    ):
        Receiver(client)


def test_logs_tell_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """No log has a number, a text or a token, whatever is posted."""
    caplog.set_level(logging.DEBUG, "polysms")
    house.listen()
    house.ask(inbound(house, "a secret"))
    house.ask(attrs.evolve(inbound(house, "a secret"), body=b'{"from": "+13135550123"}'))
    house.ask(attrs.evolve(report(house), body=b"+13135550123"))

    assert "account=signalwire" in caplog.text
    for secret in (NUMBER, "a secret", "canary"):
        assert secret not in caplog.text
