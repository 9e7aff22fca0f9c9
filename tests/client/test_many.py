"""Sending many: each result, in the order of completion, and none that is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import attrs
import httpx
import pytest

from polysms import (
    AsyncClient,
    Client,
    ConfigError,
    Delivery,
    InvalidMessage,
    MaybeSent,
    Message,
    NotSent,
    PolysmsError,
    Result,
)
from tests.clients import KINDS, WAVIX, Both, accepted

Make = Callable[..., Both]
TABLES = {"accounts": {"wavix": WAVIX}}
#: Seconds after which a wait that should have ended is a failure.
PATIENCE = 20


def texts(number: int) -> list[Message]:
    """Return messages whose texts count from nought."""
    return [Message("+13135550123", str(count)) for count in range(number)]


class Endless(Iterator[Message]):
    """Messages without end, and how many of them have been read."""

    def __init__(self) -> None:
        self.read = 0

    def __next__(self) -> Message:
        self.read += 1
        return Message("+13135550123", str(self.read))


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that other tasks do."""
    for _ in range(PATIENCE * 1000):
        if happened():
            return
        await asyncio.sleep(0.001)


def text_of(request: httpx.Request) -> str:
    """Return the text that a request to Wavix carries."""
    body = json.loads(request.content)
    return str(body["message_body"]["text"])


@attrs.define
class Provider:
    """A provider that says what it was asked, and answers each text when it is let."""

    answers: dict[str, httpx.Response | Exception] = attrs.field(factory=dict)
    held: dict[str, threading.Event] = attrs.field(factory=dict)
    asked: list[str] = attrs.field(factory=list)
    threads: set[str] = attrs.field(factory=set)
    most: int = 0
    _under_way: int = 0
    _lock: threading.Condition = attrs.field(factory=threading.Condition)

    def hold(self, *numbers: int) -> None:
        """Answer these texts only when they are released."""
        self.held.update({str(number): threading.Event() for number in numbers})

    def release(self, *numbers: int) -> None:
        """Let these texts be answered."""
        for number in numbers:
            self.held[str(number)].set()

    def _begin(self, text: str) -> None:
        with self._lock:
            self.asked.append(text)
            self.threads.add(threading.current_thread().name)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            self._lock.notify_all()

    def wait_for(self, number: int) -> None:
        """Wait until this text has been asked for."""
        with self._lock:
            assert self._lock.wait_for(lambda: str(number) in self.asked, PATIENCE)

    def _end(self, text: str) -> httpx.Response:
        with self._lock:
            self._under_way -= 1
        answer = self.answers.get(text) or accepted()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer in a thread."""
        self._begin(text := text_of(request))
        assert text not in self.held or self.held[text].wait(PATIENCE)
        return self._end(text)

    async def answer_async(self, request: httpx.Request) -> httpx.Response:
        """Answer in an event loop."""
        self._begin(text := text_of(request))
        if text in self.held:
            assert await asyncio.to_thread(self.held[text].wait, PATIENCE)
        await asyncio.sleep(0)
        return self._end(text)

    def transport(self, kind: str) -> httpx.MockTransport:
        """Return the transport that leads here."""
        return httpx.MockTransport(self.answer_async if kind == "async" else self.answer)


class Many:
    """``send_many`` of either client, as an iterator of results that can be closed."""

    def __init__(self, both: Both) -> None:
        self._both = both
        self._found: Any = None

    def __call__(self, messages: Any, **wishes: Any) -> Many:
        """Begin, as ``send_many`` does."""
        self._found = self._both.client.send_many(messages, **wishes)
        return self

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        if self._both.runner is None:
            found: Result = next(self._found)
            return found
        try:
            return self._both.runner.run(_next(self._found))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Close the generator."""
        if self._both.runner is None:
            self._found.close()
        else:
            self._both.runner.run(self._found.aclose())


async def _next(found: AsyncIterator[Result]) -> Result:
    return await anext(found)


@pytest.fixture
def provider() -> Provider:
    """Return a provider that takes everything."""
    return Provider()


@pytest.fixture
def heard() -> list[tuple[Delivery | None, PolysmsError | None]]:
    """Return what ``after_send`` was told."""
    return []


@pytest.fixture
def many(
    make: Make, provider: Provider, heard: list[tuple[Delivery | None, PolysmsError | None]]
) -> Many:
    """Return ``send_many`` of either client, led to the provider."""
    kind = make.kind  # type: ignore[attr-defined]
    transport = provider.transport(kind)
    return Many(
        make(transport=transport, after_send=lambda *how: heard.append(how)),
    )


