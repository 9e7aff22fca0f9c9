"""SignalWire's ``POST /api/messaging/messages``, held against its own OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.response.exceptions import InvalidData

from tests.sandbox.conftest import PROJECT, Answer, House, basic, headers, wanted

PATH = "/api/messaging/messages"
PICTURE = "https://example.com/menu.png"
CALLBACK = "https://example.com/status"
VARIABLES = {f"name_{number}": "x" for number in range(20)}
DOCUMENT = Path(__file__).parents[1] / "data" / "signalwire-create-message.yaml"
#: As the document has it, percent signs and all.
SERVER = "https://%7BYour_Space_Name%7D.signalwire.com"


@pytest.fixture(scope="module")
def published() -> OpenAPI:
    """Return SignalWire's own description of the send (seed 004)."""
    return OpenAPI.from_file_path(str(DOCUMENT))


def check(published: OpenAPI, answer: Answer) -> None:
    """Fail if an answer is not as SignalWire's document has it."""
    request = MockRequest(
        SERVER,
        "post",
        PATH,
        headers=headers("signalwire"),
        data=json.dumps(wanted("signalwire")).encode(),
        content_type="application/json",
    )
    given = MockResponse(
        answer.body, status_code=answer.status, content_type=answer.headers["content-type"]
    )
    published.validate_response(request, given)


def test_the_check_can_fail(published: OpenAPI) -> None:
    """A message without one of its fifteen keys is not as the document has it."""
    bad = Answer(201, {"content-type": "application/json"}, b'{"id": "x"}')

    with pytest.raises(InvalidData):
        check(published, bad)


def test_answer(house: House) -> None:
    """All fifteen keys come, and a relative address of the log (seed 004)."""
    answer = house.post("signalwire", wanted("signalwire"))
    body = answer.json
    identity = body.pop("id")

    assert 201 == answer.status
    assert {
        "from": "+15559876543",
        "to": "+13135550101",
        "body": "Hello",
        "status": "queued",
        "direction": "outbound",
        "kind": "sms",
        "media": [],
        "number_of_segments": 1,
        "error_code": None,
        "error_message": None,
        "created_at": "2026-04-14T12:00:00Z",
        "project_id": PROJECT,
        "status_callback_url": None,
        "message_uri": f"/api/messaging/logs/{identity}",
    } == body


# What, the fields changed, what the answer holds.
TAKEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("004: a text", {}, {"kind": "sms", "media": []}),
    ("004: to of 5 digits", {"to": "+12345"}, {"to": "+12345"}),
    ("004: to of 17 digits", {"to": "+12345678901234567"}, {"to": "+12345678901234567"}),
    ("004: 988", {"to": "988"}, {"to": "988"}),
    ("004: +988", {"to": "+988"}, {"to": "+988"}),
    ("004: short code of 5", {"from_": "12345"}, {"from": "12345"}),
    ("004: short code of 6", {"from_": "123456"}, {"from": "123456"}),
    ("004: media makes it an MMS", {"media": [PICTURE]}, {"kind": "mms", "media": [PICTURE]}),
    ("004: no body beside media", {"body": ..., "media": [PICTURE]}, {"body": "", "kind": "mms"}),
    ("004: eight media", {"media": [PICTURE] * 8}, {"media": [PICTURE] * 8}),
    ("004: send_as_mms", {"send_as_mms": True}, {"kind": "mms", "media": []}),
    ("004: send_as_mms false", {"send_as_mms": False}, {"kind": "sms"}),
    ("004: status_callback", {"status_callback": CALLBACK}, {"status_callback_url": CALLBACK}),
    ("platform page: 1600 characters", {"body": "a" * 1600}, {"number_of_segments": 11}),
    ("segments: UCS-2", {"body": "ж" * 71}, {"number_of_segments": 2}),
    ("segments: MMS", {"body": "ж" * 71, "send_as_mms": True}, {"number_of_segments": 1}),
    ("TypeSpec: 20 variables", {"custom_variables": VARIABLES}, {"status": "queued"}),
    ("TypeSpec: 1024 bytes", {"custom_variables": {"a": "é" * 512}}, {"status": "queued"}),
    ("004: other keys are not forbidden", {"colour": "red"}, {"status": "queued"}),
    ("null is as good as absent", {"media": None, "status_callback": None}, {"kind": "sms"}),
    ("a lone surrogate", {"body": "\ud800"}, {"body": "\ud800"}),
]


