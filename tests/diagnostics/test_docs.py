"""The page of known problems is complete, and that of the bundle names every part."""

from __future__ import annotations

import re
from pathlib import Path

from tools.reference.registries import PROBLEM_SECTIONS
from xpm_tui.domain.errors import CaseId

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_known_problems_is_complete() -> None:
    assert {each.id for _, problems in PROBLEM_SECTIONS for each in problems} == set(CaseId)


def test_the_bundle_page_names_every_part_and_every_setting_kept_back() -> None:
    from xpm_tui.application.health.bundle import OWN_WORDS

    text = (DOCS / "bundle.md").read_text(encoding="utf-8")
    parts = re.findall(
        r'_part\(\s*"([^"]+)"', (DOCS.parent / "xpm_tui/application/health/bundle.py").read_text()
    )
    assert len(parts) >= 8
    for word in (*parts, *OWN_WORDS):
        assert f"`{word}`" in text, word
