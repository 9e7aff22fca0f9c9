"""A zoo of bad adapters: for each rule of the contract one parrot with exactly that fault.

Each is the adapter of the page on adding a provider, which keeps every rule, with one mistake that
somebody could make.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from polysms.delivery import Status
from polysms.errors import Reason, Unsupported
from polysms.message import Message
from polysms.providers import reading
from polysms.providers.base import Accepted, Answer, Page, Query, Record, Refused, Request, Response
from polysms.providers.hearing import Heard, WebhookRequest, json_object, need
from polysms.providers.limits import check
from polysms.providers.outcome import accepted
from polysms.testing.contract import Example
from tests.testing import parrot

Parrot: Any = parrot.MODULE.Parrot
_record: Any = parrot.MODULE._record  # noqa: SLF001 - the page's own
_counter = itertools.count()


class Tame(Parrot):  # type: ignore[misc]
    """A parrot that hears webhooks too, and keeps every rule."""

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says."""
        data = json_object(request)
        need(data, "text_id")
        return Heard((self.told(_record(data)),))

    def told(self, record: Record) -> Record:
        """Return what is told of a record in a webhook."""
        return record

    def request(self, message: Message, reference: str) -> Request:
        """Return the request, in which some of the fields may be others."""
        request: Request = super().request(message, reference)
        fields = self.said(json.loads(request.content), message)
        return attrs.evolve(request, content=reading.dumps(fields))

    def said(self, fields: dict[str, Any], message: Message) -> dict[str, Any]:
        """Return the fields of a request for a message."""
        return fields if message.text else {}

    def read(self, response: Response) -> Answer:
        """Return what an answer means, in which the record may be another."""
        answer: Answer = super().read(response)
        return Accepted(self.seen(answer.record)) if isinstance(answer, Accepted) else answer

    def seen(self, record: Record) -> Record:
        """Return what is seen of an accepted message."""
        return record


def _able(**changes: Any) -> Any:
    return attrs.evolve(Parrot.capabilities, **changes)


class Graded(Tame):
    """Grades its look-up in a word of its own."""

    capabilities = _able(lookup="perfect")


@attrs.frozen(kw_only=True)
class CountingSettings(parrot.MODULE.ParrotSettings):  # type: ignore[misc]
    """Settings with a number."""

    retries: int = 3


class Counting(Tame):
    """Has an example that no configuration could say."""

    Settings = CountingSettings


class Plusless(Tame):
    """Leaves the plus of the sender out."""

    def said(self, fields: dict[str, Any], _: Message) -> dict[str, Any]:
        return {**fields, "sender": fields["sender"].removeprefix("+")}


class Framing(Tame):
    """Sends an empty list of pictures with every text."""

    def said(self, fields: dict[str, Any], _: Message) -> dict[str, Any]:
        return {"pictures": [], **fields}


class Nonce(Tame):
    """Adds a number of its own to each request."""

    def request(self, message: Message, reference: str) -> Request:
        request = super().request(message, reference)
        return attrs.evolve(request, headers={**request.headers, "X-Nonce": str(next(_counter))})


class Trimming(Tame):
    """Trims the text."""

    def said(self, fields: dict[str, Any], _: Message) -> dict[str, Any]:
        return {**fields, "message": fields["message"].strip()}


class Homebody(Tame):
    """Knows two countries by heart."""

    def said(self, fields: dict[str, Any], message: Message) -> dict[str, Any]:
        return fields if {"+13": "US", "+44": "GB"}[message.to[:3]] else {}


class Homing(Tame):
    """Checks its credentials at the public address, whatever it was told."""

    def check_request(self) -> Request:
        request: Request = super().check_request()
        return attrs.evolve(request, url=f"{parrot.MODULE.BASE_URL}/v1/me")


class Unescaping(Tame):
    """Puts an id into the URL as it is."""

    def fetch_request(self, provider_id: str) -> Request:
        request: Request = super().fetch_request("")
        return attrs.evolve(request, url=request.url + provider_id)


class Blabbing(Tame):
    """Writes its key into the URL of a list."""

    def __init__(self, settings: Any, base_url: str) -> None:
        super().__init__(settings, base_url)
        self.key = settings.api_key

    def list_request(self, query: Query) -> Request:
        request: Request = super().list_request(query)
        return attrs.evolve(request, url=f"{request.url}&key={self.key}")


class Careless(Tame):
    """Never looks at the options."""

    def request(self, message: Message, reference: str) -> Request:
        return super().request(attrs.evolve(message, options={}), reference)


