"""fetch, list_remote and check: they never send, and a failed one is LookupFailed; both clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import httpx
import pytest

from polysms import (
    ConfigError,
    Delivery,
    LookupFailed,
    Message,
    NotFound,
    Price,
    Reason,
    Status,
    Unsupported,
)
from tests.clients import ACCEPTED, WAVIX, Both, accepted, answering

Make = Callable[..., Both]
DELIVERED = {**ACCEPTED, "status": "delivered", "delivered_at": "2026-04-14T13:51:20.000Z"}


def test_fetch_refreshes_a_delivery(make: Make) -> None:
    """fetch keeps our id, tag and attempts and adds what the provider now says."""
    transport, asked = answering(accepted(), httpx.Response(200, json=DELIVERED))
    client = make(transport=transport)
    sent = client.send(Message("+13135550123", "x", tag="t"))
    found = client.fetch(sent)
    assert (sent.id, sent.attempts, "t") == (found.id, found.attempts, found.tag)
    assert Status.DELIVERED is found.status
    assert datetime(2026, 4, 14, 13, 51, 20, tzinfo=UTC) == found.delivered_at
    assert ["POST", "GET"] == [request.method for request in asked]


def test_fetch_tells_what_an_attempt_costs(make: Make) -> None:
    """The price that a provider tells later is that of the attempt it took, and of no other."""
    later = {**DELIVERED, "charge": "0.04"}
    transport, _ = answering(accepted(), httpx.Response(200, json=later))
    client = make(transport=transport)
    sent = client.send(Message("+13135550123", "x"))
    other = attrs.evolve(sent.attempts[0], provider_id="other")

    found = client.fetch(attrs.evolve(sent, attempts=(other, *sent.attempts)))

    assert [Price(Decimal("0.02"))] == [attempt.price for attempt in sent.attempts]
    assert [other.price, Price(Decimal("0.04"))] == [attempt.price for attempt in found.attempts]


def test_fetch_never_steps_back(make: Make) -> None:
    """A late, lower word does not undo what was known."""
    transport, _ = answering(httpx.Response(200, json=DELIVERED), accepted(status="sent"))
    client = make(transport=transport)
    delivered = client.fetch(account="wavix", provider_id="m-1")
    assert Status.DELIVERED is client.fetch(delivered).status


def test_fetch_by_provider_id(make: Make) -> None:
    """A message we do not hold is fetched by account and provider_id; it has no id of ours."""
    transport, asked = answering(httpx.Response(200, json={"message": DELIVERED}))
    found = make(transport=transport).fetch(account="wavix", provider_id="a/b")
    assert (None, "wavix") == (found.id, found.account)
    assert "https://api.wavix.com/v3/messages/a%2Fb" == str(asked[0].url)


FAILURES: list[tuple[Any, type[Exception], Reason | None]] = [
    (httpx.Response(404, json={"message": "Record not found"}), NotFound, None),
    (httpx.Response(401), LookupFailed, Reason.CREDENTIALS),
    (httpx.Response(500), LookupFailed, None),
    (httpx.Response(200, text="<html>"), LookupFailed, None),
    (httpx.Response(302), LookupFailed, Reason.PERMISSION),
    (httpx.ReadTimeout("slow"), LookupFailed, None),
    (httpx.ConnectError("refused"), LookupFailed, None),
    (RuntimeError("bug"), LookupFailed, None),
]


@pytest.mark.parametrize(("answer", "error", "reason"), FAILURES)
def test_failed_fetch_is_lookup_failed(
    make: Make, answer: Any, error: type[Exception], reason: Reason | None
) -> None:
    """Whatever goes wrong, nothing was sent by a fetch: never MaybeSent."""
    transport, _ = answering(answer)
    with pytest.raises(error) as raised:
        make(transport=transport).fetch(account="wavix", provider_id="m-1")
    caught: Any = raised.value
    assert reason == caught.reason


def test_bug_in_a_fetch_is_lookup_failed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception of our own in a fetch is not MaybeSent either."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    transport, _ = answering(httpx.Response(200, json=DELIVERED))
    client = make(transport=transport)
    monkeypatch.setattr("polysms.routing.lookup.delivery_of", fail)
    with pytest.raises(LookupFailed, match="nothing was sent"):
        client.fetch(account="wavix", provider_id="m-1")


@pytest.mark.parametrize(
    ("args", "settings", "error", "words"),
    [
        (("our-id",), {}, ConfigError, "ledger"),
        ((), {}, ConfigError, "account="),
        ((), {"account": "wavix"}, LookupFailed, "provider_id"),
        ((), {"account": "wavx", "provider_id": "1"}, ConfigError, "wavx"),
        ((Delivery(id="1", status=Status.MAYBE_SENT, account="wavix"),), {}, LookupFailed, "list"),
    ],
)
def test_fetch_says_what_it_needs(
    make: Make, args: Any, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A fetch that names no message says how to name one, and asks nobody."""
    transport, asked = answering(accepted())
    with pytest.raises(error, match=words):
        make(transport=transport).fetch(*args, **settings)
    assert [] == asked


