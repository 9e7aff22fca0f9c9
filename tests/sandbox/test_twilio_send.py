"""Twilio's sends, as its documents say them: what is taken, what is refused, what is posted."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.sandbox.conftest import ACCOUNT, PATHS, House, basic, headers, wait_for, wanted
from tests.sandbox.test_callbacks import Posted, Receiver, receiver, words

__all__ = ["receiver"]

PICTURE = "https://example.com/menu.png"
SERVICE = "MG" + "a" * 32
PLACE = PATHS["twilio"].removesuffix(".json")


def test_answer(house: House) -> None:
    """The answer has the twenty keys of the published example; price is null at first."""
    sent = house.send("twilio", Body="a" * 161)
    sid = sent["sid"]

    assert sid.startswith("SM")
    assert 34 == len(sid)
    assert {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "a" * 161,
        "date_created": "Tue, 14 Apr 2026 12:00:00 +0000",
        "date_sent": None,
        "date_updated": "Tue, 14 Apr 2026 12:00:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+15559876543",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "2",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"{PLACE}/{sid}/Media.json"},
        "to": "+13135550101",
        "uri": f"{PLACE}/{sid}.json",
    } == sent


def test_mms(house: House) -> None:
    """With media it is an MMS, whose id begins otherwise; the text may be left out."""
    sent = house.send("twilio", MediaUrl=[PICTURE, PICTURE], Body=...)

    assert ("MM", "2", "1", "") == (
        sent["sid"][:2],
        sent["num_media"],
        sent["num_segments"],
        sent["body"],
    )


def test_text_as_mms(house: House) -> None:
    """A text alone can be sent as an MMS (OpenAPI)."""
    sent = house.send("twilio", SendAsMms="true")

    assert ("MM", "0") == (sent["sid"][:2], sent["num_media"])


def test_messaging_service(house: House) -> None:
    """With a Messaging Service it is accepted first, and not counted (OpenAPI)."""
    sent = house.send("twilio", From=..., MessagingServiceSid=SERVICE)
    house.settle()
    later = house.get("twilio", sent["uri"]).json

    assert ("accepted", "0", None, SERVICE) == (
        sent["status"],
        sent["num_segments"],
        sent["from"],
        sent["messaging_service_sid"],
    )
    assert ("delivered", "1") == (later["status"], later["num_segments"])


GOOD: list[dict[str, Any]] = [
    {"From": "12345"},
    {"From": "Acme", "To": "+447700900123"},
    {"Body": "a" * 1600},
    {"MediaUrl": [PICTURE] * 10},
    {"ValidityPeriod": "36000"},
    {"StatusCallback": "https://example.com/status"},
    {"SmartEncoded": "true", "Attempt": "1"},
]


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_taken(house: House, changes: dict[str, Any]) -> None:
    """What the page on a message's properties allows is taken."""
    assert 201 == house.post("twilio", wanted("twilio") | changes).status


# The page "Test credentials", the error dictionary.
REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"To": ...}, 21604),
    ({"To": ""}, 21604),
    ({"To": "13135550101"}, 21211),
    ({"To": "+13135"}, 21211),
    ({"From": ...}, 21603),
    ({"From": "+12"}, 21212),
    ({"From": "TwelveLetter"}, 21212),
    ({"From": "+15555550198"}, 21606),
    ({"From": "+15555550199"}, 21606),
    ({"From": "Acme"}, 21612),
    ({"From": ..., "MessagingServiceSid": "MG1"}, 21701),
    ({"Body": ...}, 21619),
    ({"Body": "a" * 1601}, 21617),
    ({"MediaUrl": [PICTURE] * 11}, 21623),
    ({"MediaUrl": "ftp://example.com/a.png"}, 21620),
    ({"StatusCallback": "example.com"}, 21609),
    ({"ValidityPeriod": "36001"}, 21624),
    ({"ValidityPeriod": "0"}, 21624),
    ({"ValidityPeriod": "soon"}, 21624),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED, ids=[str(row[0])[:40] for row in REFUSED])
