"""What the doctor looks at: a practice, also one whose book or settings cannot be opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xpm_tui.application.home import Home
from xpm_tui.application.home import person as person_here
from xpm_tui.application.practice import OpenPractice, find_practice, open_practice
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.ports import Clock
from xpm_tui.files.clock import SystemClock
from xpm_tui.log.writer import EventLog
from xpm_tui.settings.store import Settings


@dataclass
class DoctorTarget:
    """The ground that probes stand on. ``practice`` is None where it cannot be opened: ``why`` tells."""

    home: Home
    name: str
    settings: Settings
    config: Path
    data: Path
    state: Path
    clock: Clock
    person: str
    environ: Mapping[str, str]
    transport: Any
    events: EventLog
    practice: OpenPractice | None = None
    why: AppError | None = None

    def notice(self, trouble: AppError) -> None:
        """Leave it: the doctor finds it with a probe."""


@contextmanager
def open_target(
    home: Home,
    name: str = "",
    *,
    person: str = "",
    overrides: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    transport: Any = None,
) -> Iterator[DoctorTarget]:
    """Open what can be opened, reading only, and close it after the block. Raises ``NotFound``, ``BadInput``.

    Settings that cannot be used are passed over here, so that the doctor can tell of them.
    """
    environ = os.environ if environ is None else environ
    clock = clock or SystemClock()
    person = person or person_here(None, environ)
    chosen = find_practice(home, name or None)
    config, data, state = home.practice(chosen)
    settings = Settings.load(
        home.settings_file, config / "settings.toml", environ, overrides or {}, lenient=True
    )
    practice, why = None, None
    if (data / "book").exists():
        try:
            practice = open_practice(
                home, chosen, person=person, read_only=True, overrides=overrides, environ=environ,
                clock=clock, transport=transport, lenient=True,
            )  # fmt: skip
        except AppError as trouble:
            why = trouble
    events = practice.events if practice else EventLog(state / "log", clock, person)
    try:
        yield DoctorTarget(
            home,
            chosen,
            settings,
            config,
            data,
            state,
            clock,
            person,
            environ,
            transport,
            events,
            practice,
            why,
        )
    finally:
        events.close()
        if practice is not None:
            practice.close()


def of_practice(practice: OpenPractice) -> DoctorTarget:
    """An open practice as a patient, for the console."""
    return DoctorTarget(
        practice.home, practice.name, practice.settings, practice.config, practice.data, practice.state,
        practice.clock, practice.person, practice.environ, practice.transport, practice.events, practice,
    )  # fmt: skip
