"""The index of verbs is complete, and one verb is complete without the modules of the others."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root
from xpm_tui.commands import verb_index

ALL = build_root(NoConsole()).commands


def words_below(command: click.Command) -> object:
    """Return the names of the commands of a group, with those below them."""
    below = command.commands if isinstance(command, click.Group) else {}
    return {name: words_below(each) for name, each in below.items()}


def test_the_index_has_every_verb() -> None:
    assert set(verb_index.VERBS) == set(ALL)


@pytest.mark.parametrize("word", ALL)
def test_a_verb_alone_has_all_its_verbs_and_old_names(word: str) -> None:
    root = build_root(NoConsole())
    found = root.get_command(click.Context(root), word)
    assert found is not None
    assert words_below(found) == words_below(ALL[word])
    assert getattr(found, "old_names", {}) == getattr(ALL[word], "old_names", {})
    assert found.get_short_help_str(200) == ALL[word].get_short_help_str(200)


def test_help_loads_no_command_and_a_verb_only_its_own() -> None:
    code = (
        "import sys\nfrom xpm_tui.cli.main import main\nfrom xpm_tui.lazy import unloaded_modules\n"
        "main(sys.argv[1:])\n"
        "names = set(sys.modules) - unloaded_modules()\n"
        "print(*sorted(n for n in names if n.startswith('xpm_tui.commands.')))"
    )

    def loaded(*words: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
        )
        return set(done.stdout.splitlines()[-1].split()) - {verb_index.__name__}

    assert loaded("--help") == set()
    schedule = loaded("schedule", "--help")
    assert "xpm_tui.commands.schedule" in schedule
    assert not schedule & {"xpm_tui.commands.jobs", "xpm_tui.commands.clients", "xpm_tui.commands.plans"}
