"""The pytest plugin: the fixture, the guard, and what loading it costs everybody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from polysms import Client, Message
from polysms.testing import Blocked, guard

pytest_plugins = ("pytester",)
pytestmark = pytest.mark.unmeasured

#: A program that makes its client as it is imported, as many do.
APP = """
from __future__ import annotations

from polysms import AsyncClient, Client, Message, NotSent

ACCOUNTS = {
    "wavix": {"api_key": "wavix-key", "sender": "+13137890021"},
    "signalwire": {
        "space": "example", "project_id": "p-1", "api_token": "signalwire-key",
        "sender": "+15559876543",
    },
}
CONFIG = {
    "accounts": ACCOUNTS,
    "routes": {"main": {"accounts": ["wavix", "signalwire"]}},
    "default": "main",
}
sms = Client(CONFIG)
async_sms = AsyncClient(CONFIG)
MESSAGE = Message("+13135550123", "Your table is ready")


def swallow() -> None:
    try:
        sms.send(MESSAGE)
    except Exception:
        pass
"""


@pytest.fixture
def tester(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return what runs the tests of a program."""
    pytester.makepyfile(app=APP)
    pytester.makeini("[pytest]\naddopts = -p no:randomly --strict-markers\n")
    return pytester


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run them, in this process."""
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *args)


def test_fixture(tester: pytest.Pytester) -> None:
    """The fixture catches clients of the program's own modules, sync, async and in threads."""
    tester.makepyfile("""
        import asyncio
        import threading

        import app

        def test_sync(polysms_outbox):
            app.sms.send(app.MESSAGE)
            polysms_outbox.assert_sent(to="+13135550123", contains="ready", via="wavix", count=1)

        def test_nothing_of_another_test(polysms_outbox):
            polysms_outbox.assert_nothing_sent()
            polysms_outbox.on(via="wavix").refuse("credentials")
            assert app.sms.send(app.MESSAGE).account == "signalwire"

        def test_nothing_learned(polysms_outbox):
            assert app.sms.send(app.MESSAGE).account == "wavix"

        def test_async(polysms_outbox):
            asyncio.run(app.async_sms.send(app.MESSAGE))
            polysms_outbox.assert_sent(count=1)

        def test_async_in_another_loop(polysms_outbox):
            asyncio.run(app.async_sms.send(app.MESSAGE))
            polysms_outbox.assert_sent(count=1)

        def test_thread(polysms_outbox):
            thread = threading.Thread(target=app.sms.send, args=(app.MESSAGE,))
            thread.start()
            thread.join(60)
            polysms_outbox.assert_sent(count=1)
    """)

    run(tester).assert_outcomes(passed=6)


def test_failing_assertion(tester: pytest.Pytester) -> None:
    """A failing assertion shows what was sent, and points at the line of the test."""
    tester.makepyfile("""
        import app

        def test_sent(polysms_outbox):
            app.sms.send(app.MESSAGE)
            polysms_outbox.assert_sent(contains="cold")
    """)
    result = run(tester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       polysms_outbox.assert_sent(contains=*cold*)",
            "E       AssertionError: no message was sent that contains 'cold'",
            "E       1 message was sent in all:",
            "E         1. to …0123: 'Your table is ready', by wavix",
        ]
    )
    result.stdout.no_fnmatch_line("*asserting.py*")


GUARDED = """
    import asyncio
    import app

    def test_sync():
        app.sms.send(app.MESSAGE)

    def test_async():
        asyncio.run(app.async_sms.send(app.MESSAGE))

    def test_question():
        app.sms.fetch(account="wavix", provider_id="1")

    def test_swallowed():
        app.swallow()

    def test_export():
        list(app.sms.export_remote("wavix"))

    def test_many():
        list(app.sms.send_many([app.MESSAGE] * 3))
"""


def test_guard(tester: pytest.Pytester) -> None:
    """Without the fixture nothing leaves: each test fails at once, and says what to do.

    Failover does not swallow it, nor does the program.
    """
    tester.makepyfile(GUARDED)
    result = run(tester)

    result.assert_outcomes(failed=6)
    said = (
        "*Blocked: the account 'wavix' of polysms was about to open a connection to api.wavix.com, "
        "and this is a test; nothing has left. Ask for the fixture `polysms_outbox`*sandbox*"
        "mark the test with @pytest.mark.polysms_live"
    )
    result.stdout.fnmatch_lines([f"E*{said}"])
    result.stdout.no_fnmatch_line("*example.signalwire.com*")


