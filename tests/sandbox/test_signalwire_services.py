"""SignalWire's numbers, and its compatibility API (LaML), played from their documents."""

from __future__ import annotations

import base64
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from polysms.sandbox.signalwire_laml import report
from tests.sandbox.conftest import KEYS, PROJECT, Answer, House, basic

RELAY = "/api/relay/rest"
LAML = f"/api/laml/2010-04-01/Accounts/{PROJECT}/Messages"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PICTURE = "https://example.com/menu.png"
GOOD = {"To": "+13135550101", "From": "+15559876543", "Body": "Hello"}


def ask(
    house: House, method: str, path: str, said: object = None, key: str | None = None
) -> Answer:
    """Return the answer to a request with a form, or without a body."""
    headers = {"Authorization": key or KEYS["signalwire"]}
    if said is None:
        return house.ask(method, path, headers=headers)
    body = said if isinstance(said, bytes) else urlencode(said, doseq=True).encode()  # type: ignore[arg-type]
    return house.ask(method, path, body, headers | FORM)


def send(house: House, **changes: Any) -> Any:
    """Send a good message and return what was answered."""
    answer = ask(house, "POST", LAML, GOOD | changes)
    assert 201 == answer.status, answer.body
    return answer.json


def listed(house: House, **query: Any) -> list[str]:
    """Return the ids of a list."""
    return [one["sid"] for one in ask(house, "GET", f"{LAML}?{urlencode(query)}").json["messages"]]


# Numbers.


def test_numbers_and_short_codes(house: House) -> None:
    """A project has numbers, of which one has no messaging, and a short code (TypeSpec)."""
    numbers = house.get("signalwire", f"{RELAY}/phone_numbers").json["data"]
    codes = house.get("signalwire", f"{RELAY}/short_codes").json["data"]

    assert [False] == [bool({"sms"} & set(one["capabilities"])) for one in numbers][1:2]
    assert [("12345", "shortcode")] == [(one["number"], one["number_type"]) for one in codes]
    for folder, one in (("phone_numbers", numbers[0]), ("short_codes", codes[0])):
        assert one == house.get("signalwire", f"{RELAY}/{folder}/{one['id']}").json
    assert 404 == house.get("signalwire", f"{RELAY}/short_codes/{numbers[0]['id']}").status


def test_pages_of_numbers(house: House) -> None:
    """``next`` leads through all numbers, ``prev`` back, and the last page has no next."""
    found, links = [], {"next": f"{RELAY}/phone_numbers?page_size=1"}
    while "next" in links:
        page = house.get("signalwire", links["next"]).json
        found += [one["number"] for one in page["data"]]
        links = page["links"]

    assert 3 == len(set(found))
    assert found[1:2] == [
        one["number"] for one in house.get("signalwire", links["prev"]).json["data"]
    ]


@pytest.mark.parametrize(
    "query", ["page_size=0", "page_size=1001", "page_number=x", "page_number=1"]
)
def test_no_page_of_numbers(house: House, query: str) -> None:
    """A page that makes no sense is a 400."""
    assert 400 == house.get("signalwire", f"{RELAY}/phone_numbers?{query}").status


@pytest.mark.parametrize(
    ("number", "include", "valid", "carrier"),
    [
        ("+13135550101", "", True, False),
        ("+13135550101", "?include=carrier", True, True),
        ("+13135550101", "?include=cnam,carrier", True, True),
        ("+13135550105", "?include=cnam", False, False),
    ],
)
def test_look_up(house: House, number: str, include: str, valid: bool, carrier: bool) -> None:  # noqa: FBT001
    """The carrier is told where it is asked for; a number that ends in 0105 is not valid."""
    found = house.get("signalwire", f"{RELAY}/lookup/phone_number/{number}{include}").json

    assert (number, valid, carrier) == (found["e164"], found["valid_number"], "carrier" in found)


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("phone_numbers", basic("invalid", "t"), 401),
        ("phone_numbers", basic("noscope", "t"), 403),
        ("lookup/phone_number/+13135550101", basic("invalid", "t"), 401),
        ("lookup/phone_number/hello", None, 404),
    ],
)
def test_numbers_refused(house: House, path: str, key: str | None, status: int) -> None:
    """What is refused has one word for it (TypeSpec): only a 422 has a list of errors."""
    answer = house.get("signalwire", f"{RELAY}/{path}", key)
    words = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}

    assert (status, {"error": words[status]}) == (answer.status, answer.json)


# The compatibility API.


def test_answer(house: House) -> None:
    """Every key of the TypeSpec's message comes, times in RFC 2822; nothing is billed yet."""
    sent = send(house)
    sid = sent.pop("sid")

    assert {
        "account_sid": PROJECT,
        "api_version": "2010-04-01",
        "body": "Hello",
        "num_segments": 1,
        "num_media": "0",
        "date_created": "Tue, 14 Apr 2026 12:00:00 +0000",
        "date_sent": None,
        "date_updated": "Tue, 14 Apr 2026 12:00:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+15559876543",
        "price": None,
        "price_unit": "USD",
        "status": "queued",
        "to": "+13135550101",
        "messaging_service_sid": None,
        "uri": f"{LAML}/{sid}.json",
        "subresource_uris": {"media": f"{LAML}/{sid}/Media.json"},
    } == sent


