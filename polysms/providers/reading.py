"""Reading a provider's JSON without ever failing on it.

Providers leave fields out, send null, send numbers as text and text as numbers. A wire class read
by :func:`wire_converter` takes all of that: what cannot be read becomes None, and the raw object
is kept beside it.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import partial
from math import isfinite
from typing import Any

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from polysms.delivery import Price, aware
from polysms.errors import InvalidMessage
from polysms.providers.base import Response

Strings = tuple[str, ...]
Object = dict[str, Any]

#: Seconds; more is as good as never, and a number of any length is finite.
LONGEST_RETRY_AFTER = 999_999_999.0

_MAIL_TIME = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} ", re.ASCII)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(data: object) -> bytes:
    """Return compact UTF-8 JSON.

    Raises :class:`~polysms.errors.InvalidMessage` for what is no text: a message's own is checked
    when it is made, so it stands in the options.
    """
    try:
        return _ENCODER.encode(data).encode()
    except UnicodeEncodeError:
        sentence = "options: hold half of a surrogate pair, which is no character"
        raise InvalidMessage(sentence, field="options") from None


def loads(response: Response) -> Any:
    """Return the JSON of an answer, None where it is cut, not JSON or nested beyond reason."""
    if not response.complete:
        return None
    try:
        return json.loads(response.body.decode())
    except (ValueError, RecursionError):
        return None


def known(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said, without the fields that have no value."""
    return {name: value for name, value in said.items() if value is not None}


def mapping(value: object, _: object = None) -> dict[str, Any]:
    """Return a JSON object as it is, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header, None where it is absent or unreadable.

    Both forms of RFC 9110 §10.2.3 are read; a date needs ``now``, or the answer's own Date header.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        then = parsedate_to_datetime(value)
        since = now or parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, (then - since).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def word(value: object, _: object = None) -> str | None:
    """Return text as it is and a number as text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # NaN and Infinity are Python's idea of JSON, nobody's id or amount.
    return str(value) if isinstance(value, float) and isfinite(value) else None


def whole(value: object, _: object = None) -> int | None:
    """Return a whole number, also from text ("1"); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def money(value: object, _: object = None) -> Price | None:
    """Return an amount given as text or number ("0.02", 0.00415); None for anything else."""
    text = word(value)
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return Price(amount) if amount.is_finite() else None


def priced(value: object, unit: object) -> Price | None:
    """Return an amount in the currency that stands beside it, ``usd`` or ``USD``."""
    amount, currency = money(value), word(unit)
    return Price(amount.amount, currency.upper()) if amount and currency else amount


def moment(value: object, _: object = None) -> datetime | None:
    """Return a time as an aware one (without a zone it is UTC); None if unreadable.

    Times are read as ISO 8601 writes them, and as mail does (RFC 2822): the two cannot be mixed up.
    """
    if not isinstance(value, str):
        return None
    said = value.strip()
    try:
        mail = _MAIL_TIME.match(said)
        return aware(parsedate_to_datetime(said) if mail else datetime.fromisoformat(said))
    except (ValueError, OverflowError):
        return None


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON array; none for anything else."""
    return [mapping(item) for item in value] if isinstance(value, list) else []


def strings(value: object, _: object = None) -> Strings:
    """Return the texts of a JSON array; nothing for anything else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def wire_converter() -> cattrs.Converter:
    """Return a converter whose structure hooks never raise on a provider's values.

    The readers below are its hooks, hence their second parameter: the type cattrs hands in.
    """
    converter = cattrs.Converter(detailed_validation=False, omit_if_default=True)
    for kind, reader in _READERS.items():
        converter.register_structure_hook_func(partial(operator.eq, kind), reader)
    return converter


_READERS: dict[Any, Any] = {
    str | None: word,
    int | None: whole,
    Price | None: money,
    datetime | None: moment,
    Strings: strings,
    Object: mapping,
}


def wire(converter: cattrs.Converter, kind: type, **names: str) -> None:
    """Teach a converter a wire class; ``names`` are fields whose JSON name Python cannot spell."""
    renamed: Any = {field: override(rename=name) for field, name in names.items()}
    converter.register_structure_hook(kind, make_dict_structure_fn(kind, converter, **renamed))
    converter.register_unstructure_hook(
        kind,
        make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True, **renamed),
    )


def plus(number: str | None) -> str | None:
    """Return a number that a provider writes as digits alone with its plus; names stay."""
    if number and number.isdigit() and len(number) > 6:
        return f"+{number}"
    return number
