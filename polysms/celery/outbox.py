"""What the tasks do: each asks the ledger first whether there is anything to do."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import Celery

from polysms import Client, Delivery, LedgerError, Message
from polysms.celery.broker import waiting_in
from polysms.client.log import log
from polysms.delivery import Status, aware
from polysms.worker import rounds
from polysms.worker.worker import name

#: Messages of which one sweep tells at most.
MOST = 1000
#: Where it tells of them: apart, so that these tasks stand before no others, and can be counted.
DUE = "polysms.due"
#: How the sweep is called in the ledger, whichever process does it.
SWEEPER = "celery"
#: Seconds after which a broker that was out of reach is tried again: each try may take as long.
QUIET = 10.0
#: The name of the task that takes the id of a message.
SEND = "polysms.send"


class Outbox:
    """Messages that the workers of a Celery app send; made by :func:`~polysms.celery.attach`.

    Thread-safe, and safe to use after a fork.
    """

    def __init__(self, app: Celery, opened: Callable[[], Client], patience: float) -> None:
        self.app = app
        self._opened = opened
        #: Seconds in which a sweep begins to look for what became of messages.
        self._patience = patience
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._names: dict[int, str] = {}
        self._quiet_until = 0.0

    def open(self) -> None:
        """Open the client and its ledger now, so that what is wrong with them shows at once."""
        self.client.ledger.outbox.last_seen()

    @property
    def client(self) -> Client:
        """This process's client, opened when it is first needed."""
        with self._lock:
            if self._client is None:
                self._client = self._opened()
            return self._client

    def close(self) -> None:
        """Close the client; it is opened again when it is needed."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    # For those who send.

    def enqueue(
        self,
        message: Message,
        *,
        at: datetime | None = None,
        via: str | None = None,
        connection: Any = None,
    ) -> Delivery:
        """Put a message into the outbox, and let a worker know of it; return at once.

        As :meth:`polysms.Client.enqueue`, whose errors it raises. Once it has returned the message
        is safe: where the broker is out of reach, the sweep tells of it later. On a ``connection``
        of yours a worker is to know of it after your commit only: Django's connection says when
        that was; for any other, call :meth:`publish` then, or leave it to the sweep.
        """
        delivery = self.client.enqueue(message, at=at, via=via, connection=connection)
        if delivery.status is not Status.PENDING or self._is_later(at):
            return delivery
        if connection is None:
            self.publish(delivery)
        elif callable(on_commit := getattr(connection, "on_commit", None)):
            on_commit(partial(self.publish, delivery))
        return delivery

    def publish(self, delivery: Delivery | str) -> bool:
        """Let a worker know of a message in the outbox; return whether the broker took that.

        Never raises for a broker that is out of reach: the sweep tells it again.
        """
        return self._publish(delivery if isinstance(delivery, str) else str(delivery.id))

    def _publish(self, id_: str, **options: Any) -> bool:
        if time.monotonic() < self._quiet_until:
            return False
        try:
            # Once: this may be a web request that somebody waits for, and the sweep repeats it.
            self.app.tasks[SEND].apply_async((id_,), retry=False, **options)
        except Exception as error:  # noqa: BLE001 - raised, it would look as if nothing was enqueued
            log.warning("messages wait for the sweep: the broker says %s", type(error).__name__)
            self._quiet_until = time.monotonic() + QUIET
            return False
        return True

    def _is_later(self, at: datetime | None) -> bool:
        begins = aware(at)
        return begins is not None and begins > self.client.duties.now()

    # What the tasks do.

    def send(self, id_: str) -> None:
        """Send a message if its row says so: it is its time, and nobody else is at it."""
        client, worker = self.client, self._worker()
        until = client.duties.now() + client.duties.lease
        try:
            claim = client.ledger.outbox.claim_one(id_, worker, until=until)
        except LedgerError as error:
            log.warning("message id=%s waits for its ledger: %s", id_, error)
            return
        if claim is not None:
            client.obey(client.duties.send(claim, worker))

    def sweep(self) -> None:
        """Take back what the dead had, tell of what is due, and look for what is unclear."""
        client = self.client
        try:
            client.ledger.outbox.seen(SWEEPER)
            rounds.take_all_back(client.ledger)
            self._tell()
            client.optouts.mirror()
            rounds.look(client, self._patience)
        except LedgerError as error:
            log.warning("the sweep waits for its ledger: %s", error)

    def tidy(self) -> None:
        """Forget the texts that are not to be kept any longer."""
        client = self.client
        try:
            kept = timedelta(seconds=client.config.keep_text)
            rounds.tidy(client.ledger, client.duties.now() - kept)
        except LedgerError as error:
            log.warning("old texts wait for their ledger: %s", error)

    def _tell(self) -> None:
        # As long as some wait there, all has been told that the workers can do.
        if not waiting_in(self.app, DUE):
            ids = self.client.ledger.outbox.due(limit=MOST)
            # A broker that is out of reach for one is so for all: the next sweep tries again.
            all(self._publish(id_, queue=DUE) for id_ in ids)

    def _worker(self) -> str:
        return self._names.setdefault(os.getpid(), name())
