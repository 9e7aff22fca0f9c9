"""The examples in README.md and docs/ are programs, and they run.

All ``python`` blocks of one document run in order in one namespace, in an empty folder. A block
that cannot run is preceded by the comment ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_BLOCK = re.compile(
    r"""^(?P<indent>[ ]*)(?P<fence>`{3,})[ ]*(?P<language>[\w-]*)[^`\n]*\n
    (?P<text>.*?)
    ^(?P=indent)(?P=fence)[ ]*$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_FETCHED = re.compile(r"!\[[^]]*\]\(https?:|\bsrc=.https?:")
_NOT_RUN = re.compile(r"<!-- not run: \S.* -->\s*\Z")


@attrs.frozen
class Block:
    """A fenced block of a document: its language, its text, the line above that text."""

    language: str
    text: str
    line: int
    is_run: bool = True


def blocks(document: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document, those in lists and notes included."""
    for found in _BLOCK.finditer(document):
        before = document[: found.start("text")]
        is_run = _NOT_RUN.search(document[: found.start()]) is None
        text = textwrap.dedent(found["text"])
        yield Block(found["language"], text, before.count("\n"), is_run)


def run(document: str, name: str) -> int:
    """Run a document's ``python`` blocks, called ``name`` in tracebacks; return how many ran."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    programs = [block for block in blocks(document) if block.language == "python" and block.is_run]
    for block in programs:
        # Empty lines before it, so that an error names the line of the document.
        code = compile("\n" * block.line + block.text, name, "exec", dont_inherit=True)
        exec(code, namespace)  # noqa: S102 - running it is the test
    return len(programs)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of a document runs to its end, and none is missed."""
    monkeypatch.chdir(tmp_path)
    document = path.read_text(encoding="utf-8")
    skipped = document.count("<!-- not run:")

    assert document.count("```python") == run(document, str(path)) + skipped


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_load_nothing_from_the_network(path: Path) -> None:
    """A page reads the same on a machine without a network: no picture is fetched."""
    document = path.read_text(encoding="utf-8")

    assert "mermaid" not in {block.language for block in blocks(document)}
    assert None is _FETCHED.search(document)


def test_blocks_share_a_namespace() -> None:
    """A later example goes on where an earlier one stopped."""
    assert 2 == run("```python\na = 1\n```\nand\n```python\nassert a == 1\n```\n", "a.md")


def test_failing_example_names_its_line() -> None:
    """An error in an example is one of the document, at the line where it stands."""
    with pytest.raises(ZeroDivisionError) as caught:
        run("# Title\n\n```python\na = 0\n1 / a\n```\n", "a.md")

    last = caught.traceback[-1]
    assert ("a.md", 4) == (Path(last.path).name, last.lineno)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("```python\na\n```\n", Block("python", "a\n", 1)),
        ("1. one\n\n    ```python\n    a\n    ```\n", Block("python", "a\n", 3)),
        ('```toml title="polysms.toml"\na = 1\n```\n', Block("toml", "a = 1\n", 1)),
        ("````text\n```python\n```\n````\n", Block("text", "```python\n```\n", 1)),
        (
            "<!-- not run: it costs -->\n\n```python\na\n```\n",
            Block("python", "a\n", 3, is_run=False),
        ),
        ("<!-- not run: -->\n```python\na\n```\n", Block("python", "a\n", 2)),
    ],
)
def test_blocks(document: str, expected: Block) -> None:
    """A block is found wherever it stands; one is skipped only for a reason that is given."""
    assert (expected,) == tuple(blocks(document))
