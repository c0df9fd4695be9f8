"""A linked XPM client disappears: merged into another one, or plainly deleted. Who tells which?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.application.flows import World
from tests.support.profile import count
from xpm_tui.application.clients import links, queries
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.sandbox.core.colleague import Colleague
from xpm_tui.sandbox.core.records import Address, Client, Contact, ContactLink, Group, Job

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

    def __init__(self, world: World, seed: int) -> None:
        self.random = random.Random(seed)
        self.practice = world.sandbox.practice
        self.now = world.sandbox.clock.now()
        self.colleague = Colleague(self.practice)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def contact(self, surname: str, email: str = "") -> str:
        uuid = self.practice.ids.uuid("contact")
        name = f"{self.random.choice(PEOPLE)} {surname}"
        said = email or f"{name.split()[0].lower()}{self.random.randrange(9)}@{surname.lower()}.example"
        self.practice.contacts[uuid] = Contact(uuid, name, email=said if self.chance(0.85) else "")
        return uuid

    def client(self, name: str, contacts: list[str], groups: tuple[str, ...], address: Address) -> str:
        uuid = self.practice.ids.uuid("client")
        row = Client(uuid, self.practice.take_client_number(), name, self.now, visible=self.now)
        joined = tuple(ContactLink(each, primary=not at) for at, each in enumerate(contacts))
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
        self.practice.groups[group] = Group(group, f"{surname} family")
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
        if row.contacts and self.chance(0.3):  # somebody of it is somebody of another one, too
            other = self.random.choice([each for each in others if each.uuid != case.lost] or [row])
            link = ContactLink(row.contacts[-1].contact)
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
async def world(tmp_path: Path) -> Iterator[World]:  # type: ignore[misc]
    made = World(tmp_path)
    await made.connect()
    yield made
    made.close()


async def test_the_survivor_comes_first_and_a_deletion_is_never_sure(world: World) -> None:
    many = count(18, 500, 2_000)
    families = Families(world, seed=4)
    cases = [families.make(at) for at in range(many)]
    await refresh(world.practice, full=True)
    linked = {
        each.uuid: each.client for each in links.pick(world.practice, [c.lost for c in cases], anyway=True)
    }
    for start in range(0, many, many // 6):  # fewer than would make the list look cut short
        world.clock.move(timedelta(hours=1))
        families.now = world.sandbox.clock.now()
        for case in cases[start : start + many // 6]:
            families.lose(case)
        await refresh(world.practice, full=True)
    views = {view.id: view for view in queries.review(world.practice)}
    merges = [case for case in cases if case.survivor]
    first = 0
    for case in cases:
        view = views[linked[case.lost] or ""]
        best = view.proposals[0] if view.proposals else None
        state = queries.show_client(world.practice, view.id).link_state
        if case.survivor:
            first += best is not None and best.uuid == case.survivor
            assert state in ("merged", "gone")
            assert state == "gone" or (best is not None and best.uuid == case.survivor)
        else:
            assert state == "gone", view
            assert not any(each.sure for each in view.proposals), view
    assert first >= 0.98 * len(merges), (first, len(merges))
