"""``polysms compare``: which account really delivers, as the ledger has counted it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from polysms.cli import compared
from polysms.cli.failure import DONE, reported
from polysms.cli.options import WHERE, File, Json, Url, configured, moment
from polysms.cli.output import Output
from polysms.client import Client
from polysms.config.reading import fault
from polysms.report import Report

Route = Annotated[
    str | None, typer.Option("--route", metavar="NAME", help="The route; else the only experiment.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only later ones: 7d ago, or 2026-11-21."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only earlier ones.")]
By = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="WHAT", help="Show country, kind, carrier, sender or tag."),
]
Observational = Annotated[
    bool,
    typer.Option("--observational", help="What was not assigned by chance. Proves no cause."),
]
Canaries = Annotated[
    list[str] | None,
    typer.Option("--canary", metavar="NUMBER", help="A number that you know to be dead."),
]
Margin = Annotated[
    float, typer.Option("--margin", metavar="SHARE", help="The difference that matters to you.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page that opens offline.")
]


@reported
def compare(  # noqa: PLR0913 - one argument for each option
    *,
    route: Route = None,
    since: Since = None,
    until: Until = None,
    by: By = None,
    observational: Observational = False,
    canary: Canaries = None,
    margin: Margin = 0.01,
    html: Html = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Compare the accounts of an experiment: who delivers more, sooner, and for how much.

    Each text counts for the account that chance gave it first, whatever was
    done afterwards. Exit codes: 0 done, whatever it shows; 2 wrong usage or
    configuration; 3 the database failed.
    """
    now = datetime.now(UTC)
    output = Output(json=json)
    wanted: dict[str, Any] = {
        "since": moment("--since", since, now),
        "until": moment("--until", until, now),
        "observational": observational,
        "canaries": canary or (),
        "margin": margin,
    }
    with Client(configured(config, url)) as client:
        report = client.compare(route, by=by or (), **wanted)
        if html is not None:
            _write(html, report, client.compare_over_time(route, **wanted))
    if json:
        output.document(report.to_dict())
        return DONE
    compared.show(report, output, by=by or ())
    if html is not None:
        output.say(f"The page is in {html}.")
    return DONE


def _write(file: Path, report: Report, periods: Sequence[tuple[str, Report]]) -> None:
    from polysms.report.page import page  # noqa: PLC0415 - large, and wanted now and then

    try:
        file.write_text(page(report, periods=periods), encoding="utf-8")
    except OSError as error:
        raise fault("--html", f"{file} cannot be written: {error.strerror}", WHERE) from error
