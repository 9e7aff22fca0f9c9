"""Reading a configuration from where it lies: a file, the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polysms.config import Config, Source
from polysms.errors import ConfigError

DEFAULT = "polysms.toml"


def config_from(
    source: str | Path | Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Return the configuration of a path, a URL or a mapping, else the one the environment names.

    Raises :class:`~polysms.errors.ConfigError` that says where it looked.
    """
    environment = os.environ if environment is None else environment
    sandbox = environment.get("POLYSMS_SANDBOX") or None
    if source is None:
        source, where = _named(environment)
    else:
        where = "the URL" if _is_url(source) else str(source)
    if isinstance(source, Mapping):
        return Config.from_mapping(source, Source("the mapping", environment), sandbox)
    if isinstance(source, str) and _is_url(source):
        return Config.from_url(source, Source(where, environment), sandbox)
    path = Path(source)
    tables = _toml(path)
    folder = str(path.parent.absolute())
    return Config.from_mapping(tables, Source(where, environment, folder=folder), sandbox)


def _is_url(source: object) -> bool:
    return isinstance(source, str) and "://" in source


def _named(environment: Mapping[str, str]) -> tuple[str, str]:
    path, url = environment.get("POLYSMS_CONFIG"), environment.get("POLYSMS_URL")
    if path and url:
        raise ConfigError(
            "POLYSMS_CONFIG and POLYSMS_URL are both set; unset one", key="POLYSMS_URL"
        )
    if path:
        if _is_url(path):
            raise ConfigError(
                "POLYSMS_CONFIG: is a URL; set POLYSMS_URL to it", key="POLYSMS_CONFIG"
            )
        return path, path
    if url:
        if not _is_url(url):
            raise ConfigError(
                "POLYSMS_URL: is no URL; write it as wavix://KEY@?sender=...", key="POLYSMS_URL"
            )
        return url, "POLYSMS_URL"
    if Path(DEFAULT).exists():
        return DEFAULT, DEFAULT
    raise ConfigError(
        f"there is no configuration: write ./{DEFAULT}, or set POLYSMS_CONFIG to a file, "
        "or POLYSMS_URL to one line as wavix://KEY@?sender=...",
        key="POLYSMS_CONFIG",
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply") from error
    except ValueError as error:
        raise ConfigError(f"{str(path)!r} is no path: {error}") from error
