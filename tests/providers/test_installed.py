"""Adapters of other people's: found by their entry point, and whole with the least."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import attrs
import httpx
import pytest

from polysms import (
    Config,
    ConfigError,
    LookupFailed,
    MaybeSent,
    Message,
    NotSent,
    Unsupported,
)
from polysms.cli.app import run
from polysms.delivery import Outcome, Status
from polysms.providers import checked, installed, load
from polysms.providers.base import Answer, Capabilities, Record, Request, Response, secret
from polysms.providers.outcome import accepted, outcome
from polysms.providers.wavix import Wavix
from polysms.testing.contract.bodies import said
from tests.clients import KINDS, Both

MESSAGE = Message("+13135550123", "hi", from_="+13135550100")


@attrs.frozen(kw_only=True)
class LeastSettings:
    """An account with a key, and no address of its own."""

    key: str = secret()


class Least:
    """An adapter with the four parts that one must have, and nothing more."""

    Settings: ClassVar[type] = LeastSettings
    capabilities: ClassVar[Capabilities] = attrs.evolve(
        Wavix.capabilities, title="Least", lookup="exact", status_callback=False
    )

    def __init__(self, settings: LeastSettings, base_url: str) -> None:
        self._url = f"{base_url}/send"
        self._headers = {"Authorization": settings.key}

    def request(self, message: Message, reference: str) -> Request:
        """Return the request."""
        body = {"to": message.to, "text": message.text, "reference": reference}
        return Request("POST", self._url, self._headers, json.dumps(body).encode())

    def read(self, response: Response) -> Answer:
        """Return what an answer means."""
        if not response.ok:
            return outcome(response)
        identity = response.body.decode()
        return accepted(
            response, Record(provider_id=identity, raw_status="in", status=Status.QUEUED)
        )


@pytest.fixture(autouse=True)
def least(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the adapter above in a module that can be imported."""
    module: Any = type(sys)("least_sms")
    module.Least = Least
    monkeypatch.setitem(sys.modules, "least_sms", module)


def install(folder: Path, package: str, line: str) -> None:
    """Install a package of which nothing is there but the names it gives."""
    facts = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    facts.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
    (facts / "METADATA").write_text(metadata, encoding="utf-8")
    text = f"[polysms.providers]\n{line}\n"
    (facts / "entry_points.txt").write_text(text, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which packages are installed."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def accounts(**more: Any) -> dict[str, Any]:
    """Return two accounts of the adapter, the second for when the first fails."""
    own = {"provider": "least_sms:Least", "key": "k", "sender": "+13135550100"}
    first = {**own, "base_url": "https://one.example", **more}
    second = {**own, "base_url": "https://two.example"}
    route = {"accounts": ["one", "two"], "repeats": 0}
    return {
        "accounts": {"one": first, "two": second},
        "routes": {"main": route},
        "default": "main",
    }


def both(kind: str, *answers: httpx.Response | Exception) -> Both:
    """Return a client whose first account gives the first answer, and so on."""
    given = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        one = next(given)
        if isinstance(one, Exception):
            raise one
        return one

    return Both(kind, accounts(), transport=httpx.MockTransport(answer))


@pytest.mark.parametrize("kind", KINDS)
def test_four_parts_send(kind: str) -> None:
    """An adapter with four parts sends, and is named after its class."""
    client = both(kind, httpx.Response(200, text="m-1"))
    delivery = client.send(MESSAGE)
    client.close()
    assert ("m-1", "least", Status.QUEUED) == (
        delivery.provider_id,
        delivery.provider,
        delivery.status,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_four_parts_fail_over(kind: str) -> None:
    """After a refusal that says nothing of the message the next account takes it."""
    client = both(kind, httpx.Response(402), httpx.Response(200, text="m-2"))
    delivery = client.send(MESSAGE)
    client.close()
    assert ("m-2", "two") == (delivery.provider_id, delivery.account)
    assert [Outcome.NOT_SENT, Outcome.ACCEPTED] == [one.outcome for one in delivery.attempts]


@pytest.mark.parametrize("kind", KINDS)
def test_four_parts_may_have_sent(kind: str) -> None:
    """What breaks is MaybeSent; what became of it cannot be asked, and resolve says so."""
    client = both(kind, httpx.Response(500))
    with pytest.raises(MaybeSent) as raised:
        client.send(MESSAGE)
    assert raised.value.delivery is not None
    with pytest.raises(LookupFailed, match="cannot list its messages"):
        client.resolve(raised.value.delivery)
    client.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "words"), [("fetch", "fetch a message"), ("check", "checked")])
def test_four_parts_say_what_they_cannot(kind: str, method: str, words: str) -> None:
    """What the adapter has no method for is Unsupported, in words."""
    client = both(kind)
    facts = {"account": "one"} | ({"provider_id": "m-1"} if method == "fetch" else {})
    with pytest.raises(Unsupported, match=words):
        client.call(method, **facts)
    client.close()


def test_options_of_one_that_has_none() -> None:
    """An adapter that knows no options drops none in silence."""
    client = both("sync")
    with pytest.raises(NotSent) as raised:
        client.send(attrs.evolve(MESSAGE, options={"least": {"colour": "red"}}))
    client.close()
    assert "options['least'] has no 'colour'" in str(raised.value)


