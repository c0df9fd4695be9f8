"""The sandbox over real sockets: start, faults below HTTP, end."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.process import control, sandbox_process
from xpm_tui.sandbox.__main__ import main
from xpm_tui.sandbox.server import bind

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with sandbox_process("--clients", "60") as (_, greeting):
        yield greeting["api_url"]


def connect(origin: str, timeout: float = 10) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(origin).netloc, timeout=timeout)


def get(origin: str, path: str) -> tuple[int, bytes]:
    link = connect(origin)
    try:
        link.request("GET", path)
        response = link.getresponse()
        return response.status, response.read()
    finally:
        link.close()


def test_the_greeting(origin: str) -> None:
    about = control(origin, "")
    assert about["login_url"] == about["identity_url"] == about["api_url"] == origin
    assert about["redirect_port"] == 8765
    assert about["tenants"][0]["type"] == "PRACTICEMANAGER"
    assert about["clients"] == 60


def test_one_connection_carries_several_calls(origin: str) -> None:
    link = connect(origin)
    for _ in range(3):
        link.request("GET", DISCOVERY)
        assert link.getresponse().read().startswith(b'{"issuer"')
    link.close()


def test_a_reset_sends_no_byte(origin: str) -> None:
    control(origin, "faults", {"kind": "reset", "times": 1})
    with pytest.raises(ConnectionResetError):
        get(origin, DISCOVERY)
    assert get(origin, DISCOVERY)[0] == 200


def test_a_cut_body_is_shorter_than_promised(origin: str) -> None:
    control(origin, "faults", {"kind": "cut", "times": 1})
    with pytest.raises(http.client.IncompleteRead):
        get(origin, DISCOVERY)
    assert get(origin, DISCOVERY)[0] == 200


def test_a_hanging_call_ends_with_the_caller(origin: str) -> None:
    control(origin, "faults", {"kind": "hang", "times": 1})
    link = connect(origin, timeout=0.2)
    link.request("GET", DISCOVERY)
    with pytest.raises(TimeoutError):
        link.getresponse()
    link.close()
    assert get(origin, DISCOVERY)[0] == 200


def test_a_slow_body_arrives_whole(origin: str) -> None:
    whole = get(origin, DISCOVERY)[1]
    control(origin, "faults", {"kind": "slow", "times": 1, "seconds": 0.01})
    assert get(origin, DISCOVERY)[1] == whole


def test_three_hosts() -> None:
    with sandbox_process("--separate-hosts") as (_, greeting):
        urls = [greeting[name] for name in ("login_url", "identity_url", "api_url")]
        assert len(set(urls)) == 3
        assert [get(url, DISCOVERY)[0] for url in urls] == [404, 200, 404]
        assert control(urls[2], "")["login_url"] == urls[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(number: signal.Signals) -> None:
    with sandbox_process() as (process, _):
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_dies_with_its_parent() -> None:
    parent = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'xpm_tui.sandbox', '--die-with-parent'])\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("{")
        process.kill()
        # The child holds the other end of the pipe, so it ends when the child has gone.
        assert process.stdout.read() == ""


def test_a_taken_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 5
        assert str(port) in capsys.readouterr().err
        with pytest.raises(OSError, match="in use"):
            bind(port)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "flood"], "flood"),
        (["--switch", "user=bob"], "user"),
        (["--switch", "user"], "name=value"),
        (["--clients", "-1"], "--clients"),
        (["--port", "70000"], "--port"),
    ],
)
def test_wrong_options(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_faults_and_switches_from_the_command_line() -> None:
    arguments = ("--fault", "503,endpoint=connections,times=1", "--switch", "latency=0", "--seed", "5")
    with sandbox_process(*arguments) as (_, greeting):
        origin: str = greeting["api_url"]
        assert get(origin, "/connections")[0] == 503
        assert get(origin, "/connections")[0] == 401
        about: dict[str, Any] = control(origin, "")
        assert about["seed"] == 5
