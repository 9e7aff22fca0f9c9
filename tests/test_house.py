"""The house stands as it was planned: imports go down only, and the pure rooms touch nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import is_loopback
from tests.house import checks, plan
from tests.house.reading import ROOT, Source, sources

HOUSE = sources(ROOT / "polysms")
Check = Callable[[Source], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    checks.unplaced,
    checks.upward,
    checks.misplaced,
    checks.impure,
    checks.oversized,
    checks.undocumented,
)
FUNCTION = '"""Long."""\ndef busy() -> None:\n    """Say so."""\n' + "    busy()\n" * 39
METHOD = '"""A."""\nclass Wish:\n    """A wish."""\n    def grant(self) -> None: ...\n'
OVERLOAD = '"""A."""\n@typing.overload\ndef wish(a: int) -> int: ...\n'

BROKEN = [
    # A module that is in no room.
    (checks.unplaced, "polysms.attic", ""),
    (checks.unplaced, "polysms.attic.box", ""),
    # Imports that do not go down.
    (checks.upward, "polysms.errors", "import polysms"),
    (checks.upward, "polysms.errors", "import polysms.client"),
    (checks.upward, "polysms.message", "from polysms import Message"),
    (checks.upward, "polysms.message", "from polysms import client"),
    (checks.upward, "polysms.message", "from .client import Client"),
    (checks.upward, "polysms.message", "def later():\n    from polysms import config"),
    (checks.upward, "polysms.message", "import_module('polysms.client')"),
    (
        checks.upward,
        "polysms.message",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import polysms.client",
    ),
    (checks.upward, "polysms.delivery", "from polysms.message import Message"),
    (checks.upward, "polysms.routing.health", "from polysms.webhooks import read"),
    (checks.upward, "polysms.webhooks", "from polysms import report"),
    (checks.upward, "polysms.report", "from polysms import routing"),
    (checks.upward, "polysms.client.trace", "from polysms.worker import Worker"),
    (checks.upward, "polysms.server", "from polysms.cli import main"),
    # Providers do not import each other, nor does their base know them.
    (checks.upward, "polysms.providers.wavix", "from polysms.providers import signalwire"),
    (checks.upward, "polysms.providers.wavix", "from . import signalwire"),
    (checks.upward, "polysms.providers.wavix.codes", "from ..signalwire import SignalWire"),
    (checks.upward, "polysms.providers.wavix", "from polysms.providers import load"),
    (checks.upward, "polysms.providers.base", "from polysms.providers.wavix import Wavix"),
    # Only the command and the test tools may enter the guest house, and it never leaves.
    (checks.upward, "polysms.client", "from polysms.sandbox import running"),
    (checks.upward, "polysms.server", "import polysms.sandbox.app"),
    (checks.upward, "polysms.sandbox.app", "from polysms import segments"),
    (checks.upward, "polysms.sandbox.app", "from polysms.errors import NotSent"),
    (checks.upward, "polysms.sandbox.app", "from .. import redact"),
    # Packages that belong to one room, and one that belongs to none yet.
    (checks.misplaced, "polysms.providers.wavix", "import httpx"),
    (checks.misplaced, "polysms.worker", "from httpcore import ConnectError"),
    (checks.misplaced, "polysms.client", "import sqlalchemy.orm"),
    (checks.misplaced, "polysms.client", "from rich.table import Table"),
    (checks.misplaced, "polysms.sandbox.app", "import typer"),
    (checks.misplaced, "polysms.cli.serve", "import uvicorn"),
    (checks.misplaced, "polysms.client", "from starlette.requests import Request"),
    (checks.misplaced, "polysms.message", "import phonenumbers"),
    (checks.misplaced, "polysms.client", "import requests"),
    # The world, brought into a pure room.
    (checks.impure, "polysms.message", "import time"),
    (checks.impure, "polysms.message", "from time import monotonic"),
    (checks.impure, "polysms.routing.retry", "import random"),
    (checks.impure, "polysms.delivery", "import uuid"),
    (checks.impure, "polysms.config.url", "from os import environ"),
    (checks.impure, "polysms.config", "import os.path"),
    (checks.impure, "polysms.providers.wavix", "import socket"),
    (checks.impure, "polysms.providers.base", "from urllib import request"),
    (checks.impure, "polysms.webhooks", "from datetime import datetime\ndatetime.now()"),
    (checks.impure, "polysms.webhooks", "from datetime import datetime as dt\ndt.utcnow()"),
    (checks.impure, "polysms.report", "import datetime\nfield(factory=datetime.datetime.now)"),
    (checks.impure, "polysms.report", "import datetime as d\nd.date.today()"),
    (checks.impure, "polysms.config", "open('polysms.toml')"),
    # Too long.
    (checks.oversized, "polysms.message", "\n" * 301),
    (checks.oversized, "polysms.message", FUNCTION + "    busy()\n"),
    # Without a word.
    (checks.undocumented, "polysms.message", "LIMIT = 3"),
    (checks.undocumented, "polysms.message", '"""A."""\nclass Wish:\n    pass'),
    (checks.undocumented, "polysms.message", '"""A."""\nasync def wish() -> None: ...'),
    (checks.undocumented, "polysms.message", METHOD),
]

WHOLE = [
    (checks.unplaced, "polysms", ""),
    (checks.unplaced, "polysms.providers.newcomer.codes", ""),
    (checks.upward, "polysms.message", "from polysms import numbers, redact"),
    (checks.upward, "polysms.message", "if TYPE_CHECKING:\n    from polysms.client import Client"),
    (checks.upward, "polysms.message", "if typing.TYPE_CHECKING:\n    import polysms.client"),
    (checks.upward, "polysms.providers.wavix", "from polysms.providers import base"),
    (checks.upward, "polysms.providers.wavix.codes", "from . import words"),
    (checks.upward, "polysms.providers.wavix", "from polysms.message import Message"),
    (checks.upward, "polysms.config", "from polysms.providers import load"),
    (checks.upward, "polysms.sandbox.app", "from polysms.sandbox.store import Store"),
    (checks.upward, "polysms.cli.demo", "from polysms import Message, sandbox"),
    (checks.upward, "polysms.testing", "from polysms.sandbox import running"),
    (checks.misplaced, "polysms.client.trace", "import httpx, httpcore, attrs, json"),
    (checks.misplaced, "polysms.sandbox.server", "import uvicorn"),
    (checks.impure, "polysms.client", "import os, time, random"),
    (checks.impure, "polysms.routing", "def wait(clock):\n    return clock.now()"),
    (checks.impure, "polysms.numbers", "from datetime import datetime, UTC\ndatetime(2026, 1, 1)"),
    (checks.oversized, "polysms.message", "\n" * 300),
    (checks.oversized, "polysms.message", FUNCTION),
    (checks.undocumented, "polysms.message", ""),
    (checks.undocumented, "polysms.message", '"""A."""\ndef _wish() -> None: ...'),
    (checks.undocumented, "polysms.message", OVERLOAD),
]


def _found(check: Check, name: str, text: str) -> tuple[str, ...]:
    return tuple(check(Source(name, text)))


def test_house_is_read() -> None:
    """The checks below see the modules of the checkout, and not an empty folder."""
    assert {"polysms.errors", "polysms.message"} <= {source.name for source in HOUSE}


@pytest.mark.one_python
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("source", HOUSE, ids=lambda source: source.name)
def test_house(check: Check, source: Source) -> None:
    """Every module keeps every rule of the house."""
    assert () == tuple(check(source))


@pytest.mark.parametrize(("check", "name", "text"), BROKEN)
def test_check_finds_what_breaks_a_rule(check: Check, name: str, text: str) -> None:
    """Each rule, broken on purpose, yields one sentence that names the module."""
    (sentence,) = _found(check, name, text)

    assert sentence.startswith(name)


@pytest.mark.parametrize(("check", "name", "text"), WHOLE)
def test_check_leaves_what_keeps_a_rule(check: Check, name: str, text: str) -> None:
    """What a rule allows yields nothing."""
    assert () == _found(check, name, text)


def test_relative_imports_of_a_package_start_at_itself() -> None:
    """In an ``__init__.py`` one dot is the package, and not the folder above it."""
    source = Source(
        "polysms.client", "from . import trace\nfrom ..worker import W", is_package=True
    )

    assert ("polysms.client:2 imports polysms.worker.W, which client may not",) == tuple(
        checks.upward(source)
    )


@pytest.mark.parametrize("name", plan.ROOMS)
def test_plan_goes_down_only(name: str) -> None:
    """A room may import only rooms that stand above it in the table: no circle is possible."""
    names = list(plan.ROOMS)

    assert set(plan.ROOMS[name]) <= set(names[: names.index(name)])


@pytest.mark.parametrize("name", sorted(plan.PURE))
def test_pure_rooms_import_pure_rooms(name: str) -> None:
    """What touches nothing imports nothing that does."""
    assert plan.reachable(name) <= plan.PURE


@pytest.mark.parametrize(
    "path",
    [
        path
        for place in ("polysms", "tests", "docs", "cassettes", ".ci", ".")
        for path in sorted((ROOT / place).glob("*" if place == "." else "**/*"))
        if path.is_file() and path.suffix not in {".pyc", ".db"} and path.name != ".coverage"
    ],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_file_names_a_registry(path: Path) -> None:
    """Where packages come from is the business of who installs them."""
    assert () == tuple(checks.forbidden(path.read_text(encoding="utf-8", errors="replace")))


def test_forbidden_words_are_found() -> None:
    """The rule above sees a host in the middle of an address."""
    (word,) = plan.FORBIDDEN_WORDS[:1]

    assert (word,) == tuple(checks.forbidden(f"https://files.{word}/simple"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("127.0.0.1", 80), True),
        (("127.8.8.8", 80), True),
        (("::1", 80, 0, 0), True),
        (("localhost", 80), True),
        ("/run/a.socket", True),
        (("192.0.2.1", 80), False),
        (("0.0.0.0", 80), False),  # noqa: S104 - an example
        (("2001:db8::1", 80, 0, 0), False),
        (("example.com", 80), False),
    ],
)
def test_loopback(address: object, *, expected: bool) -> None:
    """Only this machine is loopback; a name that must be looked up is not."""
    assert expected == is_loopback(address)


def test_no_test_reaches_the_network() -> None:
    """A connection to another machine fails the test, and no ``except Exception`` hides it."""
    with socket.socket() as connection, pytest.raises(pytest.fail.Exception, match=r"192\.0\.2\.1"):
        connection.connect(("192.0.2.1", 80))
