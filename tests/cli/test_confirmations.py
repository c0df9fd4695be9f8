"""On a terminal, a verb shows what it will do and asks first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import KNOWN
from tests.support.command import Inline
from tests.support.sandbox_process import SandboxProcess
from tests.support.terminal import terminal


@pytest.mark.soak
def test_sync_shows_the_plan_and_asks(connected: Inline, ignition: Path) -> None:
    connected("import", "clients", str(ignition), code=1)
    with terminal(["sync"], connected.environ) as shown:
        text = shown.until("changes? [y/N] ")
        assert "Kowhai Plumbing" in text
        assert "changes in" in text
        shown.type("")
        assert shown.end() == 0
        assert "Nothing was changed" in shown.text
        assert "\x1b" not in shown.text
    assert connected("runs", "--json").json["items"] == []
    with terminal(["sync"], connected.environ) as shown:
        shown.until("changes? [y/N] ")
        shown.type("perhaps")
        shown.until("Please answer y or n.")
        shown.type("y")
        assert shown.end() == 0
        assert "done" in shown.text
    assert connected("plan", "--json").json["items"] == []


@pytest.mark.soak
def test_a_link_shows_its_effect_and_asks(connected: Inline, ignition: Path) -> None:
    connected("import", "clients", str(ignition), code=1)
    (kowhai, *_) = connected("clients", "search", "Kowhai Holdings", "--json").json["items"]
    with terminal(["clients", "link", "CLI-2", kowhai["number"]], connected.environ) as shown:
        text = shown.until("Link them? [Y/n] ")
        assert "The next sync would make" in text
        shown.type("n")
        assert shown.end() == 0
    assert connected("clients", "show", "CLI-2", "--json").json["link"] is None


@pytest.mark.soak
def test_connect_asks_for_what_is_missing_and_listens_side_by_side(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    environ = {**sandbox.environ, **KNOWN}
    app = environ.pop("XPM_TUI_XERO_CLIENT_ID")
    command = Inline(tmp_path / "home", environ)
    with terminal(["connect", "--no-browser"], command.environ) as shown:
        shown.until("The client id of the app")
        shown.type(app)
        text = shown.until("Address: ")
        url = next(line for line in text.splitlines() if line.startswith(sandbox.greeting["login_url"]))
        shown.type("nonsense")
        shown.until("Address: ", 30)
        redirect = sandbox.consent(url.strip(), tenant=sandbox.greeting["tenants"][0]["id"])
        shown.type(redirect)
        assert shown.end() == 0
        assert "Connected to" in shown.text
    assert command("status", "--json").json["connected"] is True


def test_purging_wants_the_name_typed(tmp_path: Path) -> None:
    command = Inline(tmp_path / "home")
    command("settings", "set", "sync.level", "name")
    with terminal(["purge"], command.environ) as shown:
        shown.until("To confirm, type practice:")
        shown.type("yes")
        assert shown.end() == 0
        assert "Nothing was deleted" in shown.text
    assert command("settings", "get", "sync.level", "--json").json["value"] == "name"
