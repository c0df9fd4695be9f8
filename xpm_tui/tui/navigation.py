"""The ways through several screens: plan to review to run, map and undo, jump to a client, connect.

``g`` and the letter after it.

Typing ahead: each key counts where the one before it has led.

Over a slow line many keys arrive at once. Stock Textual hands them all to what has the focus at that moment:
letters meant for a field that is about to open would be taken for acts of the screen below it.
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
    "linked": "linked to a client you had",
    "already": "there already",
    "left": "left",
}


class Navigation(AppProtocol):
    """What the console does over more than one screen. Mixed into the app."""

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
        """Review a plan; when it is applied, its run comes up."""

        def reviewed(run: str | None) -> None:
            if run:
                self.show_run(run)

        self.push_screen(plan_review.PlanReview(plan_id), reviewed)

    def release(self, run_id: str = "") -> None:
        """Let a run that ended before its end go on, the newest if none is named: told first, then asked."""
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
        # What XPM never answered is settled first: one question after the other.
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
        """Take a run, or the last one that wrote to a client, back: as a plan to look at first."""
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
            # Nothing can be restored; what the run wrote can still be kept from the next sync.
            result = await self.run_named(name, {**preset})
            self.show_result(registry.by_name(name), result, [])
        elif not left:
            self.toast("There is nothing left to undo in that run.")

    def show_run(self, run_id: str) -> None:
        """A run with its log."""
        self.push_screen(sync.RunScreen(run_id))

    def show_client(self, client: str) -> None:
        """Jump to a client of the book, or to the jobs of a workflow, wherever one is."""
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
        """Jump to the jobs of a workflow."""
        self.go("jobs")
        screen = self.screen_stack[0]
        if isinstance(screen, jobs.Jobs):
            while len(self.screen_stack) > 1:
                self.pop_screen()
            screen.show_only(workflow)

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Say what was linked, and how to take it back."""
        area = self.screen_stack[0]
        told = area.mapped(client.id) if isinstance(area, clients.Clients) else ""
        number = view.number or view.uuid
        self.toast(f"{client.name} is linked to {number} {view.name}.\n{told}".strip())
        self.beat()

    def picked(self, done_: Sequence[PickView]) -> None:
        """Say what came of picking; what was left is listed with its reason."""
        counts = {name: sum(view.outcome == name for view in done_) for name in _OUTCOMES}
        told = ", ".join(f"{number:,} {_OUTCOMES[name]}" for name, number in counts.items() if number)
        left = [view for view in done_ if view.outcome == "left"]
        if not left:
            self.toast(told or "XPM has no client to bring in.")
        else:
            lines = "\n".join(
                f"#{visible(v.number or '–')}  {visible(v.name)}: {visible(v.reason)}" for v in left
            )
            title = f"{formatting.count(len(left), 'client')} left for your decision"
            self.push_screen(dialog.MessageDialog(title, f"{told}.\n\n{lines}", wide=True))
        self.beat()

    def connect(self) -> None:
        """The wizard; where it ends, its plan comes up."""

        def ended(plan: str | None) -> None:
            self.beat()
            if plan:
                self.show_plan(plan)

        self.push_screen(wizard_screen.Wizard(), ended)


KEY = "g"


class KeyChord:
    """Judges keys as they come in, before any widget: a fast typist's second key is not lost."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waits = False

    def takes(self, key: str) -> bool:
        """Whether the key is the prefix, or the letter that ends it: then nobody else gets it."""
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
"""Groups of work that leads nowhere: it fills in what is shown already, or goes on for long."""

STILL = 3
"""Turns of the loop without a message after which a key has been taken in."""

TURNS = 60
"""Turns of the loop that are waited for at most."""

MOMENT = 0.005
"""Seconds between two looks at work, or at a screen that comes up."""

PATIENCE = 1.0
"""Seconds that work begun by a key may take to show where it leads; after that keys count where they are."""


class TypeAhead:
    """Keys and pastes that wait for the one before them; everything else passes."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._settling: asyncio.Task[None] | None = None
        self._leading: list[tuple[Worker[object], Screen[object]]] = []

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and the last key has been taken in."""
        return self._settling is None and self._next is None and not self._waiting

    def holds(self, event: events.Event) -> bool:
        """Whether this one has to wait; it comes again by itself."""
        if event is self._next:
            self._next = None
            return False
        if self.idle:
            return False
        self._waiting.append(event)
        return True

    def handed_on(self) -> None:
        """A key is being handed on: what comes after it waits until it has been taken in."""
        self._leading.clear()
        self._settling = asyncio.create_task(self._settle())

    def began(self, worker: Worker[object], group: str) -> None:
        """Work was begun, perhaps by that key. It counts until another screen comes up over it."""
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
        """Whether something may still come of the key: a screen that is coming up, work that is not done."""
        here = self._app.screen
        return not here.is_mounted or any(
            screen is here and not worker.is_finished for worker, screen in self._leading
        )

    async def _taken_in(self) -> None:
        """Until nothing on the way from what has the focus up to the app waits to be looked at."""
        still = 0
        for _ in range(TURNS):
            await asyncio.sleep(0)
            node = self._app.focused or self._app.screen
            busy = any(each.message_queue_size for each in node.ancestors_with_self)
            still = 0 if busy else still + 1
            if still == STILL:
                return
