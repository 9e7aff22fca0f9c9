"""What the command shows of the addresses that reports are to come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polysms import Client
from polysms.webhooks.paths import tokens_of
from tests.cli.conftest import NUMBER, Command

pytestmark = pytest.mark.one_python

TABLES = """
default = "{account}"
public_url = "https://example.com/sms"
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
webhook_token = "canary-token-of-wavix"
[accounts.signalwire]
space = "example"
project_id = "p"
api_token = "canary-signalwire"
sender = "+13135550102"
signing_key = "PSK_canary-key"
[accounts.carrierx]
token = "canary-carrierx"
sender = "+13135550101"
[accounts.memory]
sender = "Acme"
"""


@pytest.mark.parametrize("options", [(), ("--reveal",), ("--json", "--reveal")])
@pytest.mark.parametrize("account", ["wavix", "signalwire"])
def test_dry_run_hides_the_token(
    command: Command, tmp_path: Path, account: str, options: tuple[str, ...]
) -> None:
    """A dry run shows that reports are asked for, and no token that anybody could post with."""
    text = TABLES.format(account=account)
    (tmp_path / "polysms.toml").write_text(text, encoding="utf-8")
    (token,) = tokens_of(Client.from_config(tmp_path / "polysms.toml").config.account(account))
    said = command("send", "--to", NUMBER, "--dry-run", *options, "hello")

    assert 0 == said.code
    assert f"https://example.com/sms/{account}/***/" in said.out
    assert token not in said.out


@pytest.mark.parametrize(("public_url", "names"), [(True, ["carrierx"]), (False, [])])
def test_check_names_who_can_report_nothing(
    command: Command, tmp_path: Path, *, public_url: bool, names: list[str]
) -> None:
    """Where reports are wanted, an account without a token is named: nothing it posts counts."""
    text = TABLES.format(account="wavix")
    if not public_url:
        text = text.replace("public_url", "# public_url")
    (tmp_path / "polysms.toml").write_text(text, encoding="utf-8")
    said = json.loads(command("check", "--offline", "--json").out)
    warned = [one["account"] for one in said["accounts"] if "webhook_token" in str(one["warnings"])]

    assert names == warned
