"""Tokens: asked for before the first request, once for many, renewed in time, and never shown."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import attrs
import httpx
import pytest

from polysms import (
    AsyncClient,
    Client,
    Config,
    ConfigError,
    LookupFailed,
    Message,
    NotFound,
    NotSent,
    PolysmsError,
    RateLimited,
    Reason,
    Refused,
    Status,
    Unreachable,
)
from polysms.client.tokens import AGAIN, EARLY, AskToken, Await, Tokens
from polysms.client.wire import Exchange
from polysms.delivery import Evidence, Outcome
from polysms.providers.base import Refused as No
from polysms.providers.base import Request, Response, Token
from polysms.routing.steps import Call, Failure, Stage, World
from polysms.sandbox import Behaviour, running
from tests.clients import Both

Make = Callable[..., Both]

TO = "+13135550123"
CREDENTIALS = {
    "client_id": "an-id",
    "client_secret": "canary-secret",
    "username": "partner",
    "password": "canary-password",
}
ACCOUNT = {"provider": "carrierx", "sender": "15162065575", **CREDENTIALS}
TABLES = {"accounts": {"carrierx": ACCOUNT}}
HOME = "/core/v2/oauth/token"


class Provider:
    """CarrierX, played by a function: it counts what it is asked, and can be told to say no."""

    def __init__(self, life: float = 3600) -> None:
        self.life = life
        self.asked: list[httpx.Request] = []
        self.tokens: list[str] = []
        self.refuse: httpx.Response | Exception | None = None
        self.says: httpx.Response | None = None

    @property
    def sends(self) -> list[httpx.Request]:
        """What it was asked beside tokens."""
        return [request for request in self.asked if request.url.path != HOME]

    @property
    def transport(self) -> httpx.MockTransport:
        """It, as a transport of either kind of client."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(request)
        if request.url.path == HOME:
            return self.token()
        if self.says is not None:
            return self.says
        return httpx.Response(200, json={"message_sid": f"m-{len(self.asked)}", "status": "queued"})

    def token(self) -> httpx.Response:
        """Give a token, or what it was told to say."""
        if isinstance(self.refuse, Exception):
            raise self.refuse
        if self.refuse is not None:
            return self.refuse
        self.tokens.append(f"canary-token-{len(self.tokens)}")
        begins = datetime(2026, 4, 14, tzinfo=UTC)
        ends = datetime.fromtimestamp(begins.timestamp() + self.life, UTC)
        return httpx.Response(
            200,
            json={
                "access_token": self.tokens[-1],
                "date_created": begins.isoformat(),
                "date_expiration_access_token": ends.isoformat(),
                "token_type": "bearer",
            },
        )

    def shown(self) -> list[str]:
        """The credentials of all that was asked beside tokens."""
        return [request.headers["authorization"].split("-")[-1] for request in self.sends]


