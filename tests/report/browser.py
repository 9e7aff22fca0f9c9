"""A real browser for tests: Chromium without a window, spoken to through two pipes.

What it says and is told is the DevTools protocol: JSON, each message ended by a zero byte. Nothing
but the browser itself is needed for it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: What a browser is called where one is installed.
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: So long is waited for an answer, on a machine as busy as can be.
PATIENCE = 60.0

_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    # No name is ever looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
#: The browser reads from the third and writes to the fourth file of its process.
_STARTER = "import os, sys; r, w = map(int, sys.argv[1:3]); os.dup2(r, 3); os.dup2(w, 4); "
_STARTER += "os.execv(sys.argv[3], sys.argv[3:])"


def found() -> str | None:
    """Return where a browser is; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class BrowserError(Exception):
    """The browser did not do as it was told."""


class Browser:
    """A browser with one page at a time."""

    def __init__(self, to: int, of: int) -> None:
        self._to = to
        self._of = of
        self._number = 0
        self._session: str | None = None
        self._target: str | None = None
        self._rest = b""
        self._heard: list[Mapping[str, Any]] = []

    def tell(self, method: str, **wishes: Any) -> Mapping[str, Any]:
        """Return what the browser answers to a method of its protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": wishes}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            heard = self._next(end)
            if heard.get("id") == self._number:
                if "error" in heard:
                    raise BrowserError(f"{method}: {heard['error']}")
                answer: Mapping[str, Any] = heard["result"]
                return answer
            self._heard.append(heard)

    def _next(self, end: float) -> Mapping[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._of], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self._of, 1 << 20) if ready else b""
            if not part:
                raise BrowserError("The browser says nothing more.")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        heard: Mapping[str, Any] = json.loads(message)
        return heard

    def open(
        self, page: Path, *, width: int = 1280, dark: bool = False, scripts: bool = True
    ) -> None:
        """Open a page in a window of this width, in the light or the dark."""
        if self._target:
            self._session = None
            self.tell("Target.closeTarget", targetId=self._target)
        self._target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        attached = self.tell("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.tell(f"{domain}.enable")
        self.resize(width)
        self.light(dark=dark)
        self.tell("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._heard.clear()
        self.tell("Page.navigate", url=page.as_uri())
        here = json.dumps(page.as_uri())
        self.wait_for(f"location.href === {here} && document.readyState === 'complete'")

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window another size."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def light(self, *, dark: bool, media: str = "") -> None:
        """Put the page in the light or the dark, on a screen or on paper (``print``)."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, script: str) -> Any:
        """Return what an expression comes to on the page, as plain data."""
        answer = self.tell(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true on the page."""
        end = time.monotonic() + PATIENCE
        while not self._is_so(script):
            if time.monotonic() > end:
                raise BrowserError(f"It never came to this: {script}")
            time.sleep(0.02)

    def _is_so(self, script: str) -> bool:
        try:
            return bool(self.run(script))
        except BrowserError:
            # Between two pages there is nothing that could tell.
            return False

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        facts = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.tell("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        self.tell("Input.dispatchKeyEvent", type="keyUp", **facts)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write what is seen into a file, or the whole page."""
        answer = self.tell("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def heard(self, *methods: str) -> list[Mapping[str, Any]]:
        """Return what the browser said by itself since the page was opened, of these kinds."""
        self.run("1")
        return [one["params"] for one in self._heard if one.get("method") in methods]


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Browser]:
    """Run a browser that keeps what it must keep in a folder of its own."""
    (its_end, to), (of, its_start) = os.pipe(), os.pipe()
    files = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (its_end, its_start)]
    for one in (its_end, its_start):
        os.close(one)
    words = [str(file) for file in files]
    command = [sys.executable, "-I", "-S", "-c", _STARTER, *words, program, *_OPTIONS]
    process = subprocess.Popen(  # noqa: S603 - the browser that was found
        [*command, f"--user-data-dir={folder}", "about:blank"],
        pass_fds=files,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    for one in files:
        os.close(one)
    try:
        yield Browser(to, of)
    finally:
        os.close(to)
        os.close(of)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