def test_fetch(house: House) -> None:
    """A message is found under its own path and its ``uri``, delivered and billed in the end."""
    sent = send(house, MediaUrl=[PICTURE, PICTURE], Body="")
    house.settle()
    plain, dotted = ask(house, "GET", f"{LAML}/{sent['sid']}"), ask(house, "GET", sent["uri"])

    assert plain.json == dotted.json
    assert ("sent", 0.01, "2") == tuple(plain.json[key] for key in ("status", "price", "num_media"))


def test_the_official_packages_path(house: House) -> None:
    """Without ``/api/laml``, and with ``.json``, the same is answered."""
    base = f"/2010-04-01/Accounts/{PROJECT}/Messages"
    sent = ask(house, "POST", f"{base}.json", GOOD).json
    house.settle()

    assert [sent["sid"]] == listed(house)
    assert "delivered" == ask(house, "GET", f"{base}/{sent['sid']}.json").json["status"]


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("no To", {"To": ""}, 21604),
    ("To is no number", {"To": "hello"}, 21211),
    ("no From", {"From": ""}, 21603),
    ("From is no number", {"From": "Acme"}, 21212),
    ("From is not purchased", {"From": "+13135550198"}, 21210),
    ("From is a verified caller ID", {"From": "+13135550199"}, 21210),
    ("nothing to say", {"Body": ""}, 21602),
    ("too long", {"Body": "a" * 1601}, 21617),
    ("no URL", {"MediaUrl": "menu.png"}, 21620),
    ("nine media", {"MediaUrl": [PICTURE] * 9}, 21623),
    ("no period", {"ValidityPeriod": "0"}, 21624),
    ("too long a period", {"ValidityPeriod": "172801"}, 21624),
    ("a strange period", {"ValidityPeriod": "9" * 5000}, 21624),
    ("by the recipient", {"To": "+13135550105"}, 21211),
    ("opted out", {"To": "+13135550106"}, 21610),
    ("no balance", {"To": "+13135550107"}, 30002),
]


@pytest.mark.parametrize(("changes", "code"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(house: House, changes: dict[str, Any], code: int) -> None:
    """What is refused is a 400 with one flat error (TypeSpec), and nothing is accepted."""
    answer = ask(house, "POST", LAML, GOOD | changes)

    assert (400, code, 400) == (answer.status, answer.json["code"], answer.json["status"])
    assert {"code", "message", "more_info", "status"} == set(answer.json)
    assert () == house.sandbox.store.all()


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        (LAML, basic("invalid", "t"), 401, 20003),
        (LAML, basic("noscope", "t"), 403, 20403),
        (LAML, basic("somebody", "t"), 401, 20003),
        (f"{LAML}/nothing", None, 404, 20404),
        (f"{LAML}?PageSize=0", None, 400, 54454),
        (f"{LAML}?Page=-1", None, 400, 54454),
        (f"{LAML}?PageToken=PAx", None, 400, 54453),
        (f"{LAML}?DateSent=soon", None, 400, 400),
    ],
)
def test_reading_refused(house: House, path: str, key: str | None, status: int, code: int) -> None:
    """Credentials must be good and the path's own, an id known, a page one that makes sense."""
    send(house)
    house.settle()
    answer = ask(house, "GET", path, key=key)

    assert (status, code) == (answer.status, answer.json["code"])


def test_no_form(house: House) -> None:
    """A body that is no text is refused."""
    assert 400 == ask(house, "POST", LAML, b"\xff").status


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "cba"),
        ({"To": "+13135550101"}, "ba"),
        ({"From": "12345"}, "b"),
        ({"To": "+13135550101", "From": "+15559876543"}, "a"),
        ({"Status": "delivered"}, "ba"),
        ({"Status": "failed"}, "c"),
        ({"DateSent": "2026-04-14"}, "a"),
        ({"DateSent>": "2026-04-15"}, "b"),
        ({"DateSent<": "2026-04-15"}, "a"),
        ({"DateSent>": "2026-04-14", "DateSent<": "2026-04-15"}, "a"),
        ({"DateSent>": "2026-04-14T12:00:10Z"}, "b"),
    ],
)
def test_list(house: House, query: dict[str, str], found: str) -> None:
    """Every filter of the page is played, newest first; what was never sent has no DateSent."""
    ids = {send(house)["sid"]: "a"}
    house.clock.forward(86_400)
    ids[send(house, From="12345")["sid"]] = "b"
    house.clock.forward(86_400)
    ids[send(house, To="+13135550103")["sid"]] = "c"
    house.send("signalwire")
    house.settle()

    assert list(found) == [ids[sid] for sid in listed(house, **query)]


