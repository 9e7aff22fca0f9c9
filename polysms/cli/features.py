"""``polysms providers``: what each provider can do, from the adapters' own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from polysms.cli.failure import DONE, reported, tell
from polysms.cli.options import Json
from polysms.cli.output import Output, columns
from polysms.errors import ConfigError
from polysms.providers import REGISTRY, installed, load
from polysms.providers.base import Capabilities, Provider
from polysms.routing.services import SERVICES, offered

#: What each service is called in the table.
_SERVICES = {
    "balance": "balance",
    "identity": "who-am-I",
    "number": "look-up",
    "redact": "redaction",
    "senders": "senders",
    "new_sender": "new ones",
    "optouts": "opt-outs",
}


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _longest(can: Capabilities) -> str:
    if can.longest_units:
        return "\n".join(f"{count:,} {name}" for name, count in can.longest_units.items())
    return _characters(can.longest_text)


def _longest_mms(can: Capabilities) -> str:
    if can.mms_to == "none":
        return "no"
    units = can.longest_mms_text is None and can.longest_units
    return _longest(can) if units else _characters(can.longest_mms_text)


def _mms_to(can: Capabilities) -> str:
    return "no" if can.mms_to == "none" else can.mms_to


def _characters(most: int | None) -> str:
    return "not stated" if most is None else f"{most:,}"


def _webhooks(provider: type[Provider]) -> str:
    if not hasattr(provider, "events"):
        return "none"
    return "signed" if hasattr(provider, "signed") else "not signed"


def _offers(service: str) -> _Fact:
    return lambda one: _yes(offered(one, service))


_Fact = Callable[[type[Provider]], str]
#: Four tables, each with a row for each provider: there is room for as many as there will be.
_TABLES: Mapping[str, Mapping[str, _Fact]] = {
    "A message": {
        "SMS text": lambda one: _longest(one.capabilities),
        "MMS text": lambda one: _longest_mms(one.capabilities),
        "media": lambda one: str(one.capabilities.most_media),
        "MMS to": lambda one: _mms_to(one.capabilities),
        "group MMS": lambda one: _yes(one.capabilities.group_mms),
    },
    "may be sent": {
        "from names": lambda one: _yes(one.capabilities.alphanumeric_senders),
        "from codes": lambda one: _yes(one.capabilities.short_code_senders),
        "to 988": lambda one: _yes(one.capabilities.short_numbers),
        "valid_for": lambda one: _yes(one.capabilities.validity),
        "tag": lambda one: _yes(one.capabilities.tag),
        "status callback": lambda one: _yes(one.capabilities.status_callback),
    },
    "and after that": {
        "reports for": lambda one: ", ".join(sorted(one.capabilities.reports)) or "none",
        "found by": lambda one: one.capabilities.lookup,
        "webhooks": _webhooks,
        "facts of": lambda one: one.capabilities.checked,
        "verified": lambda one: one.capabilities.verified,
    },
    "Beside messages": {label: _offers(service) for service, label in _SERVICES.items()},
}


@reported
def features(*, json: Json = False) -> int:
    """Show what each provider can do and where its limits are.

    What a provider has no word for, valid_for and tag, polysms honours itself.
    """
    output = Output(json=json)
    known = _known()
    if json:
        output.document({name: _plain(provider) for name, provider in known.items()})
        return DONE
    _tables(known, output)
    return DONE


def _known() -> dict[str, type[Provider]]:
    """Return the adapters of the registry, and those of installed packages that can be loaded."""
    known = {name: load(name) for name in sorted(REGISTRY)}
    for name in installed():
        try:
            known[name] = load(name)
        except ConfigError as error:
            tell(str(error))
    return known


def _plain(provider: type[Provider]) -> Mapping[str, Any]:
    facts = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in attrs.asdict(provider.capabilities).items()
    }
    services = [service for service in SERVICES if offered(provider, service)]
    return {**facts, "services": services, "webhooks": _webhooks(provider)}


def _tables(known: Mapping[str, type[Provider]], output: Output) -> None:
    widest = max(len(one.capabilities.title) for one in known.values())
    for title, facts in _TABLES.items():
        table = columns(title.ljust(widest), *facts)
        table.columns[0].no_wrap = True
        for one in known.values():
            table.add_row(one.capabilities.title, *(fact(one) for fact in facts.values()))
        output.table(table)
        output.say("")
    output.say("Texts are in characters. What is not stated is left to the provider.")
