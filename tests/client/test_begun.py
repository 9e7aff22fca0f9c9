"""An interrupt, or a bug of ours, between an exchange and its answer: the provider may have it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import AsyncClient, MaybeSent, Message, NotSent, Status
from polysms.client.limits import Limits
from polysms.client.tokens import Tokens
from polysms.delivery import Outcome
from polysms.ledger import Ledger
from tests.clients import KINDS, WAVIX, Both, accepted, answering

MESSAGE = Message("+13135550123", "Your table is ready")
STOPS: dict[str, type[BaseException]] = {"sync": KeyboardInterrupt, "async": asyncio.CancelledError}


def interrupted(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, late: bool) -> None:
    """Raise an error before the exchange begins, or (late) once it has been made."""

    @contextlib.contextmanager
    def slot(*_: Any) -> Iterator[bool]:
        if not late:
            raise error
        yield True
        raise error

    @contextlib.asynccontextmanager
    async def slot_async(*_: Any) -> AsyncIterator[bool]:
        with slot():
            yield True

    monkeypatch.setattr(Limits, "slot", slot)
    monkeypatch.setattr(Limits, "slot_async", slot_async)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("late", "expected"), [(True, MaybeSent), (False, NotSent)])
def test_stopped(
    kind: str,
    late: bool,  # noqa: FBT001 - a parameter of the test
    expected: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is stopped after an exchange does not say that nothing was sent; before it, he does."""
    transport, asked = answering(accepted())
    client = Both(kind, {"accounts": {"wavix": WAVIX}}, transport=transport)
    interrupted(monkeypatch, STOPS[kind](), late=late)

    with contextlib.closing(client), pytest.raises(STOPS[kind]) as raised:
        client.send(MESSAGE)

    assert expected is type(raised.value.__cause__)
    assert late is bool(asked)


@pytest.mark.parametrize("kind", KINDS)
def test_ledger_knows(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger has such a message as one that may have been sent."""
    transport, _ = answering(accepted())
    tables = {"accounts": {"wavix": WAVIX}, "ledger": f"sqlite:///{tmp_path}/polysms.db"}
    client = Both(kind, tables, transport=transport)
    with contextlib.closing(client):
        with monkeypatch.context() as patch:
            interrupted(patch, STOPS[kind](), late=True)
            with pytest.raises(STOPS[kind]):
                client.send(MESSAGE)
        (found,) = client.call("find")

    assert Status.MAYBE_SENT is found.status


@pytest.mark.parametrize("kind", KINDS)
def test_bug_after_the_exchange(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails of ours, once a request was made with a token, does not make it unsent."""
    transport, asked = answering(accepted())
    tables = {"accounts": {"wavix": WAVIX}}
    client = Both(kind, tables, transport=transport)

    def around(_: Tokens, call: Any) -> Any:
        yield call
        raise RuntimeError("a bug")

    monkeypatch.setattr(Tokens, "around", around)
    with contextlib.closing(client), pytest.raises(MaybeSent) as raised:
        client.send(MESSAGE)

    assert asked
    assert raised.value.delivery is not None
    (attempt,) = raised.value.delivery.attempts
    assert Outcome.MAYBE_SENT is attempt.outcome


class _Hanging(httpx.AsyncBaseTransport):
    """A provider that never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError(request.method)


@pytest.mark.parametrize("stage", ["written", "asked"])
def test_forgotten(stage: str, tmp_path: Path) -> None:
    """A send that is closed in the middle ends quietly, and its attempt stays open."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    config = {"accounts": {"wavix": WAVIX}, "ledger": ledger}

    async def forget() -> None:
        async with AsyncClient(config, transport=_Hanging()) as client:
            send = client.send(MESSAGE)
            waited: Any = send.send(None)
            while stage == "asked" and client.ledger.stats().attempts == 0:
                await asyncio.wait([waited], timeout=0.1)
                waited = send.send(None)
            send.close()

    asyncio.run(forget())
    with Ledger(ledger) as kept:
        assert 1 == kept.stats().open_attempts
