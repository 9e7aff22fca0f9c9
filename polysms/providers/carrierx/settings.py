"""What a CarrierX account needs, and what only CarrierX has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import attrs
from attrs.validators import in_, instance_of, optional

from polysms import numbers
from polysms.errors import InvalidMessage
from polysms.providers import base

BASE_URL = "https://api.carrierx.com/core/v2"


@attrs.frozen(kw_only=True)
class CarrierXSettings:
    """A CarrierX account: a ``token``, or what tokens are given for.

    That is ``client_id`` and ``client_secret`` with ``username`` and ``password``. Old accounts may
    still have ``username`` and ``password`` alone.
    """

    home: ClassVar[str] = BASE_URL
    url_forms: ClassVar[base.UrlForms] = (("token",), ("username", "password"))
    token: str | None = base.optional_secret()
    username: str | None = None
    password: str | None = base.optional_secret()
    client_id: str | None = None
    client_secret: str | None = base.optional_secret()

    def __attrs_post_init__(self) -> None:
        user = self.username and self.password
        if not self.token and not user:
            raise ValueError("token: is missing; give token, or username and password")
        if not self.client_id and not self.client_secret:
            return
        if self.token:
            raise ValueError("token: stands beside client_id; give one or the other")
        if not (self.client_id and self.client_secret):
            raise ValueError("client_id: give client_id and client_secret, or neither")


def _group(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise InvalidMessage("group_recipients: is one str; write a list", field="options")
    return tuple(numbers.recipient(number) for number in value)


@attrs.frozen(kw_only=True)
class CarrierXOptions:
    """What only CarrierX has.

    ``group_recipients`` makes one group MMS of it (at most ten numbers, the sender included);
    ``type`` says "sms" or "mms" outright; ``user_data`` replaces our reference on the wire, so an
    unclear send can be found less surely.
    """

    group_recipients: tuple[str, ...] = attrs.field(default=(), converter=_group, repr=False)
    type: str | None = attrs.field(default=None, validator=optional(in_(("sms", "mms"))))
    user_data: str | None = base.in_place_of_reference(validator=optional(instance_of(str)))
