"""A reader of the documentation: does what a page says, line by line, in a fresh home and an empty folder.

A page's commands are its ``sh`` blocks. A comment above a block says why it is not run (``not run: …``: it
needs a browser, a server, a terminal), with which codes its lines may exit (``exits with 4``), or that it is
``the last step`` of a page on which others build. The line **Before you begin** links to the pages that the
reader has followed before.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.conftest import KNOWN, connect
from tests.support.command import Done, Inline
from tests.support.sandbox_process import SandboxProcess, sandbox_process
from xpm_tui.cli.demo import write_sample_files

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ADDRESS = "http://localhost:8099"
"""Where the sandbox of a page listens; the test gives it any free port."""

_BLOCK = re.compile(r"((?:^[ ]*<!-- [^\n]* -->\n)*)^([ ]*)```(\w+)\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)
_WHY = re.compile(r"not run(?: here)?: \S")
_EXITS = re.compile(r"exits with (\d+)")
_BEFORE = re.compile(r"^\*\*Before you begin\*\*(.*?)\n\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One line to type, with the exit codes that it may have."""

    text: str
    codes: tuple[int, ...] = (0,)


def read(page: str) -> str:
    """The text of a page, by its path from the root of the project."""
    return (ROOT / page).read_text(encoding="utf-8")


def lines(page: str, *, goes_on: bool = False) -> list[Line]:
    """What a reader of a page types, in order; one who goes on to another page leaves out the last step."""
    found = []
    for marks, indent, kind, block in _BLOCK.findall(read(page)):
        if kind != "sh" or _WHY.search(marks) or (goes_on and "the last step" in marks):
            continue
        for text in _statements([line.removeprefix(indent) for line in block.splitlines()]):
            if text.strip() and not text.lstrip().startswith("#") and not _WHY.search(text):
                codes = tuple(map(int, _EXITS.findall(marks) or _EXITS.findall(text))) or (0,)
                found.append(Line(text, codes))
    return found


def _statements(block: list[str]) -> Iterator[str]:
    """The lines of a block, those of one command joined: here-documents, loops, and lines that go on."""
    waiting: list[str] = []
    end = ""
    for line in block:
        waiting.append(line)
        if found := re.search(r"<<'?(\w+)'?", line):
            end = found[1]
        elif line.startswith("for "):
            end = "done"
        if line.endswith("\\") or (end and line != end):
            continue
        yield "\n".join(waiting)
        waiting, end = [], ""
    assert not waiting, waiting


def earlier(page: str) -> list[str]:
    """The pages that the reader of a page has followed before."""
    found = _BEFORE.search(read(page))
    linked = re.findall(r"\]\(([\w-]+\.md)", found[1]) if found else []
    followed = ["trial.md"] if "trial.md" in linked else [each for each in linked if (DOCS / each).exists()]
    return [f"docs/{name}" for name in followed]


class Reader:
    """Someone at a terminal with an empty home, the program, and Xero's stand-in."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._sandbox: SandboxProcess | None = None
        self._environ = {**KNOWN, "HOME": str(folder / "own-home")}
        self._command = Inline(folder / "own-home" / ".xpm", self._environ)

    @property
    def sandbox(self) -> SandboxProcess:
        """The one that the page has started; a page that starts none has the real Xero in mind."""
        if self._sandbox is None:
            self._sandbox = self._stack.enter_context(sandbox_process())
            self._export(**self._sandbox.environ)
        return self._sandbox

    def follow(self, page: str, *, goes_on: bool = False) -> int:
        """Type every line of a page, after those of the pages before it; gives their number."""
        for each in earlier(page):
            self.follow(each, goes_on=True)
        typed = lines(page, goes_on=goes_on)
        for line in typed:
            self.type(line)
        return len(typed)

    def type(self, line: Line) -> None:
        """Type one line."""
        text = line.text
        if self._sandbox:
            text = text.replace(ADDRESS, self._sandbox.greeting["api_url"])
        try:
            words = shlex.split(text, comments=True)
        except ValueError:
            words = []
        match words:
            case ["export", setting] if setting.startswith("XPM_TUI_HOME=~/"):
                home = self.folder / "own-home" / setting.partition("~/")[2]
                self._command = Inline(home, self._environ)
            case ["xpm-tui", "sandbox", *options]:
                self._start_sandbox(options)
            case ["xpm-tui", *_] if "connect" in words and "--check" not in words:
                tenant = self.sandbox.greeting["tenants"][0]["id"]
                chosen = words[1:3] if words[1] == "--practice" else []
                connect(self._command, self.sandbox, *chosen, tenant=tenant)
            case ["xpm-tui", "log", "--follow"]:
                self._follow_log()
            case ["xpm-tui", *_] if not re.search(r"[|<>$&;~*]", shlex.join(words).replace("'", "")):
                self._run(words[1:], line)
            case [*_] if words and re.fullmatch(r"(\w+=\S+ )+xpm-tui .*", " ".join(words)):
                place = words.index("xpm-tui")
                self._run(words[place + 1 :], line, **dict(word.split("=", 1) for word in words[:place]))
            case _:
                self._in_shell(text, line)

    def _run(self, words: list[str], line: Line, **environ: Any) -> Done:
        _ = self.sandbox
        done = self._command(*words, code=None, seconds=0, **environ)
        assert done.code in line.codes, (line.text, done)
        return done

    def _in_shell(self, text: str, line: Line) -> None:
        _ = self.sandbox
        bash = shutil.which("bash")
        assert bash is not None
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [bash, "-c", f"set -o pipefail\n{text}"],
            env={**self._command.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in line.codes, (text, done.stdout, done.stderr)

    def _start_sandbox(self, options: list[str]) -> None:
        given = dict(zip(options[::2], options[1::2], strict=True))
        assert given.pop("--port") == "8099", options
        if folder := given.pop("--sample-files", ""):
            write_sample_files(Path(folder), clients=int(given.get("--clients", 12)), seed=1)
        more = [word for pair in given.items() for word in pair]
        self._sandbox = self._stack.enter_context(sandbox_process(*more))

    def _follow_log(self) -> None:
        process = self._command.start("log", "--follow")
        assert process.stdout is not None
        assert process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130

    def _export(self, **environ: str) -> None:
        self._command.environ.update(environ)
        self._environ.update(environ)


@contextmanager
def reader(folder: Path) -> Iterator[Reader]:
    """A reader in an empty folder, whose sandbox ends with the block."""
    with ExitStack() as stack:
        (folder / "own-home").mkdir()
        stack.enter_context(chdir(folder / "own-home"))
        yield Reader(folder, stack)
