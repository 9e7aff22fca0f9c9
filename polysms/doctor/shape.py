"""The shape of an answer, beside the one that its provider documents.

An adapter may have ``documented``: for each field of the answer to a good send (``a.b`` is the
field ``b`` of the object ``a``) what it may be, as ``"text or null"``. The words are text, whole,
number, flag, list, object, null, and absent for a field that may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from polysms.doctor.findings import Finding, differs, fine, untold

ABOUT = "answer"
WORDS = frozenset({"text", "whole", "number", "flag", "list", "object", "null", "absent"})
#: Names of fields that are told, and the characters of each: they come from outside.
_MOST, _LONGEST = 20, 60
_DEEPEST = 6


def kind_of(value: object) -> str:
    """Return the word for what a value of JSON is."""
    if isinstance(value, bool):
        return "flag"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "null"),
        (str, "text"),
        (int, "whole"),
        (float, "number"),
        (Mapping, "object"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "list")


def findings(documented: Mapping[str, str] | None, answer: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what an answer has that is not documented, and what it lacks."""
    if documented is None:
        yield untold(ABOUT, "its adapter does not say what the provider documents")
        return
    flat = dict(_flat(answer, documented))
    found = [*_absent(documented, flat), *_wrong(documented, flat), *_unknown(documented, flat)]
    if not found:
        yield fine(ABOUT, f"{len(flat)} fields, as documented")
    yield from found


def _flat(
    answer: Mapping[str, Any], documented: Mapping[str, str], above: str = ""
) -> Iterator[tuple[str, object]]:
    """Yield the fields, and those of objects whose fields are documented."""
    for name, value in answer.items():
        path = f"{above}{name}"
        yield path, value
        is_known = any(one.startswith(f"{path}.") for one in documented)
        if is_known and isinstance(value, Mapping):
            yield from _flat(value, documented, f"{path}.")


def _absent(documented: Mapping[str, str], flat: Mapping[str, object]) -> Iterator[Finding]:
    lacking = [
        name
        for name, words in documented.items()
        if name not in flat and "absent" not in words.split(" or ") and _is_there(name, flat)
    ]
    if lacking:
        yield differs(ABOUT, f"documented and absent: {_named(lacking)}")


def _is_there(name: str, flat: Mapping[str, object]) -> bool:
    """Whether the object that a field belongs to is there: else it alone is told."""
    above, dot, _ = name.rpartition(".")
    return not dot or isinstance(flat.get(above), Mapping)


def _wrong(documented: Mapping[str, str], flat: Mapping[str, object]) -> Iterator[Finding]:
    wrong = [
        f"{name} is {kind_of(flat[name])}, documented: {words}"
        for name, words in documented.items()
        if name in flat and not _fits(flat[name], words)
    ]
    if wrong:
        yield differs(ABOUT, _named(wrong, "; "))


def _fits(value: object, words: str) -> bool:
    kind, known = kind_of(value), words.split(" or ")
    return kind in known or (kind == "whole" and "number" in known)


def _unknown(documented: Mapping[str, str], flat: Mapping[str, object]) -> Iterator[Finding]:
    unknown = [name[:_LONGEST] for name in flat if name not in documented]
    if unknown:
        yield differs(ABOUT, f"not documented: {_named(unknown)}")


def _named(names: list[str], between: str = ", ") -> str:
    more = len(names) - _MOST
    return between.join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def places(wanted: str, data: object, above: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the fields of an answer in which a text stands by itself."""
    if data == wanted:
        yield above[:_LONGEST]
    if depth == _DEEPEST:
        return
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from places(wanted, value, f"{above}.{name}" if above else str(name), depth + 1)
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from places(wanted, value, f"{above}[]", depth + 1)
