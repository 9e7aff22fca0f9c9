"""Keys: each belongs to one message, and a message that may have been sent keeps its key."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from polysms.delivery import Delivery, Status
from polysms.errors import KeyConflict
from polysms.ledger.reading import by_id, deliveries
from polysms.ledger.rows import plain_options
from polysms.ledger.tables import keys, settings
from polysms.message import Message

_SECRET = "fingerprint_secret"  # noqa: S105 - the name of a setting


@attrs.frozen
class KeyState:
    """What is known of a key: the id of its message, and its delivery.

    ``delivery`` is None where the message is to be sent now, under this id, by whoever asked. It
    is PENDING while another runs.
    """

    id: str
    delivery: Delivery | None = None

    @property
    def new(self) -> bool:
        """Whether the key is now of the message that asked, which is to be sent."""
        return self.delivery is None


def begin(  # noqa: PLR0913 - each by name
    connection: Connection,
    key: str,
    tenant: str,
    *,
    fingerprint: str,
    id_: str,
    now: datetime,
    until: datetime,
) -> KeyState:
    """Give a key to a message, or tell whose it is; raise :class:`KeyConflict` for another's."""
    taken = {"message_id": id_, "created_at": now, "claimed_until": until}
    row = {"tenant": tenant, "key": key, "fingerprint": fingerprint, **taken}
    statement = insert_or_nothing(connection, keys).returning(keys.c.message_id)
    if connection.execute(statement, row).first() is not None:
        return KeyState(id_)
    mine = (keys.c.tenant == tenant) & (keys.c.key == key)
    # Locked before it is judged: of two that try anew, one does.
    owner = connection.execute(select(keys).where(mine).with_for_update()).mappings().one()
    if not hmac.compare_digest(owner["fingerprint"], fingerprint):
        sentence = "this key belongs to another message: give each message a key of its own"
        raise KeyConflict(sentence, field="key")
    delivery = _delivery(connection, owner, now)
    if delivery.status is not Status.NOT_SENT:
        return KeyState(owner["message_id"], delivery)
    connection.execute(update(keys).where(mine).values(taken))
    return KeyState(id_)


def _delivery(connection: Connection, owner: Any, now: datetime) -> Delivery:
    id_ = owner["message_id"]
    row = by_id(connection, id_, None)
    if row is not None:
        (delivery,) = deliveries(connection, [row], now)
        return delivery
    # Begun, and nothing written: an attempt is written before its first byte.
    running = owner["claimed_until"] >= now
    status = Status.PENDING if running else Status.NOT_SENT
    return Delivery(id=id_, status=status, key=owner["key"], created_at=owner["created_at"])


def insert_or_nothing(connection: Connection, table: Table) -> Any:
    """Return an INSERT that leaves a row alone that is there already."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def secret(connection: Connection) -> bytes:
    """Return the ledger's own secret: made with its tables, and kept in them."""
    return bytes.fromhex(name(connection) or "")


def name(connection: Connection) -> str | None:
    """Return what no other ledger has in common with this one, None where there is no ledger."""
    wanted = select(settings.c.value).where(settings.c.name == _SECRET)
    found: str | None = connection.execute(wanted).scalar()
    return found


def fingerprint(message: Message, secret: bytes) -> str:
    """Return what tells one message from another: whom it is to, from whom, and what it says.

    How long it is valid, its tag and where its reports go may differ from one try to the next. An
    HMAC: with the ledger's file alone, nobody can try numbers or codes until one fits.
    """
    said = [message.to, message.text, message.media, message.from_, plain_options(message)]
    plain = json.dumps(said, sort_keys=True, default=str)
    return hmac.new(secret, plain.encode(), hashlib.sha256).hexdigest()
