"""A street of accounts, stepped by hand: one clock, one health, many messages, no HTTP."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

import attrs

from polysms.config import Account, Config
from polysms.delivery import Considered, Delivery
from polysms.errors import PolysmsError
from polysms.message import Message
from polysms.providers.base import Response
from polysms.routing.deliver import deliver
from polysms.routing.health import Health
from polysms.routing.plan import Memory, Plan
from polysms.routing.steps import Admit, Answer, Call, Failure, Step, Wait, World, Write
from tests.routing.test_deliver import OK, TABLES, Clock

Said = Response | Failure
#: What an account says: always the same, or one after the other and "accepted" from then on, or
#: what a function makes of the call.
Script = Said | Iterable[Said] | Callable[[Call], Said]
Steps = Generator[Step, Answer, Delivery]
#: Steps after which a send of these tests has surely lost its way.
MOST_STEPS = 5_000


@attrs.define
class Sent:
    """What a send brought, and the steps it took."""

    delivery: Delivery | None = None
    error: PolysmsError | None = None
    steps: list[Step] = attrs.field(factory=list)

    @property
    def calls(self) -> list[Call]:
        """The requests that would send something."""
        return [one for one in self.steps if isinstance(one, Call) and one.request.method == "POST"]

    @property
    def looks(self) -> list[Call]:
        """All other requests."""
        made = [one for one in self.steps if isinstance(one, Call)]
        return [one for one in made if one.request.method != "POST"]

    @property
    def asked(self) -> list[str]:
        """The accounts that were asked, in order."""
        return [call.account.name for call in self.calls]

    @property
    def waits(self) -> list[float]:
        """The seconds that were waited."""
        return [one.seconds for one in self.steps if isinstance(one, Wait)]

    @property
    def admits(self) -> list[Admit]:
        """What was asked of the rates."""
        return [one for one in self.steps if isinstance(one, Admit)]

    @property
    def writes(self) -> list[Write]:
        """What was written down."""
        return [one for one in self.steps if isinstance(one, Write)]

    @property
    def known(self) -> Delivery:
        """The delivery, whether it was returned or came with the error."""
        found = self.error.delivery if self.error else self.delivery
        assert found is not None
        return found

    @property
    def considered(self) -> list[tuple[str, bool, str]]:
        """Who was considered, whether chosen, and why."""
        rows: Iterable[Considered] = self.known.considered
        return [(row.account, row.chosen, row.why) for row in rows]

    def why(self, account: str) -> list[str]:
        """Return what was said of one account."""
        return [why for name, _, why in self.considered if name == account]


class Street:
    """Accounts that answer as they are told, and all that a client keeps between its sends."""

    def __init__(
        self, tables: Mapping[str, Any] | None = None, *, takes: float = 0.0, written: bool = False
    ) -> None:
        self.config = Config.from_mapping(tables or TABLES)
        self.accounts: dict[str, Account] = dict(self.config.accounts)
        self.clock = Clock()
        self.clock.seconds = 1000.0
        self.health = Health()
        self.memory = Memory()
        self.takes = takes
        self.written = written
        self.draw: Callable[[], float] = lambda: 1.0
        #: What each account says to a send, and to a look; what its rates say.
        self.script: dict[str, Script] = {}
        self.look: Script = Response(500, {}, b"")
        self.rates: deque[float] = deque()

    def world(self) -> World:
        """Return a world on the street's clock."""
        return attrs.evolve(self.clock.world(), random=self.draw)

    def plan(self, via: str | None = None, **changes: Any) -> Plan:
        """Return the plan of a send by one route, as these changes bend it."""
        route = attrs.evolve(self.config.route(via), **changes)
        return Plan(
            route=route,
            accounts=tuple(self.accounts[name] for name in route.reachable),
            senders=self.config.senders,
            rails=self.config.rails,
            prices=self.config.prices,
            health=self.health,
            memory=self.memory,
            written=self.written,
        )

    def begin(self, message: Message, via: str | None = None, **changes: Any) -> Steps:
        """Return the steps of a send."""
        return deliver(message, self.plan(via, **changes), self.world())

    def send(self, message: Message, via: str | None = None, **changes: Any) -> Sent:
        """Step a send to its end."""
        return self.follow(self.begin(message, via, **changes))

    def follow(self, steps: Steps, answer: Answer = None, sent: Sent | None = None) -> Sent:
        """Step a send from where it stands to its end."""
        sent = sent or Sent()
        try:
            for _ in range(MOST_STEPS):
                step = steps.send(answer)
                sent.steps.append(step)
                answer = self.answer(step)
        except StopIteration as stop:
            sent.delivery = stop.value
        except PolysmsError as error:
            sent.error = error
        assert (sent.delivery is None) != (sent.error is None), "it took too many steps"
        return sent

    def answer(self, step: Step) -> Answer:
        """Return what a step is answered, and let its time go by."""
        if isinstance(step, Wait):
            self.clock.seconds += step.seconds
        elif isinstance(step, Admit):
            return self.rates.popleft() if self.rates else 0.0
        elif isinstance(step, Call):
            self.clock.seconds += self.takes
            return self._said(step)
        return None

    def _said(self, call: Call) -> Said:
        sends = call.request.method == "POST"
        default = OK.get(call.account.provider_name, OK["wavix"])
        script = self.script.get(call.account.name, default) if sends else self.look
        if isinstance(script, (Response, Failure)):
            return script
        if callable(script):
            return script(call)
        left = iter(script)
        if sends:
            self.script[call.account.name] = left
        else:
            self.look = left
        return next(left, default)
