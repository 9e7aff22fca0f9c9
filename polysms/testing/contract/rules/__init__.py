"""The rules of the contract, by name, in the order in which they are tried."""

from __future__ import annotations

from polysms.testing.contract.rules import (
    answers,
    breaking,
    capable,
    lists,
    requests,
    secrecy,
    shape,
    statuses,
    webhooks,
)
from polysms.testing.contract.subject import Rule

_MODULES = (shape, requests, capable, answers, statuses, lists, webhooks, breaking, secrecy)

RULES: dict[str, Rule] = {
    found.name: found
    for module in _MODULES
    for found in vars(module).values()
    if isinstance(found, Rule)
}
