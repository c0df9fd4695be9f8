"""A linked XPM client disappears: it was merged into another one, or deleted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.application.fixtures import PracticeFixture
from tests.support.profile import count
from xpm_tui.application.clients import link_review, links, picks, queries
from xpm_tui.application.presenters import lookup
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.sandbox.colleague import Colleague
from xpm_tui.sandbox.records import Address, ClientContact, ClientGroup, ClientRecord, ContactRecord, Job
from xpm_tui.sync.manual.client_creation import CreationHeld

WORDS = "Birch Rowan Aspen Larch Tawa Rata Nikau Puriri Willow Poplar Sorrel Bracken Heron Plover".split()
TRADES = "Holdings Farms Joinery Electrical Dental Transport Properties Bakery Roofing Consulting".split()
FORMS = ["Ltd", "Limited", "Pty Ltd", "Trust", "Family Trust", "Super Fund", ""]
PEOPLE = "Ana Hemi Ruth Tom Ngaire Paul Sina Olga Ivan Kiri".split()


@dataclass
class Case:
    """One linked client that disappears; ``survivor`` is empty where it is plainly deleted."""

    lost: str
    survivor: str = ""


class Families:
    """Makes clients that have much in common: the one to be lost, its survivor, and a sister of both."""

    def __init__(self, env: PracticeFixture, seed: int) -> None:
        self.random = random.Random(seed)
        self.practice = env.sandbox.practice
        self.now = env.sandbox.clock.now()
        self.colleague = Colleague(self.practice)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def contact(self, surname: str, email: str = "") -> str:
        uuid = self.practice.ids.uuid("contact")
        name = f"{self.random.choice(PEOPLE)} {surname}"
        said = email or f"{name.split()[0].lower()}{self.random.randrange(9)}@{surname.lower()}.example"
        self.practice.contacts[uuid] = ContactRecord(uuid, name, email=said if self.chance(0.85) else "")
        return uuid

    def client(self, name: str, contacts: list[str], groups: tuple[str, ...], address: Address) -> str:
        uuid = self.practice.ids.uuid("client")
        row = ClientRecord(uuid, self.practice.take_client_number(), name, self.now, visible=self.now)
        joined = tuple(ClientContact(each, primary=not at) for at, each in enumerate(contacts))
        code = f"{name[:3].upper()}{self.random.randrange(900):03d}" if self.chance(0.3) else None
        row = replace(row, contacts=joined, groups=groups, address=address, code=code)
        self.practice.put_client(row)
        return uuid

    def jobs(self, client: str, many: int) -> None:
        for _ in range(many):
            number = self.practice.take_job_number()
            state = next(each.name for each in self.practice.states if not each.closed)
            uuid = self.practice.ids.uuid("job")
            self.practice.jobs[number] = Job(
                number, uuid, "Accounts", "", client, state, "2026-01-01", "2026-12-31", self.now
            )

    def make(self, at: int) -> Case:
        """A family: what is to be lost, and whether it will be merged, and into which."""
        chance, pick = self.chance, self.random
        word = f"{pick.choice(WORDS)}{chr(97 + at % 26)}{chr(97 + at // 26)}"
        surname = word.title()
        trade = pick.choice(TRADES)
        address = Address(f"{1 + at} {surname} St", "Hobart", "TAS", f"{7000 + at}", "Australia")
        group = self.practice.ids.uuid("group")
        self.practice.groups[group] = ClientGroup(group, f"{surname} family")
        shared = [self.contact(surname) for _ in range(pick.randrange(1, 3))] if chance(0.5) else []
        own = [self.contact(surname) for _ in range(pick.randrange(1, 3))] if chance(0.8) else []
        lost_name = f"{surname} {trade} {pick.choice(FORMS)}".strip()
        merged = chance(0.5)
        duplicate = chance(0.7) or not own
        twin = (
            f"{surname} {trade} {pick.choice(FORMS)}" if duplicate else f"{surname} {pick.choice(TRADES)} Ltd"
        )
        there = (group,) if chance(0.6) else ()
        lost = self.client(lost_name, [*shared, *own], (group,) if chance(0.6) else (), address)
        self.jobs(lost, pick.randrange(4) if own and chance(0.7) else 1)
        twin = self.client(
            twin.strip(), shared if chance(0.5) else [], there, address if chance(0.6) else Address()
        )
        sister = self.client(
            f"{surname} {pick.choice(TRADES)} Trust", shared, there, address if chance(0.5) else Address()
        )
        self.jobs(sister, 1)
        return Case(lost, twin if merged else "") if chance(0.85) else Case(lost, sister if merged else "")

    def lose(self, case: Case) -> None:
        """Merge or delete it, while colleagues edit what stands around it."""
        row = self.practice.clients[case.lost]
        others = [each for each in self.practice.clients.values() if each.address == row.address]
        for other in others:
            if self.chance(0.2):
                self.colleague.edit(
                    other.uuid, {"phone": f"03 5550 {self.random.randrange(9999):04d}"}, self.now
                )
            if other.uuid != case.lost and self.chance(0.1):
                self.colleague.add_contact(other.uuid, "New Person", "new@person.example", self.now)
        if case.survivor:
            self.colleague.merge(case.lost, case.survivor, self.now, leave=self.chance(0.3))
            return
        if row.contacts and self.chance(0.3):  # someone of it is someone of another one, too
            other = self.random.choice([each for each in others if each.uuid != case.lost] or [row])
            link = ClientContact(row.contacts[-1].contact)
            if other.uuid != case.lost and link.contact not in [each.contact for each in other.contacts]:
                now = self.practice.clients[other.uuid]
                self.practice.put_client(replace(now, contacts=(*now.contacts, link), modified=self.now))
        if self.chance(0.5):
            self.colleague.edit(case.lost, {"deleted": True}, self.now)
        else:
            for number, job in list(self.practice.jobs.items()):
                if job.client == case.lost:
                    del self.practice.jobs[number]
            self.colleague.remove(case.lost)


@pytest.fixture
async def env(tmp_path: Path) -> Iterator[PracticeFixture]:  # type: ignore[misc]
    made = PracticeFixture(tmp_path)
    await made.connect()
    yield made
    made.close()


async def test_the_survivor_comes_first_and_a_deletion_is_never_sure(env: PracticeFixture) -> None:
    many = count(16, 500, 2_000)
    families = Families(env, seed=4)
    cases = [families.make(at) for at in range(many)]
    await refresh(env.practice, full=True)
    linked = {
        each.uuid: each.client for each in picks.pick(env.practice, [c.lost for c in cases], anyway=True)
    }
    for start in range(0, many, many // 4):  # fewer than would make the list look cut short
        env.clock.move(timedelta(hours=1))
        families.now = env.sandbox.clock.now()
        for case in cases[start : start + many // 4]:
            families.lose(case)
        await refresh(env.practice, full=True)
    views = {view.id: view for view in link_review.clients_to_review(env.practice)}
    merges = [case for case in cases if case.survivor]
    first = strong = 0
    for case in cases:
        view = views[linked[case.lost] or ""]
        best = view.proposals[0] if view.proposals else None
        state = lookup.show_client(env.practice, view.id).link_state
        if case.survivor:
            first += best is not None and best.uuid == case.survivor
            strong += state == "merged"
            assert state in ("merged", "gone")
            assert state == "gone" or (best is not None and best.uuid == case.survivor)
        else:
            assert state == "gone", view
            assert not any(each.sure for each in view.proposals), view
    assert first >= 0.98 * len(merges), (first, len(merges))
    assert strong >= 0.75 * len(merges), (strong, len(merges))


@pytest.fixture
async def merged(env: PracticeFixture) -> tuple[str, str, str]:
    """A client of Ignition whose XPM client was merged: its id, the lost UUID and the survivor's."""
    families = Families(env, seed=9)
    group = families.practice.ids.uuid("group")
    families.practice.groups[group] = ClientGroup(group, "Tawa family")
    people = [families.contact("Tawa", f"p{n}@tawa.example") for n in range(2)]
    lost = families.client("Tawa Dental", people, (group,), Address())
    into = families.client("Nikau Holdings", [], (), Address())
    families.jobs(lost, 2)
    await refresh(env.practice, full=True)
    (picked,) = picks.pick(env.practice, [lost])
    await refresh(env.practice, full=True)
    Colleague(families.practice).merge(lost, into, env.sandbox.clock.now())
    await refresh(env.practice, full=True)
    return str(picked.client), lost, into


