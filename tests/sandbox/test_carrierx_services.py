"""CarrierX beside messages: tokens, numbers, look-ups, detail records; and its old client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import KEYS, Answer, House, basic

CORE = "/core/v2"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GOOD = {
    "grant_type": "password",
    "client_id": "an-id",
    "client_secret": "a-secret",
    "username": "partner",
    "password": "a-word",
}


def token(house: House, headers: Mapping[str, str] = FORM, /, **changes: str | None) -> Answer:
    """Return the answer to a request for a token; a change to None takes a field away."""
    given = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return house.ask("POST", f"{CORE}/oauth/token", urlencode(given).encode(), headers)


def get(house: House, path: str, **query: str) -> Any:
    """Return what stands at a path."""
    answer = house.get("carrierx", f"{CORE}{path}?{urlencode(query)}")
    assert 200 == answer.status, answer.body
    return answer.json


def test_token(house: House) -> None:
    """The token object has the keys of the page's sample; without a wish it is good for ever."""
    body = token(house).json

    assert {
        *("access_token", "client_id", "date_created", "date_expiration_access_token"),
        *("date_expiration_refresh_token", "date_last_accessed", "ip_last_accessed", "name"),
        *("partner_sid", "refresh_token", "scopes", "token_sid", "token_type"),
    } == set(body)
    assert ("an-id", "bearer") == (body["client_id"], body["token_type"])
    assert body["access_token"] != token(house).json["access_token"]
    assert "2126" == body["date_expiration_access_token"][:4]


@pytest.mark.parametrize(
    ("headers", "changes", "status", "field"),
    [
        ({}, {}, 415, None),
        ({"Content-Type": "application/json"}, {}, 415, None),
        (FORM, {"grant_type": "client_credentials"}, 422, "grant_type"),
        (FORM, {"client_secret": None}, 422, "client_secret"),
        (FORM, {"access_token_expires_in": "0"}, 422, "access_token_expires_in"),
        (FORM, {"access_token_expires_in": "an hour"}, 422, "access_token_expires_in"),
        (FORM, {"client_secret": "invalid"}, 401, None),
        (FORM, {"username": "noscope"}, 403, None),
    ],
)
def test_no_token(
    house: House,
    headers: Mapping[str, str],
    changes: Mapping[str, str | None],
    status: int,
    field: str | None,
) -> None:
    """What lacks something, or asks to be turned away, gets no token."""
    answer = token(house, headers, **changes)

    assert status == answer.status
    assert field == answer.json["errors"][0]["field"]


def test_token_ends(house: House) -> None:
    """A token lets in until its end, and then no more; one that was configured never ends."""
    body = token(house, access_token_expires_in="3600").json
    key = f"Bearer {body['access_token']}"
    path = f"{CORE}/oauth/whoami"
    house.clock.forward(3599)
    before = house.get("carrierx", path, key)
    house.clock.forward(1)

    assert 200 == before.status
    assert body["partner_sid"] == before.json["partner_sid"]
    assert body["scopes"] == before.json["scopes"]
    assert 401 == house.get("carrierx", path, key).status
    assert 200 == house.get("carrierx", path, "Bearer 5ebc03d6-8b2b-44ad-bf65-72d4f1491dda").status


STATES = {
    "13135550101": (31, 31, "enabled"),
    "15162065575": (31, 31, "enabled"),
    "13135550193": (4, 4, None),
    "13135550194": (31, 4, "failed"),
    "13135550195": (31, 4, "disabled"),
    "13135550196": (31, 4, "in_progress"),
}


@pytest.mark.parametrize(("number", "state"), STATES.items())
def test_numbers(house: House, number: str, state: tuple[int, int, str | None]) -> None:
    """There is a number in each state of messaging; one with voice alone has no state (404)."""
    [found] = get(house, "/phonenumber/dids", filter=f'phonenumber eq "{number}"')["items"]
    path = f"/phonenumber/dids/{found['did_sid']}/messaging"
    capable, active, status = state

    assert (capable, active) == (found["capabilities"], found["active_capabilities"])
    if status is None:
        assert 404 == house.get("carrierx", f"{CORE}{path}").status
        return
    assert {
        "campaign_external_id": None,
        "campaign_sid": None,
        "did_sid": found["did_sid"],
        "enabled": status == "enabled",
        "status": status,
        "type": "a2p",
    } == get(house, path)


@pytest.mark.parametrize(("number", "state"), STATES.items())
def test_only_enabled_numbers_send(
    house: House, number: str, state: tuple[int, int, str | None]
) -> None:
    """A number for which messaging is not enabled cannot send."""
    answer = house.post("carrierx", {"from": number, "to": "13135550123", "message": "x"})

    assert (200 if state[2] == "enabled" else 422) == answer.status


def test_numbers_come_in_pages(house: House) -> None:
    """The list of numbers has the envelope of every list."""
    body = get(house, "/phonenumber/dids", limit="4")
    rest = get(house, "/phonenumber/dids", limit="4", offset="4")

    assert (4, True, 2, False) == (
        body["count"],
        body["has_more"],
        rest["count"],
        rest["has_more"],
    )


