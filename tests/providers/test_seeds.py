"""One row per rule of the providers' first documents, each naming its own.

* 000: Wavix, "Send SMS messages" (guide)       * 001: Wavix, ``POST /v3/messages`` (reference)
* 002: Wavix in PortSIP PBX (guide)             * 003: CarrierX, "Send Message"
* 004: SignalWire, "Send a message" (OpenAPI)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openapi_core
import pytest
import yaml

from polysms.delivery import Price
from polysms.errors import InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import Refused, Unclear
from polysms.providers.carrierx import CarrierXOptions
from polysms.providers.signalwire import SignalWireOptions
from polysms.providers.wavix import WavixOptions
from tests import published
from tests.providers.examples import EXAMPLES, PICTURE, answer
from tests.providers.test_contract import adapter_of, outgoing

GB = "+447537151866"


def said(name: str, **fields: Any) -> Any:
    """Return the JSON of a request."""
    return json.loads(adapter_of(name).request(outgoing(name, **fields), "r").content)


WAVIX_SENDERS = [
    ("000 three characters", "Acm", True),
    ("000 two characters", "Ac", False),
    ("000 eleven characters", "AcmeDinners", True),
    ("000 twelve characters", "AcmeDinnersX", False),
    ("000 letters, digits, - + _ & and space", "A1-+_& x", True),
    ("000 no other character", "Acme!", False),
    ("000 no letter beyond ASCII", "Añejo", False),
    ("000 numeric is a number of the account", "13137890021", True),
]


@pytest.mark.parametrize(
    ("rule", "sender", "good"), WAVIX_SENDERS, ids=[r[0] for r in WAVIX_SENDERS]
)
def test_wavix_sender_ids(rule: str, sender: str, good: bool) -> None:  # noqa: FBT001
    """Seed 000: 3 to 11 of certain characters."""
    assert rule.startswith("000")
    if good:
        assert sender == said("wavix", to=GB, from_=sender)["from"]
        return
    with pytest.raises(Unsupported, match="3 to 11") as raised:
        said("wavix", to=GB, from_=sender)
    assert Reason.SENDER is raised.value.reason


@pytest.mark.parametrize("to", ["+13135550123", "+14165550123", "+15559876543"])
def test_wavix_names_do_not_reach_the_us_or_canada(to: str) -> None:
    """Seed 002: alphanumeric sender IDs are not supported in the United States and Canada."""
    with pytest.raises(Unsupported, match="US or Canada"):
        said("wavix", to=to, from_="Acme")


def test_wavix_names_reach_the_caribbean() -> None:
    """Seed 002 names the US and Canada only: other countries of +1 are left to Wavix."""
    assert "Acme" == said("wavix", to="+12425550100", from_="Acme")["from"]


@pytest.mark.parametrize(("sender", "count"), [("Acme 24", 1), ("A-me", 2), ("+13137890021", 0)])
def test_wavix_warns_where_its_guides_disagree(sender: str, count: int) -> None:
    """Seed 002 allows letters, digits and spaces only: what 000 alone allows is warned of."""
    assert count == len(adapter_of("wavix").warnings(outgoing("wavix", to=GB, from_=sender)))


def test_wavix_names_are_one_way() -> None:
    """Seed 002: a name cannot be replied to, and the attempt says so."""
    [warning] = adapter_of("wavix").warnings(outgoing("wavix", to=GB, from_="Acme"))
    assert "nobody can reply" in warning


def test_wavix_sms_has_no_media() -> None:
    """Seed 000: any value of media but null makes it an MMS; seed 001 says null of an SMS."""
    assert {"text": "hi ☺", "media": None} == said("wavix")["message_body"]


def test_wavix_fields_are_settable() -> None:
    """Seed 001: callback_url, validity and tag; and smart_encoding, which error 41 names."""
    options = {"wavix": WavixOptions(tag="Fall sale", smart_encoding=True)}
    url = "https://example.com/webhook"
    body = said("wavix", status_callback=url, valid_for=3600, options=options)
    assert (url, 3600, "Fall sale", True) == (
        body["callback_url"],
        body["validity"],
        body["tag"],
        body["smart_encoding"],
    )


def test_wavix_charge_and_fees() -> None:
    """Seed 001: charge and carrier_fees are decimal texts in USD, kept apart."""
    record = adapter_of("wavix").read(answer(201, published.WAVIX_SENT.encode())).record
    assert (Price(Decimal("0.0")), Price(Decimal("0.0"))) == (record.price, record.fees)
    assert ("310", "260", 1, "campaign_test") == (
        record.mcc,
        record.mnc,
        record.segments_billed,
        record.reference,
    )


def test_wavix_time_without_a_zone() -> None:
    """Seed 001: submitted_at comes without a zone; it is UTC."""
    record = adapter_of("wavix").read(answer(201, published.WAVIX_SENT.encode())).record
    assert datetime(2025, 9, 22, 9, 7, 53, tzinfo=UTC) == record.created_at
    assert datetime(2024, 5, 28, 12, 34, 54, tzinfo=UTC) == record.sent_at
    assert datetime(2024, 5, 28, 12, 34, 56, tzinfo=UTC) == record.delivered_at


def test_wavix_fetch_may_be_wrapped() -> None:
    """Seed 000 wraps a fetched message in ``message``; the OpenAPI document does not."""
    wrapped = adapter_of("wavix").read(answer(200, published.WAVIX_FETCHED.encode())).record
    flat = json.loads(published.WAVIX_FETCHED)["message"]
    assert wrapped == adapter_of("wavix").read(answer(200, flat)).record
    assert "1234" == wrapped.reference


def test_wavix_no_within_a_2xx() -> None:
    """A 2xx whose body says success false, or error true, is an understood no."""
    for body in ({"success": False, "message": "spam"}, {"error": True, "message": "spam"}):
        read = adapter_of("wavix").read(answer(200, body))
        assert isinstance(read, Refused)
        assert Reason.CONTENT is read.reason


def test_wavix_401_may_be_the_address() -> None:
    """Keys may be limited to IP addresses, which shows as a plain 401: the text says so."""
    assert "IP" in adapter_of("wavix").read(answer(401, {"message": "Unauthorized"})).text


@pytest.mark.parametrize(
    ("text", "good"),
    [("a" * 1630, True), ("a" * 1631, False), ("ж" * 670, True), ("ж" * 671, False)],
)
def test_wavix_text_length(text: str, good: bool) -> None:  # noqa: FBT001
    """Error 41: 1,630 septets or 670 UTF-16 units."""
    if good:
        assert text == said("wavix", text=text)["message_body"]["text"]
        return
    with pytest.raises(Unsupported) as raised:
        said("wavix", text=text)
    assert Reason.TOO_LONG is raised.value.reason


def test_wavix_mms_stays_in_the_us_and_canada() -> None:
    """Error 12: MMS only to the US and Canada."""
    assert said("wavix", to="+14165550123", media=[PICTURE])["message_body"]["media"]
    with pytest.raises(Unsupported, match="MMS"):
        said("wavix", to=GB, media=[PICTURE])


def test_carrierx_digits_without_plus() -> None:
    """Seed 003: numbers are digits alone, both ways."""
    body = said("carrierx", from_="+1 516 206-5575")
    assert ("15162065575", "13135550123") == (body["from"], body["to"])
    record = adapter_of("carrierx").read(answer(200, published.CARRIERX_SMS.encode())).record
    assert ("+15162065574", "+15162065575") == (record.to, record.from_)


def test_carrierx_message_is_required_without_media() -> None:
    """Seed 003: message is required if media_urls is empty; polysms requires it always."""
    with pytest.raises(InvalidMessage):
        Message("+13135550123", "")
    assert "message" not in said("carrierx", text="", media=[PICTURE])


@pytest.mark.parametrize(("length", "good"), [(1600, True), (1601, False)])
def test_carrierx_mms_text(length: int, good: bool) -> None:  # noqa: FBT001
    """Seed 003: an MMS has up to 1600 characters, or it fails and is not sent."""
    fields: dict[str, Any] = {"text": "a" * length, "media": [PICTURE]}
    if good:
        assert length == len(said("carrierx", **fields)["message"])
        return
    with pytest.raises(Unsupported, match="1600"):
        said("carrierx", **fields)


MEDIA = [("carrierx", 10, "003"), ("signalwire", 8, "004"), ("wavix", 5, "000, error 21")]


@pytest.mark.parametrize(("name", "most", "seed"), MEDIA)
def test_most_media(name: str, most: int, seed: str) -> None:
    """Seed 003: ten media items; seed 004: eight; Wavix' error 21: five."""
    assert seed
    assert said(name, media=[PICTURE] * most)
    with pytest.raises(Unsupported, match=f"at most {most} media") as raised:
        said(name, media=[PICTURE] * (most + 1))
    assert Reason.MEDIA is raised.value.reason


