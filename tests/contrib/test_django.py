"""What Django's door has beside the address: the client, signals, checks, the outbox."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import resolve

from polysms import Client, Config, ConfigError, Message
from polysms.contrib.django import (
    enqueue,
    message_received,
    opt_out_received,
    receiver,
    report_received,
    shared,
    sms,
    urls,
)
from polysms.webhooks import WebhookRequest
from tests.contrib.conftest import MIDDLEWARE, PREFIX, Behind, django_asgi, django_wsgi, routes
from tests.server.conftest import NUMBER, TABLES, Made, made
from tests.server.test_receiver import inbound, later
from tests.webhooks.forms import FORMS, PUBLIC

pytestmark = pytest.mark.one_python

__all__ = ["made"]

MEMORY = {"accounts": {"memory": {"sender": "Acme"}}}
PLAIN = Message(NUMBER, "Your table is ready")


# The client.


def test_client_of_the_settings() -> None:
    """``sms`` sends with ``settings.POLYSMS``; where a test has changed that, with the new one."""
    with override_settings(POLYSMS=MEMORY):
        sms.send(PLAIN)
        assert (isinstance(sms, Client), 1) == (True, len(sms.memory))
    with override_settings(POLYSMS=MEMORY):
        assert 0 == len(sms.memory)


def test_path_in_the_settings(tmp_path: Path) -> None:
    """``settings.POLYSMS`` may be the path of a file."""
    place = tmp_path / "polysms.toml"
    place.write_text("[accounts.memory]\nsender = 'Acme'\n")
    for source in (place, str(place)):
        with override_settings(POLYSMS=source):
            assert {"memory"} == set(sms.config.accounts)


def test_made_once_by_many_threads() -> None:
    """Threads that need the client at the same time get one."""
    made = []

    def make() -> list[int]:
        made.append(1)
        time.sleep(0.05)
        return [1]

    lazy = shared.Lazy(make)
    threads = [threading.Thread(target=lambda: len(lazy)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert 1 == len(made)


def run(program: str) -> str:
    """Return what a program prints."""
    done = subprocess.run(  # noqa: S603 - a program of our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_closed_when_python_ends() -> None:
    """Nobody need close the client."""
    program = (
        "from django.conf import settings\n"
        "settings.configure(POLYSMS={'accounts': {'null': {'sender': 'Acme'}}})\n"
        "from polysms import Client\n"
        "from polysms.contrib.django import sms\n"
        "Client.close = lambda self: print('closed')\n"
        "print(*sms.config.accounts)\n"
    )

    assert "null\nclosed\n" == run(program)


@pytest.mark.parametrize(("door", "name"), [("django", "Django"), ("flask", "Flask")])
def test_missing_framework(door: str, name: str) -> None:
    """Without its framework a door says what to install."""
    program = (
        f"import sys; sys.modules['{door}'] = None\n"
        f"try:\n    import polysms.contrib.{door}\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )

    assert f"polysms.contrib.{door} needs {name}: pip install {door}\n" == run(program)


# Checks.


def checked() -> list[CheckMessage]:
    """Return what the checks say."""
    return list(run_checks(tags=["polysms"]))


WRONG: dict[str, tuple[Any, str]] = {
    "missing": (None, "settings.POLYSMS: is missing; set it to a mapping with the keys"),
    "kind": (42, "settings.POLYSMS: write a mapping with the keys of a polysms.toml"),
    "path": ("nowhere.toml", "settings.POLYSMS: nowhere.toml: cannot be read"),
    "key": ({"accounts": {"wavix": {}}}, "settings.POLYSMS: accounts.wavix.api_key: is missing"),
    "url": ("wavix://s3cret@?sendr=1", "settings.POLYSMS: "),
    "ledger": ({**MEMORY, "ledger": "s3cret"}, "settings.POLYSMS: ledger: is no address"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings(name: str) -> None:
    """Settings that cannot be used are one error, with a remedy and without a secret."""
    source, sentence = WRONG[name]
    with override_settings(POLYSMS=source, ROOT_URLCONF=routes(receiver, PREFIX)):
        (found,) = checked()

        assert ("polysms.E001", True) == (found.id, found.is_serious())
        assert found.msg.startswith(sentence)
        assert "`polysms check`" in found.hint
        assert "s3cret" not in str(found)
        with pytest.raises(ConfigError) as caught:
            sms.send(PLAIN)
        assert found.msg == str(caught.value)


def test_settings_are_missing() -> None:
    """No setting at all is said as well."""
    assert not hasattr(settings, "POLYSMS")
    assert ["polysms.E001"] == [found.id for found in checked()]


WHOLE = {**MEMORY, "public_url": PUBLIC, "ledger": "sqlite://"}


@pytest.mark.parametrize(
    ("lacking", "ids"),
    [
        ((), []),
        (("public_url",), ["polysms.W001"]),
        (("ledger",), ["polysms.W002"]),
        (("public_url", "ledger"), ["polysms.W001", "polysms.W002"]),
    ],
)
def test_settings_of_a_receiver(tmp_path: Path, lacking: tuple[str, ...], ids: list[str]) -> None:
    """Where webhooks are heard, what hearing wants is asked for; elsewhere it is not."""
    whole = {**WHOLE, "ledger": f"sqlite:///{tmp_path}/ledger.db"}
    given = {key: value for key, value in whole.items() if key not in lacking}
    with override_settings(POLYSMS=given):
        assert [] == checked()
        with override_settings(ROOT_URLCONF=routes(receiver, PREFIX)):
            assert ids == [found.id for found in checked()]


def test_settings_of_another_receiver(made: Made) -> None:
    """Of a receiver with a client of its own, that client's configuration counts."""
    root = routes(made("sync").receiver, PREFIX)
    with override_settings(POLYSMS=MEMORY, ROOT_URLCONF=root):
        assert ["polysms.W002"] == [found.id for found in checked()]


