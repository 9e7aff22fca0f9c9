"""What recent sends say of the accounts: who may be asked now, who must rest, who needs mending.

One object serves all sends of a client. Time and chance come with the world; ``lock`` is whatever
makes a few lines belong together where several threads send (nothing where only one does).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import Enum

import attrs

from polysms.errors import Reason
from polysms.message import Message
from polysms.routing.breaker import LONGEST_OPEN, Breaker, Entry

#: Seconds after which an account that an operator must mend is tried again.
MENDED_AFTER = 300.0
#: Seconds between two times that other processes are told of the same mark.
TOLD_EVERY = 5.0
#: Different messages that must be refused with "permission" before it marks the account.
PERMISSIONS = 3
#: Repeats at one account: what may be saved up, what each first try adds, what comes by itself.
BUDGET = 50.0
SAVED_AT_FIRST = 10.0
EARNED = 0.2
EARNED_A_SECOND = 1.0
#: A Retry-After is believed up to this many seconds: the header is a stranger's word.
LONGEST_PAUSE = 3600.0


class Signal(Enum):
    """What an attempt that was not accepted says of an account's health."""

    BAD = "bad"
    NOTHING = "nothing"


@attrs.frozen(kw_only=True)
class Rest:
    """That an account must rest for so many seconds; 0.0: that it need not any more.

    With a ``reason`` an operator must mend something, without one its breaker is open.
    """

    account: str
    seconds: float
    why: str = ""
    reason: Reason | None = None


class _Mark:
    """Something an operator must mend: no message is tried until then, but one now and again."""

    def __init__(self, reason: Reason, until: float) -> None:
        self.reason = reason
        self.until = until


