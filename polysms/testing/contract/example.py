"""What the author of an adapter tells of a provider: one row, taken from its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers.base import JSON

#: What the message of :attr:`Example.spelled` has: a picture, and our reference.
PICTURE = "https://example.com/menu.png"
REFERENCE = "reference-1"


@attrs.frozen(kw_only=True)
class Example:
    """What the contract needs to know of one provider.

    ``settings`` make an account, ``secret`` is the canary among them that nothing may show,
    ``sender`` a sender of it. ``path`` is the URL that a send is posted to, ``spelled`` its body
    (JSON or a form, by its ``content_type``) for the text "hi ☺" with one picture, if the provider
    takes any, to +13135550123, ``text_at`` where the text stands in it. ``sent`` is the published
    answer to a send that was taken, ``sent_status`` its HTTP status; ``where`` names its JSON keys
    of id, status, sender ("from") and recipient ("to"), and the direction's where there is one.
    ``statuses`` are the documented words, ``codes`` documented refusals: HTTP status, body, reason.

    Where the adapter lists: ``listed`` is a published page, ``items`` the key of its messages.
    Where it fetches: ``fetched`` is the URL for the id "a/b". Where it hears webhooks: ``heard``
    are the fields of a published report (JSON or a form, by ``heard_type``), ``heard_at`` where the
    status stands in them.
    """

    settings: Mapping[str, Any] = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)
    sender: str
    path: str
    spelled: Mapping[str, Any]
    text_at: tuple[str, ...]
    sent: str
    sent_status: int
    where: Mapping[str, str]
    statuses: Mapping[str, Status]
    codes: tuple[tuple[int, object, Reason], ...] = ()
    listed: str | None = None
    items: str | None = None
    fetched: str | None = None
    heard: Mapping[str, Any] | None = None
    heard_type: str = JSON
    heard_at: tuple[str, ...] = ("status",)
    content_type: str = JSON
