"""Two users edit one record at the same time: no edit is lost without a message."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from xpm_tui.application.clients.edits import add_contact, edit_client
from xpm_tui.application.clients.links import unlink
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import StoreChanged
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, LINKS

KOWHAI = Client(id="c1", name="Kowhai", contacts=(Contact(id="k1", name="Ann", primary=True),))
LINK = Link(id="c1", uuid="u-1", number="1")

HAND: dict[str, Callable[[OpenPractice], object]] = {
    "edit": lambda practice: edit_client(practice, "c1", {"website": "kowhai.nz"}),
    "contact": lambda practice: add_contact(practice, "c1", {"name": "Bob"}),
    "unlink": lambda practice: unlink(practice, "c1"),
}


@pytest.mark.parametrize("act", HAND)
def test_whoever_comes_second_is_notified_and_writes_nothing(
    practice: OpenPractice, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    practice.ids.new("c", 3)
    practice.ids.new("k", 3)
    practice.store.commit([Put(CLIENTS, KOWHAI), Put(LINKS, LINK)])
    looked = practice.snapshot()
    phone = msgspec.structs.replace(KOWHAI, phone="03 colleague")
    moved = msgspec.structs.replace(LINK, uuid="u-2")
    practice.store.commit([Put(CLIENTS, phone), Put(LINKS, moved)])
    with monkeypatch.context() as patch:
        patch.setattr(OpenPractice, "snapshot", lambda _: looked)
        with pytest.raises(StoreChanged, match="Someone else has just changed c1") as reported:
            HAND[act](practice)
    assert reported.value.exit_code == 5
    assert practice.snapshot().get(CLIENTS, "c1") == phone
    assert practice.snapshot().get(LINKS, "c1") == moved
    HAND[act](practice)
    after = practice.snapshot().get(CLIENTS, "c1")
    assert after is not None
    assert after.phone == "03 colleague", "and the second try keeps what the first one wrote"