def page(numbers: range, number: int, pages: int) -> httpx.Response:
    """Return one page of Wavix's list."""
    items = [{**DELIVERED, "message_id": f"m-{one}", "direction": "outbound"} for one in numbers]
    pagination = {"current_page": number, "per_page": 2, "total_pages": pages}
    return httpx.Response(200, json={"items": items, "pagination": pagination})


def test_list_reads_pages_as_they_are_needed(make: Make) -> None:
    """Two messages of a list of six cost one page; all of them cost three."""
    pages = [page(range(2), 1, 3), page(range(2, 4), 2, 3), page(range(4, 6), 3, 3)]
    transport, asked = answering(*pages)
    first = make(transport=transport).list_remote("wavix", most=2, page_size=2)
    assert ["m-0", "m-1"] == [one.provider_id for one in first]
    assert 1 == len(asked)
    transport, asked = answering(*pages)
    every = make(transport=transport).list_remote("wavix", page_size=2)
    assert [f"m-{one}" for one in range(6)] == [one.provider_id for one in every]
    assert ["1", "2", "3"] == [request.url.params["page"] for request in asked]


def test_list_keeps_only_what_was_asked_for(make: Make) -> None:
    """Where a provider cannot filter by number, the list is filtered here."""
    logs = [
        {
            "id": "s-1",
            "to": "+13135550123",
            "from": "+15559876543",
            "status": "sent",
            "charge": 0.01,
        },
        {"id": "s-2", "to": "+13135550124", "from": "+15559876543", "status": "sent"},
        {"id": "s-3", "to": "+13135550123", "direction": "inbound", "status": "received"},
    ]
    transport, _ = answering(httpx.Response(200, json={"links": {}, "data": logs}))
    config = {
        "accounts": {
            "signalwire": {"space": "example", "project_id": "p", "api_token": "signal-canary"}
        }
    }
    found = make(config, transport=transport).list_remote("signalwire", to="+1 313 555 0123")
    assert ["s-1"] == [one.provider_id for one in found]
    assert Price(amount=__import__("decimal").Decimal("0.01")) == found[0].price


@pytest.mark.parametrize(("answer", "error", "reason"), FAILURES[1:])
def test_failed_list_is_lookup_failed(
    make: Make, answer: Any, error: type[Exception], reason: Reason | None
) -> None:
    """A list that cannot be read is LookupFailed, never an empty list."""
    transport, _ = answering(answer)
    with pytest.raises(error) as raised:
        make(transport=transport).list_remote("wavix")
    caught: Any = raised.value
    assert reason == caught.reason


def test_list_direction_is_checked(make: Make) -> None:
    """A misspelt direction is an error, not an empty list."""
    with pytest.raises(ConfigError, match="outbound"):
        make().list_remote("wavix", direction="out")


def test_times_without_a_zone_are_utc(make: Make) -> None:
    """since and until without a zone are read as UTC; Wavix takes whole days around them."""
    transport, asked = answering(page(range(0), 1, 1))
    make(transport=transport).list_remote(
        "wavix", since=datetime(2026, 4, 14), until=datetime(2026, 4, 15, tzinfo=UTC)
    )
    params = asked[0].url.params
    assert ("2026-04-13", "2026-04-16") == (params["sent_after"], params["sent_before"])


def test_check_is_a_read_only_call(make: Make) -> None:
    """check asks a GET and returns nothing where the credentials are good."""
    transport, asked = answering(httpx.Response(200, json={}))
    make(transport=transport).check("wavix")
    assert [("GET", "/v1/profile")] == [(one.method, one.url.path) for one in asked]


def test_check_tells_bad_credentials(make: Make) -> None:
    """A refused check is LookupFailed with the reason."""
    transport, _ = answering(httpx.Response(401))
    with pytest.raises(LookupFailed) as raised:
        make(transport=transport).check("wavix")
    assert Reason.CREDENTIALS is raised.value.reason


def test_local_accounts_have_nothing_to_look_up(make: Make) -> None:
    """An account without a network cannot be asked: Unsupported says so."""
    client = make({"accounts": {"null": {"sender": "Acme"}}})
    with pytest.raises(Unsupported, match="cannot"):
        client.fetch(client.send(Message("+13135550123", "x")))


def test_list_is_list_remote() -> None:
    """The shorter name is the same method."""
    transport, _ = answering(page(range(2), 1, 1))
    client = Both("sync", {"accounts": {"wavix": WAVIX}}, transport=transport)
    assert 2 == len(list(client.client.list("wavix")))
    client.close()
