"""The rows of the registry, and the record types that hold the values."""

from __future__ import annotations

import re

import msgspec
import pytest

from xpm_tui.application.presenters.views import ClientView, ContactView
from xpm_tui.domain import fields
from xpm_tui.domain.fields import BOTH_WAYS, ChoiceOption, CsvField, Field, XpmField
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.ignition import forms
from xpm_tui.ignition.csv_text import normalise_heading
from xpm_tui.settings import schema
from xpm_tui.sync import policy

NO_FIELDS = {
    Client: {"id", "extra", "origin", "created"},
    Contact: {"id", "extra"},
    XpmClient: {"uuid", "number", "web_url", "seen_at", "unread"},
    XpmContact: {"uuid"},
    ClientView: {
        "id",
        "link",
        "link_state",
        "needs",
        "frozen",
        "ignored",
        "origin",
        "extra",
        "came_from",
        "removed_contacts",
    },
    ContactView: {"id", "uuid", "removed", "came_from"},
}
"""What a record has beside its fields: ids, addresses, and what the program itself keeps or works out."""


@pytest.mark.parametrize("record", NO_FIELDS, ids=lambda record: record.__name__)
def test_a_record_has_exactly_the_attributes_of_the_registry(record: type[msgspec.Struct]) -> None:
    rows = fields.of_record("contact" if "Contact" in record.__name__ else "client").values()
    in_xpm = record in (XpmClient, XpmContact)
    wanted = {row.attribute for row in rows if (row.xpm if in_xpm else row.ignition)}
    assert set(record.__struct_fields__) - NO_FIELDS[record] == wanted


def test_names_places_and_headings_are_unique() -> None:
    rows = fields.FIELDS
    assert len({row.name for row in rows}) == len({(row.of, row.attribute) for row in rows}) == len(rows)
    assert len({row.label for row in rows}) == len(rows)
    places = [row.csv.place for row in rows if row.csv]
    assert len(set(places)) == len(places)
    for record in ("client", "contact"):
        elements = [word for row in rows if row.xpm and row.of == record for word in row.xpm.read]
        assert len(set(elements)) == len(elements)
    headings = [normalise_heading(column.heading) for column in forms.CLIENTS.fields]
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize("row", fields.FIELDS, ids=lambda row: row.name)
def test_a_row_explains_itself_in_one_sentence(row: Field) -> None:
    assert row.label == row.label.strip() != ""
    assert re.fullmatch(r"[A-Z][^.]*\.", row.help)


@pytest.mark.parametrize(
    "row",
    [
        {"sync": BOTH_WAYS},
        {"sync": BOTH_WAYS, "xpm": XpmField(("Nickname",))},
        {"sync": BOTH_WAYS, "xpm": XpmField(("Nickname",), "Nickname"), "ignition": False},
        {"ignition": False, "editable": True},
        {"ignition": False, "csv": CsvField(999, "Nickname")},
        {"kind": "choice"},
        {"choices": (ChoiceOption("a", "A"),)},
    ],
    ids=["no XPM", "no request", "no Ignition", "edited", "imported", "no choices", "choices"],
)
def test_a_row_that_contradicts_itself_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="nickname"):
        Field(name="nickname", label="Nickname", help="A name.", **row)  # type: ignore[arg-type]


def test_policy_and_settings_have_the_fields_that_are_synced() -> None:
    synced = [row.name for row in fields.FIELDS if row.sync.is_ever_synced]
    assert synced == [*schema.FIELDS] == list(policy.ORDER)
    assert schema.entry("sync.off").kind.parse(", ".join(synced)) == tuple(synced)


def test_every_heading_of_a_column_means_its_field() -> None:
    for row in fields.COLUMNS:
        assert row.csv is not None
        for heading in (row.csv.heading, *row.csv.also):
            value = "yes" if row.kind == "flag" else "x"
            found = forms.match_columns(forms.CLIENTS, ["Client ID", heading], [["1", value]], {})
            named = {column.field for column in found}
            assert row.name in named or heading in _ELSEWHERE, heading


_ELSEWHERE = {"id", "primary contact"}
"""A second "ID" beside a Client ID is no id; a "Primary Contact" of yes and no is no name."""