# Signals.


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    """Let the settings name a configuration with a ledger that can hear; return it."""
    said = {
        "public_url": PUBLIC,
        "ledger": f"sqlite:///{tmp_path}/ledger.db",
        "default": "null",
        "accounts": TABLES,
    }
    with override_settings(POLYSMS=said):
        yield sms.config


@pytest.fixture
def connected() -> Iterator[Callable[[Signal, Any], None]]:
    """Return a function that connects another to a signal, until the end."""
    made: list[tuple[Signal, Any]] = []

    def connect(signal: Signal, function: Any) -> None:
        signal.connect(function, weak=False)
        made.append((signal, function))

    yield connect
    for signal, function in made:
        signal.disconnect(function)


def post(request: WebhookRequest) -> int:
    """Post a request to a project with the receiver of its settings."""
    with override_settings(ROOT_URLCONF=routes(receiver, PREFIX)):
        given = RequestFactory().generic(
            request.method,
            request.target[0],
            request.body,
            content_type=request.headers["content-type"],
            headers={k: v for k, v in request.headers.items() if k != "content-type"},
        )
        return int(WSGIHandler().get_response(given).status_code)


def said(config: Config, text: str) -> WebhookRequest:
    """Return what SignalWire posts of a message to us."""
    form = FORMS["signalwire swml"]
    message = {**form.body["message"], "body": text, "message_id": text}
    return attrs.evolve(form, body={**form.body, "message": message}).request(
        config.account("signalwire")
    )


def test_signals(config: Config, connected: Callable[[Signal, Any], None]) -> None:
    """What is heard is sent as a signal, by the class of the event."""
    heard: list[tuple[str, str]] = []

    def hear(sender: type, **facts: object) -> None:
        heard.extend((sender.__name__, name) for name in facts if isinstance(facts[name], sender))

    for signal in (report_received, message_received, opt_out_received):
        connected(signal, hear)
    post(FORMS["signalwire report"].request(config.account("signalwire")))
    post(said(config, "hello"))
    post(said(config, "STOP"))

    assert [
        ("DeliveryReport", "report"),
        ("InboundMessage", "message"),
        ("OptOut", "opt_out"),
        ("InboundMessage", "message"),
    ] == heard


