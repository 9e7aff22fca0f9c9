"""Forged webhooks: none is accepted, none is answered as our own trouble, and memory stays flat.

``python tests/campaigns/forged.py --changes 20000``. Every documented form of the three providers
is right at first, and accepted; then one thing is changed of what proves it, or so that it cannot
be read. It is given to receivers with and without a ledger, a tenth of all as to an ASGI app.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs
import httpx

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from sqlalchemy import create_engine, text

from polysms import AsyncClient, Client, Config
from polysms.client.log import log
from polysms.ledger import Ledger
from polysms.server import Receiver, WebhookRequest
from tests.campaigns.forging import CHANGES, TABLES, Case, Post, cases
from tests.webhooks.forms import PUBLIC

#: One of so many is posted to an ASGI app.
BY_ASGI = 10
#: Bytes by which memory may grow from the first quarter to the end.
SLACK = 12 * 1024 * 1024
#: How many forgeries that were taken are shown.
_SHOWN = 10
_CHUNK = 16 * 1024
_PROBES = ("GET", "HEAD")


@attrs.define(kw_only=True)
class Tally:
    """What came of all: the answers by what was changed, and what was taken or broke us."""

    rights: int = 0
    changes: int = 0
    by_asgi: int = 0
    answers: dict[str, Counter[int | None]] = attrs.field(factory=dict)
    taken: list[str] = attrs.field(factory=list)
    broken: list[str] = attrs.field(factory=list)
    refused_rights: list[str] = attrs.field(factory=list)
    events: int = 0
    heard: int = 0
    asked: int = 0
    quarter: int = 0
    end: int = 0
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether nothing was taken and nothing broke, and every change was tried."""
        wrong = (self.taken, self.broken, self.refused_rights, self.events, self.heard, self.asked)
        is_flat = self.end - self.quarter <= SLACK
        return self.rights > 0 and set(self.answers) == set(CHANGES) and is_flat and not any(wrong)


class House:
    """Receivers that note what they take: sync and async, with a ledger and without."""

    def __init__(self, folder: str) -> None:
        self.ledger = f"sqlite:///{folder}/ledger.db"
        with Ledger(self.ledger) as ledger:
            ledger.upgrade()
        self.heard = 0
        self.asked = 0
        self.runner = asyncio.Runner()
        kinds = [(Client, self.ledger), (Client, None), (AsyncClient, self.ledger)]
        self.clients: list[Any] = [self._client(kind, ledger) for kind, ledger in kinds]
        self.receivers = [self._receiver(client) for client in self.clients]

    def _client(self, kind: Any, ledger: str | None) -> Any:
        tables = {"public_url": PUBLIC, "default": "wavix", "accounts": TABLES}
        config = Config.from_mapping(tables if ledger is None else {**tables, "ledger": ledger})
        return kind(config, transport=httpx.MockTransport(self._answer))

    def _answer(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(404)

    def _receiver(self, client: Any) -> Receiver:
        receiver = Receiver(client)
        for listen in (receiver.on_report, receiver.on_inbound, receiver.on_opt_out):
            listen(self._hear)
        return receiver

    def _hear(self, _: Any) -> None:
        self.heard += 1

    @property
    def events(self) -> int:
        """How many events were kept."""
        engine = create_engine(self.ledger)
        with engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM polysms_events")).scalar_one()
        engine.dispose()
        return int(found)

    def ask(self, post: Post, number: int) -> tuple[int | None, bytes]:
        """Return status and body of the answer to a request, directly or as an ASGI app.

        An error that gets out is what a server answers 500 for.
        """
        try:
            return self._answered(post, number)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is our trouble
            return 500, repr(error).encode(errors="replace")

    def _answered(self, post: Post, number: int) -> tuple[int | None, bytes]:
        if number % BY_ASGI == 0 or post.is_cut_off:
            return self.runner.run(_by_asgi(self.receivers[2], post))
        request = WebhookRequest(post.method, post.url, post.headers, post.body)
        answer = self.receivers[number % 2].handle(request, post.source)
        return answer.status, answer.body

    def close(self) -> None:
        """Close every client."""
        for client in self.clients[:2]:
            client.close()
        self.runner.run(self.clients[2].close())
        self.runner.close()


@contextlib.contextmanager
def _house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="forged-") as folder:
        house = House(folder)
        try:
            yield house
        finally:
            house.close()


async def _by_asgi(receiver: Receiver, post: Post) -> tuple[int | None, bytes]:
    said: list[dict[str, Any]] = []
    body = memoryview(post.body)
    chunks = [body[begin : begin + _CHUNK] for begin in range(0, len(body), _CHUNK)] or [body]
    left = iter(enumerate(chunks, 1))

    async def receive() -> dict[str, Any]:
        number, chunk = next(left, (0, b""))
        if not number:
            return {"type": "http.disconnect"}
        more = post.is_cut_off or number < len(chunks)
        return {"type": "http.request", "body": bytes(chunk), "more_body": more}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    path, _, query = post.url.partition("?")
    scope = {
        "type": "http",
        "method": post.method.upper(),
        "path": path,
        "raw_path": path.encode(errors="surrogatepass"),
        "query_string": query.encode(errors="surrogatepass"),
        "headers": [
            (name.lower().encode(), value.encode(errors="surrogatepass"))
            for name, value in post.headers
        ],
        "client": None if post.source is None else (post.source, 4711),
    }
    await receiver(scope, receive, send)
    status = next((one["status"] for one in said if "status" in one), None)
    return status, b"".join(one.get("body", b"") for one in said)


