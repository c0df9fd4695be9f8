"""Deleting records created by mistake: what prevents it, and what counts as sent to Ignition."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.application.fixtures import count_pending
from xpm_tui.application.clients import edits
from xpm_tui.application.csv_io.exports import export_file, export_text
from xpm_tui.application.jobs import services, templates
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.team import links as team_links
from xpm_tui.application.team import members
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.ignition import (
    Client,
    Contact,
    Imported,
    Proposal,
    ProposalService,
    Service,
    TeamMember,
    Workflow,
)
from xpm_tui.domain.links import ContactLink, Freeze, Ignored, Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import (
    CLIENTS,
    FREEZES,
    IGNORED,
    IMPORTED,
    LINKS,
    PROPOSALS,
    SERVICES,
    TEAM,
    WORKFLOWS,
    TableSchema,
)

DI, ED = (
    Contact(id="k1", name="Di", email="di@x.nz", primary=True),
    Contact(id="k2", name="Ed", email="e@x.nz"),
)
ROWS: tuple[tuple[TableSchema[Any], Any], ...] = (
    (CLIENTS, Client(id="c1", name="Rātā", client_id="55", contacts=(DI, ED))),
    (
        IMPORTED,
        Imported(id="c1", cells={"name": "Rātā"}, contacts={"k1": {"name": "Di"}, "k2": {"name": "Ed"}}),
    ),
    (IGNORED, Ignored(id="c1")),
    (FREEZES, Freeze(id="c1/k2.contact_email", client="c1", field="k2.contact_email")),
    (SERVICES, Service(id="s1", name="Audit")),
    (TEAM, TeamMember(id="t1", name="Bo")),
)


def fill(practice: OpenPractice, *more: tuple[Any, Any]) -> None:
    practice.store.commit([Put(table, row) for table, row in (*ROWS, *more)])


def rows(practice: OpenPractice) -> list[Any]:
    return [list(practice.snapshot().rows(table)) for table, _ in ROWS]


@pytest.mark.parametrize(
    ("delete", "undo", "gone"),
    [
        (lambda p: edits.delete_client(p, "55"), edits.restore, 4),
        (lambda p: edits.delete_contact(p, "c1", "e@x.nz"), edits.restore, 1),
        (lambda p: services.delete_service(p, "Audit"), templates.undo, 1),
        (lambda p: members.delete_member(p, "Bo"), team_links.undo, 1),
    ],
)
def test_what_was_deleted_comes_back_as_it_was(
    practice: OpenPractice,
    delete: Callable[[OpenPractice], Any],
    undo: Callable[[OpenPractice], Any],
    gone: int,
) -> None:
    fill(practice)
    before = rows(practice)
    delete(practice)
    assert sum(map(len, before)) - sum(map(len, rows(practice))) == gone
    undo(practice)
    assert [sorted(map(str, each)) for each in rows(practice)] == [sorted(map(str, each)) for each in before]
    with pytest.raises(BadInput):
        undo(practice)


PROPOSAL = Proposal(id="o1", name="Year", number="P-1", client="c1", partner="t1",
                    services=(ProposalService(name="Audit", service="s1"),))  # fmt: skip
DAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("depends", "delete", "why"),
    [
        ((LINKS, Link(id="c1", uuid="u1", number="77")), lambda p: edits.delete_client(p, "c1"),
         "linked to XPM client 77"),
        ((PROPOSALS, PROPOSAL), lambda p: edits.delete_client(p, "c1"), r"1 proposal \(P-1\)"),
        ((LINKS, Link(id="c1", uuid="u1", contacts=(ContactLink(contact="k2", uuid="x"),))),
         lambda p: edits.delete_contact(p, "c1", "k2"), "linked to a contact in XPM"),
        ((PROPOSALS, PROPOSAL), lambda p: edits.delete_contact(p, "c1", "k1"), "primary contact"),
        ((PROPOSALS, PROPOSAL), lambda p: services.delete_service(p, "s1"), "has this service"),
        ((TEAM, TeamMember(id="t1", name="Bo", staff="u9")), lambda p: members.delete_member(p, "t1"),
         "linked to XPM staff"),
        ((WORKFLOWS, Workflow(id="w1", proposal="o9", name="W", start=DAY, since=DAY, staff=("t1",))),
         lambda p: members.delete_member(p, "t1"), "1 workflow names this member"),
    ],
)  # fmt: skip
def test_what_depends_on_a_record_keeps_it(
    practice: OpenPractice, depends: tuple[Any, Any], delete: Callable[[OpenPractice], Any], why: str
) -> None:
    fill(practice, depends)
    before = rows(practice)
    with pytest.raises(DecisionNeeded, match=why):
        delete(practice)
    assert rows(practice) == before


def test_not_in_ignition_yet_reaches_zero_and_names_what_never_can(
    practice: OpenPractice, tmp_path: Path
) -> None:
    mute = msgspec.structs.replace(ED, email="")
    practice.store.commit(
        [
            Put(CLIENTS, Client(id="c1", name="Can", contacts=(DI, mute))),
            Put(CLIENTS, Client(id="c2", name="Nobody")),
            Put(CLIENTS, Client(id="c3", name="Mute", client_id="3", phone="1", contacts=(mute,))),
            Put(IMPORTED, Imported(id="c3", cells={"name": "Mute"}, contacts={"k2": {"name": "Ed"}})),
        ]
    )
    found = count_pending(practice.snapshot())
    assert found.clients == 1
    assert {each.id: re.split("[;,]", each.reason)[0] for each in found.never} == {
        "c1/k2": "its contact Ed has no e-mail",
        "c2": "it has no contact",
        "c3": "its contact Ed has no e-mail",
    }  # fmt: skip
    report = export_file(practice, "clients", tmp_path / "out.csv", changed=True)
    assert (report.records, {each.id.partition("/")[0] for each in report.refused}) == (1, {"c1", "c2", "c3"})
    after = count_pending(practice.snapshot())
    assert (after.clients, {each.id for each in after.never}) == (0, {"c2", "c3"})


def test_printing_counts_as_sent_only_where_it_is_asked_for_and_read(practice: OpenPractice) -> None:
    practice.store.commit([Put(CLIENTS, Client(id="c1", name="Can", contacts=(DI,)))])
    export_text(practice, "clients")
    _, report, sent = export_text(practice, "clients", mark=True)
    assert (report.remembered, count_pending(practice.snapshot()).clients) == (True, 1), (
        "not before it was read"
    )
    sent()
    assert count_pending(practice.snapshot()).clients == 0
