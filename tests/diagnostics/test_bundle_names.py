"""Names in a masked bundle that are in no record of the store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from tests.diagnostics.fixtures import FaultyMachine
from tests.diagnostics.test_bundle import made
from xpm_tui.application.health import bundle
from xpm_tui.application.health.doctor import Doctor
from xpm_tui.application.health.probe_facts import of_practice
from xpm_tui.domain.xpm import Tenant
from xpm_tui.xero.wiring import ConnectionsClient


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


async def test_a_new_name_of_the_practice_at_xero_stays_inside(env: PracticeFixture) -> None:
    await env.connect()
    identity = env.practice.identity()
    assert identity is not None
    before = env.sandbox.tenants[identity.tenant]
    env.sandbox.tenants[identity.tenant] = dataclasses.replace(before, name="Secretive Partners Ltd")
    parts = await made(env, names=False)
    assert "Secretive Partners" not in "\n".join(parts.values())
    assert "the the practice" not in "\n".join(parts.values()), "the first folder's name is a common word"
    assert "this the practice" not in "\n".join(parts.values())


async def test_other_practices_of_the_login_stay_inside(
    env: PracticeFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await env.connect()
    real = ConnectionsClient.tenants

    async def two(self: ConnectionsClient) -> list[Tenant]:
        found = await real(self)
        return [
            *found,
            msgspec.structs.replace(found[0], tenant_id="0" * 8, name="Other Accountants 2019-2020"),
        ]

    monkeypatch.setattr(ConnectionsClient, "tenants", two)
    parts = await made(env, names=False)
    assert "Other Accountants" not in "\n".join(parts.values())


async def test_a_practice_whose_name_holds_years_and_quotes(env: PracticeFixture) -> None:
    identity_of = env.sandbox.tenants
    for key, tenant in list(identity_of.items()):
        identity_of[key] = dataclasses.replace(tenant, name='Kauri "Best" Books 2019-2020 Group')
    await env.connect()
    parts = await made(env, names=False)
    text = "\n".join(parts.values())
    assert "Kauri" not in text
    assert "Books" not in text


async def test_who_signed_in_stays_inside_where_the_store_cannot_be_read(env: PracticeFixture) -> None:
    await env.connect()
    identity = env.practice.identity()
    assert identity is not None
    assert identity.login
    patient = dataclasses.replace(of_practice(env.practice), practice=None)
    results = [each async for each in Doctor(patient, FaultyMachine()).examine()]
    parts = await bundle.gather(patient, results)
    text = "\n".join(part.data.decode() for part in parts)
    assert identity.login not in text
    assert identity.title not in text
