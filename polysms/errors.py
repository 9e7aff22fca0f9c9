"""Every error of polysms, sorted by one question - may another provider try.

::

    PolysmsError
      ConfigError                  nothing was attempted; names the key and the remedy
      NotSent                      surely not sent: another provider may try
        InvalidMessage             the message itself is wrong; nothing was attempted
          KeyConflict              this key belongs to another message
        Unsupported                this provider cannot say it accurately
        Unreachable                the message did not leave us whole
        RateLimited                "later, please"; carries retry_after
        Refused                    an understood "no": reason, code, text
        AllFailed                  every account of the route was tried or skipped
      MaybeSent                    may have been sent: trying again may send it twice
        Unreadable                 answered, in words we do not know
      LookupFailed                 a fetch, list or check got no answer; nothing was sent by it
        NotFound                   the provider knows no such message
      LedgerError                  the ledger failed us
      WebhookError                 a webhook that cannot be believed
        BadSignature
        BadPayload

No exception of an HTTP library decides which of these is raised: the evidence does (how much of
the request was written, whether a status line came back).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from polysms import redact

if TYPE_CHECKING:
    from polysms.delivery import Delivery


class Reason(StrEnum):
    """Why a message was refused, in words that are the same for every provider."""

    INVALID_NUMBER = "invalid_number"
    OPTED_OUT = "opted_out"
    CONTENT = "content"
    SENDER = "sender"
    BALANCE = "balance"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    CAPABILITY = "capability"
    MEDIA = "media"
    TOO_LONG = "too_long"
    QUOTA = "quota"
    DUPLICATE = "duplicate"
    BLOCKED = "blocked"
    OTHER = "other"

    @property
    def stops(self) -> bool:
        """Whether no other provider should be asked: the message, not the account, is at fault."""
        return self in _STOPS

    @property
    def fault(self) -> Fault:
        """Whose doing it is."""
        return _FAULTS[self]


class Fault(StrEnum):
    """Whose doing an error is: tells a form, an alert and a task queue apart."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    ACCOUNT = "account"
    PROVIDER = "provider"
    US = "us"


_STOPS = frozenset(
    {Reason.INVALID_NUMBER, Reason.OPTED_OUT, Reason.CONTENT, Reason.BLOCKED, Reason.OTHER}
)
_FAULTS = {
    Reason.INVALID_NUMBER: Fault.RECIPIENT,
    Reason.OPTED_OUT: Fault.RECIPIENT,
    Reason.CONTENT: Fault.MESSAGE,
    Reason.SENDER: Fault.ACCOUNT,
    Reason.BALANCE: Fault.ACCOUNT,
    Reason.CREDENTIALS: Fault.ACCOUNT,
    Reason.PERMISSION: Fault.ACCOUNT,
    Reason.CAPABILITY: Fault.PROVIDER,
    Reason.MEDIA: Fault.MESSAGE,
    Reason.TOO_LONG: Fault.MESSAGE,
    Reason.QUOTA: Fault.ACCOUNT,
    Reason.DUPLICATE: Fault.US,
    Reason.BLOCKED: Fault.RECIPIENT,
    Reason.OTHER: Fault.PROVIDER,
}


class PolysmsError(Exception):
    """The root of every error polysms raises on purpose.

    Attributes: ``delivery`` (id, account and attempts so far, or None where nothing was begun),
    ``reason`` (:class:`Reason` or None), ``fault`` (:class:`Fault`), ``retry_later`` (whether the
    same message may succeed later), ``account``, ``status_code`` (HTTP), ``code`` and ``text``
    (the provider's, redacted), ``body`` (the provider's raw answer, redacted).
    """

    fault: Fault | None = None
    retry_later: bool = False

    def __init__(  # noqa: PLR0913 - an error's facts are its fields, each by name
        self,
        sentence: str,
        *,
        delivery: Delivery | None = None,
        reason: Reason | None = None,
        fault: Fault | None = None,
        retry_later: bool | None = None,
        account: str | None = None,
        status_code: int | None = None,
        code: str | None = None,
        text: str | None = None,
        body: str | None = None,
    ) -> None:
        super().__init__(redact.scrub(sentence))
        self.delivery = delivery
        self.reason = reason
        self.fault = fault or (reason.fault if reason else type(self).fault)
        self.retry_later = type(self).retry_later if retry_later is None else retry_later
        self.account = account
        self.status_code = status_code
        self.code = code
        self.text = None if text is None else redact.scrub(text)
        self.body = None if body is None else redact.scrub(body)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by value, so that task queues can carry the error with its facts."""
        return (_rebuild, (type(self), self.args), self.__dict__.copy())


def _rebuild(kind: type[PolysmsError], args: tuple[Any, ...]) -> PolysmsError:
    error = kind.__new__(kind)
    error.args = args
    return error


class ConfigError(PolysmsError):
    """The configuration is wrong or lacks something; nothing was attempted.

    ``key`` is the configuration's own name for the place, as ``accounts.wavix.api_key``.
    """

    fault = Fault.US

    def __init__(self, sentence: str, *, key: str | None = None, **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.key = key


class NotSent(PolysmsError):
    """The message was surely not sent; another provider may try."""


class InvalidMessage(NotSent, ValueError):
    """The message itself is wrong; nothing was attempted. ``field`` names the part to mend."""

    fault = Fault.MESSAGE

    def __init__(self, sentence: str, *, field: str | None = None, **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.field = field


class KeyConflict(InvalidMessage):
    """This key belongs to another message."""


class Unsupported(NotSent):
    """This provider cannot say the message accurately; nothing is ever dropped in silence."""

    fault = Fault.PROVIDER


class Unreachable(NotSent):
    """The message did not leave us whole, so the provider cannot have taken it."""

    fault = Fault.PROVIDER
    retry_later = True


class RateLimited(NotSent):
    """The provider asks us to come back later. ``retry_after`` is in seconds, None if not said."""

    fault = Fault.PROVIDER
    retry_later = True

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(sentence, **facts)
        self.retry_after = retry_after


class Refused(NotSent):
    """An understood "no". ``by`` is "provider", or "polysms" for opt-outs and rails."""

    fault = Fault.PROVIDER

    def __init__(self, sentence: str, *, by: str = "provider", **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.by = by


class AllFailed(NotSent):
    """Every account of the route was tried or skipped; ``delivery.attempts`` tells the tries."""

    fault = Fault.PROVIDER


class MaybeSent(PolysmsError):
    """The message may have been sent: sending it again may send it twice.

    Not a failure and not a success. Look it up (``fetch``, ``list_remote``) or wait for its report.
    """

    fault = Fault.PROVIDER


class Unreadable(MaybeSent):
    """The provider answered, in words we do not know: the message may well be on its way."""


class LookupFailed(PolysmsError):
    """A fetch, a list or a check got no usable answer; nothing was sent by it."""

    fault = Fault.PROVIDER
    retry_later = True


class NotFound(LookupFailed):
    """The provider knows no such message."""

    retry_later = False


class LedgerError(PolysmsError):
    """The ledger failed: raised by a send only while it is surely not sent."""

    fault = Fault.US


class WebhookError(PolysmsError):
    """A webhook that cannot be believed or read."""


class BadSignature(WebhookError):
    """The webhook's signature or token is missing or wrong."""


class BadPayload(WebhookError):
    """The webhook's body cannot be read."""