def group(count: int) -> dict[str, Any]:
    """Return options for a group of so many other recipients."""
    numbers = tuple(f"+1313555{200 + one:04d}" for one in range(count))
    return {"carrierx": CarrierXOptions(group_recipients=numbers)}


def test_carrierx_group_needs_mms() -> None:
    """Seed 003: with group_recipients the type must be mms."""
    body = said("carrierx", options=group(2))
    assert ("mms", ["13135550200", "13135550201"]) == (body["type"], body["group_recipients"])
    options = {"carrierx": CarrierXOptions(group_recipients=("+13135550200",), type="sms")}
    assert "mms" == said("carrierx", options={"carrierx": CarrierXOptions(type="mms")})["type"]
    with pytest.raises(Unsupported, match="cannot carry"):
        said("carrierx", options=options)


@pytest.mark.parametrize(("count", "good"), [(8, True), (9, False)])
def test_carrierx_group_size(count: int, good: bool) -> None:  # noqa: FBT001
    """The SMS object's page: at most ten numbers, the sender included."""
    if good:
        assert count == len(said("carrierx", options=group(count))["group_recipients"])
        return
    with pytest.raises(Unsupported, match="at most 10"):
        said("carrierx", options=group(count))


def test_carrierx_group_stays_in_the_us() -> None:
    """Seed 003: MMS outside the US is disabled, for every member of a group."""
    options = {"carrierx": {"group_recipients": [GB]}}
    with pytest.raises(Unsupported, match="US"):
        said("carrierx", options=options)
    assert (f"{EXAMPLES['carrierx'].sender}") == said("carrierx")["from"]
    assert ("+13135550123", GB) == adapter_of("carrierx").recipients(
        outgoing("carrierx", options=options)
    )


