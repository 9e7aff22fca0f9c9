"""``polysms check``: what would break is said beforehand, and nothing is ever sent."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from polysms import Client, Message
from tests.cli.conftest import Command

FILE = """
default = "main"

[accounts.wavix]
api_key = "canary-key"
sender = ["+13137890021", "A"]

[accounts.other]
provider = "wavix"
api_key = "canary-key"
sender = "A&B"

[accounts.carrierx]
token = "canary-token"
sender = "Acme"

[accounts.memory]

[accounts.later]
provider = "signalwire"
space = "example"
project_id = "project"
api_token = "${SIGNALWIRE_TOKEN}"

[routes.main]
accounts = ["wavix", "carrierx"]

[rails]
only_to = ["+13135550123"]
redirect_to = "+13135550123"
countries = ["US", "CA"]
max_segments = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return a configuration with a bit of everything."""
    path = tmp_path / "sms.toml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def test_offline(command: Command, file: str) -> None:
    """The whole configuration is told, with what would break, and no provider is asked."""
    said = command("check", "--offline", "--config", file)
    lines = said.out.splitlines()

    assert (0, "") == (said.code, said.err)
    assert f"The configuration in {file} is well formed." == lines[0]
    for expected in (
        "account wavix",
        "  senders      +1********21, A",
        "  address      https://api.wavix.com",
        "  credentials  not asked",
        "  warning: Wavix: sender 'A' must be 3 to 11 ASCII letters, digits, spaces or - + _ &",
        "  warning: sender 'A&B': one Wavix guide allows only letters, digits and spaces",
        "  warning: CarrierX: takes no alphanumeric sender such as 'Acme'",
        "  warning: has no sender: every message must name one, and none is listed",
        "  credentials  none needed",
        "route main (the default)",
        "  failover    wavix, then carrierx",
        "  deadline    60 s over all attempts",
        "  only to     +1********23",
        "  redirected  all to +1********23",
        "  countries   US, CA",
        "  segments    at most 3",
    ):
        assert expected in lines


def test_a_missing_secret_of_an_account_nobody_uses(command: Command, file: str) -> None:
    """It is a warning in the whole check, and an error where that account is asked for."""
    whole = command("check", "--offline", "--config", file)
    named = command("check", "--offline", "--config", file, "later")

    assert (0, 2) == (whole.code, named.code)
    assert "SIGNALWIRE_TOKEN is not set" in whole.out
    assert "SIGNALWIRE_TOKEN is not set" in named.err


def test_json(command: Command, file: str) -> None:
    """Programs get the same as one document."""
    said = json.loads(command("check", "--json", "--offline", "--config", file).out)

    assert {
        "account": "wavix",
        "provider": "wavix",
        "senders": ["+1********21", "A"],
        "address": "https://api.wavix.com",
        "credentials": "not asked",
        "warnings": ["Wavix: sender 'A' must be 3 to 11 ASCII letters, digits, spaces or - + _ &"],
        "error": None,
    } == said["accounts"][0]
    assert (True, file, "main") == (said["ok"], said["configuration"], said["default"])
    assert ["wavix", "carrierx"] == said["routes"]["main"]["accounts"]


def test_reveal(command: Command, file: str) -> None:
    """``--reveal`` shows senders whole."""
    said = command("check", "--offline", "--reveal", "--config", file, "wavix")

    assert "  senders      +13137890021, A" in said.out.splitlines()


URLS = [
    ("wavix://canary-{}@?sender=%2B13137890021", "credentials"),
    ("carrierx://canary-{}@?sender=%2B15162065575", "credentials"),
    ("signalwire://project:canary-{}@example?sender=%2B15559876543", "credentials"),
]


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(("url", "_"), URLS)
def test_good_credentials(command: Command, url: str, _: str) -> None:
    """The provider is asked, by a call that changes nothing; a sandbox is said to be one."""
    said = command("check", "--url", url.format("key"))

    assert 0 == said.code
    assert "  credentials  good" in said.out.splitlines()
    assert "nothing it sends reaches a phone" in said.out


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(("url", "reason"), URLS)
def test_refused_credentials(command: Command, url: str, reason: str) -> None:
    """Credentials that are refused are exit code 3, with what the provider said and a remedy."""
    said = command("check", "--url", url.format("invalid"))
    told = json.loads(command("check", "--json", "--url", url.format("invalid")).out)

    assert 3 == said.code
    assert "  credentials  refused" in said.out.splitlines()
    assert "HTTP 401" in said.out
    assert "Mend its credentials" in said.out
    assert (False, reason) == (told["ok"], told["accounts"][0]["error"]["reason"])


@pytest.mark.usefixtures("closed_port")
def test_no_answer(command: Command) -> None:
    """A provider that cannot be reached leaves it open whether the credentials are good."""
    said = command("check", "--url", URLS[0][0].format("key"))

    assert 3 == said.code
    assert "  credentials  not known" in said.out.splitlines()


WHOLE_ROUTE = """
default = "main"
[accounts.wavix]
api_key = "canary"
sender = "+13137890021"
mps = 10
sender_mps = 0.5
concurrency = 4
[accounts.memory]
sender = "Acme"
[routes.main]
strategy = "weighted"
accounts = ["wavix", "memory"]
weights = { wavix = 3, memory = 1 }
sticky = true
attempt_timeout = "10s"
resolve_within = "8s"
[[routes.main.rules]]
countries = ["US"]
kinds = ["mms"]
senders = ["@alerts", "+13137890021"]
accounts = "wavix"
"""


def test_route_is_told_whole(command: Command, tmp_path: Path) -> None:
    """What decides about the order, the times and the rates is shown, numbers masked."""
    (tmp_path / "polysms.toml").write_text(WHOLE_ROUTE, encoding="utf-8")
    said = command("check", "--offline")
    shown = " ".join(said.out.split())
    assert 0 == said.code
    for words in (
        "limits 10 segments/s, 0.5 segments/s for each sender, 4 requests at once",
        "weighted wavix, then memory",
        "weights wavix 3, memory 1",
        "sticky by recipient",
        "rule 1 US; mms; @alerts, +1********21: wavix",
        "each attempt 10 s",
        "look-ups for 8 s",
    ):
        assert words in shown


#: One account of each provider, without its sender.
ACCOUNTS = {
    "wavix": 'api_key = "canary"',
    "carrierx": 'token = "canary"',
    "signalwire": 'space = "example"\nproject_id = "p"\napi_token = "canary"',
}
NATIONAL = dict.fromkeys(ACCOUNTS, "has no country code; write + and the country code before it")


@pytest.mark.parametrize("provider", ACCOUNTS)
@pytest.mark.parametrize(
    ("sender", "warned"),
    [
        ("3135550100", NATIONAL),
        ("(313) 555-0100", NATIONAL),
        ("13135550100", {"signalwire": "must begin with + and the country code"}),
        ("+1 313 555 0100", {}),
        ("72577", {"carrierx": "cannot send from a short code"}),
    ],
)
def test_number_that_the_provider_may_not_take(
    command: Command, tmp_path: Path, provider: str, sender: str, warned: dict[str, str]
) -> None:
    """A sender without its country code, or without a plus that is needed, is a warning."""
    table = f'[accounts.{provider}]\n{ACCOUNTS[provider]}\nsender = "{sender}"\n'
    (tmp_path / "polysms.toml").write_text(table, encoding="utf-8")
    said = command("check", "--offline")

    assert 0 == said.code
    assert "313555" not in said.out
    assert (provider in warned) is ("warning" in said.out)
    assert warned.get(provider, "") in said.out


def test_a_name_is_warned_of_once(command: Command) -> None:
    """What the provider's own warning says of a name is not said again in other words."""
    said = command("check", "--offline", "--url", "wavix://canary@?sender=Acme")

    assert ["  warning: sender 'Acme' is a name: nobody can reply to it"] == [
        line for line in said.out.splitlines() if "warning" in line
    ]


