"""``polysms providers``: what each provider can do, from the adapters' own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from polysms.cli.failure import DONE, reported
from polysms.cli.options import Json
from polysms.cli.output import Output, columns
from polysms.providers import REGISTRY, load
from polysms.providers.base import Capabilities


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
    ("text of an SMS, at most", _longest),
    ("text of an MMS, at most", _longest_mms),
    ("media, at most", lambda can: str(can.most_media)),
    ("MMS to", lambda can: can.mms_to),
    ("group MMS", lambda can: _yes(can.group_mms)),
    ("names as senders", lambda can: _yes(can.alphanumeric_senders)),
    ("short codes as senders", lambda can: _yes(can.short_code_senders)),
    ("short numbers (988)", lambda can: _yes(can.short_numbers)),
    ("word for valid_for", lambda can: _yes(can.validity)),
    ("word for tag", lambda can: _yes(can.tag)),
    ("status callback", lambda can: _yes(can.status_callback)),
    ("delivery reports for", lambda can: ", ".join(sorted(can.reports)) or "none"),
    ("look-up of a send", lambda can: can.lookup),
    ("facts checked on", lambda can: can.checked),
    ("verified", lambda can: can.verified),
)


@reported
def features(*, json: Json = False) -> int:
    """Show what each provider can do and where its limits are.

    What a provider has no word for, valid_for and tag, polysms honours itself.
    """
    output = Output(json=json)
    known = {name: load(name).capabilities for name in sorted(REGISTRY)}
    if json:
        output.document({name: _plain(can) for name, can in known.items()})
        return DONE
    _table(known, output)
    return DONE


def _plain(can: Capabilities) -> Mapping[str, Any]:
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in attrs.asdict(can).items()
    }


def _table(known: Mapping[str, Capabilities], output: Output) -> None:
    table = columns("", *(can.title for can in known.values()))
    for label, value in _ROWS:
        table.add_row(label, *(value(can) for can in known.values()))
    output.table(table)
    output.say("\nFrom the providers' documents; what is not stated is left to the provider.")
