"""What a send returns, raises, tells its hooks and writes in the log; both clients."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from polysms import (
    AllFailed,
    ConfigError,
    Delivery,
    InvalidMessage,
    MaybeSent,
    Message,
    NotSent,
    Price,
    RateLimited,
    Reason,
    Refused,
    Status,
    Unreadable,
    Unsupported,
)
from polysms.delivery import Outcome
from tests.clients import WAVIX, Both, accepted, answering

Make = Callable[..., Both]
TO = "+13135550123"
TWO = {
    "accounts": {"wavix": WAVIX, "carrierx": {"token": "carrierx-canary", "sender": "15162065575"}},
    "routes": {"main": {"accounts": ["wavix", "carrierx"]}},
    "default": "main",
}


def test_delivery_of_an_accepted_message(make: Make) -> None:
    """A 2xx with an id gives a delivery with ids, neutral status, price and the one attempt."""
    transport, asked = answering(accepted())
    delivery = make(transport=transport).send(Message(TO, "Your table is ready", tag="dinner"))
    assert Status.QUEUED is delivery.status
    assert "accepted" == delivery.raw_status
    assert ("wavix", "wavix", "dinner") == (delivery.account, delivery.provider, delivery.tag)
    assert "871b4eeb-f798-4105-be23-32df9e991456" == delivery.provider_id
    assert Price(amount=__import__("decimal").Decimal("0.02")) == delivery.price
    assert [Outcome.ACCEPTED] == [attempt.outcome for attempt in delivery.attempts]
    assert delivery.reference == json.loads(asked[0].content)["tag"]
    assert 1 == len(asked)


def test_request_is_whole(make: Make) -> None:
    """The request carries Host, length and credentials of our own, and nothing httpx adds."""
    transport, asked = answering(accepted())
    make(transport=transport).send(Message(TO, "x"))
    assert "https://api.wavix.com/v3/messages" == str(asked[0].url)
    names = sorted(name.lower() for name in asked[0].headers)
    assert ["accept", "authorization", "content-length", "content-type", "host"] == names


REFUSALS = [
    (
        httpx.Response(401, json={"success": False, "message": "Unauthorized"}),
        Refused,
        Reason.CREDENTIALS,
    ),
    (
        httpx.Response(422, json={"success": False, "message": "invalid number"}),
        Refused,
        Reason.INVALID_NUMBER,
    ),
    (httpx.Response(429, json={"message": "only 5 SMS per second"}), RateLimited, None),
    (httpx.Response(500), Unreadable, None),
    (httpx.Response(201, text="<html>"), Unreadable, None),
    (httpx.Response(201, json={}), Unreadable, None),
    (
        httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
        Refused,
        Reason.PERMISSION,
    ),
]


@pytest.mark.parametrize(("answer", "error", "reason"), REFUSALS)
def test_error_of_one_account(
    make: Make, answer: httpx.Response, error: type[Exception], reason: Reason | None
) -> None:
    """One account tried: its own error is raised, with reason, status and delivery."""
    transport, asked = answering(answer)
    with pytest.raises(error) as raised:
        make(transport=transport).send(Message(TO, "x"))
    caught: Any = raised.value
    assert (reason, answer.status_code) == (caught.reason, caught.status_code)
    expected = Status.MAYBE_SENT if isinstance(caught, MaybeSent) else Status.NOT_SENT
    assert expected is caught.delivery.status
    assert 1 == len(asked)


def test_redirect_is_never_followed(make: Make) -> None:
    """A redirect would carry the text and the key to another host."""
    transport, asked = answering(
        httpx.Response(307, headers={"location": "https://elsewhere.example/"}), accepted()
    )
    with pytest.raises(Refused):
        make(transport=transport).send(Message(TO, "x"))
    assert ["api.wavix.com"] == [request.url.host for request in asked]


def test_route_goes_on_after_a_refusal_of_the_account(make: Make) -> None:
    """A bad key at the first account leaves the message to the second."""
    transport, asked = answering(
        httpx.Response(401), httpx.Response(200, json={"message_sid": "sid-1", "status": "queued"})
    )
    delivery = make(TWO, transport=transport).send(Message(TO, "x"))
    assert "carrierx" == delivery.account
    assert ["wavix", "carrierx"] == [attempt.account for attempt in delivery.attempts]
    assert ["api.wavix.com", "api.carrierx.com"] == [request.url.host for request in asked]


def test_route_stops_after_maybe_sent(make: Make) -> None:
    """Nobody knows whether the first account sent it, so the second is not asked."""
    transport, asked = answering(httpx.ReadTimeout("slow"))
    with pytest.raises(MaybeSent) as raised:
        make(TWO, transport=transport).send(Message(TO, "x"))
    assert 1 == len(asked)
    assert raised.value.delivery is not None
    assert Status.MAYBE_SENT is raised.value.delivery.status


def test_second_copy_is_asked_for_by_name(make: Make) -> None:
    """With on_maybe_sent="next" the second account is asked; both attempts are told."""
    transport, asked = answering(
        httpx.ReadTimeout("slow"),
        httpx.Response(200, json={"message_sid": "sid-1", "status": "queued"}),
    )
    delivery = make(TWO, transport=transport).send(Message(TO, "x"), on_maybe_sent="next")
    assert [Outcome.MAYBE_SENT, Outcome.ACCEPTED] == [a.outcome for a in delivery.attempts]
    assert 2 == len(asked)


def test_all_failed_carries_every_attempt(make: Make) -> None:
    """Two accounts tried: AllFailed, with both attempts and the last understood reason."""
    transport, _ = answering(httpx.Response(401), httpx.Response(402))
    with pytest.raises(AllFailed) as raised:
        make(TWO, transport=transport).send(Message(TO, "x"))
    assert raised.value.delivery is not None
    assert ["wavix", "carrierx"] == [a.account for a in raised.value.delivery.attempts]
    assert (Reason.BALANCE, "carrierx") == (raised.value.reason, raised.value.account)


def test_all_failed_names_each_account_once(make: Make) -> None:
    """The sentence says of each account what it answered, its name once before it."""
    transport, _ = answering(httpx.Response(401))
    message = Message(TO, "x", media=["https://example.com/a.png"] * 6)
    with pytest.raises(AllFailed) as raised:
        make(TWO, transport=transport).send(message)
    sentence = str(raised.value)
    assert "no account took the message: wavix: Wavix: takes at most 5 media" in sentence
    assert "; carrierx (CarrierX) refused the message (credentials)" in sentence


def test_short_wait_is_waited(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 that names a short wait is tried once more at the same account."""
    transport, asked = answering(httpx.Response(429, headers={"retry-after": "0"}), accepted())
    delivery = make(transport=transport).send(Message(TO, "x"))
    assert [Outcome.NOT_SENT, Outcome.ACCEPTED] == [a.outcome for a in delivery.attempts]
    assert 2 == len(asked)


