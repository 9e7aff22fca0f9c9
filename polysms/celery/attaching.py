"""Joining the outbox to a Celery app: its tasks, its sweep, and what a worker's processes do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery, signals

from polysms import Client, Config
from polysms.celery.broker import queue_of
from polysms.celery.outbox import DUE, SEND, Outbox
from polysms.client.log import log

#: Seconds between two sweeps, and between two rounds of tidying up.
SWEEP = 10.0
TIDY = 3600.0
#: The sweep has a queue of its own, so that no backlog is before it.
SWEEPS = "polysms.sweep"
TIDYING = "polysms.tidy"
#: A redelivered task asks the row; nothing else repeats one, and nobody waits for a result.
OPTIONS: dict[str, Any] = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "ignore_result": True,
    "max_retries": 0,
    "serializer": "json",
    # Celery's word for: in every app of the process.
    "shared": False,
}


def attach(
    app: Celery,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    sweep: float = SWEEP,
    **settings: Any,
) -> Outbox:
    """Let an app's workers send the messages of a ledger, and its beat sweep every few seconds.

    ``config`` is a Config, or what :meth:`polysms.Client.from_config` takes; ``settings`` are the
    other arguments of :class:`polysms.Client`. Nothing is read or opened yet: each process opens a
    client of its own when it needs one.
    """
    outbox = Outbox(app, partial(_client, config, settings), sweep)
    _add_tasks(app, outbox)
    _Worker(outbox, sweep).connect()
    return outbox


def _client(
    config: Config | Mapping[str, Any] | str | Path | None, settings: dict[str, Any]
) -> Client:
    if isinstance(config, Config):
        return Client(config, **settings)
    return Client.from_config(config, **settings)


def _add_tasks(app: Celery, outbox: Outbox) -> None:
    # Celery reads the arguments of a function rightly, those of a bound method not.
    @app.task(name=SEND, **OPTIONS)
    def send(id_: str) -> None:
        outbox.send(id_)

    @app.task(name=SWEEPS, **OPTIONS)
    def sweep() -> None:
        outbox.sweep()

    @app.task(name=TIDYING, **OPTIONS)
    def tidy() -> None:
        outbox.tidy()


class _Worker:
    """What an app's workers, and its beat, do apart from the tasks."""

    def __init__(self, outbox: Outbox, sweep: float) -> None:
        self._outbox = outbox
        self._app = outbox.app
        self._sweep = sweep

    def connect(self) -> None:
        """Let Celery tell when the time has come."""
        self._app.on_after_finalize.connect(self._plan, weak=False)
        signals.celeryd_after_setup.connect(self._join, weak=False)
        signals.worker_process_init.connect(self._open, weak=False)
        for end in (signals.worker_process_shutdown, signals.worker_shutdown):
            end.connect(self._close, weak=False)

    def _plan(self, **_: Any) -> None:
        """Give beat its work: when all is configured, so that nothing replaces it."""
        for task, seconds in ((SWEEPS, self._sweep), (TIDYING, TIDY)):
            signature = self._app.tasks[task].s()
            # What nobody has done until the next one is not done twice.
            signature = signature.set(queue=SWEEPS, expires=seconds)
            self._app.add_periodic_task(seconds, signature, name=task)

    def _join(self, instance: Any, **_: Any) -> None:
        """Let a worker that sends take part in sweeping, and say what is not as it should be."""
        app = self._app
        if instance.app is not app:
            return
        if queue_of(app, SEND) in app.amqp.queues.consume_from:
            for queue in (SWEEPS, DUE):
                app.amqp.queues.select_add(queue)
        for sentence in complaints(app):
            log.warning(sentence)

    def _open(self, **_: Any) -> None:
        self._outbox.open()

    def _close(self, **_: Any) -> None:
        self._outbox.close()


def complaints(app: Celery) -> list[str]:
    """Return a sentence for each setting of an app that does not suit the outbox."""
    found = []
    if app.conf.worker_prefetch_multiplier != 1:
        found.append(
            "worker_prefetch_multiplier should be 1: a process that takes more tasks than it "
            "works on keeps them from others that are idle"
        )
    if {"pickle", "yaml"} & set(app.conf.accept_content):
        found.append(
            "accept_content should be ['json']: who may write to the broker could otherwise run "
            "code in this worker"
        )
    return found
