"""Rows written as JSON Lines, CSV or Parquet, a part at a time: never all of them in memory."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any

from polysms.cli.failure import name_of
from polysms.cli.options import WHERE
from polysms.cli.output import silence
from polysms.config.reading import fault
from polysms.errors import ConfigError

Row = Mapping[str, Any]

_WORDS, _TIMES, _COUNTS, _SECONDS = "words", "time", "count", "seconds"
#: What a row has, in this order, and of what kind each is.
COLUMNS = {
    **dict.fromkeys(("id", "key", "tag", "tenant", "kind", "to", "from", "status"), _WORDS),
    **dict.fromkeys(("account", "provider_id", "reason", "error_code", "mcc", "mnc"), _WORDS),
    "segments": _COUNTS,
    **dict.fromkeys(("price", "price_currency", "fees", "fees_currency"), _WORDS),
    **dict.fromkeys(("created_at", "sent_at", "delivered_at", "ended_at"), _TIMES),
    "attempt_number": _COUNTS,
    **dict.fromkeys(("attempt_account", "attempt_provider", "attempt_reference"), _WORDS),
    **dict.fromkeys(("attempt_provider_id", "attempt_from"), _WORDS),
    **dict.fromkeys(("attempt_started_at", "attempt_ended_at"), _TIMES),
    "attempt_seconds": _SECONDS,
    **dict.fromkeys(("attempt_outcome", "attempt_evidence", "attempt_reason"), _WORDS),
    "attempt_status_code": _COUNTS,
    **dict.fromkeys(("attempt_code", "attempt_lookup", "attempt_status"), _WORDS),
}
#: What it has only where texts are wanted.
TEXTS = dict.fromkeys(("text", "media", "attempt_text"), _WORDS)

#: Rows that Parquet keeps together: so many are in memory at once.
_GROUP = 5_000


def writer(target: str, kind: str, names: Mapping[str, str]) -> Callable[[Iterable[Row]], int]:
    """Return what writes rows to a new file ("-" is standard output) and returns how many.

    A file is there under its own name only once it is whole. Raises
    :class:`~polysms.errors.ConfigError` where it cannot be written.
    """
    into = partial(_WRITERS[kind], names)
    if kind == "parquet":
        _require_parquet(target)
    if target == "-":
        return partial(_to_stdout, into)
    _require_new(target)
    return partial(_to_file, target, into)


Into = Callable[[IO[bytes], Iterable[Row]], int]


def _require_parquet(target: str) -> None:
    if target == "-":
        raise fault("--format parquet", "is written into a file; name one", WHERE)
    if find_spec("pyarrow") is None:
        raise ConfigError("Parquet needs pyarrow: pip install 'polysms[export]'")


def _require_new(target: str) -> None:
    for path in (Path(target), _part(target)):
        try:
            is_there = path.exists()
        except (OSError, ValueError) as error:
            raise _unwritable(target, error) from None
        if is_there:
            raise fault(str(path), "exists already; name a new file, or delete it", WHERE)


def _part(target: str) -> Path:
    return Path(f"{target}.part")


def _unwritable(target: str, error: Exception) -> ConfigError:
    return fault(target, f"cannot be written ({name_of(error)})", WHERE)


def _to_file(target: str, into: Into, rows: Iterable[Row]) -> int:
    part = _part(target)
    try:
        stream = part.open("xb")
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None
    try:
        with stream:
            count = into(stream, rows)
        part.rename(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        part.unlink(missing_ok=True)
    return count


def _to_stdout(into: Into, rows: Iterable[Row]) -> int:
    try:
        count = into(sys.stdout.buffer, rows)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # as in "polysms export - | head"
        silence(sys.stdout)
        return 0
    return count


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _jsonl(names: Mapping[str, str], stream: IO[bytes], rows: Iterable[Row]) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - how many there were
        told = {name: _plain(row.get(name)) for name in names}
        stream.write(json.dumps(told).encode() + b"\n")
    return count


def _csv(names: Mapping[str, str], stream: IO[bytes], rows: Iterable[Row]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writing = csv.writer(text, lineterminator="\n")
    count = 0
    with _lent(text):
        writing.writerow(names)
        for count, row in enumerate(rows, start=1):  # noqa: B007 - as above
            writing.writerow([_plain(row.get(name)) for name in names])
    return count


@contextlib.contextmanager
def _lent(text: io.TextIOWrapper) -> Iterator[None]:
    """Give the stream back when it is over: closing it is its owner's."""
    try:
        yield
    finally:
        text.detach()


def _parquet(names: Mapping[str, str], stream: IO[bytes], rows: Iterable[Row]) -> int:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415 - as above

    kinds = {
        _WORDS: pa.string(),
        _TIMES: pa.timestamp("us", tz="UTC"),
        _COUNTS: pa.int64(),
        _SECONDS: pa.float64(),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in names.items()])
    waiting, count = iter(rows), 0
    with parquet.ParquetWriter(stream, schema) as writing:
        while group := list(islice(waiting, _GROUP)):
            writing.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
            # Else it would be there until the next one is read.
            group.clear()
    return count


_WRITERS = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
