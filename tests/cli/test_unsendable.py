"""A record that XPM refuses, or with a value that XML cannot carry, is named; the rest is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import KNOWN, connect
from tests.support.command import Inline
from tests.support.profile import count
from tests.support.sandbox_process import SandboxProcess, sandbox_process

_ALL = {"U+000B": "1\x0b2", "U+FFFE": "1\ufffe", "U+0001": "\x011"}
BAD = pytest.mark.parametrize("bad", [*_ALL.values()][: count(1, 3)], ids=[*_ALL][: count(1, 3)])


@pytest.fixture(scope="module")
def own() -> Iterator[SandboxProcess]:
    """A sandbox of its own for these tests, because they write to it."""
    with sandbox_process(clients=12) as process:
        yield process


@pytest.fixture
def cli(own: SandboxProcess, tmp_path: Path) -> Inline:
    """A connected practice."""
    own.control("POST", "reset", {})
    command = Inline(tmp_path / "home", {**own.environ, **KNOWN})
    connect(command, own, tenant=own.greeting["tenants"][0]["id"])
    return command


def linked(cli: Inline) -> list[dict[str, Any]]:
    """Verbs for five linked clients that agree with XPM, with Ignition as the master."""
    cli("clients", "pick", "--all")
    cli("settings", "set", "sync.direction", "to_xpm")
    listed: list[dict[str, Any]] = cli("clients", "list", "--only", "linked", "--json").json["items"]
    return listed[:5]


def code(bad: str) -> str:
    return next(f"U+{ord(char):04X}" for char in bad if char != "1" and char != "2")


@BAD
def test_four_healthy_clients_are_sent_and_the_fifth_is_named(
    cli: Inline, own: SandboxProcess, bad: str
) -> None:
    clients = linked(cli)
    held = clients[2]
    for client in clients:
        cli("clients", "edit", client["id"], f"phone={bad if client is held else '09 555 0100'}")
    own.control("DELETE", "requests")
    done = cli("sync", "--yes", "--json", code=1).json
    assert (done["outcome"], done["exit_code"], done["counts"]["unsendable"]) == ("partial", 1, 1)
    assert done["counts"]["records"] == 4
    assert own.asked("client.api/update") == 4
    message = done["error"]["message"]
    assert held["name"] in message
    assert held["id"] in message
    assert "'Phone'" in message
    assert code(bad) in message
    assert "clients edit" in message
    assert "Not sent to XPM: 1 change" in cli("plan").out
    reported = cli("sync", "--yes", code=1)
    assert "0 clients refused, 1 client not sent, 0 clients done" in reported.out
    assert f"{held['name']} was not sent to XPM: phone" in reported.out
    assert held["name"] in reported.err
    assert own.asked("client.api/update") == 4
    (failed,) = cli("runs", "retry", "--list", "--json").json["items"]
    assert (failed["client"], code(bad) in failed["cause"]) == (held["id"], True)
    cli("clients", "edit", held["id"], "phone=09 555 0199")
    assert cli("sync", "--yes", "--json").json["outcome"] == "done"
    assert own.asked("client.api/update") == 5


@pytest.mark.soak
def test_who_was_refused_is_named_with_what_xpm_said(cli: Inline, own: SandboxProcess) -> None:
    clients = linked(cli)
    for client in clients[:3]:
        cli("clients", "edit", client["id"], "phone=09 555 0102")
    own.control("POST", "faults", {"kind": "status-error", "endpoint": "client.api/update", "nth": 1})
    done = cli("sync", "--yes", code=1)
    (failed,) = cli("runs", "retry", "--list", "--json").json["items"]
    assert failed["cause"]
    assert f"XPM refused {failed['name']} ({failed['client']}): {failed['cause'].rstrip('.')}." in done.err
    run = cli("runs", "list", "--json").json["items"][0]
    assert f"{failed['name']} ({failed['client']})" in run["error"]


def test_a_contact_holds_its_client_alone(cli: Inline, own: SandboxProcess) -> None:
    clients = linked(cli)
    cli("contacts", "add", clients[0]["id"], "name=Rosa Lind", "mobile=02\x0b1")
    cli("clients", "edit", clients[1]["id"], "phone=09 555 0101")
    own.control("DELETE", "requests")
    done = cli("sync", "--yes", "--json", code=1).json
    assert clients[0]["name"] in done["error"]["message"]
    assert "'Contact mobile'" in done["error"]["message"]
    assert own.asked("client.api/update") == 1
    assert own.asked("client.api/contact") == 0


@BAD
def test_a_client_is_not_created(cli: Inline, own: SandboxProcess, bad: str) -> None:
    for field in ("phone", "contact_mobile"):
        words = [f"{field}={bad}", *(["contact_name=Rosa Lind"] if "contact" in field else [])]
        made = cli("clients", "new", f"Puffin {field}", *words, "--json").json
        own.control("DELETE", "requests")
        refused = cli("clients", "create", made["id"], "--yes", "--json", code=2)
        assert refused.error["code"] == "unsendable-value"
        assert f"Puffin {field} ({made['id']}) was not created in XPM" in refused.error["message"]
        assert field.removeprefix("contact_") in refused.error["message"]
        assert code(bad) in refused.error["message"]
        assert own.asked("client.api/add") == 0
        assert cli("status", "--json", code=None).json["held"] == []
    cli("clients", "edit", made["id"], f"{made['contacts'][0]['id']}.mobile=021 1", code=None)
    cli("contacts", "edit", made["id"], made["contacts"][0]["id"], "mobile=021 1", code=None)
    assert cli("clients", "create", made["id"], "--yes", "--json").json["ok"]


def test_a_staff_record_is_not_created(cli: Inline, own: SandboxProcess) -> None:
    cli("settings", "set", "xero.scopes", "both", code=None)
    member = cli("team", "new", "Bo Li", "email=bo@puffin.example", "--json").json
    for bad in ("02\x0b1", "02\ufffe", "02\udcff"):
        refused = cli("team", "create", member["id"], "--phone", bad, "--yes", "--json", code=2)
        assert "'Phone'" in refused.error["message"]
        assert f"Bo Li ({member['id']}) was not created in XPM" in refused.error["message"]
        assert "U+" in refused.error["message"]
    assert own.asked("staff.api/add") == 0


def test_half_a_character_never_gets_into_the_store(cli: Inline) -> None:
    made = cli("clients", "new", "Puffin", "--json").json
    refused = cli("clients", "edit", made["id"], "phone=\udcff", "--json", code=2)
    assert "half a character" in refused.error["message"]