def test_carrierx_group_is_a_list() -> None:
    """One text in the group's place is a mistake, not ten recipients."""
    with pytest.raises(InvalidMessage, match="list"):
        CarrierXOptions(group_recipients="+13135550200")


def test_carrierx_short_codes_cannot_send() -> None:
    """Seed 003: sending SMS from a short code is disabled."""
    with pytest.raises(Unsupported, match="short code"):
        said("carrierx", from_="12345")


def test_carrierx_mms_stays_in_the_us() -> None:
    """Seed 003: MMS to numbers outside the US is disabled."""
    with pytest.raises(Unsupported, match="MMS"):
        said("carrierx", to=GB, media=[PICTURE])


def test_carrierx_names_the_scopes() -> None:
    """Seed 003: sms.manage or sms.create; a 403 says so."""
    read = adapter_of("carrierx").read(answer(403, {"message": "Forbidden"}))
    assert "sms.manage" in read.text
    assert "sms.create" in read.text


def test_carrierx_legacy_names() -> None:
    """Seed 003: legacy accounts still see from_did and to_did."""
    data = json.loads(published.CARRIERX_SMS)
    data["from_did"], data["to_did"] = data.pop("from"), data.pop("to")
    record = adapter_of("carrierx").read(answer(200, data)).record
    assert ("+15162065574", "+15162065575") == (record.to, record.from_)