async def test_a_merged_client_is_linked_to_its_survivor_and_never_created(
    env: PracticeFixture, merged: tuple[str, str, str]
) -> None:
    practice, (client, _, into) = env.practice, merged
    view = lookup.show_client(practice, client)
    assert view.link_state == "merged"
    assert "survivor: Nikau Holdings" in view.needs
    assert "2 jobs moved" in view.needs
    with pytest.raises(CreationHeld, match=r"Nikau Holdings .*merged") as waits:
        await links.create_in_xpm(practice, client)
    number = queries.show_xpm(practice, into).number
    assert f"clients link {client} {number}" in waits.value.hint
    assert [(each.outcome, each.client) for each in picks.pick(practice, [into])] == [("left", client)]
    (relinked,) = links.relinks(practice)
    assert relinked.proposal is not None
    assert relinked.proposal.uuid == into
    (sure,) = link_review.sure_proposals(practice)
    assert sure.proposals[0].successor
    done, _ = link_review.store_decision(practice, [client], lambda: links.accept_sure(practice, [sure]))
    assert [each.link_state for each in done] == ["linked"]
    assert link_review.undo_decision(practice) == ["Tawa Dental"]
    assert lookup.show_client(practice, client).link_state == "merged"
    links.unlink(practice, client)
    assert links.creation_obstacle(practice, client) is not None  # the link is gone, the survivor is not
    made = await links.create_in_xpm(practice, client, different=[number])
    assert (made.client.link_state, made.xpm.name) == ("linked", "Tawa Dental")


