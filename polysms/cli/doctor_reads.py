"""What ``polysms doctor`` asks without sending: credentials, clock, encryption, services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice

from polysms.cli.checked_senders import MOST
from polysms.client import Client, probing
from polysms.client.offers import offers
from polysms.client.probing import Probe
from polysms.config import Account
from polysms.doctor import Finding
from polysms.doctor import account as readings
from polysms.doctor.findings import differs, untold
from polysms.errors import PolysmsError
from polysms.services import Sender


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


def broken(account: Account) -> Finding:
    """Return the finding of an account that cannot be used."""
    return differs("configuration", f"cannot be used: {account.broken}")


def findings(client: Client, account: Account) -> Iterator[Finding]:
    """Yield what asking an account shows, the credentials first."""
    title = account.adapter.capabilities.title
    probe = None
    if hasattr(account.adapter, "check_request"):
        probe = probing.probe(client, account, utc_now)
        yield from _of_probe(probe)
        url = account.adapter.check_request().url
        reading, is_wrong = probing.encryption(account, url)
        yield readings.tls(reading, utc_now(), is_wrong=is_wrong)
    else:
        yield readings.not_offered("credentials", title)
    if probe is None or probe.error is None:
        yield from _of_services(client, account, title)


def _of_probe(probe: Probe) -> Iterator[Finding]:
    error, response = probe.error, probe.response
    is_let_in = None if response is None or error is None or error.reason is None else False
    wrong = None if error is None else str(error)
    yield readings.credentials(wrong, is_let_in=True if error is None else is_let_in)
    if response is not None:
        yield readings.latency(response.seconds)
        yield readings.clock(response.headers.get("date"), probe.asked_at, probe.answered_at)


def _of_services(client: Client, account: Account, title: str) -> Iterator[Finding]:
    name = account.name
    asked: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("identity", lambda: readings.identity(client.identity(name))),
        ("balance", lambda: readings.balance(client.balance(name))),
    )
    for service, ask in asked:
        if not offers(account, service):
            yield readings.not_offered(service, title)
            continue
        try:
            yield ask()
        except PolysmsError as error:
            yield untold(service, str(error))
    yield from _of_senders(client, account)


def _of_senders(client: Client, account: Account) -> Iterator[Finding]:
    if not account.sender:
        yield readings.no_sender()
        return
    listed: list[Sender] | None = None
    if offers(account, "senders"):
        try:
            listed = list(islice(client.senders.list(account.name), MOST))
        except PolysmsError as error:
            yield untold("senders", str(error))
            return
    for sender in account.sender:
        found = readings.sender(sender, listed)
        alone = _alone(client, account, sender, listed or [])
        yield found if alone is None else readings.sender(sender, listed, alone)


def _alone(client: Client, account: Account, sender: str, listed: list[Sender]) -> Sender | None:
    """Return what a provider says of one sender alone, where that may be more than its list."""
    found = next((one for one in listed if readings.is_same(one, sender)), None)
    if found is None or found.id is None or found.status or not offers(account, "sender"):
        return None
    try:
        return client.senders.get(found.id, account.name)
    except PolysmsError:
        return None
