"""Peers of polysms, each used as its documentation says, with the campaign's timeouts."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import apprise
import requests
from apprise.plugins.custom_json import NotifyJSON
from wavix import MessageBody, Wavix

from tests.campaigns.lottery import TIMEOUTS
from tests.campaigns.naive import AUTHORIZATION, SENDER, WORDS

#: Sends one text to one number: whether the caller is told that it was sent.
Send = Callable[[str, str], bool]


class NotifyWavix(NotifyJSON):  # type: ignore[no-untyped-call]
    """Apprise's own JSON plugin, whose flat body is put into the shape that Wavix wants.

    Everything else is as there: ``requests``, the same timeouts, redirects followed unless the URL
    says otherwise, any 2xx is a success and anything else a failure.
    """

    service_name = "Wavix"
    protocol = "wavix"
    secure_protocol = "wavixs"

    def send(self, body: Any, *_: Any, **__: Any) -> bool:
        """Send, as ``NotifyJSON.send`` does."""
        url = f"http://{self.host}:{self.port}"
        address, content, _field = WORDS["wavix"](url, self.payload_extras["to"], body)
        try:
            answer = requests.post(
                address,
                data=json.dumps(content),
                headers={"Content-Type": "application/json", **self.headers},
                timeout=self.request_timeout,
                allow_redirects=self.redirects,
            )
        except requests.RequestException:
            return False
        return 200 <= answer.status_code < 300


apprise.plugins.N_MGR.add(NotifyWavix)  # type: ignore[no-untyped-call]

#: What the JSON plugin is told of each flat body: its own fields are renamed or left out.
_WITHOUT = {":version": "", ":title": "", ":attachments": "", ":type": ""}


def _apprise_url(provider: str, base: str, to: str) -> str:
    address, body, _ = WORDS[provider](base, to, "")
    parts = urlsplit(address)
    query: dict[str, str] = {
        "+Authorization": AUTHORIZATION[provider],
        "cto": str(TIMEOUTS["connect"]),
        "rto": str(TIMEOUTS["read"]),
        ":to": body["to"],
    }
    scheme = "wavix"
    if provider != "wavix":
        scheme = "json"
        query |= {**_WITHOUT, ":from": body["from"]}
        # CarrierX's field for the text has the plugin's own name for it.
        query |= {} if "message" in body else {":message": "body"}
    return f"{scheme}://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"


@contextlib.contextmanager
def by_apprise(urls: Mapping[str, str]) -> Iterator[Send]:
    """Apprise: one service per provider with the priorities 1, 2, 3, called without retries.

    Apprise's URLs hold the recipient, so each message has an Apprise object of its own.
    """
    logging.getLogger("apprise").setLevel(logging.CRITICAL)

    def send(to: str, text: str) -> bool:
        chain = apprise.Apprise()
        for priority, (provider, base) in enumerate(urls.items(), 1):
            if not chain.add(_apprise_url(provider, base, to), tag=f"{priority}:sms"):
                raise RuntimeError(f"Apprise does not take the URL of {provider}")
        return bool(chain.notify(body=text, tag="sms"))

    yield send


@contextlib.contextmanager
def by_wavix(urls: Mapping[str, str]) -> Iterator[Send]:
    """Wavix's own SDK with its default retries (two): one provider only."""
    client = Wavix(token="any", base_url=urls["wavix"], timeout=TIMEOUTS["read"])

    def send(to: str, text: str) -> bool:
        messages = client.sms_and_mms.messages
        messages.send(from_=SENDER, to=to, message_body=MessageBody(text=text))
        return True

    yield send
