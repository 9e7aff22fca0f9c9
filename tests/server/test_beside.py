"""A receiver in a thread beside a program, as `polysms demo` has one."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from polysms import Client
from polysms.server import Receiver, serving

HOST = "127.0.0.1"
TOKEN = "a-token-nobody-can-guess"


def client(tmp_path: Path, port: int) -> Client:
    """Return a client whose account's reports come to this port."""
    return Client(
        {
            "public_url": f"http://{HOST}:{port}",
            "ledger": f"sqlite:///{tmp_path / 'polysms.db'}",
            "accounts": {
                "wavix": {"api_key": "x", "webhook_token": TOKEN, "verify_reports": "trust"}
            },
        }
    )


def test_it_hears_inside_the_block(tmp_path: Path) -> None:
    """Inside the block it answers on its port, after it nobody does, and the thread has ended."""
    before = set(threading.enumerate())
    with serving.listening(HOST, 0) as listening:
        port = listening.getsockname()[1]
        url = f"http://{HOST}:{port}/wavix/{TOKEN}"
        with client(tmp_path, port) as sms:
            with serving.beside(Receiver(sms), [listening]):
                said = httpx.post(url, json={"message_id": "1", "status": "delivered"})
            with pytest.raises(httpx.TransportError):
                httpx.post(url, json={})

    assert 200 == said.status_code
    assert set() == set(threading.enumerate()) - before


def test_it_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has not started in its time is an error, and is not left behind."""
    monkeypatch.setattr(serving, "_START", -1.0)
    with (
        serving.listening(HOST, 0) as listening,
        client(tmp_path, listening.getsockname()[1]) as sms,
        pytest.raises(RuntimeError, match="did not start"),
        serving.beside(Receiver(sms), [listening]),
    ):
        pass
