"""Every request an adapter makes, and every answer of the sandbox to it, beside what is published.

The adapters are the real ones and so is the HTTP; the documents are in ``tests/data``. A method of
an adapter that makes a request has a row here, or a reason why no document can judge it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import attrs
import openapi_core
import pytest

from polysms.message import Message
from polysms.providers import REGISTRY, load
from polysms.providers.base import Query, Request, Response
from polysms.providers.signalwire import SignalWireOptions
from polysms.providers.signalwire import filters as signalwire_filters
from polysms.providers.signalwire.compat import SignalWireCompatOptions
from polysms.providers.twilio import FILTERS as TWILIO_FILTERS
from polysms.providers.twilio import TwilioOptions
from polysms.providers.wavix import WavixOptions
from polysms.providers.wavix import filters as wavix_filters
from polysms.providers.wavix import optouts as wavix_optouts
from polysms.routing.services import SERVICES
from polysms.services import NewSender
from tests.openapi import Document, Operation, Undocumented
from tests.sandbox.conftest import (
    ACCOUNT,
    PROJECT,
    Answer,
    House,
    basic,
    house,
    only_house,
)

__all__ = ["house", "only_house"]

US, GB, PICTURE = "+13135550123", "+447700900123", "https://example.com/menu.png"
SENDER, WORDS = "+15559876543", "Your table is ready ☺"
HOOK = "https://example.com/status?account=a"
SINCE, UNTIL = datetime(2026, 4, 14, 11, tzinfo=UTC), datetime(2026, 4, 15, 13, tzinfo=UTC)
#: An id that no provider gives: it is asked for as it is.
STRANGE = "a?b=c#d é"

SETTINGS: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "wavix-key"},
    "signalwire": {"space": "example", "project_id": PROJECT, "api_token": "PTtoken"},
}
SETTINGS |= {
    "signalwire-compat": SETTINGS["signalwire"],
    "twilio": {"account_sid": ACCOUNT, "auth_token": "twilio-token"},
}


@cache
def document(name: str, hyphen: str = "-") -> Document:
    """Return a document, which is read once."""
    return Document(name, hyphen)


def judge(provider: str, method: str) -> Document:
    """Return the document that a method's requests are judged by."""
    both = provider == "signalwire-compat" and method in ("number", "senders", "sender")
    return document("signalwire" if both else provider)


@attrs.frozen
class Known:
    """What is in the sandbox, so that it can be asked for."""

    house: House
    message: str = ""
    sender: str = ""
    short_code: str = ""

    @property
    def home(self) -> str:
        """Where the sandbox is."""
        return self.house.sandbox.url


Build = Callable[[Any, Known], Request]


def sent(**changes: Any) -> Build:
    """Return what builds a send."""
    given: dict[str, Any] = {"to": US, "text": WORDS, "from_": SENDER, **changes}
    return lambda adapter, _: adapter.request(Message(**given), "reference-1")


def listed(**changes: Any) -> Build:
    """Return what builds a list."""
    return lambda adapter, known: adapter.list_request(_query(known, **changes))


def exported(**changes: Any) -> Build:
    """Return what builds an export."""
    return lambda adapter, known: adapter.export_request(_query(known, **changes))


def _query(known: Known, filters: Mapping[str, str] | None = None, **changes: Any) -> Query:
    """Return a query; where a filter names a page, it is the one after the message known."""
    found = {name: value.format(message=known.message) for name, value in (filters or {}).items()}
    return Query(filters=found, **changes)


def asked(method: str, *wanted: Any) -> Build:
    """Return what calls a method with these words."""
    return lambda adapter, _: getattr(adapter, f"{method}_request")(*wanted)


def of(method: str, what: str = "message") -> Build:
    """Return what calls a method with an id that is known."""
    return lambda adapter, known: getattr(adapter, f"{method}_request")(getattr(known, what))