async def test_two_clients_that_became_one_are_for_the_user_to_choose(
    env: PracticeFixture, merged: tuple[str, str, str]
) -> None:
    practice, (client, _, into) = env.practice, merged
    (other,) = picks.pick(practice, [into], anyway=True)
    (view,) = link_review.clients_to_review(practice, [client])
    assert "ignore the other" in view.reason
    assert not view.proposals[0].sure
    assert link_review.sure_proposals(practice) == []
    assert [each.proposal for each in links.relinks(practice)] == [None]
    with pytest.raises(CreationHeld) as waits:
        await links.create_in_xpm(practice, client)
    assert f"clients ignore {client}" in waits.value.hint
    assert f"ignore {client}" in links.preview_link(practice, client, into).needs_yes
    assert links.ignore(practice, client).link_state == "ignored"
    assert lookup.show_client(practice, str(other.client)).link_state == "linked"


async def test_a_client_that_was_deleted_may_be_created_again(
    env: PracticeFixture, merged: tuple[str, str, str]
) -> None:
    practice, (client, _, into) = env.practice, merged
    links.link(practice, client, into)
    await refresh(practice, full=True)
    env.sandbox.colleague.remove(into)
    await refresh(practice, full=True)
    assert lookup.show_client(practice, client).link_state == "gone"
    made = await links.create_in_xpm(practice, client)
    assert made.client.link_state == "linked"


async def test_completed_jobs_are_requested_if_there_is_no_other_evidence(env: PracticeFixture) -> None:
    families = Families(env, seed=9)
    person = families.contact("Rata", "rata@rata.example")
    lost, into = (families.client(name, [person], (), Address()) for name in ("Rata Baking", "Plover"))
    families.jobs(lost, 1)
    await refresh(env.practice, full=True)
    picks.pick(env.practice, [lost])
    closed = next(state.name for state in families.practice.states if state.closed)
    (number,) = (n for n, job in families.practice.jobs.items() if job.client == lost)
    families.colleague.edit_job(number, {"state": closed})
    await refresh(env.practice, full=True)
    families.colleague.merge(lost, into, env.sandbox.clock.now())
    got = await refresh(env.practice, full=True)
    (view,) = link_review.clients_to_review(env.practice)
    assert view.link_state == "merged"
    assert "1 job moved" in view.proposals[0].reasons
    assert got.calls == 6  # five lists, and the jobs of the one candidate
    assert (await refresh(env.practice, full=True)).calls == 5
