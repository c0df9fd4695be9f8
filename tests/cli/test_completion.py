"""Completion as users see it: in a real shell on a terminal that has loaded the script, after Tab."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.command import CommandLine
from xpm_tui.cli.completion import USE

PATIENCE = 40.0
"""Seconds in which a shell answers on a busy machine."""

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])")

SHELLS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
FIRST = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u; ", "fish": ""}
"""The lines that the start-up file of each shell needs."""


class Shell:
    """A shell on a terminal of its own."""

    def __init__(self, name: str, home: Path, root: Path) -> None:
        environ = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(root),
            "TERM": "dumb", "LANG": "C.UTF-8", "XPM_TUI_HOME": str(home), "INPUTRC": "/dev/null",
        }  # fmt: skip
        self.pid, self.master = pty.fork()
        if not self.pid:
            os.chdir(root)
            os.execvpe(SHELLS[name][0], list(SHELLS[name]), environ)
        self.type(f"{FIRST[name]}{USE[name]}; echo RE''ADY\n")
        self.wait("READY")

    def type(self, text: str) -> None:
        """Send text as if it was typed."""
        os.write(self.master, text.encode())

    def wait(self, wanted: str) -> str:
        """Read until the terminal shows ``wanted``; return everything since the last wait."""
        seen, end = b"", time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.5)[0]:
                try:
                    seen += os.read(self.master, 65536)
                except OSError:
                    break
            shown = ESCAPES.sub("", seen.decode("utf-8", "replace"))
            if wanted in shown:
                return shown
        raise AssertionError(f"{wanted!r} never came: {seen!r}")

    def anew(self) -> None:
        """Clear the line, and read the rest of its output."""
        self.type("\x15")  # ctrl+u
        self.type("echo A''NEW\n")
        self.wait("ANEW")

    def close(self) -> None:
        """Close the terminal."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one client, c1."""
    CommandLine(tmp_path / "home")("clients", "new", "Kowhai: Sons, Ltd")
    return tmp_path / "home"


LINES = (
    ("xpm-tui sched", "xpm-tui schedule "),
    ("xpm-tui clients sho", "clients show "),
    ("xpm-tui clients show ", "clients show c1"),
    ("xpm-tui --read-only clients show ", "clients show c1"),
    ("xpm-tui settings get sync.le", "get sync.level"),
    ("xpm-tui plan --ful", "plan --full"),
    ("xpm-tui --practice prac", "--practice practice"),
    ("xpm-tui --practice=prac", "--practice=practice"),
    ("xpm-tui proposals take-over --repeat=mon", "--repeat=monthly"),
    ("xpm-tui --set sync.level=name clients show ", "clients show c1"),
    ("xpm-tui import clients files/cl", "files/clients.csv"),
    ("xpm-tui --home=fil", "--home=files/"),
)
"""The text typed before Tab, and the line that follows."""


@pytest.mark.soak
@pytest.mark.parametrize("name", SHELLS)
def test_tab_completes(name: str, home: Path, tmp_path: Path) -> None:
    # bash is on every machine that runs the tests, so its test must not be skipped.
    if name != "bash" and shutil.which(name) is None:
        pytest.skip(f"{name} is not installed here: apt-get install {name}")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "clients.csv").touch()
    with contextlib.closing(Shell(name, home, tmp_path)) as shell:
        for typed, wanted in LINES:
            shell.type(f"{typed}\t")
            shell.wait(wanted)
            shell.anew()
        shell.type("xpm-tui settings set sync.d\t\t")
        shell.wait("sync.daily_push")


def test_what_is_offered_is_reported_whole(home: Path) -> None:
    """Commas in a description and colons in a name do not cut off anything."""
    command = CommandLine(home)
    found = command(
        _XPM_TUI_COMPLETE="fish_complete", COMP_WORDS="xpm-tui clients show ", COMP_CWORD="", code=None
    )
    assert "plain,c1\tKowhai: Sons, Ltd" in found.out
    script = command("completion", "fish").out
    assert "split -m 1" in script


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_says_how_it_is_used(name: str, home: Path) -> None:
    assert f"xpm-tui completion {name}" in USE[name]
    assert "_XPM_TUI_COMPLETE" in CommandLine(home)("completion", name).out
