"""The few things that all of a client needs: who we are in time, and what was given to it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from polysms.config import Config
from polysms.errors import ConfigError, PolysmsError
from polysms.routing.steps import World


def uuid7() -> str:
    """Return a new UUIDv7: 48 bits of milliseconds, then random bits (RFC 9562 §5.7)."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    digits = f"{number & _FREE_BITS | _FIXED_BITS:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


# The version (7) and the variant (binary 10) of a UUID, in its 128 bits.
_FIXED_BITS = 7 << 76 | 2 << 62
_FREE_BITS = ~(15 << 76 | 3 << 62)


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


REAL_WORLD = World(now=utc_now, clock=time.monotonic, new_id=uuid7, random=random.random)


def config_of(config: Config | Mapping[str, Any] | str) -> Config:
    """Return a configuration given as such, as nested tables, or as a URL."""
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return Config.from_mapping(config)
    if isinstance(config, str) and "://" in config:
        return Config.from_url(config)
    raise ConfigError("config: give a Config, a mapping or a URL; Client.from_config() reads files")


def told(error: BaseException) -> PolysmsError | None:
    """Return the error of the send in what a send raised: itself, or an interrupt's cause."""
    found = error if isinstance(error, PolysmsError) else error.__cause__
    return found if isinstance(found, PolysmsError) else None
