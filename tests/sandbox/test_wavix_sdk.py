"""Wavix's own Python package against the sandbox, unmodified but for the address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import House

wavix: Any = pytest.importorskip(
    "wavix",
    reason="Wavix's own package is not installed: tox -e signatures has it",
)

SENDER = "+13137890021"
NUMBER = "+13135550101"


@pytest.fixture
def client(house: House) -> Iterator[Any]:
    """Return the package's client, told where the sandbox is."""
    # The package has no way to close the connections that it makes itself.
    with httpx.Client(trust_env=False) as http:
        yield wavix.Wavix(token="wavix-key", base_url=house.sandbox.url, httpx_client=http)


def sent(client: Any, **more: Any) -> Any:
    """Send a message and return what the package made of the answer."""
    body = wavix.MessageBody(text="Hello", **more)
    return client.sms_and_mms.messages.send(from_=SENDER, to=NUMBER, message_body=body)


def test_send(client: Any) -> None:
    """The answer to a send is read into the package's own object."""
    found = sent(client)
    assert ("accepted", NUMBER, 1) == (found.status, found.to, found.segments)
    assert found.message_id


def test_fetch(client: Any, house: House) -> None:
    """A message is read back, delivered."""
    identity = sent(client, media=["https://example.com/a.png"]).message_id
    house.settle()
    found = client.sms_and_mms.messages.get(identity)
    assert (identity, "delivered", "mms") == (
        found.message_id,
        found.status,
        found.message_type,
    )
    assert ["https://example.com/a.png"] == found.message_body.media


def test_list(client: Any, house: House) -> None:
    """The list is read page by page, with its filters."""
    identities = [sent(client).message_id for _ in range(3)]
    house.settle()
    messages = client.sms_and_mms.messages
    pages = [messages.list(type="outbound", per_page=2, page=page) for page in (1, 2)]
    found = [item.message_id for page in pages for item in page.items]
    assert sorted(identities) == sorted(found)
    assert (3, 2) == (pages[0].pagination.total, pages[0].pagination.total_pages)
    assert [] == messages.list(type="outbound", status="expired").items


def test_senders(client: Any) -> None:
    """A sender is registered, shown, listed and dropped."""
    senders = client.sms_and_mms.sender_ids
    made = senders.create(sender_id="Acme", type="alphanumeric", countries=["GB"], usecase="promo")
    assert ("Acme", ["GB"]) == (made.sender_id, made.allowlisted_in)
    assert "Acme" == senders.get(made.id).sender_id
    assert [made.id] == [item.id for item in senders.list().items]
    assert senders.delete(made.id).success
    assert [] == senders.list().items


def test_optouts(client: Any) -> None:
    """An opt-out is told and listed; the number then gets nothing."""
    optouts = client.sms_and_mms.opt_outs
    optouts.create(opt_out=wavix.OptOut(number="13135550101"))
    assert ["13135550101"] == [item.phone_number for item in optouts.list().items]
    with pytest.raises(wavix.UnprocessableEntityError) as caught:
        sent(client)
    assert "The recipient has unsubscribed" == caught.value.body["message"]


def test_balance(client: Any) -> None:
    """The account's configuration has the balance."""
    assert "309.06" == str(client.profile.config.get().balance)