class ThreePictures(Tame):
    """Takes four pictures and sends three."""

    def said(self, fields: dict[str, Any], _: Message) -> dict[str, Any]:
        if "pictures" not in fields:
            return fields
        return {**fields, "pictures": fields["pictures"][:3]}


class Cutting(Tame):
    """Cuts a long text."""

    def said(self, fields: dict[str, Any], _: Message) -> dict[str, Any]:
        return {**fields, "message": fields["message"][:640]}


class _Boasting(Tame):
    def request(self, message: Message, reference: str) -> Request:
        check(message, Parrot.capabilities)
        return super().request(message, reference)


class NameDropping(_Boasting):
    """Is said to take names as senders, and takes none."""

    capabilities = _able(alphanumeric_senders=True)


class ShortSpoken(_Boasting):
    """Is said to reach short numbers, and reaches none."""

    capabilities = _able(short_numbers=True)


class Forgetful(Tame):
    """Is said to know how long a message is good for, and does not say it."""

    capabilities = _able(validity=True)


class Thrifty(Tame):
    """Throws the provider's own object away."""

    def seen(self, record: Record) -> Record:
        return attrs.evolve(record, raw={})


class Trusting(Tame):
    """Takes any object for an accepted message."""

    def read(self, response: Response) -> Answer:
        data = reading.mapping(reading.loads(response))
        if response.status in {200, 201, 202} and data:
            return Accepted(_record(data))
        return super().read(response)


class Hasty(Tame):
    """Believes an answer that was cut."""

    def read(self, response: Response) -> Answer:
        try:
            data = reading.mapping(json.loads(response.body))
        except (ValueError, RecursionError):
            data = {}
        return accepted(response, _record(data)) if response.ok else super().read(response)


class Gloomy(Tame):
    """Calls what is lost failed."""

    def seen(self, record: Record) -> Record:
        lost = record.raw_status == "lost"
        return attrs.evolve(record, status=Status.FAILED) if lost else record


class Guessing(Tame):
    """Calls a status that it does not know failed."""

    def seen(self, record: Record) -> Record:
        unknown = record.status is Status.UNRECOGNIZED
        return attrs.evolve(record, status=Status.FAILED) if unknown else record


class OneWay(Tame):
    """Never looks at the direction."""

    def seen(self, record: Record) -> Record:
        status = parrot.MODULE.STATUSES.get(record.raw_status, Status.UNRECOGNIZED)
        return attrs.evolve(record, status=status)


class Vague(Tame):
    """Calls every refusal the same."""

    def read(self, response: Response) -> Answer:
        answer = super().read(response)
        if isinstance(answer, Refused) and answer.code:
            return attrs.evolve(answer, reason=Reason.OTHER)
        return answer


class Nullophobic(Tame):
    """Falls over a status that is null."""

    def read(self, response: Response) -> Answer:
        data = reading.mapping(reading.loads(response))
        if "state" in data:
            data["state"].encode()
        return super().read(response)


class Numeric(Tame):
    """Takes the plus from every number."""

    def seen(self, record: Record) -> Record:
        to = record.to
        return attrs.evolve(record, to=to.removeprefix("+") if to else to)


class Sure(Tame):
    """Calls a 500 refused."""

    def read(self, response: Response) -> Answer:
        if response.status == 500:
            return Refused(reason=Reason.OTHER, text="HTTP 500")
        return super().read(response)


class Endless(Tame):
    """Sees another page after each."""

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        page: Page | Answer = super().read_list(response, query)
        if not isinstance(page, Page):
            return page
        return attrs.evolve(page, following=attrs.evolve(query, cursor="2"))


class Empty(Tame):
    """Takes an error for an empty list."""

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        page: Page | Answer = super().read_list(response, query)
        return page if isinstance(page, Page) or response.status != 404 else Page(())


class Following(Tame):
    """Follows whatever link a list has."""

    def list_request(self, query: Query) -> Request:
        if query.cursor and query.cursor.startswith("http"):
            return Request("GET", query.cursor, self._read)
        request: Request = super().list_request(query)
        return request

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        page: Page | Answer = super().read_list(response, query)
        link = reading.word(reading.mapping(reading.loads(response)).get("next"))
        if not isinstance(page, Page) or not link:
            return page
        return attrs.evolve(page, following=attrs.evolve(query, cursor=link))


class Losing(Tame):
    """Drops the reference where there is no picture."""

    def said(self, fields: dict[str, Any], message: Message) -> dict[str, Any]:
        kept = fields if message.media else {**fields, "reference": ""}
        return dict(kept)


class Clocked(Tame):
    """Dates a report by when it comes."""

    def told(self, record: Record) -> Record:
        moment = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=next(_counter))
        return attrs.evolve(record, status_changed_at=moment)


