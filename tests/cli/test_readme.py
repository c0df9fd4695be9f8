"""The README's commands are run as they stand, or say why not; no page names a command that is not there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import FILE, KNOWN, connect
from tests.support.command import Inline
from tests.support.sandbox_process import SandboxProcess
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import root

ROOT = Path(__file__).parents[2]
HERE = ("settings", "csv", "team", "templates", "jobs")
"""Pages of docs/ that are run here; the others have their own tests."""

BEFORE: dict[str, tuple[str, ...]] = {
    "team": (
        "team new 'Ana Silva' email=ana.silva@harbourhill.example",
        "team new 'Tom Reid' email=tom.reid@harbourhill.example",
        "team new 'M. Parata' email=mere@home.example",
    ),
    "templates": tuple(f"services new 'Service {number}'" for number in range(1, 8)),
}
"""What the reader of a page has already."""

_BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_WHY = re.compile(r"(?:#|<!--) not run here: \S")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """The lines of all ``sh`` blocks that are to be run; a comment above a block speaks for all of it."""
    return [
        line
        for marks, block in _BLOCK.findall(read(name))
        if not _WHY.search(marks)
        for line in block.splitlines()
        if line.strip() and not _WHY.search(line)
    ]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a file of Ignition's that is taken whole."""
    monkeypatch.chdir(tmp_path)
    good = [line for line in FILE.splitlines(True) if not line.startswith("CLI-8")]
    (tmp_path / "clients.csv").write_text("".join(good).replace(",Favourite Colour", ",Region"), "utf-8")
    return tmp_path


