"""The interface as it is declared: what can be collected without running a command."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from typing import Any

import click

from tests.interface import golden, product
from tests.interface.golden import Tree, word


def verbs() -> Tree:
    """Commands with the numbers of arguments that each takes, and every spelling of every option."""
    tree: dict[str, dict[str, str]] = {}
    shared: dict[str, str] = {}
    for words, command in product.commands():
        options = {
            spelling: _option(each)
            for each in command.params
            if isinstance(each, click.Option)
            for spelling in (*each.opts, *each.secondary_opts)
            if spelling.startswith("-")
        }
        if not words:
            shared = options
        own = {
            spelling: reported for spelling, reported in options.items() if shared.get(spelling) != reported
        }
        if words and set(shared) <= set(options):
            own["(global options)"] = "all"
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        own["(arguments)"] = _arguments(arguments)
        if isinstance(command, click.Group) and (command.invoke_without_command or command.callback):
            own["(alone)"] = product.default_verbs().get(words, words).replace(" ", "-") or "console"
        tree[words or "(program)"] = own if words else {**shared, **own}
    for other, verb in product.other_names().items():
        tree[other]["(other name of)"] = verb.replace(" ", "-")
    return tree


def _option(option: click.Option) -> str:
    """Only what a script can rely on: an option may become optional, or repeatable, but not the reverse."""
    reported = ["flag" if option.is_flag else "value"]
    reported += [] if option.required else ["optional"]
    reported += ["repeatable"] if option.multiple else []
    reported += _choices(option.type)
    default: Any = option.default
    if not option.is_flag and isinstance(default, (str, int, float)) and default != "":
        reported.append(f"default={word(str(default))}")
    return " ".join(reported)


def _choices(kind: Any) -> list[str]:
    return [f"choice={word(str(each))}" for each in kind.choices] if isinstance(kind, click.Choice) else []


def _arguments(arguments: list[click.Argument]) -> str:
    least = sum(each.required for each in arguments)
    many = any(each.nargs == -1 for each in arguments)
    reported = [str(number) for number in range(least, len(arguments) + 1)]
    reported += ["more"] if many else []
    for place, each in enumerate(arguments, 1):
        reported += [f"{place}:{choice}" for choice in _choices(each.type)]
    return " ".join(reported)


def settings() -> Tree:
    """Every key: type, default, environment variable and values that it takes."""
    before = golden.read("settings")
    tree = {}
    for key, env, kind, default in product.settings():
        known = before.get(key, "")
        assert isinstance(known, str)
        also = [each.removeprefix("takes=") for each in known.split() if each.startswith("takes=")]
        takes = [f"takes={word(each)}" for each in product.accepted(key, also)]
        tree[key] = " ".join((f"type={kind}", f"default={word(default)}", f"env={env}", *takes))
    return tree


def keys() -> Tree:
    """Keys of the areas with what they start, keys of screens and widgets, and the palette."""
    areas: dict[str, dict[str, str]] = defaultdict(dict)
    for area, key, verb in product.area_keys():
        areas[area][key] = verb.replace(" ", "-")
    bound: dict[str, list[str]] = defaultdict(list)
    for screen, key in product.bound_keys():
        bound[screen].append(word(key))
    palette = product.palette()
    everywhere = set.intersection(*palette.values())

    def listed(names: set[str]) -> dict[str, str]:
        return dict.fromkeys(names, "")

    return {
        "letters after g": product.area_letters(),
        "areas": areas,
        "screens": {screen: " ".join(found) for screen, found in bound.items()},
        "palette": {
            "everywhere": listed(everywhere),
            **{f"also in {area}": listed(names - everywhere) for area, names in palette.items()},
        },
    }


def environment() -> Tree:
    """Variables that the code reads, those of settings, and those that the manual names."""
    manual = (product.PROJECT / "man" / "xpm-tui.1").read_text(encoding="ascii")
    section = manual.partition("\n.SH ENVIRONMENT\n")[2].partition("\n.SH ")[0]
    named = re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", re.sub(r"\\f[A-Z]", "", section))
    return {
        "read": dict.fromkeys(product.environment(), ""),
        "settings": {env: key for key, env, _, _ in product.settings()},
        "in the manual": dict.fromkeys(named, ""),
    }


def codes() -> Tree:
    """Exit codes, errors, known problems and events."""
    rules = product.event_rules()
    errors: dict[str, str] = {}
    for code, number in product.error_codes():
        errors[code] = f"{errors.get(code, '')} exit={number}"
    return {
        "exit codes": dict.fromkeys(product.exit_codes(), ""),
        "errors": errors,
        "known problems": dict.fromkeys(product.known_problems(), ""),
        "events": {key: " ".join(word(each) for each in rules.get(key, ())) for key in product.event_keys()},
    }


def entries() -> Tree:
    """How the program is started, and what it answers."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)

    version, usage = run("-m", "xpm_tui", "--version"), run("-m", "xpm_tui", "no-such-verb")
    sandbox = run("-m", "xpm_tui.sandbox", "--help")
    scripts = (product.PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    section = scripts.partition("[project.scripts]\n")[2].partition("\n[")[0]
    return {
        "python -m xpm_tui --version": f"exit={version.returncode} says={version.stdout.split()[0]}",
        "python -m xpm_tui no-such-verb": f"exit={usage.returncode}",
        "python -m xpm_tui.sandbox": " ".join(re.findall(r"(?<![\w-])--[a-z-]+", sandbox.stdout)),
        "scripts": " ".join(line.split(" ")[0] for line in section.splitlines() if line.strip()),
    }