def test_refused(house: House, changes: dict[str, Any], code: int) -> None:
    """What is wrong is a 400 with a number of its own; nothing is accepted."""
    body = {k: v for k, v in (wanted("twilio") | changes).items() if v is not ...}
    answer = house.post("twilio", body)

    assert (400, code, 400) == (answer.status, answer.json["code"], answer.json["status"])
    assert f"https://www.twilio.com/docs/errors/{code}" == answer.json["more_info"]
    assert () == house.sandbox.store.all()


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("", 401, 20003),
        (basic(ACCOUNT, ""), 401, 20003),
        (basic(ACCOUNT, "invalid"), 401, 20003),
        (basic("AC" + "1" * 32, "token"), 401, 20003),
        (basic("SK" + "1" * 32, "noscope"), 403, 20403),
    ],
)
def test_credentials(house: House, key: str, status: int, code: int) -> None:
    """Basic, with the account's SID and token; what is not good is said in Twilio's form."""
    answer = house.ask("POST", PATHS["twilio"], b"", {**headers("twilio"), "Authorization": key})

    assert (status, code) == (answer.status, answer.json["code"])


def test_api_key(house: House) -> None:
    """An API key and its secret are good for any account."""
    assert 201 == house.post("twilio", wanted("twilio"), basic("SK1", "secret")).status


def test_malformed(house: House) -> None:
    """What is no form is a 400."""
    assert 400 == house.post("twilio", b"\xff").status


def test_paths_of_signalwire(house: House) -> None:
    """The same path with the id of a SignalWire project is SignalWire's."""
    project = "3a9f2b1c-0000-4000-8000-000000000000"
    path = PATHS["twilio"].replace(ACCOUNT, project)
    key = basic(project, "PTtoken")
    answer = house.ask("GET", path, headers={"Authorization": key})

    assert (200, []) == (answer.status, answer.json["messages"])
    assert "/api/laml/" in answer.json["uri"]


def form_of(posted: Posted) -> dict[str, str]:
    """Return the fields of a callback."""
    assert "application/x-www-form-urlencoded" == posted.headers["Content-Type"]
    return dict(parse_qsl(posted.body.decode(), keep_blank_values=True))


def signature(key: str, url: str, said: dict[str, str]) -> str:
    """Return a signature as the guide "Webhooks security" describes it."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(said.items()))
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def test_callbacks(house: House, receiver: Receiver) -> None:
    """A form is posted at every status but the first, signed with the account's token."""
    url = f"{receiver.url}/status?a=b"
    sent = house.send("twilio", StatusCallback=url)
    house.settle()

    assert ["sending", "sent", "delivered"] == words(house, 3)
    assert {
        "MessageSid": sent["sid"],
        "SmsSid": sent["sid"],
        "AccountSid": ACCOUNT,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "ApiVersion": "2010-04-01",
        "From": "+15559876543",
        "To": "+13135550101",
    } == form_of(receiver.posted[-1])
    for posted in receiver.posted:
        expected = signature("twilio-token", url, form_of(posted))
        assert expected == posted.headers["X-Twilio-Signature"]


def test_callback_with_api_key(house: House, receiver: Receiver) -> None:
    """Whoever sends with an API key has shown no token: the sandbox's own key signs."""
    body = wanted("twilio", "13135550103", StatusCallback=receiver.url, From=...)
    body["MessagingServiceSid"] = SERVICE
    house.post("twilio", body, basic("SK1", "secret"))
    house.settle()
    wait_for(lambda: len(receiver.posted) == 2)
    said = form_of(receiver.posted[-1])

    assert ("failed", "30007", SERVICE) == (
        said["MessageStatus"],
        said["ErrorCode"],
        said["MessagingServiceSid"],
    )
    expected = signature("PSKsandbox0000000000", receiver.url, said)
    assert expected == receiver.posted[-1].headers["X-Twilio-Signature"]


def test_token_is_not_shown(house: House) -> None:
    """The control API shows what was sent, and no credential."""
    house.send("twilio")
    (entry,) = house.sandbox.store.all()

    assert b"twilio-token" not in house.ask("GET", "/_sandbox/messages").body
    assert "twilio-token" not in repr(entry)
