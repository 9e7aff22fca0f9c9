"""The contract's rules as tests of pytest, without a file of the user's."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import zip_longest
from typing import Any

import pytest

from polysms.errors import ConfigError
from polysms.testing.contract.example import Example
from polysms.testing.contract.rules import RULES
from polysms.testing.contract.subject import Broken, Rule, Subject, Unwritten

ROOT = "polysms-contract"


def of(config: pytest.Config, providers: Sequence[str], examples: Sequence[str]) -> Collecting:
    """Return what collects the tests of these providers; raise UsageError for what is none."""
    if len(examples) > len(providers):
        raise pytest.UsageError(
            f"--polysms-example is given {len(examples)} times, --polysms-provider "
            f"{len(providers)} times: name a provider for each example"
        )
    # As `python -m pytest` does: the adapter may be a file beside, that nobody has installed.
    sys.path.append(str(config.invocation_params.dir))
    pairs = zip_longest(providers, examples)
    return Collecting([_subject(provider, example) for provider, example in pairs])


def _subject(provider: str, example: str | None) -> Subject:
    try:
        return Subject.of(provider, None if example is None else _example(example))
    except ConfigError as error:
        raise pytest.UsageError(f"--polysms-{error}") from error


def _example(place: str) -> Example:
    module, colon, name = place.partition(":")
    try:
        found: Any = getattr(import_module(module), name) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"--polysms-example: cannot load {place!r}: {error}") from error
    if not isinstance(found, Example):
        raise pytest.UsageError(
            f"--polysms-example: {place!r} is no Example: name one of "
            "polysms.testing.contract.Example as my_package.example:ROW"
        )
    return found


class Collecting:
    """A plugin of pytest that adds the rules, for each adapter, to what was collected."""

    def __init__(self, subjects: list[Subject]) -> None:
        self.subjects = subjects

    # First of all, so that -k and -m choose among these tests too.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add a test for each rule and adapter."""
        root: Any = Folder.from_parent(session, name=ROOT, nodeid=ROOT)
        for subject in self.subjects:
            folder = Folder.from_parent(root, name=subject.title)
            items.extend(
                Kept.from_parent(folder, name=rule.name, rule=rule, subject=subject)
                for rule in RULES.values()
            )

    def pytest_report_collectionfinish(self) -> str:
        """Say what was added: the count above it is of the user's own tests."""
        titles = ", ".join(subject.title for subject in self.subjects)
        return f"{ROOT}: {len(RULES)} rules for {titles}"


class Folder(pytest.Collector):
    """A name above the tests: the contract's, or an adapter's."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield nothing: the plugin adds the tests."""
        return iter(())


class Kept(pytest.Item):
    """The test that an adapter keeps one rule."""

    def __init__(self, *, rule: Rule, subject: Subject, **facts: Any) -> None:
        super().__init__(**facts)
        self.rule = rule
        self.subject = subject
        #: Whose docstring ``--collect-only -v`` shows.
        self.obj = rule.find

    def runtest(self) -> None:
        """Hold the adapter to the rule."""
        try:
            self.rule.check(self.subject)
        except Unwritten as error:
            pytest.skip(str(error))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> Any:
        """Return what is wrong in plain words; only a bug of ours has a traceback."""
        if isinstance(excinfo.value, Broken):
            return f"{self.subject.title} breaks {self.rule.name}.\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return where the test is: nowhere but in the contract."""
        return self.path, None, f"{ROOT}: {self.subject.title} {self.rule.name}"
