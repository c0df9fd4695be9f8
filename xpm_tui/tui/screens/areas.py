"""Which screen stands for which area. Importing one costs only that one."""

from __future__ import annotations

from importlib import import_module

from xpm_tui.tui.screens.area import AreaScreen

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
        import_module(f"xpm_tui.tui.screens.{name}")


def make(name: str) -> AreaScreen:
    """The screen of an area. Raises ``KeyError`` for none of ours."""
    if name == "overview":
        from xpm_tui.tui.screens.overview import Overview

        return Overview()
    if name == "clients":
        from xpm_tui.tui.screens.clients import Clients

        return Clients()
    if name == "team":
        from xpm_tui.tui.screens.team import TeamArea

        return TeamArea()
    if name == "templates":
        from xpm_tui.tui.screens.templates import TemplatesArea

        return TemplatesArea()
    if name == "sync":
        from xpm_tui.tui.screens.sync import SyncArea

        return SyncArea()
    if name == "jobs":
        from xpm_tui.tui.screens.jobs import Jobs

        return Jobs()
    if name == "settings":
        from xpm_tui.tui.screens.settings import SettingsArea

        return SettingsArea()
    raise KeyError(name)
