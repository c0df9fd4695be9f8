"""Facts for the probes, read from the login, the book and the system's timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sized
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.diagnose.examine import LeftOut
from xpm_tui.diagnose.sight import LoginFacts, PersonFacts, TimerFacts
from xpm_tui.model.errors import Trouble
from xpm_tui.model.runs import Intent
from xpm_tui.service.daily.schedule import Scheduler
from xpm_tui.service.health.machine import Machine
from xpm_tui.service.home import practices
from xpm_tui.service.identity import Identity, list_state
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs import history
from xpm_tui.service.runs.due import skipped_day
from xpm_tui.service.runs.plans import latest
from xpm_tui.service.team.connector import connector
from xpm_tui.sync.journal import without_end

if TYPE_CHECKING:
    from xpm_tui.service.health.patient import Patient
    from xpm_tui.xero.vault import Saved
    from xpm_tui.xero.wiring import Wire


class Resolve:
    """Looks one name up when it is called."""

    def __init__(self, machine: Machine, host: str, port: int) -> None:
        self._machine, self._host, self._port = machine, host, port

    async def __call__(self) -> tuple[str, ...]:
        return await self._machine.addresses(self._host, self._port)


def left(kind: Any, why: str) -> LeftOut:
    """A probe of that kind, left out."""
    return LeftOut(kind.name, kind.title, why, kind.needs)


def counting(ask: Callable[[], Awaitable[Sized]]) -> Callable[[], Awaitable[int]]:
    """The number of what ``ask`` gives."""

    async def count() -> int:
        return len(await ask())

    return count


def person_facts(practice: OpenPractice) -> PersonFacts:
    """Who connected, held against the mirror of XPM's staff."""
    snapshot = practice.snapshot()
    identity, seen = practice.identity(), list_state(snapshot, "staff").full
    if identity is None or identity.ended is not None:
        return PersonFacts(unknown="No practice is connected.")
    if not identity.login:
        return PersonFacts(unknown="The login does not tell who connected.")
    found = connector(snapshot)
    if found is None:
        return PersonFacts(unknown="XPM's staff were not read yet: the first plan reads them.")
    return PersonFacts(
        login=found.login, gone=found.state == "gone", records=len(found.staff), read=seen,
        sentence=found.sentence, hint=found.hint,
    )  # fmt: skip


async def nothing() -> int:
    """Nothing asked, nothing found."""
    return 0


def saved_login(patient: Patient, name: str) -> Saved | None:
    """The login of a practice of this account as it lies on the disk; None where there is none to open."""
    from xpm_tui.xero.vault import Vault

    config, _, state = patient.home.practice(name)
    vault = Vault(state, config_folder=config, use_keyring=patient.home.default, environ=patient.environ)
    try:
        return vault.read()
    except Trouble:
        return None


def login_facts(wire: Wire, patient: Patient) -> LoginFacts:
    """The saved login as far as it may be told. Raises ``LoginNeeded`` where it cannot be opened."""
    state, saved = wire.tokens.state(), wire.tokens.saved()
    if saved is None:
        return LoginFacts(state=state, where=wire.tokens.where())
    others: list[Saved] = []
    if state != "good":
        # Only then: each may ask a keyring that is slow to answer.
        found = (saved_login(patient, name) for name in practices(patient.home) if name != patient.name)
        others = [each for each in found if each is not None]
    return LoginFacts(
        state=state,
        where=wire.tokens.where(),
        person=saved.person,
        scopes=saved.scopes,
        expires=saved.expires_at,
        renewed=saved.renewed_at,
        refused=saved.refused_at,
        others=len(others),
        others_refused=sum(each.refused_at is not None for each in others),
    )


def given(wire: Wire, identity: Identity | None) -> Collection[str]:
    """The scopes that Xero gave: as the login tells, else as they were when it was connected."""
    saved = wire.tokens.saved()
    if saved is not None and saved.scopes:
        return saved.scopes
    return identity.scopes.split() if identity is not None else ()


def open_intents(practice: OpenPractice) -> tuple[Intent, ...]:
    """Writes to XPM that were sent or are held, and have no end."""
    return tuple(without_end(practice.snapshot()))


def running(practice: OpenPractice) -> str:
    """Id of the run that goes on; the empty text where none does."""
    run = history.current(practice)
    return run.id if run is not None else ""


def plan(practice: OpenPractice) -> tuple[str, bool, bool] | None:
    """The draft that waits: its id, whether practice and policy are still those that it was made for."""
    found, identity = latest(practice), practice.identity()
    if found is None or found.state != "draft":
        return None
    same = identity is not None and found.tenant == identity.tenant
    return found.id, same, found.policy == practice.policy().hash


async def timer_facts(practice: OpenPractice) -> TimerFacts:
    """The daily run by the system's own word, and the last good sync by the book's."""
    good = history.last_good(history.list_runs(practice))
    last = good.ended if good is not None else None
    skipped = skipped_day(practice.snapshot())
    try:
        timer = await asyncio.to_thread(lambda: Scheduler(practice).show())
        told = TimerFacts(kind=timer.kind, installed=timer.installed, notes=timer.notes)
    except Trouble as none:
        told = TimerFacts(kind="none", installed=False, notes=(none.message,))
    return msgspec.structs.replace(
        told,
        last=last,
        hours=(practice.clock.now() - last).total_seconds() / 3600 if last else None,
        skipped=skipped.started if skipped else None,
    )
