"""The audit finds every fault, reports nothing that is sound, and writes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tests.application.flows import World
from tests.support.profile import count
from xpm_tui.application.csv_io import imports
from xpm_tui.application.jobs import audit, templates
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS, XPM_CLIENTS

SIZE = count(150, 2_000)
PROPOSALS, FAULTS = count(90, 1_600), count(40, 200)


async def audited(tmp_path: Path) -> tuple[World, dict[str, Any]]:
    """A practice with the sandbox's faulty jobs, its clients linked and its services mapped by name."""
    world = World(tmp_path, clients=SIZE)
    cases = await world.control("audit", proposals=PROPOSALS, faults=FAULTS)
    await world.connect()
    for form in ("clients", "services", "proposals"):
        path = tmp_path / f"{form}.csv"
        path.write_text(cases[form], encoding="utf-8")
        imports.import_file(world.practice, form, path)
    snapshot = world.practice.snapshot()
    rows = ((client, snapshot.find(XPM_CLIENTS, "name", client.name)[0]) for client in snapshot.rows(CLIENTS))
    world.practice.book.commit(
        Put(LINKS, Link(id=client.id, uuid=row.uuid, number=row.number)) for client, row in rows
    )
    templates.accept_same(world.practice)
    return world, cases


async def test_every_fault_is_found_and_nothing_else(tmp_path: Path) -> None:
    world, cases = await audited(tmp_path)
    position = world.practice.snapshot().position
    sent = len(world.sandbox.log.as_json(lambda _: True))
    view = await audit.audit_jobs(world.practice)
    wanted = Counter((each["finding"], each["proposal"]) for each in cases["faults"])
    found = Counter((each.finding, each.number) for each in view.findings)
    assert found - wanted == Counter(), "nothing that is sound is reported"
    assert wanted - found == Counter(), "every fault is found"
    jobs = {(each["finding"], each["proposal"]): each["job"] for each in cases["faults"]}
    assert all(each.job == jobs[each.finding, each.number] for each in view.findings if each.job)
    assert all(each.sentence and each.todo for each in view.findings)
    made = world.sandbox.log.as_json(lambda _: True)[sent:]
    assert {each["method"] for each in made} == {"GET"}
    assert world.practice.snapshot().position == position, "nothing is written here either"
    assert view.calls <= 5 + view.counts["missing"]
    rows = audit.audit_csv(view.findings).splitlines()
    assert len(rows) == len(view.findings) + 1
    world.close()
