"""Accepting all that is clear, of team and services: the command asks with the count, then links."""

from __future__ import annotations

from xpm_tui.application.jobs import templates
from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.xpm import Template
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.form import build


def same_names(practice: OpenPractice) -> list[tuple[Service, Template]]:
    """The services with the one template of the same name."""
    return templates.same_names(practice.snapshot())


async def accept_emails(app: AppProtocol) -> bool:
    """Link everybody whose e-mail is the same; False where nobody was linked."""
    return await _accept(app, "team.accept", "person/people", "Press u in Team to undo this.")


async def accept_same_names(app: AppProtocol) -> bool:
    """Link every open service to the template of its name; False where none was linked."""
    return await _accept(app, "templates.accept", "service", "Press u in Templates to undo this.")


async def _accept(app: AppProtocol, name: str, noun: str, undo: str) -> bool:
    act = by_name(name)
    result, _ = await app.run_command(act, build(act, {}), title="Accept all")
    await app.refresh_status()
    linked = int(result.data.get("count", 0))
    empty = result.table.empty if result.table is not None else ""
    told = f"{formatting.count(linked, noun)} linked.\n{undo}" if linked else "\n".join(result.lines) or empty
    app.toast(told)
    return linked > 0
