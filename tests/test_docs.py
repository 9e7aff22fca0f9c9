"""The examples in README.md and docs/ are programs, and they run.

A document is read as a reader would: from top to bottom, in an empty folder, with the sandbox
beside it. A block with a title is a file and is written; a ``python`` block runs in the document's
one namespace, and each ``print(...)  # value`` must print that value; in a ``console`` block each
``$`` line runs, and what is shown below it must come. Ids, times and ports may differ. A block
that cannot run is preceded by the comment ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from polysms.client import front
from polysms.sandbox import Behaviour, running

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
#: Where the documents say that the sandbox is.
SANDBOX = "http://127.0.0.1:8026"
_BLOCK = re.compile(
    r"""^(?P<indent>[ ]*)(?P<fence>`{3,})[ ]*(?P<language>[\w-]*)(?P<facts>[^`\n]*)\n
    (?P<text>.*?)
    ^(?P=indent)(?P=fence)[ ]*$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_TITLE = re.compile(r'title="([^"]*)"')
_FETCHED = re.compile(r"!\[[^]]*\]\(https?:|\bsrc=.https?:")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
_NOT_RUN = re.compile(r"<!-- not run: \S.* -->\s*\Z")
_PRINTED = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n", re.MULTILINE)
_SET = re.compile(r"export (\w+)=(.*)|unset (\w+)")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: What differs from run to run.
_VARYING = (
    (_ID, "ID"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{3}…"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?|\b\d\d-\d\d \d\d:\d\d"), "TIME"),
    (re.compile(r"\d+\.\d+ s"), "SECONDS"),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
)
_LOOKED_AT = "echo $?"
_SECONDS = 60


@attrs.frozen
class Block:
    """A fenced block of a document: its language, its text, the line above that text, its title."""

    language: str
    text: str
    line: int
    title: str | None = None
    is_run: bool = True


def blocks(document: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document, those in lists and notes included."""
    for found in _BLOCK.finditer(document):
        line = document[: found.start("text")].count("\n")
        title = _TITLE.search(found["facts"])
        is_run = _NOT_RUN.search(document[: found.start()]) is None
        text = textwrap.dedent(found["text"])
        yield Block(found["language"], text, line, title and title[1], is_run)


def usual(text: str) -> list[str]:
    """Return the lines of an output with what differs from run to run made alike."""
    for varying, word in _VARYING:
        text = varying.sub(word, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


class Reader:
    """Who does what a document says, in the current folder."""

    def __init__(self, name: str, patch: pytest.MonkeyPatch) -> None:
        self._name = name
        self._patch = patch
        self._namespace: dict[str, object] = {"__name__": "__main__"}
        self._ids: dict[str, str] = {}
        self._status = 0

    def read(self, document: str) -> int:
        """Do it all; return how many ``python`` and ``console`` blocks were done."""
        done = 0
        for block in blocks(document):
            if block.is_run and (block.title or block.language in {"python", "console"}):
                self._do(block)
                done += block.language in {"python", "console"}
        return done

    def _do(self, block: Block) -> None:
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            self._execute(block)
        else:
            self._type(block)

    def _execute(self, block: Block) -> None:
        # Empty lines before it, so that an error names the line of the document.
        code = compile("\n" * block.line + block.text, self._name, "exec", dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(code, self._namespace)  # noqa: S102 - running it is the test
        expected = _PRINTED.findall(block.text)

        assert not expected or usual("\n".join(expected)) == usual(said.getvalue())

    def _type(self, block: Block) -> None:
        _, *pieces = _COMMAND.split(block.text)
        commands = pieces[::2]
        for command, following, shown in zip(commands, [*commands[1:], ""], pieces[1::2]):
            self._enter(command, shown.strip("\n"), may_fail=following == _LOOKED_AT)

    def _enter(self, command: str, shown: str, *, may_fail: bool) -> None:
        if setting := _SET.fullmatch(command):
            self._set(*setting.groups())
        elif command == _LOOKED_AT:
            assert shown == str(self._status)
        elif command.startswith("polysms sandbox"):
            self._serve(command, shown)
        else:
            self._run(command, shown)
            assert may_fail or self._status == 0

    def _set(self, name: str | None, value: str, removed: str) -> None:
        if name:
            self._patch.setenv(name, value.strip("'\""))
        else:
            self._patch.delenv(removed)

    def _run(self, command: str, shown: str) -> None:
        for written, real in self._ids.items():
            command = command.replace(written, real)
        done = subprocess.run(  # noqa: S603 - the documents are ours
            ["bash", "-c", command],  # noqa: S607 - any bash will do
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=_SECONDS,
        )
        self._status = done.returncode
        self._ids.update(zip(_ID.findall(shown), _ID.findall(done.stdout), strict=False))

        assert not shown or usual(shown) == usual(done.stdout)

    def _serve(self, command: str, shown: str) -> None:
        """Start what runs until Ctrl-C, on a free port, and look at its first lines."""
        words = [*command.split(), "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8") as process:  # noqa: S603 - as above
            lines = [line for _, line in zip(shown.splitlines(), process.stdout or ())]
            process.terminate()

        assert usual(shown) == usual("".join(lines))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """Play the providers, two hundred times as fast as in life; return the address."""
    with running(behaviour=Behaviour(speed=200)) as playing:
        yield playing.url


@pytest.fixture
def desk(sandbox: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sit the reader down: an empty folder, the sandbox, the command, 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("POLYSMS_SANDBOX", sandbox)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "80")
    # A reader's programs find each other, and nothing of ours lies beside them.
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(front, "_shared", [])
    yield
    for client in front._shared:  # noqa: SLF001 - closed else only when Python ends
        client.close()


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_run(path: Path, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of a document runs and shows what the document says; none is missed."""
    document = path.read_text(encoding="utf-8").replace(SANDBOX, sandbox)
    written = len(re.findall(r"^ *```(?:python|console)\b", document, re.MULTILINE))
    skipped = document.count("<!-- not run:")

    assert written == Reader(str(path), monkeypatch).read(document) + skipped


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_load_nothing_from_the_network(path: Path) -> None:
    """A page reads the same on a machine without a network: no picture is fetched."""
    document = path.read_text(encoding="utf-8")

    assert "mermaid" not in {block.language for block in blocks(document)}
    assert None is _FETCHED.search(document)


def test_links_of_the_readme_lead_somewhere() -> None:
    """Every file the README points to is there; the pages' own links are the build's to check."""
    links = _LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))

    assert [] == [link for link in links if not (ROOT / link).is_file()]
    assert "docs/tutorial.md" in links


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_stand_where_they_are_run(path: Path) -> None:
    """A line that begins with ``polysms`` stands in a ``console`` block, so that it runs."""
    others = [
        line
        for block in blocks(path.read_text(encoding="utf-8"))
        if block.language in {"sh", "bash", "shell", "text", ""}
        for line in block.text.splitlines()
        if re.match(r"(\$ )?polysms ", line)
    ]

    assert [] == others


