"""The peer of the benchmark ``serving``: a bare endpoint that parses JSON and writes one row.

Run as a program, with the file of its database and a port; uvicorn is set as in ``polysms serve``.
"""

from __future__ import annotations

import json
import sqlite3
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def app(file: str) -> Starlette:
    """Return the endpoint; its row is on the disk before the answer."""
    database = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE events (id TEXT, status TEXT, body TEXT)")

    async def heard(request: Request) -> Response:
        body = await request.body()
        data = json.loads(body)
        row = (data["message_id"], data.get("status"), body.decode())
        database.execute("INSERT INTO events VALUES (?, ?, ?)", row)
        return Response(status_code=200)

    return Starlette(routes=[Route("/{rest:path}", heard, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(
        app(sys.argv[1]),
        port=int(sys.argv[2]),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
