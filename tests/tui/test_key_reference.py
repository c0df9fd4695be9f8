"""The list of keys in the documentation is current."""

from __future__ import annotations

from pathlib import Path

from xpm_tui.tui.key_reference import render

SHEET = Path(__file__).resolve().parents[2] / "docs" / "keys.md"


def test_the_sheet_is_current() -> None:
    assert SHEET.read_text(encoding="utf-8") == render(), "python -m xpm_tui.tui.key_reference > docs/keys.md"
