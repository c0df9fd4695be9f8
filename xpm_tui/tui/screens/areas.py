"""Which screen stands for which area. Importing one costs only that one."""

from __future__ import annotations

from xpm_tui.tui.screens.area import AreaScreen


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
