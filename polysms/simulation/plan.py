"""What is known, or guessed, of providers and traffic before an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from polysms.config.reading import Seconds, fault, known, nearest, read, value_of
from polysms.report import Terms

#: Nine of ten have arrived by so many times the time of half, where nothing else is said.
_TAIL = 3.6
_MOST_ARMS = 8
#: Periods in all, times accounts and countries: more take minutes.
_MOST_WORK = 1_000_000
_ARMS = "arms"


def _share(key: str, value: object) -> float:
    number = _number(key, value)
    if not 0 <= number <= 1:
        remedy = f"; did you mean {number / 100:g}?" if 1 < number <= 100 else ""
        raise ValueError(f"{key}: {value} is no share from 0 to 1, as 0.95{remedy}")
    return number


def _number(key: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"{key}: {value!r} is no number; write one as 0.95") from None


def _delivers(value: object) -> Mapping[str, float]:
    """Return a share by country, "" for all the others."""
    listed = value if isinstance(value, Mapping) else {"": value}
    if not listed:
        raise ValueError("delivers: is empty; write a share, as 0.95, or one for each country")
    return {country: _share("delivers", share) for country, share in listed.items()}


def _refuses(value: object) -> float:
    return _share("refuses", value)


def _within(least: float, most: float) -> Any:
    def check(_: Any, field: attrs.Attribute[Any], value: float) -> None:
        if not least <= value <= most:
            raise ValueError(f"{field.name}: {value:g} is not from {least:g} to {most:g}")

    return check


@attrs.frozen(kw_only=True)
class Arm:
    """A provider as you take it to be.

    ``delivers``: of the texts that it takes, this share arrives; by country where they differ.
    ``delay``: by then half of what arrives has arrived, by ``delay_90`` nine of ten. ``price`` of
    each text that it takes; ``refuses``: the share that it refuses at once. ``share``: how many it
    is given, beside the shares of the others.
    """

    delivers: Any = attrs.field(converter=_delivers, hash=False)
    delay: Seconds = Seconds(5.0)
    delay_90: Seconds | None = None
    price: float = attrs.field(default=0.0, validator=_within(0, 1e6))
    refuses: Any = attrs.field(default=0.0, converter=_refuses)
    share: float = attrs.field(default=1.0, validator=_within(1e-6, 1e6))

    def __attrs_post_init__(self) -> None:
        """Refuse delays that contradict each other."""
        if self.delay_90 is not None and self.delay_90 < self.delay:
            raise ValueError("delay_90: comes before delay, by which half have arrived")

    @property
    def tail(self) -> float:
        """By when nine of ten of what arrives have arrived, in seconds."""
        return self.delay * _TAIL if self.delay_90 is None else self.delay_90

    def delivered(self, country: str) -> float:
        """Return the share of all it is given that arrives through it."""
        share: float = self.delivers.get(country, self.delivers.get("", 0.0))
        return share * float(1 - self.refuses)


def _countries(value: Mapping[str, float]) -> Mapping[str, float]:
    if not all(0 < share < float("inf") for share in value.values()):
        raise ValueError("countries: write shares above 0, as { US = 0.7, GB = 0.3 }")
    return value or {"": 1.0}


@attrs.frozen(kw_only=True)
class Plan:
    """An experiment: its providers, its traffic, and what is asked of it.

    ``per_day`` texts in all, on so many ``days``, looked at after each; ``plays`` times, with
    other chances each. ``failover``: what one account refuses the next one is given. ``sticky``: a
    recipient stays with an account; he is sent ``per_recipient`` texts, of which the part
    ``alike`` has one fate. ``margin``, ``power`` and ``level`` are those of the report.
    """

    arms: Any = attrs.field(factory=dict, hash=False)
    per_day: int = attrs.field(default=1000, validator=_within(1, 10_000_000))
    days: int = attrs.field(default=28, validator=_within(1, 366))
    plays: int = attrs.field(default=200, validator=_within(1, 10_000))
    seed: int = 1
    countries: Mapping[str, float] = attrs.field(factory=dict, converter=_countries, hash=False)
    failover: bool = True
    sticky: bool = False
    per_recipient: int = attrs.field(default=1, validator=_within(1, 50))
    alike: float = attrs.field(default=0.5, validator=_within(0, 1))
    margin: float = attrs.field(default=0.01, validator=_within(0.0001, 0.5))
    power: float = attrs.field(default=0.8, validator=_within(0.5, 0.999))
    level: float = attrs.field(default=0.95, validator=_within(0.5, 0.9999))
    currency: str = "USD"

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together, and what would take too long."""
        if not 2 <= len(self.arms) <= _MOST_ARMS:
            raise ValueError(
                f"arms: are {len(self.arms)}; write two at least, {_MOST_ARMS} at most"
            )
        if self.per_recipient > 1 and not self.sticky:
            raise ValueError("per_recipient: counts on a sticky route alone; set sticky = true")
        work = self.plays * self.days * len(self.arms) * len(self.countries)
        if work > _MOST_WORK:
            raise ValueError(f"plays: {self.plays} take too long; {self._fewer(work)} would do")
        for name, arm in self.arms.items():
            self._require_countries(name, arm)

    def _fewer(self, work: int) -> int:
        return max(1, self.plays * _MOST_WORK // work)

    def _require_countries(self, name: str, arm: Arm) -> None:
        named = set(arm.delivers) - {""}
        strange = sorted(named - set(self.countries))
        if strange:
            hint = nearest(strange[0], self.countries) if self.countries.keys() != {""} else ""
            sentence = f"{strange[0]!r} is none of the countries; {hint or 'write [countries]'}"
            raise ValueError(f"arms.{name}.delivers: {sentence}")
        missing = sorted(set(self.countries) - named) if "" not in arm.delivers else []
        if missing:
            raise ValueError(f"arms.{name}.delivers: says nothing of {missing[0]}; add it")

    @property
    def terms(self) -> Terms:
        """What is asked of the report."""
        return Terms(
            level=self.level,
            margin=self.margin,
            power=self.power,
            sticky=self.sticky,
            looks=self.days,
        )

    @property
    def parts(self) -> Mapping[str, float]:
        """The chance with which a text is given to each account."""
        whole = sum(arm.share for arm in self.arms.values())
        return {name: arm.share / whole for name, arm in self.arms.items()}

    @property
    def traffic(self) -> Mapping[str, float]:
        """The part of the texts that goes to each country."""
        whole = sum(self.countries.values())
        return {country: share / whole for country, share in self.countries.items()}

    @property
    def inflation(self) -> float:
        """How many texts tell as much as one alone, because some have one fate (Kish, 1965)."""
        return 1 + (self.per_recipient - 1) * self.alike if self.sticky else 1.0

    def delivered(self, name: str) -> float:
        """Return the share of all that an account is given that arrives through it."""
        arm = self.arms[name]
        every = (part * arm.delivered(country) for country, part in self.traffic.items())
        return float(sum(every))


def plan_of(table: Mapping[str, Any], where: str) -> Plan:
    """Return the plan that a table describes; raise ConfigError that names the key."""
    names = [field.name for field in attrs.fields(Plan)]
    known(table, names, "", where)
    listed = table.get(_ARMS, {})
    if not isinstance(listed, Mapping):
        raise fault(_ARMS, "write a table for each provider, as [arms.wavix]", where)
    arms = {name: read(Arm, facts, f"{_ARMS}.{name}", where) for name, facts in listed.items()}
    return _read(table, arms, where)


def _read(table: Mapping[str, Any], arms: Mapping[str, Arm], where: str) -> Plan:
    values = {name: _value(name, value, where) for name, value in table.items() if name != _ARMS}
    try:
        return Plan(arms=arms, **values)
    except ValueError as error:
        key, _, sentence = str(error).partition(": ")
        raise fault(key, sentence, where) from None


def _value(name: str, value: object, where: str) -> Any:
    fields: Any = attrs.fields_dict(attrs.resolve_types(Plan))
    return value_of(value, fields[name].type, name, where)
