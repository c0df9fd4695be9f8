"""The inbox in the console: what waits, what was imported and what it changed, and retries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.screen import Screen

from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, settle, text_of
from xpm_tui.application.csv_io import intake
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.clients import Clients
from xpm_tui.tui.screens.inbox import Inbox
from xpm_tui.tui.widgets.table import Table


def shows(app: Console, kind: type[Screen[Any]]) -> bool:
    return isinstance(app.screen, kind)


EVENT = {"event": "client.created", "at": "2026-05-03T21:05:00Z", "client": {"client_id": "77"}}


async def test_what_came_in_is_shown_imported_and_tried_again(
    env: ConsoleFixture, console: Callable[..., Console], tmp_path: Path
) -> None:
    name = HOSTILE[4]
    with env.open() as practice:
        folder = intake.set_up(practice, tmp_path / "in").root
        for key in ("inbox.settle_seconds", "inbox.patience_seconds"):
            practice.settings.set(key, "0", practice=True)
    client = {**EVENT["client"], "name": f"{name} Seventy"}  # type: ignore[dict-item]
    (folder / "e-[red].json").write_text(json.dumps({**EVENT, "client": client}), encoding="utf-8")
    (folder / "clients.csv").write_text("Client ID,Client Name,Contact Name,Contact Email\n78,Rewa,Al,a@x.nz")
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "2 files in the inbox" in text_of(app)
        await press(pilot, "I")
        assert shows(app, Inbox)
        assert "2 files waiting" in text_of(app)
        await press(pilot, "a")
        await press(pilot, "escape")  # the result, shown in a dialog
        assert shows(app, Inbox)
        shown = text_of(app)
        assert "No files waiting · 1 failed · 2 came in" in shown
        assert "e-[red].json" in shown
        assert "no line end" in shown or "1 client added" in shown
        await press(pilot, "home", *(() if "no line end" in shown else ("down",)), "t")
        assert "0 failed" in text_of(app) or "failed" not in text_of(app).splitlines()[1]
        await press(pilot, "home")
        place = next(at for at, row in enumerate(app.screen.query_one(Table).rows.items) if "red" in row.name)
        await press(pilot, *("down",) * place, "enter")
        assert shows(app, Clients)
        assert visible(name)[:10] in text_of(app)
        await press(pilot, "g", "o")
        assert "inbox" not in text_of(app)
    with env.open() as practice:
        assert {"77", "78"} <= {each.client_id for each in practice.snapshot().rows(CLIENTS)}