class _State:
    """What is known of one account."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.marks: dict[str | None, _Mark] = {}
        self.permissions: set[int] = set()
        self.paused_until = 0.0
        self.chosen = 0
        self.saved = SAVED_AT_FIRST
        self.earned_at = 0.0


class Health:
    """The health of every account, by name."""

    def __init__(self, lock: AbstractContextManager[object] | None = None) -> None:
        self.lock = lock or nullcontext()
        #: Is told, in no time, of every rest that begins or ends here: for other processes.
        self.tell: Callable[[Rest], None] = _nobody
        self._states: dict[str, _State] = {}
        self._turn = 0

    def _of(self, account: str) -> _State:
        state = self._states.get(account)
        return state if state is not None else self._states.setdefault(account, _State())

    def why_not(self, account: str, now: float) -> str | None:
        """Return why an account should not be asked now, None where it may be."""
        state = self._of(account)
        mark = state.marks.get(None)
        if mark is not None and now < mark.until:
            return f"{_mending(mark.reason)}; tried again in {mark.until - now:.0f} s"
        breaker = state.breaker
        if breaker.admits(now):
            return None
        if breaker.is_probing(now):
            return f"its breaker is half open and a probe is under way ({breaker.opened_for})"
        seconds = breaker.seconds_closed_for(now)
        return f"its breaker is open for another {seconds:.0f} s ({breaker.opened_for})"

    def has_marks(self, account: str) -> bool:
        """Whether anything of an account needs an operator to mend it."""
        return bool(self._of(account).marks)

    def sender_is_marked(self, account: str, sender: str, now: float) -> bool:
        """Whether a sender was refused at an account so lately that it is not tried again yet."""
        mark = self._of(account).marks.get(sender)
        return mark is not None and now < mark.until

    def seconds_paused(self, account: str, now: float) -> float:
        """Return the seconds for which an account asked to be left alone."""
        return max(0.0, self._of(account).paused_until - now)

    def how_bad(self, account: str, now: float) -> tuple[bool, float]:
        """Return how much an account should rest, as something to be compared: the least first."""
        state = self._of(account)
        return None in state.marks, state.breaker.seconds_closed_for(now)

    def openings(self, account: str) -> int:
        """Return how often an account's breaker has opened, less what its health has redeemed."""
        return self._of(account).breaker.openings

    def last_chosen(self, account: str) -> int:
        """Return the turn at which an account was last asked, 0 for never."""
        return self._of(account).chosen

    def enter(
        self,
        account: str,
        now: float,
        seconds: float,
        *,
        forced: bool = False,
        first: bool = True,
    ) -> Entry | None:
        """Note that an account is asked for so many seconds; None where another was quicker.

        ``forced`` asks it all the same: it is the last that can take the message. A message's
        ``first`` try there saves up a fifth of a repeat. The entry is handed back with the answer
        (:meth:`accepted`, :meth:`told`).
        """
        with self.lock:
            state = self._of(account)
            mark = state.marks.get(None)
            if mark is not None and now >= mark.until:
                # This one finds out whether it has been mended; the others wait for its answer.
                mark.until = now + seconds
                self.tell(Rest(account=account, seconds=seconds, reason=mark.reason))
            elif mark is not None and not forced:
                return None
            entry = state.breaker.enter(now, seconds) or (Entry.FORCED if forced else None)
            if entry is not None:
                if entry.kind == "probe":
                    self.tell(Rest(account=account, seconds=seconds, why=state.breaker.opened_for))
                self._turn += 1
                state.chosen = self._turn
                if first:
                    state.saved = min(BUDGET, state.saved + EARNED)
            return entry

    def spend(self, account: str, now: float) -> bool:
        """Take one repeat from what is saved up; False where too many were made of late."""
        with self.lock:
            state = self._of(account)
            if state.saved < 1.0:
                earned = (now - state.earned_at) * EARNED_A_SECOND
                state.saved = min(1.0, state.saved + earned)
            state.earned_at = now
            if state.saved < 1.0:
                return False
            state.saved -= 1.0
            return True

    def pause(self, account: str, now: float, seconds: float) -> None:
        """Leave an account alone for a while, because it asked for that."""
        with self.lock:
            state = self._of(account)
            # In this order not-a-number is no pause.
            until = now + max(0.0, min(seconds, LONGEST_PAUSE))
            state.paused_until = max(state.paused_until, until)

    def accepted(self, account: str, entry: Entry, sender: str | None, now: float) -> None:
        """Note that an account took a message: it is well, and so is the sender."""
        with self.lock:
            state = self._of(account)
            was_open = state.breaker.open_until is not None
            state.breaker.succeeded(entry, now)
            if was_open and state.breaker.open_until is None:
                self.tell(Rest(account=account, seconds=0.0))
            if state.marks:
                self._mend(account, state)
                state.marks.pop(sender, None)
            if state.permissions:
                state.permissions.clear()

    def told(self, account: str, entry: Entry, signal: Signal, now: float, chance: float) -> None:
        """Note what an attempt says of an account's health; ``chance`` is from 0 to 1."""
        with self.lock:
            breaker = self._of(account).breaker
            if signal is Signal.BAD:
                until = breaker.open_until
                breaker.failed(entry, now, chance)
                if breaker.open_until is not None and breaker.open_until != until:
                    rests = breaker.open_until - now
                    self.tell(Rest(account=account, seconds=rests, why=breaker.opened_for))
            else:
                breaker.leave(entry)

    def refused(
        self, account: str, sender: str | None, reason: Reason, message: Message, now: float
    ) -> None:
        """Note the reason of a refusal: some need an operator to mend."""
        with self.lock:
            state = self._of(account)
            if reason in _MARKING:
                self._mark(account, state, reason, now)
            elif reason is Reason.SENDER:
                state.marks[sender] = _Mark(reason, now + MENDED_AFTER)
            elif reason is Reason.PERMISSION:
                if len(state.permissions) < PERMISSIONS:
                    state.permissions.add(hash((message.to, message.text)))
                if len(state.permissions) >= PERMISSIONS:
                    self._mark(account, state, reason, now)
            else:
                # Any answer but these says that the account is known and in funds.
                self._mend(account, state)

    def learn(self, rest: Rest, now: float) -> bool:
        """Believe what another process found out, unless we have just seen that it is not so.

        Returns False where it was not believed, for now: say it again as long as it holds.
        """
        with self.lock:
            state = self._of(rest.account)
            if rest.seconds <= 0:
                if rest.reason is None:
                    state.breaker.hear_closed(now)
                else:
                    state.marks.pop(None, None)
                return True
            if state.breaker.is_well(now):
                return False
            if rest.reason is not None:
                state.marks[None] = _Mark(rest.reason, now + min(rest.seconds, MENDED_AFTER))
            else:
                until = now + min(rest.seconds, LONGEST_OPEN)
                state.breaker.hear_open(until, rest.why)
            return True

    def _mark(self, account: str, state: _State, reason: Reason, now: float) -> None:
        before, until = state.marks.get(None), now + MENDED_AFTER
        state.marks[None] = _Mark(reason, until)
        # Of many refusals at one time, one is told.
        if before is not None and before.reason is reason and before.until > until - TOLD_EVERY:
            return
        self.tell(Rest(account=account, seconds=MENDED_AFTER, reason=reason))

    def _mend(self, account: str, state: _State) -> None:
        mark = state.marks.pop(None, None)
        if mark is not None:
            self.tell(Rest(account=account, seconds=0.0, reason=mark.reason))


def _nobody(rest: Rest) -> None:
    del rest


_MARKING = frozenset({Reason.CREDENTIALS, Reason.BALANCE})


def _mending(reason: Reason) -> str:
    return {
        Reason.CREDENTIALS: "its credentials were refused",
        Reason.BALANCE: "its balance is used up",
        Reason.PERMISSION: "it may not do this (three messages were refused)",
    }[reason]
