"""A loopback server that answers every POST as Wavix does, and does nothing else.

It runs in a process of its own, on another core where there is one, so that what is measured is
the client.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

ANSWER = {
    "message_id": "871b4eeb-f798-4105-be23-32df9e991456",
    "message_type": "sms",
    "from": "+13137890021",
    "to": "+13135550123",
    "mcc": "310",
    "mnc": "260",
    "message_body": {"text": "Your table is ready", "media": None},
    "tag": "0191e0c0-0000-7000-8000-000000000000",
    "status": "accepted",
    "segments": 1,
    "charge": "0.02",
    "carrier_fees": "0.0",
    "submitted_at": "2026-04-14T13:51:16.096Z",
    "sent_at": None,
    "delivered_at": None,
    "error_message": None,
}


class _Wavix(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as the clients need."""

    def __init__(self) -> None:
        body = json.dumps(ANSWER).encode()
        head = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
        self._answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            length = _content_length(bytes(self._read[:end]))
            if len(self._read) < end + 4 + length:
                return
            del self._read[: end + 4 + length]
            self._transport.write(self._answer)  # type: ignore[attr-defined]


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _serve(ready: Connection) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Wavix, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def running() -> Iterator[str]:
    """Start the server in its own process and yield its URL."""
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    if not ours.poll(30):
        raise RuntimeError("the server did not start in 30 s")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()