@pytest.mark.parametrize(
    ("message", "settings", "error", "words"),
    [
        ("text", {}, InvalidMessage, "takes a Message"),
        (Message(TO, "x", key="k"), {}, ConfigError, "needs a ledger.*; add .* ledger = .sqlite:"),
        (Message(TO, "x", tenant="t"), {}, ConfigError, "needs a ledger"),
        (Message(TO, "x"), {"via": "wavx"}, ConfigError, "wavx"),
        (Message(TO, "x"), {"on_maybe_sent": "resend"}, ConfigError, "on_maybe_sent"),
        (Message(TO, "x"), {"deadline": 0}, ConfigError, "deadline"),
        (Message(TO, "x"), {"deadline": True}, ConfigError, "deadline"),
        (Message(TO, "x", options={"carierx": {}}), {}, InvalidMessage, "carrierx"),
        (Message(TO, "x", options={"wavix": {"tagg": 1}}), {}, InvalidMessage, "tagg"),
        (Message(TO, "x", from_="@alerts"), {}, InvalidMessage, "@alerts"),
        (Message(TO, "x", from_="+13135550199"), {}, Unsupported, "does not list"),
        (Message("988", "x"), {}, Unsupported, "short number"),
    ],
)
def test_nothing_is_asked_where_the_message_cannot_go(
    make: Make, message: Any, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    """What is wrong beforehand is said in a sentence, and no request is made."""
    transport, asked = answering(accepted())
    with pytest.raises(error, match=words):
        make(transport=transport).send(message, **settings)
    assert [] == asked


def test_hooks_see_every_send(make: Make) -> None:
    """before_send may change the message; after_send hears the delivery, or the error with its."""
    heard: list[tuple[Any, Any]] = []
    transport, asked = answering(accepted(), httpx.Response(401))
    client = make(
        transport=transport,
        before_send=lambda message: Message(message.to, message.text + "!"),
        after_send=lambda delivery, error: heard.append((delivery, error)),
    )
    client.send(Message(TO, "hi"))
    with pytest.raises(Refused):
        client.send(Message(TO, "hi"))
    assert "hi!" == json.loads(asked[0].content)["message_body"]["text"]
    assert [Status.QUEUED, Status.NOT_SENT] == [delivery.status for delivery, _ in heard]
    assert [type(None), Refused] == [type(error) for _, error in heard]


def test_hook_that_refuses_sends_nothing(make: Make) -> None:
    """An exception of before_send stops the send before anything is asked."""

    def refuse(message: Message) -> None:
        raise LookupError(message.kind)

    transport, asked = answering(accepted())
    with pytest.raises(LookupError):
        make(transport=transport, before_send=refuse).send(Message(TO, "x"))
    assert [] == asked


def test_hook_that_fails_afterwards_changes_nothing(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """The message is sent: trouble in after_send is logged, and the delivery returned."""

    def fail(delivery: Delivery, error: object) -> None:
        raise LookupError(delivery.id, error)

    transport, _ = answering(accepted())
    delivery = make(transport=transport, after_send=fail).send(Message(TO, "x"))
    assert Status.QUEUED is delivery.status
    assert "after_send failed" in caplog.text


def test_async_hooks_are_awaited() -> None:
    """The async client's hooks may be coroutines."""
    heard: list[Any] = []

    async def before(message: Message) -> Message:
        return Message(message.to, "changed")

    async def after(delivery: Delivery | None, error: object) -> None:
        heard.append((delivery, error))

    transport, asked = answering(accepted())
    config = {"accounts": {"wavix": WAVIX}}
    client = Both("async", config, transport=transport, before_send=before, after_send=after)
    client.send(Message(TO, "x"))
    client.close()
    assert "changed" == json.loads(asked[0].content)["message_body"]["text"]
    assert 1 == len(heard)


def test_log_has_ids_and_no_secrets(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """The log tells a send by its ids: no number, no text, no key, at any level."""
    transport, _ = answering(accepted(), httpx.Response(401))
    client = make(transport=transport)
    with caplog.at_level(logging.DEBUG):
        delivery = client.send(Message(TO, "canary text"))
        with pytest.raises(Refused):
            client.send(Message(TO, "canary text"))
    assert delivery.id
    assert delivery.id in caplog.text
    for canary in ("3135550123", "canary text", "wavix-canary-key", "3137890021"):
        assert canary not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(422, text="no +13135550123 wavix-canary-key"),
        httpx.Response(500, text="+13135550123 wavix-canary-key"),
    ],
)
def test_errors_hide_numbers_and_secrets(make: Make, answer: httpx.Response) -> None:
    """An error that quotes the provider hides numbers and credentials, in every form of it."""
    transport, _ = answering(answer)
    with pytest.raises((NotSent, MaybeSent)) as raised:
        make(transport=transport).send(Message(TO, "x"))
    error: Any = raised.value
    for shown in (str(error), repr(error), error.body, error.text, repr(error.delivery)):
        assert "3135550123" not in shown
        assert "wavix-canary-key" not in shown


class _Broken:
    """A reply that no adapter has read before."""


def test_bug_after_a_request_is_maybe_sent(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception of our own after a request leaves the message maybe sent."""
    transport, _ = answering(accepted())
    client = make(transport=transport)
    monkeypatch.setattr("polysms.routing.deliver.judge", lambda *_: _Broken())
    with pytest.raises(MaybeSent, match="AttributeError"):
        client.send(Message(TO, "x"))


def test_bug_before_any_request_is_itself(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any request a bug is raised as what it is: nothing was sent."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    transport, asked = answering(accepted())
    client = make(transport=transport)
    monkeypatch.setattr("polysms.routing.deliver.check_named", fail)
    with pytest.raises(ZeroDivisionError):
        client.send(Message(TO, "x"))
    assert [] == asked


@pytest.mark.parametrize("kind", ["console", "memory", "null"])
def test_accounts_without_a_network(
    make: Make, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """console prints, memory keeps, null forgets; all answer with a delivery."""
    client = make({"accounts": {kind: {"sender": "Acme"}}})
    delivery = client.send(Message(TO, "hello", media=["https://example.com/a.png"]))
    assert (Status.SENT, kind) == (delivery.status, delivery.provider)
    assert ("hello" in capsys.readouterr().err) == (kind == "console")
    kept = [one["text"] for one in client.client.memory]
    assert (["hello"] if kind == "memory" else []) == kept


def test_front_door_sends_with_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """polysms.send() uses the configuration that the environment names, made once."""
    import polysms
    from polysms.client import front

    monkeypatch.setenv("POLYSMS_URL", "console://?sender=Acme")
    monkeypatch.setattr(front, "_shared", [])
    delivery = polysms.send(TO, "hello", tag="t")
    assert ("t", Status.SENT) == (delivery.tag, delivery.status)
    assert front.shared() is front.shared()
    front.shared().close()
    assert "hello" in capsys.readouterr().err


def test_unreachable_names_the_address(make: Make) -> None:
    """Which address could not be reached is told, without the path."""
    transport, _ = answering(httpx.ConnectError("[Errno 111] Connection refused"))
    with pytest.raises(NotSent, match=r"no connection to api\.wavix\.com: Connection refused"):
        make(transport=transport).send(Message(TO, "x"))


@pytest.mark.parametrize("seconds", [2, timedelta(seconds=2)])
def test_attempt_timeout_of_one_call(make: Make, seconds: Any) -> None:
    """One call may bound each of its attempts, as its route may."""
    transport, asked = answering(accepted())
    make(transport=transport).send(Message(TO, "x"), attempt_timeout=seconds)
    assert [2.0] * 4 == list(asked[0].extensions["timeout"].values())
    with pytest.raises(ConfigError, match="attempt_timeout: write seconds"):
        make(transport=transport).send(Message(TO, "x"), attempt_timeout=0)
