"""The adapter that is held to the contract, and what a rule is."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from polysms.config import Account, Config, Timeouts
from polysms.config.reading import Seconds
from polysms.config.routes import Route
from polysms.message import Message
from polysms.providers import checked, load
from polysms.providers.base import Request, secrets_of
from polysms.testing.contract.example import PICTURE, REFERENCE, Example

#: Everything a test says is invented: these numbers reach nobody.
TO = "+13135550123"
SENDER = "+13135550100"
TEXT = "hi ☺"
_LONG = Seconds(15)
#: What should come has time on a busy machine too, what should not is not waited for.
PATIENT = Timeouts(connect=_LONG, read=_LONG, write=_LONG, pool=_LONG)
#: Findings that a failure shows; the rest is counted.
MOST_SHOWN = 5
_HERE = Path(__file__).parent
_PYTHON = Path(inspect.__file__).parent
_WRITE = (
    "write an Example of what the provider's documentation shows (polysms.testing.contract.Example)"
    " and name it: --polysms-example my_package.example:ROW"
)


@attrs.frozen
class Finding:
    """One way in which a rule is broken: in which case, what is believed, what it should be."""

    case: str
    believed: str
    should: str

    def __str__(self) -> str:
        """Return it as a person would say it."""
        return f"{self.case}: the adapter has {self.believed}; it should have {self.should}"


class Unwritten(BaseException):
    """A rule cannot be tried: what it needs is not there."""


class Broken(AssertionError):
    """An adapter breaks a rule: which, in which cases, and why that matters."""

    def __init__(self, rule: Rule, findings: list[Finding]) -> None:
        self.rule = rule
        self.findings = findings
        shown = [f"  - {finding}" for finding in findings[:MOST_SHOWN]]
        if len(findings) > MOST_SHOWN:
            shown.append(f"  - and {len(findings) - MOST_SHOWN} more")
        lines = (f"The rule: {rule.sentence}", *shown, f"Why it matters: {rule.why}")
        super().__init__("\n".join(lines))


@attrs.frozen
class Rule:
    """One rule of the contract.

    ``find`` yields what breaks it, ``why`` says why that matters; it needs the methods ``needs``,
    an example where it ``reads`` one, and a server that it ``sends`` to.
    """

    find: Callable[[Subject], Iterator[Finding]]
    why: str
    needs: tuple[str, ...] = ()
    reads: bool = False
    sends: bool = False

    @property
    def name(self) -> str:
        """Its name, as tests show it."""
        return self.find.__name__

    @property
    def sentence(self) -> str:
        """What it demands, in a sentence."""
        return inspect.getdoc(self.find) or ""

    def check(self, subject: Subject) -> None:
        """Raise Broken where an adapter breaks it, Unwritten where it cannot be tried."""
        for method in self.needs:
            if not hasattr(subject.kind, method):
                raise Unwritten(f"{subject.title} has no {method}: there is nothing to try")
        if self.reads and subject.example is None:
            raise Unwritten(_WRITE)
        findings: list[Finding] = []
        try:
            findings += self.find(subject)
        except Unwritten:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the adapter's answer
            findings.append(Finding("in the middle of it", raised(error), "no error"))
        if findings:
            raise Broken(self, findings)


def rule(why: str, *needs: str, reads: bool = False, sends: bool = False) -> Callable[[Any], Rule]:
    """Return what makes a rule of a function that yields what breaks it."""

    def made(find: Callable[[Subject], Iterator[Finding]]) -> Rule:
        return Rule(find, why, needs, reads, sends)

    return made


def unlike(case: str, should: object, believed: object) -> Iterator[Finding]:
    """Yield a finding where what is believed is not what it should be."""
    if should != believed:
        yield Finding(case, shown(believed), shown(should))


def unless(holds: object, case: str, believed: object, should: str) -> Iterator[Finding]:
    """Yield a finding unless something holds."""
    if not holds:
        yield Finding(case, shown(believed), should)


def shown(value: object) -> str:
    """Return a value as a finding shows it: a kind by its name, anything else in short."""
    if isinstance(value, type):
        return value.__name__
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 200 else f"{text[:200]}…"


def raised(error: BaseException) -> str:
    """Return that an error was raised, and where: in the adapter, not in here."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not Path(frame.filename).is_relative_to(_HERE)]
    own = [frame for frame in outside if not _is_pythons(frame.filename)] or outside
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {shown(str(error))}{place}"


