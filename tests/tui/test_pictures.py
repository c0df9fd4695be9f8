"""Pictures of the screens, dialogs and steps that only a practice with a history has, at three sizes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.profile import spread
from tests.tui.fixtures import ConsoleFixture, press, settle
from tests.tui.walk import STOPS, hostile
from xpm_tui.application.csv_io.inbox import InboxStatus
from xpm_tui.application.health import bundle
from xpm_tui.application.health import doctor as health_doctor
from xpm_tui.application.health.bundle import BundlePart
from xpm_tui.diagnostics.findings import ProbeResult
from xpm_tui.domain.errors import CaseId
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs import consent
from xpm_tui.tui.dialogs.consent import ConsentPage, ConsentScreen
from xpm_tui.tui.dialogs.screen_dialogue import ProgressDialog
from xpm_tui.tui.screens import inbox
from xpm_tui.tui.wizard.screen import QUESTIONS

Make = Callable[..., Console]
Shot = Callable[..., bool]

NAMES = (
    "Kowhai Plumbing", "Rata Family Trust", "Harbour View Partners", "Tui Café", "Pohutukawa Farms",
    "Totara Electrical", "Wharf Street Dental",
)  # fmt: skip
SIZES = ((80, 24), (120, 40), (160, 48))
STEPS = [f"wizard-{name}" for name in QUESTIONS if name != "app"]
WALKED = (
    "run-log", "run-line", "run-values", "undo-plan", "differences", "command-log", "inbox", "freeze",
    "discard", "screenshot", "error", "team-pick", "audit", "roll-over-review", "changes", "direction-ask",
    "fields-off", "doctor", "bundle", "delete-client", *STEPS,
)  # fmt: skip
WAYS: dict[str, Sequence[str]] = {
    **STOPS,
    "freeze": ("g", "c", "slash", "=00005", "enter", "f"),
}
FOUND = (
    ProbeResult(name="names", title="Names of Xero's servers", verdict="ok", sentence="All can be resolved."),
    ProbeResult(name="reach", title="Servers and certificates", verdict="trouble", case=CaseId.NO_NETWORK,
                sentence="Xero could not be reached.", hint="Check this machine's network, then try again.",
                evidence=("https://api.xero.com: no answer",)),
    ProbeResult(name="clock", title="This machine's clock", verdict="skipped",
                sentence="Skipped, because of “Servers and certificates”."),
)  # fmt: skip
PARTS = tuple(
    BundlePart(name=name, about=about, data=text.encode())
    for name, about, text in (
        ("README.txt", "The contents of the bundle.", "Support bundle of xpm-tui, created 4 May 2026.\n"),
        ("settings.json", "Settings and their origin.", '{\n  "sync.direction": "from_xpm"\n}\n'),
    )
)
PAGE = ConsentPage(
    lines=["xpm-tui wants access to Practice Manager", "It asks for:", "Which practice?"],
    listed=["practicemanager.client", "practicemanager.job"],
)


def shown_id(value: object) -> str:
    """Return a size as 80x24, and a name as it is."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleFixture:
    """A practice with a history, in a folder whose name is the same on every machine."""

    async def examine(_: object, **__: object) -> AsyncIterator[ProbeResult]:
        for each in FOUND:
            yield each

    async def gather(*_: object, **__: object) -> tuple[BundlePart, ...]:
        return PARTS

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "office")
    monkeypatch.setattr(health_doctor.Doctor, "examine", examine)
    monkeypatch.setattr(bundle, "gather", gather)
    monkeypatch.setattr(consent, "read_page", lambda _: PAGE)
    monkeypatch.setattr(inbox, "inbox_status", lambda _: InboxStatus(folder="/srv/inbox"))
    made = asyncio.run(hostile(tmp_path, NAMES, "Ana Reid"))
    with made.open() as practice:
        practice.settings.set("inbox.folder", "/srv/inbox", practice=True)
    return made


def picture(app: Console, snap_compare: Shot, size: tuple[int, int], go: Callable[[Pilot[Any]], Any]) -> bool:
    app.folder, app.global_words = ".", ()
    return snap_compare(app, terminal_size=size, run_before=go)


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(("name", "size"), spread(product(WALKED, SIZES), 3), ids=shown_id)
def test_picture(
    name: str, size: tuple[int, int], env: ConsoleFixture, console: Make, snap_compare: Shot
) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *WAYS[name])

    assert picture(console(env), snap_compare, size, go)


@pytest.mark.soak
@pytest.mark.parametrize("size", [*SIZES, (59, 17)], ids=shown_id)
@pytest.mark.parametrize("name", ["consent", "progress"])
def test_picture_of_a_box_that_waits(
    name: str, size: tuple[int, int], env: ConsoleFixture, console: Make, snap_compare: Shot
) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        box = ProgressDialog("Planning", "Reading XPM and comparing it with Ignition …")
        pilot.app.push_screen(ConsentScreen("") if name == "consent" else box)
        await settle(pilot)

    assert picture(console(env), snap_compare, size, go)
