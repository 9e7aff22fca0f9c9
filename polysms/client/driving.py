"""How a client obeys: the router's steps and the ledger's tasks, through errors and interrupts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from polysms.client.keeping import Consult, Save, Task, Told
from polysms.client.wire import Exchange
from polysms.errors import LedgerError, LookupFailed, MaybeSent, PolysmsError
from polysms.routing.steps import Admit, Answer, Call, Failure, Stage, Step, Write

R = TypeVar("R")
#: What a client comes back with from a task: whatever the ledger said to a Consult, too.
Done = Exchange | float | Any | None


class Begun:
    """The last call whose exchange a client has begun: noted before its first byte."""

    call: Call | None = None


class _Progress:
    """Whether a request was made at all, and what has interrupted us."""

    asked = False
    interrupt: BaseException | None = None


def driven(
    steps: Generator[Task, Told, R], begun: Begun, *, sends: bool
) -> Generator[Task, Done, tuple[R, BaseException | None]]:
    """Yield the tasks a client must do, and return what they came to.

    A client answers a Call with its Exchange and throws in what interrupts it. An interrupt
    (a cancellation, Ctrl-C) lets nothing further be tried; it is returned beside the result, or
    raised with the error of the send as its cause, so that neither is lost. An exchange that had
    ``begun`` before an interrupt may have been made. ``sends`` says that these steps send a
    message, so that a bug of ours after a request leaves it maybe sent.
    """
    progress = _Progress()
    try:
        result = yield from _stepped(steps, begun, progress)
    except PolysmsError as error:
        if progress.interrupt is None:
            raise
        raise _weightier(error, progress.interrupt) from error
    except Exception as error:
        if not progress.asked:
            raise
        raise _unexpected(error, sends=sends) from error
    return result, progress.interrupt


def _stepped(
    steps: Generator[Task, Told, R], begun: Begun, progress: _Progress
) -> Generator[Task, Done, R]:
    answer: Told = None
    error: PolysmsError | None = None
    while True:
        try:
            task = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = error = None
        if isinstance(task, _WITH_LEDGER):
            answer, error = yield from _with_ledger(task, progress)
        elif isinstance(task, Write):
            continue  # nothing is written down
        elif progress.interrupt is not None:
            answer = _unasked(task)
        else:
            progress.asked = progress.asked or isinstance(task, Call)
            try:
                done = yield task
            except GeneratorExit:
                raise  # forgotten in the middle: nobody is left who could do anything for us
            except BaseException as interrupt:  # noqa: BLE001 - raised when the send has been told
                progress.interrupt = interrupt
                answer = _UNKNOWN if begun.call is task else _unasked(task)
                continue
            if isinstance(done, Exchange):
                answer, progress.interrupt = done.answer, done.interrupt
            else:
                answer = done


_WITH_LEDGER = (Save, Consult)


def _with_ledger(
    task: Save | Consult, progress: _Progress
) -> Generator[Task, Done, tuple[Told, PolysmsError | None]]:
    """Yield what the ledger is to do, also after an interrupt; return its answer, or its error."""
    try:
        done = yield task
    except PolysmsError as error:
        return (error, None) if isinstance(task, Save) else (None, error)
    except GeneratorExit:
        raise
    except BaseException as error:
        if isinstance(task, Consult):
            raise
        if isinstance(error, Exception):
            return LedgerError(f"the ledger failed ({type(error).__name__})"), None
        # What was to be written may be: who goes on is not asked anything, and says so.
        progress.interrupt = progress.interrupt or error
        return None, None
    return done, None


def patience_of(step: Call) -> float:
    """Return the seconds that a call may wait for a free slot."""
    return step.seconds if step.patience is None else step.patience


def no_slot(step: Call) -> Exchange:
    """Return the end of an exchange for which no slot of its account was free."""
    most = step.account.concurrency
    text = f"none of its {most} slots was free within {patience_of(step):g} s"
    return Exchange(Failure(stage=Stage.NOTHING, text=text, ours=True))


def _weightier(error: PolysmsError, interrupt: BaseException) -> BaseException:
    """Return what is to be raised: a mere exception of ours never hides a MaybeSent."""
    ours = isinstance(interrupt, Exception)
    return error if ours and isinstance(error, MaybeSent) else interrupt


#: The answer to a call that was stopped anywhere between its first byte and its exchange.
_UNKNOWN = Failure(
    stage=Stage.WHOLE, text="stopped before its answer was told", ours=True, interrupted=True
)


def _unasked(step: Step) -> Answer:
    """Return the answer to a step that is not taken, because somebody has stopped us."""
    if isinstance(step, Admit):
        return 0.0
    if not isinstance(step, Call):
        return None
    return Failure(
        stage=Stage.NOTHING, text="stopped before it was asked", ours=True, interrupted=True
    )


def _unexpected(error: Exception, *, sends: bool) -> PolysmsError:
    what = f"polysms failed after a request was made ({type(error).__name__})"
    if sends:
        return MaybeSent(f"{what}; the message may have been sent")
    return LookupFailed(f"{what}; nothing was sent")