def test_blocks_share_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later example goes on where an earlier one stopped."""
    document = "```python\na = 1\n```\nand\n```python\nassert a == 1\n```\n"

    assert 2 == Reader("a.md", monkeypatch).read(document)


def test_failing_example_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in an example is one of the document, at the line where it stands."""
    with pytest.raises(ZeroDivisionError) as caught:
        Reader("a.md", monkeypatch).read("# Title\n\n```python\na = 0\n1 / a\n```\n")

    last = caught.traceback[-1]
    assert ("a.md", 4) == (Path(last.path).name, last.lineno)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    "document",
    [
        "```python\nprint(1)  # 2\n```\n",
        "```console\n$ polysms --version\npolysms 0\n```\n",
        "```console\n$ polysms --nonsense\n```\n",
        "```console\n$ polysms --nonsense 2>&1 | head -c 0; exit 2\n$ echo $?\n3\n```\n",
    ],
)
def test_reader_sees_what_is_wrong(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a document shows and what comes must be the same, the exit code too."""
    with pytest.raises(AssertionError):
        Reader("a.md", monkeypatch).read(document)


@pytest.mark.usefixtures("desk")
def test_reader_writes_files_and_keeps_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A titled block is a file, an export holds for what follows, a failure may be looked at."""
    document = (
        '```toml title="polysms.toml"\n[accounts.memory]\nsender = "Acme"\n```\n'
        "```console\n$ export POLYSMS_CONFIG=polysms.toml\n$ polysms check --offline \\\n  --json\n"
        "$ unset POLYSMS_CONFIG\n$ polysms check nobody\n$ echo $?\n2\n```\n"
    )

    assert 1 == Reader("a.md", monkeypatch).read(document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("```python\na\n```\n", Block("python", "a\n", 1)),
        ("1. one\n\n    ```python\n    a\n    ```\n", Block("python", "a\n", 3)),
        ('```toml title="polysms.toml"\na = 1\n```\n', Block("toml", "a = 1\n", 1, "polysms.toml")),
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("871b4eeb-0000-4105-be23-32df9e991456", "c3c08c1f-0000-4105-be23-32df9e991456"),
        ("871b4eeb-000…", "c3c08c1f-efa…"),
        ("created  2026-11-21 07:30:00 UTC", "created  2027-01-02 17:31:02 UTC"),
        ("11-21 07:30", "01-02 17:31"),
        ("2.1 s", "12.4 s"),
        (SANDBOX, "http://127.0.0.1:40321"),
    ],
)
def test_what_varies_is_made_alike(one: str, other: str) -> None:
    """An id, a time, a duration or a port is not compared; all else is."""
    assert usual(one) == usual(other)
    assert usual(one) != usual(f"{other}!")
