"""The page of the console's keys."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator

from textual.binding import Binding, BindingType
from textual.screen import Screen

from tools.reference.markdown import table
from xpm_tui.commands.registry import all_commands
from xpm_tui.tui import dialogs, screens
from xpm_tui.tui.app import Console
from xpm_tui.tui.keymap import EXCEPTIONS, KEY_MEANINGS, key_label

_HEAD = """\
# Keys

`F1` and `?` show what the keys do where you are (`?` is a letter where a text is typed). `ctrl+p` and `:`
list every action, also those without a key, with the reason where one cannot be done now. Arrow keys, home,
end and the page keys move everywhere; `tab` goes to the next part; `esc` goes one level up.

`g` and a letter go to an area: `g o` Overview, `g c` Clients, `g t` Team, `g l` Templates, `g j` Jobs, `g s`
Sync, `g e` Settings.
"""

_LETTERS = """
Keys mean the same in every area and on every screen. A key without a function on a screen does nothing there.
"""

SCREEN_NAMES = {
    "AreaScreen": "",  # escape: an area has nothing to close, and dialogs and screens list it themselves
    "BundleScreen": "The support bundle",
    "ServiceTemplates": "The job templates of a service",
    "SearchScreen": "A list to choose from",
    "Clients": "Clients, in addition to its actions",
    "ConfirmDialog": "A question, yes or no",
    "CommandLog": "The command log",
    "Conflicts": "Conflicts",
    "Differences": "Differences that a sync leaves as they are",
    "DeployReview": "Before jobs are created",
    "Dialog": "Every dialog",
    "DoctorScreen": "The doctor",
    "EditDialog": "Editing a record",
    "ExportPreview": "An export, before it is written",
    "FilteredArea": "Team, Templates, Jobs and proposals, in addition to their actions",
    "FormDialog": "A form",
    "ImportPreview": "An import, before it is applied",
    "ErrorDialog": "An error",
    "Inbox": "The inbox",
    "JobDialog": "A job's details",
    "MapStaffPicker": "Linking a team member",
    "DetailScreen": "Every screen over an area",
    "Palette": "The palette",
    "FilePicker": "Naming a file",
    "AddStaffPicker": "Adding XPM staff to the team",
    "Picker": "The picker",
    "PlanReview": "The plan",
    "PolicyScreen": "What is synced, field by field",
    "Practices": "The practices",
    "ProposalsArea": "Proposals, in addition to their actions",
    "Review": "The bulk review",
    "RollOverReview": "Before proposals are rolled over",
    "RunScreen": "A run",
    "SettingsArea": "Settings, in addition to its actions",
    "SyncArea": "Sync, in addition to its actions",
    "MessageDialog": "A text",
    "Wizard": "The wizard",
}
"""The names of screens and dialogs that have keys of their own; those with an empty name are left out."""


def keys_page() -> str:
    """Return the page of all keys."""
    parts = [_HEAD, "\n## What a letter means\n", _LETTERS, _keys(_letters(), ("letter", "means"))]
    parts += ["\n## Everywhere\n", _keys(_labelled(Console.BINDINGS))]
    for area in dict.fromkeys(area for command in all_commands() if command.key for area in command.where):
        rows = [
            (key_label(command.key), command.title, " ".join(command.verb))
            for command in all_commands()
            if command.key and area in command.where
        ]
        title = "Actions available everywhere" if area == "*" else area.capitalize()
        parts += [f"\n## {title}\n", _keys(rows, ("key", "does", "verb"))]
    for name, rows_of_screen in _screens():
        parts += [f"\n## {name}\n", _keys(rows_of_screen)]
    return "".join(parts)


def _letters() -> Iterator[tuple[str, str]]:
    for key, found in KEY_MEANINGS.items():
        more = dict.fromkeys(meaning for (letter, _), meaning in EXCEPTIONS.items() if letter == key)
        yield key, "; ".join([found.meaning, *more])


def _screens() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the name and keys of each screen and dialog with keys of its own, in the order of the files."""
    names = [
        (module.name, f"{package.__name__}.{module.name}")
        for package in (screens, dialogs)
        for module in pkgutil.iter_modules(package.__path__)
    ]
    for _, name in sorted(names):
        for _, screen in inspect.getmembers(importlib.import_module(name), inspect.isclass):
            if issubclass(screen, Screen) and screen.__module__ == name and "BINDINGS" in vars(screen):
                rows = _labelled(screen.BINDINGS)
                if rows and SCREEN_NAMES[screen.__name__]:
                    yield SCREEN_NAMES[screen.__name__], rows


def _labelled(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """Return the keys and meanings of the bindings that have a description."""
    return [
        (
            " or ".join(key_label(key.strip()) for key in binding.key.split(",")),
            binding.tooltip or binding.description,
        )
        for binding in bindings
        if isinstance(binding, Binding) and binding.description
    ]


def _keys(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ("key", "does")) -> str:
    return "\n" + table(head, ((f"`{key}`", *cells) for key, *cells in rows))
