"""An account whose provider the sandbox plays: its answers, statuses and reports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import attrs

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers.base import Provider, Request, Response
from polysms.providers.hearing import WebhookRequest
from polysms.routing.steps import Failure
from polysms.sandbox import carrierx, signalwire, signalwire_laml, twilio, wavix
from polysms.sandbox.behaviour import ACCOUNT_CALLBACKS
from polysms.sandbox.progress import Wish
from polysms.sandbox.state import Voice
from polysms.sandbox.store import Entry
from polysms.testing.hearing import as_posted
from polysms.testing.players import by_status, neutral, too_early
from polysms.testing.playing import Played, stepped
from polysms.testing.problems import NoAnswer
from polysms.testing.refusals import documented, is_no

VOICES: Mapping[str, Voice] = {
    "wavix": wavix.VOICE,
    "carrierx": carrierx.VOICE,
    "signalwire": signalwire.VOICE,
    "signalwire-compat": signalwire_laml.VOICE,
    "twilio": twilio.VOICE,
}
# Where a provider's word is not the neutral one in small letters.
_WORDS: Mapping[tuple[str, Status], str] = {
    ("wavix", Status.QUEUED): "accepted",
    ("wavix", Status.UNREPORTED): "dlr_expired",
}


@attrs.frozen
class OnStage:
    """Answers as a provider's documents have them."""

    adapter: Provider
    played: Played

    def ask(self, request: Request) -> Response:
        """Return the answer to a token, a look-up, or whatever else is asked."""
        return self.played.ask(request)

    def take(self, request: Request, status: Status | str | None) -> Response:
        """Return the answer to a send that is taken."""
        return self.played.ask(request, None if status is None else self.word(status))

    def refuse(
        self, request: Request, reason: Reason | None, code: str | None
    ) -> Response | Failure:
        """Return the provider's own refusal; in our words where it has none for the reason."""
        for one in documented(self.adapter, request, reason, code):
            response = self.played.ask(one) if isinstance(one, Request) else one
            if code is not None or is_no(self.adapter, response, reason):
                return response
        return by_status(self.adapter, reason) or neutral(reason, code)

    def busy(self, request: Request, seconds: float) -> Response | Failure:
        """Return the provider's own 429."""
        del request
        answer = VOICES[self.adapter.name].refusals[Wish.LIMITED].answer()
        said = Response(answer.status_code, dict(answer.headers), bytes(answer.body))
        return too_early(self.adapter, said, seconds)

    def word(self, status: Status | str) -> str:
        """Return the provider's word for a status; one that is in its own words stays."""
        try:
            known = Status(status)
        except ValueError:
            return status
        return _WORDS.get((self.adapter.name, known), known.value.lower())

    def entry(self, provider_id: str | None) -> Entry:
        """Return a message that was taken. Raises NoAnswer for any other."""
        found = next((one for one in self.played.shelf.all() if one.id == provider_id), None)
        if found is None:
            sentence = "the outbox knows no such message: it was not taken while it stood there"
            raise NoAnswer(sentence)
        return found

    def settle(
        self, provider_id: str, status: Status | str, code: str | None, text: str | None
    ) -> None:
        """Let a message have come to a status."""
        if self.adapter.name == "wavix":
            # It shows no codes: a text is all it says.
            code, text = None, text or code
        entry = self._entry(provider_id)
        self.played.shelf.keep(stepped(entry, self.word(status), time.time(), code, text))

    def report(self, provider_id: str, address: str) -> WebhookRequest:
        """Return what the provider posts of a message's last status."""
        entry, name = self._entry(provider_id), self.adapter.name
        # Whatever a test asks for is posted, also what is not documented to be.
        facts: dict[str, Any] = {"disorder": True}
        if name in ACCOUNT_CALLBACKS:
            facts["callback_urls"] = {name: address}
        if keys := getattr(self.adapter, "signing_keys", ()):
            facts["signing_key"] = keys[0]
        behaviour = attrs.evolve(self.played.sandbox.behaviour, **facts)
        posted = VOICES[name].report(entry, entry.steps[-1], behaviour)
        if posted is None or not posted.url.startswith(address):
            where = "asks for no reports" if posted is None else "has its reports sent elsewhere"
            raise NoAnswer(f"this message {where}: see its status_callback, and public_url")
        return as_posted(posted)

    def _entry(self, provider_id: str) -> Entry:
        return next(one for one in self.played.shelf.all() if one.id == provider_id)