def next_page(query: str) -> Build:
    """Return what asks for the list that follows a page of senders, as the adapter reads it."""

    def build(adapter: Any, known: Known) -> Request:
        first = adapter.senders_request()
        first = attrs.evolve(first, url=first.url.partition("?")[0] + query)
        page = adapter.read_senders(response(carried(known.house, first)))
        assert page.following
        following: Request = adapter.senders_request(page.following)
        return following

    return build


#: By the filter: a value that it takes. Each stands in a request of its own.
IN_LIST = {
    "type": "outbound",
    "from": "+1 313 555 0100",
    "to": US,
    "status": "dlr_expired",
    "tag": "Fall sale",
    "message_type": "mms",
    "sent_after": "2026-04-14",
    "sent_before": "2026-04-15",
    "page": "2",
    "per_page": "100",
}
MOMENTS = {"sent_after": "2026-04-14T12:00:00", "sent_before": "2026-04-15T12:00:00"}
IN_EXPORT = {**{k: v for k, v in IN_LIST.items() if k not in ("page", "per_page")}, **MOMENTS}
OF_OPTOUTS = {
    "sender_id": "Acme",
    "campaign_id": "C123456",
    "created_after": "2026-04-14",
    "created_before": "2026-04-15",
    "page": "1",
    "per_page": "100",
}
OF_LOGS = {
    "include_deleted": "true",
    "created_before": "2026-04-15",
    "created_on": "2026-04-14T12:00:00Z",
    "created_after": "2026-04-14",
    "page_size": "1000",
    "page_number": "0",
    "page_token": "PA{message}",
}
OF_MESSAGES = {
    "To": US,
    "From": SENDER,
    "Status": "undelivered",
    "DateSent": "2026-04-14",
    "DateSent<": "2026-04-15",
    "DateSent>": "2026-04-14",
    "Page": "0",
    "PageSize": "1000",
    "PageToken": "PA{message}",
}
OF_TWILIO = {name: OF_MESSAGES[name] for name in OF_MESSAGES if name != "Status"}
FILTERS: list[tuple[Mapping[str, Any], Mapping[str, str]]] = [
    (wavix_filters.IN_LIST, IN_LIST),
    (wavix_filters.IN_EXPORT, IN_EXPORT),
    (wavix_optouts.FILTERS, OF_OPTOUTS),
    (signalwire_filters.OF_LOGS, OF_LOGS),
    (signalwire_filters.OF_MESSAGES, OF_MESSAGES),
    (TWILIO_FILTERS, OF_TWILIO),
]
QUERY: dict[str, dict[str, Any]] = {
    "nothing": {},
    "all": {
        "to": US,
        "from_": SENDER,
        "since": SINCE,
        "until": UNTIL,
        "reference": "r",
        "page_size": 5000,
    },
    "times": {"since": SINCE, "until": UNTIL, "page_size": 0},
    "inbound": {"direction": "inbound"},
}


def each(build: Callable[..., Build], filters: Mapping[str, str]) -> dict[str, Build]:
    """Return a request for each way to ask and for each filter, alone."""
    said = {f"by {name}": build(filters={name: filters[name]}) for name in filters}
    return {**{name: build(**wanted) for name, wanted in QUERY.items()}, **said}


