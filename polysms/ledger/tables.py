"""The ledger's tables, the same for SQLite and PostgreSQL.

What is looked up or counted is a column; what is only read back whole is JSON beside it. Times are
UTC. A tenant that is not named is the empty text, so that one index keeps a key unique.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    false,
    text,
)

from polysms.ledger.columns import Json, Moment, Words

VERSION_TABLE = "polysms_version"

metadata = MetaData()


def _table(name: str, *parts: Any) -> Table:
    return Table(f"polysms_{name}", metadata, *parts)


def _index(name: str, *columns: Any, where: str | None = None, unique: bool = False) -> Index:
    condition = None if where is None else text(where)
    return Index(
        f"polysms_{name}",
        *columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


messages = _table(
    "messages",
    Column("id", Words, primary_key=True),
    Column("tenant", Words, nullable=False),
    Column("key", Words),
    Column("tag", Words),
    # What is to be said, to whom: enough to send it.
    Column("kind", Words, nullable=False),
    Column("recipient", Words),
    Column("sender", Words),
    Column("text", Words),
    Column("media", Json),
    Column("options", Json),
    Column("valid_for", Integer),
    Column("status_callback", Words),
    Column("timezone", Words),
    Column("segments", Integer),
    # Whether text, media and the provider's own words may be kept, and have not been purged.
    Column("texts", Boolean, nullable=False),
    Column("via", Words),
    # The experiment that has a line on it in ``assignments``; mostly none.
    Column("experiment", Words),
    # The outbox (:mod:`polysms.ledger.outbox`); a send that nobody queued has no state.
    Column("state", Words),
    Column("next_at", Moment),
    Column("valid_until", Moment),
    Column("tries", Integer),
    Column("confirmed_at", Moment),
    Column("claimed_by", Words),
    # Until then somebody is at it: the expiry of an attempt, or a lease.
    Column("claimed_until", Moment),
    # When its provider is asked next what became of it.
    Column("look_at", Moment),
    # Where it stands.
    Column("status", Words, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("account", Words),
    Column("provider", Words),
    Column("provider_id", Words),
    Column("price", Words),
    Column("currency", Words),
    # The delivery as the send ended, less what has a column, and the provider's own answer.
    Column("facts", Json),
    Column("raw", Json),
    _index("messages_created", "created_at"),
    _index("messages_recipient", "recipient", "created_at"),
    _index("messages_key", "key", "created_at", where="key IS NOT NULL"),
    _index("messages_tag", "tag", "created_at", where="tag IS NOT NULL"),
    _index("messages_status", "status", "created_at"),
    _index("messages_account", "account", "created_at", where="account IS NOT NULL"),
    _index("messages_claim", "state", "next_at", where="state IS NOT NULL"),
    _index("messages_claimed", "claimed_until", where="claimed_until IS NOT NULL"),
    _index("messages_look", "look_at", where="look_at IS NOT NULL"),
    _index("messages_texts", "created_at", where="texts"),
)

attempts = _table(
    "attempts",
    Column("reference", Words, primary_key=True),
    Column("message_id", Words, ForeignKey("polysms_messages.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account", Words, nullable=False),
    Column("provider", Words, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("ended_at", Moment),
    Column("outcome", Words),
    Column("evidence", Words),
    Column("reason", Words),
    Column("status_code", Integer),
    Column("code", Words),
    Column("text", Words, nullable=False),
    Column("retry_after", Double),
    Column("provider_id", Words),
    Column("sender", Words),
    Column("valid_for", BigInteger),
    Column("lookup", Words),
    Column("looks", Json),
    Column("unsupported", Json),
    Column("warnings", Json),
    Column("price", Words),
    Column("currency", Words),
    # The highest rank that the provider has said of this copy.
    Column("status", Words),
    _index("attempts_message", "message_id", "number"),
    _index("attempts_provider_id", "account", "provider_id", where="provider_id IS NOT NULL"),
    _index("attempts_open", "expires_at", where="outcome IS NULL"),
    _index("attempts_unclear", "account", "started_at", where="outcome = 'maybe_sent'"),
    _index(
        "attempts_watermark",
        "account",
        "started_at",
        where="outcome = 'accepted' AND lookup = 'exact'",
    ),
)

#: Everything that was reported, as it came; without a message while it is not known whose it is.
events = _table(
    "events",
    Column("account", Words, primary_key=True),
    Column("event_id", Words, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("provider", Words, nullable=False),
    Column("provider_id", Words),
    Column("reference", Words),
    Column("message_id", Words),
    Column("status", Words),
    Column("received_at", Moment, nullable=False),
    Column("sender", Words),
    Column("recipient", Words),
    Column("texts", Boolean, nullable=False),
    Column("text", Words),
    Column("media", Json),
    Column("facts", Json, nullable=False),
    Column("raw", Json),
    # A report that is not proved: a look at the provider decides, and not what it says.
    Column("hint", Boolean, nullable=False, server_default=false()),
    # When whoever listens is to be told (again): none, once they have been.
    Column("handle_at", Moment),
    Column("handle_tries", Integer, nullable=False, server_default="0"),
    _index("events_handle", "handle_at", where="handle_at IS NOT NULL"),
    _index("events_message", "message_id", "received_at", where="message_id IS NOT NULL"),
    _index(
        "events_parked",
        "account",
        "provider_id",
        where="message_id IS NULL AND kind = 'report'",
    ),
    _index(
        "events_parked_reference",
        "reference",
        where="message_id IS NULL AND kind = 'report' AND reference IS NOT NULL",
    ),
    _index("events_received", "received_at"),
    _index("events_texts", "received_at", where="texts"),
)

#: What became of each message that an experiment, or what was learnt, gave to an account: all that
#: a comparison counts, so that nothing else has to be read. No number and no text; it stays when
#: its message is forgotten. Times are milliseconds, the same whole numbers on both databases: of
#: the epoch for ``assigned_ms``, else since then.
assignments = _table(
    "assignments",
    Column("message_id", Words, primary_key=True),
    Column("experiment", Words, nullable=False),
    Column("route", Words, nullable=False),
    Column("account", Words, nullable=False),
    Column("probability", Double, nullable=False),
    Column("unit", Words, nullable=False),
    Column("randomised", Boolean, nullable=False),
    Column("assigned_ms", BigInteger, nullable=False),
    # What was known before it was sent.
    Column("country", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("sender_kind", Words, nullable=False),
    Column("tag", Words),
    Column("predicted", Integer),
    # The recipient's HMAC, for routes that keep a recipient at one account, and for dead numbers.
    Column("recipient", Words),
    # What became of it at this account; of all attempts there.
    Column("outcome", Words),
    Column("ended", Words, nullable=False),
    Column("reason", Words),
    # When we first heard that it was delivered; with ``polled``, because we asked. ``asked_ms`` is
    # when we had asked last, in vain.
    Column("delivered_ms", BigInteger),
    Column("polled", Boolean, nullable=False),
    Column("asked_ms", BigInteger),
    # By how much the provider's time was ahead of ours, at worst.
    Column("ahead_ms", BigInteger),
    Column("price", Words),
    Column("currency", Words),
    Column("billed", Integer),
    Column("mcc", Words),
    Column("mnc", Words),
    # What the application, and other accounts, say.
    Column("confirmed", Boolean, nullable=False),
    Column("arrived", Boolean, nullable=False),
    Column("others", Integer, nullable=False),
    _index("assignments_route", "route", "assigned_ms"),
    _index(
        "assignments_matured",
        "account",
        "country",
        "kind",
        "sender_kind",
        "ended",
        "assigned_ms",
    ),
)

#: Whose message a key belongs to.
keys = _table(
    "keys",
    Column("tenant", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("fingerprint", Words, nullable=False),
    Column("message_id", Words, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("claimed_until", Moment, nullable=False),
    _index("keys_created", "created_at"),
    _index("keys_message", "message_id"),
)

#: Who wants no more messages: of one list, or (the empty text) of any; once for each who says so.
optouts = _table(
    "optouts",
    Column("tenant", Words, primary_key=True),
    Column("recipient", Words, primary_key=True),
    Column("list", Words, primary_key=True),
    Column("source", Words, primary_key=True),
    Column("since", Moment, nullable=False),
    # When the person said START: then it counts no more, and stays to tell what came before.
    Column("ended_at", Moment),
    # The accounts whose providers are yet to be told.
    Column("mirror", Json),
    _index("optouts_recipient", "recipient"),
    _index("optouts_mirror", "since", where="mirror IS NOT NULL"),
)

#: Who drains the outbox, so that it can be told that nobody does.
workers = _table(
    "workers",
    Column("name", Words, primary_key=True),
    Column("seen_at", Moment, nullable=False),
)

settings = _table(
    "settings",
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
)
