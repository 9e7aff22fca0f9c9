"""The schema's version, and the way to the newest: Alembic, without a file of its own settings."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from polysms.errors import LedgerError
from polysms.ledger.tables import VERSION_TABLE, metadata
from polysms.ledger.trouble import UPGRADE

#: The revision that this polysms was written for: the newest in ``migrations/versions``.
NEWEST = "0002"
#: So that two workers that start together do not both create the tables (PostgreSQL).
_LOCK = 0x706F6C79


def version(connection: Connection) -> str | None:
    """Return the revision of a database, None for one without our tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


def is_newest(connection: Connection) -> bool:
    """Whether a database has the newest tables."""
    return version(connection) == NEWEST


def check_version(connection: Connection) -> bool:
    """Raise :class:`LedgerError` where the tables are missing, older or newer than we are."""
    found = version(connection)
    if found is not None and found > NEWEST:
        raise LedgerError("the ledger was made by a newer polysms: install that one")
    if found != NEWEST:
        raise LedgerError(UPGRADE)
    return True


def upgrade(connection: Connection) -> None:
    """Run the migrations that a database lacks, in the transaction of this connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    found = version(connection)
    if found is not None and found > NEWEST:
        check_version(connection)
    if found != NEWEST:
        with _one_at_a_time:
            _run(connection)


#: What Alembic's migrations work on is the process's, and not the thread's.
_one_at_a_time = threading.Lock()


def _begin_again() -> None:
    global _one_at_a_time  # noqa: PLW0603 - a thread of the parent may hold it, and is not here
    _one_at_a_time = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def _run(connection: Connection) -> None:
    # Slow to import, and wanted once in the life of a database.
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415

    script, config = scripts()

    def wanted(revision: Any, _: Any) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 - as alembic's own command

    with EnvironmentContext(config, script, fn=wanted, destination_rev="head") as environment:
        environment.configure(
            connection=connection,
            target_metadata=metadata,
            version_table=VERSION_TABLE,
            transactional_ddl=True,
        )
        environment.run_migrations()


def scripts() -> tuple[Any, Any]:
    """Return the migrations that are shipped in this package, and Alembic's settings for them."""
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config), config
