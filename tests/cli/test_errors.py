"""Invalid input and failing connections: a clear sentence, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import KNOWN, connect
from tests.interface.practice import CLIENTS
from tests.support.command import CommandLine, Done, Inline
from tests.support.profile import in_soak
from tests.support.sandbox_process import SandboxProcess, sandbox_process


def clear(done: Done, code: str = "") -> dict[str, Any]:
    """Return the error of a command after checking its form."""
    reported = done.error
    assert reported["message"].endswith((".", "?")), reported
    assert 10 < len(reported["message"]) < 400, reported
    assert not code or reported["code"] == code, reported
    return reported


def fault(sandbox: SandboxProcess, kind: str, endpoint: str = "client.api/list", **more: object) -> None:
    sandbox.control("POST", "faults", {"kind": kind, "endpoint": endpoint, **more})


def begun(command: CommandLine) -> tuple[Any, str]:
    process = command.start("connect", "--no-browser", "--json")
    assert process.stdout is not None
    return process, str(json.loads(process.stdout.readline())["authorize"])


def ended(process: Any, typed: str) -> Done:
    out, err = process.communicate(typed, timeout=60)
    return Done(process.returncode, out, err)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Inline, SandboxProcess]]:
    """A sandbox of its own to which nobody has connected yet."""
    with sandbox_process(clients=2) as process:
        yield Inline(tmp_path / "home", {**process.environ, **KNOWN}), process


@pytest.fixture
def own(fresh: tuple[Inline, SandboxProcess]) -> tuple[Inline, SandboxProcess]:
    """The same sandbox, connected, for tests that end the login."""
    command, process = fresh
    connect(command, process, tenant=process.greeting["tenants"][0]["id"])
    return fresh


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


# Connecting


def test_without_an_app_it_says_which_setting_is_missing(tmp_path: Path) -> None:
    done = CommandLine(tmp_path / "home")("connect", "--no-browser", "--json", code=2)
    reported = clear(done)
    assert "client_id" in reported["message"] + reported["hint"]


def test_a_wrong_client_id(command: CommandLine, sandbox: SandboxProcess) -> None:
    other = CommandLine(command.home, {**sandbox.environ, "XPM_TUI_XERO_CLIENT_ID": "0" * 32})
    process, _ = begun(other)
    done = ended(process, "http://localhost:8765/callback?error=unauthorized_client&state=x\n")
    assert done.code in (2, 3), done
    clear(done)


def test_cancel_on_the_consent_page(command: CommandLine, sandbox: SandboxProcess) -> None:
    done = connect(command, sandbox, code=3, deny=True)
    assert clear(done)["case"] == "cancelled"


def test_a_state_that_does_not_match(command: CommandLine, sandbox: SandboxProcess) -> None:
    process, url = begun(command)
    redirect = sandbox.consent(url)
    done = ended(process, redirect.replace("state=", "state=x") + "\n")
    assert done.code in (2, 3), done
    assert clear(done)["case"] == "state-mismatch"
    assert command("status", "--json", code=3).json["connected"] is False


@pytest.mark.parametrize("line", ["hello\n", "https://example.com/callback?code=1\n"])
def test_what_is_no_redirect_address(command: CommandLine, line: str) -> None:
    process, _ = begun(command)
    done = ended(process, line)
    assert done.code == 2, done
    clear(done, "bad-input")


@pytest.mark.soak
def test_no_practice_in_the_connections(fresh: tuple[Inline, SandboxProcess]) -> None:
    command, sandbox = fresh
    other = next(t for t in sandbox.greeting["tenants"] if t["type"] == "ORGANISATION")
    done = connect(command, sandbox, code=3, tenant=other["id"])
    assert clear(done)["case"] == "T1"


@pytest.mark.soak
def test_several_practices_are_listed_and_one_is_chosen(fresh: tuple[Inline, SandboxProcess]) -> None:
    command, sandbox = fresh
    first, second = [t for t in sandbox.greeting["tenants"] if t["type"] == "PRACTICEMANAGER"]
    connect(command, sandbox, tenant=first["id"])
    done = connect(command, sandbox, code=4, tenant=second["id"])
    clear(done, "held")
    assert {item["id"] for item in done.json["items"]} == {first["id"], second["id"]}
    done = connect(command, sandbox, "--tenant", second["id"], code=4, tenant=second["id"])
    assert first["name"] in clear(done)["message"]
    done = connect(
        command, sandbox, "--tenant", second["id"], "--confirm", second["id"][-6:], tenant=second["id"]
    )
    assert done.json["id"] == second["id"]


def test_no_network(connected: CommandLine) -> None:
    away = connected("plan", "--json", code=None, XPM_TUI_XERO_API_URL=closed_port())
    assert away.code in (3, 7)
    clear(away)


# Reading


@pytest.mark.soak
def test_an_expired_token_is_renewed_without_a_word(own: tuple[Inline, SandboxProcess]) -> None:
    connected, sandbox = own
    sandbox.control("POST", "tokens", {"expire": True})
    before = sandbox.asked("connect/token")
    done = connected("plan", "--json")
    assert done.json["ok"] is True
    assert sandbox.asked("connect/token") == before + 1


@pytest.mark.soak
def test_a_revoked_login_asks_for_a_new_one(own: tuple[Inline, SandboxProcess]) -> None:
    connected, sandbox = own
    sandbox.control("POST", "tokens", {"revoke": True})
    reported = clear(connected("sync", "--json", code=3))
    assert "connect" in reported["hint"]
    assert connected("status", "--json", code=3).json["connected"] in (True, False)


@pytest.mark.soak
def test_a_revoked_login_is_said_once(own: tuple[Inline, SandboxProcess]) -> None:
    connected, sandbox = own
    sandbox.control("POST", "tokens", {"revoke": True})
    for verb in (["sync", "--yes"], ["status"], ["plan"]):
        reported = connected(*verb, code=3).err.splitlines()
        alone = [line for line in reported if "Known problem" not in line]
        assert sum("Xero no longer accepts the login." in line for line in alone) == 1, reported
        assert sum("xpm-tui connect" in line for line in reported) == 1, reported
        both = connected(*verb, "--json", code=3).json
        assert both["condition"]["state"] == "login_needed"
        assert both["condition"]["message"].startswith(both["error"]["message"])
    # If nothing failed, the condition reports it.
    assert "accepts the login. Sign in again: xpm-tui connect." in connected("clients", "list").err


@pytest.mark.soak
def test_too_many_calls_are_waited_out(connected: CommandLine, sandbox: SandboxProcess) -> None:
    fault(sandbox, "429-minute", times=1, seconds=1)
    assert connected("plan", "--json").json["ok"] is True
    assert sandbox.asked("client.api/list") == 2


def test_a_used_up_day_says_when_to_continue(connected: CommandLine, sandbox: SandboxProcess) -> None:
    fault(sandbox, "429-day", times=1)
    reported = clear(connected("sync", "--json", code=6))
    assert reported["until"] or "go on" in reported["message"]


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("status-error", (1, 7)),
        in_soak("cut", (7,)),
        ("broken-xml", (7,)),
        in_soak("html", (7,)),
        in_soak("doctype", (7,)),
        in_soak("wrong-encoding", (7,)),
        in_soak("500", (1, 7)),
        ("403", (3,)),
    ],
)
def test_a_reply_that_is_none_changes_nothing(
    connected: CommandLine, sandbox: SandboxProcess, ignition: Path, kind: str, codes: tuple[int, ...]
) -> None:
    connected("import", "clients", str(ignition), code=1)
    connected("sync", "--json")
    before = connected("clients", "list", "--json").json["items"]
    fault(sandbox, kind)
    done = connected("sync", "--json", code=None)
    assert done.code in codes, done
    clear(done)
    sandbox.control("DELETE", "faults")
    assert connected("clients", "list", "--json").json["items"] == before
    assert connected("runs", "show", "last", "--json").json["outcome"] == "failed"
    assert connected("sync", "--json").json["outcome"] == "done"
    assert connected("plan", "--json").json["items"] == []


def test_an_empty_list_stops_a_run_that_has_links(
    connected: CommandLine, sandbox: SandboxProcess, ignition: Path
) -> None:
    connected("import", "clients", str(ignition), code=1)
    connected("sync", "--json")
    links = [v["link"] for v in connected("clients", "list", "--json").json["items"]]
    fault(sandbox, "empty-list")
    clear(connected("sync", "--json", code=4))
    sandbox.control("DELETE", "faults")
    assert [v["link"] for v in connected("clients", "list", "--json").json["items"]] == links
    assert connected("sync", "--json").json["outcome"] == "done"


# Files


@pytest.mark.parametrize("encoding", [in_soak("utf-8-sig"), in_soak("utf-16"), "cp1252"])
def test_a_file_in_another_encoding_is_read_right(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "clients.csv"
    path.write_text(CLIENTS, encoding=encoding)
    command = CommandLine(tmp_path / "home")
    command("import", "clients", str(path), code=1)
    names = [view["name"] for view in command("clients", "list", "--json").json["items"]]
    assert "Harbour Café Ltd" in names


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"Colour,Size\nred,1\n", "column"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", ""),
        in_soak(b"PK\x03\x04zip", ""),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "clients.csv"
    path.write_bytes(content)
    reported = clear(
        CommandLine(tmp_path / "home")("import", "clients", str(path), "--json", code=2), "bad-input"
    )
    assert why in reported["message"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    clear(CommandLine(tmp_path / "home")("import", "clients", str(tmp_path / "no.csv"), "--json", code=2))


# Processes


@pytest.mark.soak
def test_a_second_run_at_the_same_time(connected: CommandLine, sandbox: SandboxProcess) -> None:
    fault(sandbox, "slow", seconds=20)
    first = connected.start("sync", "--json", "--full")
    assert first.stdout is not None
    for line in first.stdout:
        if json.loads(line).get("key") == "run.started":
            break
    reported = clear(connected("sync", "--json", code=5), "busy")
    assert "tester" in reported["message"] + reported["hint"]
    assert connected("status", "--json", code=None).json["running"]
    os.kill(first.pid, signal.SIGTERM)
    out, _ = first.communicate(timeout=60)
    assert first.returncode == 143, out
    assert json.loads(out.splitlines()[-1])["outcome"] == "stopped"
    sandbox.control("DELETE", "faults")
    assert connected("sync", "--json").json["outcome"] == "done"


@pytest.mark.soak
def test_a_run_that_was_killed_is_finished_by_the_next(
    connected: CommandLine, sandbox: SandboxProcess, ignition: Path
) -> None:
    connected("import", "clients", str(ignition), code=1)
    fault(sandbox, "slow", seconds=20)
    process = connected.start("sync", "--json")
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("key") == "run.started":
            break
    process.kill()
    process.communicate(timeout=30)
    sandbox.control("DELETE", "faults")
    assert connected("sync", "--json").json["outcome"] == "done"
    outcomes = [run["outcome"] for run in connected("runs", "list", "--json").json["items"]]
    assert outcomes == ["done", "interrupted"]
    assert connected("plan", "--json").json["items"] == []


@pytest.mark.soak
def test_a_detached_run_continues_by_itself(connected: CommandLine, ignition: Path) -> None:
    connected = CommandLine(connected.home, connected.environ)
    connected("import", "clients", str(ignition), code=1)
    run = connected("sync", "--detach", "--json").json
    assert run["pid"]
    log = connected.start("log", "--run", run["id"], "--follow", "--json")
    assert log.stdout is not None
    keys = []
    for line in log.stdout:
        keys.append(json.loads(line)["key"])
        if keys[-1] == "run.done":
            break
    log.terminate()
    log.communicate(timeout=30)
    assert connected("runs", "show", run["id"], "--json").json["outcome"] == "done"


@pytest.mark.soak
def test_a_run_outlives_its_terminal(connected: CommandLine, sandbox: SandboxProcess, ignition: Path) -> None:
    connected("import", "clients", str(ignition), code=1)
    fault(sandbox, "slow", seconds=0.05)
    process = connected.start("sync", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    process.stderr.close()
    os.kill(process.pid, signal.SIGHUP)
    assert process.wait(60) == 0
    assert process.stdin is not None
    process.stdin.close()
    assert connected("runs", "show", "last", "--json").json["outcome"] == "done"
