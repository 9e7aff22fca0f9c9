"""What stands in the network's place while there is an outbox."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from polysms.client.wire import Exchange
from polysms.config import Account
from polysms.delivery import Attempt, Delivery, Outcome
from polysms.errors import PolysmsError
from polysms.message import Message
from polysms.providers.base import Accepted, Response
from polysms.routing.results import delivery_after
from polysms.routing.steps import Call, Failure, Stage
from polysms.routing.verdict import Verdict, judge
from polysms.testing.guarding import is_loopback
from polysms.testing.players import Player, Players
from polysms.testing.problems import Blocked, NoAnswer
from polysms.testing.rules import BeAway, BeBusy, Refuse, Rule, Take, Vanish
from polysms.testing.sent import Sent

if TYPE_CHECKING:
    from polysms.testing.contract.example import Example


@attrs.frozen(eq=False)
class Place:
    """What is an account's transport while the outbox stands there: never asked for anything."""

    client: Callable[[], Any]
    handle_request: ClassVar[None] = None
    handle_async_request: ClassVar[None] = None


class Taking:
    """Takes every request of this process; notes those that carry a message."""

    def __init__(self, examples: Mapping[str, Example]) -> None:
        self.players = Players(examples)
        self.tries: list[Sent] = []
        self.every: list[Sent] = []
        self.rules: list[Rule] = []
        self._lock = RLock()
        self._deliveries: dict[str, Delivery] = {}
        self._clients: dict[str, Callable[[], Any]] = {}
        self._ids: dict[str, str] = {}

    # What the client asks (polysms.client.standin).

    def instead(self, client: Any, account: Account) -> Place | None:
        """Return what stands for a transport; an account without a network keeps its own."""
        return None if account.local else Place(weakref.ref(client))

    def answer(self, transport: Any, call: Call) -> Exchange | None:
        """Return the exchange that a request comes to; an account without a network makes its own.

        Raises nothing: what a test has to be told ends its send, and nothing is tried after it.
        """
        place = transport if isinstance(transport, Place) else None
        if place is None and not call.account.local:
            return None
        try:
            return self._answer(call, place)
        except BaseException as error:  # noqa: BLE001 - handed on beside the answer
            text = f"stopped before it was asked ({type(error).__name__})"
            return Exchange(_stopped(text), error)

    def opening(self, host: str) -> None:
        """Raise where a connection is opened beside the outbox, as for an export or media."""
        if not is_loopback(host):
            raise Blocked(None, host)

    def ended(self, delivery: Delivery) -> None:
        """Keep where a message stands."""
        with self._lock:
            for attempt in delivery.attempts:
                self._deliveries[attempt.reference] = delivery

    # What the outbox asks.

    def clear(self) -> None:
        """Forget what was sent, and what was asked for; messages can still be looked up."""
        with self._lock:
            self.tries.clear()
            self.rules.clear()

    def all(self) -> list[Sent]:
        """Return every try so far."""
        with self._lock:
            return list(self.tries)

    def client_of(self, sent: Sent) -> Any:
        """Return the client that has sent a message, None where it is gone."""
        found = self._clients.get(sent.reference)
        return None if found is None else found()

    def found(self, delivery: Delivery | Sent) -> tuple[Sent, str]:
        """Return the try by which a provider has got a message, and the provider's id of it."""
        if isinstance(delivery, Sent):
            references = {delivery.reference}
        else:
            references = {attempt.reference for attempt in delivery.attempts}
        for sent in reversed(self.every):
            if sent.reference in references and sent.reference in self._ids:
                return sent, self._ids[sent.reference]
        raise NoAnswer("no provider has got this message while the outbox stood there")

    def delivery_of(self, sent: Sent) -> Delivery:
        """Return the delivery of a message: as its ledger has it, else as its send ended."""
        known = self._deliveries[sent.reference]
        client = self.client_of(sent)
        if client is None or client.config.ledger is None or known.id is None:
            return known
        try:
            found: Delivery | None = client.ledger.get(known.id)
        except PolysmsError:
            return known  # it is closed by now
        return found or known

    def _answer(self, call: Call, place: Place | None) -> Exchange | None:
        account = call.account
        if call.carries is None:
            return None if place is None else Exchange(self.players.of(account).ask(call.request))
        sent = _noted(call, call.carries.message, call.carries.attempt, self.delivery_of)
        rule = self._rule(sent)
        if place is None and rule is None:
            # It is answered for real, and that is always yes.
            self._note(call, sent, Response(201, {}, b'{"id": "local"}'), place)
            return None
        answer = self._acted(rule, self.players.of(account), call, sent)
        self._note(call, sent, answer, place)
        return Exchange(answer)

    def _acted(
        self, rule: Rule | None, player: Player, call: Call, sent: Sent
    ) -> Response | Failure:
        """Return the answer to a send."""
        act, request = Take() if rule is None else rule.act, call.request
        match act:
            case Refuse(reason=reason, code=code):
                return player.refuse(request, reason, code)
            case BeBusy(seconds):
                return player.busy(request, seconds)
            case BeAway():
                return Failure(stage=Stage.NOTHING, text="no connection (ConnectError)")
            case Vanish(taken=False):
                return _SILENCE
        answer = player.take(request, act.status if isinstance(act, Take) else None)
        meaning = call.account.adapter.read(answer)
        if isinstance(meaning, Accepted) and meaning.record.provider_id:
            self._ids[sent.reference] = meaning.record.provider_id
        return answer if isinstance(act, Take) else _SILENCE

    def _rule(self, sent: Sent) -> Rule | None:
        with self._lock:
            found = next((rule for rule in self.rules if rule.fits(sent)), None)
            return None if found is None else found.spent()

    def _note(
        self, call: Call, sent: Sent, answer: Response | Failure, place: Place | None
    ) -> None:
        verdict = judge(call.account.adapter, answer)
        why = _why(verdict)
        with self._lock:
            known = attrs.evolve(sent, outcome=verdict.outcome, why=why)
            self.tries.append(known)
            self.every.append(known)
            self._deliveries[sent.reference] = _delivery(call, verdict)
            if place is not None:
                self._clients[sent.reference] = place.client