#: By provider and method: requests, and what they are called.
ROWS: dict[str, dict[str, dict[str, Build]]] = {
    "wavix": {
        "": {
            "little": sent(text="a"),
            "much": sent(
                media=[PICTURE] * 5,
                status_callback=HOOK,
                valid_for=3600,
                options={"wavix": WavixOptions(tag="Fall sale")},
            ),
            "from a name": sent(to=GB, from_="Acme"),
            "long": sent(text="ж" * 670),
        },
        "fetch": {"known": of("fetch"), "strange": asked("fetch", STRANGE)},
        "list": each(listed, IN_LIST),
        "export": each(exported, IN_EXPORT),
        "check": {"": asked("check")},
        "balance": {"": asked("balance")},
        "senders": {"": asked("senders")},
        "sender": {"known": of("sender", "sender")},
        "new_sender": {
            "little": asked(
                "new_sender", NewSender(sender="Acme", countries=["GB"], usecase="promo")
            ),
            "much": asked(
                "new_sender",
                NewSender(
                    sender=US,
                    countries=["US", "CA"],
                    usecase="transactional",
                    monthly_volume=100_001,
                    samples=["Your table is ready", WORDS],
                ),
            ),
        },
        "drop_sender": {"known": of("drop_sender", "sender")},
        "optout": {"": asked("optout", US)},
        "optouts": {
            "all": asked("optouts"),
            **{f"by {name}": asked("optouts", {name: OF_OPTOUTS[name]}) for name in OF_OPTOUTS},
        },
    },
    "signalwire": {
        "": {
            "little": sent(text="a"),
            "much": sent(
                media=[PICTURE] * 8,
                status_callback=HOOK,
                options={
                    "signalwire": SignalWireOptions(
                        send_as_mms=True, custom_variables={f"v{one}": "é" for one in range(20)}
                    )
                },
            ),
            "pictures alone": sent(text="", media=[PICTURE]),
            "short numbers": sent(to="988", from_="12345"),
        },
        "fetch": {"known": of("fetch"), "strange": asked("fetch", STRANGE)},
        "list": each(listed, OF_LOGS),
        "check": {"": asked("check")},
        "redact": {"known": of("redact")},
        "number": {"": asked("number", US)},
        "senders": {
            "numbers": asked("senders"),
            "next page": next_page("?page_size=1"),
            "short codes": next_page("?page_size=1000"),
        },
        "sender": {"number": of("sender", "sender"), "short code": of("sender", "short_code")},
    },
    "signalwire-compat": {
        "": {
            "little": sent(text="a"),
            "much": sent(
                media=[PICTURE] * 8,
                status_callback=HOOK,
                valid_for=172_800,
                options={
                    "signalwire-compat": SignalWireCompatOptions(
                        max_price=Decimal("0.5"), send_as_mms=True
                    )
                },
            ),
            "pictures alone": sent(text="", media=[PICTURE]),
        },
        "fetch": {"known": of("fetch")},
        "list": each(listed, OF_MESSAGES),
        "check": {"": asked("check")},
        "redact": {"known": of("redact")},
    },
}
ROWS["twilio"] = {
    "": {
        "little": sent(text="a"),
        "much": sent(
            media=[PICTURE] * 10,
            status_callback=HOOK,
            valid_for=36_000,
            options={
                "twilio": TwilioOptions(
                    messaging_service_sid="MG" + "a" * 32,
                    max_price=Decimal("0.5"),
                    send_as_mms=True,
                    smart_encoded=True,
                )
            },
        ),
        "pictures alone": sent(text="", media=[PICTURE]),
        "from a name": sent(to=GB, from_="Acme"),
        "from a short code": sent(from_="12345"),
    },
    "fetch": {"known": of("fetch")},
    "list": each(listed, OF_TWILIO),
    "check": {"": asked("check")},
    "redact": {"known": of("redact")},
    "balance": {"": asked("balance")},
    "number": {"": asked("number", US)},
    "senders": {
        "numbers": asked("senders"),
        "next page": next_page("?PageSize=1"),
        "short codes": next_page("?PageSize=1000"),
    },
    "sender": {"number": of("sender", "sender"), "short code": of("sender", "short_code")},
}
ROWS["signalwire-compat"] |= {
    method: ROWS["signalwire"][method] for method in ("number", "senders", "sender")
}

#: What makes a request, and why no document with a schema judges it.
NO_SCHEMA: dict[tuple[str, str], str] = {
    ("wavix", "restrictions"): "in the guide of seed 000 alone, which has an example and no schema",
    **{
        ("carrierx", method): "CarrierX publishes pages with examples, and no schema"
        for method in (
            *("", "fetch", "list", "check", "token", "identity"),
            *("number", "senders", "sender", "details", "detail"),
        )
    },
}


def methods(provider: str) -> set[str]:
    """Return what of an adapter makes a request; the send has no name."""
    found = (name for name in dir(load(provider)) if name.endswith("_request"))
    return {"", *(name.removesuffix("_request") for name in found)}


