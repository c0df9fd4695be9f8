"""Consoles for tests: closed at the end, silent about time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tui.world import World
from xpm_tui.service.jobs import deploying
from xpm_tui.service.jobs import listing as jobs
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs import detach, runner
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens import clients, picker


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause while typing, and one time zone."""
    monkeypatch.setattr(picker, "PAUSE", 0.0)
    monkeypatch.setattr(clients, "REST", 0.0)
    time.tzset()
    # ``settle`` waits for what matters; the pilot's own wait watches the processor's clock.
    for place in ("textual.app.wait_for_idle", "textual.pilot.wait_for_idle"):
        monkeypatch.setattr(place, _no_wait)


async def _no_wait(*_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A connected practice whose mirror is still empty."""
    return World(tmp_path)


@pytest.fixture
def console() -> Iterator[Callable[..., Console]]:
    """Opens consoles over a world."""
    opened: list[Console] = []

    def make(world: World, **about: Any) -> Console:
        opened.append(world.console(**about))
        return opened[-1]

    yield make
    for app in opened:
        app.desk.close()


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs happen in this process: the same runner, without a process of its own."""

    def start(practice: OpenPractice, *, plan_id: str = "", extra: Any = (), verb: Any = ()) -> Any:
        return (
            plan_id,
            [word for word in extra if not word.startswith("--")],
            "--anyway" in extra,
            tuple(verb),
        )

    async def wait(practice: OpenPractice, begun: Any, seconds: float = 30.0) -> Any:
        plan_id, ids, anyway, verb = begun
        if verb == ("runs", "release"):
            return await runner.release(practice, *ids)
        if verb == ("runs", "resume"):
            return await runner.resume(practice)
        if not ids:
            return await runner.run(practice, plan_id=plan_id)
        chosen = [jobs.find_job(practice, id_) for id_ in ids]
        return await deploying.deploy_jobs(practice, chosen, reviewed=True, anyway=anyway)

    monkeypatch.setattr(detach, "detach", start)
    monkeypatch.setattr(detach, "wait_for_run", wait)
