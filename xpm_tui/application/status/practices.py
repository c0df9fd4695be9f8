"""The practices of this account: name, connection, and what needs attention in each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from xpm_tui.application import home as homes
from xpm_tui.application.condition import conditions
from xpm_tui.application.home import STORE_FOLDER, Home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.practice_identity import read_identity
from xpm_tui.application.runs import history
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Clock


class PracticeView(msgspec.Struct, frozen=True, kw_only=True):
    """One practice of this installation.

    Attributes:
        name: The name of its folder.
        title: Its name at Xero; empty before it was connected.
        open: Whether it is the open one.
        current: Whether it is opened where none is named.
        login: Who signed in at Xero.
        held_runs: The runs that wait for a decision.
        problem: Why nothing more can be said about it, or that its store is damaged.
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
    held_runs: tuple[str, ...] = ()
    login: str = ""
    problem: str = ""


def account_practices(
    home: Home, *, person: str = "", environ: Mapping[str, str] | None = None, clock: Clock | None = None
) -> list[PracticeView]:
    """Return all practices of the account by folder name; each is opened briefly, for reading only."""
    current = homes.current(home)
    return [_looked_at(home, name, current, person, environ, clock) for name in homes.practices(home)]


def practices(practice: OpenPractice) -> list[PracticeView]:
    """Return all practices by folder name; the others are opened briefly, for reading only."""
    home = practice.home
    current = homes.current(home)
    return [
        _told(practice, current)
        if name == practice.name
        else _looked_at(home, name, current, practice.person, practice.environ, practice.clock)
        for name in homes.practices(home) or [practice.name]
    ]


def _looked_at(
    home: Home,
    name: str,
    current: str,
    person: str,
    environ: Mapping[str, str] | None,
    clock: Clock | None,
) -> PracticeView:
    if not (home.practice(name)[1] / STORE_FOLDER).exists():
        return PracticeView(name=name, current=name == current)  # added, and not opened yet
    try:
        with open_practice(
            home, name, person=person, read_only=True, environ=environ, clock=clock, lenient=True
        ) as other:
            return msgspec.structs.replace(_told(other, current), open=False)
    except AppError as trouble:
        return PracticeView(name=name, current=name == current, problem=trouble.message)


def _told(practice: OpenPractice, current: str) -> PracticeView:
    identity = practice.identity()
    snapshot = practice.snapshot()
    good = history.last_good(history.list_runs(practice))
    running = history.current_run(practice)
    held = tuple(run.id for run in history.list_held_runs(snapshot))
    known = read_identity(snapshot)
    return PracticeView(
        name=practice.name,
        title=identity.title if identity else "",
        open=True,
        current=practice.name == current,
        connected=identity is not None,
        sandbox=practice.sandbox,
        last_good=good.ended if good else None,
        running=running.id if running else "",
        held=len(held),
        held_runs=held,
        login=known.login if known else "",
        problem=next((each.message for each in conditions(practice) if each.state == "damaged"), ""),
    )
