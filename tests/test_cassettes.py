"""Every cassette is played by both clients, matched on method, URL and body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from polysms import Client, Delivery, PolysmsError, Status
from tests.clients import KINDS, Both
from tests.scenes import ACCOUNTS, CASSETTES, SCENES, Scene, tables, tape, world

FILES = sorted(CASSETTES.rglob("*.yaml"))
HOSTS = {
    "wavix": "https://api.wavix.com/",
    "carrierx": "https://api.carrierx.com/core/v2/",
    "signalwire": "https://example.signalwire.com/",
    "signalwire-compat": "https://example.signalwire.com/",
    "twilio": "https://api.twilio.com/",
}


def provider_of(file: Path) -> str:
    """Return the provider a cassette belongs to."""
    return file.relative_to(CASSETTES).parts[0]


def scene_of(file: Path) -> Scene:
    """Return the scene a cassette plays; what follows a hyphen only tells two of a kind apart."""
    return next(scene for scene in SCENES if scene.name == file.stem.partition("-")[0])


@contextmanager
def playing(file: Path) -> Iterator[Any]:
    """Play a cassette, and require that all of it was played."""
    with tape().use_cassette(str(file), record_mode="none") as cassette:
        yield cassette
        assert cassette.all_played


def play(both: Both, provider: str, scene: Scene, cassette: Any) -> list[Delivery]:
    """Do what the scene does; return the deliveries it gives."""
    if scene.operation == "send":
        return [both.send(scene.message(), deadline=0.5)]
    if scene.operation == "fetch":
        provider_id = cassette.requests[0].uri.rpartition("/")[2].removesuffix(".json")
        return [both.fetch(account=provider, provider_id=provider_id)]
    return both.list_remote(provider, page_size=1, most=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CASSETTES)))
def test_cassette(file: Path, kind: str) -> None:
    """Each scene ends as its table says, with whatever the provider once answered."""
    provider, scene = provider_of(file), scene_of(file)
    both = Both(kind, tables(provider, scene), world=world())
    try:
        with playing(file) as cassette:
            if scene.error is not None:
                with pytest.raises(scene.error) as raised:
                    play(both, provider, scene, cassette)
                check_error(raised.value, provider)
            else:
                for delivery in play(both, provider, scene, cassette):
                    check_delivery(delivery, provider, scene)
    finally:
        both.close()


def check_error(error: Exception, provider: str) -> None:
    """An error tells its account and status; a refusal also why."""
    assert isinstance(error, PolysmsError)
    assert provider == error.account
    assert isinstance(error.status_code, int)
    assert error.reason is not None or error.status_code in {404, 429, 500}


def check_delivery(delivery: Delivery, provider: str, scene: Scene) -> None:
    """A delivery names its account and its provider's id, and its status is understood."""
    assert (provider, provider) == (delivery.account, delivery.provider)
    assert delivery.provider_id
    assert delivery.status is not Status.UNRECOGNIZED
    assert delivery.raw
    assert delivery.created_at is not None
    assert delivery.created_at.tzinfo is not None
    if scene.operation == "send":
        assert "01980000-0000-7000-8000-000000000001" == delivery.id


@pytest.mark.parametrize("provider", ACCOUNTS)
def test_every_scene_is_recorded(provider: str) -> None:
    """Each provider has a cassette of each scene, and its published answers one per operation."""
    recorded = {file.stem for file in (CASSETTES / provider).glob("*.yaml")}
    assert {scene.name for scene in SCENES} == recorded
    examples = (CASSETTES / provider / "published").glob("*.yaml")
    published = {scene_of(file).operation for file in examples}
    assert {"send", "fetch", "list"} == published


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CASSETTES)))
def test_cassette_is_clean(file: Path) -> None:
    """A cassette has the provider's real address and no credential, date header or loopback."""
    text = file.read_text(encoding="utf-8")
    for word in ("127.0.0.1", "localhost", "Bearer ", "Basic ", "authorization", "set-cookie"):
        assert word not in text
    for account in ACCOUNTS.values():
        for name in ("api_key", "token", "api_token", "auth_token"):
            assert account.get(name, "absent-from-every-cassette") not in text
    for interaction in yaml.safe_load(text)["interactions"]:
        assert interaction["request"]["uri"].startswith(HOSTS[provider_of(file)])


def test_another_body_does_not_match() -> None:
    """The matcher is not loosened: the same request with another text finds no answer."""
    file = CASSETTES / "wavix" / "send_sms.yaml"
    scene = scene_of(file)
    with (
        tape().use_cassette(str(file), record_mode="none"),
        Client(tables("wavix", scene), world=world()) as client,
        pytest.raises(PolysmsError) as raised,
    ):
        client.send(type(scene.message())(scene.message().to, "Another text"))
    assert "CannotOverwriteExistingCassetteException" in str(raised.value)
    assert not isinstance(raised.value.__cause__, httpx.HTTPError)