def test_guard_and_threads(tester: pytest.Pytester) -> None:
    """A thread that keeps to itself what stopped it still fails the test."""
    tester.makepyfile("""
        import threading
        import app

        def quietly():
            try:
                app.sms.send(app.MESSAGE)
            except BaseException:
                pass

        def test_thread():
            thread = threading.Thread(target=quietly)
            thread.start()
            thread.join(60)

        def test_next():
            pass
    """)

    run(tester).assert_outcomes(failed=1, passed=1)


def test_nothing_opened(tester: pytest.Pytester) -> None:
    """No socket is even made, no name looked up: nothing could have left."""
    tester.makeconftest("""
        import socket
        import pytest

        @pytest.fixture(autouse=True)
        def no_sockets(monkeypatch):
            def refuse(*args, **kwargs):
                raise RuntimeError("a socket")
            monkeypatch.setattr(socket, "create_connection", refuse)
            monkeypatch.setattr(socket, "getaddrinfo", refuse)
    """)
    tester.makepyfile("""
        import app

        def test_sync():
            app.sms.send(app.MESSAGE)
    """)
    result = run(tester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*Blocked: the account 'wavix'*"])
    result.stdout.no_fnmatch_line("*a socket*")


def test_this_machine(tester: pytest.Pytester) -> None:
    """What is on this machine may be reached: the sandbox, a server of the test's own."""
    tester.makepyfile("""
        import httpx
        import pytest
        from polysms import Client, Config, Status
        from polysms.sandbox import running

        import app

        def test_sandbox():
            with running() as sandbox:
                config = Config.from_mapping(app.CONFIG, sandbox=sandbox.url)
                with Client(config) as sms:
                    assert sms.send(app.MESSAGE).status is Status.QUEUED

        def test_own_transport():
            answer = {"message_id": "1", "status": "accepted"}
            transport = httpx.MockTransport(lambda _: httpx.Response(201, json=answer))
            with Client(app.CONFIG, transport=transport) as sms:
                assert sms.send(app.MESSAGE).provider_id == "1"

        def test_outbox_wins(polysms_outbox):
            def fail(request):
                raise AssertionError("asked")
            with Client(app.CONFIG, transport=httpx.MockTransport(fail)) as sms:
                sms.send(app.MESSAGE)
            polysms_outbox.assert_sent(count=1)
    """)

    run(tester).assert_outcomes(passed=3)


#: Programs that would reach a real provider: here they find no name, and are stopped by nobody.
LIVE = """
    import socket
    import pytest
    import app
    from polysms import NotSent

    @pytest.fixture(autouse=True)
    def no_names(monkeypatch):
        def refuse(*args, **kwargs):
            raise socket.gaierror("no such name")
        monkeypatch.setattr(socket, "getaddrinfo", refuse)

    {mark}
    def test_live():
        with pytest.raises(NotSent, match="could not be reached|no account took"):
            app.sms.send(app.MESSAGE)
"""


def test_live(tester: pytest.Pytester) -> None:
    """A test that is marked is let through, and the next one is not."""
    tester.makepyfile(
        test_a=LIVE.format(mark="@pytest.mark.polysms_live"),
        test_b="import app\ndef test_guarded():\n    app.sms.send(app.MESSAGE)\n",
    )

    run(tester).assert_outcomes(passed=1, failed=1)


def test_without_the_guard(tester: pytest.Pytester) -> None:
    """The guard can be switched off in the settings."""
    tester.makeini("[pytest]\npolysms_guard = false\n")
    tester.makepyfile(LIVE.format(mark=""))

    # Our own suite has a guard, too, which stands below it.
    result = tester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_recorder(tester: pytest.Pytester) -> None:
    """A recorder replays through the guard, and cannot record past it."""
    tester.makepyfile("""
        from textwrap import dedent

        import vcr
        import app

        TAPE = '''
        interactions:
        - request:
            method: POST
            uri: https://api.wavix.com/v3/messages
            body: ''
            headers: {}
          response:
            status: {code: 201, message: Created}
            headers: {Content-Type: [application/json]}
            body: {string: '{"message_id": "m-1", "status": "accepted"}'}
        version: 1
        '''

        def test_replay(tmp_path):
            place = tmp_path / "tape.yaml"
            place.write_text(dedent(TAPE))
            with vcr.use_cassette(str(place), record_mode="none", match_on=["method", "uri"]):
                assert app.sms.send(app.MESSAGE).provider_id == "m-1"

        def test_record(tmp_path):
            with vcr.use_cassette(str(tmp_path / "new.yaml"), record_mode="all"):
                app.sms.send(app.MESSAGE)
    """)
    result = run(tester)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*Blocked: the account 'wavix'*api.wavix.com*"])


def test_marker_is_known(tester: pytest.Pytester) -> None:
    """``pytest --markers`` tells of the mark, and strict markers take it."""
    result = run(tester, "--markers")

    result.stdout.fnmatch_lines(["@pytest.mark.polysms_live: may reach real providers*"])


def test_unittest_under_pytest(tester: pytest.Pytester) -> None:
    """Test cases of unittest have the guard too, and an outbox by capture()."""
    tester.makepyfile("""
        import unittest
        import app
        from polysms.testing import assert_sent, capture

        class Tables(unittest.TestCase):
            def setUp(self):
                self.outbox = self.enterContext(capture())

            def test_sent(self):
                app.sms.send(app.MESSAGE)
                assert_sent(to="+13135550123")

        class Unguarded(unittest.TestCase):
            def test_blocked(self):
                app.sms.send(app.MESSAGE)
    """)

    run(tester).assert_outcomes(passed=1, failed=1)


@pytest.mark.unmeasured
def test_several_processes(tester: pytest.Pytester) -> None:
    """Under xdist each process has an outbox and a guard of its own."""
    tester.makepyfile("""
        import pytest
        import app

        @pytest.mark.parametrize("number", range(6))
        def test_sent(number, polysms_outbox):
            app.sms.send(app.MESSAGE)
            polysms_outbox.assert_sent(count=1)

        def test_blocked():
            app.sms.send(app.MESSAGE)
    """)
    result = tester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")

    result.assert_outcomes(passed=6, failed=1)


def test_example_of_another_provider(tester: pytest.Pytester) -> None:
    """A program's own adapter is played by the example that the fixture gives."""
    tester.makeconftest("""
        import pytest
        from tests.testing.others import EXAMPLES

        @pytest.fixture(scope="session")
        def polysms_examples():
            return EXAMPLES
    """)
    tester.makepyfile("""
        from polysms import Client, Message
        from tests.testing.others import CONFIG

        def test_sent(polysms_outbox):
            with Client(CONFIG) as sms:
                delivery = sms.send(Message("+13135550123", "Ready"))
            assert delivery.raw_status == "queued"
    """)

    run(tester).assert_outcomes(passed=1)


# Without pytest.


def python(program: str, place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Return what a program of Python's comes to."""
    (place / "app.py").write_text(APP)
    (place / "program.py").write_text(program)
    return subprocess.run(  # noqa: S603 - a program of our own
        [sys.executable, *options, "program.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=place,
        # The program imports its neighbour.
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
    )


def test_unittest_alone(tmp_path: Path) -> None:
    """With unittest alone there are capture() and guard(), and pytest is not even imported."""
    program = """
import sys
import unittest
import app
from polysms.testing import Blocked, capture, guard

class Tables(unittest.TestCase):
    def test_sent(self):
        with capture() as outbox:
            app.sms.send(app.MESSAGE)
        outbox.assert_sent(to="+13135550123")

    def test_guard(self):
        with guard() as guarding, self.assertRaises(Blocked):
            app.sms.send(app.MESSAGE)
        self.assertEqual(1, len(guarding.blocked))

    def test_no_pytest(self):
        self.assertNotIn("pytest", sys.modules)

unittest.main()
"""
    done = python(program, tmp_path)

    assert "Ran 3 tests" in done.stderr, done.stderr
    assert 0 == done.returncode, done.stderr


@pytest.mark.unmeasured
def test_django(tmp_path: Path) -> None:
    """A TestCase of Django's: its lazy ``sms`` is caught, and its signals tell what is heard."""
    program = """
import sys
import django
from django.conf import settings
import app

TOKEN = "canary-0123456789abcdef"
POLYSMS = {
    "accounts": {"wavix": {**app.ACCOUNTS["wavix"], "webhook_token": TOKEN}},
    "public_url": "https://sms.example.com/sms",
}
if not settings.configured:
    settings.configure(
        POLYSMS=POLYSMS,
        INSTALLED_APPS=["polysms.contrib.django"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    django.setup()

from django.test import TestCase, override_settings
from django.test.utils import get_runner
from polysms import Message
from polysms.contrib.django import message_received, report_received, sms
from polysms.testing import capture


class Tables(TestCase):
    def setUp(self):
        self.outbox = self.enterContext(capture())

    def test_sent(self):
        sms.send(Message("+13135550123", "Ready"))
        self.outbox.assert_sent(contains="Ready", count=1)

    def test_other_settings(self):
        memory = {"accounts": {"signalwire": app.ACCOUNTS["signalwire"]}}
        with override_settings(POLYSMS=memory):
            sms.send(Message("+13135550123", "Ready"))
        self.outbox.assert_sent(via="signalwire")

    def test_heard(self):
        heard = []

        def note(report=None, message=None, **_):
            heard.append((report or message))

        report_received.connect(note)
        message_received.connect(note)
        delivery = sms.send(Message("+13135550123", "Ready"))
        self.outbox.report(delivery, "DELIVERED")
        self.outbox.inbound("+13135550123", "Thank you")
        self.assertEqual(["DELIVERED", "Thank you"], [heard[0].status, heard[1].text])


if __name__ == "__main__":
    runner = get_runner(settings)(verbosity=1)
    sys.exit(bool(runner.run_tests(["program"])))
"""
    done = python(program, tmp_path)

    assert "Ran 3 tests" in done.stderr, done.stderr
    assert 0 == done.returncode, done.stderr


@pytest.mark.unmeasured
def test_web_frameworks(tmp_path: Path) -> None:
    """Apps of Flask and FastAPI send into the outbox, called by their own test clients."""
    program = """
import asyncio
import flask
import fastapi
import app
from starlette.testclient import TestClient
from polysms.testing import capture

shop = flask.Flask("shop")
api = fastapi.FastAPI()

@shop.post("/ready")
def ready():
    return {"id": app.sms.send(app.MESSAGE).id}

@api.post("/ready")
async def ready_too():
    return {"id": (await app.async_sms.send(app.MESSAGE)).id}

for _ in range(2):
    with capture() as outbox:
        said = shop.test_client().post("/ready").get_json()["id"]
        assert outbox.assert_sent(count=1).delivery.id == said
        with TestClient(api) as caller:
            said = caller.post("/ready").json()["id"]
        assert outbox[1].delivery.id == said
print("done")
"""
    done = python(program, tmp_path)

    assert "done\n" == done.stdout, done.stderr


def test_extra_that_is_missing(tmp_path: Path) -> None:
    """Where what the sandbox needs is not installed, the test is told what to install."""
    program = """
import sys
sys.modules["starlette"] = None
import app
from polysms.testing import NoAnswer, capture
try:
    with capture():
        app.sms.send(app.MESSAGE)
except NoAnswer as error:
    print(error)
"""
    done = python(program, tmp_path)

    assert "needs starlette: pip install 'polysms[server]'" in done.stdout, done.stderr


def test_costs_nothing(tmp_path: Path) -> None:
    """A run of pytest that has nothing to do with SMS loads nothing of what sends them."""
    (tmp_path / "test_other.py").write_text("""
import sys

HEAVY = ("httpx", "httpcore", "attrs", "cattrs", "starlette", "phonenumbers", "sqlalchemy")
LIGHT = {
    "polysms", "polysms.client", "polysms.client.standin", "polysms.testing",
    "polysms.testing.guarding", "polysms.testing.plugin", "polysms.testing.problems",
    "polysms.testing.contract", "polysms.testing.contract.plugin",
}

def test_loaded():
    assert [name for name in HEAVY if name in sys.modules] == []
    assert {name for name in sys.modules if name.partition(".")[0] == "polysms"} <= LIGHT
""")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(  # noqa: S603 - a program of our own
        [*command, "-p", "no:hypothesispytest", "test_other.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=tmp_path,
    )

    assert 0 == done.returncode, done.stdout


def test_guard_without_pytest() -> None:
    """guard() stands in the way inside its block, and takes itself away."""
    account = {"api_key": "wavix-key", "sender": "+13137890021"}
    with (
        Client({"accounts": {"wavix": account}}) as sms,
        guard() as guarding,
        pytest.raises(Blocked) as raised,
    ):
        sms.send(Message("+13135550123", "Ready"))

    assert ("wavix", "api.wavix.com") == (raised.value.account, raised.value.host)
    assert [raised.value] == guarding.blocked
