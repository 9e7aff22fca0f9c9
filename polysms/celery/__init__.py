"""The outbox, drained by Celery's workers: needs the extra ``celery``, and a ledger.

::

    from celery import Celery
    from polysms.celery import attach

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.worker_prefetch_multiplier = 1
    outbox = attach(app)  # the configuration that the environment names

    outbox.enqueue(Message("+13135550123", "Your table is ready"))

A message is a row of the ledger, and the task for it carries the row's id, nothing else. The row
says whether it is to be sent: a task that is lost, repeated, late or out of order changes nothing.
"""

from __future__ import annotations

try:
    from polysms.celery.attaching import attach
    from polysms.celery.outbox import Outbox
except ModuleNotFoundError as error:
    if str(error.name).partition(".")[0] != "celery":
        raise
    sentence = "polysms.celery needs celery: pip install 'polysms[celery]'"
    raise ModuleNotFoundError(sentence, name="celery") from None

__all__ = ["Outbox", "attach"]