def test_every_request_has_a_row() -> None:
    """A method that makes a request is judged by a document, or stands where the reason does."""
    rows = {(provider, method) for provider, found in ROWS.items() for method in found}
    made = {(provider, method) for provider in REGISTRY for method in methods(provider)}

    assert made == rows | set(NO_SCHEMA)
    assert not rows & set(NO_SCHEMA)
    assert all(NO_SCHEMA.values())


def test_every_service_makes_a_request_here() -> None:
    """No service is asked for by another way than a method that is looked at."""
    made = {method for provider in REGISTRY for method in methods(provider)}

    assert set(SERVICES) <= made


@pytest.mark.parametrize(("known", "tried"), FILTERS)
def test_every_filter_has_a_value(known: Mapping[str, Any], tried: Mapping[str, str]) -> None:
    """A filter that joins is tried."""
    assert set(known) == set(tried)


def adapter_of(provider: str, home: str, **changes: str) -> Any:
    """Return the real adapter, for an account at the sandbox."""
    kind: Any = load(provider)
    return kind(kind.Settings(**{**SETTINGS[provider], **changes}), home)


@pytest.mark.parametrize("provider", sorted(ROWS))
def test_home(provider: str) -> None:
    """Without a sandbox the requests go to the server that the document names."""
    settings = load(provider).Settings(**SETTINGS[provider])

    assert document(provider).server == settings.home


def response(answer: Answer) -> Response:
    """Return an answer as adapters read it."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status, headers, answer.body)


def carried(house: House, request: Request, **headers: str) -> Answer:
    """Return the sandbox's answer to a request as the adapter made it."""
    path = request.url.removeprefix(house.sandbox.url)
    given = {**request.headers, **headers}
    return house.ask(request.method, path, request.content or None, given)


def known_to(provider: str, house: House) -> Known:
    """Return what is known to a provider: a message at its end, a sender, a short code."""
    adapter, known = adapter_of(provider, house.sandbox.url), Known(house)
    answer = carried(house, adapter.request(Message(US, WORDS, from_=SENDER), "r"))
    message = adapter.read(response(answer)).record.provider_id
    if provider == "wavix":
        new = NewSender(sender="Acme", countries=["GB"], usecase="promo")
        found = adapter.read_new_sender(response(carried(house, adapter.new_sender_request(new))))
        senders = [found.id, ""]
    else:
        first = adapter.read_senders(response(carried(house, adapter.senders_request())))
        rest = adapter.senders_request(first.following)
        codes = adapter.read_senders(response(carried(house, rest)))
        senders = [first.items[0].id, codes.items[0].id]
    house.settle()
    return attrs.evolve(known, message=message, sender=senders[0], short_code=senders[1])


def cases() -> Iterator[Any]:
    """Yield each request of each row."""
    for provider, found in ROWS.items():
        for method, builds in found.items():
            for name, build in builds.items():
                label = "-".join(filter(None, (provider, method or "send", name)))
                yield pytest.param(provider, method, build, id=label)


@pytest.mark.parametrize(("provider", "method", "build"), list(cases()))
def test_request_and_answer(house: House, provider: str, method: str, build: Build) -> None:
    """The request keeps to the document, and so does the sandbox's answer, which is a good one."""
    known, published = known_to(provider, house), judge(provider, method)
    request = build(adapter_of(provider, known.home), known)
    operation = published.check_request(request, known.home)
    answer = carried(house, request)

    # Only what is strange is not there.
    assert (quote(STRANGE, safe="") in request.url) is (answer.status == 404)
    assert answer.status in (200, 201, 204, 404)
    assert published.declares(operation, answer.status)
    published.check_answer(request, known.home, answer)


