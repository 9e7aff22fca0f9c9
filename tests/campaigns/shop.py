"""A Celery app for the campaigns: ``python tests/campaigns/shop.py worker -c 2`` is Celery itself.

What it works with is in the environment, as JSON. It goes by a clock that is faster than the real
one, as :mod:`tests.campaigns.hands` does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
from celery import Celery

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms.celery import Outbox, attach
from tests.campaigns import hands
from tests.campaigns.town import Clock
from tests.campaigns.unmeasured import environment

#: The variable of the environment that holds a :class:`Facts`.
NAME = "SHOP_OF_THE_CAMPAIGN"
#: Seconds between two sweeps.
SWEEP = 1.0
#: Seconds after which the broker delivers a task again that nobody has acknowledged.
VISIBLE = 5


@attrs.frozen(kw_only=True)
class Facts:
    """Where broker, ledger and providers are, and which clock it goes by."""

    broker: str
    ledger: str
    urls: Mapping[str, str]
    began: float
    pace: float

    def environment(self) -> dict[str, str]:
        """Return an environment for a process that is to work with this."""
        return environment(**{NAME: json.dumps(attrs.asdict(self))})


def made(facts: Facts) -> tuple[Celery, Outbox]:
    """Return an app, and its outbox."""
    app = Celery("shop", broker=facts.broker, set_as_current=False)
    app.conf.worker_prefetch_multiplier = 1
    app.conf.broker_transport_options = {
        "visibility_timeout": VISIBLE,
        "max_retries": 1,
        "interval_start": 0,
    }
    world = hands.world(Clock(facts.began, facts.pace))
    outbox = attach(app, hands.tables(facts.ledger, facts.urls), sweep=SWEEP, world=world)
    app.finalize()
    return app, outbox


if __name__ == "__main__":
    made(Facts(**json.loads(os.environ[NAME])))[0].start(sys.argv[1:])
