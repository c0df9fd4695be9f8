"""The parts of the README that CI uses exist, and no page names a command, file or library that does not."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_what_the_readme_leaves_to_ci_is_run_there() -> None:
    for mark in ("demo", "tests"):
        assert f".ci/readme_command {mark}" in read(".ci/run")
        given = subprocess.run(
            [sys.executable, ROOT / ".ci" / "readme_command", mark],
            capture_output=True,
            text=True,
            check=True,
        )
        assert given.stdout.startswith((".venv/bin/pytest ", "python3 -m venv .venv && "))


ALSO = ("help", "version")
"""Words that the program accepts in place of a verb, as gh and rclone do."""


@pytest.mark.parametrize(
    "page", ["README.md", "CHANGELOG.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_a_command_in_a_sentence_is_there(page: str) -> None:
    for spoken in re.findall(r"`xpm-tui ([^`]+)`", read(page)):
        command: click.Command = build_root(NoConsole())
        for word in spoken.split():
            if not isinstance(command, click.Group) or word.startswith("-") or word.isupper() or word in ALSO:
                break
            assert word in command.commands, spoken
            command = command.commands[word]


PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")),
]


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and mkdocs form them."""
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
        if target in ("changes.md", "schema/answers.json"):  # generated when the site is built
            continue
        there = (folder / target).resolve() if target else ROOT / page
        assert there.exists(), target
        assert not anchor or anchor in anchors(str(there.relative_to(ROOT))), f"{target}#{anchor}"


def test_every_dependency_has_its_line_and_no_other_has() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = {re.match(r"[\w-]+", each).group() for each in project["dependencies"]}  # type: ignore[union-attr]
    page = read("docs/dependencies.md")
    listed = set(re.findall(r"^\| ([\w-]+)(?: \((?!only with)[^|]*\))? \|", page, re.M))
    assert listed - {"library", "---"} == wanted
    extras = {re.match(r"[\w-]+", each).group()  # type: ignore[union-attr]
              for more in project["optional-dependencies"].values() for each in more}  # fmt: skip
    assert [name for name in extras - {"xpm-tui"} if name not in page] == []