@pytest.mark.parametrize(
    ("number", "country", "national"),
    [
        ("13135550123", "USA", "(313) 555-0123"),
        ("+13135550123", "USA", "(313) 555-0123"),
        ("14165550123", "CAN", "(416) 555-0123"),
        ("442079460100", None, None),
    ],
)
def test_look_up(house: House, number: str, country: str | None, national: str | None) -> None:
    """A look-up has the keys of the page's sample; the carrier comes where it is asked for."""
    plain = get(house, f"/lookup/dids/{number}")
    whole = get(house, f"/lookup/dids/{number}", carrier="true")

    assert (country, national) == (plain["country_code"], plain["in_country_format"])
    assert number.lstrip("+") == plain["phonenumber"] == plain["e164_format"][1:]
    assert {"carrier": None, "cnam": None, "lrn": None} == plain["details"]
    assert {"mcc", "mnc", "name", "type"} == set(whole["details"]["carrier"])


def test_look_up_of_nothing(house: House) -> None:
    """What is no number cannot be looked up."""
    assert 422 == house.get("carrierx", f"{CORE}/lookup/dids/acme").status


def test_detail_records(house: House) -> None:
    """A record comes once a message is sent, with an id of its own, and can be asked for by it."""
    sent = house.send("carrierx", user_data="mine")
    assert [] == get(house, "/sms/message_drs")["items"]
    house.settle()
    [record] = get(house, "/sms/message_drs", filter='user_data eq "mine"')["items"]

    assert record == get(house, f"/sms/message_drs/{record['dr_sid']}")
    assert sent["message_sid"] != record["dr_sid"]
    assert ("delivered", "0.004", "0.003") == (
        record["status"],
        record["price"],
        record["passthrough_price"],
    )
    assert record["date_start"] < record["date_sent"] < record["date_stop"]
    assert 404 == house.get("carrierx", f"{CORE}/sms/message_drs/nothing").status


def test_detail_record_of_a_group(house: House) -> None:
    """A group's record names every number of the group."""
    house.send("carrierx", group_recipients=["13135550124"], type="mms")
    house.settle()
    [record] = get(house, "/sms/message_drs")["items"]

    assert ["13135550101", "13135550124"] == record["number_group_dst"]


SERVICES = [
    "/phonenumber/dids",
    "/phonenumber/dids/an-id/messaging",
    "/lookup/dids/13135550123",
    "/sms/message_drs",
    "/sms/message_drs/an-id",
]


@pytest.mark.parametrize("path", SERVICES)
@pytest.mark.parametrize(("key", "status"), [("Bearer invalid", 401), ("Bearer noscope", 403)])
def test_strangers(house: House, path: str, key: str, status: int) -> None:
    """Nobody is let in without good credentials."""
    assert status == house.get("carrierx", f"{CORE}{path}", key).status


class OldClient:
    """The wire form of the official Python client of 2022, whose package cannot reach its API.

    It sends ``from_did`` and ``to_did`` as JSON; it asks for a message twice, first with the user's
    name and word, which are empty where it has a token, and takes the second answer.
    """

    def __init__(self, house: House, user: str = "", word: str = "") -> None:
        self.house = house
        self.basic = basic(user, word)
        self.key = self.basic if user else KEYS["carrierx"]

    def ask(self, method: str, path: str, key: str, body: Any = None) -> Answer:
        """Make one request with its headers."""
        headers = {
            "User-Agent": "python-requests/2.27.1",
            "Accept-Encoding": "gzip, deflate",
            "Accept": "*/*",
            "Connection": "keep-alive",
            "Content-type": "application/json",
            "Authorization": key,
        }
        raw = None if body is None else json.dumps(body).encode()
        return self.house.ask(method, f"{CORE}/{path}", raw, headers)

    def create(self, **fields: str) -> Any:
        """Send a message."""
        return self._good(self.ask("POST", "sms/messages", self.key, fields))

    def get(self, sid: str) -> Any:
        """Fetch a message: the first answer is thrown away unread."""
        self.ask("GET", f"sms/messages/{sid}", self.basic)
        return self._good(self.ask("GET", f"sms/messages/{sid}", self.key))

    def list(self, **query: str | int) -> Any:
        """List messages: at most 1000, from the first."""
        wanted = {"offset": 0, "limit": 1000, **query}
        path = f"sms/messages?{urlencode(wanted)}"
        return self._good(self.ask("GET", path, self.key))["items"]

    def _good(self, answer: Answer) -> Any:
        assert answer.status in (200, 201), answer.body
        return answer.json


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("user", [("", ""), ("partner", "a-word")])
def test_old_client(house: House, user: tuple[str, str], *, legacy: bool) -> None:
    """The old client sends, fetches and lists; a legacy account answers with its names."""
    house.behave(legacy=legacy)
    client = OldClient(house, *user)
    sent = client.create(from_did="15162065575", to_did="13135550101", message="Hello")
    house.settle()
    fetched = client.get(sent["message_sid"])
    listed = client.list(filter='to_did eq "13135550101"', order="date_created desc")

    assert [fetched] == listed
    assert ("queued", "delivered") == (sent["status"], fetched["status"])
    names = ("from_did", "to_did") if legacy else ("from", "to")
    assert ("15162065575", "13135550101") == tuple(fetched[name] for name in names)
    assert {"message", "date_created", "date_status_changed", "status"} < set(fetched)
    assert [] == client.list(filter='to_did eq "13135550102"')