class Clock:
    """A steady clock that only a test moves, in a world whose ids count."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ids = 0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def new_id(self) -> str:
        """Return the next id."""
        self.ids += 1
        return f"id-{self.ids}"

    @property
    def world(self) -> World:
        """A world of this clock."""
        return World(
            now=lambda: datetime(2026, 4, 14, tzinfo=UTC),
            clock=self,
            new_id=self.new_id,
        )


def send(client: Both, **settings: Any) -> Any:
    """Send a message."""
    return client.send(Message(TO, "x"), **settings)


def test_one_token_for_many_sends(make: Make) -> None:
    """The first send asks for a token, with every credential in a form; others have it already."""
    provider = Provider()
    client = make(TABLES, transport=provider.transport)
    for _ in range(3):
        send(client)
    first = provider.asked[0]

    assert ["0", "0", "0"] == provider.shown()
    assert ("POST", HOME) == (first.method, first.url.path)
    assert "application/x-www-form-urlencoded" == first.headers["content-type"]
    assert "authorization" not in first.headers
    assert {
        "grant_type": "password",
        **CREDENTIALS,
        "access_token_expires_in": "3600",
    } == dict(parse_qsl(first.content.decode()))
    assert 4 == len(provider.asked)


@pytest.mark.parametrize(
    ("life", "passed", "token"),
    [
        (3600, 3600 - EARLY - 1, "0"),
        (3600, 3600 - EARLY, "1"),
        (3600, 3601, "1"),
        (100, 49, "0"),
        (100, 50, "1"),
    ],
)
def test_renewed_before_it_ends(make: Make, life: float, passed: float, token: str) -> None:
    """A token is asked for anew a minute before its end, or at half its life if that is less."""
    provider, clock = Provider(life), Clock()
    client = make(TABLES, transport=provider.transport, world=clock.world)
    send(client)
    clock.now += passed
    send(client)

    assert ["0", token] == provider.shown()


def test_old_token_serves_while_no_new_one_is_given(make: Make) -> None:
    """Where renewing fails the old token is used while it is good; it is tried again soon after."""
    provider, clock = Provider(), Clock()
    client = make(TABLES, transport=provider.transport, world=clock.world)
    send(client)
    provider.refuse = httpx.Response(500)
    clock.now += 3600 - EARLY
    renewing = send(client)
    clock.now += AGAIN - 1
    send(client)
    before = len(provider.asked)
    clock.now += 1
    send(client)

    assert ["0"] * 4 == provider.shown()
    assert 1 == len(renewing.attempts)
    assert (5, 7) == (before, len(provider.asked))
    clock.now += EARLY
    with pytest.raises(NotSent):
        send(client, deadline=0.1)


NO: list[tuple[Any, type[NotSent], Reason | None, bool]] = [
    (httpx.Response(401, json={"message": "Bad credentials"}), Refused, Reason.CREDENTIALS, False),
    (httpx.Response(400, json={"error": "invalid_grant"}), Refused, Reason.CREDENTIALS, False),
    (httpx.Response(400), Refused, Reason.CREDENTIALS, False),
    (
        httpx.Response(422, json={"errors": [{"field": "message", "message": "spam"}]}),
        Refused,
        Reason.CREDENTIALS,
        False,
    ),
    (httpx.Response(403), Refused, Reason.PERMISSION, False),
    (httpx.Response(404), Refused, Reason.PERMISSION, False),
    (httpx.Response(429), RateLimited, None, True),
    (httpx.Response(503, headers={"Retry-After": "99"}), RateLimited, None, True),
    (httpx.Response(409), Unreachable, None, True),
    (httpx.Response(500), Unreachable, None, True),
    (httpx.Response(504), Unreachable, None, True),
    (httpx.Response(200, text="<html>"), Unreachable, None, True),
    (httpx.Response(200, json={"access_token": "a\r\nb"}), Unreachable, None, True),
    (httpx.Response(200, json={"access_token": None}), Unreachable, None, True),
    (httpx.ReadTimeout("late"), Unreachable, None, True),
    (httpx.ReadError("gone"), Unreachable, None, True),
    (httpx.ConnectError("nobody"), Unreachable, None, True),
]


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "later"), NO, ids=[str(number) for number in range(len(NO))]
)
def test_without_a_token_nothing_is_sent(
    make: Make, answer: Any, kind: type[NotSent], reason: Reason | None, *, later: bool
) -> None:
    """However a request for a token ends, the send is surely not sent, and says why."""
    provider = Provider()
    provider.refuse = answer
    client = make(TABLES, transport=provider.transport)
    with pytest.raises(NotSent) as raised:
        send(client, deadline=0.2)

    assert [] == provider.sends
    assert kind is type(raised.value)
    assert (reason, later) == (raised.value.reason, raised.value.retry_later)
    assert raised.value.delivery is not None
    outcomes = {attempt.outcome for attempt in raised.value.delivery.attempts}
    assert {Outcome.NOT_SENT} == outcomes
    assert "no token" in str(raised.value)


def test_the_next_account_sends(make: Make) -> None:
    """A route goes on to the next account where one is given no token."""
    provider = Provider()
    provider.refuse = httpx.Response(401)
    other = {"provider": "carrierx", "sender": "15162065575", "token": "plain"}
    tables = {
        "accounts": {"carrierx": ACCOUNT, "other": other},
        "routes": {"main": {"accounts": ["carrierx", "other"]}},
        "default": "main",
    }
    delivery = send(make(tables, transport=provider.transport))

    assert "other" == delivery.account
    assert [Evidence.REFUSAL, Evidence.ACCEPTED] == [one.evidence for one in delivery.attempts]
    assert ["Bearer plain"] == [one.headers["authorization"] for one in provider.sends]


def test_refused_token_is_forgotten(make: Make) -> None:
    """A 401 with a token that was thought good is a refusal; the next send asks for another."""
    provider = Provider()
    client = make(TABLES, transport=provider.transport)
    provider.says = httpx.Response(401, json={"message": "Bad credentials"})
    with pytest.raises(Refused) as raised:
        send(client)
    provider.says = None
    delivery = send(client)

    assert (Reason.CREDENTIALS, 401) == (raised.value.reason, raised.value.status_code)
    assert ["0", "1"] == provider.shown()
    assert Status.QUEUED is delivery.status


@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_other_refusals_leave_the_token(make: Make, status: int) -> None:
    """Only a 401 says something of a token."""
    provider = Provider()
    client = make(TABLES, transport=provider.transport)
    provider.says = httpx.Response(status)
    for _ in range(2):
        with pytest.raises(PolysmsError):
            send(client)

    assert ["0", "0"] == provider.shown()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(401), Reason.CREDENTIALS),
        (httpx.Response(404), Reason.PERMISSION),
        (httpx.Response(429), None),
        (httpx.Response(500), None),
        (httpx.ReadError("gone"), None),
    ],
)
def test_look_ups_without_a_token(make: Make, answer: Any, reason: Reason | None) -> None:
    """A look-up fails with the reason; that a message is not found is never concluded from it."""
    provider = Provider()
    provider.refuse = answer
    client = make(TABLES, transport=provider.transport)
    for look in (
        lambda: client.fetch(account="carrierx", provider_id="m-1"),
        lambda: client.check("carrierx"),
        lambda: client.list_remote("carrierx"),
    ):
        with pytest.raises(LookupFailed) as raised:
            look()
        assert not isinstance(raised.value, NotFound)
        assert (reason, reason is None) == (raised.value.reason, raised.value.retry_later)
    assert [] == provider.sends


def test_never_shown(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """No token and no secret shows in an error, a log or a repr, though the provider says them."""
    provider = Provider()
    client = make(TABLES, transport=provider.transport)
    caplog.set_level(logging.DEBUG)
    send(client)
    secrets = [*provider.tokens, "canary-secret", "canary-password"]
    provider.says = httpx.Response(403, json={"message": " ".join(secrets)})
    errors: list[PolysmsError] = []
    for look in (lambda: send(client), lambda: client.check("carrierx")):
        with pytest.raises(PolysmsError) as raised:
            look()
        errors.append(raised.value)
    provider.refuse = httpx.Response(403, json={"message": " ".join(secrets[1:])})
    provider.says = httpx.Response(401, text=provider.tokens[0])
    for _ in range(2):
        with pytest.raises(NotSent) as refused:
            send(client, deadline=0.1)
        errors.append(refused.value)
    shown = [repr(vars(error)) + str(error) for error in errors]
    shown += [repr(vars(client.client._tokens)), repr(Token("canary")), caplog.text]  # noqa: SLF001

    assert 4 == len(errors)
    assert [] == [text for text in shown if "canary" in text]


def test_no_cassette_holds_a_token() -> None:
    """No recording has an answer with a token, or a request for one."""
    folder = Path(__file__).resolve().parents[2] / "cassettes"
    tapes = list(folder.rglob("*.yaml"))
    words = ("access_token", "client_secret", "oauth/token")

    assert tapes
    assert [] == [tape for tape in tapes if any(word in tape.read_text("utf-8") for word in words)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": None}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"username": None}, "username"),
        ({"password": None}, "username"),
        ({"token": "beside"}, "client_id"),
    ],
)
def test_half_of_the_credentials(changes: Mapping[str, Any], words: str) -> None:
    """Tokens are given for all four credentials; an account that lacks one says so."""
    account = {name: value for name, value in {**ACCOUNT, **changes}.items() if value}
    with pytest.raises(ConfigError, match=words) as raised:
        Config(accounts={"carrierx": account})
    assert "canary" not in str(raised.value)


def test_a_url_can_say_it() -> None:
    """The client's credentials stand in the query of an account's URL."""
    line = "carrierx://partner:word@?client_id=an-id&client_secret=s&sender=%2B15162065575"
    adapter: Any = Config.from_url(line).account("carrierx").adapter

    assert b"client_id=an-id&client_secret=s&username=partner&password=word" in (
        adapter.token_request().content
    )


# Many at once: the decisions by hand, then threads, tasks and processes.


@attrs.define
class Caller:
    """One call that is driven by hand."""

    steps: Any
    step: Any = None
    exchange: Exchange | None = None

    def go(self, done: Exchange | None = None) -> Any:
        """Answer its last step, and return the next one, None at its end."""
        try:
            self.step = self.steps.send(done)
        except StopIteration as stop:
            self.step, self.exchange = None, stop.value
        return self.step


def called(tokens: Tokens, seconds: float = 10.0) -> Caller:
    """Return a caller that has begun."""
    account = Config(accounts={"carrierx": ACCOUNT}).account("carrierx")
    request = Request("GET", "https://api.carrierx.com/core/v2/x", {})
    caller = Caller(tokens.around(Call(account, request, seconds)))
    caller.go()
    return caller


def given(value: str = "canary-token") -> Exchange:
    """Return an answer with a token."""
    return Exchange(Response(200, {}, b'{"access_token":"%b"}' % value.encode()))


def bearers(callers: list[Caller]) -> list[str]:
    """Return what each call is made with."""
    return [caller.step.request.headers["Authorization"] for caller in callers]


def test_one_asks_and_the_others_wait() -> None:
    """Of many callers one asks for a token; the others wait for its answer, and use it."""
    tokens = Tokens(lambda: 0.0)
    first, *others = [called(tokens) for _ in range(5)]
    assert "POST" == first.step.request.method
    assert [Await] * 4 == [type(one.step) for one in others]
    first.go(given())
    for one in others:
        one.go()

    assert ["Bearer canary-token"] * 5 == bearers([first, *others])


def test_those_who_wait_are_refused_together() -> None:
    """A refusal is one for all who waited: nobody asks again."""
    tokens = Tokens(lambda: 0.0)
    first, second = called(tokens), called(tokens)
    first.go(Exchange(Response(401, {}, b"")))
    second.go()

    for caller in (first, second):
        assert caller.exchange is not None
        answer = caller.exchange.answer
        assert isinstance(answer, Failure)
        assert Stage.NOTHING is answer.stage
        assert isinstance(answer.no, No)
        assert Reason.CREDENTIALS is answer.no.reason


def test_whoever_waits_cannot_end_it_for_others() -> None:
    """One who gives up waiting, as a cancelled task does, changes nothing for the others."""
    tokens = Tokens(lambda: 0.0)
    first, second, third = called(tokens), called(tokens), called(tokens)
    assert not second.step.ended.cancel()
    second.steps.close()
    first.go(given())
    third.go()

    assert ["Bearer canary-token"] * 2 == bearers([first, third])


STOPPED = Failure(stage=Stage.WHOLE, text="stopped", ours=True, interrupted=True)


@pytest.mark.parametrize("end", ["closed", "interrupted"])
def test_whoever_waits_takes_over(end: str) -> None:
    """Where the one who asks is stopped, one of those who wait asks instead."""
    tokens = Tokens(lambda: 0.0)
    first, second, third = called(tokens), called(tokens), called(tokens)
    if end == "closed":
        first.steps.close()
    else:
        first.go(Exchange(STOPPED, KeyboardInterrupt()))
        assert first.exchange is not None
        assert isinstance(first.exchange.answer, Failure)
        assert (Stage.NOTHING, True) == (
            first.exchange.answer.stage,
            first.exchange.answer.interrupted,
        )
        assert isinstance(first.exchange.interrupt, KeyboardInterrupt)
    second.go()
    third.go()
    assert [AskToken, Await] == [type(second.step), type(third.step)]
    second.go(given())
    third.go()

    assert ["Bearer canary-token"] * 2 == bearers([second, third])


def test_interrupt_after_the_token_came() -> None:
    """A token that came is kept, though whoever asked for it was stopped."""
    tokens = Tokens(lambda: 0.0)
    first, second = called(tokens), called(tokens)
    first.go(attrs.evolve(given(), interrupt=KeyboardInterrupt()))
    second.go()

    assert first.exchange is not None
    assert isinstance(first.exchange.interrupt, KeyboardInterrupt)
    assert ["Bearer canary-token"] == bearers([second])


@pytest.mark.parametrize(("hasty", "asks"), [(1.0, True), (9.0, False)])
def test_a_hasty_failure_is_not_for_all(hasty: float, *, asks: bool) -> None:
    """Who has far more time than the one who failed asks again; else the failure is shared."""
    tokens = Tokens(lambda: 0.0)
    first, second = called(tokens, hasty), called(tokens, 10.0)
    assert hasty == first.step.seconds
    first.go(Exchange(Failure(stage=Stage.WHOLE, text="no answer in time")))
    second.go()

    assert asks == isinstance(second.step, Call)
    assert asks == (second.exchange is None)


def test_waiting_ends() -> None:
    """Who has waited as long as there was time gives up, and has sent nothing."""
    clock = Clock()
    tokens = Tokens(clock)
    first, second = called(tokens), called(tokens, 3.0)
    assert 3.0 == second.step.seconds
    clock.now += 3
    second.go()
    assert second.exchange is not None
    assert isinstance(second.exchange.answer, Failure)
    assert Stage.NOTHING is second.exchange.answer.stage
    clock.now += 8
    first.go(given())
    assert first.exchange is not None
    assert isinstance(first.exchange.answer, Failure)
    assert "too late" in first.exchange.answer.text


def test_time_for_a_token_is_time_of_the_call() -> None:
    """What is left after the token is what the call has."""
    clock = Clock()
    first = called(Tokens(clock))
    clock.now += 4
    first.go(given())
    assert 6.0 == first.step.seconds


def test_renewing_keeps_nobody_waiting() -> None:
    """While one asks for the next token, others go on with the one that is still good."""
    clock = Clock()
    tokens = Tokens(clock)
    called(tokens).go(given())
    clock.now += 3600 - EARLY
    renewing, other = called(tokens), called(tokens)

    assert "POST" == renewing.step.request.method
    assert ["Bearer canary-token"] == bearers([other])
    renewing.go(given("canary-another"))
    assert ["Bearer canary-another"] == bearers([renewing])
    assert ["Bearer canary-another"] == bearers([called(tokens)])


def test_late_401_spares_the_next_token() -> None:
    """A 401 for an old token does not throw away the one that took its place."""
    clock = Clock()
    tokens = Tokens(clock)
    old = called(tokens)
    old.go(given())
    clock.now += 3600 - EARLY
    called(tokens).go(given("canary-another"))
    old.go(Exchange(Response(401, {}, b"")))

    assert ["Bearer canary-another"] == bearers([called(tokens)])


class Slow(Provider):
    """A provider that gives no token before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.begun = threading.Event()

    def token(self) -> httpx.Response:
        """Wait, then give a token."""
        self.begun.set()
        assert self.go_on.wait(20)
        return super().token()


