"""Wavix's own lists of messages: page by page, or all of them as one stream of lines."""

from __future__ import annotations

import json

import attrs

from polysms import numbers
from polysms.providers import base, reading
from polysms.providers.base import Answer, Page, Query, Record, Request, Response
from polysms.providers.wavix import filters
from polysms.providers.wavix.account import WavixAccount
from polysms.providers.wavix.records import record, refusal

NDJSON = "application/x-ndjson"


class Lists(WavixAccount):
    """The part of the adapter that lists messages."""

    def list_request(self, query: Query) -> Request:
        """Return ``GET /v3/messages``; its ``type`` is the direction, its dates are whole days.

        Raises ConfigError for a filter that Wavix does not have.
        """
        own = filters.of_messages(query.filters, query.direction, filters.IN_LIST)
        wanted = {
            **_wanted(query, filters.DAY),
            "page": "1",
            "per_page": str(min(max(query.page_size, 1), filters.MOST_PER_PAGE)),
            **own,
            **({} if query.cursor is None else {"page": query.cursor}),
        }
        return Request("GET", base.address(self._url, wanted), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page; pages are counted in ``pagination``."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("items"), list):
            return refusal(response, data)
        records = tuple(record(item) for item in reading.objects(data["items"]))
        page = filters.following(data, query.cursor or query.filters.get("page") or "1")
        return Page(records, None if page is None else attrs.evolve(query, cursor=page))

    def export_request(self, query: Query) -> Request:
        """Return ``GET /v3/messages/all``, whose answer is one message a line (OpenAPI)."""
        own = filters.of_messages(query.filters, query.direction, filters.IN_EXPORT)
        wanted = {**_wanted(query, filters.MOMENT), **own}
        url = base.address(f"{self._url}/all", wanted)
        return Request("GET", url, {**self._read, "Accept": f"{NDJSON}, {base.JSON}"})

    def read_export_line(self, line: bytes) -> Record | None:
        """Return the message of one line, None where the line is none."""
        try:
            data = reading.mapping(json.loads(line.decode()))
        except (ValueError, RecursionError):
            return None
        return record(data) if reading.word(data.get("message_id")) else None


def _wanted(query: Query, form: str) -> dict[str, str | None]:
    return {
        "type": query.direction,
        "from": query.from_ and numbers.digits_or_name(query.from_),
        "to": query.to and numbers.digits_or_name(query.to),
        "sent_after": filters.around(query.since, -1, form),
        "sent_before": filters.around(query.until, 1, form),
        "tag": query.reference,
    }
