"""The numbers that Wavix itself sends nothing to (OpenAPI; seed 000 has another form)."""

from __future__ import annotations

from collections.abc import Mapping

from polysms import numbers
from polysms.providers import base, lists, reading
from polysms.providers.base import Answer, Busy, Refused, Request, Response, Unclear
from polysms.providers.wavix import filters
from polysms.providers.wavix.account import WavixAccount
from polysms.providers.wavix.records import refusal, says_no
from polysms.services import Listed, RemoteOptOut

#: What the list of opt-outs can be filtered by.
FILTERS: lists.Filters = {
    "sender_id": filters.sender,
    "campaign_id": lists.text,
    "created_after": filters.day,
    "created_before": filters.day,
    "page": filters.page,
    "per_page": filters.per_page,
}


class OptOuts(WavixAccount):
    """The part of the adapter that knows opt-outs."""

    def optout_request(self, number: str) -> Request:
        """Return ``POST /v3/messages/opt-outs``: for all senders, where none is named."""
        digits = numbers.digits(number)
        flat, wrapped = {"phone_number": digits}, {"opt_out": {"number": digits}}
        body = flat if self._settings.optout_body == "flat" else wrapped
        return Request("POST", self._below("opt", "outs"), self._write, reading.dumps(body))

    def read_optout(self, response: Response) -> Answer | None:
        """Return what is wrong; None for a 201 (OpenAPI) or an empty 204 (seed 000)."""
        data = reading.mapping(reading.loads(response))
        return None if response.ok and not says_no(data) else refusal(response, data)

    def optouts_request(self, wanted: Mapping[str, str] | None = None) -> Request:
        """Return ``GET /v3/messages/opt-outs``; ``wanted`` are filters in Wavix's words."""
        spelled = lists.spelled(wanted or {}, FILTERS)
        filters.require_order(spelled, "created_after", "created_before")
        query = {"per_page": str(filters.MOST_PER_PAGE), **spelled}
        return Request("GET", base.address(self._below("opt", "outs"), query), self._read)

    def read_optouts(
        self, response: Response, wanted: Mapping[str, str] | None = None
    ) -> Listed | Refused | Busy | Unclear:
        """Return one page of opt-outs, and the filters of the next one."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or says_no(data) or not isinstance(data.get("items"), list):
            return refusal(response, data)
        page = filters.following(data, (wanted or {}).get("page"))
        following = None if page is None else {**(wanted or {}), "page": page}
        found = (_optout(item) for item in reading.objects(data["items"]))
        return Listed(tuple(one for one in found if one is not None), following)


def _optout(data: dict[str, object]) -> RemoteOptOut | None:
    number = reading.plus(reading.word(data.get("phone_number")))
    if not number:
        return None
    return RemoteOptOut(
        number=number,
        sender=reading.plus(reading.word(data.get("sender_id"))) or None,
        created_at=reading.moment(data.get("created_at")),
        raw=data,
    )
