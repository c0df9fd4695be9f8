"""For each row of the registry: a value survives every way that the row claims.

XML -> decoder -> store -> plan -> Ignition, Ignition -> plan -> request -> XML, CSV -> store -> CSV, the edit
form, the JSON view. A consumer that forgets a field fails here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from tests.fields.samples import LINK, MEMBER, STAFF, book_client, decoded, held, sample
from tests.ignition.support import NOW, ImportedStore
from tests.sync.fixtures import SyncFixture
from tests.xero.replies import uuid
from xpm_tui.application.clients.edits import edit_client, people_to_choose
from xpm_tui.application.clients.field_policy import policy_rows
from xpm_tui.application.clients.queries import side_by_side
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain import fields
from xpm_tui.domain.fields import Field
from xpm_tui.domain.ports import Put
from xpm_tui.domain.secret import Masked
from xpm_tui.domain.tables import CLIENTS, LINKS, TEAM, XPM_CLIENTS
from xpm_tui.domain.tables import STAFF as STAFF_TABLE
from xpm_tui.domain.xpm import Staff
from xpm_tui.ignition.export import export_clients
from xpm_tui.sync.canonical import TeamLinks, contact_values, ignition_values, xpm_values
from xpm_tui.sync.manual.client_creation import creation_contacts, creation_values
from xpm_tui.sync.manual.picks import pick
from xpm_tui.sync.policy import Policy
from xpm_tui.tui.dialogs.edit import edit_fields
from xpm_tui.xero.codec import request_bodies

TO_XPM = Policy(direction="to_xpm")


def rows(wanted: Callable[[Field], object]) -> pytest.MarkDecorator:
    """The rows that claim something, one test each; the collection of contacts holds no value of its own."""
    found = [row for row in fields.FIELDS if row.kind != "contacts" and wanted(row)]
    return pytest.mark.parametrize("row", found, ids=[row.name for row in found])


def values_of(row: Field, record: Any, compared: Any) -> Any:
    """The canonical value, by the functions that sync compares with."""
    if row.whole:
        return held(record, row)
    return compared[row.name] if row.of == "client" else contact_values(record.contacts[0])[row.name]


@rows(lambda row: row.xpm)
def test_every_element_of_a_reply_is_decoded(row: Field) -> None:
    assert row.xpm is not None
    for element in row.xpm.read:
        found = held(decoded(row, element), row)
        if row.kind == "masked":
            assert isinstance(found, Masked)
            assert found.shown.endswith(sample(row).reply[-3:])
        else:
            assert found == sample(row).theirs


@rows(lambda row: row.sync.is_ever_synced)
def test_both_sides_have_one_canonical_form(row: Field) -> None:
    assert row.xpm is not None
    theirs, ours = decoded(row, row.xpm.read[0]), book_client(row)
    wanted = sample(row).canonical
    assert values_of(row, theirs, xpm_values(theirs)) == wanted
    assert values_of(row, ours, ignition_values(ours, TeamLinks.of([MEMBER]))) == wanted


@rows(lambda row: row.sync.from_later)
async def test_a_sync_from_xpm_brings_the_field(row: Field) -> None:
    assert row.xpm is not None
    env = SyncFixture([book_client()], [decoded(row, row.xpm.read[0])], links=[LINK], team=[MEMBER])
    run = await env.sync()
    assert run.outcome == "done"
    assert held(env.client(), row) == sample(row).ours
    assert await env.changes() == []


@rows(lambda row: row.sync.from_creation)
async def test_a_pick_brings_the_field(row: Field) -> None:
    assert row.xpm is not None
    env = SyncFixture((), [decoded(row, row.xpm.read[0])], team=[MEMBER])
    await env.refresh()
    picked = pick(
        env.store.snapshot(), [uuid(1)], ids=env.ids, policy=env.policy, now=env.clock.now(),
        by="kim", run="r1",
    )  # fmt: skip
    env.store.commit(picked.writes)
    assert held(env.client(picked.created[uuid(1)]), row) == sample(row).ours


@rows(lambda row: row.sync.to_later)
async def test_a_sync_to_xpm_sends_the_field_in_its_element(row: Field) -> None:
    assert row.xpm is not None
    env = SyncFixture([book_client(row)], [decoded(row)], links=[LINK], team=[MEMBER], policy=TO_XPM)
    run = await env.sync()
    assert run.outcome == "done"
    ((call, _, values),) = env.practice.sent
    if call == "update client":
        body = request_bodies.update_client(uuid(1), "Client 1", values)
    else:
        assert values.pop("contact") == uuid(2)
        body = request_bodies.update_contact(uuid(1), values)
    assert etree.fromstring(body).findtext(row.xpm.write) == sample(row).request
    assert await env.changes() == []


@rows(lambda row: row.sync.is_ever_synced and not row.sync.to_later)
async def test_a_field_that_is_never_sent_to_xpm_is_in_no_plan(row: Field) -> None:
    env = SyncFixture([book_client(row)], [decoded(row)], links=[LINK], team=[MEMBER], policy=TO_XPM)
    assert await env.changes() == []


@rows(lambda row: row.sync.to_creation)
def test_a_creation_in_xpm_sends_the_field(row: Field) -> None:
    assert row.xpm is not None
    client, imported = book_client(row), ImportedStore((TEAM, MEMBER))
    known = decoded(row, row.xpm.read[0]) if row.of == "client" else decoded(row)
    imported.put((XPM_CLIENTS, known))  # XPM takes only a structure that it has
    values, left_out = creation_values(imported.store.snapshot(), client, TO_XPM)
    body = etree.fromstring(request_bodies.add_client(values, creation_contacts(client, TO_XPM)))
    holder = body if row.of == "client" else body.find("Contacts/Contact")
    assert left_out == ()
    assert holder is not None
    assert holder.findtext(row.xpm.write) == sample(row).request


@pytest.mark.parametrize("record", ["client", "contact"])
def test_every_element_of_a_request_is_written(record: fields.Record) -> None:
    written = fields.in_requests(record)
    assert written
    for attribute, element in written.items():
        row = fields.of_record(record)[attribute]
        value = sample(row).canonical
        body = (
            request_bodies.update_client(uuid(1), "Client 1", {attribute: value})
            if record == "client"
            else request_bodies.update_contact(uuid(1), {"name": "Ann", attribute: value})
        )
        assert etree.fromstring(body).findtext(element) == sample(row).request


@rows(lambda row: row.csv)
def test_a_cell_survives_the_store_and_the_export(row: Field) -> None:
    assert row.csv is not None
    cells = {"Client ID": "11", "Contact ID": "21", "Client Name": "Client 1", "Contact Name": "Ann",
             "Contact Email": "ann@kowhai.example", row.csv.heading: sample(row).cell}  # fmt: skip
    imported = ImportedStore((TEAM, MEMBER))
    plan = imported.load(_csv(cells))
    assert (plan.counts["new"], plan.refused, plan.notes) == (1, (), ())
    (client,) = imported.clients()
    assert held(client, row) == sample(row).ours
    (file,) = export_clients(imported.store.snapshot(), NOW).files
    (back,) = csv.DictReader(io.StringIO(file.decode()))
    assert back[row.csv.heading] == sample(row).cell
    again = imported.load(file)
    assert (again.counts["same"], again.counts["cells"]) == (1, 0)


@rows(lambda row: row.ignition and row.csv is None)
def test_a_field_without_a_column_is_not_exported(row: Field) -> None:
    imported = _store(row)
    (file,) = export_clients(imported.store.snapshot(), NOW, flavour="spreadsheet").files
    assert sample(row).cell not in file.decode("utf-8-sig")


@rows(lambda row: row.ignition)
def test_the_json_view_shows_the_field(row: Field) -> None:
    snapshot = _store(row).store.snapshot()
    view = Presenter(snapshot).client(book_client(row))
    reported = to_plain(view) if row.of == "client" else to_plain(view)["contacts"][0]
    shown = reported[row.attribute]
    wanted = sample(row).ours
    assert (shown["id"] if row.kind == "person" else shown) == ([*wanted] if row.kind == "names" else wanted)


def _form_label(row: Field) -> str:
    """A contact begins with its name, under a label of its own."""
    if row.of == "client":
        return row.label
    return "Contact" if row.attribute == "name" else row.short_label.capitalize()


@rows(lambda row: row.editable)
def test_the_edit_form_and_the_verb_accept_the_field(row: Field, practice: OpenPractice) -> None:
    practice.store.commit([Put(TEAM, MEMBER), Put(CLIENTS, book_client())])
    key = row.attribute if row.of == "client" else f"k1.{row.attribute}"
    edit_client(practice, "c1", {key: sample(row).typed})
    client = practice.snapshot().get(CLIENTS, "c1")
    assert client is not None
    assert held(client, row) == sample(row).ours
    form = {
        each.key: each
        for each in edit_fields(Presenter(practice.snapshot()).client(client), people_to_choose(practice))
    }
    assert form[key].value == sample(row).typed
    assert form[key].label.strip() == _form_label(row)
    assert form[key].help == row.help
    if row.kind in ("flag", "choice", "person"):
        assert sample(row).typed in dict(form[key].options)
    edit_client(practice, "c1", {key: form[key].value})
    assert practice.snapshot().get(CLIENTS, "c1") == client
    if row.name != "name":
        edit_client(practice, "c1", {key: ""})
        emptied = practice.snapshot().get(CLIENTS, "c1")
        assert emptied is not None
        assert held(emptied, row) == held(type(client)(id="c1", name="", contacts=(_blank(),)), row)


@rows(lambda row: row.sync.is_ever_synced and not row.whole)
def test_both_sides_are_shown_beside_each_other(row: Field, practice: OpenPractice) -> None:
    assert row.xpm is not None
    theirs = decoded(row, row.xpm.read[0])
    practice.store.commit(
        [Put(TEAM, MEMBER), Put(CLIENTS, book_client()), Put(XPM_CLIENTS, theirs), Put(LINKS, LINK)]
    )
    practice.store.commit([Put(STAFF_TABLE, Staff(uuid=STAFF, name=MEMBER.name))])
    key = row.name if row.of == "client" else f"k1.{row.name}"
    (side,) = [side for side in side_by_side(practice, "c1") if side.field == key]
    wanted = sample(row).canonical
    assert side.xpm == (MEMBER.name if row.kind == "person" else wanted)
    assert row.label in side.label


def test_the_policy_table_has_every_synced_field(practice: OpenPractice) -> None:
    reported = {row.field: (row.label, row.xpm) for row in policy_rows(practice)}
    assert reported == {row.name: (row.label, row.element) for row in fields.SYNCED}


def _blank() -> Any:
    return type(book_client().contacts[0])(id="k1")


def _store(row: Field) -> ImportedStore:
    return ImportedStore((TEAM, MEMBER), (CLIENTS, book_client(row)))


def _csv(cells: dict[str, str]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, cells)
    writer.writeheader()
    writer.writerow(cells)
    return file.getvalue()
