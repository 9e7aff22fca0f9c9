"""SIGKILL to ``polysms serve`` between receipt and answer: nothing that it acknowledged is lost.

``python tests/campaigns/hearing.py --kills 20 [--postgresql]``. Eight posters post inbound messages
and reports all the time, each until it is acknowledged. The server is killed again and again, at a
random moment of its work. At the end another receiver tells what the dead ones did not: every
event that was acknowledged must be in the ledger, and must have been told to who listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from sqlalchemy import create_engine, text

from polysms import Client
from polysms.client.core import REAL_WORLD
from polysms.server import Receiver
from tests import postgres
from tests.campaigns.unmeasured import environment

POSTERS = 8
#: Seconds that a server lives once it listens.
LIFE = (0.02, 0.4)
#: Seconds in which a server must have started, and in which a post is answered.
START, ANSWER = 60.0, 2.0
TOKEN = "campaign-0123456789abcdef"
_HEARD = """
import asyncio, os
from polysms import AsyncClient
from polysms.server import Receiver

receiver = Receiver(AsyncClient.from_config())

@receiver.on_report
@receiver.on_inbound
async def note(event):
    await asyncio.sleep(0.01)
    with open("told", "a") as told:
        told.write(event.provider_id + "\\n")
"""


@attrs.define
class Tally:
    """What a run came to: what was acknowledged and is not in the ledger, or was never told.

    ``early`` is what was told and is not in the ledger.
    """

    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    left: int = 0
    lost: set[str] = attrs.field(factory=set)
    untold: set[str] = attrs.field(factory=set)
    early: set[str] = attrs.field(factory=set)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept, and there was something to keep."""
        return self.acknowledged > 0 and not (self.lost or self.untold or self.early)


@attrs.define
class Town:
    """A server that dies, and those who post to it."""

    folder: Path
    port: int
    ledger: str
    random: Random
    tally: Tally = attrs.field(factory=Tally)
    acknowledged: set[str] = attrs.field(factory=set)
    ids: Iterator[int] = attrs.field(factory=itertools.count)

    def prepare(self) -> None:
        """Write the configuration and the program that listens."""
        (self.folder / "polysms.toml").write_text(
            f'public_url = "http://127.0.0.1:{self.port}"\nledger = "{self.ledger}"\n'
            f'[accounts.wavix]\napi_key = "x"\nwebhook_token = "{TOKEN}"\n'
            'verify_reports = "trust"\n',
            encoding="utf-8",
        )
        (self.folder / "heard.py").write_text(_HEARD, encoding="utf-8")
        (self.folder / "told").touch()

    async def play(self, kills: int) -> None:
        """Post, and kill the server so many times."""
        posters = [asyncio.create_task(self._post()) for _ in range(POSTERS)]
        try:
            for _ in range(kills):
                await self._live()
        finally:
            for poster in posters:
                poster.cancel()
            await asyncio.gather(*posters, return_exceptions=True)

    async def _live(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "polysms", "serve", "--listen", "heard:receiver"),
            *("--port", str(self.port), "--json"),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        assert process.stdout is not None
        said = await asyncio.wait_for(process.stdout.readline(), START)
        assert b"started" in said
        await asyncio.sleep(self.random.uniform(*LIFE))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        self.tally.kills += 1

    async def _post(self) -> None:
        while True:
            id_ = f"id-{next(self.ids)}"
            request = self._request(id_)
            while not await self._is_acknowledged(request):
                self.tally.unanswered += 1
                await asyncio.sleep(0.02)
            self.acknowledged.add(id_)

    def _request(self, id_: str) -> bytes:
        said = {"message_id": id_, "from": "+13135550123", "to": "+13135550199"}
        if self.random.random() < 0.5:
            said |= {"status": "delivered", "delivered": "2024-05-28T12:34:56Z"}
        else:
            said |= {"direction": "inbound", "text": "hello", "received_at": "2024-05-28T12:34:56Z"}
        body = json.dumps(said).encode()
        head = (
            f"POST /wavix/{TOKEN} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _is_acknowledged(self, request: bytes) -> bool:
        try:
            async with asyncio.timeout(ANSWER):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with contextlib.closing(writer):
                    writer.write(request)
                    line = await reader.readline()
        except (OSError, TimeoutError):
            return False
        assert not line or line.startswith(b"HTTP/1.1 200"), line
        return bool(line)

    def audit(self) -> None:
        """Let another tell what is left, and lay what was acknowledged beside what is there."""
        moved = REAL_WORLD.now() + timedelta(minutes=10)
        with (
            contextlib.chdir(self.folder),
            Client.from_config(world=attrs.evolve(REAL_WORLD, now=lambda: moved)) as client,
        ):
            receiver, late = Receiver(client), set[str]()
            receiver.on_report(lambda event: late.add(event.provider_id))
            receiver.on_inbound(lambda event: late.add(event.provider_id))
            while count := receiver.catch_up():
                self.tally.left += count
        told = set((self.folder / "told").read_text(encoding="utf-8").split()) | late
        self.tally.acknowledged = len(self.acknowledged)
        kept = self._kept()
        self.tally.lost, self.tally.early = self.acknowledged - kept, told - kept
        self.tally.untold = self.acknowledged - told

    def _kept(self) -> set[str]:
        engine = create_engine(self.ledger)
        with engine.connect() as connection:
            found = connection.execute(text("SELECT provider_id FROM polysms_events"))
            ids = set(found.scalars())
        engine.dispose()
        return ids


def run(kills: int, folder: Path, ledger: str, seed: int = 7) -> Tally:
    """Play with a ledger; return what came of it."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    town = Town(folder=folder, port=port, ledger=ledger, random=Random(seed))  # noqa: S311
    town.prepare()
    asyncio.run(town.play(kills))
    town.audit()
    return town.tally


def run_all(kills: int, *, sqlite: bool = True, postgresql: bool = True) -> bool:
    """Play with the databases in turn and print what came of it; return whether all was kept."""
    kept = True
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        ledgers = {"sqlite": f"sqlite:///{place}/ledger.db"} if sqlite else {}
        if postgresql:
            ledgers["postgresql"] = _postgresql(stack)
        for name, ledger in ledgers.items():
            folder = Path(place) / name
            folder.mkdir()
            tally = run(kills, folder, ledger)
            kept = kept and tally.kept
            print(
                f"{name:10} {tally.kills} kills, {tally.acknowledged:,} acknowledged, "
                f"{tally.unanswered:,} posts unanswered, {tally.left} told by another; "
                f"lost {len(tally.lost)}, never told {len(tally.untold)}"
            )
    return kept


def _postgresql(stack: contextlib.ExitStack) -> str:
    from polysms.ledger import Ledger

    server = stack.enter_context(postgres.running())
    url = server.url(server.database())
    with Ledger(url) as ledger:
        ledger.upgrade()
    return url


def main() -> int:
    """Run what the command line names; return 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--postgresql", action="store_true")
    wanted = parser.parse_args()
    lite = not wanted.postgresql
    return 0 if run_all(wanted.kills, sqlite=lite, postgresql=wanted.postgresql) else 1


if __name__ == "__main__":
    sys.exit(main())
