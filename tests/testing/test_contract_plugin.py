"""``pytest --polysms-provider``: the contract as tests, without a file of the user's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polysms.testing.contract import RULES
from tests.testing.parrot import written

pytestmark = pytest.mark.unmeasured

BAD = '''"""Two bad adapters."""
from parrot import Parrot
from polysms import Reason
from polysms.providers.base import Refused


class Sure(Parrot):
    """Calls a 500 refused."""

    def read(self, response):
        """Return what an answer means."""
        if response.status == 500:
            return Refused(reason=Reason.OTHER, text="no")
        return super().read(response)


class Falling(Parrot):
    """Falls over what is no JSON."""

    def read(self, response):
        """Return what an answer means."""
        if response.ok:
            response.body.decode()
        return super().read(response)
'''
PROVIDER = ("--polysms-provider", "parrot:Parrot")
EXAMPLE = ("--polysms-example", "parrot_example:ROW")
SECONDS = 100


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with the files of the page on adding a provider, and two bad adapters."""
    for title in ("parrot.py", "parrot_example.py"):
        (tmp_path / title).write_text(written(title), encoding="utf-8")
    (tmp_path / "bad.py").write_text(BAD, encoding="utf-8")
    return tmp_path


def ran(folder: Path, *words: str) -> tuple[int, str]:
    """Run pytest in a folder; return its exit code and what it says."""
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *words],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
    )
    return done.returncode, done.stdout


def test_the_page_passes(desk: Path) -> None:
    """The adapter of the page passes, each rule as a test with a name of its own."""
    code, said = ran(desk, "-v", *PROVIDER, *EXAMPLE)
    assert 0 == code
    shown = [line.split()[0] for line in said.splitlines() if line.startswith("polysms-contract::")]
    assert [f"polysms-contract::Parrot::{name}" for name in RULES] == shown
    assert f"polysms-contract: {len(RULES)} rules for Parrot" in said
    assert "polysms-contract::Parrot::unknown_status_is_tolerated PASSED" in said


def test_beside_tests_of_ones_own(desk: Path) -> None:
    """The user's own tests run too, and -k chooses among all of them."""
    (desk / "test_own.py").write_text("def test_escaped():\n    assert True\n", encoding="utf-8")
    code, said = ran(desk, *PROVIDER, "-v", "-k", "escaped")
    assert 0 == code
    assert "test_own.py::test_escaped PASSED" in said
    assert "polysms-contract::Parrot::ids_are_escaped PASSED" in said
    assert "2 passed" in said


def test_without_an_example(desk: Path) -> None:
    """Without an example what can be tried is; the rest is skipped, with what is to be written."""
    code, said = ran(desk, "-v", "-rs", *PROVIDER, "-k", "not connections and not http")
    assert 0 == code
    assert "polysms-contract::Parrot::nothing_in_an_answer_raises PASSED" in said
    assert "polysms-contract::Parrot::unknown_status_is_tolerated SKIPPED" in said
    plain = "".join(said.split())
    assert "writeanExampleofwhattheprovider'sdocumentationshows" in plain
    assert "--polysms-examplemy_package.example:ROW" in plain


def test_failure_is_a_sentence(desk: Path) -> None:
    """What is wrong is said in words, without a traceback of anybody's."""
    code, said = ran(desk, "--polysms-provider", "bad:Sure", "-k", "http_statuses")
    assert 1 == code
    assert "Sure breaks http_statuses_mean_what_they_say." in said
    assert (
        "HTTP 500 that came after 0.1 s: the adapter has Refused (other); it should have Unclear"
    ) in said
    assert f"Why it matters: {RULES['http_statuses_mean_what_they_say'].why}" in said
    assert "Traceback" not in said
    assert "subject.py" not in said


def test_error_of_the_adapter_names_its_line(desk: Path) -> None:
    """What an adapter raises is told with the line of the adapter."""
    code, said = ran(desk, "--polysms-provider", "bad:Falling", "-k", "nothing_in_an_answer")
    assert 1 == code
    line = BAD.splitlines().index("            response.body.decode()") + 1
    assert "the adapter has UnicodeDecodeError" in said
    assert f"(bad.py, line {line}); it should have" in said


def test_several_adapters(desk: Path) -> None:
    """The options may be given again: the first example is the first provider's, and so on."""
    other = ("--polysms-provider", "bad:Sure")
    code, said = ran(desk, "-v", *PROVIDER, *other, *EXAMPLE, "-k", "unknown_status")
    assert 0 == code
    assert "polysms-contract::Parrot::unknown_status_is_tolerated PASSED" in said
    assert "polysms-contract::Sure::unknown_status_is_tolerated SKIPPED" in said


WRONG = [
    (["--polysms-provider", "parot:Parrot"], "--polysms-provider: cannot load 'parot:Parrot'"),
    (["--polysms-provider", "wavx"], 'did you mean "wavix"?'),
    (["--polysms-provider", "parrot:ParrotOptions"], "is no provider: it lacks Settings"),
    ([*PROVIDER, "--polysms-example", "nowhere:ROW"], "--polysms-example: cannot load 'nowhere"),
    ([*PROVIDER, "--polysms-example", "parrot"], "--polysms-example: 'parrot' is no Example"),
    ([*PROVIDER, "--polysms-example", "parrot:Parrot"], "is no Example: name one of"),
    ([*EXAMPLE], "name a provider for each example"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG)
def test_wrong_options(desk: Path, words: list[str], sentence: str) -> None:
    """A mistake in the options is a sentence, and no test runs."""
    code, said = ran(desk, *words)
    assert pytest.ExitCode.USAGE_ERROR == code
    assert sentence in said
    assert "Traceback" not in said


def test_plugin_loads_nothing() -> None:
    """A run of pytest that does not ask for the contract loads nothing of polysms for it."""
    program = (
        "import json, sys, pytest; before = set(sys.modules);"
        "import polysms.testing.contract.plugin;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    said = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], check=True, capture_output=True, timeout=SECONDS
    ).stdout
    parts = ("polysms", "polysms.testing", "polysms.testing.contract")
    assert [*parts, f"{parts[-1]}.plugin"] == json.loads(said)