@pytest.mark.parametrize("method", ["senders", "sender", "new_sender", "drop_sender", "optouts"])
def test_older_paths(house: House, method: str) -> None:
    """An account that spells paths with underscores keeps to the document's earlier editions."""
    known = known_to("wavix", house)
    adapter = adapter_of("wavix", known.home, paths="underscores")
    for build in ROWS["wavix"][method].values():
        request = build(adapter, known)
        assert method == document("wavix", "_").check_request(request, known.home).identity
        assert "-" not in request.url.partition("?")[0].removesuffix(known.sender)


@pytest.mark.parametrize("name", [name for name in ROWS["signalwire"][""] if name != "much"])
def test_own_document_of_sending(house: House, name: str) -> None:
    """SignalWire's own document of sending, word for word: it has no custom variables yet."""
    published, known = document("signalwire-create-message"), Known(house)
    adapter = adapter_of("signalwire", known.home)
    request = ROWS["signalwire"][""][name](adapter, known)
    published.check_request(request, known.home)

    published.check_answer(request, known.home, carried(house, request))
    with pytest.raises(openapi_core.exceptions.OpenAPIError):
        published.check_request(ROWS["signalwire"][""]["much"](adapter, known), known.home)


def test_smart_encoding_is_beyond_the_document(house: House) -> None:
    """It is named by Wavix' error 41 alone, so it is sent only when it is asked for."""
    known = Known(house)
    build = sent(options={"wavix": WavixOptions(smart_encoding=True)})
    with pytest.raises(openapi_core.exceptions.OpenAPIError):
        document("wavix").check_request(build(adapter_of("wavix", known.home), known), known.home)


#: What the sandbox answers that the document of the operation does not have: how busy it is, that a
#: key may not do this, that it broke down. Every one of them is a guess, and said to be one there.
UNDECLARED: dict[tuple[str, str], set[int]] = {
    ("wavix", ""): {500, 503},
    **{("signalwire", method): {403} for method in ROWS["signalwire"] if method != "number"},
    ("signalwire", ""): {403, 429, 503},
    **{("signalwire-compat", method): {403} for method in ROWS["signalwire-compat"]},
    ("signalwire-compat", ""): {403, 429, 500, 503},
    ("signalwire-compat", "list"): {400, 403},
    ("signalwire-compat", "check"): {400, 403},
    ("signalwire-compat", "redact"): {400, 403},
}
del UNDECLARED["signalwire-compat", "number"]
#: Numbers whose last digits ask for another answer to a send (see the sandbox).
MAGIC = ("0105", "0106", "0107", "0108", "0109", "0111", "0112")


def refusals(house: House, provider: str, method: str) -> Iterator[tuple[Request, Answer]]:
    """Yield requests of a method that are refused, each for another reason, and the answers."""
    known = known_to(provider, house)
    adapter = adapter_of(provider, known.home)
    request = next(iter(ROWS[provider][method].values()))(adapter, known)
    for credential in ("invalid", "noscope"):
        value = request.headers["Authorization"].partition(" ")[0]
        secret = basic(ACCOUNT, credential) if value == "Basic" else f"Bearer {credential}"
        yield request, carried(house, request, Authorization=secret)
    if request.content:
        yield request, carried(house, attrs.evolve(request, content=b"{}"))
        yield request, carried(house, attrs.evolve(request, content=b"\xff"))
    if "?" in request.url:
        wrong = attrs.evolve(request, url=request.url.partition("?")[0] + "?" + BAD_QUERY)
        yield request, carried(house, wrong)
    if known.message in request.url or known.sender in request.url:
        gone = NOBODY.get(provider, str(UUID(int=0)))
        prefix = known.sender[:2] if known.sender in request.url else known.message[:2]
        url = request.url.replace(known.sender, gone.format(prefix))
        url = url.replace(known.message, gone.format(prefix))
        yield request, carried(house, attrs.evolve(request, url=url))
    if method == "redact":
        fresh = carried(house, adapter.request(Message(US, WORDS, from_=SENDER), "r"))
        identity = adapter.read(response(fresh)).record.provider_id
        yield request, carried(house, adapter.redact_request(identity))
    if method == "":
        for digits in MAGIC:
            told = sent(to=f"+1313555{digits}")(adapter, known)
            yield told, carried(house, told)
        house.behave(provider=provider.partition("-")[0], mode="refuse")
        yield request, carried(house, request)


