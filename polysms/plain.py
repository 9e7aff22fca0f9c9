"""Deliveries as plain data and back: for JSON output, task queues and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import cattrs

from polysms.delivery import Delivery, Evidence, Outcome, Status, aware
from polysms.errors import Reason


def delivery_to_dict(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as dicts, lists, strings and numbers; ``segments`` is added for readers."""
    return {**_converter().unstructure(delivery), "segments": delivery.segments}


def delivery_from_dict(data: Mapping[str, Any]) -> Delivery:
    """Return the delivery that :func:`delivery_to_dict` wrote."""
    return _converter().structure(dict(data), Delivery)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(unstruct_collection_overrides={tuple: list})
    for words in (Status, Outcome, Evidence, Reason):
        converter.register_unstructure_hook(words, str)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(
        datetime, lambda value, _: aware(datetime.fromisoformat(value))
    )
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    return converter
