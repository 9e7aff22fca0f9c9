"""The public API as programs use it: checked by mypy, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import assert_type

import httpx

import polysms
from polysms import (
    AllFailed,
    AsyncClient,
    Attempt,
    Client,
    Config,
    ConfigError,
    Delivery,
    DeliveryReport,
    Event,
    Fault,
    InboundMessage,
    InvalidMessage,
    LookupFailed,
    MaybeSent,
    Message,
    NotFound,
    NotSent,
    Outcome,
    PolysmsError,
    Price,
    RateLimited,
    Reason,
    Refused,
    Result,
    Status,
    Unreadable,
)
from polysms.providers.carrierx import CarrierXOptions
from polysms.providers.signalwire import SignalWireOptions
from polysms.providers.wavix import WavixOptions

TABLES = {"accounts": {"wavix": {"api_key": "key", "sender": "Acme"}}, "default": "wavix"}


def messages() -> list[Message]:
    """Say things in every way a message can be said."""
    return [
        Message("+13135550123", "Your table is ready"),
        Message(to="+13135550123", text="Code 123", valid_for=120, key="otp:1", tenant="one"),
        Message(
            "+13135550123", valid_for=timedelta(minutes=2), media=["https://example.com/a.png"]
        ),
        Message("+13135550123", None, media=("https://example.com/a.png",), from_="@alerts"),
        Message("988", "x", status_callback="https://example.com/dlr", timezone="America/Detroit"),
        Message(
            "+13135550123",
            "x",
            tag="dinner",
            options={
                "wavix": WavixOptions(tag="mine"),
                "carrierx": CarrierXOptions(user_data="mine"),
                "signalwire": SignalWireOptions(send_as_mms=True),
            },
        ),
    ]


def sync(message: Message) -> None:
    """Send, fetch, list and check with the sync client."""
    with Client.from_config() as sms:
        assert_type(sms, Client)
        delivery = sms.send(message, via="otp", on_maybe_sent="next", deadline=timedelta(seconds=9))
        assert_type(delivery, Delivery)
        assert_type(sms.fetch(delivery), Delivery)
        assert_type(sms.fetch(account="wavix", provider_id="871b4eeb"), Delivery)
        found = sms.list_remote("wavix", to="+13135550123", since=datetime.now(UTC), page_size=10)
        assert_type(found, Iterator[Delivery])
        sms.check("wavix")
        for result in sms.send_many(messages(), concurrency=5, via="otp", on_maybe_sent="next"):
            assert_type(result, Result)
            assert_type(result.error, Exception | None)
    read(delivery)


async def asynchronous(message: Message) -> None:
    """Do the same in an event loop."""
    async with AsyncClient.from_config(Path("polysms.toml")) as sms:
        delivery = await sms.send(message, via="otp", deadline=9.5)
        assert_type(delivery, Delivery)
        assert_type(await sms.fetch(delivery), Delivery)
        found = sms.list_remote("wavix", direction="inbound", filters={"type": "mms"})
        assert_type(aiter(found), AsyncIterator[Delivery])
        async for one in found:
            assert_type(one, Delivery)
        await sms.check("wavix")
        async for result in sms.send_many(messages(), deadline=9.5):
            assert_type(result.delivery, Delivery | None)
        await sms.send_many(letters(), concurrency=50).aclose()


async def letters() -> AsyncIterator[Message]:
    """Yield messages from an asynchronous source."""
    for message in messages():
        yield message


def clients() -> None:
    """Make clients of everything they can be made of."""
    Client(TABLES).close()
    Client("wavix://KEY@?sender=Acme").close()
    Client(Config(accounts={"wavix": {"api_key": "key"}}, default="wavix")).close()
    Client(Config.from_mapping(TABLES), transport=httpx.HTTPTransport(retries=0)).close()
    Client(TABLES, transport=httpx.HTTPTransport).close()
    Client(TABLES, transport={"wavix": httpx.MockTransport(lambda _: httpx.Response(200))}).close()
    Client.from_config({"accounts": {"memory": {}}}, before_send=before, after_send=after).close()


def before(message: Message) -> Message | None:
    """Change a message before it is sent."""
    return None if message.tag else message


def after(delivery: Delivery | None, error: PolysmsError | None) -> None:
    """Hear how a send ended."""
    print(delivery and delivery.id, error and error.reason)  # noqa: T201 - as programs do


def caught(message: Message) -> str:  # noqa: PLR0911 - one for each error
    """Tell the errors of a send apart, and read what each knows."""
    try:
        polysms.send(message.to, message.text, via="otp", tag="dinner")
    except InvalidMessage as error:
        assert_type(error.field, str | None)
        return f"mend {error.field}"
    except RateLimited as error:
        assert_type(error.retry_after, float | None)
        return f"again in {error.retry_after} s"
    except Refused as error:
        assert_type(error.by, str)
        assert_type(error.reason, Reason | None)
        return f"{error.by}: {error.code} {error.text}"
    except AllFailed as error:
        assert_type(error.delivery, Delivery | None)
        return str(error.delivery and [attempt.reason for attempt in error.delivery.attempts])
    except NotSent as error:
        assert_type(error.retry_later, bool)
        return "later" if error.retry_later else "never"
    except Unreadable as error:
        assert_type(error.body, str | None)
        return f"{error.status_code}"
    except MaybeSent as error:
        return "it may take a minute" if error.fault is Fault.PROVIDER else "?"
    except (NotFound, LookupFailed) as error:
        return str(error.account)
    except ConfigError as error:
        assert_type(error.key, str | None)
        return f"{error.key}: {error}"
    return "sent"


def read(delivery: Delivery) -> None:
    """Read what became of a message."""
    assert_type(delivery.id, str | None)
    assert_type(delivery.status, Status)
    assert_type(delivery.final, bool)
    assert_type(delivery.segments, int | None)
    assert_type(delivery.attempts, tuple[Attempt, ...])
    assert_type(delivery.delivered_at, datetime | None)
    if delivery.price is not None:
        assert_type(delivery.price.amount + Decimal(1), Decimal)
    assert_type(Delivery.from_dict(delivery.to_dict()), Delivery)
    for attempt in delivery.attempts:
        assert_type(attempt.outcome, Outcome | None)
        assert_type(attempt.seconds, float | None)
    assert_type(polysms.e164("(313) 555-0123", region="US"), str)
    assert_type(Price(Decimal("0.02")), Price)


def heard(event: Event) -> str | None:
    """Tell the events apart."""
    match event:
        case DeliveryReport():
            assert_type(event.received_at, datetime)
            return event.raw_status
        case InboundMessage():
            return event.keyword