def test_carrierx_fields_are_settable() -> None:
    """Seed 003: user_data is free; ours stands there unless the caller's own does."""
    options = {"carrierx": CarrierXOptions(user_data="mine", type="sms")}
    body = said("carrierx", options=options)
    assert ("mine", "sms") == (body["user_data"], body["type"])
    assert "r" == said("carrierx")["user_data"]


def test_carrierx_legacy_credentials() -> None:
    """Old accounts have a user name and a password; one of the two ways is required."""
    kind = type(adapter_of("carrierx"))
    settings = kind.Settings(username="u", password="p-canary")
    headers = kind(settings).request(outgoing("carrierx"), "r").headers
    assert "Basic dTpwLWNhbmFyeQ==" == headers["Authorization"]
    with pytest.raises(ValueError, match="token"):
        kind.Settings(username="u")


@pytest.fixture(scope="module")
def openapi() -> openapi_core.OpenAPI:
    """Return SignalWire's published OpenAPI document (seed 004)."""
    file = Path(__file__).parents[1] / "data" / "signalwire-create-message.yaml"
    return openapi_core.OpenAPI.from_dict(yaml.safe_load(file.read_text(encoding="utf-8")))


class _Request:
    """A request of ours, as openapi-core wants to see it."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        self.host_url = "https://%7BYour_Space_Name%7D.signalwire.com"
        self.path = "/api/messaging/messages"
        self.method = "post"
        self.body = body
        self.content_type = "application/json"
        self.parameters = openapi_core.datatypes.RequestParameters(header=headers)


SIGNALWIRE: list[tuple[str, dict[str, Any]]] = [
    ("to + and digits", {}),
    ("pass-through number", {"to": "988"}),
    ("pass-through number with a plus", {"to": "+988"}),
    ("short code as the sender", {"from_": "12345"}),
    ("media without a text", {"text": "", "media": [PICTURE] * 8}),
    ("status_callback", {"status_callback": "https://example.com/status"}),
    ("send_as_mms", {"options": {"signalwire": SignalWireOptions(send_as_mms=True)}}),
]


@pytest.mark.parametrize(("rule", "fields"), SIGNALWIRE, ids=[row[0] for row in SIGNALWIRE])
def test_signalwire_requests_are_valid(
    openapi: openapi_core.OpenAPI, rule: str, fields: dict[str, Any]
) -> None:
    """Seed 004: every request validates against the published document."""
    assert rule
    request = adapter_of("signalwire").request(outgoing("signalwire", **fields), "r")
    headers = {"Authorization": request.headers["Authorization"]}
    openapi.validate_request(_Request(request.content, headers))


def test_the_validation_can_fail(openapi: openapi_core.OpenAPI) -> None:
    """A request without a recipient does not validate: the check is one."""
    with pytest.raises(openapi_core.exceptions.OpenAPIError):
        openapi.validate_request(_Request(b'{"from":"+15559876543"}', {"Authorization": "x"}))


def test_signalwire_recipients() -> None:
    """Seed 004: + and digits; 988 and +988 pass through as they are."""
    assert "988" == said("signalwire", to="988")["to"]
    assert "988" == said("signalwire", to="+988")["to"]
    assert "+13135550123" == said("signalwire")["to"]


def test_signalwire_short_code_sends() -> None:
    """Seed 004: a short code of 5 or 6 digits may be the sender; a name may not."""
    assert "123456" == said("signalwire", from_="123456")["from"]
    with pytest.raises(Unsupported, match="alphanumeric"):
        said("signalwire", from_="Acme")


@pytest.mark.parametrize("name", ["wavix", "carrierx"])
def test_short_numbers_need_a_provider(name: str) -> None:
    """Only SignalWire documents pass-through numbers; elsewhere they are refused in a sentence."""
    with pytest.raises(Unsupported, match="short numbers"):
        said(name, to="988")


def test_signalwire_verified_caller_ids_are_refused() -> None:
    """Seed 004: verified caller IDs are not permitted; the code is the account's fault."""
    error = {"code": "verified_caller_id_not_permitted", "message": "no", "attribute": "from"}
    read = adapter_of("signalwire").read(answer(422, {"errors": [error]}))
    assert Reason.SENDER is read.reason


