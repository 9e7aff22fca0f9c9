"""What a comparison counts.

Revision ID: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table of what was assigned; messages tell whether they have a line there."""
    # Without a value, so that no row is written: it takes a moment, however many there are.
    op.add_column("polysms_messages", _text("experiment"))
    _create_assignments()
    op.create_index("polysms_assignments_route", "polysms_assignments", ["route", "assigned_ms"])
    op.create_index(
        "polysms_assignments_matured",
        "polysms_assignments",
        ["account", "country", "kind", "sender_kind", "ended", "assigned_ms"],
    )


def _text(name: str, **facts: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), **facts)


def _create_assignments() -> None:
    op.create_table(
        "polysms_assignments",
        _text("message_id", primary_key=True),
        _text("experiment", nullable=False),
        _text("route", nullable=False),
        _text("account", nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        _text("unit", nullable=False),
        sa.Column("randomised", sa.Boolean(), nullable=False),
        sa.Column("assigned_ms", sa.BigInteger(), nullable=False),
        _text("country", nullable=False),
        _text("kind", nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        _text("sender_kind", nullable=False),
        _text("tag"),
        sa.Column("predicted", sa.Integer()),
        _text("recipient"),
        _text("outcome"),
        _text("ended", nullable=False),
        _text("reason"),
        sa.Column("delivered_ms", sa.BigInteger()),
        sa.Column("polled", sa.Boolean(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger()),
        sa.Column("ahead_ms", sa.BigInteger()),
        _text("price"),
        _text("currency"),
        sa.Column("billed", sa.Integer()),
        _text("mcc"),
        _text("mnc"),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("arrived", sa.Boolean(), nullable=False),
        sa.Column("others", sa.Integer(), nullable=False),
    )
