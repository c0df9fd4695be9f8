"""States of links, exact names, clients that need attention, manual links, the report on links."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tests.sync.fixtures import SyncFixture, client, linked, one, xpm
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.links import BlockedPair, Freeze, Ignored, LinkState
from xpm_tui.domain.plan import UndecidedClient
from xpm_tui.domain.tables import BLOCKED_PAIRS, CLIENTS, FREEZES, IGNORED, JOBS, LINKS
from xpm_tui.domain.xpm import RecordReference, XpmJob
from xpm_tui.sync.manual.links import link, link_effect, unlink
from xpm_tui.sync.planning.links import exact_match, link_state, relink, state_reason, undecided_client
from xpm_tui.sync.policy import Policy

NOW = datetime(2026, 5, 4, tzinfo=UTC)


async def state(env: SyncFixture, id_: str = "c1") -> LinkState:
    await env.refresh()
    return link_state(env.store.snapshot(), env.client(id_))


def waiting(env: SyncFixture) -> list[UndecidedClient]:
    """The clients that need a decision now."""
    snapshot = env.store.snapshot()
    found = (undecided_client(snapshot, each, link_state(snapshot, each)) for each in snapshot.rows(CLIENTS))
    return [each for each in found if each is not None]


async def match(env: SyncFixture, id_: str = "c1") -> str:
    await env.refresh()
    return exact_match(env.store.snapshot(), env.client(id_))


async def test_a_link_is_linked_archived_or_gone() -> None:
    assert await state(SyncFixture([client()], [xpm()], links=[linked()])) == "linked"
    assert await state(SyncFixture([client()], [xpm(archived=True)], links=[linked()])) == "archived"
    assert await state(SyncFixture([client()], [xpm(deleted=True)], links=[linked()])) == "gone"
    assert await state(SyncFixture([client()], [xpm(2)], links=[linked()])) == "gone"


async def test_a_prospect_that_became_a_client_is_converted_and_the_client_proposed() -> None:
    env = SyncFixture([client()], [xpm(prospect=True), xpm(2, name="Client 1")], links=[linked()])
    assert await state(env) == "converted"
    (person,) = waiting(env)
    assert (person.reason, person.uuid) == ("converted", "u2")
    gone = SyncFixture([client()], [xpm(2, name="Client 1")], links=[linked()])
    assert await state(gone) == "converted"


async def test_a_prospect_without_successor_is_a_plain_link() -> None:
    assert await state(SyncFixture([client()], [xpm(prospect=True)], links=[linked()])) == "linked"


async def test_two_links_to_one_xpm_client_are_ambiguous_unless_one_is_quiet() -> None:
    clients = [client(1), client(2)]
    both = [linked(1), replace(linked(2), uuid="u1")]
    assert await state(SyncFixture(clients, [xpm()], links=both)) == "ambiguous"
    quiet = [linked(1), replace(linked(2), uuid="u1", quiet=True)]
    env = SyncFixture(clients, [xpm()], links=quiet)
    assert await state(env) == "linked"
    assert await state(env, "c2") == "linked"


async def test_ignored_takes_precedence_over_other_states() -> None:
    env = SyncFixture([client()], [xpm()])
    env.put(IGNORED, [Ignored(id="c1", reason="closed")])
    assert await state(env) == "ignored"
    assert await match(env) == ""
    assert [*waiting(env)] == []
    assert await env.changes() == []


@pytest.mark.parametrize("second", ["Kea Farms Limited", "KEA FARMS LTD.", "Keā Farms Ltd"])
@pytest.mark.parametrize("side", ["ignition", "xpm"])
async def test_an_exact_name_links_only_where_no_second_client_is_the_same(side: str, second: str) -> None:
    other = xpm(2, second) if side == "xpm" else xpm(2, "Tui Farms Ltd")
    mine = [client(1, name="Kea Farms Ltd"), client(2, name=second if side == "ignition" else "Weka")]
    env = SyncFixture(mine, [xpm(1, "Kea Farms Ltd"), other])
    await env.refresh()
    _, records = env.plan()
    assert not [change for record in records for change in record.changes if change.field == "link"]
    assert [each.proposal for each in relink(env.store.snapshot())] == ["", ""]


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("Acme Pty Ltd", True),
        (" Acme Pty Ltd ", True),
        ("acme pty ltd", False),
        ("Acme Pty. Ltd", False),
        ("Acme  Pty Ltd", False),
    ],
)
async def test_only_the_exact_name_matches(name: str, matches: bool) -> None:
    env = SyncFixture([client(name=name)], [xpm(name="Acme Pty Ltd")])
    assert await match(env) == ("u1" if matches else "")


async def test_a_decomposed_name_is_the_same_name() -> None:
    assert await match(SyncFixture([client(name="Ma\u0304ori")], [xpm(name="Māori")])) == "u1"


async def test_a_name_that_occurs_twice_matches_no_client() -> None:
    env = SyncFixture([client()], [xpm(), xpm(2, name="Client 1")])
    assert (await match(env), await state(env)) == ("", "ambiguous")
    env = SyncFixture([client(), client(2, name="Client 1")], [xpm()])
    assert (await match(env), await state(env)) == ("", "ambiguous")
    env = SyncFixture([client(), client(2, name="Client 1")], [xpm()], links=[linked(2)])
    assert await match(env) == ""


async def test_an_archived_twin_blocks_and_a_deleted_one_does_not() -> None:
    assert await match(SyncFixture([client()], [xpm(), xpm(2, name="Client 1", archived=True)])) == ""
    assert await match(SyncFixture([client()], [xpm(), xpm(2, name="Client 1", deleted=True)])) == "u1"


@pytest.mark.parametrize("flag", ["archived", "prospect", "deleted"])
async def test_an_archived_client_a_prospect_and_a_deleted_one_are_never_linked_by_name(flag: str) -> None:
    assert await match(SyncFixture([client()], [replace(xpm(), **{flag: True})])) == ""


async def test_linked_and_blocked_pairs_are_not_linked_by_name() -> None:
    env = SyncFixture([client(1), client(2)], [xpm(1)])
    env.put(LINKS, [replace(linked(2), uuid="u1")])
    assert await match(env) == ""
    env = SyncFixture([client()], [xpm()])
    env.put(BLOCKED_PAIRS, [BlockedPair(id="c1/u1", client="c1", uuid="u1")])
    assert await match(env) == ""
    assert await env.changes() == []


async def test_leads_and_inactive_clients_can_wait_and_those_without_a_state_cannot() -> None:
    env = SyncFixture(
        [client(1, state="lead"), client(2, state="inactive"), client(3), client(4, state="active")], []
    )
    assert [person.client for person in waiting(env)] == ["c3", "c4"]


def test_every_reason_has_a_sentence() -> None:
    for code in ("unlinked", "ambiguous", "converted", "gone", "archived"):
        assert state_reason(code).endswith(".")


# By hand


async def test_the_effect_lists_the_changes_and_their_direction() -> None:
    env = SyncFixture([client(phone="1", fax="5")], [xpm(name="Client 1", phone="2")])
    await env.refresh()
    snapshot = env.store.snapshot()
    change = one(link_effect(snapshot, Policy(), "c1", "u1").changes, "phone")
    assert (change.side, change.old, change.new) == ("ignition", "1", "2")
    to_xpm = link_effect(snapshot, Policy(direction="to_xpm"), "c1", "u1").changes
    assert {(c.field, c.side, c.new) for c in to_xpm} == {("phone", "xpm", "1"), ("fax", "xpm", "5")}


async def test_the_effect_warns_of_prospects_second_links_and_jobs_that_stay() -> None:
    env = SyncFixture([client(1), client(2)], [xpm(1), xpm(2, prospect=True)], links=[linked(1), linked(2)])
    env.put(
        JOBS, [XpmJob(number="J1", name="Tax", client=RecordReference("u1")), XpmJob(number="J2", name="x")]
    )
    await env.refresh()
    found = link_effect(env.store.snapshot(), Policy(), "c1", "u2")
    assert found.prospect
    assert found.second is not None
    assert found.second.id == "c2"
    assert found.changes == ()
    assert [job.number for job in found.jobs_staying] == ["J1"]
    assert len(found.warnings) == 3, found.warnings
    assert "Client 1 in Ignition, Client 2 in XPM" in found.warnings[0]


async def test_linking_again_drops_the_base_and_the_freezes_of_an_undo() -> None:
    env = SyncFixture([client(phone="1")], [xpm(phone="1"), xpm(2, phone="2")], links=[linked()])
    await env.sync()
    env.put(BLOCKED_PAIRS, [BlockedPair(id="c1/u2", client="c1", uuid="u2")])
    env.put(
        FREEZES,
        [
            Freeze(id="c1/fax", client="c1", field="fax", undo=True),
            Freeze(id="c1/city", client="c1", field="city"),
        ],
    )
    snapshot = env.store.snapshot()
    env.store.commit(link(snapshot, "c1", "u2", now=NOW, by="kim", run="r77"))
    assert (env.link().uuid, env.link().number, env.base().agreed) == ("u2", "1002", ())
    assert [freeze.field for freeze in env.store.snapshot().rows(FREEZES)] == ["city"]
    assert env.store.snapshot().count(BLOCKED_PAIRS) == 0
    assert one(await env.changes(), "phone").mark == "first"


async def test_unlinking_blocks_the_pair() -> None:
    env = SyncFixture([client()], [xpm()], links=[linked()])
    await env.sync()
    env.store.commit(unlink(env.store.snapshot(), "c1", now=NOW, by="kim", run="r77"))
    assert env.store.snapshot().count(LINKS) == 0
    assert await env.changes() == []
    with pytest.raises(NotFound):
        unlink(env.store.snapshot(), "c1", now=NOW, by="kim", run="r78")


async def test_linking_refuses_missing_records_and_existing_links() -> None:
    env = SyncFixture([client()], [xpm(), xpm(2, deleted=True)], links=[linked()])
    await env.refresh()
    snapshot = env.store.snapshot()
    with pytest.raises(BadInput):
        link(snapshot, "c1", "u1", now=NOW, by="kim", run="r1")
    for client_id, uuid in (("c1", "u2"), ("c1", "u9"), ("c9", "u1")):
        with pytest.raises(NotFound):
            link(snapshot, client_id, uuid, now=NOW, by="kim", run="r1")


async def test_the_report_has_health_renames_and_proposals() -> None:
    env = SyncFixture(
        [client(1), client(2), client(3)],
        [xpm(1, name="Renamed"), xpm(2, archived=True), xpm(3)],
        links=[linked(1), linked(2)],
    )
    await env.refresh()
    report = {each.client: each for each in relink(env.store.snapshot())}
    assert (report["c1"].state, report["c1"].xpm_name, report["c1"].healthy) == ("linked", "Renamed", False)
    assert report["c2"].state == "archived"
    assert (report["c3"].state, report["c3"].proposal) == ("unlinked", "u3")
