"""What a client does with its ledger, for both clients alike: to enqueue, to find, to cancel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from polysms.client.comparing import Question, answer, over_time
from polysms.client.log import log
from polysms.client.plans import ADD_LEDGER, Plans
from polysms.config import Config
from polysms.delivery import Delivery, Status, aware
from polysms.errors import ConfigError, NotFound
from polysms.message import Message
from polysms.routing.hours import opens_at
from polysms.routing.senders import check_named
from polysms.routing.steps import World
from polysms.segments import segments

if TYPE_CHECKING:
    from polysms.ledger import Ledger, Order
    from polysms.report import Report

#: Messages wait in vain where no worker was seen for so long.
SILENCE = timedelta(seconds=60)

MISSING = f"ledger: this needs a ledger, and there is none; {ADD_LEDGER}"


def ledger_of(config: Config, world: World) -> Ledger | None:
    """Return the ledger that a configuration names; nothing of it is opened yet."""
    if config.ledger is None:
        return None
    try:
        from polysms.ledger import Ledger  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        sentence = f"ledger: needs {error.name}: pip install 'polysms[ledger]'"
        raise ConfigError(sentence, key="ledger") from None
    return Ledger(config.ledger, clock=world.now)


class Records:
    """What is kept of a client's messages; without a ledger, each method raises ConfigError.

    All of them may wait for the database.
    """

    def __init__(self, config: Config, plans: Plans, ledger: Ledger | None, world: World) -> None:
        self._config = config
        self._plans = plans
        self._ledger = ledger
        self._world = world
        self._warned_at: datetime | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger; raises :class:`~polysms.errors.ConfigError` where there is none."""
        if self._ledger is None:
            raise ConfigError(MISSING, key="ledger")
        return self._ledger

    def enqueue(
        self, message: Message, at: datetime | None, via: str | None, connection: Any
    ) -> Delivery:
        """Put a message into the outbox; return its delivery, PENDING, or that of its key."""
        ledger = self.ledger
        order = self._order(message, at, via)
        fingerprint = None if message.key is None else ledger.fingerprint(message)
        state = ledger.outbox.put(order, fingerprint, connection)
        self._warn_of_silence(ledger)
        return state.delivery or _pending(order)

    def statement(self, message: Message, at: datetime | None, via: str | None) -> Any:
        """Return the INSERT that enqueues a message, for a connection that only its owner can use.

        Not for a message with a key: that must be looked up first.
        """
        if message.key is not None:
            sentence = (
                "key: it must be looked up first; enqueue() the message, or leave its key out"
            )
            raise ConfigError(sentence, key="key")
        outbox = self.ledger.outbox
        return outbox.statement(self._order(message, at, via))

    def _order(self, message: Message, at: datetime | None, via: str | None) -> Order:
        from polysms.ledger import Order  # noqa: PLC0415 - an extra

        plan = self._plans.of(message, via=via)
        check_named(message, plan.senders)
        now = self._world.now()
        begins = aware(at) or now
        if plan.route.hours is not None:
            begins = opens_at(message, plan.route.hours, begins) or begins
        seconds = message.valid_for or self._config.outbox.valid_for
        return Order(
            id=self._world.new_id(),
            message=message,
            via=self._plans.name(via),
            at=begins,
            valid_until=begins + timedelta(seconds=seconds),
            store_text=plan.route.store_text,
            created_at=now,
        )

    def _warn_of_silence(self, ledger: Ledger) -> None:
        now = self._world.now()
        if self._warned_at is not None and now - self._warned_at < SILENCE:
            return
        self._warned_at = now
        seen = ledger.outbox.last_seen()
        if seen is None or now - seen > SILENCE:
            log.warning("messages are enqueued and no worker is running: start `polysms worker`")

    def find(self, **wanted: Any) -> list[Delivery]:
        """Return the newest deliveries that have all of this in common."""
        status = wanted.get("status")
        if status is not None and str(status).upper() not in Status.__members__:
            known = ", ".join(Status.__members__)
            raise ConfigError(f"status: there is no {status!r}; known are {known}", key="status")
        if status is not None:
            wanted["status"] = Status(str(status).upper())
        return self.ledger.find(**{**wanted, "since": aware(wanted.get("since"))})

    def get(self, key_or_id: str, tenant: str | None) -> Delivery:
        """Return a message's delivery as it stands now."""
        return _known(self.ledger.get(key_or_id, tenant))

    def cancel(self, key_or_id: str, tenant: str | None) -> Delivery:
        """Let a message that waits never be sent; return where it stands then."""
        return _known(self.ledger.outbox.cancel(key_or_id, tenant))

    def compare(self, question: Question) -> Report:
        """Return the accounts of a route compared."""
        return answer(question, self._config, self.ledger)

    def compare_over_time(self, question: Question, parts: int) -> tuple[tuple[str, Report], ...]:
        """Return the same comparison for one part of the time after another."""
        return over_time(question, self._config, self.ledger, parts)

    def confirm(self, key_or_id: str, tenant: str | None) -> Delivery:
        """Note that a message has arrived; return where it stands."""
        return _known(self.ledger.outbox.confirm(key_or_id, tenant))


def _known(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise NotFound("the ledger knows no message with this id or key")
    return delivery


def _pending(order: Order) -> Delivery:
    message = order.message
    return Delivery(
        id=order.id,
        status=Status.PENDING,
        kind=message.kind,
        to=message.to,
        from_=message.from_,
        text=message.text,
        media=message.media,
        segments_predicted=1 if message.media else segments(message.text).count,
        key=message.key,
        tag=message.tag,
        created_at=order.created_at,
    )
