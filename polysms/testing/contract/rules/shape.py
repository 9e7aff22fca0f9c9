"""What an adapter is made of: its parts, and the words of its table."""

from __future__ import annotations

from collections.abc import Iterator

from polysms.config.reading import read
from polysms.providers.base import Provider
from polysms.testing.contract.subject import Finding, Subject, raised, rule, unless

_GRADES = ("exact", "heuristic", "none")
_MMS_TO = ("any", "US", "US and CA", "none")


@rule("The router, the command and the tests read these parts by name, and decide by these words.")
def it_has_the_parts_of_an_adapter(subject: Subject) -> Iterator[Finding]:
    """An adapter has what the protocol asks for, and a table of capabilities in known words."""
    can = subject.kind.capabilities
    adapter = subject.adapter()
    whole = isinstance(adapter, Provider)
    yield from unless(whole, "the adapter", dir(adapter), "a polysms.providers.base.Provider")
    yield from unless(can.lookup in _GRADES, "capabilities.lookup", can.lookup, str(_GRADES))
    yield from unless(can.mms_to in _MMS_TO, "capabilities.mms_to", can.mms_to, str(_MMS_TO))
    believed = f"most_media={can.most_media} beside mms_to={can.mms_to!r}"
    agree = (can.most_media == 0) == (can.mms_to == "none")
    yield from unless(agree, "what it says of MMS", believed, 'both, or neither, of 0 and "none"')
    kinds = can.reports <= {"sms", "mms"}
    yield from unless(kinds, "capabilities.reports", can.reports, "of sms and mms")
    yield from unless(can.title.strip(), "capabilities.title", can.title, "a name")
    if can.lookup != "none":
        pair = hasattr(adapter, "list_request") and hasattr(adapter, "read_list")
        case, should = "the methods list_request and read_list", 'there, or lookup="none"'
        yield from unless(pair, case, "nothing of them", should)


@rule(
    "A configuration is tables of text: what they cannot fill, nobody can configure.",
    reads=True,
)
def it_is_configured_by_a_table(subject: Subject) -> Iterator[Finding]:
    """The settings of the example are read from a configuration as they stand there."""
    try:
        read(subject.kind.Settings, dict(subject.row.settings), "accounts.mine", "the example")
    except Exception as error:  # noqa: BLE001 - told, whatever it is
        yield Finding("[accounts.mine]", raised(error), "settings")
