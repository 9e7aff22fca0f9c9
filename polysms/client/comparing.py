"""Accounts compared: what the ledger counted, and what the configuration knows of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from polysms.config import Config
from polysms.config.reading import nearest
from polysms.delivery import aware
from polysms.errors import ConfigError
from polysms.routing.schedule import reports

if TYPE_CHECKING:
    from polysms.ledger import Ledger
    from polysms.report import Cell, Report

_EXPERIMENT = "experiment"
_NOTHING = timedelta(0)
#: As the ledger counts time, so that the last message is in the last part.
_LEAST = timedelta(milliseconds=1)


@attrs.frozen(kw_only=True)
class Question:
    """What is to be compared: the messages of a route, assigned between two moments.

    ``by`` shows the counts by "country", "kind", "carrier", "sender" or "tag"; what is concluded
    never rests on that. ``observational`` takes what was not assigned by chance. ``canaries`` are
    numbers known to be dead, ``margin`` is the difference of shares that matters.
    """

    route: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    by: Collection[str] = ()
    observational: bool = False
    canaries: Collection[str] = ()
    margin: float = 0.01


def answer(question: Question, config: Config, ledger: Ledger) -> Report:
    """Return the accounts compared."""
    from polysms.report import Terms, compare  # noqa: PLC0415 - loaded when used

    _check(question)
    route = route_of(question.route, config, observational=question.observational)
    counted = _cells(question, route, config, ledger)
    terms = Terms(
        margin=question.margin,
        looks=_looks(question, route, counted, ledger),
        sticky=_is_sticky(route, config) and not question.observational,
        observational=question.observational,
    )
    report = compare(counted, terms)
    if not question.by:
        return report
    told = _cells(question, route, config, ledger, question.by)
    return attrs.evolve(report, rows=compare(told, terms).rows)


def over_time(
    question: Question, config: Config, ledger: Ledger, parts: int
) -> tuple[tuple[str, Report], ...]:
    """Return the same comparison for one part of the time after another, by when each began."""
    from polysms.report import Terms, compare  # noqa: PLC0415 - loaded when used

    _check(question)
    route = route_of(question.route, config, observational=question.observational)
    found = ledger.assigned(route)
    if found is None or question.observational:
        return ()
    first = max(filter(None, (aware(question.since), found[0])))
    last = min(filter(None, (aware(question.until), found[1] + _LEAST)))
    step = (last - first) / parts
    begun = [first + part * step for part in range(parts)] if step > _NOTHING else []
    terms = Terms(margin=question.margin, sticky=_is_sticky(route, config))
    told = []
    for begins in begun:
        part = attrs.evolve(question, since=begins, until=begins + step)
        cells = _cells(part, route, config, ledger)
        told.append((f"{begins:%Y-%m-%d %H:%M}", compare(cells, terms)))
    return tuple(told)


def _check(question: Question) -> None:
    from polysms.ledger import BY  # noqa: PLC0415 - an extra

    for name in question.by:
        if name not in BY:
            raise ConfigError(f"by: there is no {name!r}; {nearest(name, tuple(BY))}", key="by")
    if not 0 < question.margin < 1:
        raise ConfigError("margin: write a share between 0 and 1, as 0.01", key="margin")


def route_of(name: str | None, config: Config, *, observational: bool) -> str | None:
    """Return the route that is meant: the one that is named, else the only experiment."""
    if name is not None:
        if name not in config.routes:
            known = tuple(config.routes)
            raise ConfigError(f"route: there is no {name!r}; {nearest(name, known)}", key="route")
        return name
    found = [one for one, route in config.routes.items() if route.strategy == _EXPERIMENT]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(found)
        raise ConfigError(f"route: several are experiments ({listed}); name one", key="route")
    if observational:
        return None
    sentence = (
        "route: none is an experiment, so nothing was assigned by chance; give one the "
        'strategy "experiment", or ask for what was merely observed (observational)'
    )
    raise ConfigError(sentence, key="route")


def _is_sticky(route: str | None, config: Config) -> bool:
    return route is not None and config.routes[route].sticky


def _cells(
    question: Question,
    route: str | None,
    config: Config,
    ledger: Ledger,
    by: Collection[str] = (),
) -> Sequence[Cell]:
    return ledger.cells(
        route,
        since=aware(question.since),
        until=aware(question.until),
        by=by,
        observational=question.observational,
        canaries=question.canaries,
        reports=lambda account, kind: _reports(config, account, kind),
    )


def _reports(config: Config, account: str, kind: str) -> bool:
    # Of an account that is not in the configuration any more, its reports tell.
    return account not in config.accounts or reports(config.accounts[account], kind)


def _looks(question: Question, route: str | None, cells: Sequence[Cell], ledger: Ledger) -> int:
    """Return how often this has been looked at; of what was merely observed nobody counts it."""
    if question.observational or not cells:
        return 1
    counts = [cell.counts for cell in cells]
    assigned = sum(one.assigned for one in counts)
    ended = assigned - sum(one.pending for one in counts)
    return ledger.look(route or "", (assigned, ended))
