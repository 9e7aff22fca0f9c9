"""What is asked of the broker: where tasks wait, and how many."""

from __future__ import annotations

from typing import Any

from celery import Celery


def queue_of(app: Celery, task: str) -> str:
    """Return the name of the queue that a task goes to, by the app's own routes."""
    route = app.amqp.router.route({}, task)
    return str(route["queue"].name)


def waiting_in(app: Celery, queue: str) -> int:
    """Return how many tasks wait in a queue; 0 where there is none, or nobody can tell."""
    try:
        with app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            declared = channel.queue_declare(queue=queue, passive=True)
    except Exception:  # noqa: BLE001 - each transport has errors of its own
        return 0
    return int(declared.message_count)
