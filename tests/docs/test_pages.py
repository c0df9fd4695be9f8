"""Every command of a page works as written, in the order written, for a reader who knows only the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.reader import DOCS, lines, reader
from tests.support.profile import in_soak
from xpm_tui.cli.verb_reference import PAGES as GENERATED

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in DOCS.glob("*.md"))]
TYPED = [page for page in PAGES if lines(page)]
ALWAYS = ("README.md", "docs/first-sync.md", "docs/undo.md")
"""The pages that are followed in every run of the tests; the soak follows all."""


@pytest.mark.parametrize("page", [page if page in ALWAYS else in_soak(page) for page in TYPED])
def test_every_command_of_a_page_works_as_written(page: str, tmp_path: Path) -> None:
    with reader(tmp_path) as someone:
        assert someone.follow(page) > 0


@pytest.mark.parametrize("name", GENERATED)
def test_the_reference_of_the_command_line_is_current(name: str) -> None:
    made = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert made == GENERATED[name](), f"run: python -m xpm_tui.cli.verb_reference {name} > docs/{name}.md"
