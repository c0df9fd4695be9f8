"""Records of XPM that cannot be read: the mirror, plans, runs and writes without them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.fake_practice import FakeListing
from tests.sync.fixtures import SyncFixture, client, linked, one, staff, xpm, xpm_contact
from xpm_tui.domain.errors import DecisionNeeded, UnsendableValue
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import JOBS, META, RUNS, STAFF, XPM_CLIENTS
from xpm_tui.domain.xpm import WHOLE, Quarantined, RecordFault, Records, XpmClient, XpmJob
from xpm_tui.sync.canonical import refuse_unread
from xpm_tui.sync.manual.creation import refuse_unreadable
from xpm_tui.sync.mirror import job_writes, list_writes, named_people, set_aside
from xpm_tui.sync.policy import Policy

NAMELESS = RecordFault(WHOLE, "Name", "is missing or empty", "missing-name")
TWICE = RecordFault(WHOLE, "UUID", "is that of several records of the list", "twice")
ODD_FLAG = RecordFault("tax_registered", "GSTRegistered", "is neither Yes nor No", "not-yes-or-no")
ODD_CONTACTS = RecordFault("contacts", "Contacts/Contact[1]/UUID", "is missing", "missing-uuid")


def aside(fault: RecordFault, uuid: str = "", **known: Any) -> Quarantined:
    """A client that was set aside."""
    return Quarantined(kind="Client", faults=(fault,), uuid=uuid, **known)


class UnusualEnv(SyncFixture):
    """A world whose lists leave records out and name them as set aside."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.aside: tuple[Quarantined, ...] = ()
        self.hidden: set[str] = set()
        read = FakeListing.__aiter__

        async def rows(listing: FakeListing) -> Any:
            listing.quarantined = self.aside
            async for row in read(listing):
                if row.uuid not in self.hidden:
                    yield row

        self.patch = rows

    def set_aside(self, *found: Quarantined, hidden: tuple[str, ...] = ()) -> None:
        """From now on these are set aside, and those rows are not in the list."""
        self.aside, self.hidden = found, {*hidden}


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a world; its lists are odd."""

    def make(*args: Any, **more: Any) -> UnusualEnv:
        env = UnusualEnv(*args, **more)
        monkeypatch.setattr(FakeListing, "__aiter__", env.patch)
        return env

    return make


async def test_a_record_set_aside_keeps_its_row_and_is_not_gone(odd: Any) -> None:
    env = odd([client(phone="1")], [xpm(phone="1"), xpm(2)], links=[linked()])
    await env.sync()
    before = env.mirror("u1")
    env.practice.edit("u1", phone="2")
    env.set_aside(aside(NAMELESS, "u1"), hidden=("u1",))
    got = await env.refresh()
    assert (got.gone, got.quarantined, got.listed) == (0, 1, 2)
    assert env.mirror("u1") == msgspec.structs.replace(before, unread=(NAMELESS,))
    assert await env.changes() == []
    assert [one.uuid for one in set_aside(env.store.snapshot())["clients"]] == ["u1"]
    await env.refresh(complete=False)
    assert "clients" in set_aside(env.store.snapshot()), "a list of changes says nothing of the others"
    env.set_aside()
    await env.refresh()
    assert set_aside(env.store.snapshot()) == {}
    assert one(await env.changes(), "phone").new == "2"


@pytest.mark.parametrize(
    ("known", "gone"),
    [({"number": "101"}, 1), ({"name": "Kowhai"}, 1), ({"name": "Nobody"}, 0), ({}, 0)],
    ids=["number", "name", "unknown name", "nothing"],
)
async def test_without_a_uuid_absence_is_evidence_only_where_the_row_is_known(
    odd: Any, known: dict[str, str], gone: int
) -> None:
    env = odd(
        rows=[
            msgspec.structs.replace(xpm(1, name="Kowhai"), number="101"),
            xpm(2, name="Rata"),
            xpm(3, name="Totara"),
        ]
    )
    await env.refresh()
    env.practice.remove("u3")
    env.set_aside(aside(NAMELESS, **known), hidden=("u1",))
    assert (await env.refresh()).gone == gone
    assert not env.mirror("u1").deleted
    assert env.mirror("u3").deleted is bool(gone)


async def test_a_record_that_came_twice_is_restored(odd: Any) -> None:
    env = odd([client(phone="1")], [xpm(phone="1"), xpm(2)], links=[linked()])
    await env.sync()
    before, base = env.mirror("u1"), env.base()
    env.practice.edit("u1", phone="2")
    env.practice.add(xpm(9))
    env.set_aside(aside(TWICE, "u1"), aside(TWICE, "u9"))
    await env.refresh()
    assert env.mirror("u1") == msgspec.structs.replace(before, unread=(TWICE,))
    assert env.base() == base
    assert env.store.snapshot().get(XPM_CLIENTS, "u9") is None


async def test_only_the_field_is_set_aside_where_the_rest_is_sound(odd: Any) -> None:
    env = odd([client()], [xpm(tax_registered=True, phone="1")], links=[linked()])
    await env.sync()
    env.practice.edit("u1", phone="2", tax_registered=None, unread=(ODD_FLAG,))
    env.set_aside(aside(ODD_FLAG, "u1"))
    await env.refresh()
    assert env.mirror("u1").tax_registered is True
    assert [change.field for change in await env.changes()] == ["phone"]


async def test_a_run_with_a_quarantined_record_is_partly_done_and_the_next_one_done(odd: Any) -> None:
    env = odd([client(1), client(2)], [xpm(1), xpm(2)], links=[linked(1), linked(2)])
    await env.sync()
    env.practice.edit("u1", fax="1", phone="", unread=(ODD_CONTACTS,))
    env.practice.edit("u2", fax="2")
    env.set_aside(aside(ODD_CONTACTS, "u1"))
    run: Run = await env.sync()
    assert (run.outcome, run.counts["set_aside"], run.counts["changes"]) == ("partial", 1, 2)
    assert "Contacts (Contacts/Contact[1]/UUID) is missing" in run.error
    env.set_aside()
    env.practice.edit("u1", unread=())
    assert (await env.sync()).outcome == "done"
    assert env.store.snapshot().get(RUNS, run.id) is not None


async def test_a_record_that_was_set_aside_is_never_written_to_xpm(odd: Any) -> None:
    policy = Policy(direction="to_xpm")
    env = odd([client(phone="1")], [xpm(phone="1")], policy=policy, links=[linked()])
    await env.sync()
    env.store.commit([])
    phone = RecordFault("phone", "Phone", "has a control character", "character")
    env.practice.edit("u1", unread=(phone,))
    env.set_aside(aside(phone, "u1"))
    env.edit("c1", phone="9", fax="8")
    await env.sync()
    assert [values for _, _, values in env.practice.sent if "phone" in values] == []
    assert any("fax" in values for _, _, values in env.practice.sent)


def test_the_outbox_refuses_a_field_and_a_whole_record() -> None:
    row = XpmClient(uuid="u1", name="A", unread=(ODD_FLAG, ODD_CONTACTS))
    refuse_unread(row, ["phone"])
    for fields in (["tax_registered"], ["contact"]):
        with pytest.raises(UnsendableValue) as caught:
            refuse_unread(row, fields)
        assert caught.value.hint
    with pytest.raises(UnsendableValue):
        refuse_unread(XpmClient(uuid="u1", name="A", unread=(NAMELESS,)), ["phone"])


def test_no_record_is_created_that_may_be_an_unreadable_one() -> None:
    env = SyncFixture()
    snapshot = env.store.snapshot()
    for there in (aside(NAMELESS, "u7"), aside(TWICE, "u7", name="Kowhai Limited")):
        with pytest.raises(DecisionNeeded, match="Nothing was created"):
            refuse_unreadable(snapshot, "clients", [there], "Kowhai Ltd")
    refuse_unreadable(snapshot, "clients", [aside(TWICE, "u7", name="Rata Dental")], "Kowhai Ltd")


def test_staff_set_aside_are_not_gone() -> None:
    env = SyncFixture()
    env.store.commit(list_writes(env.store.snapshot(), STAFF, [staff(1), staff(2), staff(3)]))
    known = Quarantined(kind="Staff", faults=(NAMELESS,), uuid=staff(2).uuid)
    env.store.commit(list_writes(env.store.snapshot(), STAFF, Records([staff(1)], [known])))
    gone = {row.uuid: row.gone for row in env.store.snapshot().rows(STAFF)}
    assert gone == {staff(1).uuid: False, staff(2).uuid: False, staff(3).uuid: True}
    assert "staff" in set_aside(env.store.snapshot())
    (shown,) = set_aside(env.store.snapshot())["staff"]
    assert shown.description == f'Staff member "{staff(2).name}" ({staff(2).uuid})', "as the mirror knows it"
    nobody = Quarantined(kind="Staff", faults=(NAMELESS,))
    env.store.commit(list_writes(env.store.snapshot(), STAFF, Records([staff(2)], [nobody])))
    assert not {row.uuid: row.gone for row in env.store.snapshot().rows(STAFF)}[staff(1).uuid]


def test_a_job_set_aside_without_its_number_is_not_gone() -> None:
    env = SyncFixture()
    jobs = [XpmJob(number=f"J{n}", name=f"Tax {n}", uuid=f"j{n}") for n in (1, 2, 3)]
    now = env.clock.now()
    env.store.commit(job_writes(env.store.snapshot(), jobs, now))
    numberless = Quarantined(kind="Job", faults=(NAMELESS,), uuid="j2", name="Tax 2")
    env.store.commit(job_writes(env.store.snapshot(), Records([jobs[0]], [numberless]), now))
    assert {row.number: row.gone for row in env.store.snapshot().rows(JOBS)} == {
        "J1": False, "J2": False, "J3": True,
    }  # fmt: skip


async def test_names_of_people_who_left_come_from_the_clients() -> None:
    env = SyncFixture(rows=[xpm(1, manager={"uuid": "s9", "name": "Ida Left"}, contacts=(xpm_contact(1),))])
    env.practice.rows["u1"] = msgspec.convert(msgspec.to_builtins(env.practice.rows["u1"]), XpmClient)
    await env.refresh()
    assert named_people(env.store.snapshot()) == {"s9": "Ida Left"}
    assert env.store.snapshot().get(META, "named_people") is not None
