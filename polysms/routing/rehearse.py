"""What a message would become at another account, found before the configuration changes.

Both accounts prepare the message as a send would, and neither is asked: nothing is sent, nothing
is looked up. Of their health nothing is known here, so none of their senders is left out for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from polysms import redact
from polysms.config import Account, Rails, Route
from polysms.errors import NotSent
from polysms.message import Message
from polysms.providers.base import Request
from polysms.routing import rails as guard
from polysms.routing.plan import Plan
from polysms.routing.preparing import Ready, prepared
from polysms.routing.senders import Logical, check_named
from polysms.routing.steps import World
from polysms.segments import Encoding, segments

#: What polysms does for a wish that a provider has no word for.
_HONOURED = {"valid_for": "stops after it", "tag": "keeps it"}
_NOTHING: tuple[Any, ...] = (None, (), [], {})
# It is never sent, so any reference of the right form and any time will do.
_REFERENCE = "00000000-0000-7000-8000-000000000000"
_WORLD = World(
    now=lambda: datetime(2000, 1, 1, tzinfo=UTC),
    clock=lambda: 0.0,
    new_id=lambda: _REFERENCE,
)


@attrs.frozen(kw_only=True)
class Said:
    """A message as one account would say it; ``error`` is why it would not take it.

    ``segments`` counts those that are charged, one for an MMS; ``encoding`` is that of an SMS.
    ``unsupported`` are wishes the provider has no word for, ``ignored`` the options (as
    "wavix.tag") that it does not read. ``recipients`` are all numbers that it would reach.
    """

    account: str
    title: str
    kind: str
    media: int
    segments: int = 0
    encoding: Encoding | None = None
    from_: str | None = attrs.field(default=None, repr=redact.mask)
    recipients: tuple[str, ...] = attrs.field(default=(), repr=False)
    unsupported: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    error: NotSent | None = None
    request: Request | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Rehearsal:
    """One message as it is said at the account before, and as it would be at the one after."""

    before: Said
    after: Said

    @property
    def possible(self) -> bool:
        """Whether the account after would take it."""
        return self.after.error is None

    @property
    def differences(self) -> tuple[str, ...]:
        """What changes, in sentences, numbers masked; none where the message stays as it is."""
        return self.told()

    def told(self, number: Callable[[str | None], str] = redact.mask) -> tuple[str, ...]:
        """Return the differences; ``number`` says how a sender is shown."""
        before, after = self.before, self.after
        if after.error is not None:
            begun = "no longer possible" if before.error is None else "not possible at either"
            return (f"{begun}: {after.error}",)
        if before.error is not None:
            return (f"becomes possible; it was not: {before.error}",)
        return (*_wire(before, after, number), *_wishes(before, after), *_extras(before, after))


def rehearse(
    message: Message,
    before: Account,
    after: Account,
    senders: Logical | None = None,
    rails: Rails | None = None,
) -> Rehearsal:
    """Return what a message is at one account and what it would become at the other.

    Raises :class:`~polysms.errors.InvalidMessage` for a logical sender that nobody configured.
    """
    logical, rails = senders or {}, rails or Rails()
    check_named(message, logical)
    message = guard.redirected(message, rails)
    first, second = (_said(message, one, _alone(one, logical, rails)) for one in (before, after))
    return Rehearsal(before=first, after=second)


def _alone(account: Account, senders: Logical, rails: Rails) -> Plan:
    route = Route(accounts=(account.name,))
    return Plan(route=route, accounts=(account,), senders=senders, rails=rails)


def _said(message: Message, account: Account, plan: Plan) -> Said:
    adapter = account.adapter
    known: dict[str, Any] = {
        "account": account.name,
        "title": adapter.capabilities.title,
        "kind": message.kind,
        "media": len(message.media),
        "ignored": tuple(_ignored(message, adapter.name)),
    }
    left, valid_for = plan.route.deadline, message.valid_for
    try:
        ready = prepared(message, account, plan, _WORLD, left=left, valid_for=valid_for)
    except NotSent as error:
        return Said(**known, error=error)
    return Said(**known | _facts(ready))


def _facts(ready: Ready) -> dict[str, Any]:
    message, attempt = ready.message, ready.attempt
    recipients = guard.recipients(message, ready.account)
    # One request that reaches many is a group, and a group is an MMS.
    is_mms = bool(message.media) or len(recipients) > 1
    counted = segments(message.text)
    return {
        "kind": "mms" if is_mms else "sms",
        "segments": 1 if is_mms else counted.count,
        "encoding": None if is_mms else counted.encoding,
        "from_": attempt.from_,
        "recipients": recipients,
        "unsupported": attempt.unsupported,
        "warnings": attempt.warnings,
        "request": ready.request,
    }


def _ignored(message: Message, provider: str) -> Iterator[str]:
    for other, options in sorted(message.options.items()):
        if other != provider:
            yield from (f"{other}.{name}" for name in _names(options))


def _names(options: object) -> Iterator[str]:
    """Yield the names of the options that are set, given as a mapping or typed."""
    if isinstance(options, Mapping):
        given = {str(name): value for name, value in options.items()}
    else:
        kind: Any = type(options)
        fields = attrs.fields(kind) if attrs.has(kind) else ()
        given = {field.name: getattr(options, field.name) for field in fields}
    return (name for name, value in given.items() if value not in _NOTHING)


def _wire(before: Said, after: Said, number: Callable[[str | None], str]) -> Iterator[str]:
    if after.from_ != before.from_:
        new, old = number(after.from_), number(before.from_)
        yield f"the sender becomes {new!r} instead of {old!r}"


def _wishes(before: Said, after: Said) -> Iterator[str]:
    for name in _without(after.unsupported, before.unsupported):
        yield f"{name} has no word there: polysms {_HONOURED[name]} itself"
    for name in _without(before.unsupported, after.unsupported):
        yield f"{name} has a word there: {after.title} {_HONOURED[name]} too"


def _extras(before: Said, after: Said) -> Iterator[str]:
    for name in _without(after.ignored, before.ignored):
        yield redact.scrub(f"the option {name} has no effect there")
    for name in _without(before.ignored, after.ignored):
        yield redact.scrub(f"the option {name} has an effect there")
    for warning in _without(after.warnings, before.warnings):
        yield f"warning: {warning}"


def _without(names: tuple[str, ...], others: tuple[str, ...]) -> Iterator[str]:
    return (name for name in names if name not in others)
