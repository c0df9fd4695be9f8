"""Maps each screen to the verb that shows or does the same, for support staff who read a bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from xpm_tui.commands.registry import PROGRAM

SCREEN_VERBS: dict[str, str | Callable[[Any], str]] = {
    "Overview": "status",
    "Clients": "clients list",
    "TeamArea": "team list",
    "TemplatesArea": "services list",
    "Jobs": "jobs list",
    "SyncArea": "runs list",
    "SettingsArea": "settings list",
    "ProposalsArea": "proposals list",
    "Picker": "clients search TEXT",
    "MapStaffPicker": "team link MEMBER STAFF",
    "AddStaffPicker": "team pick --all",
    "ServiceTemplates": "templates list",
    "Review": "clients review",
    "Conflicts": "conflicts",
    "Differences": lambda screen: f"plan show {screen._plan_id}",
    "Practices": "practices list",
    "PolicyScreen": "policy",
    "RunScreen": lambda screen: f"runs show {screen._run_id}",
    "PlanReview": lambda screen: f"plan show {screen._plan_id}",
    "DoctorScreen": "doctor",
    "BundleScreen": "doctor --bundle FILE",
    "ExportPreview": lambda screen: f"export {screen._form} -",
    "ImportPreview": lambda screen: f"import {screen._form} FILE --dry-run",
    "CommandLog": "log",
    "Inbox": "inbox list",
    "Wizard": "connect",
}
"""Verbs by the class name of the screen; dialogs have none."""


def screen_verb(screen: Screen[Any]) -> str:
    """Return the command line that shows the same as a screen; empty for a dialog."""
    names = [kind.__name__ for kind in type(screen).__mro__]
    found = next((SCREEN_VERBS[name] for name in names if name in SCREEN_VERBS), "")
    words = found(screen) if callable(found) else found
    return f"{PROGRAM} {words}" if words else ""
