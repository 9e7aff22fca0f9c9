"""``polysms providers``: what each provider can do, from the adapters' own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from polysms.cli.failure import DONE, reported
from polysms.cli.options import Json
from polysms.cli.output import Output, columns
from polysms.providers import REGISTRY, load
from polysms.providers.base import Capabilities, Provider
from polysms.routing.services import SERVICES, offered

#: What each service is called in the table.
_SERVICES = {
    "balance": "balance",
    "identity": "who-am-I",
    "number": "number look-up",
    "redact": "redaction",
    "senders": "senders",
    "new_sender": "new senders",
    "optouts": "opt-outs",
}


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _longest(can: Capabilities) -> str:
    if can.longest_units:
        return ", ".join(f"{count:,} {name}" for name, count in can.longest_units.items())
    return "not stated" if can.longest_text is None else f"{can.longest_text:,} characters"


def _longest_mms(can: Capabilities) -> str:
    if can.longest_mms_text is None:
        return _longest(can) if can.longest_units else "not stated"
    return f"{can.longest_mms_text:,} characters"


_ROWS: tuple[tuple[str, Callable[[Capabilities], str]], ...] = (
    ("SMS text, most", _longest),
    ("MMS text, most", _longest_mms),
    ("media, most", lambda can: str(can.most_media)),
    ("MMS to", lambda can: can.mms_to),
    ("group MMS", lambda can: _yes(can.group_mms)),
    ("from names", lambda can: _yes(can.alphanumeric_senders)),
    ("from short codes", lambda can: _yes(can.short_code_senders)),
    ("to 988 and such", lambda can: _yes(can.short_numbers)),
    ("valid_for", lambda can: _yes(can.validity)),
    ("tag", lambda can: _yes(can.tag)),
    ("status callback", lambda can: _yes(can.status_callback)),
    ("reports for", lambda can: ", ".join(sorted(can.reports)) or "none"),
    ("sends found by", lambda can: can.lookup),
    ("facts of", lambda can: can.checked),
    ("verified", lambda can: can.verified),
)


@reported
def features(*, json: Json = False) -> int:
    """Show what each provider can do and where its limits are.

    What a provider has no word for, valid_for and tag, polysms honours itself.
    """
    output = Output(json=json)
    known = {name: load(name) for name in sorted(REGISTRY)}
    if json:
        output.document({name: _plain(provider) for name, provider in known.items()})
        return DONE
    _table(known, output)
    return DONE


def _plain(provider: type[Provider]) -> Mapping[str, Any]:
    facts = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in attrs.asdict(provider.capabilities).items()
    }
    services = [service for service in SERVICES if offered(provider, service)]
    return {**facts, "services": services, "webhooks": _webhooks(provider)}


def _webhooks(provider: type[Provider]) -> str:
    if not hasattr(provider, "events"):
        return "none"
    return "signed" if hasattr(provider, "signed") else "not signed"


def _table(known: Mapping[str, type[Provider]], output: Output) -> None:
    table = columns("", *(provider.capabilities.title for provider in known.values()))
    *rows, checked, verified = _ROWS
    for label, value in rows:
        table.add_row(label, *(value(one.capabilities) for one in known.values()))
    table.add_row("webhooks", *map(_webhooks, known.values()))
    for service, label in _SERVICES.items():
        table.add_row(label, *(_yes(offered(one, service)) for one in known.values()))
    for label, value in (checked, verified):
        table.add_row(label, *(value(one.capabilities) for one in known.values()))
    output.table(table)
    output.say("\nFrom the providers' documents; what is not stated is left to the provider.")
