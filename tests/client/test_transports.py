"""What a transport is made of: what is missing or wrong is said as a mistake of configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import ConfigError, Message
from polysms.client.transports import Transports, make_async, make_sync
from polysms.config import Account, Config
from tests.clients import WAVIX, Both, accepted, answering

Make = Callable[..., Both]
MESSAGE = Message("+13135550123", "x")
SOCKS = "socks5://user:canary@127.0.0.1:1"
MAKERS = [make_sync, make_async]


def account(**facts: Any) -> Account:
    """Return an account with these facts of its transport."""
    return Config.from_mapping({"accounts": {"wavix": {**WAVIX, **facts}}}).account("wavix")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a machine without socksio."""
    monkeypatch.setitem(sys.modules, "socksio", None)


def wrong(tmp_path: Path) -> list[tuple[dict[str, Any], str, str]]:
    """Return what cannot be, the key at fault and words of the sentence."""
    no_file = tmp_path / "none.pem"
    no_certificate = tmp_path / "a.pem"
    no_certificate.write_text("nonsense", encoding="utf-8")
    return [
        ({"proxy": SOCKS}, "accounts.wavix.proxy", "pip install 'httpx[socks]'"),
        ({"ca": str(no_file)}, "accounts.wavix.ca", "none.pem"),
        ({"ca": str(no_certificate)}, "accounts.wavix.ca", "a.pem"),
    ]


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("place", range(3))
def test_send_and_check_say_what_is_wrong(make: Make, tmp_path: Path, place: int) -> None:
    """What no transport can be made of is a ConfigError with its key and remedy, never a stop."""
    facts, key, words = wrong(tmp_path)[place]
    client = make({"accounts": {"wavix": {**WAVIX, **facts}}})
    for ask in (lambda: client.send(MESSAGE), lambda: client.check("wavix")):
        with pytest.raises(ConfigError) as raised:
            ask()

        assert (key, "wavix") == (raised.value.key, raised.value.account)
        assert words in str(raised.value)
        assert "canary" not in str(raised.value)
        assert "stopped" not in str(raised.value)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("place", range(3))
def test_prepare_says_it_before_anything_is_made(tmp_path: Path, place: int) -> None:
    """The same is known when a client is planning, and then nothing is made."""
    facts, key, _ = wrong(tmp_path)[place]
    made: list[object] = []
    transports: Transports[httpx.BaseTransport] = Transports(None, made.append)  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as raised:
        transports.prepare(account(**facts))

    assert (key, []) == (raised.value.key, made)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("mapped", [False, True])
def test_prepare_leaves_your_own_transport_alone(*, mapped: bool) -> None:
    """A transport of your own needs nothing of ours, whatever the account says of a proxy."""
    own, _ = answering(accepted())
    given: Any = {"wavix": own} if mapped else own
    transports: Transports[httpx.BaseTransport] = Transports(given, make_sync)
    transports.prepare(account(proxy=SOCKS))

    assert own is transports.of(account(proxy=SOCKS))


@pytest.mark.usefixtures("bare")
def test_proxy_of_the_environment_without_socksio(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy that the environment names is told in the same way."""
    monkeypatch.setenv("https_proxy", SOCKS)
    transports: Transports[httpx.BaseTransport] = Transports(None, make_sync)
    transports.prepare(account())
    with pytest.raises(ConfigError, match="socksio"):
        transports.prepare(account(trust_env=True))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("proxy", ["ftp://u:canary@127.0.0.1:1", "http://u:canary@[::1"])
def test_proxy_that_httpx_does_not_take(
    monkeypatch: pytest.MonkeyPatch, maker: Callable[[Account], object], proxy: str
) -> None:
    """A proxy of the environment that is none is a ConfigError without its password."""
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(ConfigError, match=r"accounts\.wavix\.proxy: cannot be used") as raised:
        maker(account(trust_env=True))

    assert "canary" not in str(raised.value)


def test_your_function_that_fails(make: Make) -> None:
    """What a function of yours raises is told as such, with the error as the cause."""

    def broken() -> httpx.BaseTransport:
        raise RuntimeError("canary")

    told = "your function that makes its transport raised RuntimeError"
    with pytest.raises(ConfigError, match=told) as raised:
        make(transport=broken).send(MESSAGE)
    transports: Transports[httpx.BaseTransport] = Transports(broken, make_sync)
    with pytest.raises(ConfigError, match=told) as direct:
        transports.of(account())

    assert "canary" not in str(raised.value)
    assert isinstance(direct.value.__cause__, RuntimeError)


def test_your_function_may_say_it_itself(make: Make) -> None:
    """An error of polysms that your function raises is raised as it is."""
    own = ConfigError("mine", key="mine")

    def broken() -> httpx.BaseTransport:
        raise own

    with pytest.raises(ConfigError) as raised:
        make(transport=broken).send(MESSAGE)

    assert own is raised.value
