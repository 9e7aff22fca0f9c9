"""What providers report: kept as it came, once, and matched with the attempt it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import Connection, or_, select, update

from polysms.delivery import Attempt, Event, InboundMessage, Outcome, Status
from polysms.errors import Reason
from polysms.ledger import bulk, optouts, unwanted
from polysms.ledger.book import Book
from polysms.ledger.keys import insert_or_nothing
from polysms.ledger.optouts import Heard
from polysms.ledger.owners import Name, Owner, known_names, name_of, owners
from polysms.ledger.reading import REPORT, by_id
from polysms.ledger.rows import NAMED, OPT_OUT, SIGNED, Row, event_row
from polysms.ledger.tables import attempts, events

#: How long after its end a message's price is asked for, where that is to be compared.
PRICED = timedelta(minutes=1)
_MATCHED = ("message_id", "reference")


@attrs.frozen(kw_only=True)
class Note:
    """An event that is to be kept.

    With ``hint``, what it says is not proved: its message's provider is to be asked, and nothing
    follows from it, but from one that ends nothing, of a message that its provider surely has.
    With ``signed``, the provider itself has said which attempt it is about; with ``named``, whoever
    says it knows that attempt's own address. At ``handle_at``
    whoever listens is to be told, unless :class:`Handled` says that this has been done. ``lists``
    is what each route says of opt-outs, ``mirror`` the accounts whose providers are to hear of one.
    """

    event: Event
    hint: bool = False
    signed: bool = False
    named: bool = False
    handle_at: datetime | None = None
    lists: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    mirror: tuple[str, ...] = ()

    @property
    def name(self) -> Name:
        """What tells its event from all others."""
        return self.event.account, self.event.event_id


@attrs.frozen
class Recorded:
    """What became of an event: ``new`` unless it had come before; ``id`` is its message's.

    A report without a message is parked: it is matched once an attempt turns out to be its own.
    ``opt_out`` is what an inbound message has changed of those. ``hint`` is True for a report that
    its provider is to confirm.
    """

    new: bool
    id: str | None = None
    status: Status | None = None
    key: str | None = None
    tag: str | None = None
    opt_out: Heard | None = None
    hint: bool = False


def record(connection: Connection, notes: Sequence[Note], now: datetime) -> list[Recorded]:
    """Keep events; let the status of their messages follow, where those are known."""
    rows = {note.name: _row(note) for note in notes}
    about = owners(connection, rows.values())
    for name, owner in about.items():
        rows[name] |= _matched_row(rows[name], owner)
    new = _inserted(connection, rows)
    book = Book(connection, {owner.message_id for owner in about.values()})
    news = set(new)
    # In one order everywhere, so that two writers never wait for each other.
    for note in sorted(notes, key=_name):
        row, known = rows[note.name], about.get(note.name)
        if known is not None:
            _tell(book, known, row, now)
        if note.name not in new and _again(connection, book, row, now):
            news.add(note.name)
    book.put_back(now)
    told = _opt_outs(connection, [note for note in notes if note.name in new], now)
    unwanted.keep(connection, _refused(connection, notes, news & about.keys(), about, now))
    done = [_recorded(note.name, about, book, new, told) for note in notes]
    return [
        attrs.evolve(one, hint=bool(rows[note.name]["hint"]))
        for note, one in zip(notes, done, strict=True)
    ]


def _name(note: Note) -> Name:
    return note.name


def _row(note: Note) -> dict[str, Any]:
    row = {**event_row(note.event), "hint": note.hint, "handle_at": note.handle_at}
    for word, holds in ((SIGNED, note.signed), (NAMED, note.named)):
        row["facts"] = {**row["facts"], word: True} if holds else row["facts"]
    return row


def _matched_row(said: Row, owner: Owner) -> dict[str, Any]:
    """Return what a report's row has once its attempt is known."""
    row: dict[str, Any] = {"message_id": owner.message_id, "reference": owner.reference}
    row["hint"] = _is_hint(said, owner)
    return row if owner.texts else {**row, "raw": None, "texts": False}


def _is_hint(said: Row, owner: Owner) -> bool:
    """Whether nothing follows from a report that is not proved: from most, nothing does.

    One that ends nothing changes nothing that matters of a message that its provider has.
    """
    harmless = not Status(said["status"]).final and owner.outcome == Outcome.ACCEPTED
    return bool(said["hint"]) and not harmless


def _inserted(connection: Connection, rows: Mapping[Name, Row]) -> set[Name]:
    """Insert the events that are not there; return their names."""
    # In one order everywhere, so that two writers never wait for each other.
    ordered = [rows[name] for name in sorted(rows)]
    if connection.dialect.name == "sqlite":
        # Nobody writes beside us: what is not there now is not there when we insert it.
        known = known_names(connection, ordered)
        bulk.add(connection, events, [row for row in ordered if name_of(row) not in known])
        return rows.keys() - known
    kept = insert_or_nothing(connection, events).returning(events.c.account, events.c.event_id)
    return {(row.account, row.event_id) for row in connection.execute(kept, ordered)}


def _again(connection: Connection, book: Book, row: Row, now: datetime) -> bool:
    """Note what an event that is there already says now: whose it is, and whether it is proved.

    Return whether it was not proved before.
    """
    if row["message_id"] is not None:
        names = _MATCHED if row["texts"] else (*_MATCHED, "raw", "texts")
        parked = _change(connection, row, events.c.message_id.is_(None), names)
        # What was proved of it while nobody knew its message is told to nobody else.
        if parked is not None and parked["kind"] == "report" and not parked["hint"]:
            _hear(book, row["message_id"], row["reference"], parked, now)
    if row["kind"] == "report" and not row["hint"]:
        # What was claimed without proof, whose it is too, counts no more.
        proof = ("hint", "status", "facts", "reference")
        return _change(connection, row, events.c.hint.is_(True), proof) is not None
    return False


