"""``polysms check``: a number that its provider does not let send is told of beforehand."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command

LINE = "carrierx://canary@?sender=%2B{}"


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("13135550196", "status in_progress"),
        ("13135550195", "status disabled"),
        ("13135550194", "status failed"),
        ("13135550193", "it is not capable of SMS"),
        ("13135550101", None),
        ("13135550142", None),
    ],
)
def test_number_that_cannot_send(command: Command, number: str, why: str | None) -> None:
    """The state of messaging is told for a number that the provider has, masked; no error."""
    said = command("check", "--url", LINE.format(number))
    lines = [line for line in said.out.splitlines() if "cannot send" in line]
    wanted = f"  warning: sender +1********{number[-2:]} cannot send yet: {why}"

    assert 0 == said.code
    assert ([] if why is None else [wanted]) == lines


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "arguments", [("--offline",), ("--url", "carrierx://canary-invalid@?sender=%2B13135550196")]
)
def test_nothing_is_asked_without_good_credentials(
    command: Command, arguments: tuple[str, ...]
) -> None:
    """Offline, or where nobody is let in, no state is told."""
    line = ("--url", LINE.format("13135550196")) if arguments == ("--offline",) else ()
    assert "cannot send" not in command("check", *arguments, *line).out
