"""Twilio's own Python package against the sandbox, unmodified: its HTTP client is told the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.sandbox.conftest import ACCOUNT, House, wait_for
from tests.sandbox.test_callbacks import Receiver, receiver

__all__ = ["receiver"]

official: Any = pytest.importorskip(
    "twilio.rest",
    reason="Twilio's own package is not installed: tox -e twilio has it",
)
http_client: Any = pytest.importorskip("twilio.http.http_client")
validator: Any = pytest.importorskip("twilio.request_validator")

SENDER, NUMBER, TOKEN = "+15559876543", "+13135550101", "twilio-token"


@pytest.fixture
def client(house: House) -> Iterator[Any]:
    """Return the package's client with a transport of its own kind, which goes to the sandbox."""

    class Way(http_client.TwilioHttpClient):  # type: ignore[misc]
        def request(self, method: str, url: str, *given: Any, **more: Any) -> Any:
            path = url.partition("twilio.com")[2]
            return super().request(method, house.sandbox.url + path, *given, **more)

    way = Way()
    yield official.Client(ACCOUNT, TOKEN, http_client=way)
    way.session.close()


def sent(client: Any, to: str = NUMBER, **more: Any) -> Any:
    """Send a message and return what the package made of the answer."""
    return client.messages.create(to=to, from_=SENDER, body="Hello", **more)


def test_send(client: Any) -> None:
    """The answer to a send is read into the package's own object."""
    found = sent(client, media_url=["https://example.com/a.png"], validity_period=60)

    assert ("queued", NUMBER, SENDER, "Hello") == (found.status, found.to, found.from_, found.body)
    assert ("1", None, 2026) == (found.num_media, found.price, found.date_created.year)


def test_fetch(client: Any, house: House) -> None:
    """A message is read back by its id; the number of an error is a number."""
    good, bad = sent(client).sid, sent(client, "+13135550103").sid
    house.settle()
    found, failed = client.messages(good).fetch(), client.messages(bad).fetch()

    assert (good, "delivered", None) == (found.sid, found.status, found.error_code)
    assert ("failed", 30007) == (failed.status, failed.error_code)


def test_list(client: Any, house: House) -> None:
    """The list is read page by page, with its filters."""
    sids = [sent(client).sid for _ in range(3)][::-1]
    sent(client, "+13135550120")
    house.settle()
    today = datetime.fromtimestamp(house.clock.now, UTC)

    assert sids == [one.sid for one in client.messages.list(to=NUMBER, page_size=2)]
    assert 4 == len(client.messages.list(date_sent_after=today.date(), page_size=2))
    assert 4 == len(client.messages.list(date_sent_before=today))
    assert [] == client.messages.list(date_sent_before=today - timedelta(days=1))
    assert [] == client.messages.list(from_="12345")


def test_redact_and_delete(client: Any, house: House) -> None:
    """A text is taken away, and then the message."""
    message = client.messages(sent(client).sid)
    house.settle()

    assert "" == message.update(body="").body
    assert message.delete()
    assert [] == client.messages.list()


def test_account(client: Any) -> None:
    """The account, its balance and its numbers are read."""
    account = client.api.v2010.accounts(ACCOUNT).fetch()
    balance = client.balance.fetch()
    numbers = client.incoming_phone_numbers.list(page_size=2)

    assert ("active", "25.00", "USD") == (account.status, balance.balance, balance.currency)
    assert [True, False, True] == [number.capabilities["sms"] for number in numbers]


def test_lookup(client: Any) -> None:
    """A number is looked up; old packages do not know the second version."""
    if not hasattr(client.lookups, "v2"):
        pytest.skip("this version of the package has no Lookup v2")
    found = client.lookups.v2.phone_numbers(NUMBER).fetch(fields="line_type_intelligence")

    assert (True, "mobile") == (found.valid, found.line_type_intelligence["type"])


def test_refusal(client: Any) -> None:
    """A refusal is the package's own error, with the number of it."""
    with pytest.raises(Exception, match="not a valid phone number") as raised:
        sent(client, "+13135550105")
    assert (400, 21211) == (raised.value.status, raised.value.code)  # type: ignore[attr-defined]


def test_signature(client: Any, house: House, receiver: Receiver) -> None:
    """The package's own validator believes the sandbox's callbacks, and no others."""
    url = f"{receiver.url}/status"
    sent(client, status_callback=url)
    house.settle()
    wait_for(lambda: len(receiver.posted) == 3)
    said = dict(parse_qsl(receiver.posted[-1].body.decode(), keep_blank_values=True))
    signature = receiver.posted[-1].headers["X-Twilio-Signature"]

    assert validator.RequestValidator(TOKEN).validate(url, said, signature)
    assert not validator.RequestValidator("another").validate(url, said, signature)
    assert not validator.RequestValidator(TOKEN).validate(url, said | {"To": "x"}, signature)
