"""What an adapter asks for: the same for the same message, at the account's address, in order."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from polysms.errors import InvalidMessage, NotSent, Unsupported
from polysms.providers.base import Query, Request
from polysms.testing.contract.bodies import at, places, said
from polysms.testing.contract.example import PICTURE, REFERENCE
from polysms.testing.contract.subject import (
    TO,
    Finding,
    Subject,
    Unwritten,
    raised,
    rule,
    unless,
    unlike,
)

#: An id that needs no escaping.
PLAIN = "plain-id-4711"
ELSEWHERE = "http://127.0.0.1:9/somewhere"
#: Ids that an answer, a webhook or a caller may bring.
HOSTILE = (
    "a/b",
    "../../elsewhere",
    "//evil.example/x",
    "@evil.example",
    "?x=1",
    "a#b",
    "a b",
    "a\r\nHost: evil.example",
    "a\\b",
    "ü☺",
    "\ud800",
    "%2e%2e%2f",
    ".." + "/.." * 20,
)
TEXTS = (
    "Your table is ready",
    " blanks, twice:  ",
    "quotes \" and \\ and '",
    "<b>&amp; + %20",
    "two\nlines",
    "ü ☺ 👩‍👩‍👧",
    "=1+1",
    "null",
)
SENDERS = ("+13135550100", "13135550100", "(313) 555-0100", "12345", "Acme", "Acme & Søn", "0")
RECIPIENTS = ("+13135550123", "+1 (313) 555-0123", "+442079460958", "+491512345678", "988", "12345")


@rule("What the document does not know is dropped without a word, or refused.", reads=True)
def a_send_is_spelled_as_documented(subject: Subject) -> Iterator[Finding]:
    """Sender, recipient, text and media stand in the request as the provider's document says."""
    row, request = subject.row, subject.request(**subject.pictured)
    yield from unlike("the method and URL of a send", ("POST", row.path), _line(request))
    yield from unlike("its Content-Type", row.content_type, request.headers.get("Content-Type"))
    yield from unlike("its body", row.spelled, said(request))


def _line(request: Request) -> tuple[str, str]:
    return request.method, request.url


@rule("To some providers even an empty list of media makes an MMS, which costs more.")
def a_text_alone_has_no_media(subject: Subject) -> Iterator[Finding]:
    """Without media a request has nothing where the pictures would stand, or null."""
    if not subject.pictured:
        raise Unwritten(f"{subject.title} takes no media: there is nothing to try")
    plain, mms = said(subject.request()), said(subject.request(**subject.pictured))
    for place in places(mms):
        if at(mms, place) in (PICTURE, [PICTURE]) and place in set(places(plain)):
            found = at(plain, place)
            yield from unless(found is None, f"the field {place[-1]!r} of a text", found, "null")


@rule("A retry must be the same request: the provider, or we, tell copies apart by it.")
def equal_messages_make_equal_requests(subject: Subject) -> Iterator[Finding]:
    """A request depends on the message, the reference and the account, and on nothing else."""
    adapter = subject.adapter()
    first, other = (_said(adapter.request(subject.message(), REFERENCE)) for _ in range(2))
    third = _said(subject.adapter().request(subject.message(), REFERENCE))
    yield from unlike("the same message, asked for again", first, other)
    yield from unlike("the same message, of another adapter", first, third)


def _said(request: Request) -> tuple[str, str, dict[str, str], bytes]:
    return request.method, request.url, dict(request.headers), request.content


@rule("People read what arrives: a text that was bent is not what was said.", reads=True)
def a_text_arrives_as_it_was_written(subject: Subject) -> Iterator[Finding]:
    """Whatever a message may say stands in the request unchanged."""
    for text in TEXTS:
        body = at(said(subject.request(text=text)), subject.row.text_at)
        yield from unlike(f"the text {text!r}", text, body)


