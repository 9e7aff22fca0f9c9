"""Webhooks per second of ``polysms serve``, beside a bare endpoint that writes one row each.

Both are processes on one core, with the same uvicorn, asked in turn by the same client on another:
50 connections that post one after the other. Both have a SQLite file in WAL with FULL, committed
before the answer. Ours also proves the address, reads the report, finds its message and lets its
status follow. No handler listens, or (the second figure) one that does nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from polysms import Client
from polysms.delivery import Attempt, Outcome
from polysms.ledger import Line
from polysms.message import Message

IN_FLIGHT = 50
BLOCK = 2_000
ROUNDS = 9
WANTED = 0.6
TOKEN = "benchmark-0123456789"
_numbers = itertools.count()


def main() -> None:
    """Run the blocks in turn and print the medians."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports = {name: _free_port() for name in ("bare", "known", "told")}
        for name, port in ports.items():
            stack.enter_context(_serving(name, folder / name, port))
        os.sched_setaffinity(0, {cores[0]})
        rates: dict[str, list[float]] = {name: [] for name in ports}
        for _ in range(ROUNDS):
            for name, port in ports.items():
                ids = _ids(name, folder / name)
                rates[name].append(asyncio.run(_posted(port, ids)))
    bare = statistics.median(rates["bare"])
    titles = {"bare": "bare endpoint", "known": "polysms serve", "told": "polysms serve, a handler"}
    for name, title in titles.items():
        rate = statistics.median(rates[name])
        print(f"{title:26} {rate:7,.0f} webhooks/s {rate / bare:6.2f} x (at least {WANTED:g})")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def _serving(name: str, folder: Path, port: int) -> Iterator[None]:
    folder.mkdir()
    (folder / "polysms.toml").write_text(
        f'public_url = "http://127.0.0.1:{port}"\nledger = "sqlite:///{folder}/ledger.db"\n'
        f'[accounts.wavix]\napi_key = "x"\nwebhook_token = "{TOKEN}"\nverify_reports = "trust"\n',
        encoding="utf-8",
    )
    (folder / "heard.py").write_text(
        "from polysms import AsyncClient\nfrom polysms.server import Receiver\n"
        "receiver = Receiver(AsyncClient.from_config())\n"
        "@receiver.on_report\nasync def note(report): pass\n",
        encoding="utf-8",
    )
    ours = ["-m", "polysms", "serve", "--port", str(port)]
    command = {
        "bare": [str(Path(__file__).with_name("serve_bare.py")), str(folder / "b.db"), str(port)],
        "known": ours,
        "told": [*ours, "--listen", "heard:receiver"],
    }
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, *command[name]], cwd=folder, stdout=said, stderr=said
        )
    try:
        _wait(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("a server did not start")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("a server did not start in 30 s")


def _ids(name: str, folder: Path) -> list[str]:
    """Return the provider's ids of messages; ours are in the ledger, as a send leaves them."""
    ids = [f"6284a2b0-0000-4000-8000-{next(_numbers):012}" for _ in range(BLOCK)]
    if name != "bare":
        with Client.from_config(folder / "polysms.toml") as client:
            client.ledger.write_many([_line(one, client) for one in ids])
    return ids


def _line(id_: str, client: Client) -> Line:
    attempt = Attempt(
        account="wavix",
        provider="wavix",
        reference=f"ref-{id_}",
        started_at=client.duties.now(),
        ended_at=client.duties.now(),
        outcome=Outcome.ACCEPTED,
        provider_id=id_,
    )
    return Line(f"id-{id_}", Message("+13135550123", "Your table is ready"), attempt)


async def _posted(port: int, ids: list[str]) -> float:
    """Return reports per second."""
    waiting = iter([_request(port, one) for one in ids])
    began = time.perf_counter()
    await asyncio.gather(*(_post(port, waiting) for _ in range(IN_FLIGHT)))
    return len(ids) / (time.perf_counter() - began)


def _request(port: int, id_: str) -> bytes:
    body = json.dumps(
        {
            "message_id": id_,
            "message_type": "sms",
            "from": "SenderID",
            "to": "+13135550123",
            "status": "delivered",
            "segments_count": 1,
            "sent": "2024-05-28T12:34:54Z",
            "delivered": "2024-05-28T12:34:56Z",
            "charge": "0.01",
            "carrier_fees": "0.0",
            "tag": f"ref-{id_}",
            "error": None,
        }
    ).encode()
    head = (
        f"POST /wavix/{TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _post(port: int, requests: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or b"0"))
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    main()