def test_every_message_has_its_result(many: Many, provider: Provider) -> None:
    """As many results as messages, each with the message as it was given."""
    messages = texts(200)
    results = list(many(messages, concurrency=7))

    assert {id(message) for message in messages} == {id(result.message) for result in results}
    assert [None] * 200 == [result.error for result in results]
    assert {"wavix"} == {result.delivery and result.delivery.account for result in results}
    assert provider.most <= 7


def test_nothing_is_sent_for_nothing(many: Many) -> None:
    """An empty iterable has no results."""
    assert [] == list(many([]))


def test_results_come_as_sends_end(many: Many, provider: Provider) -> None:
    """A slow send keeps no other result back."""
    provider.hold(0)
    results = many(texts(30), concurrency=3)
    first = [next(results).message.text for _ in range(29)]
    provider.release(0)

    assert {str(number) for number in range(1, 30)} == set(first)
    assert ["0"] == [result.message.text for result in results]


def test_one_failure_never_stops_the_rest(many: Many, provider: Provider) -> None:
    """A refusal and an unclear answer are results with an error and its delivery."""
    provider.answers = {
        "3": httpx.Response(401, json={"error": "no"}),
        "5": httpx.Response(502, text="Bad gateway"),
    }
    found = {result.message.text: result for result in many(texts(9), concurrency=2)}
    bad = {text: result.error for text, result in found.items() if result.error}

    assert ["3", "5"] == sorted(bad)
    assert (True, True) == (isinstance(bad["3"], NotSent), isinstance(bad["5"], MaybeSent))
    for error, delivery in ((found[text].error, found[text].delivery) for text in bad):
        assert isinstance(error, PolysmsError)
        assert delivery is not None
        assert error.delivery is delivery


def test_what_is_no_message_is_told(many: Many, provider: Provider) -> None:
    """A stranger among the messages is a result of its own, and nothing is asked for it."""
    strangers = ["+13135550123", None]
    results = list(many([*texts(1), *strangers], concurrency=1))

    assert [str, None] == [type(results[1].message), results[2].message]
    assert [InvalidMessage] * 2 == [type(result.error) for result in results[1:]]
    assert ["0"] == provider.asked


@pytest.mark.parametrize("concurrency", [1, 4])
def test_reads_no_further_ahead(many: Many, concurrency: int) -> None:
    """Of an endless iterable no more is read than was handed back and may be under way."""
    endless = Endless()
    results = many(endless, concurrency=concurrency)
    for handed_back in range(1, 40):
        next(results)
        assert endless.read <= handed_back + concurrency
    results.close()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_reads_no_further_while_none_ends(many: Many, provider: Provider, concurrency: int) -> None:
    """While no send ends, so many are under way, and not one message more has been read."""
    endless = Endless()
    read: list[int] = []

    def look() -> None:
        provider.wait_for(concurrency)
        threading.Event().wait(0.05)
        read.append(endless.read)
        provider.release(*range(1, 9))

    provider.hold(*range(1, 9))
    looking = threading.Thread(target=look)
    looking.start()
    results = many(endless, concurrency=concurrency)
    next(results)
    results.close()
    looking.join()

    assert [concurrency] == read


def test_memory_does_not_grow(many: Many) -> None:
    """However many there are, none is kept once it was handed back."""
    alive: weakref.WeakSet[Message] = weakref.WeakSet()

    def remembered() -> Iterator[Message]:
        for message in (Message("+13135550123", str(number)) for number in range(300)):
            alive.add(message)
            yield message

    most = max(len(alive) for _ in many(remembered(), concurrency=5))

    # Besides those under way: the one handed back, the source's own, and one in a thread's frame.
    assert 5 <= most <= 5 + 3


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, "3", None])
def test_concurrency_is_a_whole_number(many: Many, concurrency: Any) -> None:
    """Anything but a whole number of at least 1 is told at once, and nothing is read."""
    with pytest.raises(ConfigError, match="concurrency: write a whole number"):
        many(iter([1 / 1]), concurrency=concurrency)


def test_an_unknown_route_is_told_at_once(many: Many) -> None:
    """A wrong ``via`` is one error, not one for each message."""
    with pytest.raises(ConfigError, match="no account or route 'wavx'"):
        many(texts(3), via="wavx")


def test_wishes_reach_each_send(make: Make) -> None:
    """``via``, ``on_maybe_sent`` and ``deadline`` are those of ``send``."""
    tables = {"accounts": {"memory": {"sender": "Acme"}, "wavix": WAVIX}, "default": "wavix"}
    many = Many(make(tables))
    sent = list(many(texts(2), via="memory"))
    wrong = list(many(texts(1), via="memory", deadline=-1))
    wrong += list(many(texts(1), via="memory", on_maybe_sent="perhaps"))

    assert ["memory"] * 2 == [one.delivery.account for one in sent if one.delivery]
    assert [ConfigError] * 2 == [type(one.error) for one in wrong]