def test_signalwire_text_length() -> None:
    """The platform's page: 1600 characters."""
    with pytest.raises(Unsupported, match="1600"):
        said("signalwire", text="a" * 1601)


def test_signalwire_fields_are_settable() -> None:
    """Seed 004: send_as_mms and status_callback; custom_variables came later."""
    options = {"signalwire": SignalWireOptions(send_as_mms=True, custom_variables={"a": "b"})}
    url = "https://example.com/status"
    body = said("signalwire", status_callback=url, options=options)
    assert (True, url) == (body["send_as_mms"], body["status_callback"])
    assert {"a": "b", "polysms_reference": "r"} == body["custom_variables"]
    full = {f"v{one}": "x" for one in range(20)}
    options = {"signalwire": SignalWireOptions(custom_variables=full)}
    assert full == said("signalwire", status_callback=url, options=options)["custom_variables"]


VARIABLES = [
    {f"v{one}": "x" for one in range(21)},
    {"1a": "x"},
    {"sw_a": "x"},
    {"SignalWire_a": "x"},
    {"a b": "x"},
    {"a": ""},
    {"a": "ж" * 513},
    {"a": 7},
    {7: "a"},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_signalwire_custom_variables(variables: Any) -> None:
    """The TypeSpec of 2026-06: at most 20, names of a form, values of at most 1,024 bytes."""
    with pytest.raises(InvalidMessage, match="custom_variables"):
        SignalWireOptions(custom_variables=variables)


def test_signalwire_all_fifteen_fields() -> None:
    """Seed 004: all fifteen fields of the answer are read, or kept raw."""
    data = json.loads(published.SIGNALWIRE_MESSAGE)
    assert 15 == len(data)
    data |= {"error_code": "30003", "error_message": "unreachable", "media": [PICTURE]}
    record = adapter_of("signalwire").read(answer(201, data)).record
    found = (record.kind, record.direction, record.segments_billed, record.media, record.text)
    assert ("sms", "outbound", 1, (PICTURE,), "Your table is ready") == found
    assert ("30003", "unreachable", Reason.OTHER) == (
        record.error_code,
        record.error_text,
        record.reason,
    )
    assert datetime(2026, 4, 1, 12, tzinfo=UTC) == record.created_at
    assert data == record.raw


def test_signalwire_redacted_body() -> None:
    """Seed 004: body is an empty text once the message was redacted."""
    data = {**json.loads(published.SIGNALWIRE_MESSAGE), "body": ""}
    assert "" == adapter_of("signalwire").read(answer(200, data)).record.text


BODIES = [
    (400, {"error": "Bad Request"}, Refused, "Bad Request"),
    (401, {"error": "Unauthorized"}, Refused, "Unauthorized"),
    (422, json.loads(published.SIGNALWIRE_REFUSED), Refused, "The To number is not valid."),
    (500, {"error": "Internal Server Error"}, Unclear, "Internal Server Error"),
]


@pytest.mark.parametrize(("status", "body", "kind", "text"), BODIES)
def test_signalwire_error_bodies(status: int, body: Any, kind: type[Any], text: str) -> None:
    """Seed 004: the bodies of 400, 401, 422 and 500."""
    read = adapter_of("signalwire").read(answer(status, body))
    assert (kind, text) == (type(read), read.text)


@pytest.mark.parametrize("space", ["example.signalwire.com", "", "a/b", "-x", "ex ample"])
def test_signalwire_space_is_a_name(space: str) -> None:
    """The space is the name before .signalwire.com, so that no other host can stand there."""
    kind = type(adapter_of("signalwire"))
    with pytest.raises(ValueError, match="space"):
        kind.Settings(space=space, project_id="p", api_token="t-canary")


def test_status_callback_needs_a_field() -> None:
    """CarrierX has no callback per message, so a wish for one is refused and not dropped."""
    with pytest.raises(Unsupported, match="status_callback"):
        said("carrierx", status_callback="https://example.com/s")