def _change(connection: Connection, row: Row, where: Any, names: Sequence[str]) -> Any:
    """Change an event; return it as it is then, None where it is not the one that is meant."""
    changed = update(events).where(_is(name_of(row)), where)
    values = {name: row[name] for name in names}
    return connection.execute(changed.values(values).returning(*events.c)).mappings().one_or_none()


def _is(name: Name) -> Any:
    return (events.c.account == name[0]) & (events.c.event_id == name[1])


def _tell(book: Book, owner: Owner, row: Row, now: datetime) -> None:
    """Let a message follow what is said of it; of what is not proved, only that it is asked for."""
    if not row["hint"]:
        _hear(book, owner.message_id, owner.reference, row, now)
        return
    # Who handles it asks the provider at once; the sweep does where nobody has.
    page = book.pages[owner.message_id]
    page.changes["look_at"] = min(filter(None, (page.value("look_at"), row["handle_at"] or now)))


def _hear(book: Book, id_: str, reference: str, row: Row, now: datetime) -> None:
    status, received_at = Status(row["status"]), row["received_at"]
    # A signed report may have another id than the message; which one, its provider is asked.
    book.found(id_, reference, None if row["facts"].get(SIGNED) else row["provider_id"], now)
    copy = book.hear(id_, reference, status)
    compared = book.assigned.of(id_, copy.account)
    if compared is None:
        return
    compared.said(status, received_at, polled=False)
    page = book.pages[id_]
    if status.final and status is not Status.UNREPORTED and page.value("price") is None:
        # Who tells of the end first and of the price later is asked once what it came to.
        page.priced_at = now + PRICED
    at = row["facts"].get("at")
    # That nothing will be reported any more we may have said ourselves, by our own clock.
    if at is not None and status is not Status.UNREPORTED:
        compared.timed(datetime.fromisoformat(at), received_at)


def _opt_outs(connection: Connection, notes: Sequence[Note], now: datetime) -> dict[Name, Heard]:
    found: dict[Name, Heard] = {}
    # In one order everywhere, so that two writers never wait for each other.
    for note in sorted(notes, key=_sender):
        if not isinstance(note.event, InboundMessage) or note.event.keyword is None:
            continue
        heard = optouts.heard(connection, note.event, now, note.lists, note.mirror)
        if heard is not None:
            found[note.name] = heard
            facts = {**event_row(note.event)["facts"], OPT_OUT: heard.list}
            connection.execute(update(events).where(_is(note.name)).values(facts=facts))
    return found


def _sender(note: Note) -> str:
    return note.event.from_ if isinstance(note.event, InboundMessage) else ""


def _refused(
    connection: Connection,
    notes: Sequence[Note],
    news: Collection[Name],
    about: Mapping[Name, Owner],
    now: datetime,
) -> Iterator[Row]:
    """Yield the opt-outs that reports of refused messages tell of."""
    for note in notes:
        event = note.event
        if isinstance(event, InboundMessage) or event.reason is not Reason.OPTED_OUT:
            continue
        if note.name in news and not note.hint:
            said = by_id(connection, about[note.name].message_id, None)
            row = said and unwanted.reported(said, event, note.lists, now)
            if row:
                yield row


def _recorded(
    name: Name,
    about: Mapping[Name, Owner],
    book: Book,
    new: set[Name],
    told: Mapping[Name, Heard],
) -> Recorded:
    """Return what became of one event; of two that are the same, the first is new."""
    is_new = name in new
    new.discard(name)
    owner = about.get(name)
    if owner is None:
        return Recorded(is_new, opt_out=told.get(name) if is_new else None)
    status = Status(book.pages[owner.message_id].value("status"))
    return Recorded(is_new, owner.message_id, status, owner.key, owner.tag)


def match(connection: Connection, copies: Sequence[Attempt], now: datetime) -> None:
    """Match the parked reports that are about one of these attempts."""
    by_reference = events.c.reference.in_([copy.reference for copy in copies])
    by_provider = events.c.account.in_(sorted({copy.account for copy in copies})) & (
        events.c.provider_id.in_([copy.provider_id for copy in copies if copy.provider_id])
    )
    # One after the other, because each has an index.
    for about in (by_reference, by_provider):
        _match(connection, about, now, len(copies) * 100)


def match_parked(connection: Connection, now: datetime, limit: int) -> int:
    """Match what is still parked; return how many reports found their message."""
    # As it is decided there: what can never match must not stand in the way of the rest.
    agrees = or_(attempts.c.provider_id.is_(None), attempts.c.provider_id == events.c.provider_id)
    owner = (attempts.c.reference == events.c.reference) & events.c.hint.is_(False) & agrees
    same = (attempts.c.account == events.c.account) & (
        attempts.c.provider_id == events.c.provider_id
    )
    known = select(attempts.c.reference).where(owner), select(attempts.c.reference).where(same)
    return _match(connection, or_(*(one.exists() for one in known)), now, limit)


def _match(connection: Connection, about: Any, now: datetime, limit: int) -> int:
    waiting = select(events).where(events.c.message_id.is_(None), events.c.kind == REPORT, about)
    found = connection.execute(waiting.limit(limit)).mappings()
    # In one order everywhere, so that two writers never wait for each other.
    rows = sorted(found, key=name_of)
    about = owners(connection, rows)
    book = Book(connection, {owner.message_id for owner in about.values()})
    for row in rows:
        owner = about.get(name_of(row))
        if owner is not None:
            changes = _matched_row(row, owner)
            _tell(book, owner, {**row, **changes}, now)
            connection.execute(update(events).where(_is(name_of(row))).values(changes))
    book.put_back(now)
    return len(about)
