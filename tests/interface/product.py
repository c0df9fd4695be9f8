"""The only place of this package that imports the product: adapt it when modules move or classes are renamed.

Everything here returns plain values. Names that are private to the code (modules, classes, methods) are not
part of the interface, so they are translated to stable names before they reach a golden file.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from textual.binding import Binding

import xpm_tui
import xpm_tui.tui
from tests.support.source_code import parsed
from tools.reference.man_page import EXITS
from xpm_tui.cli import main as command_line
from xpm_tui.cli.console import NoConsole
from xpm_tui.commands.command import Command, Situation
from xpm_tui.commands.registry import RENAMED, all_commands
from xpm_tui.domain.errors import AppError, CaseId
from xpm_tui.lazy import load
from xpm_tui.log.sentences import REASONS, SENTENCES
from xpm_tui.settings.kinds import format_value
from xpm_tui.settings.schema import SCHEMA
from xpm_tui.tui.app_protocol import AREAS
from xpm_tui.tui.keymap import palette_entries

PACKAGE = Path(xpm_tui.__file__).parent
PROJECT = PACKAGE.parent

SCREENS: dict[str, str] = {}
"""Classes with key bindings that were renamed: the name of today to the name in the golden file."""
COMMAND_NAMES: dict[str, str] = {}
"""Commands without a verb that were renamed: the name of today to the name in the golden file."""

VALUES = ("yes", "no", "true", "false", "on", "off", "1", "0")
"""Spellings that a yes-or-no setting takes."""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command of the command line with its words; hidden ones and other names of a verb included."""

    def walk(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        yield " ".join(words), command
        if isinstance(command, click.Group):
            for name in command.commands:
                yield from walk(command.commands[name], (*words, name))
            for old, today in getattr(command, "old_names", {}).items():
                yield from walk(command.commands[today], (*words, old))

    yield from walk(command_line.build_root(NoConsole()), ())


@contextmanager
def one_tree() -> Iterator[None]:
    """Build the tree of verbs once for all commands that run inside: it costs more than most commands."""
    with pytest.MonkeyPatch.context() as patch:
        tree = command_line.build_root(NoConsole())
        patch.setattr(command_line, "build_root", lambda console: tree)
        yield


def verb_of(command: Command[Any]) -> str:
    """The words of a command, or its name where it is one of the console alone."""
    return " ".join(command.verb) or COMMAND_NAMES.get(command.name, command.name)


def other_names() -> dict[str, str]:
    """Each other name of a verb, and the verb."""
    return {
        " ".join((*command.verb[:-1], alias)): verb_of(command)
        for command in all_commands()
        for alias in command.aliases
    }


def default_verbs() -> dict[str, str]:
    """What a group of verbs does when it is called alone; a group's earlier name included."""
    found = {" ".join(command.verb[:-1]): verb_of(command) for command in all_commands() if command.default}
    for (*before, old), today in RENAMED.items():
        group, former = (" ".join((*before, word)) for word in (today, old))
        if group in found:
            found[former] = found[group].replace(group, former, 1)
    return found


def area_letters() -> dict[str, str]:
    """The letter after ``g`` for each area."""
    return {area.name: area.letter for area in AREAS}


def area_keys() -> Iterator[tuple[str, str, str]]:
    """Area (``*``: all of them), key, and the command that the key starts."""
    for command in all_commands():
        for area in command.where if command.key else ():
            yield area, command.key, verb_of(command)


def palette() -> dict[str, set[str]]:
    """What the palette offers in each area."""
    names = {command.name: verb_of(command) for command in all_commands()}
    areas = dict.fromkeys([*area_letters(), *(area for area, _, _ in area_keys() if area != "*")])
    return {area: {names[each.name] for each in palette_entries(area, Situation())} for area in areas}


def bound_keys() -> Iterator[tuple[str, str]]:
    """Screens, dialogs and widgets, and each key that they bind themselves."""
    seen: set[type] = set()
    for module in _modules("xpm_tui.tui", xpm_tui.tui.__path__):
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found in seen or "BINDINGS" not in vars(found) or not found.__module__.startswith("xpm_tui"):
                continue
            seen.add(found)
            for each in vars(found)["BINDINGS"]:
                keys = each.key if isinstance(each, Binding) else each[0]
                for key in keys.split(","):
                    yield SCREENS.get(found.__name__, found.__name__), key.strip()


def _modules(name: str, path: Iterable[str]) -> Iterator[Any]:
    for found in pkgutil.walk_packages(path, name + "."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            load(module)
            yield module


def settings() -> Iterator[tuple[str, str, str, str]]:
    """Key, environment variable, type in a file, and default of every setting."""
    for entry in SCHEMA:
        yield entry.key, entry.env, entry.kind.toml, format_value(entry.default)


def accepted(key: str, also: Iterable[str] = ()) -> list[str]:
    """The values in question that a setting takes as they are: those that its description names, the ends
    of its range, the usual ones, and ``also``."""
    kind = next((entry.kind for entry in SCHEMA if entry.key == key), None)
    if kind is None:
        return []
    asked = [*also, *(word for word in re.split(r"[\s|,;]+", kind.words) if word)]
    if kind.toml == "boolean":
        asked += VALUES
    elif kind.toml == "text" and " | " not in kind.words:
        asked = [*also]  # free text takes any word
    taken = []
    for value in dict.fromkeys(asked):
        try:
            kind.parse(value)
        except ValueError:
            continue
        taken.append(value)
    return taken


def exit_codes() -> dict[str, str]:
    """The documented exit codes with their meaning."""
    return dict(EXITS)


def error_codes() -> set[tuple[str, int]]:
    """The ``code`` of each error in JSON with the exit code that goes with it, of the whole package."""
    for _ in _modules("xpm_tui", xpm_tui.__path__):
        pass

    def walk(kind: type[AppError]) -> Iterator[type[AppError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from walk(each)

    return {(kind.code, kind.exit_code) for kind in walk(AppError) if kind.__module__.startswith("xpm_tui.")}


def known_problems() -> list[str]:
    """The ids of the known problems, as JSON has them."""
    return [str(case.value) for case in CaseId]


def event_keys() -> list[str]:
    """The keys of the log's events; after a colon, the variant that has a sentence of its own."""
    return list(SENTENCES)


def event_rules() -> dict[str, list[str]]:
    """The rules that an event of a key may name."""
    return {key: list(words) for key, words in REASONS.items()}


def environment() -> set[str]:
    """Every environment variable that the code reads by name: found in its source, not imported."""
    found: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if not re.search(r"environ|getenv|XPM_TUI_", source):
            continue
        tree = parsed(source)
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and isinstance(node.value.value, str)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.fullmatch(r"_?XPM_TUI_[A-Z_]*[A-Z]", node.value):
                    found.add(node.value)
                continue
            for name in _read_names(node):
                text = constants.get(name.id) if isinstance(name, ast.Name) else _text(name)
                if text:
                    found.add(text)
    return found


def _read_names(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Call(func=ast.Attribute(value=where, attr="get" | "pop"), args=[name, *_]) if _environ(
            where
        ):
            return [name]
        case ast.Call(func=ast.Attribute(attr="getenv"), args=[name, *_]):
            return [name]
        case ast.Subscript(value=where, slice=name) if _environ(where):
            return [name]
        case ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[where]) if _environ(where):
            return [name]
    return []


def _environ(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.strip("_") in ("environ", "environment")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
