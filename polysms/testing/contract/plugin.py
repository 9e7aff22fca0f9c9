"""The pytest plugin for adapters: ``pytest --polysms-provider my_package:Provider``.

Every run of pytest where polysms is installed loads this file: what it needs is imported where the
option is given.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("polysms", "adapters for polysms")
    group.addoption(
        "--polysms-provider",
        action="append",
        default=[],
        metavar="PLACE",
        help=(
            "hold an adapter to polysms' contract: my_package.module:Provider, or the name that a "
            "package gives it; may be given again"
        ),
    )
    group.addoption(
        "--polysms-example",
        action="append",
        default=[],
        metavar="PLACE",
        help=(
            "what the provider's documentation shows: my_package.example:ROW, an Example of "
            "polysms.testing.contract; the first is the first provider's, and so on"
        ),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make ready what collects the contract's tests, where a provider is named."""
    providers = config.getoption("polysms_provider")
    examples = config.getoption("polysms_example")
    if not providers and not examples:
        return
    from polysms.testing.contract import collecting  # noqa: PLC0415 - see above

    config.pluginmanager.register(collecting.of(config, providers, examples), "polysms-collecting")
