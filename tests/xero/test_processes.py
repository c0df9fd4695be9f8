"""Two processes with twenty tasks each and an expired token: one renewal."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.moved_clock import MovedClock
from tests.xero.fake import FakeXero, open_fake, sign_in, token_reply
from xpm_tui.xero.config import WireConfig

ROOT = Path(__file__).parents[2]


class Identity(BaseHTTPRequestHandler):
    """A token endpoint that counts and is slow enough for everybody to ask at once."""

    calls: list[str]
    together = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.calls.append(body)
        self.together.wait(0.5)
        answer = token_reply(len(self.calls) + 100).content
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    calls: list[str] = []
    kind = type("Counting", (Identity,), {"calls": calls})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", calls
        http.shutdown()
        thread.join()


@pytest.mark.soak
def test_two_processes_of_twenty_tasks_renew_once(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    origin, calls = server
    config = WireConfig(client_id="A1B2C3", identity_url=origin, api_url=origin, login_url=origin)
    long_ago = MovedClock()
    long_ago.move(-timedelta(days=9_000))

    async def expired() -> None:
        async with open_fake(tmp_path, FakeXero(), clock=long_ago, config=config) as wire:
            await sign_in(wire)

    asyncio.run(expired())
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.xero.renewing", str(tmp_path), origin],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    found = [json.loads(child.communicate("go\n", timeout=30)[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert len(calls) == 1
    assert found == [[101] * 20] * 2