@rule("Whoever writes a number in another way gets a sentence, or a message: never a crash.")
def no_form_of_a_number_is_a_crash(subject: Subject) -> Iterator[Finding]:
    """A request is made for every form of number, or Unsupported says why there is none."""
    forms = [{"from_": sender} for sender in SENDERS] + [{"to": number} for number in RECIPIENTS]
    for form in forms:
        try:
            subject.request(**form)
        except NotSent:
            continue
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            yield Finding(f"a message with {form}", raised(error), "a request, or Unsupported")


@rule("A sandbox, a region and a proxy are reached by it; and credentials go nowhere else.")
def every_request_goes_to_the_accounts_address(subject: Subject) -> Iterator[Finding]:
    """Every request, for any id, goes to the base URL that the account was given."""
    for case, request in asked(subject, ELSEWHERE):
        yield from unlike(f"the address of {case}", ELSEWHERE, _base(request.url))


def _base(url: str) -> str:
    return ELSEWHERE if url.startswith(f"{ELSEWHERE}/") else url


@rule("An id comes from outside: as a part of a path it could name another thing to be asked for.")
def ids_are_escaped(subject: Subject) -> Iterator[Finding]:
    """A fetch is a GET of one escaped part of the path, whatever the id is."""
    if not hasattr(subject.kind, "fetch_request"):
        return
    adapter = subject.adapter()
    before, _, after = adapter.fetch_request(PLAIN).url.partition(PLAIN)
    for identity in HOSTILE:
        url = adapter.fetch_request(identity).url
        part = url.removeprefix(before).removesuffix(after)
        kept = url.startswith(before) and set("/?# \r\n\\").isdisjoint(part) and part.isascii()
        yield from unless(kept, f"a fetch of {identity!r}", url, "one escaped part of the URL")
    if subject.example is not None and subject.example.fetched is not None:
        request = adapter.fetch_request("a/b")
        yield from unlike("a fetch", ("GET", subject.example.fetched), _line(request))


@rule("URLs are written to logs by every proxy and server on the way.")
def no_secret_stands_in_a_url(subject: Subject) -> Iterator[Finding]:
    """Credentials go in headers or bodies, never in a URL."""
    for case, request in asked(subject):
        shown = [one for one in subject.secrets if one in request.url or quote(one) in request.url]
        yield from unlike(f"secrets in the URL of {case}", 0, len(shown))


def asked(subject: Subject, base_url: str | None = None) -> Iterator[tuple[str, Request]]:
    """Yield every request that an adapter makes, and what it is."""
    adapter = subject.adapter(base_url)
    yield "a send", adapter.request(subject.message(), REFERENCE)
    if subject.pictured:
        pictured = subject.message(**subject.pictured)
        yield "a send with a picture", adapter.request(pictured, REFERENCE)
    if hasattr(adapter, "fetch_request"):
        for identity in (PLAIN, "//evil.example/x", "@evil.example", "../../elsewhere"):
            yield f"a fetch of {identity!r}", adapter.fetch_request(identity)
    if hasattr(adapter, "list_request"):
        for query in (Query(), Query(to=TO, reference=REFERENCE, page_size=5000)):
            yield "a list", adapter.list_request(query)
    if hasattr(adapter, "check_request"):
        yield "a check of the credentials", adapter.check_request()
    token = adapter.token_request() if hasattr(adapter, "token_request") else None
    if token is not None:
        yield "a request for a token", token


@rule("A misspelt option that is dropped in silence is a message that is not what was asked for.")
def a_misspelt_option_is_told(subject: Subject) -> Iterator[Finding]:
    """An option that the provider does not have is an error, and so is one of no known shape."""
    name = subject.kind.name
    for given in ({"colour": "red"}, "text", 7, ["list"]):
        try:
            subject.request(options={name: given})
        except (InvalidMessage, Unsupported):
            continue
        yield Finding(f"options={{{name!r}: {given!r}}}", "nothing", "an InvalidMessage")
