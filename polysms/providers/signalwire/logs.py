"""The logs of messages, and their redaction (TypeSpec of 2026-08-21)."""

from __future__ import annotations

import attrs

from polysms.providers import base, lists, reading
from polysms.providers.base import Answer, Page, Query, Request, Response
from polysms.providers.signalwire import filters
from polysms.providers.signalwire.account import SignalWireAccount
from polysms.providers.signalwire.records import No, record, redacted, refusal


class Logs(SignalWireAccount):
    """The part of the adapter that reads messages back, and has their texts forgotten."""

    @property
    def _logs(self) -> str:
        return f"{self._base}/api/messaging/logs"

    @property
    def _url(self) -> str:
        return f"{self._base}/api/messaging/messages"

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET /api/messaging/logs/{id}``: there is no GET on messages."""
        return Request("GET", f"{self._logs}/{base.escaped(provider_id)}", self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET /api/messaging/logs``, which filters by time only.

        Raises ConfigError for a filter that it does not have.
        """
        own = lists.spelled(query.filters, filters.OF_LOGS)
        if query.cursor:
            return Request("GET", query.cursor, self._read)
        wanted = {
            "created_after": query.since.isoformat() if query.since else None,
            "created_before": query.until.isoformat() if query.until else None,
            "page_size": lists.page_size(query.page_size, filters.MOST_PER_PAGE),
            **own,
        }
        return Request("GET", base.address(self._logs, wanted), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page, and the query for the one that its ``links.next`` leads to."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("data"), list):
            return refusal(response, data)
        records = tuple(record(item) for item in reading.objects(data["data"]))
        here = self.list_request(query).url
        target = lists.followed(reading.mapping(data.get("links")).get("next"), here)
        return Page(records, attrs.evolve(query, cursor=target) if target else None)

    def check_request(self) -> Request:
        """Return ``GET /api/messaging/logs?page_size=1``, which shows the credentials are good."""
        return Request("GET", f"{self._logs}?page_size=1", self._read)

    def redact_request(self, provider_id: str) -> Request:
        """Return ``PATCH /api/messaging/messages/{id}`` with an empty body: nothing else is taken.

        Only a message at its end can be redacted, and it cannot be undone.
        """
        url = f"{self._url}/{base.escaped(provider_id)}"
        headers = {**self._read, "Content-Type": base.JSON}
        return Request("PATCH", url, headers, reading.dumps({"body": ""}))

    def read_redact(self, response: Response, _: object = None) -> No | None:
        """Return what is wrong, None where the text is gone."""
        return redacted(response, reading.mapping(reading.loads(response)), "id")
