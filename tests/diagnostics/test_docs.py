"""The page of known problems is current and complete, and that of the bundle names every part."""

from __future__ import annotations

import re
from pathlib import Path

from xpm_tui.diagnostics.reference import SECTIONS, reference_page
from xpm_tui.domain.errors import CaseId

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_known_problems_is_current() -> None:
    text = (DOCS / "trouble.md").read_text(encoding="utf-8")
    assert text == reference_page(), "python -m xpm_tui.diagnostics.reference > docs/trouble.md"
    assert {each.id for _, cases in SECTIONS for each in cases} == set(CaseId)


def test_the_bundle_page_names_every_part_and_every_setting_kept_back() -> None:
    from xpm_tui.application.health.bundle import OWN_WORDS

    text = (DOCS / "bundle.md").read_text(encoding="utf-8")
    parts = re.findall(
        r'_part\(\s*"([^"]+)"', (DOCS.parent / "xpm_tui/application/health/bundle.py").read_text()
    )
    assert len(parts) >= 8
    for word in (*parts, *OWN_WORDS):
        assert f"`{word}`" in text, word
