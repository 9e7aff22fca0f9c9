"""What the readings of an account mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from polysms.doctor import Finding, Grade, account, worst
from polysms.doctor.account import Tls
from polysms.doctor.findings import differs, fine, untold
from polysms.services import Balance, Identity, Sender

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
NUMBER = "+13135550123"
FINE, DIFFERS, UNTOLD = Grade.FINE, Grade.DIFFERS, Grade.UNTOLD


@pytest.mark.parametrize(
    ("grades", "expected"),
    [((), FINE), ((FINE, UNTOLD), FINE), ((FINE, DIFFERS, UNTOLD), DIFFERS)],
)
def test_worst(grades: tuple[Grade, ...], expected: Grade) -> None:
    """What nobody can tell is no fault; one fault is."""
    assert expected is worst(Finding("x", grade, "") for grade in grades)


def test_findings_hide_numbers_and_credentials() -> None:
    """What a provider said is scrubbed before it is kept."""
    for made in (fine, differs, untold):
        found = made("x", f"{NUMBER} by Bearer abcdef123456")
        assert "+1********23 by ***" == found.text


@pytest.mark.parametrize(
    ("wrong", "is_let_in", "grade"),
    [(None, True, FINE), ("HTTP 401", False, DIFFERS), ("no answer", None, UNTOLD)],
)
def test_credentials(*, wrong: str | None, is_let_in: bool | None, grade: Grade) -> None:
    """Refused is a fault; no answer tells nothing of the credentials."""
    found = account.credentials(wrong, is_let_in=is_let_in)
    assert (grade, wrong or "good") == (found.grade, found.text)


@pytest.mark.parametrize(
    ("ahead", "grade", "text"),
    [
        (0, FINE, "0.00 s apart, as far as a Date tells"),
        (1, FINE, "0.00 s apart, as far as a Date tells"),
        (-2, FINE, "0.00 s apart, as far as a Date tells"),
        (9, FINE, "8.00 s apart, as far as a Date tells"),
        (-9, FINE, "7.00 s apart, as far as a Date tells"),
        (31, FINE, "30.00 s apart, as far as a Date tells"),
        (32, DIFFERS, "the provider's is 31.00 s ahead of ours: one is wrong"),
        (-33, DIFFERS, "the provider's is 31.00 s behind ours: one is wrong"),
    ],
)
def test_clock(ahead: int, grade: Grade, text: str) -> None:
    """A Date says a second, some time before the answer came; only what is surely off counts."""
    date = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    found = account.clock(date, NOW, NOW + timedelta(seconds=1))
    assert (grade, text) == (found.grade, found.text)


@pytest.mark.parametrize("date", [None, "", "soon", "Sat, 99 Nov 2026 07:30:00 GMT"])
def test_no_clock(date: str | None) -> None:
    """A Date that is none tells nothing."""
    assert UNTOLD is account.clock(date, NOW, NOW).grade


@pytest.mark.parametrize(
    ("reading", "is_wrong", "grade", "text"),
    [
        ("through a proxy", False, UNTOLD, "through a proxy"),
        ("cannot be verified", True, DIFFERS, "cannot be verified"),
        (
            Tls(version="TLSv1.3", expires_at=NOW + timedelta(days=7), seconds=0.25),
            False,
            FINE,
            "TLSv1.3, connected in 0.25 s, certificate good until 2026-11-28",
        ),
        (
            Tls(version="TLSv1.3", expires_at=NOW + timedelta(days=6, hours=23), seconds=0.25),
            False,
            DIFFERS,
            "TLSv1.3, connected in 0.25 s, certificate good until 2026-11-28: 6 days",
        ),
    ],
)
def test_tls(*, reading: Tls | str, is_wrong: bool, grade: Grade, text: str) -> None:
    """The version, and how long the certificate is good; soon over is told."""
    found = account.tls(reading, NOW, is_wrong=is_wrong)
    assert (grade, text) == (found.grade, found.text)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (account.latency(0.5), fine("latency", "one read took 0.50 s")),
        (account.not_offered("balance", "Zap"), untold("balance", "not offered by Zap")),
        (account.identity(Identity(id="1", name="Acme")), fine("identity", "Acme, 1")),
        (account.identity(Identity(id="1")), fine("identity", "1")),
        (account.identity(Identity(id=None)), untold("identity", "the answer names nobody")),
        (
            account.balance(Balance(amount=Decimal("2.5"), currency="USD")),
            fine("balance", "2.5 USD"),
        ),
        (account.balance(Balance(amount=Decimal("0.01"))), fine("balance", "0.01")),
        (
            account.balance(Balance(amount=Decimal(0), currency="USD")),
            differs("balance", "0 USD: nothing is left to send with"),
        ),
        (
            account.balance(Balance(amount=Decimal(-1))),
            differs("balance", "-1: nothing is left to send with"),
        ),
        (
            account.no_sender(),
            differs("sender", "none is configured: every message must name one"),
        ),
    ],
)
def test_readings(found: Finding, expected: Finding) -> None:
    """Each reading has its grade and its figures."""
    assert expected == found


def _listed(status: str | None = None, why: str | None = None, *, can_send: bool | None) -> Sender:
    return Sender(id="1", sender="13135550123", can_send=can_send, status=status, why=why)


@pytest.mark.parametrize(
    ("listed", "alone", "grade", "text"),
    [
        (None, None, UNTOLD, "the provider has no list of senders"),
        ([], None, UNTOLD, "the provider's list of senders is empty"),
        (
            [Sender(id="1", sender="Acme", kind="name", can_send=True)],
            None,
            UNTOLD,
            "not among the 1 sender that the provider lists",
        ),
        ([_listed(can_send=True)], None, FINE, "can send"),
        ([_listed("enabled", can_send=True)], None, FINE, "can send (status enabled)"),
        ([_listed(can_send=None)], None, UNTOLD, "listed; whether it can send is not said"),
        ([_listed("new", can_send=None)], None, UNTOLD, "listed; status new"),
        ([_listed(can_send=False)], None, DIFFERS, "cannot send: its provider says so"),
        ([_listed("new", can_send=False)], None, DIFFERS, "cannot send: status new"),
        (
            [_listed("new", "no campaign", can_send=False)],
            None,
            DIFFERS,
            "cannot send: no campaign",
        ),
        (
            [_listed(can_send=True)],
            _listed("failed", can_send=False),
            DIFFERS,
            "cannot send: status failed",
        ),
    ],
)
def test_sender(listed: list[Sender] | None, alone: Sender | None, grade: Grade, text: str) -> None:
    """A sender that may not send is a fault; one that no list has may be good."""
    found = account.sender(NUMBER, listed, alone)
    assert ("sender +1********23", grade, text) == (found.about, found.grade, found.text)
