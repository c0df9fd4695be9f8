"""Sample practices: every unusual record is there at every size, and large ones stream."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from tests.sandbox.fixtures import SandboxFixture, texts
from tests.support.profile import count
from xpm_tui.sandbox.clock import SAMPLE_NOW
from xpm_tui.sandbox.endpoint import CHUNK
from xpm_tui.sandbox.records import SandboxPractice
from xpm_tui.sandbox.sample_practice import make_practice
from xpm_tui.sandbox.simulator import make_tenants
from xpm_tui.sandbox.xml import has_illegal_character

SIZES = [12, 250, count(2000, 10_000)]


def practice_of(size: int, seed: int = 1) -> SandboxPractice:
    return make_practice(make_tenants(seed)[0], seed, size, SAMPLE_NOW)


@pytest.mark.parametrize("size", [0, 1, 5, 13, 59, *SIZES])
def test_exactly_so_many_clients(size: int) -> None:
    assert len(practice_of(size).clients) == size


@pytest.mark.parametrize("seed", [1, 2, 99])
@pytest.mark.parametrize("size", SIZES)
def test_references_hold(size: int, seed: int) -> None:
    practice = practice_of(size, seed)
    assert len({row.number for row in practice.clients.values()}) == size
    for row in practice.clients.values():
        assert {link.contact for link in row.contacts} <= set(practice.contacts)
        assert {row.partner, row.manager} - {None} <= set(practice.staff)
        assert set(row.groups) <= set(practice.groups)
        assert {other.related for other in row.relationships} <= set(practice.clients)
        assert sum(link.primary for link in row.contacts) == bool(row.contacts)
        assert row.modified < SAMPLE_NOW
        assert not has_illegal_character(repr(row))
    for job in practice.jobs.values():
        assert job.client in practice.clients
        assert job.state in {state.name for state in practice.states}


@pytest.mark.parametrize("size", SIZES)
def test_the_hard_cases(size: int) -> None:
    practice = practice_of(size)

    def rows(case: str) -> list[str]:
        return practice.cases[case]

    clients = practice.clients
    one, two = (clients[uuid] for uuid in rows("same name"))
    assert one.name == two.name
    assert [one.archived, two.archived, one.deleted, two.deleted] == [False] * 4
    active, old = (clients[uuid] for uuid in rows("archived twin"))
    assert (active.name, active.archived, old.archived) == (old.name, False, True)
    before, after = (clients[uuid] for uuid in rows("prospect made client"))
    assert (before.name, before.prospect, before.deleted) == (after.name, True, True)
    assert not after.prospect
    assert [clients[uuid].prospect for uuid in rows("prospect")] == [True]
    company, holdings = (clients[uuid] for uuid in rows("shared contact"))
    assert {link.contact for link in company.contacts} & {link.contact for link in holdings.contacts}
    assert clients[rows("no contacts")[0]].contacts == ()
    assert clients[rows("name only")[0]].tax is None
    assert clients[rows("deleted")[0]].deleted
    assert practice.staff[clients[rows("manager left")[0]].manager or ""].left
    assert len({practice.staff[uuid].name for uuid in rows("staff of one name")}) == 1
    assert clients[rows("complete")[0]].tax is not None
    shown = "".join(row.name + row.address.street + row.referral for row in clients.values())
    shown += "".join(contact.name for contact in practice.contacts.values())
    for piece in ("[/]", "[@click=", "ā", "株", "🌸", "\u202e", "\u009b", "\u0085"):
        assert piece in shown
    assert any("&" in row.name for row in clients.values())
    assert "Y200417" in practice.jobs
    assert rows("templates that are gone")[0] not in practice.templates


def test_a_larger_practice_has_the_rarer_cases() -> None:
    practice = practice_of(250)
    names = Counter(row.name for row in practice.clients.values())
    assert {"kowhai plumbing pty ltd", "Kowhai Plumbing Pty Ltd", " Padded Name Ltd "} <= set(names)
    twin = practice.clients[practice.cases["two contacts of one e-mail"][0]]
    assert len({practice.contacts[link.contact].email for link in twin.contacts}) == 1
    assert 2 <= sum(row.archived for row in practice.clients.values()) < 40
    assert 2 <= sum(row.prospect for row in practice.clients.values()) < 40
    assert names.most_common(1)[0][1] == 2


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 0"):
        practice_of(-1)


async def test_a_long_list_is_made_while_it_is_read() -> None:
    size = count(2000, 50_000)
    env = await SandboxFixture.ready(size)
    response = await env.call("GET", "client.api/list?detailed=true")
    tracemalloc.start()
    total = clients = 0
    for chunk in response.body:
        assert len(chunk) < 2 * CHUNK
        total += len(chunk)
        clients += chunk.count(b"<Client><UUID>")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert clients == size
    assert total > 2000 * size
    assert peak < 4 * CHUNK + 1_000_000


async def test_no_page_or_list_is_empty_of_cases() -> None:
    env = await SandboxFixture.ready(60)
    root = await env.xml("GET", "client.api/list?detailed=true")
    assert "2 Monthly" in texts(root, "Clients/Client/GSTPeriod")
    assert texts(root, "Clients/Client/Groups/Group/Name")
    assert texts(root, "Clients/Client/Relationships/Relationship/Type")