def test_many_threads_ask_once() -> None:
    """Threads that begin while there is no token share one request for it."""
    provider = Slow()
    with Client(TABLES, transport=provider.transport) as client, ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(client.send, Message(TO, str(number))) for number in range(8)]
        assert provider.begun.wait(20)
        # Those that come later than this have a token already.
        threading.Event().wait(0.2)
        provider.go_on.set()
        assert {Status.QUEUED} == {one.result(20).status for one in sent}

    assert (1, 8) == (len(provider.tokens), len(provider.sends))


class SlowAsync(httpx.AsyncBaseTransport):
    """The same, for tasks of one loop."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.go_on = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, a token not before it is told to."""
        await request.aread()
        if request.url.path == HOME:
            await self.go_on.wait()
        return self.provider.answer(request)


def test_many_tasks_ask_once() -> None:
    """So do tasks; the one that asks is cancelled, and another does it in its place."""

    async def many() -> tuple[list[Any], Provider]:
        provider = Provider()
        transport = SlowAsync(provider)
        async with AsyncClient(TABLES, transport=transport) as client:
            tasks = [asyncio.ensure_future(client.send(Message(TO, str(n)))) for n in range(8)]
            await asyncio.sleep(0.05)
            tasks[0].cancel()
            await asyncio.sleep(0.05)
            transport.go_on.set()
            return await asyncio.gather(*tasks, return_exceptions=True), provider

    (cancelled, *sent), provider = asyncio.run(many())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [Status.QUEUED] * 7 == [delivery.status for delivery in sent]
    assert (1, 7) == (len(provider.tokens), len(provider.sends))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("made", [True, False])
