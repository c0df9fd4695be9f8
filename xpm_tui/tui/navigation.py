"""Navigation across several screens: plan to review to run, link and undo, go to a client, connect.

Type-ahead and key chords: each key acts where the previous one has led.

Over a slow line many keys arrive together. Textual passes them all to the present focus: letters for a field
that is about to open would be taken for commands of the screen below it. Chords are ``g`` and the letter
after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from textual import events
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, get_current_worker

from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AREAS, AppProtocol
from xpm_tui.tui.screens.area import AreaScreen

with lazy_imports():
    from xpm_tui.application.runs import history, open_intents
    from xpm_tui.commands import registry
    from xpm_tui.domain import fields
    from xpm_tui.tui.dialogs import dialog, talk
    from xpm_tui.tui.screens import clients, jobs, plan_review, sync
    from xpm_tui.tui.widgets import run_card
    from xpm_tui.tui.wizard import screen as wizard_screen

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, PickView, XpmClientView
    from xpm_tui.domain.runs import Run


_OUTCOMES = {
    "added": "added",
    "linked": "linked to an existing client",
    "already": "already there",
    "left": "left",
}


class Navigation(AppProtocol):
    """The part of the console that spans several screens. Mixed into the app."""

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, plan, and show the plan; nothing is written to either side."""
        self.work(lambda: self._plan(only), "plan", exclusive=True)

    async def _plan(self, only: str) -> None:

        box = talk.ProgressDialog("Planning", "Reading XPM and comparing it with Ignition …")
        box.watch_over(get_current_worker())
        await self.push_screen(box)
        result = await talk.done(self.run_named("plan", {"client": only}), box)
        await self.refresh_status()
        self.show_plan(result.value.id)

    def show_plan(self, plan_id: str) -> None:
        """Review a plan; when it is applied, show its run."""

        def reviewed(run: str | None) -> None:
            if run:
                self.show_run(run)

        self.push_screen(plan_review.PlanReview(plan_id), reviewed)

    def release(self, run_id: str = "") -> None:
        """Continue a held run, by default the newest, after showing what that does."""
        self.work(lambda: self._release(run_id), "release", exclusive=True)

    async def _release(self, run_id: str) -> None:

        def read(practice: OpenPractice) -> tuple[Run | None, bool]:

            run = history.show(practice, run_id) if run_id else history.newest(practice.snapshot())
            return run, bool(open_intents.waiting(practice))

        run, waiting = await self.worker.ask(read)
        name = run_card.HELD.get(run.outcome, "") if run is not None else ""
        if not name and not waiting:
            self.toast("No run is waiting: the last run finished.", "warning")
            return
        # Writes without an answer are decided first: one question after the other.
        name = "runs.release" if waiting else name
        preset = {"run": run_id} if name == "runs.release" else {}
        result, new = await self.start_command(name, preset, title=f"Run {run.id}" if run is not None else "")
        if not new:
            if not result.declined:
                self.show_result(registry.by_name(name), result, [])
            return
        if isinstance(self.screen, sync.RunScreen):
            self.pop_screen()
        self.show_run(new)

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Undo a run, or the last one that wrote to a client, as a plan to review first."""
        self.work(lambda: self._undo(run, client, field), "undo", exclusive=True)

    async def _undo(self, run: str, client: str, field: str) -> None:
        name, preset = "clients.undo", {"client": client}
        if run:
            name, preset = "undo", {"run": run, "client": client, "field": field}
        result = await self.run_named(name, {**preset, "review": True})
        changes, left = list(result.items or ()), result.data["left"]
        freezes = result.data["consequences"].get("freezes")
        if left and (changes or not freezes):
            title = f"{formatting.count(len(left), 'change')} cannot be undone"
            told = (f"{view['record']} {fields.label(view['field'])}: {view['reason']}" for view in left)
            await self.push_screen_wait(dialog.MessageDialog(title, "\n".join(told), wide=True))
        if changes:
            self.show_plan(result.data["plan"])
        elif freezes:
            # Nothing can be restored, but the fields can still be frozen.
            result = await self.run_named(name, {**preset})
            self.show_result(registry.by_name(name), result, [])
        elif not left:
            self.toast("There is nothing left to undo in that run.")

    def show_run(self, run_id: str) -> None:
        """Show a run with its log."""
        self.push_screen(sync.RunScreen(run_id))

    def show_client(self, client: str) -> None:
        """Go to a client in the store, or to the jobs of a workflow, from any screen."""
        if client.startswith("w"):
            self.show_jobs(client)
            return

        self.go("clients")
        screen = self.screen_stack[0]
        if isinstance(screen, clients.Clients):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(client)

    def show_jobs(self, workflow: str) -> None:
        """Go to the jobs of a workflow."""
        self.go("jobs")
        screen = self.screen_stack[0]
        if isinstance(screen, jobs.Jobs):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(workflow)

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Show what was linked, and how to undo it."""
        area = self.screen_stack[0]
        text = area.mapped(client.id) if isinstance(area, clients.Clients) else ""
        number = view.number or view.uuid
        self.toast(f"{client.name} is linked to {number} {view.name}.\n{text}".strip())
        self.beat()

    def picked(self, done_: Sequence[PickView]) -> None:
        """Show the result of bringing in clients; skipped ones are listed with their reason."""
        counts = {name: sum(view.outcome == name for view in done_) for name in _OUTCOMES}
        text = ", ".join(f"{number:,} {_OUTCOMES[name]}" for name, number in counts.items() if number)
        left = [view for view in done_ if view.outcome == "left"]
        if not left:
            self.toast(text or "XPM has no client to bring in.")
        else:
            lines = "\n".join(
                f"#{visible(v.number or '–')}  {visible(v.name)}: {visible(v.reason)}" for v in left
            )
            title = f"{formatting.count(len(left), 'client')} left for your decision"
            self.push_screen(dialog.MessageDialog(title, f"{text}.\n\n{lines}", wide=True))
        self.beat()

    def connect(self) -> None:
        """Open the wizard; at its end, show its plan."""

        def ended(plan: str | None) -> None:
            self.beat()
            if plan:
                self.show_plan(plan)

        self.push_screen(wizard_screen.Wizard(), ended)


