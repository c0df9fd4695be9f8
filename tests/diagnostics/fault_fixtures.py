"""One practice over the sandbox in process, for verbs, a console and the doctor, in which faults are made."""

from __future__ import annotations

import asyncio
import json
import shlex
import zipfile
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.application.fixtures import PracticeFixture
from tests.diagnostics.fixtures import FaultyMachine
from tests.support.command import Done, Inline
from tests.support.inprocess import addresses, consent
from tests.support.moved_clock import MovedClock
from tests.support.opened import open_otherwise
from xpm_tui.application.connection import WAIT_SECONDS
from xpm_tui.application.health import probe_facts
from xpm_tui.application.health.probe_facts import Machine
from xpm_tui.application.practice import OpenPractice
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.tui.app import Console
from xpm_tui.tui.worker_thread import WorkerThread

T = TypeVar("T")
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


class Waiting(MovedClock):
    """A clock by which nobody gives up waiting for a browser."""

    async def sleep(self, seconds: float) -> None:
        if seconds >= WAIT_SECONDS:
            await asyncio.Event().wait()
        await super().sleep(seconds)


class FaultFixture(PracticeFixture):
    """A world whose verbs reach the sandbox without a network, too. ``machine`` is what the doctor sees."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.folder = folder
        self.patch = monkeypatch
        self.machine: Machine = FaultyMachine()
        self.answer: dict[str, Any] = {}
        self.disk_is_full = False
        self._at_end: list[Callable[[], None]] = []
        environ = {f"XPM_TUI_{k.upper().replace('.', '_')}": v for k, v in addresses(self.sandbox).items()}
        environ |= {"XPM_TUI_XERO_SCOPES": "both", "XPM_TUI_USER": "mere"}
        self.command = Inline(folder / "home", environ)
        self._address = ""
        let_in = probe_facts.open_target

        def reaching(opened: Callable[..., OpenPractice], *args: Any, **more: Any) -> OpenPractice:
            return opened(*args, **{**more, "clock": self.clock, "transport": self.net})

        def admitted(*args: Any, **more: Any) -> Any:
            return let_in(*args, **{**more, "clock": self.clock, "transport": self.net})

        open_otherwise(monkeypatch, reaching)
        monkeypatch.setattr(probe_facts, "open_target", admitted)
        monkeypatch.setattr("xpm_tui.application.health.doctor.Machine", lambda: self.machine)
        monkeypatch.setattr(TerminalDialogue, "emit", partial(_emit, self))
        monkeypatch.setattr(TerminalDialogue, "line", partial(_line, self))

    def at_end(self, do: Callable[[], None]) -> None:
        """Done when the test is over."""
        self._at_end.append(do)

    def close(self) -> None:
        """Undo what was done, and let go of the files."""
        for do in self._at_end:
            do()
        super().close()

    def shown(self, address: str) -> None:
        """The authorise address that someone is to open."""
        self._address = address

    def redirect(self, address: str = "") -> str:
        """What the browser ends on, by ``answer``: a consent, or the words of an error."""
        answer = dict(self.answer)
        given = answer.pop("address", "")
        if given:
            return f"http://localhost:8765/callback?{given}"
        return consent(self.sandbox, address or self._address, **answer)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something that waits; verbs have a loop of their own and come between."""
        return asyncio.run(work)

    def verb(self, words: str, code: int | None = None) -> Done:
        """Run a verb."""
        return self.command(*shlex.split(words), code=code)

    def bundle(self, words: str = "--from versions") -> tuple[dict[str, Any], dict[str, str]]:
        """The doctor with a bundle: what it says, and the bundle's parts."""
        target = self.folder / "support.zip"
        done = self.verb(f"doctor --json {words} --bundle {target}")
        with zipfile.ZipFile(target) as archive:
            return done.json, {name: archive.read(name).decode() for name in archive.namelist()}

    def waits(self) -> None:
        """From now on the browser is waited for without end."""
        self.clock = Waiting(self.clock.now())

    def console(self) -> tuple[Console, WorkerThread]:
        """A console over it; close the desk at the end."""
        worker = WorkerThread(self.open)
        worker.open()
        return Console(worker, environ=TERMINAL, welcome=False), worker


def _emit(env: FaultFixture, item: Any, line: str = "") -> None:
    if "authorize" in item:
        env.shown(str(item["authorize"]))
    else:
        print(json.dumps(dict(item), default=str))


async def _line(env: FaultFixture, prompt: str) -> str:
    return env.redirect()
