"""Who answers for an account: the sandbox, its adapter's example, or what every adapter reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from uuid import uuid4

import attrs

from polysms.config import Account
from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers.base import Accepted, Busy, Provider, Refused, Request, Response
from polysms.routing.steps import Failure, Stage
from polysms.testing.problems import NoAnswer

if TYPE_CHECKING:
    from polysms.testing.contract.example import Example
    from polysms.testing.playing import Played

#: The providers that the sandbox plays, by the names of their adapters.
PLAYED = frozenset({"wavix", "carrierx", "signalwire", "signalwire-compat", "twilio"})
# HTTP statuses that mean a reason to every adapter that goes by the default table.
_STATUSES: Mapping[Reason, tuple[int, ...]] = {
    Reason.CREDENTIALS: (401,),
    Reason.BALANCE: (402,),
    Reason.PERMISSION: (403, 404),
    Reason.CAPABILITY: (415, 406),
    Reason.MEDIA: (413,),
    Reason.BLOCKED: (451,),
    Reason.OTHER: (422, 400),
}
#: What providers call the id of a message, and how they call a status.
_IDS = ("id", "sid", "message_id", "messageId", "message_sid", "message_uuid", "uuid", "MessageId")
_JSON = {"content-type": "application/json"}


class Player(Protocol):
    """Who answers for one account."""

    def ask(self, request: Request) -> Response:
        """Return the answer to what is no send: a token, a look-up."""

    def take(self, request: Request, status: Status | str | None) -> Response:
        """Return the answer to a send that is taken."""

    def refuse(
        self, request: Request, reason: Reason | None, code: str | None
    ) -> Response | Failure:
        """Return the answer to a send that is refused."""

    def busy(self, request: Request, seconds: float) -> Response | Failure:
        """Return the answer to a send that comes too early."""


class Players:
    """Who answers, for every account of this process; ``examples`` are by adapter."""

    def __init__(self, examples: Mapping[str, Example]) -> None:
        self._examples = examples
        self._lock = RLock()
        self._told: dict[str, Any] = {}

    @cached_property
    def played(self) -> Played:
        """The sandbox, which is made when it is first asked."""
        from polysms.testing.playing import Played  # noqa: PLC0415 - needs the sandbox

        return Played()

    def of(self, account: Account) -> Player:
        """Return who answers for an account."""
        example = self._examples.get(account.provider_name)
        if example is not None:
            from polysms.testing.told import Told  # noqa: PLC0415 - only where it is used

            return Told(account.adapter, example, self._told)
        if account.adapter.name not in PLAYED:
            return Guessed(account.adapter)
        try:
            from polysms.testing.stage import OnStage  # noqa: PLC0415 - needs an extra

            with self._lock:
                return OnStage(account.adapter, self.played)
        except ModuleNotFoundError as error:
            title = account.adapter.capabilities.title
            raise NoAnswer(f"the sandbox is to play {title} in this test: {error}") from error


@attrs.frozen
class Guessed:
    """Answers that most adapters read: an id under every name that one has."""

    adapter: Provider

    def ask(self, request: Request) -> Response:
        """Raise NoAnswer: what is asked is not known."""
        self.ask_of(f"a {request.method} that is no send")

    def take(self, request: Request, status: Status | str | None) -> Response:
        """Return the first answer that the adapter reads as accepted."""
        del request
        if status is not None:
            self.ask_of(f"the status {status!s}")
        found = first(self._takes(), lambda one: isinstance(self.adapter.read(one), Accepted))
        if found is None:
            self.ask_of("a send that is taken")
        return found

    def refuse(
        self, request: Request, reason: Reason | None, code: str | None
    ) -> Response | Failure:
        """Return a refusal by its HTTP status, else what an adapter would have made of one."""
        del request
        return by_status(self.adapter, reason) or neutral(reason, code)

    def busy(self, request: Request, seconds: float) -> Response | Failure:
        """Return a 429, else what an adapter would have made of one."""
        del request
        return too_early(self.adapter, Response(429, {}, b"{}"), seconds)

    @staticmethod
    def _takes() -> Iterator[Response]:
        identity = str(uuid4())
        plain: dict[str, Any] = dict.fromkeys(_IDS, identity)
        inside = ({"data": plain}, {"message": plain}, {"messages": [plain]}, {"data": [plain]})
        for body in (plain, *inside):
            for status in (201, 200, 202):
                yield Response(status, _JSON, json.dumps(body).encode())

    def ask_of(self, what: str) -> NoReturn:
        """Raise NoAnswer: how the provider does something is not known."""
        title = self.adapter.capabilities.title
        raise NoAnswer(
            f"nobody knows how {title} answers {what}: give the Example of its adapter "
            "(polysms.testing.contract) in the fixture `polysms_examples`, or as "
            "capture(examples={PROVIDER: EXAMPLE})"
        )


def first(answers: Iterator[Response], test: Callable[[Response], bool]) -> Response | None:
    """Return the first answer that passes."""
    return next((one for one in answers if test(one)), None)


def by_status(adapter: Provider, reason: Reason | None) -> Response | None:
    """Return an answer whose HTTP status alone tells an adapter the reason."""
    statuses = _STATUSES.get(reason, ()) if reason else ()
    return first(
        (Response(status, _JSON, b"{}") for status in statuses),
        lambda one: _means(adapter, one, reason),
    )


def _means(adapter: Provider, response: Response, reason: Reason | None) -> bool:
    meaning = adapter.read(response)
    return isinstance(meaning, Refused) and meaning.reason is reason


def neutral(reason: Reason | None, code: str | None) -> Failure:
    """Return a refusal in our own words, for a provider that has none for it."""
    no = Refused(reason=reason or Reason.OTHER, code=code)
    return Failure(stage=Stage.NOTHING, text=f"refused ({no.reason})", no=no)


def too_early(adapter: Provider, said: Response, seconds: float) -> Response | Failure:
    """Return a 429 with its Retry-After; in our own words where an adapter cannot read it."""
    headers = {**said.headers, "retry-after": f"{seconds:.0f}"}
    response = attrs.evolve(said, headers=headers)
    if isinstance(adapter.read(response), Busy):
        return response
    no = Busy(limited=True, retry_after=seconds)
    return Failure(stage=Stage.NOTHING, text="asks to come back later", no=no)
