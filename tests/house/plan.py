"""The plan of the house, as tables: its rooms, and what each may import.

A *room* is a module or package directly in ``polysms`` (``client``, ``routing``), and each file in
``providers`` is a room of its own (``providers.wavix``). Who adds a room or a dependency places it
here; ``tests/test_house.py`` holds the project to it.
"""

from __future__ import annotations

from collections.abc import Mapping

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40

#: The front door, ``polysms/__init__.py``.
DOOR = ""
#: Any file in ``providers`` that the table does not name: one provider.
PROVIDER = "providers.*"

#: What each room may import: the rooms named here, and all that those may import. A room that is
#: not named may not be there: whoever adds one says here on which floor it stands.
ROOMS: Mapping[str, tuple[str, ...]] = {
    # Values. They touch nothing and know no provider.
    "redact": (),
    "values": (),
    "errors": ("redact",),
    "numbers": ("errors",),
    "segments": ("errors",),
    "delivery": ("errors",),
    "message": ("numbers", "segments", "delivery", "values"),
    "services": ("delivery",),
    # Providers. They touch nothing and each knows itself.
    "providers.base": ("message", "services"),
    "providers.reading": ("providers.base",),
    "providers.limits": ("providers.base",),
    "providers.outcome": ("providers.reading",),
    "providers.hearing": ("providers.reading",),
    "providers.lists": ("providers.base",),
    "providers.signing": ("providers.hearing",),
    PROVIDER: ("providers.limits", "providers.outcome", "providers.lists", "providers.signing"),
    "providers": (PROVIDER,),
    "config": ("providers",),
    # Decisions. They touch nothing and do not know each other.
    "routing": ("config",),
    "webhooks": ("config",),
    "report": ("config",),
    "simulation": ("report",),
    "doctor": ("config",),
    # The world.
    "ledger": ("routing", "webhooks", "report"),
    "client": ("ledger", "doctor"),
    DOOR: ("client",),
    "worker": (DOOR,),
    "celery": ("worker",),
    "server": (DOOR,),
    "contrib": ("server",),
    # The guest house plays the providers, and would only repeat our mistakes if it shared our code.
    "sandbox": (),
    "testing": ("server", "worker", "sandbox"),
    "cli": ("server", "worker", "sandbox", "simulation"),
    "__main__": ("cli",),
}

#: Modules that are a part of another room, and why they are files of their own.
ANNEXES: Mapping[str, str] = {
    "plain": "delivery",  # cattrs is slow to import, and few deliveries become plain data
    "explaining": "delivery",  # many words, wanted now and then
}

#: Above this line, clocks, random numbers, ids and the world are arguments.
PURE = frozenset(
    {
        *("redact", "values", "errors", "numbers", "segments", "delivery", "message"),
        "services",
        *("providers.base", "providers.reading", "providers.limits", "providers.outcome"),
        *("providers.hearing", "providers.lists", "providers.signing"),
        *(PROVIDER, "providers", "config", "routing", "webhooks", "report", "doctor"),
        "simulation",
    }
)

#: What must not be imported in a pure room, because it reads or changes the world.
IMPURE_MODULES = frozenset(
    {
        *("time", "random", "secrets", "uuid", "os", "socket", "ssl", "select", "selectors"),
        *("subprocess", "asyncio", "threading", "multiprocessing", "concurrent", "signal"),
        *("tempfile", "shutil", "glob", "sqlite3", "urllib.request", "http.client"),
    }
)

#: What must not even be named in a pure room.
IMPURE_NAMES = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
        *("datetime.date.today", "open", "input"),
    }
)

#: Which rooms may import what is not ours and not Python's. None: any room.
PACKAGES: Mapping[str, frozenset[str] | None] = {
    "attr": None,
    "attrs": None,
    "cattrs": None,
    "typing_extensions": None,
    "phonenumbers": frozenset({"numbers"}),
    "httpx": frozenset({"client"}),
    "httpcore": frozenset({"client"}),
    "pyreqwest": frozenset({"client"}),
    "throttled": frozenset({"client"}),
    "redis": frozenset({"client"}),
    "sqlalchemy": frozenset({"ledger"}),
    "alembic": frozenset({"ledger"}),
    "psycopg": frozenset({"ledger"}),
    "celery": frozenset({"celery"}),
    "starlette": frozenset({"sandbox", "server"}),
    "uvicorn": frozenset({"sandbox", "server"}),
    "django": frozenset({"contrib"}),
    "flask": frozenset({"contrib"}),
    "pytest": frozenset({"testing"}),
    "typer": frozenset({"cli"}),
    "rich": frozenset({"cli"}),
    "pyarrow": frozenset({"cli"}),
}

#: Hosts of package registries: where a package comes from is the business of who installs it. In
#: parts, so that this file keeps its own rule.
FORBIDDEN_WORDS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
    )
)


def room(module: str) -> str:
    """Return the room of a module such as ``polysms.providers.wavix.codes``."""
    parts = module.split(".")[1:]
    if parts[:1] == ["providers"]:
        return ".".join(parts[:2])
    return ANNEXES.get(parts[0], parts[0]) if parts else DOOR


def row(place: str) -> str:
    """Return the row of :data:`ROOMS` for a room: its own, or that of any provider."""
    if place not in ROOMS and place.startswith("providers."):
        return PROVIDER
    return place


def reachable(start: str) -> frozenset[str]:
    """Return every row that the rooms of a row may import."""
    found: set[str] = set()
    waiting = list(ROOMS.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(ROOMS[name])
    return frozenset(found)
