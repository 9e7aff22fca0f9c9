"""One file per provider, and the list of them. To add one, write the file and add its line.

A package of one's own needs no line: it names its adapter in the entry point group
``polysms.providers``, and is found by that name once it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from inspect import isclass
from typing import TYPE_CHECKING, Any

import attrs

from polysms.errors import ConfigError
from polysms.message import Message
from polysms.providers.base import Capabilities, Provider, Request
from polysms.providers.limits import options_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

REGISTRY = {
    "carrierx": "polysms.providers.carrierx:CarrierX",
    "signalwire": "polysms.providers.signalwire:SignalWire",
    "signalwire-compat": "polysms.providers.signalwire.compat:SignalWireCompat",
    "twilio": "polysms.providers.twilio:Twilio",
    "wavix": "polysms.providers.wavix:Wavix",
}
#: Accounts without a network: what they send stays in this process.
LOCAL = ("console", "memory", "null")
#: The entry point group in which a package names its adapter.
GROUP = "polysms.providers"


@attrs.frozen(kw_only=True)
class NoOptions:
    """The options of a provider whose adapter has none."""


def load(name: str, key: str = "provider") -> type[Provider]:
    """Return the adapter of a provider: by its name, or as ``"my.module:Provider"``.

    A name is one of the registry's, else one that an installed package has given. Raises
    :class:`~polysms.errors.ConfigError` naming ``key`` for what is neither.
    """
    place = "polysms.providers.local:Local" if name in LOCAL else REGISTRY.get(name, name)
    if ":" not in place:
        return _installed(name, key)
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:
        # A module of somebody's own may raise anything while it is imported.
        sentence = f"{key}: cannot load {name!r}: {_words(error)}"
        raise ConfigError(sentence, key=key) from error
    return checked(found, name, attribute.lower(), key)


def installed() -> tuple[str, ...]:
    """Return the names that installed packages have given to adapters of theirs.

    What is installed is looked up each time, which takes a while: only for names of nobody else's.
    """
    return tuple(sorted({point.name for point in _points()} - {*REGISTRY, *LOCAL}))


def _points() -> tuple[EntryPoint, ...]:
    # As import_module does, it reads the code that is installed, and nothing else of the world.
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and rarely wanted

    return tuple(entry_points(group=GROUP))


def _installed(name: str, key: str) -> type[Provider]:
    """Return the adapter to which an installed package has given a name."""
    points = [point for point in _points() if point.name == name]
    if not points:
        raise ConfigError(f"{key}: no provider is called {name!r}{_nearest(name)}", key=key)
    packages = " and ".join(sorted({_package(point) for point in points}))
    if len(points) > 1:
        places = " or ".join(f'"{place}"' for place in sorted({one.value for one in points}))
        sentence = f"uninstall one of them, or write its place: {places}"
        raise ConfigError(f"{key}: {name!r} is given by {packages}: {sentence}", key=key)
    try:
        found = points[0].load()
    except Exception as error:
        sentence = (
            f"{key}: cannot load {name!r}, which is {points[0].value!r} of {packages}: "
            f"{_words(error)}; install {packages} again, or mend it"
        )
        raise ConfigError(sentence, key=key) from error
    return checked(found, name, name, key)


def _package(point: EntryPoint) -> str:
    return "a package without a name" if point.dist is None else point.dist.name


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def checked(found: Any, name: str, called: str, key: str = "provider") -> type[Provider]:
    """Return a class as a provider's adapter, named ``called`` unless it names itself.

    Raises :class:`~polysms.errors.ConfigError` for what lacks a part of an adapter.
    """
    needed = ("Settings", "capabilities", "request", "read")
    missing = [attribute for attribute in needed if not hasattr(found, attribute)]
    is_class = isclass(found)
    if missing:
        wrong = f"lacks {', '.join(missing)}"
    elif not is_class:
        wrong = "is no class"
    elif not attrs.has(found.Settings):
        wrong = "has Settings that are no attrs class"
    elif not isinstance(found.capabilities, Capabilities):
        wrong = "has capabilities that are no polysms.providers.base.Capabilities"
    else:
        return _whole(found, called)
    raise ConfigError(f"{key}: {name!r} is no provider: it {wrong}", key=key)


@cache
def _whole(found: type[Any], called: str) -> type[Provider]:
    """Return an adapter that has a name and options: without them, with ours."""
    added: dict[str, Any] = {}
    if not hasattr(found, "name"):
        added["name"] = called
    if not hasattr(found, "Options"):
        added |= {"Options": NoOptions, "request": _without_options(found)}
    if not added:
        return found
    facts = {"__module__": found.__module__, "__doc__": found.__doc__, **added}
    return type(found.__name__, (found,), facts)


def _without_options(found: type[Any]) -> Any:
    def request(self: Any, message: Message, reference: str) -> Request:
        # Nothing is dropped in silence: who has no options cannot see that some were given.
        options_of(message, self.name, NoOptions)
        said: Request = found.request(self, message, reference)
        return said

    return request


def _nearest(name: str) -> str:
    known: Sequence[str] = [*REGISTRY, *LOCAL, *installed()]
    close = get_close_matches(name, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(sorted(known))}"