KEY = "g"


class KeyChord:
    """Handles keys before any widget, so that a fast typist's second key is not lost."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waits = False

    def takes(self, key: str) -> bool:
        """Return whether the key starts or ends the chord, so that no widget gets it."""
        screen = self._app.screen
        if self._waits:
            self._waits = False
            if isinstance(screen, AreaScreen):
                screen.show_letters(False)
            letter = next((area.name for area in AREAS if area.letter == key), None)
            if letter is not None:
                self._app.go(letter)
            return True
        if key != KEY or not isinstance(screen, AreaScreen) or isinstance(self._app.focused, Input):
            return False
        self._waits = True
        screen.show_letters(True)
        return True


READING = frozenset(
    "authorise beat clipboard consent detail doctor effect follow load place search signed-in watch"
    .split()
)  # fmt: skip
"""Groups of work that lead to no other screen: they fill in what is shown, or run for long."""

STILL = 3
"""Turns of the event loop without a message after which a key has been handled."""

TURNS = 60
"""The most turns of the event loop to wait."""

MOMENT = 0.005
"""Seconds between two checks of work, or of a screen that is opening."""

PATIENCE = 1.0
"""Seconds in which work started by a key may open another screen; after that, keys act here."""


class TypeAhead:
    """Holds keys and pastes until the previous one was handled; other events pass."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._settling: asyncio.Task[None] | None = None
        self._leading: list[tuple[Worker[object], Screen[object]]] = []

    @property
    def idle(self) -> bool:
        """Return whether nothing waits, and the last key was handled."""
        return self._settling is None and self._next is None and not self._waiting

    def holds(self, event: events.Event) -> bool:
        """Return whether this event has to wait; it is sent again automatically."""
        if event is self._next:
            self._next = None
            return False
        if self.idle:
            return False
        self._waiting.append(event)
        return True

    def handed_on(self) -> None:
        """Record that a key is being handled, so that later ones wait."""
        self._leading.clear()
        self._settling = asyncio.create_task(self._settle())

    def began(self, worker: Worker[object], group: str) -> None:
        """Record work that a key may have started. It counts until another screen opens."""
        if group not in READING and not self.idle:
            self._leading.append((worker, self._app.screen))

    async def _settle(self) -> None:
        try:
            until = monotonic() + PATIENCE
            await self._taken_in()
            while self._leads() and monotonic() < until:
                await asyncio.sleep(MOMENT)
                await self._taken_in()
        finally:
            self._settling = None
            if self._waiting:
                self._next = self._waiting.popleft()
                self._app.post_message(self._next)

    def _leads(self) -> bool:
        """Return whether the key may still open something: a screen, or unfinished work."""
        here = self._app.screen
        return not here.is_mounted or any(
            screen is here and not worker.is_finished for worker, screen in self._leading
        )

    async def _taken_in(self) -> None:
        """Wait until no message is pending from the focused widget up to the app."""
        still = 0
        for _ in range(TURNS):
            await asyncio.sleep(0)
            node = self._app.focused or self._app.screen
            busy = any(each.message_queue_size for each in node.ancestors_with_self)
            still = 0 if busy else still + 1
            if still == STILL:
                return
