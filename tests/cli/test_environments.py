"""The README's commands on difficult machines: no locks, no stdin, a SOCKS proxy."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import KNOWN, connect
from tests.docs.reader import lines as readme_lines
from tests.support.command import CommandLine, Inline
from tests.support.profile import LONG, in_soak
from tests.support.sandbox_process import SandboxProcess
from tests.support.socks_proxy import HOST, socks_proxy

NO_LOCKS = "does not support locks"
LOOKS = ("completion", "locate", "log", "undo")
"""Verbs of the README that only read."""


@pytest.mark.skipif(platform.system() != "Linux", reason="needs seccomp")
@pytest.mark.parametrize("error", ["ENOLCK", in_soak("ENOSYS")])
def test_without_locks_what_writes_is_refused_at_once_and_what_looks_works(
    template: Path, sandbox: SandboxProcess, tmp_path: Path, ignition: Path, error: str
) -> None:
    home = shutil.copytree(template, tmp_path / "home")
    lines = [shlex.split(line.text, comments=True) for line in readme_lines("README.md")]
    typed = [words[1:] for words in lines if words[0] == "xpm-tui" and words[1] not in ("sandbox", "status")]
    typed = [[str(ignition) if word.endswith("clients.csv") else word for word in words] for words in typed]
    assert len(typed) >= 9
    if not LONG:  # verbs that write in different ways, and verbs that only read
        typed = [words for words in typed if words[0] in ("connect", "import", "sync", *LOOKS)]
    typed += [["status"], ["--read-only", "plan"], ["locate"], ["doctor"]]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.without_locks", error, str(home)],
        input="".join(json.dumps(words) + "\n" for words in typed),
        env={**os.environ, **sandbox.environ, **KNOWN}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "PermissionError" in ended.stderr:
        pytest.skip("this container allows no seccomp")
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(answers) == len(typed), ended.stderr
    for words, (code, seconds, out, err) in zip(typed, answers, strict=True):
        assert seconds < 20, words
        if words in (["status"], ["--read-only", "plan"]) or words[0] in LOOKS:
            # Without a run there is nothing to undo, which is reported without a lock.
            assert (code, NO_LOCKS in err) in ((0, False), (2, False)), (words, code, err)
        elif words == ["doctor"]:
            found = [line for line in out.splitlines() if NO_LOCKS in line and line.startswith("Problem")]
            probes = [line.split(":")[0].split(maxsplit=1)[1] for line in found]
            assert (code, probes) == (8, ["Practices of the login", "Locks", "Disk"])
        elif words[:2] == ["clients", "link"]:
            assert (code, "There is no client" in err) == (2, True)  # nothing could be imported
        else:
            assert (code, NO_LOCKS in err) == (8, True), (words, code, err)
    for part in ("config", "data"):
        for path in (template / part).rglob("*"):
            same = home / part / path.relative_to(template / part)
            assert path.is_dir() or path.read_bytes() == same.read_bytes()


def free_port() -> int:
    """Return a redirect port that Xero knows and that is free."""
    for port in range(8769, 8764, -1):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    pytest.skip("all redirect ports are in use")


@pytest.mark.soak
@pytest.mark.parametrize("closed", [in_soak(False), True])
def test_without_stdin_the_browser_alone_signs_in(
    sandbox: SandboxProcess, tmp_path: Path, closed: bool
) -> None:
    """As in a container: ``docker run`` passes /dev/null, and some supervisors close the descriptor."""
    command = CommandLine(tmp_path / "home", {**sandbox.environ, **KNOWN})
    command.environ["XPM_TUI_XERO_REDIRECT_PORT"] = str(free_port())
    shell = 'exec "$0" -m xpm_tui "$@" ' + ("<&-" if closed else "</dev/null")
    process = subprocess.Popen(
        ["sh", "-c", shell, sys.executable, "connect", "--no-browser", "--json"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=command.environ,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    url = json.loads(process.stdout.readline())["authorize"]
    while "Waiting for the browser" not in process.stderr.readline():
        assert process.poll() is None
    redirect = sandbox.consent(url, tenant=sandbox.greeting["tenants"][0]["id"])
    assert b"Signed in" in visit(redirect)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    if closed and LONG:  # in the default profile, test_input_files.py closes it without a process
        done = subprocess.run(
            ["sh", "-c", shell, sys.executable, "import", "clients", "-", "--json"],
            env=command.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "Standard input is closed" in done.stdout


def visit(address: str) -> bytes:
    """Open an address as a browser does, as soon as a server listens there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(100):
        try:
            with opener.open(address, timeout=10) as page:
                return bytes(page.read())
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_the_input_ends_where_nobody_can_listen(sandbox: SandboxProcess, tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "home", {**sandbox.environ, **KNOWN})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("connect", "--no-browser", "--json", code=2, XPM_TUI_XERO_REDIRECT_PORT=port)
    assert f"Another program is using port {port}" in done.error["message"]


def test_behind_a_socks_proxy(
    sandbox: SandboxProcess, tmp_path: Path, ignition: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("socksio", reason="the extra socks is not installed")
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy", "all_proxy", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    port = int(sandbox.greeting["api_url"].rpartition(":")[2])
    urls = dict.fromkeys(
        ("XPM_TUI_XERO_LOGIN_URL", "XPM_TUI_XERO_IDENTITY_URL", "XPM_TUI_XERO_API_URL"), f"https://{HOST}"
    )
    with socks_proxy(tmp_path, port, login="ana:geheim") as proxy:
        command = Inline(tmp_path / "home", {**sandbox.environ, **KNOWN, **urls})
        command.environ |= {"ALL_PROXY": proxy.url, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        connect(command, sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
        if LONG:
            command("import", "clients", str(ignition), code=1)
            command("clients", "link", "c3", "14070003")
            command("sync", "--yes")
        assert {*proxy.asked} == {f"ana:geheim@{HOST}:443"}
