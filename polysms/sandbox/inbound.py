"""Messages from phones: what each provider posts when one writes, at once and one time.

``POST /_sandbox/inbound`` of the control API. Sources: Wavix' OpenAPI (``smsInbound``); CarrierX'
page on callbacks, whose body is the SMS object; SignalWire's TypeSpec of the SWML webhook and its
page on cXML messages; Twilio's page "Twilio's request to your incoming message Webhook URL". What
CarrierX writes as the status of a received message is a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from uuid import NAMESPACE_URL, uuid4, uuid5

import attrs
from attrs.validators import deep_iterable, instance_of

from polysms.sandbox.answering import encoded, stamp, stamp_ms
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.counting import segments
from polysms.sandbox.forms import signed
from polysms.sandbox.state import Object

_NUMBER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 &+_-]{1,11}")
_PROJECT = str(uuid5(NAMESPACE_URL, "sandbox"))
_ACCOUNT = f"AC{uuid5(NAMESPACE_URL, 'sandbox').hex}"


def _web_url(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not is_web_url(value):
        raise ValueError(f"{attribute.name}: write an http or https URL")


def _number(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError(f"{attribute.name}: write a number or a name")


@attrs.frozen(kw_only=True)
class Written:
    """What a phone writes: ``url`` is where the provider would tell of it.

    ``key`` signs it: SignalWire's signing key, Twilio's token. Raises ValueError or TypeError for
    a value that makes no sense.
    """

    provider: str
    url: str = attrs.field(validator=_web_url)
    sender: str = attrs.field(validator=_number)
    to: str = attrs.field(validator=_number)
    text: str = attrs.field(default="", validator=instance_of(str))
    media: list[str] = attrs.field(
        factory=list, validator=deep_iterable(_web_url, instance_of(list))
    )
    key: str = attrs.field(repr=False, validator=instance_of(str))

    @property
    def kind(self) -> str:
        """Whether it is an "sms" or an "mms"."""
        return "mms" if self.media else "sms"


def _bare(number: str) -> str:
    return number.removeprefix("+")


def _wavix(said: Written, identity: str, now: float) -> Callback:
    """Return ``smsInbound``: numbers without a plus, null for no media."""
    body = {
        "message_id": identity,
        "from": _bare(said.sender),
        "to": _bare(said.to),
        "message_body": {"text": said.text, "media": said.media or None},
        "received_at": stamp_ms(now),
    }
    return Callback(url=said.url, body=encoded(body))


def _carrierx(said: Written, identity: str, now: float) -> Callback:
    """Return the SMS object of a received message."""
    body = {
        "date_changed": stamp_ms(now),
        "date_created": stamp_ms(now),
        "date_status_changed": stamp_ms(now),
        "direction": "inbound",
        "from": _bare(said.sender),
        "group_recipients": [],
        "mcc": 310,
        "media_urls": said.media,
        "message": said.text,
        "message_segments": segments(said.text),
        "message_sid": identity,
        "mnc": 410,
        "partner_sid": str(uuid5(NAMESPACE_URL, "partner")),
        "price": None,
        "status": "received",
        "to": _bare(said.to),
        "type": said.kind,
        "user_data": None,
    }
    return Callback(url=said.url, body=encoded(body))


def _signalwire(said: Written, identity: str, now: float) -> Callback:
    """Return the request for a SWML document, signed by scheme A."""
    message: Object = {
        "message_id": identity,
        "project_id": _PROJECT,
        "space_id": _PROJECT,
        "direction": "inbound",
        "type": said.kind,
        "from": said.sender,
        "to": said.to,
        "body": said.text or None,
        "media": [{"url": url, "content_type": "image/png", "size": 1} for url in said.media],
        "segments": segments(said.text),
        "timestamp": stamp(now),
    }
    raw = encoded({"message": message, "params": {}})
    signature = hmac.new(said.key.encode(), said.url.encode() + raw, hashlib.sha1).hexdigest()
    return Callback(url=said.url, body=raw, headers={"X-SignalWire-Signature": signature})


def _form(said: Written, sid: str) -> dict[str, str]:
    media = {
        name: value
        for place, url in enumerate(said.media)
        for name, value in ((f"MediaUrl{place}", url), (f"MediaContentType{place}", "image/png"))
    }
    return {
        "MessageSid": sid,
        "From": said.sender,
        "To": said.to,
        "Body": said.text,
        "NumMedia": str(len(said.media)),
        **media,
    }


def _compat(said: Written, identity: str, _: float) -> Callback:
    form = {**_form(said, identity), "AccountSid": _PROJECT}
    return signed(said.url, form, said.key, "X-SignalWire-Signature")


def _twilio(said: Written, identity: str, _: float) -> Callback:
    """Return the incoming message, which has its id three times."""
    more = {
        "SmsSid": identity,
        "SmsMessageSid": identity,
        "AccountSid": _ACCOUNT,
        "ApiVersion": "2010-04-01",
        "SmsStatus": "received",
        "NumSegments": str(segments(said.text)),
    }
    return signed(said.url, _form(said, identity) | more, said.key, "X-Twilio-Signature")


_POSTED: Mapping[str, Callable[[Written, str, float], Callback]] = {
    "wavix": _wavix,
    "carrierx": _carrierx,
    "signalwire": _signalwire,
    "signalwire-compat": _compat,
    "twilio": _twilio,
}


def posted(wanted: object, key: str, now: float) -> tuple[str, Callback]:
    """Return the id of a message that a phone writes, and what is posted of it.

    Raises ValueError or TypeError for what makes no sense; ``key`` signs where none is given.
    """
    if not isinstance(wanted, dict):
        raise TypeError("write a JSON object")
    named = {"sender" if name == "from" else name: value for name, value in wanted.items()}
    unknown = set(named) - set(attrs.fields_dict(Written))
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    if missing := {"provider", "url", "sender", "to"} - set(named):
        names = sorted("from" if name == "sender" else name for name in missing)
        raise ValueError(f"missing: {', '.join(names)}")
    said = Written(**{"key": key, **named})
    if said.provider not in _POSTED:
        raise ValueError(f"provider: write one of {', '.join(_POSTED)}")
    identity = uuid4()
    letters = "MM" if said.media else "SM"
    sid = f"{letters}{identity.hex}" if said.provider == "twilio" else str(identity)
    return sid, _POSTED[said.provider](said, sid, now)
