"""The sandbox over real sockets: start, faults below HTTP, end."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.sandbox_process import SandboxProcess, sandbox_process
from xpm_tui.sandbox.__main__ import main
from xpm_tui.sandbox.server import bind

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    with sandbox_process(clients=60) as process:
        yield process


@pytest.fixture(scope="module")
def origin(running: SandboxProcess) -> str:
    return str(running.greeting["api_url"])


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


def test_the_greeting(running: SandboxProcess, origin: str) -> None:
    about = running.control("GET")
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


def test_a_reset_sends_no_byte(running: SandboxProcess, origin: str) -> None:
    running.control("POST", "faults", {"kind": "reset", "times": 1})
    with pytest.raises(ConnectionResetError):
        get(origin, DISCOVERY)
    assert get(origin, DISCOVERY)[0] == 200


def test_a_cut_body_is_shorter_than_promised(running: SandboxProcess, origin: str) -> None:
    running.control("POST", "faults", {"kind": "cut", "times": 1})
    with pytest.raises(http.client.IncompleteRead):
        get(origin, DISCOVERY)
    assert get(origin, DISCOVERY)[0] == 200


def test_a_hanging_call_ends_with_the_caller(running: SandboxProcess, origin: str) -> None:
    running.control("POST", "faults", {"kind": "hang", "times": 1})
    link = connect(origin, timeout=0.2)
    link.request("GET", DISCOVERY)
    with pytest.raises(TimeoutError):
        link.getresponse()
    link.close()
    assert get(origin, DISCOVERY)[0] == 200


def test_a_slow_body_arrives_whole(running: SandboxProcess, origin: str) -> None:
    whole = get(origin, DISCOVERY)[1]
    running.control("POST", "faults", {"kind": "slow", "times": 1, "seconds": 0.01})
    assert get(origin, DISCOVERY)[1] == whole


def test_three_hosts() -> None:
    with sandbox_process("--separate-hosts") as running:
        urls = [running.greeting[name] for name in ("login_url", "identity_url", "api_url")]
        assert len(set(urls)) == 3
        assert [get(url, DISCOVERY)[0] for url in urls] == [404, 200, 404]
        assert running.control("GET")["login_url"] == urls[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "xpm_tui.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("{")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


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


@pytest.mark.soak
def test_faults_and_switches_from_the_command_line() -> None:
    arguments = ("--fault", "503,endpoint=connections,times=1", "--switch", "day_limit=1000")
    with sandbox_process(*arguments, seed=5) as running:
        origin = str(running.greeting["api_url"])
        assert get(origin, "/connections")[0] == 503
        assert get(origin, "/connections")[0] == 401
        assert running.control("GET")["seed"] == 5
        assert running.control("GET", "switches")["day_limit"] == 1000
