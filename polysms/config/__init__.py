"""The configuration: a mapping, a TOML file's contents or a URL becomes a :class:`Config`.

Pure: files and the environment are read by the client and handed in. Every mistake is a
:class:`~polysms.errors.ConfigError` that names the key, the remedy and where it was read.
"""

from __future__ import annotations

from polysms.config.keeping import Hours, Outbox, Sweep
from polysms.config.rails import Rails
from polysms.config.reading import Source
from polysms.config.routes import Prices, Route, Rule
from polysms.config.values import Account, Config, Timeouts

__all__ = [
    "Account",
    "Config",
    "Hours",
    "Outbox",
    "Prices",
    "Rails",
    "Route",
    "Rule",
    "Source",
    "Sweep",
    "Timeouts",
]
