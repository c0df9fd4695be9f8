"""The verb ``open``: a support bundle in a read-only console, or a summary without a terminal."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from xpm_tui.cli import answer_fields, output
from xpm_tui.cli.console import ConsoleLauncher
from xpm_tui.cli.demo import home_folder
from xpm_tui.cli.options import Globals
from xpm_tui.commands.command import Result
from xpm_tui.domain.errors import BadInput
from xpm_tui.files.private import expand_path
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import condition
    from xpm_tui.application.health import opened_bundle
    from xpm_tui.application.runs import history
    from xpm_tui.application.status import summary
    from xpm_tui.domain import formatting, labels

if TYPE_CHECKING:
    from xpm_tui.application.health.opened_bundle import OpenedBundle
    from xpm_tui.application.practice import OpenPractice

RUNS = 20
"""The number of runs in the summary, newest first."""


def open_bundle(console: ConsoleLauncher, given: Globals, file: str) -> int:
    """Show a bundle in the console, or print its summary; return the exit code.

    Raises:
        BadInput: The file is no bundle that can be opened, or ``--home`` names a folder that is in use.
    """
    answer_fields.check("open", given.fields)
    with _folder(given.home) as folder:
        opened = opened_bundle.unpack(expand_path(file), folder)
        if not given.json and _shows_console(console):
            return console.open(opened.home, person="support", read_only=True, opener=opened.practice)
        with opened.practice() as practice:
            result = _summary(opened, practice)
    if given.json:
        click.echo("".join(output.outcome_pieces(result, given.fields)))
    else:
        for line in output.lines(result):
            click.echo(line)
    return result.exit_code


def _shows_console(console: ConsoleLauncher) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    console.require_terminal()
    return True


def _folder(chosen: str) -> AbstractContextManager[Path]:
    """Return an empty folder: the given one, or a temporary one."""
    if chosen:
        folder = expand_path(chosen)
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(
                f"The folder {folder} is not empty.", hint="Name a new folder, or leave --home out."
            )
    return home_folder(chosen, "xpm-tui-bundle-")


def _summary(opened: OpenedBundle, practice: OpenPractice) -> Result:
    """Return what support needs first: conditions, findings, runs and changed settings."""
    recording = opened.recording
    facts = summary.summarize(practice)
    runs = history.list_runs(practice, RUNS)
    changed = [item for item in practice.settings.items() if item.origin != "default"]
    found = condition.conditions(practice)
    data: dict[str, Any] = {
        "file": recording.file,
        "made": recording.made,
        "version": recording.version,
        "masked": recording.masked,
        "status": msgspec.to_builtins(facts, str_keys=True),
        "probes": [msgspec.to_builtins(each) for each in recording.results],
        "runs": [msgspec.to_builtins(run, str_keys=True) for run in runs],
        "settings": [{"key": item.key, "value": item.shown, "origin": item.origin} for item in changed],
    }
    lines = [
        f"Support bundle of xpm-tui {recording.version}, written {formatting.when_utc(recording.made)}"
        f" ({'names masked' if recording.masked else 'with names'}).",
        *(f"Condition: {each.message or 'sound'}" for each in found),
        f"{formatting.count(facts.clients, 'client')} in Ignition, {facts.xpm_clients:,} in XPM, "
        f"{facts.linked:,} linked.",
        *(problem.sentence for problem in facts.problems),
    ]
    for each in recording.results:
        if each.verdict in ("note", "trouble"):
            lines.append(f"{labels.VERDICTS[each.verdict].text}: {each.title}: {each.sentence}")
    lines += [f"Run {run.id}: {labels.RUN_OUTCOMES[run.outcome].inline}. {run.error}".strip() for run in runs]
    lines.append("On a terminal, the same command opens it as a console that can only be read.")
    return Result(data=data, lines=lines, conditions=found)
