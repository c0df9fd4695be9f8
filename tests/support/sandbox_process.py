"""The sandbox as a process of its own, as users have it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class SandboxProcess:
    """A running sandbox. ``greeting`` is its first line."""

    def __init__(self, process: subprocess.Popen[str], greeting: dict[str, Any]) -> None:
        self.process = process
        self.greeting = greeting

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that lead the tool to it."""
        return {
            "XPM_TUI_XERO_LOGIN_URL": self.greeting["login_url"],
            "XPM_TUI_XERO_IDENTITY_URL": self.greeting["identity_url"],
            "XPM_TUI_XERO_API_URL": self.greeting["api_url"],
            "XPM_TUI_XERO_CLIENT_ID": self.greeting["client_id"],
            "XPM_TUI_XERO_REDIRECT_PORT": str(self.greeting["redirect_port"]),
        }

    @property
    def port(self) -> int:
        """The port on loopback at which it answers."""
        return int(self.greeting["api_url"].rpartition(":")[2])

    def control(self, method: str, what: str = "", body: Any = None) -> Any:
        """Ask ``/_sandbox/<what>``."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"{self.greeting['api_url']}/_sandbox{'/' + what if what else ''}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {what}: {error.code} {error.read()!r}") from None
        return json.loads(text) if text else None

    def consent(self, authorize_url: str, **choice: Any) -> str:
        """Allow access (or ``deny=True``) without a browser; gives the redirect address."""
        return str(self.control("POST", "consent", {"authorize_url": authorize_url, **choice})["redirect"])

    def asked(self, endpoint: str) -> int:
        """How many requests came in for an endpoint, such as ``client.api/list``."""
        rows = self.control("GET", f"requests?endpoint={endpoint}")
        return len(rows["requests"] if isinstance(rows, dict) else rows)


@contextmanager
def sandbox_process(*arguments: str, clients: int = 12, seed: int = 1) -> Iterator[SandboxProcess]:
    """Start a sandbox on any free port and end it after the block."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "xpm_tui.sandbox", "--port", "0", "--die-with-parent"),
            *("--clients", str(clients), "--seed", str(seed), *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the sandbox ended with {process.wait(5)}"
        yield SandboxProcess(process, json.loads(line))
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
