"""Acts that have screens of their own, from wherever they are called: by key, by palette, by a letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.screen import Screen

    from xpm_tui.tui.app import Console


JOBS = frozenset({"jobs.deploy", "jobs.retry", "jobs.redeploy", "jobs.edit", "jobs.skip"})
"""Acts about a job, for which one has to be chosen in its area: they start there."""


def way(app: Console, act: str, record: str = "") -> Callable[[], object] | None:
    """What opens the act's screen; None where its form does. Importing a screen waits until it is opened."""
    ways: dict[str, Callable[[], object]] = {
        "plan": app.plan_and_show,
        "sync": app.plan_and_show,
        "connect": app.connect,
        "doctor": lambda: app.push_screen(_doctor()),
        "cases.seen": lambda: app.work(lambda: _seen(app), "seen", exclusive=True),
        "conflicts": lambda: app.push_screen(_conflicts()),
        "policy": lambda: app.push_screen(_policy()),
        "clients.review": lambda: app.push_screen(_review()),
        "proposals.list": lambda: app.push_screen(_proposals()),
    }
    if act in JOBS:
        return lambda: _to_jobs(app)
    return ways.get(act)


def _to_jobs(app: Console) -> None:
    app.go("jobs")
    app.toast("Choose the job here first.")


def _doctor() -> Screen[None]:
    from xpm_tui.tui.screens.doctor import DoctorScreen

    return DoctorScreen()


async def _seen(app: Console) -> None:
    from xpm_tui.tui.screens.trouble import what_is_seen

    await what_is_seen(app)


def _conflicts() -> Screen[None]:
    from xpm_tui.tui.screens.conflicts import Conflicts

    return Conflicts()


def _policy() -> Screen[None]:
    from xpm_tui.tui.screens.policy import PolicyScreen

    return PolicyScreen()


def _review() -> Screen[None]:
    from xpm_tui.tui.screens.review import Review

    return Review()


def _proposals() -> Screen[None]:
    from xpm_tui.tui.screens.proposals import Proposals

    return Proposals()