class TwoTongued(Tame):
    """Reads a status in a report otherwise than in an answer."""

    def told(self, record: Record) -> Record:
        lost = record.raw_status == "lost"
        return attrs.evolve(record, status=Status.FAILED) if lost else record


class Frail(Tame):
    """Takes what comes to its webhook for JSON."""

    def events(self, request: WebhookRequest) -> Heard:
        json.loads(request.body)
        return super().events(request)


class Shared(Tame):
    """Keeps the account's address where all accounts have it."""

    place = ""

    def __init__(self, settings: Any, base_url: str) -> None:
        super().__init__(settings, base_url)
        type(self).place = self._url

    def request(self, message: Message, reference: str) -> Request:
        return attrs.evolve(super().request(message, reference), url=type(self).place)


class Open(Tame):
    """Shows all that it has."""

    def __init__(self, settings: Any, base_url: str) -> None:
        super().__init__(settings, base_url)

    def __repr__(self) -> str:
        return f"Open({self._read})"


class Chatty(Tame):
    """Logs its headers."""

    def request(self, message: Message, reference: str) -> Request:
        request: Request = super().request(message, reference)
        logging.getLogger("parrot").debug("asking with %s", dict(request.headers))
        return request


class Explaining(Tame):
    """Explains with its key why it cannot."""

    def __init__(self, settings: Any, base_url: str) -> None:
        super().__init__(settings, base_url)
        self.key = settings.api_key

    def request(self, message: Message, reference: str) -> Request:
        try:
            return super().request(message, reference)
        except Unsupported as error:
            raise Unsupported(f"{error} (with the key {self.key})", reason=error.reason) from error


class Lark(Tame):
    """Sends texts alone, says so, and keeps every rule."""

    capabilities = _able(most_media=0, mms_to="none")


class Magpie(Tame):
    """Takes no media, and is said to send them anywhere."""

    capabilities = _able(most_media=0)


class Crow(Tame):
    """Takes media, and is said to send them nowhere."""

    capabilities = _able(mms_to="none")


#: rule: who breaks it, and nothing else.
ZOO: Mapping[str, type[Any]] = {
    "it_has_the_parts_of_an_adapter": Graded,
    "it_is_configured_by_a_table": Counting,
    "a_send_is_spelled_as_documented": Plusless,
    "a_text_alone_has_no_media": Framing,
    "equal_messages_make_equal_requests": Nonce,
    "a_text_arrives_as_it_was_written": Trimming,
    "no_form_of_a_number_is_a_crash": Homebody,
    "every_request_goes_to_the_accounts_address": Homing,
    "ids_are_escaped": Unescaping,
    "no_secret_stands_in_a_url": Blabbing,
    "a_misspelt_option_is_told": Careless,
    "most_media_is_true": ThreePictures,
    "longest_text_is_true": Cutting,
    "senders_are_as_said": NameDropping,
    "recipients_are_as_said": ShortSpoken,
    "wishes_are_as_said": Forgetful,
    "the_published_answer_is_accepted": Thrifty,
    "success_without_an_id_is_unclear": Trusting,
    "an_answer_that_was_cut_is_unclear": Hasty,
    "every_documented_status_is_known": Gloomy,
    "unknown_status_is_tolerated": Guessing,
    "inbound_is_received": OneWay,
    "every_documented_refusal_has_its_reason": Vague,
    "nothing_in_an_answer_raises": Nullophobic,
    "numbers_of_records_are_e164": Numeric,
    "http_statuses_mean_what_they_say": Sure,
    "the_published_list_is_read": Endless,
    "a_list_that_cannot_be_read_is_no_page": Empty,
    "next_links_stay_at_home": Following,
    "an_exact_lookup_is_kept": Losing,
    "a_report_that_comes_again_is_the_same": Clocked,
    "reports_say_the_documented_statuses": TwoTongued,
    "what_nobody_posts_is_a_bad_payload": Frail,
    "broken_connections_are_told_by_the_evidence": Shared,
    "no_repr_shows_a_secret": Open,
    "no_log_shows_a_secret": Chatty,
    "no_error_shows_a_secret": Explaining,
}

_TEXT = {name: value for name, value in parrot.ROW.spelled.items() if name != "pictures"}


def example(kind: type[Any]) -> Example:
    """Return the example of an animal."""
    if kind is Counting:
        return attrs.evolve(parrot.ROW, settings={**parrot.ROW.settings, "retries": "many"})
    return attrs.evolve(parrot.ROW, spelled=_TEXT) if kind is Lark else parrot.ROW
