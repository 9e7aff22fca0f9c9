"""One file per provider, and the list of them. To add one, write the file and add its line."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from polysms.errors import ConfigError
from polysms.providers.base import Provider

REGISTRY = {
    "carrierx": "polysms.providers.carrierx:CarrierX",
    "signalwire": "polysms.providers.signalwire:SignalWire",
    "signalwire-compat": "polysms.providers.signalwire.compat:SignalWireCompat",
    "wavix": "polysms.providers.wavix:Wavix",
}
#: Accounts without a network: what they send stays in this process.
LOCAL = ("console", "memory", "null")


def load(name: str, key: str = "provider") -> type[Provider]:
    """Return the adapter of a provider named in the registry, or of ``"my.module:Provider"``.

    Raises :class:`~polysms.errors.ConfigError` naming ``key`` for what is neither.
    """
    place = "polysms.providers.local:Local" if name in LOCAL else REGISTRY.get(name, name)
    module, colon, attribute = place.partition(":")
    if not colon:
        raise ConfigError(f"{key}: no provider is called {name!r}{_nearest(name)}", key=key)
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{key}: cannot load {name!r}: {error}", key=key) from error
    return _checked(found, name, key)


def _checked(found: object, name: str, key: str) -> type[Provider]:
    needed = ("Settings", "capabilities", "request", "read")
    missing = [attribute for attribute in needed if not hasattr(found, attribute)]
    if not isinstance(found, type) or missing:
        raise ConfigError(f"{key}: {name!r} is no provider: it lacks {', '.join(missing)}", key=key)
    return found


def _nearest(name: str) -> str:
    known = [*REGISTRY, *LOCAL]
    close = get_close_matches(name, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(sorted(known))}"
