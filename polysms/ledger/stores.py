"""Which database a ledger's address means."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from polysms.errors import ConfigError
from polysms.ledger.postgresql import PostgreSQL
from polysms.ledger.store import SQLite, Store


def url_of(address: str) -> URL:
    """Return a ledger's address, read; raise :class:`ConfigError` for one we have no use for."""
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        sentence = (
            "ledger: is no address of a ledger; write sqlite:///polysms.db or "
            "postgresql+psycopg://user:password@host/database"
        )
        raise ConfigError(sentence, key="ledger")
    if url.drivername == "sqlite" and (not url.database or ":memory:" in url.database):
        sentence = "ledger: is to be a file, and not the memory: it must survive the process"
        raise ConfigError(sentence, key="ledger")
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def store_of(address: str) -> Store:
    """Return the connections of a ledger's address; none is opened before it is needed."""
    url = url_of(address)
    return SQLite(url) if url.drivername == "sqlite" else PostgreSQL(url)
