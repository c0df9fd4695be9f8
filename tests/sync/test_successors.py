"""What counts as evidence that one XPM client has taken over another one that disappeared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.sync.fixtures import SyncFixture, client, linked, xpm
from xpm_tui.domain.errors import RecordMissing
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import BlockedPair, Link, LinkState, LostClient, Successor
from xpm_tui.domain.tables import BLOCKED_PAIRS, LINKS, LOST_CLIENTS, XPM_CLIENTS
from xpm_tui.domain.xpm import RecordReference, XpmClient, XpmContact, XpmJob
from xpm_tui.sync.matching.successors import SuccessorIndex
from xpm_tui.sync.mirror import job_writes
from xpm_tui.sync.planning.links import link_state, survivors, takes_over
from xpm_tui.sync.policy import Policy

GROUP = RecordReference("g1", "Birch family")
ANN = XpmContact(uuid="p1", name="Ann Birch", email="ann@birch.example")
BEN = XpmContact(uuid="p2", name="Ben Birch", email="ben@birch.example")
LOST = XpmClient(
    uuid="u1", name="Birch Farms Ltd", number="1", contacts=(ANN, BEN), groups=(GROUP,), code="BIR1"
)
HEIR = XpmClient(uuid="u2", name="Rowan Holdings", number="2", groups=())
SISTER = XpmClient(uuid="u3", name="Birch Trust", number="3", contacts=(ANN, BEN), groups=(GROUP,))


class Practice(SyncFixture):
    """Client c1 is linked to u1, which disappears."""

    def __init__(self, *rows: XpmClient, jobs: dict[str, str] | None = None) -> None:
        super().__init__([client(1, name="Birch Farms")], rows, links=[Link(id="c1", uuid="u1")])
        self.on(jobs or {})

    def on(self, jobs: dict[str, str]) -> None:
        """Put jobs on clients."""
        self.practice.jobs = {
            number: XpmJob(number=number, name="Accounts", client=RecordReference(uuid))
            for number, uuid in jobs.items()
        }

    async def read(self) -> None:
        """Read both lists, an hour later."""
        self.clock.move(timedelta(hours=1))
        await self.refresh()
        jobs = await self.practice.current_jobs()
        self.store.commit(job_writes(self.store.snapshot(), jobs, self.clock.now()))

    async def found(self) -> tuple[LinkState, list[Successor]]:
        """The state of the link, and the successors, as they are stored when the lists were read."""
        await self.read()
        snapshot = self.store.snapshot()
        link = snapshot.get(LINKS, "c1")
        assert link is not None
        index = SuccessorIndex(snapshot, [(self.client(), link)])
        vanished = snapshot.get(LOST_CLIENTS, link.uuid) or LostClient(id=link.uuid)
        self.put(LOST_CLIENTS, [replace(vanished, found=index.find(self.client(), link, vanished))])
        snapshot = self.store.snapshot()
        return link_state(snapshot, self.client()), survivors(snapshot, "c1", link)


def merge(env: Practice, into: XpmClient) -> None:
    """XPM merges u1 into another client: contacts, groups and jobs move."""
    lost = env.practice.rows["u1"]
    known = {each.uuid for each in into.contacts}
    arriving = tuple(each for each in lost.contacts if each.uuid not in known)
    groups = tuple(dict.fromkeys((*(into.groups or ()), *(lost.groups or ()))))
    env.practice.edit(into.uuid, contacts=(*into.contacts, *arriving), groups=groups)
    env.on({number: into.uuid if job.client and job.client.uuid == "u1" else job.client.uuid  # type: ignore[union-attr]
              for number, job in env.practice.jobs.items()})  # fmt: skip
    env.practice.remove("u1")


def delete(env: Practice) -> None:
    """XPM deletes u1; the sister, and everything else, stays as it is."""
    env.practice.remove("u1")


def contact_to_sister(env: Practice) -> None:
    """A colleague puts one person of u1 on a sister before deleting u1."""
    env.practice.edit("u2", contacts=(ANN,))
    env.practice.remove("u1")


def jobs_apart(env: Practice) -> None:
    """The jobs of u1 go to two clients before u1 is deleted."""
    env.on({"J1": "u2", "J2": "u3"})
    env.practice.remove("u1")


def job_stays(env: Practice) -> None:
    """One job moved, another one is still listed on u1."""
    env.on({"J1": "u3", "J2": "u1"})
    env.practice.remove("u1")


LOST_ROWS = {"lost": LOST, "one contact": replace(LOST, contacts=(ANN,), groups=(), code=""),
             "bare": replace(LOST, contacts=(), groups=(), code="")}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "what", "state", "first"),
    [
        ("lost", lambda w: merge(w, HEIR), "merged", "u2"),
        ("lost", lambda w: merge(w, SISTER), "merged", "u3"),
        ("bare", lambda w: merge(w, HEIR), "merged", "u2"),
        ("lost", delete, "gone", "u3"),
        ("bare", delete, "gone", ""),
        ("one contact", contact_to_sister, "gone", "u2"),
        ("lost", jobs_apart, "gone", "u3"),
        ("lost", job_stays, "gone", "u3"),
    ],
)
async def test_only_records_that_moved_prove_a_survivor(
    row: str, what: Callable[[Practice], None], state: str, first: str
) -> None:
    jobs = {} if what in (delete, contact_to_sister) else {"J1": "u1", "J2": "u1"}
    env = Practice(LOST_ROWS[row], HEIR, SISTER, jobs=jobs)
    await env.read()
    what(env)
    found = await env.found()
    assert found[0] == state, found
    likely = [each.uuid for each in found[1] if each.level != "weak" or each.score > 12]
    assert likely[:1] == ([first] if first else []), found
    assert [each.uuid for each in found[1] if each.level == "sure"] == ([first] if state == "merged" else [])


async def test_the_evidence_names_the_records_that_moved() -> None:
    env = Practice(LOST, HEIR, SISTER, jobs={"J1": "u1", "J2": "u1", "J3": "u1"})
    await env.read()
    merge(env, HEIR)
    _, (best, *_) = await env.found()
    assert best.evidence[:3] == (
        "2 contacts with the same e-mail",
        "3 jobs moved",
        "1 group moved (Birch family)",
    )


async def test_an_old_move_is_no_evidence() -> None:
    env = Practice(LOST, HEIR, SISTER)
    await env.read()
    env.practice.edit("u2", contacts=(ANN, BEN), groups=(GROUP,))
    await env.read()
    await env.read()
    delete(env)
    state, found = await env.found()
    assert (state, {each.level for each in found} & {"sure"}) == ("gone", set())


async def test_a_deleted_row_keeps_the_values_by_which_it_is_recognised() -> None:
    env = Practice(LOST, HEIR)
    await env.read()
    merge(env, HEIR)
    env.practice.add(replace(LOST, contacts=(), groups=(), code="", deleted=True))
    state, (best, *_) = await env.found()
    assert (state, best.uuid) == ("merged", "u2")
    row = env.store.snapshot().get(XPM_CLIENTS, "u1")
    assert row is not None
    assert (row.contacts, row.deleted) == (LOST.contacts, True)


async def test_a_survivor_that_is_merged_in_turn_leads_to_the_last_one() -> None:
    env = Practice(LOST, HEIR, SISTER, jobs={"J1": "u1"})
    await env.read()
    merge(env, HEIR)
    await env.found()
    row = env.practice.rows["u2"]
    env.put(LINKS, [Link(id="c2", uuid="u2")])
    env.practice.edit("u3", contacts=row.contacts, groups=row.groups)
    env.on({"J1": "u3"})
    env.practice.remove("u2")
    await env.read()
    snapshot = env.store.snapshot()
    second = snapshot.get(LOST_CLIENTS, "u2")
    assert second is not None
    lost = Client(id="c2", name="Rowan"), Link(id="c2", uuid="u2")
    found = SuccessorIndex(snapshot, [lost]).find(*lost, second)
    env.put(LOST_CLIENTS, [replace(second, found=found)])
    snapshot = env.store.snapshot()
    assert (link_state(snapshot, env.client()), takes_over(snapshot, "c1", "u3")) == ("merged", True)


async def test_a_client_that_a_user_called_different_is_no_survivor() -> None:
    env = Practice(LOST, HEIR, jobs={"J1": "u1"})
    await env.read()
    merge(env, HEIR)
    assert (await env.found())[0] == "merged"
    env.put(BLOCKED_PAIRS, [BlockedPair(id="c1/u2", client="c1", uuid="u2", different=True)])
    assert link_state(env.store.snapshot(), env.client()) == "gone"


async def test_a_client_that_a_write_does_not_find_is_gone_at_once() -> None:
    env = SyncFixture(
        [client(phone="1")], [xpm(phone="2")], policy=Policy(direction="to_xpm"), links=[linked()]
    )
    await env.refresh()
    plan, records = env.plan()
    env.practice.faults = [RecordMissing("Invalid client identifier.")]
    run = await env.apply(plan, records)
    snapshot = env.store.snapshot()
    assert (run.outcome, link_state(snapshot, env.client())) == ("partial", "gone")
    assert [each.id for each in snapshot.rows(LOST_CLIENTS)] == ["u1"]