class Walk:
    """What a person does who types the README's lines, one after another, and follows what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = Inline(folder / "home", KNOWN)
        self.sandbox: SandboxProcess | None = None
        self.done: list[str] = []

    def type(self, line: str) -> None:
        """One line. The port and the client id are those that the sandbox has said."""
        if self.sandbox:
            line = line.replace("http://localhost:8099", self.sandbox.greeting["api_url"])
            line = line.replace("THE-CLIENT-ID-OF-THE-FIRST-LINE", self.sandbox.greeting["client_id"])
        match shlex.split(line, comments=True):
            case ["export", setting] if setting.startswith("XPM_TUI_HOME=~/"):
                self.command = Inline(self.folder / setting.partition("~/")[2], KNOWN)
            case ["xpm-tui", "sandbox", *options]:
                self._start_sandbox(options)
            case ["xpm-tui", "connect", "--no-browser"]:
                assert self.sandbox
                connect(self.command, self.sandbox, tenant=self.sandbox.greeting["tenants"][0]["id"])
            case ["xpm-tui", "log", "--follow"]:
                self._follow()
            case ["xpm-tui", *words]:
                self.command(*words, code=0)
            case _:
                assert line == 'eval "$(xpm-tui completion bash)"', line
                self._complete(line)
        self.done.append(line)

    def end(self) -> None:
        """Stop the sandbox."""
        if self.sandbox:
            self.sandbox.process.terminate()
            self.sandbox.process.communicate(timeout=10)

    def _start_sandbox(self, options: list[str]) -> None:
        assert options == ["--port", "8099"]
        process = self.command.start("sandbox", "--port", "0", "--die-with-parent")
        assert process.stdout is not None
        self.sandbox = SandboxProcess(process, json.loads(process.stdout.readline()))

    def _follow(self) -> None:
        process = self.command.start("log", "--follow")
        assert process.stdout is not None
        assert process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130

    def _complete(self, line: str) -> None:
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("needs bash")
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        shown = subprocess.run(
            [bash, "-ec", f"{line}\ncomplete -p xpm-tui"],
            env={**self.command.environ, "PATH": path}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "xpm_tui" in shown.stdout


@pytest.fixture
def walk(worker: Path) -> Iterator[Walk]:
    walk = Walk(worker)
    yield walk
    walk.end()


def test_the_readme_can_be_typed_from_top_to_bottom(walk: Walk) -> None:
    lines = commands("README.md")
    for line in lines:
        walk.type(line)
    assert len(walk.done) == len(lines) >= 12
    linked = walk.command("clients", "show", "c3", "--json").json["link"]
    assert linked["number"] == "14070003"


def test_what_the_readme_leaves_to_ci_is_run_there() -> None:
    for mark in ("demo", "tests"):
        assert f".ci/readme_command {mark}" in read(".ci/run")
        given = subprocess.run(
            [sys.executable, ROOT / ".ci" / "readme_command", mark],
            capture_output=True,
            text=True,
            check=True,
        )
        assert given.stdout.startswith("python3 -m venv .venv && ")


@pytest.fixture
def wide(sandbox: SandboxProcess, tmp_path: Path) -> Inline:
    """A connected practice whose login opens the list of templates, too."""
    practice = Inline(tmp_path / "home", {**sandbox.environ, **KNOWN, "XPM_TUI_XERO_SCOPES": "both"})
    connect(practice, sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
    return practice


@pytest.mark.parametrize("name", HERE)
def test_every_command_of_a_page_is_run(name: str, wide: Inline, worker: Path) -> None:
    lines = commands(f"docs/{name}.md")
    assert lines or _WHY.search(read(f"docs/{name}.md"))
    for line in (*(f"xpm-tui {before}" for before in BEFORE.get(name, ())), *lines):
        words = shlex.split(line, comments=True)
        environ = dict(word.split("=", 1) for word in words[: words.index("xpm-tui")])
        wide(*words[len(environ) + 1 :], seconds=0, code=0, **environ)


def test_no_page_with_commands_is_left_out() -> None:
    tests = [Path(__file__), *(ROOT / "tests").glob("*/test_docs.py")]
    named = set(re.findall(r'"([\w-]+?)(?:\.md)?"', "".join(path.read_text("utf-8") for path in tests)))
    pages = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
    assert {name for name, text in pages.items() if re.search(r"^```(sh|bash)$", text, re.MULTILINE)} <= named


@pytest.mark.parametrize(
    "page", ["README.md", "CHANGELOG.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_a_command_in_a_sentence_is_there(page: str) -> None:
    for spoken in re.findall(r"`xpm-tui ([^`]+)`", read(page)):
        command: click.Command = root(NoConsole())
        for word in spoken.split():
            if not isinstance(command, click.Group) or word.startswith("-") or word.isupper():
                break
            assert word in command.commands, spoken
            command = command.commands[word]


PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")),
]


def anchors(page: str) -> set[str]:
    """The headings of a page as the addresses of GitHub and of mkdocs have them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S), re.M)
    plain = [re.sub(r"[^\w\s-]", "", head).strip().lower() for head in heads]
    return {re.sub(r"[\s-]+", "-", head) for head in plain}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_picture_and_anchor_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    text = re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S))
    links = re.findall(r"\]\((?!https?:)([^)\s]*?)(?:#([^)]*))?\)", text)
    assert len(links) > 10 or page != "README.md"
    for target, anchor in links:
        if target == "changes.md":  # made of the CHANGELOG when the pages are built
            continue
        there = (folder / target).resolve() if target else ROOT / page
        assert there.exists(), target
        assert not anchor or anchor in anchors(str(there.relative_to(ROOT))), f"{target}#{anchor}"


def test_every_dependency_has_its_line_and_no_other_has() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = {re.match(r"[\w-]+", each).group() for each in project["dependencies"]}  # type: ignore[union-attr]
    page = read("docs/dependencies.md")
    assert set(re.findall(r"^\| ([\w-]+)(?: \([^|]*\))? \|", page, re.M)) - {"library", "---"} == wanted
    extras = {re.match(r"[\w-]+", each).group()  # type: ignore[union-attr]
              for more in project["optional-dependencies"].values() for each in more}  # fmt: skip
    assert [name for name in extras - {"xpm-tui"} if name not in page] == []
