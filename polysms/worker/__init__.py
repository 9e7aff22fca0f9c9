"""The worker: it sends what waits in the outbox, and looks for what became of what was sent."""

from __future__ import annotations

from polysms.worker.worker import Worker

__all__ = ["Worker"]
