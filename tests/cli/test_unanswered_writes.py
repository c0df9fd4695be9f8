"""A write without an answer from XPM is decided by the user, by verb: adopt, send again, drop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import KNOWN, connect
from tests.support.command import Inline
from tests.support.sandbox_process import SandboxProcess, sandbox_process
from tests.support.terminal import terminal

NAME = "Puffin Street Bakery"
LAG = 600


@pytest.fixture(scope="module")
def own() -> Iterator[SandboxProcess]:
    """A sandbox of its own for these tests, because they write to it."""
    with sandbox_process(clients=12) as process:
        yield process


@pytest.fixture
def cli(own: SandboxProcess, tmp_path: Path) -> Iterator[Inline]:
    """A connected practice that stops looking at once; the sandbox shows new records only much later."""
    own.control("POST", "reset", {})
    command = Inline(tmp_path / "home", {**own.environ, **KNOWN})
    connect(command, own, tenant=own.greeting["tenants"][0]["id"])
    command("settings", "set", "sync.create_lag", "0")
    own.control("POST", "switches", {"create_lag": LAG})
    yield command
    own.control("DELETE", "faults")


def lost(own: SandboxProcess, endpoint: str, *, after: bool = True) -> None:
    """Let the next call to this address get no answer; with ``after``, it takes effect nevertheless."""
    own.control("POST", "faults", {"kind": "reset", "endpoint": endpoint, "nth": 1, "after": after})


def shown(own: SandboxProcess) -> None:
    """Let XPM show what was created."""
    own.control("POST", "clock", {"advance": LAG + 1})


def held_creation(cli: Inline, own: SandboxProcess, *, after: bool = True) -> dict[str, Any]:
    made = cli("clients", "new", NAME, "contact_name=Rosa Lind", "city=Hobart", "--json").json
    lost(own, "client.api/add", after=after)
    cli("clients", "create", made["id"], "--yes", "--json", code=4)
    return dict(made)


def waiting(cli: Inline, count: int = 1) -> list[dict[str, Any]]:
    done = cli("runs", "release", "--json", code=4)
    items: list[dict[str, Any]] = done.json["items"]
    assert done.error["code"] == "held"
    assert len(items) == count
    return items


@pytest.mark.soak
def test_a_client_that_shows_up_is_adopted(cli: Inline, own: SandboxProcess) -> None:
    client = held_creation(cli, own)
    (item,) = waiting(cli)
    assert (item["record"], item["name"], item["candidates"]) == (client["id"], NAME, [])
    assert item["sent"]["city"] == "Hobart"
    assert NAME in item["message"]
    assert "XPM does not show it" in item["message"]
    cli("runs", "release", "--adopt", item["intent"], "--json", code=2)
    status = cli("status", "--json", code=4).json
    assert status["held"] == ["r1"]
    (reported,) = (each for each in status["problems"] if each["code"] == "unknown-outcome")
    (open_write,) = cli("runs", "show", "r1", "--json").json["open_writes"]
    decides = f"xpm-tui runs release --adopt {item['intent']}=UUID"
    assert (open_write["record"], open_write["call"]) == (client["id"], "POST client.api/add")
    for text in (reported["sentence"], open_write["message"]):
        assert f"Create the client {NAME} ({client['id']}), POST client.api/add" in text
    for text in (reported["hint"], open_write["decision"], cli("runs", "show", "r1").out):
        assert decides in text
    shown(own)
    (item,) = waiting(cli)
    (found,) = item["candidates"]
    assert (found["name"], bool(found["number"])) == (NAME, True)
    done = cli("runs", "release", "--adopt", f"{item['intent']}={found['number']}", "--json").json
    assert (done["ok"], done["settled"]) == (True, 1)
    link = cli("clients", "show", client["id"], "--json").json["link"]
    assert link["uuid"] == found["uuid"]
    assert cli("runs", "show", "r1", "--json").json["outcome"] == "done"
    assert cli("status", "--json", code=None).json["held"] == []
    assert cli("plan", "--client", client["id"], "--json").json["items"] == []
    assert own.asked("client.api/add") == 1
    assert "sync.decided" in [line["key"] for line in cli("log", "--json").lines[:-1]]


@pytest.mark.soak
def test_a_client_that_was_not_made_is_sent_again(cli: Inline, own: SandboxProcess) -> None:
    client = held_creation(cli, own, after=False)
    (item,) = waiting(cli)
    own.control("POST", "switches", {"create_lag": 0})
    shown(own)
    done = cli("runs", "release", "--again", item["intent"])
    assert f"{NAME} was created in XPM" in done.out
    assert cli("clients", "show", client["id"], "--json").json["link"] is not None
    found = cli("clients", "search", NAME, "--json").json["items"]
    assert len(found) == 1
    assert own.asked("client.api/add") == 2


@pytest.mark.soak
def test_one_that_is_there_is_never_sent_twice(cli: Inline, own: SandboxProcess) -> None:
    held_creation(cli, own)
    shown(own)
    (item,) = waiting(cli)
    refused = cli("runs", "release", "--again", item["intent"], "--json", code=4)
    assert f"XPM has {NAME} (number " in refused.error["message"]
    assert own.asked("client.api/add") == 1


@pytest.mark.soak
def test_a_client_is_let_be(cli: Inline, own: SandboxProcess) -> None:
    client = held_creation(cli, own)
    (item,) = waiting(cli)
    cli("runs", "release", "r1", "--drop", item["intent"], "--json")
    assert cli("clients", "show", client["id"], "--json").json["link"] is None
    assert cli("status", "--json", code=None).json["held"] == []
    assert cli("runs", "release", "--json", code=2).error["message"] == "Nothing is held."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--drop", "i99"), "no held write with the id i99"),
        (("--drop", "{i}", "--again", "{i}"), "There are two decisions for"),
        (("--adopt", "{i}"), "Name the XPM record"),
        (("--adopt", "{i}=00000000-0000-0000-0000-000000000000"), "XPM has no client"),
    ],
)
def test_a_choice_that_cannot_be_changes_nothing(
    cli: Inline, own: SandboxProcess, words: tuple[str, ...], says: str
) -> None:
    held_creation(cli, own)
    (item,) = waiting(cli)
    typed = [word.format(i=item["intent"]) for word in words]
    assert says in cli("runs", "release", *typed, "--json", code=2).error["message"]
    assert waiting(cli) == [item]


@pytest.mark.soak
def test_on_a_terminal_it_asks(cli: Inline, own: SandboxProcess) -> None:
    client = held_creation(cli, own)
    shown(own)
    with terminal(["runs", "release"], cli.environ) as screen:
        text = screen.until("or nothing to decide later: ")
        assert NAME in text
        screen.type("7")
        screen.until("There is no candidate 7.")
        screen.type("")
        assert screen.end() == 4
    with terminal(["runs", "release"], cli.environ) as screen:
        screen.until("or nothing to decide later: ")
        screen.type("1")
        assert screen.end() == 0
    assert cli("clients", "show", client["id"], "--json").json["link"] is not None


def held_contact(cli: Inline, own: SandboxProcess) -> tuple[dict[str, Any], str]:
    """Return a client and a run that is held because XPM never received its new contact."""
    cli("clients", "pick", "--all")
    cli("settings", "set", "sync.direction", "to_xpm")
    client = next(v for v in cli("clients", "list", "--only", "linked", "--json").json["items"])
    cli("contacts", "add", client["id"], "name=Rosa Lind", "email=rosa@puffin.example")
    lost(own, "client.api/contact", after=False)
    held = cli("sync", "--client", client["id"], "--yes", "--json", code=4).json
    assert held["outcome"] == "held"
    return client, held["id"]


@pytest.mark.soak
def test_a_contact_is_adopted_and_the_run_continues(cli: Inline, own: SandboxProcess) -> None:
    client, run = held_contact(cli, own)
    (item,) = waiting(cli)
    assert item["record"].startswith(f"{client['id']}/")
    (stop,) = cli("runs", "show", run, "--json").json["stops"]
    assert f"Add the contact {item['record']}, POST client.api/contact" in stop["sentence"]
    assert f"--again {item['intent']} or --drop {item['intent']}" in stop["sentence"]
    assert "Rosa" not in stop["sentence"], "it is kept with the run, and sent by notify.command"
    assert item["candidates"] == []
    added = {"name": "Rosa Lind", "email": "rosa@puffin.example"}
    own.control("POST", "colleague", {"client": client["link"]["uuid"], "add_contact": added})
    (item,) = waiting(cli)
    (found,) = [each for each in item["candidates"] if each["email"] == "rosa@puffin.example"]
    done = cli("runs", "release", run, "--adopt", f"{item['intent']}={found['uuid']}", "--json")
    assert (done.json["outcome"], done.json["trigger"]) == ("done", "release")
    assert own.asked("client.api/contact") == 1
    assert cli("plan", "--json").json["items"] == []
    assert cli("status", "--json").json["held"] == []


@pytest.mark.soak
def test_a_contact_is_sent_again_by_the_run_that_continues(cli: Inline, own: SandboxProcess) -> None:
    _, run = held_contact(cli, own)
    (item,) = waiting(cli)
    done = cli("runs", "release", "--again", item["intent"], "--json")
    assert (done.json["outcome"], done.json["counts"]["changes"]) == ("done", 1)
    assert own.asked("client.api/contact") == 2
    assert cli("plan", "--json").json["items"] == []
    assert cli("runs", "release", run, "--json", code=2).error["code"] == "bad-input"


@pytest.mark.soak
def test_a_contact_that_is_let_be_is_not_planned_again(cli: Inline, own: SandboxProcess) -> None:
    held_contact(cli, own)
    (item,) = waiting(cli)
    assert cli("runs", "release", "--drop", item["intent"], "--json").json["outcome"] == "done"
    assert cli("plan", "--json").json["items"] == []
    assert own.asked("client.api/contact") == 1
