"""Which screen stands for which area. Importing one costs only that one."""

from __future__ import annotations

from importlib import import_module

from xpm_tui.lazy import lazy_imports, load
from xpm_tui.tui.screens.area import AreaScreen

with lazy_imports():
    from xpm_tui.tui.screens import clients, jobs, overview, settings, sync, team, templates

LOADED_AHEAD = (
    "clients",
    "picker",
    "review",
    "jobs",
    "team",
    "templates",
    "sync",
    "plan_review",
    "run",
    "settings",
)
"""Modules of screens that somebody may soon want, in the order in which they are wanted."""


def load_ahead() -> None:
    """Import them beside whatever goes on: the first visit then waits for no file."""
    for name in LOADED_AHEAD:
        load(import_module(f"xpm_tui.tui.screens.{name}"))


def create_area(name: str) -> AreaScreen:
    """The screen of an area. Raises ``KeyError`` for none of ours."""
    if name == "overview":
        return overview.Overview()
    if name == "clients":
        return clients.Clients()
    if name == "team":
        return team.TeamArea()
    if name == "templates":
        return templates.TemplatesArea()
    if name == "sync":
        return sync.SyncArea()
    if name == "jobs":
        return jobs.Jobs()
    if name == "settings":
        return settings.SettingsArea()
    raise KeyError(name)