#: What is no page, no day and no truth anywhere.
BAD_QUERY = "page=0&per_page=0&type=outbound&page_size=0&PageSize=0&DateSent=soon"
NOBODY = {"twilio": "{}" + "0" * 32}


@pytest.mark.parametrize(
    ("provider", "method"),
    [pytest.param(p, m, id=f"{p}-{m or 'send'}") for p, found in ROWS.items() for m in found],
)
def test_refusals(house: House, provider: str, method: str) -> None:
    """What the sandbox refuses it refuses as the document says, or it is in the list above."""
    published, undeclared, refused = judge(provider, method), set(), 0
    for request, answer in refusals(house, provider, method):
        operation: Operation = published.operation(request, house.sandbox.url)
        if answer.status < 300:
            continue
        refused += 1
        if published.declares(operation, answer.status):
            published.check_answer(request, house.sandbox.url, answer)
        else:
            undeclared.add(answer.status)

    assert refused
    assert UNDECLARED.get((provider, method), set()) == undeclared


Change = Callable[[Request], Request]
BROKEN: dict[str, Change] = {
    "path": lambda one: attrs.evolve(one, url=one.url.replace("/messages", "/message")),
    "method": lambda one: attrs.evolve(one, method="PUT"),
    "query": lambda one: attrs.evolve(one, url=f"{one.url}?appid=wavix-key"),
    "accept": lambda one: attrs.evolve(one, headers={**one.headers, "Accept": "text/html"}),
    "credential": lambda one: attrs.evolve(one, headers=_without(one, "Authorization")),
    "content type": lambda one: attrs.evolve(one, headers=_without(one, "Content-Type")),
    "missing": lambda one: attrs.evolve(one, content=one.content.replace(b'"to"', b'"too"')),
    "wrong": lambda one: attrs.evolve(one, content=one.content.replace(b"null", b"7")),
    "more": lambda one: attrs.evolve(one, content=one.content.replace(b"{", b'{"a":1,', 1)),
}


def _without(request: Request, name: str) -> dict[str, str]:
    return {key: value for key, value in request.headers.items() if key != name}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_broken_requests_are_seen(house: House, change: Change) -> None:
    """A request that breaks one thing does not keep to the document."""
    known = Known(house)
    request = sent()(adapter_of("wavix", known.home), known)
    document("wavix").check_request(request, known.home)
    with pytest.raises((Undocumented, openapi_core.exceptions.OpenAPIError)):
        document("wavix").check_request(change(request), known.home)


@pytest.mark.parametrize(
    ("provider", "old", "new"),
    [
        ("wavix", b'"status":"accepted"', b'"status":"on its way"'),
        ("wavix", b'"segments":1', b'"segments":"1"'),
        ("wavix", b'"charge"', b'"price"'),
        ("wavix", b'{"message_id"', b'["message_id"'),
        ("wavix", b'"media":[]', b'"media":[7]'),
        ("signalwire", b'"kind":"sms",', b""),
        ("signalwire", b'"project_id":"', b'"project_id":"no-uuid-'),
        ("signalwire", b'"created_at":"', b'"created_at":"at '),
        ("signalwire-compat", b'"num_media":"0"', b'"num_media":0'),
        ("twilio", b'"sid":"SM', b'"sid":"'),
    ],
)
def test_broken_answers_are_seen(house: House, provider: str, old: bytes, new: bytes) -> None:
    """An answer that breaks one thing does not keep to the document."""
    known, published = Known(house), document(provider)
    request = sent()(adapter_of(provider, known.home), known)
    answer = carried(house, request)
    published.check_answer(request, known.home, answer)
    assert old in answer.body
    broken = attrs.evolve(answer, body=answer.body.replace(old, new))
    with pytest.raises(openapi_core.exceptions.OpenAPIError):
        published.check_answer(request, known.home, broken)