def test_an_iterable_that_breaks(many: Many, provider: Provider) -> None:
    """Its exception is raised after everything under way has ended and was handed back."""

    def broken() -> Iterator[Message]:
        yield from texts(5)
        raise ZeroDivisionError

    provider.hold(4)
    results = many(broken(), concurrency=10)
    found = [next(results).message.text for _ in range(4)]
    provider.release(4)
    found.append(next(results).message.text)

    assert [str(number) for number in range(5)] == sorted(found)
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_what_cannot_be_iterated(many: Many) -> None:
    """No iterable, no sends."""
    with pytest.raises(TypeError, match="not iterable"):
        next(many(5))


def test_a_closed_generator_waits(
    many: Many, provider: Provider, heard: list[tuple[Delivery | None, PolysmsError | None]]
) -> None:
    """Closing begins nothing more, waits for what is under way, and none of that is lost."""

    def let_the_first_end() -> None:
        provider.wait_for(3)
        provider.release(0)

    provider.answers = {"2": httpx.Response(502)}
    provider.hold(0, 1, 2, 3)
    threading.Thread(target=let_the_first_end).start()
    results = many(texts(50), concurrency=4)
    first = next(results)
    threading.Timer(0.05, provider.release, (1, 2, 3)).start()
    results.close()

    assert "0" == first.message.text
    assert {"0", "1", "2", "3"} <= set(provider.asked)
    assert len(heard) == len(provider.asked) <= 5
    assert [True] == [isinstance(error, MaybeSent) for _, error in heard if error]
    with pytest.raises(StopIteration):
        next(results)


def test_hooks_keep_working(make: Make, provider: Provider) -> None:
    """``before_send`` may change a message or stop it; the result has the message as given."""

    def before(message: Message) -> Message:
        if message.text == "1":
            raise KeyError("stopped")
        return attrs.evolve(message, text=f"{message.text}!")

    transport = provider.transport(make.kind)  # type: ignore[attr-defined]
    found = sorted(Many(make(transport=transport, before_send=before))(texts(3)), key=_text)

    assert ["0!", "2!"] == sorted(provider.asked)
    assert ["0", "1", "2"] == [_text(one) for one in found]
    assert [type(None), KeyError, type(None)] == [type(one.error) for one in found]
    assert None is found[1].delivery


def _text(result: Result) -> str:
    return result.message.text


def test_result_shows_no_number(many: Many, provider: Provider) -> None:
    """A result may be printed: numbers are masked, a stranger is named by its kind."""
    provider.answers = {"0": httpx.Response(502)}
    shown = repr([*many([*texts(1), "+13135550123"])])
    shown += repr(Result(texts(1)[0], None, ValueError("+13135550123")))

    assert "+1********23" in shown
    assert "<a str>" in shown
    assert "3135550123" not in shown


def test_threads_have_names(provider: Provider) -> None:
    """The threads of the sync client can be told from others, and end."""
    provider.hold(0, 1, 2)
    with Client(TABLES, transport=provider.transport("sync")) as client:
        threading.Timer(0.05, provider.release, range(3)).start()
        list(client.send_many(texts(20), concurrency=3))

    assert {"polysms-send-0", "polysms-send-1", "polysms-send-2"} == provider.threads
    assert [] == [one for one in threading.enumerate() if one.name.startswith("polysms-send")]


@pytest.mark.parametrize("place", ["iterable", "consumer"])
def test_ctrl_c(
    provider: Provider, heard: list[tuple[Delivery | None, PolysmsError | None]], place: str
) -> None:
    """An interrupt where the caller is begins nothing more and waits for what is under way."""

    def interrupted() -> Iterator[Message]:
        yield from texts(6)
        provider.wait_for(5)
        if place == "iterable":
            raise KeyboardInterrupt
        yield from texts(100)

    def let_them_end() -> None:
        provider.wait_for(5)
        threading.Timer(0.05, provider.release, (4, 5)).start()

    provider.hold(4, 5)
    threading.Thread(target=let_them_end).start()
    transport = provider.transport("sync")

    def consume() -> None:
        for _ in client.send_many(interrupted(), concurrency=3):
            if place == "consumer" and "5" in provider.asked:
                raise KeyboardInterrupt

    with Client(TABLES, transport=transport, after_send=lambda *how: heard.append(how)) as client:
        with pytest.raises(KeyboardInterrupt):
            consume()
        ended = len(heard)

    assert ended == len(provider.asked) <= 7
    assert {"4", "5"} < set(provider.asked)