def test_no_address_is_told() -> None:
    """An adapter without an address of its own needs one in the configuration."""
    table = {"provider": "least_sms:Least", "key": "k"}
    with pytest.raises(ConfigError, match=r"accounts\.one\.base_url: is missing"):
        Config.from_mapping({"accounts": {"one": table}})


def test_it_is_one_class() -> None:
    """The adapter that is loaded is the same each time."""
    assert load("least_sms:Least") is load("least_sms:Least")
    assert issubclass(load("least_sms:Least"), Least)
    assert not hasattr(Least, "name")


def test_name_of_an_entry_point(site: Path) -> None:
    """The name that a package gives works as a provider, in tables and in a URL."""
    install(site, "parrot-sms", "parrot = least_sms:Least")
    assert ("parrot",) == installed()
    assert "parrot" == load("parrot").name
    config = Config.from_mapping(
        {"accounts": {"mine": {"provider": "parrot", "key": "k", "base_url": "https://a.example"}}}
    )
    assert "parrot" == config.account("mine").provider_name
    assert said(config.account("mine").adapter.request(MESSAGE, "r"))["reference"] == "r"


def test_name_of_an_entry_point_in_a_url(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's name is the scheme of a URL."""
    install(site, "parrot-sms", "parrot = polysms.providers.wavix:Wavix")
    account = Config.from_url("parrot://KEY@?sender=Acme").account("parrot")
    assert ("Wavix", ("Acme",)) == (type(account.adapter).__name__, account.sender)


def test_registry_wins(site: Path) -> None:
    """The registry's own names are its own, whoever else gives them."""
    install(site, "false-wavix", "wavix = least_sms:Least\nmemory = least_sms:Least")
    assert Wavix is load("wavix")
    assert () == installed()


def test_two_packages_with_one_name(site: Path) -> None:
    """Of two packages with one name neither is taken: the error names both, and what to do."""
    install(site, "parrot-sms", "parrot = least_sms:Least")
    install(site, "parrot-two", "parrot = parrot_two:Parrot")
    with pytest.raises(ConfigError) as raised:
        load("parrot", "accounts.mine.provider")
    assert (
        "accounts.mine.provider: 'parrot' is given by parrot-sms and parrot-two: uninstall one of "
        'them, or write its place: "least_sms:Least" or "parrot_two:Parrot"'
    ) == str(raised.value)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere_at_all:Parrot", "No module named 'nowhere_at_all'"),
        ("least_sms:Parrot", "has no attribute 'Parrot'"),
        ("polysms.message:Message", "it lacks Settings"),
        ("least_sms:LeastSettings", "has no attribute"),
        ("shaky_sms:Shaky", "the sky is falling"),
    ],
)
def test_name_that_cannot_be_loaded(site: Path, place: str, words: str) -> None:
    """What cannot be loaded is a ConfigError that says why, whatever the module raises."""
    (site / "shaky_sms.py").write_text("raise RuntimeError('the sky is falling')\n", "utf-8")
    install(site, "parrot-sms", f"parrot = {place}")
    with pytest.raises(ConfigError, match=words) as raised:
        load("parrot")
    assert "provider" == raised.value.key
    assert "lacks" in words or "install parrot-sms again" in str(raised.value)


def test_names_are_suggested(site: Path) -> None:
    """A name that is nearly a package's is told."""
    install(site, "parrot-sms", "parrot = least_sms:Least")
    with pytest.raises(ConfigError, match='did you mean "parrot"'):
        load("parot")


@pytest.mark.parametrize(
    ("settings", "capabilities", "words"),
    [(dict, Least.capabilities, "no attrs class"), (LeastSettings, {"title": "x"}, "Capabilities")],
)
def test_parts_of_the_wrong_kind(
    monkeypatch: pytest.MonkeyPatch, settings: object, capabilities: object, words: str
) -> None:
    """Parts of another kind are told when the adapter is loaded, not in the middle of a send."""
    monkeypatch.setattr(Least, "Settings", settings)
    monkeypatch.setattr(Least, "capabilities", capabilities)
    with pytest.raises(ConfigError, match=words):
        load("least_sms:Least")


def test_adapter_that_is_made_already() -> None:
    """An adapter is named by its class, and not by one that somebody has made of it."""
    made = SimpleNamespace(
        Settings=LeastSettings, capabilities=Least.capabilities, request=None, read=None
    )
    with pytest.raises(ConfigError, match="'made' is no provider: it is no class"):
        checked(made, "made", "made")


def test_known_names_look_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed is looked up for a name of nobody's alone: that takes a while."""

    def entry_points(**_: str) -> None:
        pytest.fail("looked up")

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    for name in ("wavix", "memory", "least_sms:Least"):
        load(name)


def test_command_shows_what_is_installed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``polysms providers`` shows a package's adapter, and says which cannot be loaded."""
    install(site, "parrot-sms", "parrot = least_sms:Least\nbroken = nowhere_at_all:X")
    assert 0 == run(["providers", "--json"])
    told = capsys.readouterr()
    assert "Least" == json.loads(told.out)["parrot"]["title"]
    assert "broken" not in json.loads(told.out)
    assert "cannot load 'broken'" in told.err
