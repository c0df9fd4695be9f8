"""The condition of a practice: whether what it shows can be relied on. It reads only the store.

From the worst: the store is *damaged*; its database is *unreachable*; an import of a file did not finish;
writes to XPM have an unknown outcome; Xero wants a new login; or the practice is *sound*, as is one that was
never connected. Command line and console show it wherever they show what the store holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import msgspec

from xpm_tui.application.practice import OpenPractice, PracticeIdentity, list_state
from xpm_tui.application.runs.history import in_progress, is_sync, list_runs
from xpm_tui.application.runs.open_intents import open_writes
from xpm_tui.domain.errors import CaseId, StoreUnreachable, StoreUnreadable
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import IMPORTS
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.xero.auth import token_store

State = Literal["damaged", "unreachable", "unfinished_import", "open_intents", "login_needed", "sound"]

LOGIN_REFUSED = "Xero no longer accepts the login."
_LOGIN_REMEDY = "Sign in again: xpm-tui connect."
_ACCESS_REMEDY = "Check the permission in XPM, and connect again: xpm-tui connect."
_APP_REMEDY = "Check the app's developer tier and approval at developer.xero.com."
_EXIT_LOGIN = 3


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A state of the practice and a sentence on it, empty for a sound one."""

    state: State
    message: str = ""


SOUND = Condition(state="sound")


def conditions(practice: OpenPractice) -> tuple[Condition, ...]:
    """Return every condition that applies, the worst first; ``(SOUND,)`` if there is no problem."""
    if practice.recording is not None:
        return tuple(
            Condition(state=cast("State", state), message=message)
            for state, message in practice.recording.conditions
        )
    snapshot = practice.snapshot()  # this may find damage that occurred while the store was open
    found: list[Condition] = []
    damage = practice.store.damage
    if damage is not None:
        found.append(damaged(damage))
    try:
        found += _of_rows(practice, snapshot)
    except StoreUnreadable as unreadable:
        found = [damaged(unreadable), *(each for each in found if each.state != "damaged")]
    return tuple(found) or (SOUND,)


def damaged(error: StoreUnreadable) -> Condition:
    """Return the condition for an error of the store: damaged, or its database cannot be reached."""
    if isinstance(error, StoreUnreachable):
        return Condition(state="unreachable", message=error.message)
    return Condition(state="damaged", message=f"The data is damaged: {error.message}")


def refuse_damaged(practice: OpenPractice) -> None:
    """Raise ``StoreUnreadable`` if the store is damaged; exports call this before they write."""
    practice.snapshot()
    if practice.store.damage is not None:
        raise practice.store.damage


class LoginProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why Xero does not accept the practice's calls, and ``remedy``: a new login, or something else."""

    message: str
    remedy: str


def login_problem(
    practice: OpenPractice, identity: PracticeIdentity, runs: Sequence[Run]
) -> LoginProblem | None:
    """Return why Xero does not accept the practice's calls, or None; ``runs`` has the newest first."""
    ended = next((r for r in runs if r.outcome not in ("running", "skipped") and is_sync(r)), None)
    if ended is not None and ended.outcome == "failed" and ended.exit_code == _EXIT_LOGIN:
        since = identity.since
        if since is None or (ended.ended or ended.started) >= since:
            of_app = ended.case == CaseId.API_NOT_OPEN  # a new login would not help
            return LoginProblem(
                message=ended.error or LOGIN_REFUSED, remedy=_APP_REMEDY if of_app else _LOGIN_REMEDY
            )
    if token_store.is_refused(practice.state, practice.shared):
        return LoginProblem(message=LOGIN_REFUSED, remedy=_LOGIN_REMEDY)
    denied = list_state(practice.snapshot(), "clients").note
    return LoginProblem(message=denied, remedy=_ACCESS_REMEDY) if denied else None


def unfinished_imports(snapshot: Snapshot) -> list[Import]:
    """Return the imports that began and did not end, one for each form, unless a later import ended."""
    if not any(snapshot.find(IMPORTS, "state", state) for state in ("begun", "undoing")):
        return []
    newest: dict[str, Import] = {}
    for each in snapshot.rows(IMPORTS):
        last = newest.get(each.form)
        if last is None or (len(last.id), last.id) < (len(each.id), each.id):
            newest[each.form] = each
    return [each for each in newest.values() if each.state in ("begun", "undoing")]


def _of_rows(practice: OpenPractice, snapshot: Snapshot) -> list[Condition]:
    found: list[Condition] = []
    unfinished = unfinished_imports(snapshot)
    if unfinished and practice.lock_holder() is None:
        last = max(unfinished, key=lambda each: (len(each.id), each.id))
        what = "import" if last.state == "begun" else "undo of the import"
        found.append(
            Condition(
                state="unfinished_import",
                message=f"The {what} of {last.file} ({last.id}) was interrupted. Import the file again, or "
                "undo it with: xpm-tui import undo",
            )
        )
    runs = list_runs(practice)
    going = {run.id for run in in_progress(practice)}
    unknown = open_writes(snapshot, going=going)
    if unknown:
        number = len(unknown)
        writes = "1 write to XPM has" if number == 1 else f"{number:,} writes to XPM have"
        message = f"{writes} an unknown outcome: {unknown[0].message}. Decide: {unknown[0].decision}"
        if number > 1:
            message = f"{writes} an unknown outcome. See what to decide: xpm-tui status"
        found.append(Condition(state="open_intents", message=message))
    identity = practice.identity()
    if identity is not None:
        problem = login_problem(practice, identity, runs)
        if problem:
            found.append(Condition(state="login_needed", message=f"{problem.message} {problem.remedy}"))
    return found