@pytest.mark.parametrize(("rule", "changes", "expected"), TAKEN, ids=[row[0] for row in TAKEN])
def test_taken(
    house: House,
    published: OpenAPI,
    rule: str,
    changes: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    """What the documents allow is answered with 201, as the OpenAPI document has it."""
    answer = house.post("signalwire", wanted("signalwire", **changes))

    assert (201, expected) == (answer.status, {key: answer.json.get(key) for key in expected})
    check(published, answer)


# What, the fields changed, the codes with their attributes.
REFUSED: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("004: to is required", {"to": ...}, [("missing_required_parameter", "to")]),
    ("004: from is required", {"from_": ...}, [("missing_required_parameter", "from")]),
    ("004: null is not given", {"to": None}, [("missing_required_parameter", "to")]),
    ("004: to without plus", {"to": "13135550101"}, [("invalid_to_number", "to")]),
    ("004: to of 4 digits", {"to": "+1234"}, [("invalid_to_number", "to")]),
    ("004: to of 18 digits", {"to": "+123456789012345678"}, [("invalid_to_number", "to")]),
    ("004: to is a string", {"to": 988}, [("invalid_to_number", "to")]),
    ("004: from of 4 digits", {"from_": "1234"}, [("invalid_from_number", "from")]),
    ("004: from of 7 digits", {"from_": "1234567"}, [("invalid_from_number", "from")]),
    ("004: from is no name", {"from_": "Acme"}, [("invalid_from_number", "from")]),
    ("004: from is a string", {"from_": 12345}, [("invalid_from_number", "from")]),
    ("004: from is purchased", {"from_": "+13135550198"}, [("invalid_from_number", "from")]),
    (
        "004: no verified caller ID",
        {"from_": "+13135550199"},
        [("verified_caller_id_not_permitted", "from")],
    ),
    ("004: body or media", {"body": ...}, [("body_or_media_required", "body")]),
    ("004: body is empty", {"body": ""}, [("body_or_media_required", "body")]),
    ("004: media is empty", {"body": ..., "media": []}, [("body_or_media_required", "body")]),
    ("004: body is a string", {"body": 7}, [("not_a_string", "body")]),
    ("platform page: 1601", {"body": "a" * 1601}, [("character_limit_exceeded", "body")]),
    ("004: nine media", {"media": [PICTURE] * 9}, [("media_limit_exceeded", "media")]),
    ("004: http or https", {"media": ["javascript:x"]}, [("invalid_media_url", "media")]),
    ("004: media is a list", {"media": PICTURE}, [("invalid_parameter", "media")]),
    ("004: a boolean", {"send_as_mms": "yes"}, [("not_a_boolean", "send_as_mms")]),
    ("004: a URL", {"status_callback": "nowhere"}, [("not_an_http_url", "status_callback")]),
    *(
        (f"TypeSpec: {code}", {"custom_variables": variables}, [(code, "custom_variables")])
        for code, variables in [
            ("must_be_object", "x"),
            ("too_many_custom_variables", {**VARIABLES, "more": "x"}),
            ("invalid_custom_variable_name", {"7th": "x", "a-b": "x"}),
            ("reserved_custom_variable_name", {"SW_x": "x"}),
            ("reserved_custom_variable_name", {"signalwire_x": "x"}),
            ("invalid_custom_variable_value", {"a": ""}),
            ("invalid_custom_variable_value", {"a": 7}),
            ("custom_variable_value_too_long", {"a": "é" * 513}),
        ]
    ),
    (
        "error-codes page: several at once",
        {"to": "x", "from_": ..., "body": ...},
        [
            ("invalid_to_number", "to"),
            ("missing_required_parameter", "from"),
            ("body_or_media_required", "body"),
        ],
    ),
]


@pytest.mark.parametrize(("rule", "changes", "expected"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(
    house: House,
    published: OpenAPI,
    rule: str,
    changes: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    """What the documents forbid is a 422 with every code at once, and nothing is accepted."""
    answer = house.post("signalwire", wanted("signalwire", **changes))
    errors = answer.json["errors"]

    assert 422 == answer.status
    assert expected == [(error["code"], error["attribute"]) for error in errors]
    assert {"validation_error"} == {error["type"] for error in errors}
    assert () == house.sandbox.store.all()
    check(published, answer)


@pytest.mark.parametrize(
    ("changes", "key", "status"),
    [
        ({}, basic("invalid", "token"), 401),
        ({"to": "+13135550107"}, None, 422),
        ({"to": "+13135550109"}, None, 500),
    ],
)
def test_trouble_is_published_too(
    house: House, published: OpenAPI, changes: dict[str, Any], key: str | None, status: int
) -> None:
    """Refusals and breakdowns are as the OpenAPI document has them (seed 004)."""
    answer = house.post("signalwire", wanted("signalwire", **changes), key)

    assert status == answer.status
    check(published, answer)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"to": NaN}'])
def test_no_json(house: House, published: OpenAPI, body: bytes) -> None:
    """A body that is no JSON object is a 400 (seed 004)."""
    answer = house.post("signalwire", body)

    assert (400, {"error": "Bad Request"}) == (answer.status, answer.json)
    check(published, answer)


def test_project_that_is_no_uuid(house: House, published: OpenAPI) -> None:
    """A project's id is a UUID: any other text stands for one, always the same."""
    answers = [
        house.post("signalwire", wanted("signalwire"), basic("demo", token))
        for token in ("one", "two")
    ]

    assert answers[0].json["project_id"] == answers[1].json["project_id"]
    check(published, answers[0])
