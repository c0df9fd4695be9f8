"""A field that is switched off is not synced with a new contact either."""

from __future__ import annotations

from tests.sync.fixtures import SyncFixture, client, contact, linked, xpm, xpm_contact
from tests.sync.test_undo import picked
from xpm_tui.sync.policy import Policy


async def test_a_switched_off_field_is_not_sent_with_a_new_contact() -> None:
    env = SyncFixture(
        [client(contacts=(contact(1, name="Jo", mobile="021"),))], [xpm()], links=[linked()],
        policy=Policy(direction="to_xpm", off=frozenset({"contact_mobile"})),
    )  # fmt: skip
    await env.sync()
    assert [(each.name, each.mobile) for each in env.practice.rows["u1"].contacts] == [("Jo", "")]


async def test_a_switched_off_field_is_not_brought_with_a_new_contact() -> None:
    env = SyncFixture(
        [client()], [xpm(contacts=(xpm_contact(1, name="Jo", mobile="021"),))], links=[linked()],
        policy=Policy(off=frozenset({"contact_mobile"})),
    )  # fmt: skip
    await env.sync()
    assert [(each.name, each.mobile) for each in env.client().contacts] == [("Jo", "")]


async def test_a_switched_off_field_is_not_picked_with_a_contact() -> None:
    env = SyncFixture(
        rows=[xpm(contacts=(xpm_contact(1, name="Jo", mobile="021"),))],
        policy=Policy(off=frozenset({"contact_mobile"})),
    )
    id_ = await picked(env)
    assert [(each.name, each.mobile) for each in env.client(id_).contacts] == [("Jo", "")]
