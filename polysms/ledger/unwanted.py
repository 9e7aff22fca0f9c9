"""Before an attempt: whether its numbers want it. After it: whether its provider says they do not.

Both in the transaction that writes the attempt down, so that nothing comes between.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, TextualSelect, text

from polysms.delivery import Attempt, DeliveryReport, Outcome
from polysms.errors import Reason, Refused
from polysms.ledger.columns import Words
from polysms.ledger.places import ALL, EVERY, NONE, Row, added, list_of, row, said_at
from polysms.ledger.rows import Row as Stored
from polysms.ledger.rows import message_of
from polysms.ledger.tables import optouts
from polysms.message import Message
from polysms.routing.hours import reached

if TYPE_CHECKING:
    from polysms.ledger.writing import Line


class OptedOut(Exception):
    """Messages with these ids are not to be sent: a number that they would reach wants none."""

    def __init__(self, ids: frozenset[str]) -> None:
        super().__init__()
        self.ids = ids


def refusal() -> Refused:
    """Return the error of a message to a number that has opted out."""
    sentence = "the number has opted out: nothing is sent to it"
    return Refused(sentence, reason=Reason.OPTED_OUT, by="polysms")


def check(connection: Connection, lines: Sequence[Line]) -> None:
    """Raise :class:`OptedOut` for attempts that are not to begin; one question for all of them."""
    begun = [one for one in lines if one.attempt.outcome is None and one.optouts != NONE]
    if not begun:
        return
    wanted = {line.id: reached(line.message) for line in begun}
    known = _known(connection, begun, {number for of in wanted.values() for number in of})
    ids = {line.id for line in begun if _refuses(line, wanted[line.id], known)}
    if ids:
        raise OptedOut(frozenset(ids))


def _known(
    connection: Connection, lines: Sequence[Line], recipients: set[str]
) -> Mapping[tuple[str, str], set[str]]:
    """Return the lists that numbers have opted out of, by tenant and number."""
    tenants = {EVERY, *(line.message.tenant or EVERY for line in lines)}
    given = {"tenants": _given(connection, tenants), "recipients": _given(connection, recipients)}
    known: dict[tuple[str, str], set[str]] = {}
    for tenant, recipient, list_ in connection.execute(_statement(connection.dialect.name), given):
        known.setdefault((tenant, recipient), set()).add(list_)
    return known


def _given(connection: Connection, values: Iterable[str]) -> Any:
    stored = Words().bind_processor(connection.dialect)
    plain = sorted(map(stored, values))
    # As one value: a statement with a mark for each would be another for each number of them.
    return json.dumps(plain) if connection.dialect.name == "sqlite" else plain


_LISTED = {"sqlite": "IN (SELECT value FROM json_each(:{}))", "postgresql": "= ANY(:{})"}


@cache
def _statement(database: str) -> TextualSelect:
    listed = _LISTED[database]
    names = ("tenant", "recipient", "list")
    which = f"tenant {listed.format('tenants')} AND recipient {listed.format('recipients')}"
    which += " AND ended_at IS NULL"
    words = f"SELECT {', '.join(names)} FROM {optouts.name} WHERE {which}"  # noqa: S608 - our names
    return text(words).columns(*(optouts.c[name] for name in names))


def _refuses(
    line: Line, recipients: Iterable[str], known: Mapping[tuple[str, str], set[str]]
) -> bool:
    for tenant in (EVERY, line.message.tenant or EVERY):
        for number in recipients:
            lists = known.get((tenant, number), ())
            if lists and (line.optouts == ALL or EVERY in lists or line.optouts in lists):
                return True
    return False


def refused(message: Message, attempt: Attempt, rule: str, now: datetime) -> Row | None:
    """Return what a provider's answer tells of a number that has opted out, None for nothing.

    Of a group nobody knows which of its numbers is meant.
    """
    if attempt.reason is not Reason.OPTED_OUT or attempt.outcome is not Outcome.NOT_SENT:
        return None
    number, *others = reached(message)
    source = f"provider:{attempt.provider}"
    tenant = message.tenant or EVERY
    return None if others else row(number, list_of(rule), tenant, now, source)


def reported(
    said: Stored, event: DeliveryReport, lists: Mapping[str, str], now: datetime
) -> Row | None:
    """Return what a report tells of the number that a stored message went to, None for nothing."""
    message = message_of(said)
    # A group is an MMS; of one whose text is forgotten, nobody knows its numbers any more.
    alone = said["kind"] == "sms" if message is None else len(reached(message)) == 1
    if not alone or said["recipient"] is None:
        return None
    rule = lists.get(said["via"] or "")
    number, source = said["recipient"], f"provider:{event.provider}"
    return row(number, list_of(rule), said["tenant"], said_at(event, now), source)


def keep(connection: Connection, rows: Iterable[Row]) -> None:
    """Add what providers told, in the transaction in which their answers are written down."""
    # In one order everywhere, so that two writers never wait for each other.
    added(connection, sorted(rows, key=itemgetter("tenant", "recipient", "list")), again=True)