def test_pages(house: House) -> None:
    """``next_page_uri`` leads through all pages with the same filters, and is null at the end."""
    sent = [send(house)["sid"] for _ in range(5)][::-1]
    send(house, To="+13135550120")
    house.settle()
    first = ask(house, "GET", f"{LAML}?{urlencode({'To': GOOD['To'], 'PageSize': 2})}").json
    second = ask(house, "GET", first["next_page_uri"]).json
    third = ask(house, "GET", second["next_page_uri"]).json

    pages = [[one["sid"] for one in page["messages"]] for page in (first, second, third)]
    assert [sent[:2], sent[2:4], sent[4:]] == pages
    assert (None, None, 2) == (first["previous_page_uri"], third["next_page_uri"], third["page"])
    assert second == ask(house, "GET", third["previous_page_uri"]).json


@pytest.mark.parametrize(
    ("price", "to", "status", "code"),
    [
        ("0.00415", "+13135550101", "delivered", None),
        ("0.004", "+13135550101", "failed", "30010"),
        ("sNaN", "+13135550101", "delivered", None),
        ("1", "+13135550102", "undelivered", "30003"),
        ("1", "+13135550103", "failed", "63011"),
    ],
)
def test_ends(house: House, price: str, to: str, status: str, code: str | None) -> None:
    """A message that is dearer than MaxPrice fails (error 30010); other ends have numbers too."""
    sent = send(house, MaxPrice=price, To=to)
    house.settle()
    found = ask(house, "GET", sent["uri"]).json
    log = house.get("signalwire", f"/api/messaging/logs/{sent['sid']}").json

    assert (status, code) == (found["status"], found["error_code"])
    assert (status, code, "laml", "laml_message") == (
        *(log["status"], log["error_code"]),
        *(log["source"], log["type"]),
    )


def test_redaction_and_deletion(house: House) -> None:
    """A message at its end loses its text, and then itself; one on its way does neither."""
    sent = send(house)
    address = f"{LAML}/{sent['sid']}"
    early = [ask(house, *one).status for one in (("POST", address, b"Body="), ("DELETE", address))]
    house.settle()
    kept = ask(house, "POST", address, {"Body": "x"})
    gone = ask(house, "POST", address, b"Body=")

    assert ([400, 400], (400, 50509)) == (early, (kept.status, kept.json["code"]))
    assert (200, "") == (gone.status, gone.json["body"])
    assert 204 == ask(house, "DELETE", address).status
    assert [404, 404] == [ask(house, one, address).status for one in ("GET", "DELETE")]


HOOK = "https://example.com/hook?a=1"


@pytest.mark.parametrize(
    ("changes", "words", "code"),
    [
        ({}, ["queued", "sending", "sent", "delivered"], None),
        ({"To": "+13135550103"}, ["queued", "sending", "failed"], "63011"),
    ],
)
def test_status_callback(
    house: House, changes: dict[str, Any], words: list[str], code: str | None
) -> None:
    """A form comes at each change, signed by URL and sorted fields (the older validator's way)."""
    send(house, StatusCallback=HOOK, Body="Grüße & more", **changes)
    (entry,) = house.sandbox.store.all()
    posted = [report(entry, step, house.sandbox.behaviour) for step in entry.steps]
    callbacks = [one for one in posted if one is not None]
    forms = [dict(parse_qsl(one.body.decode(), strict_parsing=True)) for one in callbacks]
    key = house.sandbox.behaviour.signing_key.encode()
    text = HOOK + "".join(name + forms[-1][name] for name in sorted(forms[-1]))
    right = base64.b64encode(hmac.digest(key, text.encode(), "sha1")).decode()

    assert words == [form["MessageStatus"] for form in forms]
    assert (code, entry.id) == (forms[-1].get("ErrorCode"), forms[-1]["MessageSid"])
    assert right == callbacks[-1].headers["X-SignalWire-Signature"]
    assert FORM["Content-Type"] == callbacks[-1].headers["Content-Type"]
    assert (HOOK, 3) == (callbacks[-1].url, callbacks[-1].tries)


def test_no_status_callback(house: House) -> None:
    """Without an address, or with one that is none, nothing is posted."""
    for back in ("", "nowhere"):
        send(house, StatusCallback=back)
    for entry in house.sandbox.store.all():
        assert report(entry, entry.steps[0], house.sandbox.behaviour) is None


def test_down(house: House) -> None:
    """A provider that is down is down with all of its APIs."""
    house.behave(provider="signalwire", mode="down")
    for path in (LAML, f"/2010-04-01/Accounts/{PROJECT}/Messages", f"{RELAY}/phone_numbers"):
        with pytest.raises(OSError, match="without response"):
            ask(house, "GET", path)
