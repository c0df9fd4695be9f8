"""Undo, and maintenance of links and data, by verb against the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import KNOWN, connect
from tests.support.command import Inline
from tests.support.sandbox_process import sandbox_process
from xpm_tui.xero.auth import token_store


@pytest.fixture
def synced(connected: Inline, ignition: Path) -> Inline:
    connected("import", "clients", str(ignition), code=1)
    connected("sync", "--json")
    return connected


@pytest.mark.soak
def test_a_field_is_undone_and_stays_so(synced: Inline) -> None:
    kowhai = synced("clients", "show", "CLI-1", "--json").json
    assert kowhai["city"] == "Hobart"
    shown = synced("undo", "last", "--client", "CLI-1", "--field", "city", "--dry-run", "--json").json
    assert [(i["field"], i["old"], i["new"]) for i in shown["items"]] == [("city", "Hobart", "Old Town")]
    assert synced("clients", "show", "CLI-1", "--json").json["city"] == "Hobart"
    done = synced("undo", "last", "--client", "CLI-1", "--field", "city", "--yes", "--json").json
    assert done["outcome"] == "done"
    view = synced("clients", "show", "CLI-1", "--json").json
    assert (view["city"], view["frozen"]) == ("Old Town", ["city"])
    assert synced("plan", "--json").json["items"] == []
    assert synced("clients", "unfreeze", "CLI-1", "--json").json["lifted"] == 1
    fields = [(i["record"], i["field"]) for i in synced("plan", "--json").json["items"]]
    assert fields == [(view["id"], "city")]


def test_a_whole_first_run_is_undone(synced: Inline) -> None:
    (run,) = [r["id"] for r in synced("runs", "--json").json["items"] if r["trigger"] == "hand"]
    synced("undo", run, "--yes", "--json", code=None)
    views = synced("clients", "list", "--json").json["items"]
    assert [view["link"] for view in views] == [None] * len(views)
    assert synced("plan", "--json").json["items"] == [], "what was undone is not linked again by itself"


def test_what_cannot_be_undone_is_said(synced: Inline) -> None:
    assert synced("undo", "r999", "--json", code=2).error["code"] == "not-found"
    assert synced("undo", "last", "--field", "fone", "--json", code=2).error["code"] == "bad-input"


def test_a_plan_is_ticked_and_unticked(connected: Inline, ignition: Path) -> None:
    connected("import", "clients", str(ignition), code=1)
    plan = connected("plan", "--json").json
    done = connected("plan", "untick", plan["id"], "all", "--json").json
    assert (done["changed"], done["items"]) == (len(plan["items"]), [])
    assert len(done["waiting"]) == len(plan["items"])
    back = connected("plan", "tick", "last", "field:link", "--json").json
    assert {item["field"] for item in back["items"]} == {"link"}
    connected("plan", "tick", "last", "field:fone", "--json", code=2)
    told = connected("plan", "show", "last").out
    names = {change["field"] for change in plan["items"]}
    assert {"phone", "tax_registered", "contact_mobile"} <= names
    for words in ("    Phone: ", "    Tax registered (tax_registered): ", ":contact_mobile): ", "  Link "):
        assert words in told, words
    assert not [name for name in names if "_" in name and f"{name} " in told], "only what plan tick needs"
    exported = connected("plan", "export", "last").out
    assert exported.splitlines()[0].startswith("plan,record,client,field")
    ended = connected("sync", "--plan", "last", "--json").json
    assert ended["outcome"] == "done"
    assert connected("plan", "--json").json["items"], "what was left unticked is planned again"


def test_reports_on_links_and_duplicates(synced: Inline) -> None:
    found = synced("relink", "--json").json
    assert found["linked"] == []
    assert {item["state"] for item in found["items"]} <= {"unlinked", "ambiguous", "linked", "converted"}
    groups = synced("duplicates", "--json").json["items"]
    smith = next(group for group in groups if group["key"] == "john smith")
    assert len(smith["members"]) == 2
    assert smith["steps"]
    assert synced("conflicts", "--json").json["items"] == []


@pytest.mark.soak
def test_a_client_is_made_in_xpm_once(tmp_path: Path) -> None:
    with sandbox_process(clients=12) as sandbox:
        command = Inline(tmp_path / "home", {**sandbox.environ, **KNOWN})
        connect(command, sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
        puffin = command(
            "clients", "new", "Puffin Street Bakery", "contact_name=Rosa Lind", "city=Hobart", "--json"
        ).json
        made = command("clients", "create", puffin["id"], "--yes", "--json").json
        assert made["link"]["uuid"] == made["xpm"]["uuid"]
        assert command("clients", "create", puffin["id"], "--yes", "--json", code=4).error["message"]
        twin = command("clients", "new", "John Smith", "--json").json
        refused = command("clients", "create", twin["id"], "--yes", "--json", code=4).error
        there = command("clients", "search", "John Smith", "--json").json["items"]
        assert all(row["number"] in refused["message"] for row in there)
        near = command("clients", "new", "Puffin Street Bakery Ltd", "--anyway", "--json").json
        same = command("clients", "new", "PUFFIN STREET BAKERY", "--anyway", "--json").json
        assert command("clients", "create", near["id"], "--yes", "--json").json["xpm"]["number"]
        refused = command("clients", "create", same["id"], "--json", code=4).error
        number = made["xpm"]["number"]
        assert f"Puffin Street Bakery (number {number}, linked to another client)" in refused["message"]
        assert f"--different-from {number}" in refused["hint"]
        command("clients", "create", same["id"], "--different-from", "99", "--json", code=2)
        consent = ("--different-from", number)
        other = command("clients", "create", same["id"], *consent, "--json").json
        assert other["xpm"]["number"] != number
        found = command("clients", "search", "Puffin", "--json").json["items"]
        assert len(found) == 3
        assert command("plan", "--client", puffin["id"], "--json").json["items"] == []


def test_the_address_and_the_ids_of_a_client(synced: Inline) -> None:
    view = synced("clients", "show", "CLI-1", "--json").json
    found = synced("clients", "search", view["link"]["number"], "--json").json["items"]
    assert [row["uuid"] for row in found] == [view["link"]["uuid"]]
    assert [row["linked"][0]["id"] for row in found] == [view["id"]]


def test_frozen_and_ignored_by_verb(synced: Inline) -> None:
    assert synced("clients", "freeze", "CLI-1", "phone", "--json").json["frozen"] == ["phone"]
    assert "Phone" in synced("clients", "freeze", "CLI-1", "city").out
    assert synced("status", "--json").json["frozen"] == 2
    assert synced("clients", "ignore", "CLI-7", "--reason", "one-off", "--json").json["ignored"] == "one-off"
    names = [view["name"] for view in synced("clients", "review", "--json").json["items"]]
    assert "Only Here Ltd" not in names


def test_export_and_back_changes_nothing(synced: Inline, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    synced("export", "clients", str(path), "--json", code=None)
    assert path.stat().st_mode & 0o777 == 0o600
    again = synced("import", "clients", str(path), "--dry-run", "--json", code=None).json
    assert (again["counts"]["new"], again["counts"]["changed"]) == (0, 0)
    assert synced("export", "clients", str(path), "--json", code=2).error["code"] == "bad-input"


def test_status_says_next_to_the_connection_that_a_login_is_needed(
    synced: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "but a login is needed" not in synced("status", code=None).out
    monkeypatch.setattr(token_store, "is_refused", lambda *_: True)
    (line,) = [line for line in synced("status", code=3).out.splitlines() if line.startswith("Connected")]
    assert line.endswith("but a login is needed")


@pytest.mark.soak
def test_disconnecting_keeps_everything_but_the_login(tmp_path: Path) -> None:
    with sandbox_process(clients=12) as sandbox:
        command = Inline(tmp_path / "home", {**sandbox.environ, **KNOWN})
        connect(command, sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
        command("clients", "pick", "--all", "--json")
        before = command("clients", "list", "--json").json
        assert command("disconnect", "--json").json["disconnected"] is True
        assert command("clients", "list", "--json").json == before
        assert command("sync", "--json", code=3).error["code"] == "login-needed"
        connect(command, sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
        assert command("plan", "--json").json["items"] == []
