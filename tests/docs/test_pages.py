"""Every command of a page works as written, in the order written, for a reader who knows only the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.reader import DOCS, lines, reader
from tests.support.profile import in_soak

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in DOCS.glob("*.md"))]
TYPED = [page for page in PAGES if lines(page)]
ALWAYS = ("README.md", "docs/first-sync.md", "docs/undo.md")
"""The pages that are followed in every run of the tests; the soak follows all."""


@pytest.mark.parametrize("page", [page if page in ALWAYS else in_soak(page) for page in TYPED])
def test_every_command_of_a_page_works_as_written(page: str, tmp_path: Path) -> None:
    with reader(tmp_path) as someone:
        assert someone.follow(page) > 0
