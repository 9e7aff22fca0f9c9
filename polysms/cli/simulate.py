"""``polysms simulate``: an experiment on virtual time, before it is paid for."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from polysms.cli.failure import DONE, reported
from polysms.cli.options import WHERE, Json
from polysms.cli.output import Output
from polysms.cli.simulated import show
from polysms.config.reading import fault
from polysms.errors import ConfigError
from polysms.simulation import Plan, plan_of, simulate

EXAMPLE = """\
# What you know, or guess, of your traffic and your providers. Played by:
#   polysms simulate plan.toml
per_day  = 2000        # texts in all
days     = 28          # how long you would go on; looked at after each
plays    = 200         # how often it is played, with other chances each time
seed     = 1           # the same seed, the same plays
failover = true        # what one refuses, another one is given
margin   = 0.01        # the difference that matters to you
currency = "USD"
# sticky        = true # a recipient stays with a provider,
# per_recipient = 4    # is sent so many texts,
# alike         = 0.5  # and so much do they share one fate (0 to 1)

[countries]            # the parts of the texts; leave it out if it does not matter
US = 0.7
GB = 0.3

[arms.wavix]
delivers = { US = 0.96, GB = 0.92 }  # of those it takes; or one number for all
delay    = "3s"        # by then half of what arrives has arrived
delay_90 = "12s"       # and by then nine of ten
price    = 0.0075      # of each text that it takes
refuses  = 0.005       # the share that it refuses at once
share    = 1           # of the texts, beside the others' shares

[arms.signalwire]
delivers = { US = 0.94, GB = 0.90 }
delay    = "5s"
delay_90 = "20s"
price    = 0.006
"""
_QUICK = ("delivers", "delay", "price")
_AS = "as wavix=0.95,3s,0.0075: what it delivers, how fast, the price of a text"

File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The plan, in TOML: --example prints one."),
]
Arms = Annotated[
    list[str] | None,
    typer.Option("--arm", metavar="NAME=RATE,DELAY,PRICE", help=f"A provider, {_AS}."),
]
Shares = Annotated[
    list[str] | None,
    typer.Option("--share", metavar="NAME=NUMBER", help="How much of the texts it is given: 1."),
]
PerDay = Annotated[int | None, typer.Option(metavar="N", help="Texts a day in all: 1000.")]
Days = Annotated[int | None, typer.Option(metavar="N", help="Days, each ended by a look: 28.")]
Plays = Annotated[int | None, typer.Option(metavar="N", help="How often it is played: 200.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="The seed of chance: 1.")]
Failover = Annotated[
    bool | None,
    typer.Option("--failover/--no-failover", help="Whether another is given what one refuses."),
]
Sticky = Annotated[
    bool | None,
    typer.Option("--sticky/--no-sticky", help="Whether a recipient stays with a provider."),
]
PerRecipient = Annotated[
    int | None, typer.Option(metavar="N", help="With --sticky: texts to each recipient.")
]
Example = Annotated[bool, typer.Option("--example", help="Print a plan to begin with.")]


@reported
def simulated(  # noqa: PLR0913 - each wish by name
    file: File = None,
    *,
    arm: Arms = None,
    share: Shares = None,
    per_day: PerDay = None,
    days: Days = None,
    plays: Plays = None,
    seed: Seed = None,
    failover: Failover = None,
    sticky: Sticky = None,
    per_recipient: PerRecipient = None,
    example: Example = False,
    json: Json = False,
) -> int:
    """Play an experiment by your own figures: what it would show, when, and at what cost.

    Nothing is sent and nothing is read but FILE. The report's own functions judge the played
    texts, so it shows what `polysms compare` would say.
    """
    output = Output(json=json)
    if example:
        typer.echo(EXAMPLE, nl=False)
        return DONE
    options = {
        "per_day": per_day,
        "days": days,
        "plays": plays,
        "seed": seed,
        "failover": failover,
        "sticky": sticky,
        "per_recipient": per_recipient,
    }
    plan = _plan(file, arm or (), share or (), options)
    outcome = simulate(plan, random.Random(plan.seed).random)  # noqa: S311 - it shall repeat
    if json:
        output.document(outcome.to_dict())
    else:
        show(outcome, output)
    return DONE


def _plan(
    file: Path | None, arms: Sequence[str], shares: Sequence[str], options: dict[str, Any]
) -> Plan:
    if file is not None and arms:
        raise ConfigError("A plan and --arm are both given; give one.")
    if file is None and not arms:
        raise fault("--arm", f"give two at least, {_AS}; or a plan (--example prints one)", WHERE)
    table = _read(file) if file else {"arms": dict(map(_arm, arms))}
    for written in shares:
        _shared(table, written)
    given = {name: value for name, value in options.items() if value is not None}
    where = WHERE if file is None else (f"{file} and {WHERE}" if given or shares else str(file))
    return plan_of(table | given, where)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{file}: {reason}. A plan to begin with: --example") from None
    except ValueError as error:
        raise ConfigError(f"{file} is no TOML: {error}") from None


def _arm(written: str) -> tuple[str, dict[str, Any]]:
    name, equals, facts = written.partition("=")
    values = [value.strip() for value in facts.split(",")]
    if not equals or not name.strip() or not 1 <= len(values) <= len(_QUICK) or not all(values):
        raise fault("--arm", f"{written!r} is no provider; write it {_AS}", WHERE)
    return name.strip(), dict(zip(_QUICK, values, strict=False))


def _shared(table: dict[str, Any], written: str) -> None:
    name, _, value = (part.strip() for part in written.partition("="))
    arms = table.get("arms")
    if not isinstance(arms, dict) or not isinstance(arms.get(name), dict) or not value:
        known = f"; the arms are {', '.join(arms)}" if isinstance(arms, dict) and arms else ""
        raise fault("--share", f"{written!r} is none; write it as NAME=2{known}", WHERE)
    arms[name]["share"] = value