def test_failing_receiver_of_a_signal(
    config: Config, connected: Callable[[Signal, Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails keeps no other from being told; all of them are told again."""
    told: list[str] = []

    def fails(**_: object) -> None:
        told.append("fails")
        if len(told) == 1:
            raise RuntimeError("not now")

    async def takes(**_: object) -> None:
        told.append("takes")

    connected(message_received, fails)
    connected(message_received, takes)

    assert (200, ["fails", "takes"]) == (post(said(config, "hello")), sorted(told))
    moved = sms.duties.now() + timedelta(seconds=6)
    monkeypatch.setattr(sms.ledger, "_clock", lambda: moved)
    assert 1 == receiver.catch_up()
    assert ["fails", "fails", "takes", "takes"] == sorted(told)


def test_receiver_for_commands() -> None:
    """``polysms worker --listen`` finds the receiver of the settings."""
    found = importlib.import_module("polysms.contrib.django.listening")

    assert found.receiver is receiver


# The outbox.


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Have a database ``shop`` in which each request is one transaction; return its connection."""
    given = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "ledger.db"),
        "ATOMIC_REQUESTS": True,
    }
    filled = connections.configure_settings({"default": {}, "shop": given})["shop"]
    monkeypatch.setitem(connections.settings, "shop", filled)
    connection = connections["shop"]
    yield connection
    connection.close()
    del connections["shop"]


class Undone(Exception):
    """What lets a transaction roll back."""


def enqueue_and_fail() -> None:
    """Enqueue a message in a block that ends with an error."""
    with transaction.atomic(using="shop"):
        enqueue(PLAIN, using="shop")
        raise Undone


@pytest.mark.usefixtures("config")
def test_enqueue(database: Any) -> None:
    """A message belongs to the transaction of Django's database: it is there when that commits."""
    sms.ledger.upgrade()
    with transaction.atomic(using="shop"):
        enqueue(PLAIN, using="shop", via="null")
        assert 0 == sms.ledger.outbox.waiting()
    assert 1 == sms.ledger.outbox.waiting()

    with pytest.raises(Undone):
        enqueue_and_fail()
    assert 1 == sms.ledger.outbox.waiting()


def test_enqueue_for_later(config: Config, database: Any) -> None:
    """The other wishes are those of the client."""
    sms.ledger.upgrade()
    later = sms.duties.now() + timedelta(hours=1)
    sent = enqueue(PLAIN, using="shop", at=later, via="wavix")
    with pytest.raises(ConfigError, match="nowhere"):
        enqueue(PLAIN, using="shop", via="nowhere")

    assert sms.get(str(sent.id)).id == sent.id
    assert [] == sms.ledger.outbox.due(limit=1)


def test_connection_that_is_too_old(
    config: Config, database: Any, connected: Callable[[Signal, Any], None]
) -> None:
    """In a thread that no request begins, too, a signal finds no connection of long ago."""
    database.ensure_connection()
    database.close_at = 0.0
    old, found = database.connection, []
    connected(message_received, lambda **_: found.append(database.connection))

    assert (200, [None]) == (post(said(config, "hello")), found)
    assert old is not None


@pytest.mark.parametrize(("door", "kind"), [(django_wsgi, "sync"), (django_asgi, "async")])
def test_functions_are_in_no_transaction(
    made: Made,
    database: Any,
    tmp_path: Path,
    door: Any,
    kind: str,
) -> None:
    """A function commits its own, in the ledger's database too, where requests are transactions."""
    house = made(kind, f"sqlite:///{tmp_path}/ledger.db")
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (name VARCHAR(20))")
    atomic: list[bool] = []

    @house.receiver.on_inbound
    def note(_: object) -> None:
        connection = connections["shop"]
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO orders VALUES ('one')")
        atomic.append(connection.in_atomic_block)
        if kind == "async":
            connection.close()  # of a thread of its own

    assert 200 == Behind(house, door).ask(inbound(house)).status
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM orders")
        assert ([("one",)], [False]) == (cursor.fetchall(), atomic)
    later(house, seconds=3600)
    assert 0 == house.catch_up()


# The address.


def test_async_client_under_wsgi(made: Made, tmp_path: Path) -> None:
    """Under WSGI an AsyncClient's receiver keeps what comes, and tells it in its own loop."""
    house = made("async", f"sqlite:///{tmp_path}/ledger.db")
    heard = house.listen()

    assert (200, []) == (Behind(house, django_wsgi).ask(inbound(house)).status, heard)
    later(house, seconds=61)
    assert (1, 1) == (house.catch_up(), len(heard))


def reading(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Return a middleware of somebody's who looks into every form."""

    def middleware(request: HttpRequest) -> HttpResponse:
        _ = request.POST
        return get_response(request)

    return middleware


@pytest.mark.parametrize("name", ["signalwire swml", "signalwire compatibility report"])
def test_body_that_was_read_before(made: Made, name: str) -> None:
    """A middleware that has read the body leaves it as it came."""
    house = made("sync")
    request = FORMS[name].request(house.config.account("signalwire"))
    with override_settings(MIDDLEWARE=[*MIDDLEWARE, f"{__name__}.reading"]):
        assert FORMS[name].answer[0] == Behind(house, django_wsgi).ask(request).status


class Gone(io.BytesIO):
    """A body whose sender goes away."""

    def read(self, *_: object) -> bytes:
        """Fail as a socket does."""
        raise ConnectionResetError


def test_sender_that_goes_away(made: Made) -> None:
    """A request that ends too early is no error of ours."""
    house = made("sync")
    path = f"{PREFIX}/wavix/{TABLES['wavix']['webhook_token']}"
    facts: Mapping[str, Any] = {"wsgi.input": Gone(), "CONTENT_LENGTH": "7"}
    request = RequestFactory().generic("POST", path, b"", "application/json", **facts)
    found = resolve(path, urlconf=routes(house.receiver, PREFIX))

    assert 400 == found.func(request, **found.kwargs).status_code


def test_no_login_is_asked_for(made: Made) -> None:
    """A provider neither logs in nor has a cookie, whatever all other pages ask for."""
    house = made("sync")
    assert [(True, False)] * 2 == [
        (one.callback.csrf_exempt, one.callback.login_required) for one in urls(house.receiver)
    ]