_SILENCE = Failure(stage=Stage.WHOLE, text="no answer in time (ReadTimeout)")


def _stopped(text: str) -> Failure:
    return Failure(stage=Stage.NOTHING, text=text, ours=True, interrupted=True)


def _noted(call: Call, message: Message, attempt: Attempt, ask: Callable[[Sent], Delivery]) -> Sent:
    recipients = getattr(call.account.adapter, "recipients", None)
    return Sent(
        to=message.to,
        recipients=recipients(message) if recipients else (message.to,),
        text=message.text,
        from_=attempt.from_,
        media=message.media,
        account=attempt.account,
        provider=attempt.provider,
        key=message.key,
        tag=message.tag,
        message=message,
        request=call.request,
        reference=attempt.reference,
        outcome=Outcome.ACCEPTED,
        why="",
        ask=ask,
    )


def _why(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.MAYBE_SENT:
        return f"maybe sent: {verdict.text}"
    if verdict.reason is not None:
        return f"refused ({verdict.reason}): {verdict.text}"
    return verdict.text


def _delivery(call: Call, verdict: Verdict) -> Delivery:
    """Return a delivery as far as one attempt tells, for a send whose end nobody hears of."""
    if call.carries is None:
        raise NoAnswer("only what carries a message has a delivery")
    begun = call.carries.attempt
    record = verdict.record if verdict.outcome is Outcome.ACCEPTED else None
    attempt = attrs.evolve(
        begun,
        ended_at=begun.started_at,
        outcome=verdict.outcome,
        evidence=verdict.evidence,
        text=verdict.text,
        provider_id=None if record is None else record.provider_id,
    )
    return delivery_after(
        call.carries.message,
        id_=call.carries.id,
        started_at=begun.started_at,
        attempts=(attempt,),
        considered=(),
        record=record,
    )
