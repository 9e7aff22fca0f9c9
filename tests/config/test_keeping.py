"""What a configuration says of the ledger, the outbox, the sweep, and what routes need them for."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from polysms import Config, ConfigError
from polysms.client.files import config_from
from polysms.config import Hours, Outbox, Route, Source, Sweep
from polysms.config.keeping import READERS
from polysms.config.routes import UNDELIVERED
from polysms.delivery import Status

ACCOUNTS: dict[str, Any] = {"first": {"provider": "memory"}, "second": {"provider": "null"}}
LEDGER = "sqlite:///polysms.db"


def config(folder: str | None = None, **tables: Any) -> Config:
    """Return a configuration of two local accounts, in a file of this folder."""
    source = Source("polysms.toml", folder=folder)
    return Config.from_mapping({"accounts": ACCOUNTS, **tables}, source)


def fault_of(**tables: Any) -> tuple[str | None, str]:
    """Return the key and the sentence by which a configuration is refused."""
    with pytest.raises(ConfigError) as raised:
        config(**tables)
    key, said = raised.value.key, str(raised.value)
    assert said.startswith(f"{key}: ")
    assert said.endswith(" (in polysms.toml)")
    assert "canary" not in said
    return key, said.removeprefix(f"{key}: ").removesuffix(" (in polysms.toml)")


def route(**keys: Any) -> Route:
    """Return a route with these keys, of a configuration that has a ledger."""
    tables: dict[str, Any] = {"routes": {"main": {"accounts": ["first"], **keys}}}
    return config(ledger=LEDGER, **tables).route("main")


# The keys at the top.


def test_by_default() -> None:
    """Nothing is kept unless it is asked for; then texts for a week, for one process."""
    found = config()
    assert (None, None, 7 * 86400.0, 1) == (
        found.ledger,
        found.shared,
        found.keep_text,
        found.processes,
    )
    assert (Outbox(), Sweep()) == (found.outbox, found.sweep)
    assert (4 * 3600.0, 120.0, 3600.0, 86400.0, 900.0) == (
        found.outbox.valid_for,
        *attrs.astuple(found.sweep),
    )


WHOLE: dict[str, Any] = {
    "ledger": "postgresql://me:canary@db.example.com:5432/sms?sslmode=require",
    "keep_text": "12h",
    "shared": "rediss://:canary@cache.example.com:6380/2",
    "processes": 4,
    "outbox": {"valid_for": "30m"},
    "sweep": {"first": "10s", "most": "5m", "past_validity": "2h", "resolve_for": 60},
    "public_url": "https://sms.example.com/hooks",
    "keywords": {"es": {"stop": ("PARAR", "BAJA")}},
}


@pytest.mark.parametrize("make", [config, lambda **tables: Config(accounts=ACCOUNTS, **tables)])
def test_whole(make: Any) -> None:
    """Every key is read, and alike from a file and from code."""
    found = make(**WHOLE)
    outbox = Outbox(valid_for=1800.0)  # type: ignore[arg-type]
    sweep = Sweep(first=10.0, most=300.0, past_validity=7200.0, resolve_for=60.0)  # type: ignore[arg-type]
    expected = {**WHOLE, "keep_text": 43200.0, "outbox": outbox, "sweep": sweep}
    assert expected == {name: getattr(found, name) for name in READERS}


def test_made_again() -> None:
    """A configuration may be changed in code: what was read stays as it was."""
    found = config("/etc/polysms", **{**WHOLE, "ledger": LEDGER})
    again = attrs.evolve(found, processes=5)
    assert 5 == again.processes
    assert attrs.evolve(again, processes=4) == found


def test_from_the_environment() -> None:
    """A password may stand in the environment, and all of an address too."""
    source = Source("f", {"LEDGER": "postgresql://me:canary@db.example.com/sms"})
    found = Config.from_mapping({"accounts": ACCOUNTS, "ledger": "${LEDGER}"}, source)
    assert "postgresql://me:canary@db.example.com/sms" == found.ledger


def test_none_in_code() -> None:
    """Settings made in code may say None for what is not there."""
    found = Config(accounts=ACCOUNTS, ledger=None, shared=None)
    assert (None, None) == (found.ledger, found.shared)


@pytest.mark.parametrize(
    ("tables", "key", "sentence"),
    [
        ({"ledger": 5}, "ledger", "is a int; write a text in quotes"),
        ({"ledger": ""}, "ledger", "is no address of a ledger; write sqlite:///polysms.db, or "),
        ({"ledger": "${UNSET}"}, "ledger", "the environment variable UNSET is not set"),
        ({"ledgr": LEDGER}, "ledgr", 'no such key; did you mean "ledger"?'),
        ({"shared": ["redis://localhost"]}, "shared", "is a list; write a text in quotes"),
        ({"keep_text": "a week"}, "keep_text", 'write seconds, as 60, "60s" or "2m"'),
        ({"keep_text": 0}, "keep_text", "must be more than zero"),
        ({"processes": 0}, "processes", "must be at least 1"),
        ({"processes": 1.5}, "processes", "write a whole number"),
        ({"processes": True}, "processes", "write a whole number"),
        ({"outbox": "4h"}, "outbox", "is a str; write a table"),
        ({"outbox": {"valid": "4h"}}, "outbox.valid", 'no such key; did you mean "valid_for"?'),
        ({"outbox": {"valid_for": "29d"}}, "outbox.valid_for", "write 1 second to 28 days"),
        ({"outbox": {"valid_for": "500ms"}}, "outbox.valid_for", "write 1 second to 28 days"),
        ({"sweep": []}, "sweep", "is a list; write a table"),
        ({"sweep": {"last": "1h"}}, "sweep.last", "no such key; "),
        ({"sweep": {"first": "2h"}}, "sweep.first", "must be no more than most"),
        ({"sweep": {"most": "0s"}}, "sweep.most", "must be more than zero"),
    ],
)
def test_fault(tables: dict[str, Any], key: str, sentence: str) -> None:
    """What cannot be is refused when it is read, by the key to mend."""
    found, said = fault_of(**tables)
    assert key == found
    assert said.startswith(sentence)


@given(
    tables=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            READERS,
            st.one_of(
                st.none(),
                st.integers(),
                st.booleans(),
                st.text(max_size=30),
                st.text(alphabet=":/@?#%[]. \x00a0", max_size=12).map("sqlite:///{}".format),
                st.text(alphabet=":/@?#%[]. \x00a0", max_size=12).map("postgresql://{}".format),
                st.text(alphabet=":/@?#%[]. \x00a0", max_size=12).map("redis://{}".format),
                st.dictionaries(st.text(max_size=9), st.integers(), max_size=2),
            ),
        ),
    )
)
def test_junk(tables: dict[str, Any]) -> None:
    """Whatever stands there, it is read or refused by an error of ours."""
    with suppress(ConfigError):
        assert set(tables) <= set(attrs.asdict(config(**tables)))


def test_one_line_has_none() -> None:
    """The one-line form is of accounts alone: a ledger in it is a setting of no known name."""
    with pytest.raises(ConfigError, match="has a setting of no known name"):
        Config.from_url(f"memory://?sender=Acme&ledger={LEDGER}")
    assert Config.from_url("memory://?sender=Acme").ledger is None


# Addresses.


@pytest.mark.parametrize(
    ("ledger", "folder", "expected"),
    [
        (LEDGER, None, LEDGER),
        (LEDGER, "/etc/polysms", "sqlite:////etc/polysms/polysms.db"),
        (LEDGER, "/my files", "sqlite:////my files/polysms.db"),
        ("sqlite:///data/polysms.db", "/etc", "sqlite:////etc/data/polysms.db"),
        ("sqlite:///../polysms.db", "/etc/a", "sqlite:////etc/a/../polysms.db"),
        ("sqlite:////var/lib/polysms.db", "/etc/polysms", "sqlite:////var/lib/polysms.db"),
        ("sqlite:///a.db?timeout=5", "/etc", "sqlite:////etc/a.db?timeout=5"),
        (" sqlite:///polysms.db ", None, LEDGER),
        ("postgresql://me@host/db", "/etc", "postgresql://me@host/db"),
        ("postgresql+psycopg://host/db", None, "postgresql+psycopg://host/db"),
        ("postgresql://me:a%40b@[::1]:5432/db", None, "postgresql://me:a%40b@[::1]:5432/db"),
        ("postgresql://me@/db?host=/run/pg", None, "postgresql://me@/db?host=/run/pg"),
        ("postgresql:///db", None, "postgresql:///db"),
    ],
)
def test_ledger(ledger: str, folder: str | None, expected: str) -> None:
    """A file is looked for beside the file that names it; a server's address stays as it is."""
    assert expected == config(folder, ledger=ledger).ledger


