"""Tell what the tests covered; exit with 1 where it is too little.

A program: ``python tests/covered.py FOLDER``, the folder in which the figures lie.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.house.plan import ANNEXES, PROVIDER, PURE

#: The pure rooms touch nothing, so every branch of them can be tested.
PURE_PERCENT = 100


def files() -> Iterator[str]:
    """Yield the patterns of the files of the pure rooms."""
    annexes = [annex for annex, room in ANNEXES.items() if room in PURE]
    for room in sorted({*PURE, *annexes} - {PROVIDER}):
        path = room.replace(".", "/")
        yield from (f"polysms/{path}.py", f"polysms/{path}/*")


def run(*words: str) -> int:
    """Run coverage with the figures in the folder; return its exit code."""
    return subprocess.run([sys.executable, "-m", "coverage", *words], check=False).returncode  # noqa: S603


def main(folder: str) -> int:
    """Join the figures of a folder and tell them."""
    if not any(Path(folder).glob(".coverage.*")):
        print("Nothing was measured: that is done on Python 3.12, which is not installed.")  # noqa: T201
        return 0
    data = f"--data-file={folder}/.coverage"
    pure = ",".join(files())
    whole = run("combine", data, "--keep", "--quiet", folder) or run("report", data)
    return whole or run("report", data, f"--fail-under={PURE_PERCENT}", f"--include={pure}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
