"""The man page contains every command and option, and is formatted correctly."""

from __future__ import annotations

import re
import shutil
import subprocess

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.test_verbs import ALL
from tools.reference.man_page import EXITS, manual_page, roff
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root
from xpm_tui.domain.errors import AppError
from xpm_tui.settings.schema import SCHEMA

TREE = build_root(NoConsole())
MADE = manual_page()

needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not on this machine")


def shown(roff: str) -> str:
    """Return the page as a terminal of 200 columns shows it, with single spaces between words."""
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=200n", "-rHY=0"],
        input=roff.encode("ascii"), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr == b""
    return " ".join(done.stdout.decode().split())


def problems(kind: type[AppError] = AppError) -> set[int]:
    return {kind.exit_code}.union(*(problems(each) for each in kind.__subclasses__()))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_is_there_with_its_options(words: tuple[str, ...]) -> None:
    command: click.Command = TREE
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    commands = MADE.partition("\n.SH GLOBAL OPTIONS")[0]
    if command.callback is None:
        assert f'\n.SS "{roff(words[0])}"\n.PP\n{roff(command.help or "")}\n' in commands
        return
    blocks = commands.split(f"\n.TP\n\\fBxpm\\-tui {roff(' '.join(words))}\\fR")
    assert len(blocks) == 2
    block = blocks[1].partition("\n.TP\n\\fBxpm\\-tui ")[0]
    assert roff(command.help or "") in block
    for param in command.params:
        own = isinstance(param, click.Option) and bool(param.expose_value)
        named = re.search(re.escape(f"\\fB{roff(param.opts[0])}") + r"(?!\\-|\w)", block)
        assert bool(named) is own, param.name


def test_every_exit_code_of_an_error_is_explained() -> None:
    assert {code for code, _ in EXITS} >= {str(code) for code in problems()}


@needs_groff
def test_a_terminal_shows_it_without_a_warning() -> None:
    there = shown(MADE)
    for words in ALL:
        assert f"xpm-tui {' '.join(words)}" in there
    for entry in SCHEMA:
        assert entry.env in there
    assert "\\" not in there.replace("\\(", "")


@needs_groff
@pytest.mark.parametrize(
    "words",
    [
        ".TH X 1",
        "'br",
        "\\fBbold\\fR \\n[x]",
        "--dry-run",
        'say "it\'s" `so` ~/x ^',
        "Café … “ō” 漢字 🙂",
        ".",
    ],
)
def test_a_text_is_shown_as_it_stands(words: str) -> None:
    assert f"before {words} after" in shown(f".TH T 1\n.PP\nbefore\n{roff(words)}\nafter\n")


@given(st.text())
def test_no_text_is_a_request(words: str) -> None:
    line = roff(words)
    assert line.isascii()
    assert "\n" not in line
    assert not line.startswith((".", "'"))
