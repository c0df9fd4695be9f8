"""The examples of the CSV page are files that can be imported, and its table names every field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ignition.support import NOW, ImportedStore
from xpm_tui.application.csv_io.imports import plan_import
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.tables import TEAM
from xpm_tui.ignition.forms import CLIENTS, FORMS, RECORD
from xpm_tui.ignition.parser import parse

PAGE = (Path(__file__).parents[2] / "docs" / "csv.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## (\w+)\n(?:(?!^## ).)*?```csv\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_form_has_an_example() -> None:
    assert [title.lower() for title, _ in EXAMPLES] == list(FORMS)


@pytest.mark.parametrize(("title", "text"), EXAMPLES)
def test_an_example_is_taken_whole(title: str, text: str) -> None:
    imported = ImportedStore((TEAM, TeamMember(id="t1", name="Mere Tau")))
    parsed = parse(text.encode(), title.lower())  # type: ignore[arg-type]
    plan = plan_import(imported.store.snapshot(), parsed, None, NOW)
    assert plan.refused == ()
    assert plan.counts["new"] >= 1
    if title != "Services":
        assert parsed.unknown == ()


def test_the_table_names_every_field_of_the_clients_form() -> None:
    reported = set(re.findall(r"`(\w+)`", PAGE))
    parts = {f"postal_{part}" for part in ("city", "region", "postcode", "country")}
    names = (
        {each.name for each in CLIENTS.fields}
        - parts
        - {RECORD}
        - {"contact_first_name", "contact_last_name"}
    )
    assert names <= reported
