"""The policy as users see it: what is synced, what is switched off, what is frozen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from tests.support.moved_clock import MovedClock
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import open_practice
from xpm_tui.commands.command import Dialogue, ListParams
from xpm_tui.commands.settings import show
from xpm_tui.domain.links import Freeze
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import FREEZES


async def test_the_table_reports_switched_off_and_frozen_fields(tmp_path: Path) -> None:
    with open_practice(
        find_home(str(tmp_path), {}),
        person="mere",
        environ={},
        clock=MovedClock(),
        overrides={"sync.off": "website, fax", "sync.direction": "from_xpm"},
    ) as practice:
        frozen = Freeze(id="c1/phone", client="c1", field="phone", at=datetime(2026, 5, 4, tzinfo=UTC))
        practice.store.commit([Put(FREEZES, frozen)])
        reported = await show(practice, ListParams(), cast(Dialogue, None))
    assert reported.items is not None
    rows = {item["field"]: item for item in reported.items}
    assert rows["website"]["off"]
    assert not rows["website"]["carried"]
    assert rows["name"]["carried"]
    assert rows["phone"]["frozen"] == 1
    assert rows["structure"]["from_xpm"] == {"creation": True, "ongoing": False}
    assert rows["groups"]["to_xpm"] == {"creation": False, "ongoing": False}