def test_an_interrupt_of_a_send_reaches_the_caller(provider: Provider) -> None:
    """What is no Exception is no result: it is raised, once all has ended."""

    def leave(message: Message) -> None:
        if message.text == "2":
            raise SystemExit(3)

    transport = provider.transport("sync")
    with (
        Client(TABLES, transport=transport, before_send=leave) as client,
        pytest.raises(SystemExit),
    ):
        list(client.send_many(texts(100), concurrency=2))

    assert len(provider.asked) < 10


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_consumer_waits(
    provider: Provider, heard: list[tuple[Delivery | None, PolysmsError | None]], times: int
) -> None:
    """A cancelled task cancels no send: it waits for those under way, and is cancelled then."""

    async def consume(client: AsyncClient) -> None:
        async for _ in client.send_many(texts(50), concurrency=4):
            pass

    async def main() -> bool:
        provider.hold(*range(4))
        transport = provider.transport("async")
        after = heard.append
        async with AsyncClient(
            TABLES, transport=transport, after_send=lambda *how: after(how)
        ) as client:
            task = asyncio.create_task(consume(client))
            await until(lambda: len(provider.asked) == 4)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0.01)
            assert not task.done()
            provider.release(*range(4))
            await asyncio.wait([task])
            return task.cancelled()

    assert asyncio.run(main())
    assert ["0", "1", "2", "3"] == provider.asked
    assert [None] * 4 == [error for _, error in heard]


def _asynchronous(messages: Iterable[Message]) -> AsyncIterator[Message]:
    async def one_by_one() -> AsyncIterator[Message]:
        for message in messages:
            await asyncio.sleep(0)
            yield message

    return one_by_one()


def test_async_iterables(provider: Provider) -> None:
    """The async client takes an async iterable as well, no further ahead."""
    endless = Endless()

    async def main() -> list[str]:
        async with AsyncClient(TABLES, transport=provider.transport("async")) as client:
            messages = client.send_many(_asynchronous(endless), concurrency=5)
            async with contextlib.aclosing(messages) as results:
                return [(await anext(results)).message.text for _ in range(60)]

    assert 60 == len(set(asyncio.run(main())))
    assert endless.read <= 60 + 5


def test_a_waiting_source_keeps_no_result_back(provider: Provider) -> None:
    """A source that waits for the result of its last message gets it (a queue, acknowledged)."""

    async def main() -> int:
        acknowledged = asyncio.Event()

        async def queue() -> AsyncIterator[Message]:
            for message in texts(10):
                yield message
                await asyncio.wait_for(acknowledged.wait(), PATIENCE)
                acknowledged.clear()

        count = 0
        async with AsyncClient(TABLES, transport=provider.transport("async")) as client:
            async for _ in client.send_many(queue()):
                acknowledged.set()
                count += 1
        return count

    assert 10 == asyncio.run(main())


def test_a_source_that_will_not_be_cancelled(provider: Provider) -> None:
    """A source that takes our cancellation for its own begins no further send."""

    async def stubborn() -> AsyncIterator[Message]:
        yield texts(1)[0]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(PATIENCE)
        for message in texts(5):
            yield message

    async def main() -> None:
        async with AsyncClient(TABLES, transport=provider.transport("async")) as client:
            results = client.send_many(stubborn())
            await anext(results)
            await results.aclose()

    asyncio.run(main())

    assert ["0"] == provider.asked


def test_a_broken_source_left_early_is_quiet(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """Who leaves before a source's exception is due hears no complaint of asyncio either."""

    def broken() -> Iterator[Message]:
        yield from texts(2)
        raise ZeroDivisionError

    async def main() -> None:
        async with AsyncClient(TABLES, transport=provider.transport("async")) as client:
            results = client.send_many(broken())
            await anext(results)
            await results.aclose()

    asyncio.run(main())

    assert [] == [record for record in caplog.records if record.name == "asyncio"]


def test_python_ends_all_the_same() -> None:
    """A generator that nobody closes does not keep a program from ending."""
    program = (
        "from polysms import Client, Message\n"
        "client = Client({'accounts': {'memory': {}}})\n"
        "results = client.send_many(Message('988', 'Hi') for _ in range(99))\n"
        "next(results)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)  # noqa: S603 - our own words

    assert 0 == done.returncode


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_that_was_never_begun(kind: str) -> None:
    """One that is made and dropped reads nothing and sends nothing."""
    both = Both(kind, {"accounts": {"memory": {}}})
    source = iter(texts(1))
    many = Many(both)(source)
    many.close()

    assert ["0"] == [message.text for message in source]
    both.close()
