"""The pages that list fields are generated from the registry, and current."""

from __future__ import annotations

from pathlib import Path

from xpm_tui.sync.field_reference import csv_table, page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_fields_is_current() -> None:
    made = (DOCS / "fields.md").read_text(encoding="utf-8")
    assert made == page(), "run: python -m xpm_tui.sync.field_reference > docs/fields.md"


def test_the_table_of_the_clients_form_is_current() -> None:
    assert csv_table() in (DOCS / "csv.md").read_text(encoding="utf-8")
