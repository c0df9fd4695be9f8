"""Generates the reference of keys: ``python -m xpm_tui.tui.key_reference > docs/keys.md``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator

from textual.binding import Binding, BindingType
from textual.screen import Screen

from xpm_tui.commands.registry import all_commands
from xpm_tui.tui import dialogs, screens
from xpm_tui.tui.app import Console
from xpm_tui.tui.keymap import KEY_MEANINGS, SETTLED, key_label

_HEAD = """\
# Keys

<!-- Made from commands and screens: `python -m xpm_tui.tui.key_reference > docs/keys.md`. Do not edit. -->

`F1` and `?` show what the keys do where you are (`?` is a letter where a text is typed). `ctrl+p` and `:`
list every action, also those without a key, with the reason where one cannot be done now. Arrow keys, home,
end and the page keys move everywhere; `tab` goes to the next part; `esc` goes one level up.

`g` and a letter go to an area: `g o` Overview, `g c` Clients, `g t` Team, `g l` Templates, `g j` Jobs, `g s`
Sync, `g e` Settings.
"""

_LETTERS = """
Keys mean the same in every area and on every screen. A key without a function on a screen does nothing there.
"""

NAMES = {
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


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD, "\n## What a letter means\n", _LETTERS, _table(_letters(), ("letter", "means"))]
    parts += ["\n## Everywhere\n", _table(_listed(Console.BINDINGS))]
    areas = dict.fromkeys(area for command in all_commands() if command.key for area in command.where)
    for area in areas:
        rows = [
            (key_label(command.key), command.title, " ".join(command.verb))
            for command in all_commands()
            if command.key and area in command.where
        ]
        title = "Actions available everywhere" if area == "*" else area.capitalize()
        parts += [f"\n## {title}\n", _table(rows, ("key", "does", "verb"))]
    for name, listed in _screens():
        parts += [f"\n## {name}\n", _table(listed)]
    return "".join(parts)


def _letters() -> Iterator[tuple[str, str]]:
    for key, sense in KEY_MEANINGS.items():
        more = dict.fromkeys(meaning for (settled, _), meaning in SETTLED.items() if settled == key)
        yield key, "; ".join([sense.meaning, *more])


def _screens() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the name and keys of each screen and dialog with keys of its own, in the order of the files."""
    names = [
        (found.name, f"{room.__name__}.{found.name}")
        for room in (screens, dialogs)
        for found in pkgutil.iter_modules(room.__path__)
    ]
    for _, name in sorted(names):
        module = importlib.import_module(name)
        for _, screen in inspect.getmembers(module, inspect.isclass):
            if (
                issubclass(screen, Screen)
                and screen.__module__ == module.__name__
                and "BINDINGS" in vars(screen)
            ):
                rows = _listed(screen.BINDINGS)
                if rows and NAMES[screen.__name__]:
                    yield NAMES[screen.__name__], rows


def _listed(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    return [
        (
            " or ".join(key_label(key.strip()) for key in binding.key.split(",")),
            binding.tooltip or binding.description,
        )
        for binding in bindings
        if isinstance(binding, Binding) and binding.description
    ]


def _table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ("key", "does")) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(f"`{row[0]}`" if i == 0 else cell for i, cell in
             enumerate(row)) for row in rows)]  # fmt: skip
    return "\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(render())