LACKING = [
    (("socksio",), 'proxy = "socks5://127.0.0.1:1"', "pip install 'httpx[socks]'"),
    (("throttled", "throttled.store"), "mps = 1", 'pip install "polysms[limits]"'),
    ((), 'ca = "none.pem"', "accounts.wavix.ca: cannot read 'none.pem'"),
]


@pytest.fixture(params=LACKING, ids=lambda case: case[1])
def remedy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Configure an account that needs what this machine lacks; return what is to be said."""
    missing, setting, words = request.param
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    table = f'[accounts.wavix]\n{ACCOUNTS["wavix"]}\nsender = "+13137890021"\n{setting}\n'
    (tmp_path / "polysms.toml").write_text(table, encoding="utf-8")
    return str(words)


@pytest.mark.parametrize("offline", [("--offline",), ()])
def test_what_this_machine_lacks(command: Command, remedy: str, offline: tuple[str, ...]) -> None:
    """What a send of the account would need and is not installed or readable is exit code 2."""
    said = command("check", *offline)
    told = json.loads(command("check", *offline, "--json").out)

    assert 2 == said.code
    assert remedy in said.out
    assert (False, "ConfigError") == (told["ok"], told["accounts"][0]["error"]["type"])
    assert "not asked" == told["accounts"][0]["credentials"]


@pytest.mark.usefixtures("remedy")
def test_what_another_account_lacks(command: Command) -> None:
    """Where only other accounts are checked, it is not their trouble."""
    path = Path("polysms.toml")
    more = '[accounts.memory]\nsender = "Acme"\n'
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")

    assert (2, 0) == (command("check").code, command("check", "memory").code)


@pytest.mark.parametrize(("key", "warned"), [("$WAVIX_KEY", True), ("$2canary", False)])
def test_variable_without_braces(
    command: Command, tmp_path: Path, *, key: str, warned: bool
) -> None:
    """A credential that is a bare ``$NAME`` was probably meant to be replaced."""
    table = f'[accounts.wavix]\napi_key = "{key}"\nsender = "+13137890021"\n'
    (tmp_path / "polysms.toml").write_text(table, encoding="utf-8")
    said = command("check", "--offline")

    assert (0, warned) == (said.code, "a variable is written ${NAME}" in said.out)
    assert key not in said.out


LEDGERED = """
default = "main"
ledger = "sqlite:///polysms.db"
[accounts.null]
sender = "+13135550100"
[routes.main]
accounts = ["null"]
hours = "09:00-20:00"
no_report_after = "60s"
store_text = false
"""


def test_ledger_is_checked(command: Command, tmp_path: Path) -> None:
    """The ledger is looked into: what waits there, and that nobody sends it."""
    file = tmp_path / "ledgered.toml"
    file.write_text(LEDGERED, encoding="utf-8")
    with Client.from_config(file) as client:
        client.enqueue(Message("+13135550123", "hi", timezone="America/Detroit"))
    told = command("check", "--config", str(file))
    assert 0 == told.code
    for words in ("waiting  1", "no worker is running", "09:00-20:00", "not kept"):
        assert words in told.out
    document = json.loads(command("check", "--config", str(file), "--json").out)
    assert 1 == document["ledger"]["waiting"]
    assert "09:00-20:00" == document["routes"]["main"]["hours"]


def test_ledger_that_cannot_be_used(command: Command, tmp_path: Path) -> None:
    """A ledger whose folder is missing is told before anything is sent; no password is shown."""
    file = tmp_path / "lost.toml"
    lost = LEDGERED.replace("sqlite:///polysms.db", f"sqlite:///{tmp_path}/nowhere/polysms.db")
    file.write_text(lost, encoding="utf-8")
    told = command("check", "--config", str(file))
    assert 3 == told.code
    assert "its folder" in told.out
