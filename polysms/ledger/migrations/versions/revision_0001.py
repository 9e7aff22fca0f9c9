"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table and index."""
    _create_messages()
    _index_messages()
    _create_attempts()
    _index_attempts()
    _create_events()
    _create_the_rest()


def _time(name: str, **facts: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **facts)


def _text(name: str, **facts: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), **facts)


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        f"polysms_{name}",
        f"polysms_{table}",
        list(columns),
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _create_messages() -> None:
    op.create_table(
        "polysms_messages",
        _text("id", primary_key=True),
        _text("tenant", nullable=False),
        _text("key"),
        _text("tag"),
        _text("kind", nullable=False),
        _text("recipient"),
        _text("sender"),
        _text("text"),
        _text("media"),
        _text("options"),
        sa.Column("valid_for", sa.Integer()),
        _text("status_callback"),
        _text("timezone"),
        sa.Column("segments", sa.Integer()),
        sa.Column("texts", sa.Boolean(), nullable=False),
        _text("via"),
        _text("state"),
        _time("next_at"),
        _time("valid_until"),
        sa.Column("tries", sa.Integer()),
        _time("confirmed_at"),
        _text("claimed_by"),
        _time("claimed_until"),
        _time("look_at"),
        _text("status", nullable=False),
        _time("created_at", nullable=False),
        _time("ended_at"),
        _text("account"),
        _text("provider"),
        _text("provider_id"),
        _text("price"),
        _text("currency"),
        _text("facts"),
        _text("raw"),
    )


def _create_attempts() -> None:
    op.create_table(
        "polysms_attempts",
        _text("reference", primary_key=True),
        sa.Column("message_id", sa.Text(), sa.ForeignKey("polysms_messages.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("account", nullable=False),
        _text("provider", nullable=False),
        _time("started_at", nullable=False),
        _time("expires_at"),
        _time("ended_at"),
        _text("outcome"),
        _text("evidence"),
        _text("reason"),
        sa.Column("status_code", sa.Integer()),
        _text("code"),
        _text("text", nullable=False),
        sa.Column("retry_after", sa.Double()),
        _text("provider_id"),
        _text("sender"),
        sa.Column("valid_for", sa.BigInteger()),
        _text("lookup"),
        _text("looks"),
        _text("unsupported"),
        _text("warnings"),
        _text("price"),
        _text("currency"),
        _text("status"),
    )


def _create_events() -> None:
    op.create_table(
        "polysms_events",
        _text("account", primary_key=True),
        _text("event_id", primary_key=True),
        _text("kind", nullable=False),
        _text("provider", nullable=False),
        _text("provider_id"),
        _text("reference"),
        _text("message_id"),
        _text("status"),
        _time("received_at", nullable=False),
        _text("sender"),
        _text("recipient"),
        sa.Column("texts", sa.Boolean(), nullable=False),
        _text("text"),
        _text("media"),
        _text("facts", nullable=False),
        _text("raw"),
        sa.Column("hint", sa.Boolean(), nullable=False, server_default=sa.false()),
        _time("handle_at"),
        sa.Column("handle_tries", sa.Integer(), nullable=False, server_default="0"),
    )
    _index("events_handle", "events", "handle_at", where="handle_at IS NOT NULL")
    _index("events_message", "events", "message_id", "received_at", where="message_id IS NOT NULL")
    _index(
        "events_parked",
        "events",
        "account",
        "provider_id",
        where="message_id IS NULL AND kind = 'report'",
    )
    _index(
        "events_parked_reference",
        "events",
        "reference",
        where="message_id IS NULL AND kind = 'report' AND reference IS NOT NULL",
    )
    _index("events_received", "events", "received_at")
    _index("events_texts", "events", "received_at", where="texts")


def _create_the_rest() -> None:
    op.create_table(
        "polysms_keys",
        _text("tenant", primary_key=True),
        _text("key", primary_key=True),
        _text("fingerprint", nullable=False),
        _text("message_id", nullable=False),
        _time("created_at", nullable=False),
        _time("claimed_until", nullable=False),
    )
    _index("keys_created", "keys", "created_at")
    _index("keys_message", "keys", "message_id")
    op.create_table(
        "polysms_optouts",
        _text("tenant", primary_key=True),
        _text("recipient", primary_key=True),
        _text("list", primary_key=True),
        _text("source", primary_key=True),
        _time("since", nullable=False),
        _time("ended_at"),
        _text("mirror"),
    )
    _index("optouts_recipient", "optouts", "recipient")
    _index("optouts_mirror", "optouts", "since", where="mirror IS NOT NULL")
    op.create_table(
        "polysms_workers",
        _text("name", primary_key=True),
        _time("seen_at", nullable=False),
    )
    settings = op.create_table(
        "polysms_settings",
        _text("name", primary_key=True),
        _text("value", nullable=False),
    )
    # The key of the fingerprints of messages; it tells one ledger from another too.
    secret = {"name": "fingerprint_secret", "value": secrets.token_hex(32)}
    op.bulk_insert(settings, [secret])


def _index_messages() -> None:
    _index("messages_account", "messages", "account", "created_at", where="account IS NOT NULL")
    _index("messages_claim", "messages", "state", "next_at", where="state IS NOT NULL")
    _index("messages_claimed", "messages", "claimed_until", where="claimed_until IS NOT NULL")
    _index("messages_created", "messages", "created_at")
    _index("messages_key", "messages", "key", "created_at", where="key IS NOT NULL")
    _index("messages_look", "messages", "look_at", where="look_at IS NOT NULL")
    _index("messages_recipient", "messages", "recipient", "created_at")
    _index("messages_status", "messages", "status", "created_at")
    _index("messages_tag", "messages", "tag", "created_at", where="tag IS NOT NULL")
    _index("messages_texts", "messages", "created_at", where="texts")


def _index_attempts() -> None:
    _index("attempts_message", "attempts", "message_id", "number")
    _index("attempts_open", "attempts", "expires_at", where="outcome IS NULL")
    _index(
        "attempts_provider_id",
        "attempts",
        "account",
        "provider_id",
        where="provider_id IS NOT NULL",
    )
    _index("attempts_unclear", "attempts", "account", "started_at", where="outcome = 'maybe_sent'")
    _index(
        "attempts_watermark",
        "attempts",
        "account",
        "started_at",
        where="outcome = 'accepted' AND lookup = 'exact'",
    )
