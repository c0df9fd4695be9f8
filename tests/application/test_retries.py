"""Writes that XPM refused: shown with the cause, and retried alone or together."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.runs import runner
from xpm_tui.application.runs.runner import run
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.ignition import Contact
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS
from xpm_tui.sandbox.faults import Fault


async def test_failures_are_listed_by_cause_and_only_they_are_tried_again(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path)
    await env.connect()
    practice = env.practice
    env.store(env.unique_names()[:4])
    await run(practice)
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    snapshot = practice.snapshot()
    linked = [client for client in snapshot.rows(CLIENTS) if snapshot.get(LINKS, client.id)]
    assert len(linked) >= 3
    practice.store.commit(
        [Put(CLIENTS, msgspec.structs.replace(c, phone=f"09 555 00{n}")) for n, c in enumerate(linked)]
    )
    env.sandbox.faults.add(Fault("status-error", endpoint="PUT client.api/update", nth=1, times=1))
    env.sandbox.faults.add(Fault("409", endpoint="PUT client.api/update", nth=2, times=1))
    ended = await run(practice, reviewed=True)
    assert ended.outcome == "partial"
    failed = runner.failures(practice)
    assert len(failed) == 2
    assert all(failure.cause and failure.name in failure.sentence for failure in failed)
    with pytest.raises(BadInput):
        runner.select_failures(failed, cause="no such words")
    first = runner.select_failures(failed, client=failed[0].client)
    again = await runner.retry(practice, first)
    assert (again.outcome, again.done) == ("done", 1)
    assert runner.failures(practice, again.id) == []
    rest = runner.select_failures(failed, cause=failed[1].cause)
    assert (await runner.retry(practice, rest)).outcome == "done"
    phones = {row.phone for row in env.sandbox.practice.clients.values()}
    assert {f"09 555 00{n}" for n in range(len(linked))} <= phones
    practice.close()


async def test_what_waits_behind_an_unanswered_call_is_counted(tmp_path: Path) -> None:
    """The call proves to have worked; the rest of its client waits for the next sync, which does it."""
    env = PracticeFixture(tmp_path)
    await env.connect()
    practice = env.practice
    env.store(env.unique_names()[:1])
    await run(practice)
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    (client,) = practice.snapshot().rows(CLIENTS)
    new = [Contact(id=id_, name=f"New {id_}", email=f"{id_}@x.nz") for id_ in practice.ids.new("k", 3)]
    practice.store.commit([Put(CLIENTS, msgspec.structs.replace(client, contacts=(*client.contacts, *new)))])
    env.sandbox.faults.add(Fault("reset", endpoint="POST client.api/contact", nth=2, times=1, after=True))
    ended = await run(practice, reviewed=True)
    assert (ended.outcome, ended.counts["waiting"]) == ("partial", 1)
    assert (await run(practice)).outcome == "done"
    calls = env.sandbox.log.rows(lambda row: row.endpoint == "client.api/contact")
    assert [sum(contact.email in row.body for row in calls) for contact in new] == [1, 1, 1]
    practice.close()
