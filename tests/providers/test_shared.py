"""What the adapters share: reading a stranger's JSON, the registry, local accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from polysms.delivery import Price, Status
from polysms.errors import ConfigError, InvalidMessage, Unsupported
from polysms.message import Message
from polysms.providers import REGISTRY, base, load, reading
from polysms.providers.base import Accepted, Refused, Response
from polysms.providers.limits import advisory, check
from polysms.providers.local import Local, LocalSettings
from polysms.providers.wavix import Wavix
from tests.providers.examples import EXAMPLES

READ: list[tuple[Any, object, object]] = [
    (reading.word, "x", "x"),
    (reading.word, 7, "7"),
    (reading.word, 1.5, "1.5"),
    (reading.word, True, None),
    (reading.word, None, None),
    (reading.word, float("inf"), None),
    (reading.whole, "3", 3),
    (reading.whole, 3, 3),
    (reading.whole, 3.0, 3),
    (reading.whole, "x", None),
    (reading.whole, True, None),
    (reading.whole, [], None),
    (reading.whole, float("inf"), None),
    (reading.money, "0.02", Price(Decimal("0.02"))),
    (reading.money, 0.00415, Price(Decimal("0.00415"))),
    (reading.money, "free", None),
    (reading.money, "NaN", None),
    (reading.money, {}, None),
    (reading.moment, "2026-04-14T13:51:16.096Z", datetime(2026, 4, 14, 13, 51, 16, 96000, UTC)),
    (reading.moment, "2026-04-14T13:51:16", datetime(2026, 4, 14, 13, 51, 16, 0, UTC)),
    (reading.moment, "yesterday", None),
    (reading.moment, 7, None),
    (reading.strings, ["a", 1, "b"], ("a", "b")),
    (reading.strings, "ab", ()),
    (reading.mapping, {"a": 1}, {"a": 1}),
    (reading.mapping, [1], {}),
    (reading.objects, [{"a": 1}, 2], [{"a": 1}, {}]),
    (reading.objects, {"a": 1}, []),
    (reading.plus, "13135550123", "+13135550123"),
    (reading.plus, "+13135550123", "+13135550123"),
    (reading.plus, "12345", "12345"),
    (reading.plus, "Acme", "Acme"),
    (reading.plus, None, None),
]


@pytest.mark.parametrize(("read", "value", "expected"), READ)
def test_reading(read: Any, value: object, expected: object) -> None:
    """What can be read is read; what cannot becomes nothing, and never an exception."""
    assert expected == read(value)


def response(**headers: str) -> Response:
    """Return a 503 with these headers."""
    return Response(503, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


DATE = "Tue, 14 Apr 2026 12:00:00 GMT"
WAITS = [
    ({"retry_after": "7"}, None, 7.0),
    ({"retry_after": " 7 "}, None, 7.0),
    ({"retry_after": "Tue, 14 Apr 2026 12:00:30 GMT", "date": DATE}, None, 30.0),
    ({"retry_after": "Tue, 14 Apr 2026 11:00:00 GMT", "date": DATE}, None, 0.0),
    ({"retry_after": DATE}, datetime(2026, 4, 14, 11, 59, tzinfo=UTC), 60.0),
    ({"retry_after": DATE}, None, None),
    ({"retry_after": "soon"}, None, None),
    ({}, None, None),
]


@pytest.mark.parametrize(("headers", "now", "expected"), WAITS)
def test_retry_after(headers: dict[str, str], now: datetime | None, expected: float | None) -> None:
    """RFC 9110 §10.2.3: seconds, or a date held against now or the answer's own date."""
    assert expected == reading.retry_after(response(**headers), now)


@pytest.mark.parametrize("name", [*REGISTRY, "console", "polysms.providers.wavix:Wavix"])
def test_load(name: str) -> None:
    """A provider is loaded by its name, or by the place of its class."""
    assert hasattr(load(name), "request")


BROKEN = [
    ("wavx", "did you mean"),
    ("zzz", "known are"),
    ("polysms.nowhere:X", "cannot load"),
    ("polysms.providers.wavix:Nothing", "cannot load"),
    ("polysms.message:Message", "lacks"),
    ("polysms.providers.wavix:BASE_URL", "no provider"),
]


@pytest.mark.parametrize(("name", "words"), BROKEN)
def test_load_says_what_is_wrong(name: str, words: str) -> None:
    """What is no provider is a ConfigError that names the key."""
    with pytest.raises(ConfigError, match=words) as raised:
        load(name, "accounts.x.provider")
    assert "accounts.x.provider" == raised.value.key


def test_local_account() -> None:
    """A local account's message is accepted and sent; a failed answer is a refusal."""
    local = Local(LocalSettings())
    request = local.request(Message("988", "x", from_="Acme"), "r-1")
    assert "http://local.invalid/messages" == request.url
    read = local.read(Response(201, {}, b'{"id":"r-1"}'))
    assert isinstance(read, Accepted)
    assert ("r-1", Status.SENT) == (read.record.provider_id, read.record.status)
    assert isinstance(local.read(Response(401, {}, b"")), Refused)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, ()), ({"valid_for": 5}, ()), ({"tag": "t"}, ("tag",))],
)
def test_advisory_wishes(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Wishes a provider has no word for are named; Wavix has one for validity, none for tags."""
    assert expected == advisory(Message("+13135550123", "x", **fields), Wavix.capabilities)


def test_limits_without_a_sender() -> None:
    """A message whose sender is still open is held against the other limits alone."""
    assert check(Message("+13135550123", "x"), Wavix.capabilities) is None  # type: ignore[func-returns-value]


def test_mms_without_media_where_there_is_no_mms() -> None:
    """A text that the adapter would send as an MMS is not sent where the table says: no MMS."""
    can = attrs.evolve(Wavix.capabilities, most_media=0, mms_to="none")
    with pytest.raises(Unsupported, match=r"Wavix: sends texts alone, no media$"):
        check(Message("+13135550123", "x"), can, kind="mms")


def test_address_leaves_out_what_is_empty() -> None:
    """Only parameters with a value stand in a URL, percent-encoded."""
    assert "u?a=1%20%2B" == base.address("u", {"a": "1 +", "b": None, "c": ""})


ODD_OPTIONS = [
    ("wavix", {"wavix": {"tag": "\ud800"}}, "half of a surrogate pair"),
    ("carrierx", {"carrierx": {"user_data": "\udfff"}}, "half of a surrogate pair"),
    ("signalwire", {"signalwire": {"custom_variables": [1]}}, "options"),
]


@pytest.mark.parametrize(("provider", "options", "sentence"), ODD_OPTIONS)
def test_odd_options(provider: str, options: dict[str, Any], sentence: str) -> None:
    """Options that cannot be said are an InvalidMessage, and not a crash."""
    kind = load(provider)
    adapter = kind(kind.Settings(**EXAMPLES[provider].settings), "https://example.com")
    message = Message("+13135550123", "x", from_="+13135550100", options=options)
    with pytest.raises(InvalidMessage, match=sentence) as raised:
        adapter.request(message, "r-1")
    assert "options" == raised.value.field
