"""``polysms compare``: what reads well in a terminal, and what a program reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polysms import Status
from polysms.delivery import Outcome
from polysms.errors import Reason
from polysms.ledger import Ledger
from tests.cli.conftest import Command
from tests.client.test_comparing import SIX_DAYS_AGO
from tests.ledger import histories, scenes
from tests.ledger.histories import History

pytestmark = pytest.mark.one_python

_CONFIG = """
default = "main"
ledger = "sqlite:///ledger.db"
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
[accounts.carrierx]
token = "canary-carrierx"
sender = "+13135550101"
[routes.main]
strategy = "experiment"
accounts = ["wavix", "carrierx"]
seed = "s"
"""


@pytest.fixture
def ledger(command: Command, tmp_path: Path) -> Path:
    """Write a configuration, and 80 messages: an account that delivers most, and one a half."""
    del command
    (tmp_path / "polysms.toml").write_text(_CONFIG, encoding="utf-8")
    clock = histories.Clock(SIX_DAYS_AGO)
    with Ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as opened:
        for number in range(80):
            account = ("wavix", "carrierx")[number % 2]
            one = History(opened, clock, scenes.message(to=histories.NUMBER, tag="otp"))
            one.begin(account, histories.assignment(account))
            if number == 7:
                one.end(Outcome.NOT_SENT, reason=Reason.CONTENT)
                continue
            one.end()
            good = number % 16 > 0 if account == "wavix" else number % 4 == 1
            one.report(Status.DELIVERED if good else Status.UNDELIVERED, 3 + number / 10)
            clock.pass_by(600)
    return tmp_path


@pytest.mark.usefixtures("ledger")
def test_table_reads_in_eighty_columns(command: Command) -> None:
    """The verdict comes before the counts, and no line is folded by the terminal."""
    said = command("compare", "--by", "tag")

    lines = said.out.splitlines()
    assert (0, []) == (said.code, [line for line in lines if len(line) > 80])
    verdict = next(at for at, line in enumerate(lines) if line.startswith("wavix delivers more"))
    table = next(at for at, line in enumerate(lines) if line.startswith("account"))
    assert verdict < table
    for words in ("80 texts, given by chance to 2 accounts", "refused for", "content", "otp "):
        assert words in said.out


@pytest.mark.usefixtures("ledger")
def test_grave_warnings_come_first(command: Command) -> None:
    """What takes the ground from under a comparison is read before it."""
    said = command("compare", "--canary", histories.NUMBER, "--since", "7d")

    lines = said.out.splitlines()
    grave = next(at for at, line in enumerate(lines) if line.startswith("! "))
    assert grave < next(at for at, line in enumerate(lines) if line.startswith("account"))


@pytest.mark.usefixtures("ledger")
def test_json_has_every_figure(command: Command) -> None:
    """A program gets the report as data, and nothing else."""
    said = command("compare", "--json")

    data = json.loads(said.out)
    counts = {arm["account"]: arm["counts"]["assigned"] for arm in data["arms"]}
    assert (0, {"carrierx": 40, "wavix": 40}) == (said.code, counts)


def test_page_is_written(command: Command, ledger: Path) -> None:
    """The page is one file, and the command says where."""
    said = command("compare", "--html", "page.html")

    assert "page.html" in said.out
    assert (ledger / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--route", "mian"), "main"),
        (("--by", "colour"), "colour"),
        (("--since", "yesterday"), "--since"),
        (("--html", "no/such/folder.html"), "--html"),
    ],
)
def test_wrong_usage(command: Command, arguments: tuple[str, ...], words: str) -> None:
    """What is wrong with a wish is told, with the exit code of wrong usage."""
    said = command("compare", *arguments)

    assert 2 == said.code
    assert words in said.err


@pytest.mark.usefixtures("ledger")
def test_nothing_to_compare(command: Command) -> None:
    """No text in this time is no failure."""
    said = command("compare", "--until", "2020-01-01")

    assert (0, "Nothing to compare") == (said.code, said.out[:18])