def test_ledger_is_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the program is started, and however the file is named, its ledger is the same."""
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "polysms.toml"
    path.write_text(f'ledger = "{LEDGER}"\n[accounts.null]\n', encoding="utf-8")
    expected = f"sqlite:///{tmp_path.as_posix()}/conf/polysms.db"
    assert expected == config_from(path, {}).ledger
    monkeypatch.chdir(tmp_path)
    assert expected == config_from("conf/polysms.toml", {}).ledger
    assert expected == config_from(None, {"POLYSMS_CONFIG": "conf/polysms.toml"}).ledger
    monkeypatch.chdir(tmp_path / "conf")
    assert expected == config_from(None, {}).ledger


def test_ledger_of_a_mapping() -> None:
    """What is no file has no folder: a relative path begins in the working directory."""
    tables: dict[str, Any] = {"accounts": ACCOUNTS, "ledger": LEDGER}
    found = (config_from(tables, {}), Config.from_mapping(tables), Config(**tables))
    assert [LEDGER] * 3 == [one.ledger for one in found]


SLIP = "cannot be read; percent-encode what is special in its password: @ is %40"
NO_LEDGERS = [
    ("polysms.db", "is no address of a ledger; write sqlite:///polysms.db, or postgresql://"),
    ("mysql://me:canary@host/db", "is no address of a ledger"),
    ("postgres://me:canary@host/db", "is no address of a ledger"),
    ("postgresql+asyncpg://me:canary@host/db", "is no address of a ledger"),
    ("POSTGRESQL://me:canary@host/db", "is no address of a ledger"),
    ("postgresql:me:canary@host/db", "is no address of a ledger"),
    ("postgresql://me:canary@host", "names no database; write postgresql://"),
    ("postgresql://me:canary@host/", "names no database"),
    ("postgresql://me:canary@host:0/db", SLIP),
    ("postgresql://me:canary@host:port/db", SLIP),
    ("postgresql://me:can/ary@host/db", SLIP),
    ("postgresql://me:12/canary@host/db", SLIP),
    ("postgresql://me:12?canary@host/db", SLIP),
    ("postgresql://me:12#canary@host/db", SLIP),
    ("postgresql://me:canary@[host/db", SLIP),
    ("postgresql://me:canary @host/db", "has a blank or a control character; take it out"),
    ("postgresql://me:canary@host/d\nb", "has a blank or a control character"),
    ("sqlite://polysms.db", "write a SQLite file as sqlite:///polysms.db"),
    ("sqlite:polysms.db", "write a SQLite file as"),
    ("sqlite+aiosqlite:///polysms.db", "write a SQLite file as"),
    ("sqlite://", "write a SQLite file as"),
    ("sqlite:///", "write a SQLite file as"),
    ("sqlite:///?timeout=5", "write a SQLite file as"),
    ("sqlite:///:memory:", "must be a file, and not the memory"),
    ("sqlite:///file::memory:?cache=shared", "must be a file, and not the memory"),
    ("sqlite:///poly\x00sms.db", "has a line end or another control character"),
]


@pytest.mark.parametrize(("ledger", "sentence"), NO_LEDGERS)
def test_no_ledger(ledger: str, sentence: str) -> None:
    """What cannot be a ledger is refused with what to write, and is not shown."""
    key, said = fault_of(ledger=ledger)
    assert "ledger" == key
    assert said.startswith(sentence)


def test_no_folder() -> None:
    """A folder that would change the meaning of the address is refused, not misread."""
    with pytest.raises(ConfigError, match=r"ledger: cannot be in a folder with \? in its name"):
        config("/why?", ledger=LEDGER)


@pytest.mark.parametrize(
    "shared",
    [
        "redis://localhost",
        "redis://localhost:6379/0",
        "redis://localhost/",
        "rediss://me:a%2Fb@cache.example.com:6380/3?ssl_cert_reqs=required",
        "valkey://:secret@[::1]:6379",
        "valkeys://cache.example.com",
        "unix:///run/valkey.sock",
        "unix://me:secret@/run/valkey.sock?db=2",
    ],
)
def test_shared(shared: str) -> None:
    """Redis and Valkey are named alike: by host, with TLS, or by a socket."""
    assert shared == config(shared=shared).shared


NO_SHARED = [
    ("localhost:6379", "is no address of Redis or Valkey; write redis://localhost:6379/0, "),
    ("memcached://:canary@host", "is no address of Redis or Valkey"),
    ("redis://", "is no address of Redis or Valkey"),
    ("redis://:canary@/0", "is no address of Redis or Valkey"),
    ("unix://run/valkey.sock", "is no address of Redis or Valkey"),
    ("unix://", "is no address of Redis or Valkey"),
    ("redis://:canary@host/first", "must name its database by a number"),
    ("redis://:canary@host/0/1", "must name its database by a number"),
    ("redis://:can/ary@host/0", SLIP),
    ("redis://:12?canary@host/0", SLIP),
    ("redis://:canary@host:99999/0", SLIP),
]


@pytest.mark.parametrize(("shared", "sentence"), NO_SHARED)
def test_no_shared(shared: str, sentence: str) -> None:
    """What cannot be one is refused with what to write, and is not shown."""
    key, said = fault_of(shared=shared)
    assert "shared" == key
    assert said.startswith(sentence)


@pytest.mark.parametrize(
    ("key", "address", "expected"),
    [
        ("ledger", "postgresql://me:canary@host/db", "'postgresql://***@host/db'"),
        ("ledger", "postgresql://host/db?password=canary", "'postgresql://host/db'"),
        ("ledger", "postgresql://me:can@ary@host/db", "'postgresql://***@host/db'"),
        ("ledger", LEDGER, f"'{LEDGER}'"),
        ("ledger", "sqlite:////home/me@work/a.db", "'sqlite:////home/me@work/a.db'"),
        ("ledger", None, "None"),
        ("shared", "redis://:canary@[::1]:6379/0", "'redis://***@[::1]:6379/0'"),
        ("shared", "redis://host?password=canary", "'redis://host'"),
        ("shared", "unix://:canary@/run/a.sock?db=1", "'unix://***@/run/a.sock'"),
    ],
)
def test_shows_no_password(key: str, address: str | None, expected: str) -> None:
    """A configuration shows where its ledger is, and not how one gets in."""
    shown = repr(config(**{key: address}))
    assert f"{key}={expected}," in shown
    assert "canary" not in shown


# What routes keep.


def test_route_by_default() -> None:
    """A route sends at all hours, keeps texts, and does not look back."""
    found = route()
    assert (True, None, (), None, 2, ()) == (
        found.store_text,
        found.hours,
        found.on_undelivered,
        found.no_report_after,
        found.max_copies,
        found.remembering,
    )


ROUTES: list[tuple[dict[str, Any], Any]] = [
    ({"store_text": False}, False),
    ({"hours": "09:00-20:00"}, Hours(start=timedelta(hours=9), end=timedelta(hours=20))),
    ({"on_undelivered": ["failed", "Undelivered", "FAILED"]}, ("FAILED", "UNDELIVERED")),
    ({"on_undelivered": "EXPIRED"}, ("EXPIRED",)),
    ({"no_report_after": "60s"}, 60.0),
    ({"max_copies": 1}, 1),
    ({"max_copies": 3}, 3),
]


@pytest.mark.parametrize(("keys", "expected"), ROUTES)
def test_route(keys: dict[str, Any], expected: Any) -> None:
    """Each key is read, and alike from a table and from code."""
    (name,) = keys
    assert expected == getattr(route(**keys), name)
    if name not in {"on_undelivered", "no_report_after"}:
        assert expected == getattr(Route(accounts=("first",), **keys), name)


def test_hours_in_code() -> None:
    """Hours may be made before, and a wrong text is refused in code too."""
    hours = Hours.from_text("09:00-20:00")
    tables = {"accounts": ["first"], "hours": hours}
    assert hours == Route(accounts=("first",), hours=hours).hours
    assert hours == config(ledger=LEDGER, routes={"main": tables}).route("main").hours
    with pytest.raises(ValueError, match=r"^hours: write the hours of a day"):
        Route(accounts=("first",), hours="9 to 5")


def test_undelivered_are_ends() -> None:
    """Only after what nothing better can follow may another account be asked."""
    expected = {"FAILED", "UNDELIVERED", "REJECTED", "EXPIRED", "UNREPORTED"}
    assert expected == set(UNDELIVERED)
    assert all(Status(name).final for name in UNDELIVERED)


HOW = 'write the hours of a day, as "09:00-20:00"'
WRONG: list[tuple[str, Any, str]] = [
    ("store_text", "no", "write true or false"),
    ("hours", "9-17", HOW),
    ("hours", "9:00-17:00", HOW),
    ("hours", "09:00", HOW),
    ("hours", "09:60-10:00", HOW),
    ("hours", "24:00-10:00", HOW),
    ("hours", "09:00-24:30", HOW),
    ("hours", "09:00-20:00 UTC", HOW),
    ("hours", 9, HOW),
    ("hours", "09:00-09:00", "begins and ends at the same time; leave it out"),
    ("on_undelivered", ["DELIVERED"], "write one or more of UNREPORTED, EXPIRED, REJECTED, FAILED"),
    ("on_undelivered", ["MAYBE_SENT"], "write one or more of"),
    ("on_undelivered", ["CANCELLED"], "write one or more of"),
    ("on_undelivered", ["FAILED", "LOST"], "write one or more of"),
    ("on_undelivered", [], "is empty; leave the key out"),
    ("on_undelivered", [5], "write one text, or a list of texts"),
    ("no_report_after", 0, "must be more than zero"),
    ("no_report_after", "-1s", "write seconds"),
    ("max_copies", 0, "write a whole number from 1 to 3"),
    ("max_copies", 4, "write a whole number from 1 to 3"),
    ("max_copies", "two", "write a whole number"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG)
def test_route_fault(name: str, value: Any, sentence: str) -> None:
    """A wrong value is refused by the name of its key."""
    key, said = fault_of(ledger=LEDGER, routes={"main": {"accounts": ["first"], name: value}})
    assert f"routes.main.{name}" == key
    assert said.startswith(sentence)


NEEDS = 'needs a ledger; add ledger = "sqlite:///polysms.db" at the top'


@pytest.mark.parametrize(
    ("keys", "needed"),
    [
        ({"hours": "09:00-20:00"}, "hours"),
        ({"on_undelivered": ["FAILED"]}, "on_undelivered"),
        ({"no_report_after": "60s"}, "no_report_after"),
        ({"no_report_after": "60s", "hours": "09:00-20:00"}, "hours"),
    ],
)
def test_route_needs_a_ledger(keys: dict[str, Any], needed: str) -> None:
    """What must outlive the send is refused where nothing would remember it."""
    tables: dict[str, Any] = {"routes": {"main": {"accounts": ["first"], **keys}}}
    assert (f"routes.main.{needed}", NEEDS) == fault_of(**tables)
    assert needed == config(ledger=LEDGER, **tables).route("main").remembering[0]


def test_route_needs_none() -> None:
    """Without a ledger no text is kept anyway: saying so is no mistake."""
    tables = {"accounts": ["first"], "store_text": False, "max_copies": 1}
    assert config(routes={"main": tables}).route("main").store_text is False


# Hours.


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [
        ("09:00-20:00", 540, 1200, "09:00-20:00"),
        (" 09:00 - 20:00 ", 540, 1200, "09:00-20:00"),
        ("20:00-06:00", 1200, 360, "20:00-06:00"),
        ("20:00-24:00", 1200, 1440, "20:00-24:00"),
        ("20:00-00:00", 1200, 0, "20:00-00:00"),
        ("00:00-24:00", 0, 1440, "00:00-24:00"),
        ("23:59-00:01", 1439, 1, "23:59-00:01"),
    ],
)
def test_hours(text: str, start: int, end: int, shown: str) -> None:
    """Hours are two times of a day; they may go past midnight, and end with the day."""
    found = Hours.from_text(text)
    expected = Hours(start=timedelta(minutes=start), end=timedelta(minutes=end))
    assert expected == found
    assert shown == str(found)


@given(start=st.integers(0, 1439), end=st.integers(0, 1440), minute=st.integers(0, 24 * 60 - 1))
def test_hours_include(start: int, end: int, minute: int) -> None:
    """A time is among the hours when one who starts at their start and walks on meets it first."""
    assume(start != end)
    hours = Hours(start=timedelta(minutes=start), end=timedelta(minutes=end))
    assert hours == Hours.from_text(str(hours))
    length = (end - start) % 1440 or 1440
    expected = (minute - start) % 1440 < length
    assert expected == hours.include(timedelta(minutes=minute))