def test_child_waits_for_nobody(*, made: bool) -> None:
    """A child of a fork has its parent's token, and waits for no request of its parent's."""
    tokens = Tokens(lambda: 0.0)
    asking = called(tokens)
    if made:
        asking.go(given())
    # As a thread of the parent may, at the moment of the fork.
    tokens._lock.acquire()  # noqa: SLF001
    child = os.fork()
    if child == 0:
        step = called(tokens).step
        header = getattr(step, "request", Request("", "", {})).headers.get("Authorization")
        expected = "Bearer canary-token" if made else None
        os._exit(0 if isinstance(step, Call) and header == expected else 1)
    tokens._lock.release()  # noqa: SLF001
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_over_the_sandbox(make: Make) -> None:
    """The sandbox gives tokens that end: a send after that has another, and all are taken."""
    seconds = [1_776_168_000.0]
    with running(behaviour=Behaviour(clock=lambda: seconds[0], seed=1)) as sandbox:
        clock = Clock()
        account = {**ACCOUNT, "base_url": f"{sandbox.url}/core/v2"}
        client = make({"accounts": {"carrierx": account}}, world=clock.world)
        first = send(client)
        client.check("carrierx")
        seconds[0] += 3601
        with pytest.raises(Refused) as raised:
            send(client)
        second = send(client)

    assert Status.QUEUED is first.status
    assert Reason.CREDENTIALS is raised.value.reason
    assert Status.QUEUED is second.status
