"""What Twilio's API and SignalWire's compatibility API have in common: forms, dates, signatures.

The second one was made after the first.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request

from polysms.sandbox.answering import Refusal, content, refuse
from polysms.sandbox.callbacks import Callback

#: A form: each name with all of its values.
Form = Mapping[str, Sequence[str]]


async def form(request: Request, malformed: Refusal) -> Form:
    """Return the form in the body of a request."""
    try:
        return parse_qs((await content(request)).decode(), keep_blank_values=True)
    except ValueError:
        refuse(malformed)


def flat(given: Form, *lists: str) -> Mapping[str, object]:
    """Return a form with the last value of each name, but all of those that are lists."""
    return {name: values if name in lists else values[-1] for name, values in given.items()}


def rfc2822(moment: float | None) -> str | None:
    """Return a moment in UTC, in whole seconds, as in Thu, 30 Jul 2015 20:12:31 +0000."""
    return None if moment is None else format_datetime(datetime.fromtimestamp(int(moment), UTC))


def signed(url: str, said: Mapping[str, str], key: str, header: str, tries: int = 1) -> Callback:
    """Return a callback with a form, signed: base64 HMAC-SHA1 of the URL and the sorted fields."""
    text = url + "".join(name + said[name] for name in sorted(said))
    digest = hmac.digest(key.encode(), text.encode(), "sha1")
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        header: base64.b64encode(digest).decode(),
    }
    return Callback(url=url, body=urlencode(said).encode(), headers=headers, tries=tries)