def _is_pythons(filename: str) -> bool:
    return "site-packages" not in filename and Path(filename).is_relative_to(_PYTHON)


class Subject:
    """An adapter's class, and the example that its author gives of its provider, or None."""

    def __init__(self, kind: type[Any], example: Example | None = None) -> None:
        self.kind: Any = checked(kind, kind.__name__, kind.__name__.lower())
        self.example = example

    @classmethod
    def of(cls, place: str, example: Example | None = None) -> Subject:
        """Return the adapter of a place ("my_package:Provider") or a name."""
        return cls(load(place), example)

    @property
    def title(self) -> str:
        """What the adapter's class is called."""
        return str(self.kind.__name__)

    @property
    def row(self) -> Example:
        """The example; raises Unwritten where there is none."""
        if self.example is None:
            raise Unwritten(_WRITE)
        return self.example

    @property
    def settings(self) -> Any:
        """The settings of an account: the example's, else made up."""
        if self.example is not None:
            return self.kind.Settings(**self.example.settings)
        try:
            return self.kind.Settings(**_made_up(self.kind.Settings))
        except Exception as error:  # noqa: BLE001 - a class of somebody's own
            raise Unwritten(f"its Settings take nothing made up ({error}): {_WRITE}") from None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nothing may show: the settings' credentials, the example's canary among them."""
        known = secrets_of(self.settings)
        return known if self.example is None else (self.example.secret, *known)

    @property
    def home(self) -> str:
        """The provider's public address."""
        return str(getattr(self.settings, "home", "https://home.example"))

    @property
    def pictured(self) -> dict[str, Any]:
        """The fields that give a message a picture: none where the provider takes no media."""
        return {"media": [PICTURE]} if self.kind.capabilities.most_media else {}

    def adapter(self, base_url: str | None = None) -> Any:
        """Return the adapter of an account at an address, the provider's own if it is left out."""
        return self.kind(self.settings, self.home if base_url is None else base_url)

    def message(self, **fields: Any) -> Message:
        """Return a message from a sender of the account."""
        sender = SENDER if self.example is None else self.example.sender
        return Message(**{"to": TO, "text": TEXT, "from_": sender, **fields})

    def request(self, **fields: Any) -> Request:
        """Return the request for a message with these fields."""
        request: Request = self.adapter().request(self.message(**fields), REFERENCE)
        return request

    def account(self, name: str, base_url: str, timeouts: Timeouts = PATIENT) -> Account:
        """Return an account of the adapter at an address."""
        settings = self.settings
        return Account(
            name=name,
            provider=self.kind(settings, base_url),
            provider_name=self.kind.name,
            sender=(str(self.message().from_),),
            timeouts=timeouts,
            secrets=secrets_of(settings),
        )

    def config(self, *accounts: Account) -> Config:
        """Return a configuration with the route "all" in this order, and "to NAME" to each."""
        names = tuple(account.name for account in accounts)
        routes = {f"to {name}": Route(accounts=(name,), repeats=0) for name in names}
        routes["all"] = Route(accounts=names, repeats=0)
        known = {account.name: account for account in accounts}
        return Config(accounts=known, routes=routes, default="all")


def _made_up(kind: type[Any]) -> dict[str, Any]:
    needed = [field for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    return {field.name: _VALUES.get(str(field.type), f"{field.name}-canary") for field in needed}


_VALUES: dict[str, Any] = {
    "int": 1,
    "<class 'int'>": 1,
    "bool": False,
    "<class 'bool'>": False,
    "float": 1.0,
    "<class 'float'>": 1.0,
}
