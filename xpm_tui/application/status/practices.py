"""The practices of this account: name, connection, and what needs attention in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.application import home as homes
from xpm_tui.application.condition import conditions
from xpm_tui.application.home import STORE_FOLDER, Home
from xpm_tui.application.practice import OpenPractice, SignIn, open_practice, practice_settings, read
from xpm_tui.application.status.summary import StatusSummary, summarize
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.runs import UNKNOWN
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import concurrent.futures

    from xpm_tui.store import postgres_connection

if TYPE_CHECKING:
    from xpm_tui.store.postgres_connection import Sessions


class PracticeView(msgspec.Struct, frozen=True, kw_only=True):
    """One practice of this installation.

    Attributes:
        name: The name of its folder.
        title: Its name at Xero; empty before it was connected.
        open: Whether this process has it open.
        current: Whether it is used if the user names none.
        login: Who signed in at Xero.
        held_runs: The runs that wait for a decision.
        machine: The machine of its run in progress; ``runner`` is who started that run.
        minute_left: The calls to Xero that are left in this minute; ``day_left``: today; None if unknown.
        mirror_at: When the XPM data was last read.
        needs: What waits for a decision, in sentences; ``waits_for`` is whose decision it is.
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
    machine: str = ""
    runner: str = ""
    minute_left: int | None = None
    day_left: int | None = None
    mirror_at: datetime | None = None
    needs: tuple[str, ...] = ()
    waits_for: str = ""
    problem: str = ""

    @property
    def needs_you(self) -> bool:
        """Return whether something in it needs attention."""
        return bool(self.needs or self.problem)


def account_practices(
    home: Home, *, person: str = "", environ: Mapping[str, str] | None = None
) -> list[PracticeView]:
    """Return all practices of the account by folder name; each is opened briefly, for reading only."""
    current = homes.current(home)

    def look(name: str, sessions: Sessions) -> PracticeView:
        return _looked_at(home, name, current, person, environ, None, sessions)

    return _each(homes.practices(home), look)


def practices(practice: OpenPractice) -> list[PracticeView]:
    """Return all practices by folder name; the others are opened briefly, for reading only."""
    home = practice.home
    current = homes.current(home)
    own = _practice_view(practice, current)

    def look(name: str, sessions: Sessions) -> PracticeView:
        if name == practice.name:
            return own
        return _looked_at(home, name, current, practice.person, practice.environ, practice.clock, sessions)

    return _each(homes.practices(home) or [practice.name], look)


THREADS, EACH = 8, 5
"""The most threads that look at practices, and the fewest practices for each of them."""


def _each(names: Sequence[str], look: Callable[[str, Sessions], PracticeView]) -> list[PracticeView]:
    """Look at practices in several threads, each with a session of its own for each database.

    Most of the time is spent waiting for a database, which may be far away.
    """
    threads = max(1, min(THREADS, len(names) // EACH))

    def some(first: int) -> list[PracticeView]:
        sessions: Sessions = {}
        try:
            return [look(name, sessions) for name in names[first::threads]]
        finally:
            if sessions:
                postgres_connection.close_sessions(sessions)

    if threads == 1:
        return some(0)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(some, range(threads)))
    return [parts[at % threads][at // threads] for at in range(len(names))]


def _looked_at(
    home: Home,
    name: str,
    current: str,
    person: str,
    environ: Mapping[str, str] | None,
    clock: Clock | None,
    sessions: Sessions,
) -> PracticeView:
    is_stored_here = (home.practice(name)[1] / STORE_FOLDER).exists()
    # Other machines may have put its data into a database.
    if not is_stored_here and not practice_settings(home, name, environ=environ).secret("store.url"):
        return PracticeView(name=name, current=name == current)  # added, and not opened yet
    try:
        with open_practice(
            home, name, person=person, read_only=True, environ=environ, clock=clock, lenient=True,
            sessions=sessions,
        ) as other:  # fmt: skip
            return msgspec.structs.replace(_practice_view(other, current), open=False)
    except AppError as error:
        return PracticeView(name=name, current=name == current, problem=error.message)


def _practice_view(practice: OpenPractice, current: str) -> PracticeView:
    status = summarize(practice)
    owner = practice.lock_holder() if status.running else None
    needs = [each.sentence for each in status.problems if each.exit_code or each.code == UNKNOWN]
    if status.needs_person:
        needs.append(f"{count(status.needs_person, 'client needs/clients need')} a decision about the link.")
    return PracticeView(
        name=practice.name,
        title=status.title if status.connected else "",
        open=True,
        current=practice.name == current,
        connected=status.connected,
        sandbox=status.sandbox,
        last_good=status.last_good,
        running=status.running,
        held=len(status.held),
        held_runs=status.held,
        login=status.login,
        machine=owner.host if owner else "",
        runner=owner.person if owner else "",
        minute_left=status.minute_left,
        day_left=status.day_left,
        mirror_at=status.mirror_at,
        needs=tuple(needs),
        waits_for=_decides(practice, status) if needs else "",
        problem=next((each.message for each in conditions(practice) if each.state == "damaged"), ""),
    )


def _decides(practice: OpenPractice, status: StatusSummary) -> str:
    """Return who decides: about a new login who signed in at Xero, otherwise who last used the practice."""
    if status.login_needed and status.login:
        return status.login
    last = read(practice.snapshot(), "sign-in", SignIn)
    return last.by if last is not None and last.by else status.by
