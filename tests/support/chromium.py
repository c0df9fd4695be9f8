"""A real browser without a window: Chromium, driven over pipes by the Chrome DevTools Protocol.

No driver and no package is needed: the browser reads commands from file descriptor 3 and answers on 4, each a
JSON object that ends with a null byte (``--remote-debugging-pipe``).
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell")
LIMIT = 30.0


def find_chromium() -> str:
    """The browser of this machine (or the one in ``CHROMIUM``); empty where there is none."""
    named = os.environ.get("CHROMIUM", "")
    return named or next(filter(None, map(shutil.which, NAMES)), "")


class Chromium:
    """One page of a browser. ``requested`` are the addresses that it asked for since it was opened."""

    def __init__(self, writes: int, reads: int) -> None:
        self._writes, self._reads = writes, reads
        self._rest = b""
        self._number = 0
        self._session = ""
        self.requested: list[str] = []

    def open_page(self) -> None:
        """Attach to a page of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def prefer(self, scheme: str) -> None:
        """Look as in light or dark mode."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def go(self, url: str) -> None:
        """Open an address and wait for its page."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def until(self, condition: str) -> None:
        """Wait until a condition of the page holds."""
        end = time.monotonic() + LIMIT
        while self.ask(condition) is not True:
            assert time.monotonic() < end, f"{condition}: {self.ask('document.body.innerText')}"

    def ask(self, expression: str) -> Any:
        """What the page gives for an expression; None while it is being replaced by another."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, fails=True)
        return found.get("result", {}).get("value")

    def press(self, selector: str) -> None:
        """Click in the middle of an element, as a mouse does."""
        place = self.ask(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=1,
                fails=True,
            )

    def call(self, method: str, *, fails: bool = False, **params: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("method") == "Network.requestWillBeSent":
                self.requested.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._number:
                assert fails or "error" not in answer, answer
                found: dict[str, Any] = answer.get("result", {})
                return found

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._reads], [], [], LIMIT)[0], "the browser does not answer"
            more = os.read(self._reads, 65_536)
            assert more, "the browser has ended"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


@contextmanager
def chromium(program: str, profile: Path) -> Iterator[Chromium]:
    """Start the browser with a profile of its own, and end it after the block."""
    to_read, writes = os.pipe()
    reads, to_write = os.pipe()

    def hand_over() -> None:
        """The browser knows its pipes by number: 3 and 4."""
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, 20) for each in (to_read, to_write)]
        for place, each in enumerate(high, 3):
            os.dup2(each, place)
            os.close(each)

    process = subprocess.Popen(
        [
            *(program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"),
            *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
            *("--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}"),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=hand_over, close_fds=False,
    )  # fmt: skip
    os.close(to_read)
    os.close(to_write)
    browser = Chromium(writes, reads)
    try:
        browser.open_page()
        yield browser
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(writes)
        os.close(reads)
