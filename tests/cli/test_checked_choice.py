"""What ``polysms check`` says of routes that choose by chance or by reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ACCOUNTS = """
default = "main"
ledger = "sqlite:///polysms.db"
{top}

[accounts.wavix]
api_key = "canary-key"
sender = "+13137890021"
webhook_token = "canary-token-of-webhooks"

[accounts.signalwire]
space = "example"
project_id = "p"
api_token = "canary-token"
sender = "+15559876543"

[routes.main]
accounts = ["wavix", "signalwire"]
{route}
"""

EXPERIMENT = """
strategy = "experiment"
shares = { wavix = 3, signalwire = 1 }
seed = "summer"
sticky = true
failover = false
"""
BEST = """
strategy = "best"
pin = { US = "wavix", "" = "signalwire" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Return a function that writes a configuration with one such route."""

    def write(route: str, top: str = "") -> str:
        path = tmp_path / "choosing.toml"
        path.write_text(ACCOUNTS.format(top=top, route=route), encoding="utf-8")
        return str(path)

    return write


AMONG = (
    "an account that rests, or cannot take a message, has no part in its draw: "
    "the comparison is among those that could take it"
)
NEVER = "signalwire never reports what becomes of mms: of that nothing is learned"
WAVIX = "wavix must be asked what becomes of messages: polysms worker does it"
SIGNALWIRE = "signalwire must be asked what becomes of messages: polysms worker does it"


def test_experiment(command: Any, file: Any) -> None:
    """Shares, seed and unit are told, and what the comparison will not show."""
    said = command("check", "--offline", "--config", file(EXPERIMENT))
    lines = said.out.splitlines()
    assert 0 == said.code
    for expected in (
        "  experiment  wavix, then signalwire",
        "  shares      wavix 3, signalwire 1",
        "  seed        summer",
        "  sticky      by recipient",
        "  failover    no: nobody is asked after the drawn account",
        *(f"  warning: {one}" for one in (AMONG, WAVIX, NEVER, SIGNALWIRE)),
    ):
        assert expected in lines


def test_best(command: Any, file: Any) -> None:
    """What is learned from, how much is explored and what is pinned are told."""
    lines = command("check", "--offline", "--config", file(BEST)).out.splitlines()
    for expected in (
        "  best        wavix, then signalwire",
        "  explores    5% of all messages",
        "  pinned      wavix for US, signalwire",
        "  learns      from 14 d, anew every 300 s",
        f"  warning: {NEVER}",
    ):
        assert expected in lines
    assert f"  warning: {AMONG}" not in lines


@pytest.mark.parametrize(
    ("route", "top", "expected"),
    [
        (EXPERIMENT, "", [AMONG, WAVIX, NEVER, SIGNALWIRE]),
        (EXPERIMENT, 'public_url = "https://sms.example.com"', [AMONG, NEVER, SIGNALWIRE]),
        (BEST, 'public_url = "https://sms.example.com"', [NEVER, SIGNALWIRE]),
        ("", "", []),
    ],
)
def test_json(command: Any, file: Any, route: str, top: str, expected: list[str]) -> None:
    """Programs get the same warnings, and all that the route says."""
    said = json.loads(command("check", "--json", "--offline", "--config", file(route, top)).out)
    found = said["routes"]["main"]
    assert expected == found["warnings"]
    assert {"shares", "seed", "failover", "explore", "pin"} <= set(found)


def test_without_a_ledger(command: Any, file: Any) -> None:
    """An experiment whose reports nobody keeps is refused, and so is one that nobody hears."""
    path = Path(file(EXPERIMENT))
    path.write_text(path.read_text(encoding="utf-8").replace("ledger =", "#"), encoding="utf-8")
    said = command("check", "--offline", "--config", str(path))
    assert 2 == said.code
    assert "routes.main.strategy: needs a ledger" in said.err
