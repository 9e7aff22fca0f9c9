"""The front door: which names there are, and what it costs to open it."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import polysms
from polysms import Client, InvalidMessage, MaybeSent, Message, Status, Unsupported, errors
from polysms.client import front

ERRORS = {
    "AllFailed",
    "BadPayload",
    "BadSignature",
    "ConfigError",
    "InvalidMessage",
    "KeyConflict",
    "LedgerError",
    "LookupFailed",
    "MaybeSent",
    "NotFound",
    "NotSent",
    "PolysmsError",
    "RateLimited",
    "Refused",
    "Unreachable",
    "Unreadable",
    "Unsupported",
    "WebhookError",
}
NAMES = ERRORS | {
    "AsyncClient",
    "Attempt",
    "Client",
    "Config",
    "Delivery",
    "DeliveryReport",
    "Event",
    "Fault",
    "InboundMessage",
    "Message",
    "Outcome",
    "Price",
    "Reason",
    "Result",
    "Status",
    "e164",
    "send",
}
#: What a program that only says ``import polysms`` does not pay for.
DEAR = {"attr", "attrs", "asyncio", "cattrs", "httpcore", "httpx", "phonenumbers", "typer", "rich"}


def loaded_after(statement: str) -> set[str]:
    """Return the top modules that are loaded once a new Python has run a statement."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_all_is_complete() -> None:
    """``__all__`` names exactly what is public, in order."""
    assert sorted(NAMES) == polysms.__all__


def test_every_error_is_at_the_door() -> None:
    """Whoever catches an error need not know in which file it lives."""
    found = {
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and issubclass(item, errors.PolysmsError)
    }
    assert found == ERRORS


@pytest.mark.parametrize("name", sorted(NAMES))
def test_name_is_there(name: str) -> None:
    """Each name leads to the thing itself, and the second time without a search."""
    vars(polysms).pop(name, None)
    found = getattr(polysms, name)
    assert found is vars(polysms)[name]
    home = getattr(found, "__module__", "")
    assert home.startswith("polysms.") or "Event" == name


def test_type_checkers_see_the_same_names() -> None:
    """The names for type checkers are imported from where the door finds them."""
    tree = ast.parse(Path(polysms.__file__).read_text(encoding="utf-8"))
    seen = {
        (alias.name, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("polysms")
        for alias in node.names
    }
    assert seen == set(polysms._WHERE.items())  # noqa: SLF001 - the table under test


def test_star() -> None:
    """``from polysms import *`` brings every public name."""
    names: dict[str, Any] = {}
    exec("from polysms import *", names)  # noqa: S102 - the statement under test
    assert set() == NAMES - set(names)


def test_dir() -> None:
    """An interactive prompt offers the public names and the version."""
    assert sorted(NAMES | {"__version__"}) == dir(polysms)


def test_version() -> None:
    """The version is that of the installed distribution."""
    assert version("polysms") == polysms.__version__


@pytest.mark.parametrize("module", ["polysms", "polysms.client"])
def test_unknown_name(module: str) -> None:
    """A name that is not there is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        importlib.import_module(module).nothing  # noqa: B018 - asked for to fail


def test_import_is_cheap() -> None:
    """``import polysms`` loads no library but Python's own."""
    assert set() == DEAR & loaded_after("import polysms")


COSTS = [
    ("polysms.Status", {"attrs"}),
    ("polysms.Message", {"attrs"}),
    ("polysms.Delivery", {"attrs"}),
    ("polysms.MaybeSent", set()),
    ("polysms.e164", set()),
]


@pytest.mark.parametrize(("name", "allowed"), COSTS)
def test_name_brings_only_what_it_needs(name: str, allowed: set[str]) -> None:
    """A program that only reads deliveries loads no HTTP library and no number tables."""
    loaded = DEAR & loaded_after(f"import polysms\n{name}")
    assert set() == loaded - allowed - {"attr"}


def test_client_needs_no_number_tables() -> None:
    """A client is made before the first number is looked at."""
    loaded = loaded_after("import polysms\npolysms.Client({'accounts': {'null': {}}}).close()")
    assert {"httpx"} == {"httpx", "phonenumbers"} & loaded


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Client]]:
    """Let ``polysms.send`` share a client for this test only."""
    made: list[Client] = []
    monkeypatch.setattr(front, "_shared", made)
    monkeypatch.setattr("atexit.register", lambda _: None)
    monkeypatch.setenv("POLYSMS_URL", "memory://?sender=Acme || memory://?sender=Other")
    yield made
    for client in made:
        client.close()


def test_send(shared: list[Client]) -> None:
    """``polysms.send`` sends with what the environment names, over one client."""
    first = polysms.send("+13135550123", "one", tag="dinner")
    second = polysms.send("+13135550123", media=["https://example.com/a.png"], via="memory2")
    assert ("memory", "memory2") == (first.account, second.account)
    assert (Status.SENT, "dinner") == (first.status, first.tag)
    assert 1 == len(shared)
    assert ["one", ""] == [kept["text"] for kept in shared[0].memory]


def test_send_hands_everything_on(shared: list[Client]) -> None:
    """The options of a send are those of ``Client.send``."""
    asked: list[Any] = []

    class Told(Client):
        def send(self, message: Message, **settings: Any) -> Any:
            asked.append((message, settings))

    with Told({"accounts": {"null": {}}}) as client:
        shared.append(client)
        settings: dict[str, Any] = {
            "via": "null",
            "on_maybe_sent": "next",
            "deadline": 5,
            "attempt_timeout": 2,
        }
        polysms.send("+13135550123", "x", from_="A", **settings)
    assert [(Message("+13135550123", "x", from_="A"), settings)] == asked


def test_wrong_message_needs_no_configuration(
    shared: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is checked first: a form learns of a wrong number even without a client."""
    monkeypatch.delenv("POLYSMS_URL")
    with pytest.raises(InvalidMessage):
        polysms.send("3135550123", "x")
    assert [] == shared


def test_configuration_is_read_when_first_needed(
    shared: list[Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a configuration the first send says so, and the next one looks again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLYSMS_URL")
    with pytest.raises(polysms.ConfigError, match="there is no configuration"):
        polysms.send("+13135550123", "x")
    monkeypatch.setenv("POLYSMS_URL", "null://?sender=Acme")
    assert Status.SENT is polysms.send("+13135550123", "x").status


def test_shared_client_is_closed_when_python_ends() -> None:
    """A program that only calls ``polysms.send`` leaves nothing open."""
    program = (
        "import polysms\n"
        "from polysms.client import front\n"
        "closed = front.Client.close\n"
        "front.Client.close = lambda self: (closed(self), print('closed'))\n"
        "polysms.send('+13135550123', 'x')\n"
        "print('sent')\n"
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program],
        env={**os.environ, "POLYSMS_URL": "null://?sender=Acme"},
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert ["sent", "closed"] == done.stdout.split()


def test_caught_by_question() -> None:
    """A program need only ask whether the text was surely not sent or maybe sent."""
    assert issubclass(Unsupported, polysms.NotSent)
    assert not issubclass(MaybeSent, polysms.NotSent)
