"""Consoles for tests, which are closed at the end and show fixed times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor

from tests.support import pseudo_terminal
from tests.support.pseudo_terminal import Terminal
from tests.tui.fixtures import ConsoleFixture
from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans
from xpm_tui.application.runs import runner as background
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.domain.ignition import Service, TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import SERVICES, TEAM
from xpm_tui.domain.xpm import Staff, Template
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs import dialog
from xpm_tui.tui.screens import clients, picker, review
from xpm_tui.tui.theme import CachedStylesheet


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no pause while typing, and a fixed time zone."""
    monkeypatch.setattr(picker, "TYPING_SECONDS", 0.0)
    monkeypatch.setattr(clients, "CURSOR_SECONDS", 0.0)
    monkeypatch.setattr(review, "CURSOR_SECONDS", 0.0)
    monkeypatch.setattr(dialog, "KEY_GUARD_SECONDS", 0.0)
    time.tzset()
    # ``settle`` waits for what matters; the pilot's own wait watches the processor's clock.
    for place in ("textual.app.wait_for_idle", "textual.pilot.wait_for_idle"):
        monkeypatch.setattr(place, _no_wait)
    monkeypatch.setattr(Compositor, "render_update", _full_only)
    monkeypatch.setattr(CachedStylesheet, "_parse_rules", _parse_rules)
    monkeypatch.setattr(CachedStylesheet, "parse", _parse)


async def _no_wait(*_: float) -> None:
    await asyncio.sleep(0)


_stock_parse_rules, _stock_parse = CachedStylesheet._parse_rules, CachedStylesheet.parse
_RULES: dict[object, Any] = {}
_MATCHED: dict[object, Any] = {}


def _colours(sheet: CachedStylesheet) -> frozenset[tuple[str, str]]:
    return frozenset(sheet._variables.items())


def _parse_rules(self: CachedStylesheet, css: str, read_from: Any, *more: Any, **about: Any) -> Any:
    """Parse each stylesheet once per process: it is the same for every console."""
    key = (_colours(self), css, read_from, more, tuple(about.items()))
    if key not in _RULES:
        _RULES[key] = _stock_parse_rules(self, css, read_from, *more, **about)
    return _RULES[key]


def _parse(self: CachedStylesheet) -> None:
    """Share the rules matched for a path between consoles with the same stylesheets."""
    _stock_parse(self)
    self._matched = _MATCHED.setdefault((_colours(self), tuple(self.source)), self._matched)


_render_update = Compositor.render_update


def _full_only(self: Compositor, full: bool = False, **about: Any) -> Any:
    """Skip partial frames, which nothing reads: pictures and ``settle`` draw the whole screen."""
    return _render_update(self, full=True, **about) if full else None


@pytest.fixture
def env(tmp_path: Path) -> ConsoleFixture:
    """A connected practice whose mirror is still empty."""
    return ConsoleFixture(tmp_path)


@pytest.fixture
def console() -> Iterator[Callable[..., Console]]:
    """Opens consoles over the practice of a fixture."""
    opened: list[Console] = []

    def make(env: ConsoleFixture, **about: Any) -> Console:
        opened.append(env.console(**about))
        return opened[-1]

    yield make
    for app in opened:
        app.worker.close()


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Execute runs in this process, with the same runner."""

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
            return await background.release(practice, *ids)
        if verb == ("runs", "resume"):
            return await background.resume(practice)
        if not ids:
            return await background.run(practice, plan_id=plan_id)
        chosen = [jobs.find_job(practice, id_) for id_ in ids]
        return await deployment.deploy_jobs(practice, chosen, reviewed=True, anyway=anyway)

    monkeypatch.setattr(background, "start_background_run", start)
    monkeypatch.setattr(background, "wait_for_run", wait)


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A connected practice with a filled mirror and one completed run, in which most clients are linked."""
    env = ConsoleFixture(tmp_path)
    env.xpm.people += [Staff(uuid=f"staff-{n}", name=f"Person {n}") for n in range(2, 9)]
    env.xpm.job_templates += [Template(uuid=f"template-{n}", name=f"Work {n}") for n in range(2, 9)]
    with env.open() as practice:
        practice.store.commit([Put(SERVICES, Service(id=f"s{n}", name=f"Service {n}")) for n in range(8)])
        practice.store.commit([Put(TEAM, TeamMember(id=f"t{n}", name=f"Person {n}")) for n in range(8)])
        await refresh(practice, full=True)
        plan = await plans.make(practice)
        await background.run(practice, plan_id=plan.id)
    return tmp_path / "home"


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    """A console over this practice in a pseudo-terminal."""
    made = pseudo_terminal.console(home)
    yield made
    made.close()
