"""The practices of this account side by side: the name of each, its connection, what it waits for."""

from __future__ import annotations

from datetime import datetime

import msgspec

from xpm_tui.application import home as homes
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs import history as runs
from xpm_tui.domain.errors import AppError


class PracticeView(msgspec.Struct, frozen=True, kw_only=True):
    """One practice of this installation.

    Attributes:
        name: The name of its folder.
        title: Its name at Xero; empty before it was connected.
        open: Whether it is the open one.
        current: Whether it is opened where none is named.
        problem: Why nothing more can be said about it.
    """

    name: str
    title: str = ""
    open: bool = False
    current: bool = False
    connected: bool = False
    sandbox: bool = False
    last_good: datetime | None = None
    running: str = ""
    held: int = 0
    problem: str = ""


def practices(practice: OpenPractice) -> list[PracticeView]:
    """All of them, by folder name; the others are opened for a moment, to read only."""
    home = practice.home
    current = homes.current(home)
    return [
        _told(practice, current) if name == practice.name else _looked_at(practice, name, current)
        for name in homes.practices(home) or [practice.name]
    ]


def _looked_at(here: OpenPractice, name: str, current: str) -> PracticeView:
    try:
        with open_practice(
            here.home, name, person=here.person, read_only=True, environ=here.environ, clock=here.clock,
            lenient=True,
        ) as other:  # fmt: skip
            return msgspec.structs.replace(_told(other, current), open=False)
    except AppError as trouble:
        return PracticeView(name=name, current=name == current, problem=trouble.message)


def _told(practice: OpenPractice, current: str) -> PracticeView:
    identity = practice.identity()
    snapshot = practice.snapshot()
    good = runs.last_good(runs.list_runs(practice))
    running = runs.current(practice)
    return PracticeView(
        name=practice.name,
        title=identity.title if identity else "",
        open=True,
        current=practice.name == current,
        connected=identity is not None,
        sandbox=practice.sandbox,
        last_good=good.ended if good else None,
        running=running.id if running else "",
        held=len(runs.held(snapshot)),
    )
