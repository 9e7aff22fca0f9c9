"""Record the cassettes: from the sandbox, from published examples, or from live accounts.

``python tests/record.py`` records all that needs no account. With the credentials of a provider in
the environment (``WAVIX_API_KEY`` and ``WAVIX_SENDER``; ``CARRIERX_TOKEN`` and
``CARRIERX_SENDER``; ``SIGNALWIRE_SPACE``, ``SIGNALWIRE_PROJECT_ID``, ``SIGNALWIRE_API_TOKEN`` and
``SIGNALWIRE_SENDER``; ``TWILIO_ACCOUNT_SID``, ``TWILIO_AUTH_TOKEN`` and ``TWILIO_SENDER``) and a
number of your own in ``POLYSMS_RECORD_TO``, ``python tests/record.py --live PROVIDER`` sends real
messages to that number, which cost money, and writes ``cassettes/PROVIDER/live``. What is private
is replaced before anything is written.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

sys.path.append(str(Path(__file__).resolve().parents[1]))

from polysms import Client, PolysmsError
from polysms.sandbox import Behaviour, running
from tests import published
from tests.scenes import ACCOUNTS, CASSETTES, SCENES, TO, Scene, stripped, tables, tape, world

HOMES = {
    "wavix": ("", "https://api.wavix.com"),
    "carrierx": ("/core/v2", "https://api.carrierx.com/core/v2"),
    "signalwire": ("", "https://example.signalwire.com"),
    "signalwire-compat": ("", "https://example.signalwire.com"),
    "twilio": ("", "https://api.twilio.com"),
}
SECRETS = {
    "wavix": ("api_key", "sender"),
    "carrierx": ("token", "sender"),
    "signalwire": ("space", "project_id", "api_token", "sender"),
    "signalwire-compat": ("space", "project_id", "api_token", "sender"),
    "twilio": ("account_sid", "auth_token", "sender"),
}


def main(arguments: list[str]) -> None:
    """Record what the arguments ask for."""
    if arguments[:1] == ["--live"]:
        record_live(arguments[1])
        return
    with running(behaviour=Behaviour(speed=20, seed=1)) as sandbox:
        for provider in ACCOUNTS:
            for scene in SCENES:
                record_from_sandbox(provider, scene, sandbox.url)
    for provider, examples in published.EXAMPLES.items():
        for name, answers in examples.items():
            record_published(provider, name, answers)


def record_from_sandbox(provider: str, scene: Scene, url: str) -> None:
    """Record one scene; its requests are written with the provider's real address."""
    path, home = HOMES[provider]
    base_url = f"{url}{path}"

    def real(request: Any) -> Any:
        request.uri = request.uri.replace(base_url, home)
        return stripped(request)

    prepared = prepare(provider, scene, base_url)
    file = CASSETTES / provider / f"{scene.name}.yaml"
    file.unlink(missing_ok=True)
    with tape(real).use_cassette(str(file), record_mode="all"):
        play(provider, scene, tables(provider, scene, base_url), prepared)
    clean(file, {base_url: home})


def prepare(provider: str, scene: Scene, base_url: str | None) -> str | None:
    """Send what a fetch or a list is to find, and wait until it has settled."""
    if scene.operation == "send":
        return None
    plain = Scene("send_sms", "send")
    with Client(tables(provider, plain, base_url), world=world()) as client:
        sent = client.send(plain.message())
        client.send(plain.message())
        until = time.monotonic() + 20
        while not client.fetch(sent).final and time.monotonic() < until:
            time.sleep(0.1)
    time.sleep(0.3)
    return sent.provider_id


def play(
    provider: str,
    scene: Scene,
    config: Mapping[str, Any],
    provider_id: str | None,
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Play one scene, whatever comes of it."""
    with Client(config, world=world(), transport=transport) as client:
        try:
            if scene.operation == "send":
                client.send(scene.message(), deadline=0.5)
            elif scene.operation == "fetch":
                client.fetch(account=provider, provider_id=provider_id)
            else:
                found = client.list_remote(provider, page_size=1)
                list(zip(range(2), found, strict=False))
        except PolysmsError as error:
            print(f"{provider} {scene.name}: {type(error).__name__}")


def record_published(provider: str, name: str, answers: list[tuple[int, str]]) -> None:
    """Write a provider's published answers to the requests that ask for them."""
    given = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        status, body = next(given)
        return httpx.Response(status, text=body, headers={"content-type": "application/json"})

    scene = next(scene for scene in SCENES if scene.name == name.partition("-")[0])
    file = CASSETTES / provider / "published" / f"{name}.yaml"
    file.unlink(missing_ok=True)
    with tape().use_cassette(str(file), record_mode="all"):
        config = tables(provider, scene)
        play(provider, scene, config, "an-id-of-the-example", httpx.MockTransport(answer))


def record_live(provider: str) -> None:
    """Record the scenes that harm nobody from a live account."""
    of = provider.partition("-")[0].upper()  # both of SignalWire's APIs take the same
    given = {name: os.environ[f"{of}_{name.upper()}"] for name in SECRETS[provider]}
    own = os.environ["POLYSMS_RECORD_TO"]
    hidden = {given[name]: ACCOUNTS[provider][name] for name in SECRETS[provider]}
    hidden |= {own: TO["ok"], own.lstrip("+"): TO["ok"].lstrip("+")}
    TO["ok"] = own
    ACCOUNTS[provider] = given
    for scene in SCENES:
        if scene.recipient != "ok":
            continue
        prepared = prepare(provider, scene, None)
        file = CASSETTES / provider / "live" / f"{scene.name}.yaml"
        file.unlink(missing_ok=True)
        with tape().use_cassette(str(file), record_mode="all"):
            play(provider, scene, tables(provider, scene), prepared)
        clean(file, hidden)


def clean(file: Path, hidden: Mapping[str, str]) -> None:
    """Replace in a written cassette what must not stand there."""
    text = file.read_text(encoding="utf-8")
    for old in sorted(hidden, key=len, reverse=True):
        text = text.replace(old, hidden[old])
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
