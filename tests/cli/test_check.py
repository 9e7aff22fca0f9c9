"""``polysms check``: what would break is said beforehand, and nothing is ever sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
