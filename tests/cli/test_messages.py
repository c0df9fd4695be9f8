"""Messages of a verb while it works: nothing twice, and never thousands of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import KNOWN
from tests.support.command import CommandLine, Inline
from tests.support.sandbox_process import SandboxProcess, sandbox_process


def test_sync_reports_a_client_in_a_line_and_the_log_every_field(connected: Inline, ignition: Path) -> None:
    connected("import", "clients", str(ignition), code=1)
    shown = connected("sync", "--yes").out.splitlines()
    kowhai = [line for line in shown if " Kowhai Plumbing Pty Ltd: " in line]
    assert len(kowhai) == 1, shown
    assert " changes (link, " in kowhai[0]
    assert "" not in shown
    items = connected("log", "--run", "last", "--json").lines[:-1]
    written = [item for item in items if item["key"] in ("sync.link", "sync.change")]
    clients = Counter(item["record"].partition("/")[0] for item in written)
    assert max(clients.values()) > 3
    assert sum(" changes (" in line for line in shown) == sum(n > 1 for n in clients.values())
    assert len(connected("log", "--run", "last").out.splitlines()) >= len(items)


@pytest.fixture
def own() -> Iterator[SandboxProcess]:
    """A sandbox of its own, because a login keeps every scope that it was ever given."""
    with sandbox_process(clients=12) as process:
        yield process


@pytest.mark.soak
def test_lists_that_one_scope_would_open_are_reported_in_one_sentence(
    own: SandboxProcess, tmp_path: Path
) -> None:
    command = CommandLine(tmp_path / "home", {**own.environ, **KNOWN, "XPM_TUI_XERO_SCOPES": "granular"})
    process = command.start("connect", "--no-browser", "--tenant", own.greeting["tenants"][0]["id"])
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    out, err = process.communicate(own.consent(url) + "\n", timeout=60)
    assert process.returncode == 0, err
    reported = [line for line in out.splitlines() if "scope" in line]
    assert reported == [
        "Job templates and job categories cannot be listed: the login lacks the scope practicemanager.read.",
        "To ask for it: xpm-tui settings set xero.scopes standard, then: xpm-tui connect.",
    ]
    assert "Until then, link a template by its UUID: xpm-tui templates link SERVICE UUID." in out
    command("services", "new", "Payroll")
    refused = command("templates", "link", "s1", "Payroll template", code=2)
    assert "lacks the scope practicemanager.read" in refused.err
    command("templates", "link", "s1", "00000000-0000-4000-8000-000000000009")
    lines = [line for line in (out + err).splitlines() if line]
    assert len(set(lines)) == len(lines)