@contextlib.contextmanager
def _silently() -> Iterator[None]:
    """Let nobody keep what is logged of each: that would be all that memory grows by."""
    level = log.level
    log.setLevel("CRITICAL")
    try:
        yield
    finally:
        log.setLevel(level)


def memory() -> int:
    """Return the bytes of memory that this process holds."""
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def play(changes: int, seed: int = 7) -> Tally:
    """Forge so many webhooks; return what came of it."""
    began, tally, known = time.monotonic(), Tally(), cases()
    with _silently():
        with _house() as house:
            _rights(house, known, tally)
        with _house() as house:
            _forge(house, known, changes, seed, tally)
            tally.events, tally.heard, tally.asked = house.events, house.heard, house.asked
    tally.seconds = time.monotonic() - began
    return tally


def _rights(house: House, known: list[Case], tally: Tally) -> None:
    """Post each case as it is, in each way: it is taken, or nothing would be shown."""
    for case in known:
        for number in (BY_ASGI, 1, 2):
            before = house.heard + house.asked
            status, _ = house.ask(case.post, number)
            tally.rights += 1
            # A ledger keeps what is the same once; without one, each is told or asked for.
            is_taken = number != 1 or house.heard + house.asked > before
            # Without a ledger what no provider confirms is to be posted again.
            fine = {200, 204, 503} if number == 1 else {200, 204}
            if status not in fine or not is_taken:
                tally.refused_rights.append(f"{case.name}: {status}")


def _forge(house: House, known: list[Case], changes: int, seed: int, tally: Tally) -> None:
    names = sorted(CHANGES)
    random = Random(seed)  # noqa: S311 - guards nothing
    while tally.changes < changes:
        name, case = names[tally.changes % len(names)], random.choice(known)
        post = CHANGES[name](case, random)
        if post is None:
            # Not for this case: another is drawn, so that each change is tried as often.
            continue
        tally.changes += 1
        tally.by_asgi += tally.changes % BY_ASGI == 0 or post.is_cut_off
        before = house.heard, house.asked
        status, body = house.ask(post, tally.changes)
        tally.answers.setdefault(name, Counter())[status] += 1
        _judge(tally, f"{name} ({case.name})", post, status, body)
        if before != (house.heard, house.asked):
            tally.taken.append(f"{name} ({case.name}): somebody was told")
        if tally.changes == changes // 4:
            tally.quarter = memory()
    tally.end = memory()


def _judge(tally: Tally, name: str, post: Post, status: int | None, body: bytes) -> None:
    if post.is_cut_off and status is None:
        return
    is_probe = post.method in _PROBES and status == 200 and not body
    if is_probe or (status is not None and 400 <= status < 500):
        return
    request = f"{post.method} {post.url[:200]} {post.headers} {post.body[:200]!r}"
    what = f"{name}: {status} {body[:100]!r} to {request}"
    (tally.broken if status is None or status >= 500 else tally.taken).append(what)


def show(tally: Tally) -> None:
    """Print the figures."""
    print(
        f"{tally.rights} right ones taken; {tally.changes:,} forged, {tally.by_asgi:,} of them to "
        f"an ASGI app, {tally.seconds:.0f} s"
    )
    for name, answers in sorted(tally.answers.items()):
        said = sorted(f"{status} x {count:,}" for status, count in answers.items())
        print(f"  {name:40} {', '.join(said)}")
    grown = (tally.end - tally.quarter) / 2**20
    print(f"  memory {tally.quarter >> 20} MB at the quarter, {tally.end >> 20} MB at the end")
    print(f"  grown by {grown:.1f} MB of {SLACK >> 20} that are allowed")
    print(
        f"  taken {len(tally.taken)}, answered as our trouble {len(tally.broken)}, right ones "
        f"refused {len(tally.refused_rights)}; events {tally.events}, heard {tally.heard}, "
        f"providers asked {tally.asked}"
    )
    for what in (*tally.taken, *tally.broken, *tally.refused_rights)[:_SHOWN]:
        print(f"  ! {what}")


def run(changes: int) -> bool:
    """Forge, and show what came of it; return whether every promise was kept."""
    tally = play(changes)
    show(tally)
    return tally.kept


def main() -> int:
    """Run what the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20_000)
    wanted = parser.parse_args()
    return 0 if run(wanted.changes) else 1


if __name__ == "__main__":
    sys.exit(main())
