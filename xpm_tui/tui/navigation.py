"""Paths through several screens, such as from a plan to its review and run; key chords and type-ahead.

Over a slow line many keys arrive at once. Stock Textual passes them all to the widget that has the focus at
that moment, so letters meant for a field that is about to open would trigger commands of the screen below it.
Here, each key acts on the screen to which the previous one has led.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from textual import events
from textual.app import ScreenStackError
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, get_current_worker

from xpm_tui.domain import formatting, labels
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AREAS, AppProtocol
from xpm_tui.tui.screens.area import AreaScreen

with lazy_imports():
    from xpm_tui.application.runs import history, open_intents
    from xpm_tui.commands import registry
    from xpm_tui.domain import fields
    from xpm_tui.tui.dialogs import dialog, screen_dialogue
    from xpm_tui.tui.screens import clients, jobs, plan_review, sync
    from xpm_tui.tui.widgets import run_log
    from xpm_tui.tui.wizard import screen as wizard_screen

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, PickView, XpmClientView
    from xpm_tui.domain.runs import Run


class Navigation(AppProtocol):
    """The part of the app that leads from one screen to the next."""

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, make a plan and show it; nothing is written to Ignition or XPM."""
        self.work(lambda: self._plan(only), "plan", exclusive=True)

    async def _plan(self, only: str) -> None:
        box = screen_dialogue.ProgressDialog("Planning", "Reading XPM and comparing it with Ignition …")
        box.set_worker(get_current_worker())
        await self.push_screen(box)
        result = await screen_dialogue.wait_for_work(self.run_named("plan", {"client": only}), box)
        await self.refresh_status()
        self.show_plan(result.value.id)

    def show_plan(self, plan_id: str) -> None:
        """Open the review of a plan. When it is applied, its run is shown."""

        def reviewed(run: str | None) -> None:
            if run:
                self.show_run(run)

        self.push_screen(plan_review.PlanReview(plan_id), reviewed)

    def release(self, run_id: str = "") -> None:
        """Resume a stopped run or release a held one, after asking; the newest run by default."""
        self.work(lambda: self._release(run_id), "release", exclusive=True)

    async def _release(self, run_id: str) -> None:
        def read(practice: OpenPractice) -> tuple[Run | None, bool]:

            run = history.find_run(practice, run_id) if run_id else history.newest_sync(practice.snapshot())
            return run, bool(open_intents.list_held_writes(practice))

        run, waiting = await self.worker.ask(read)
        name = run_log.CONTINUE_COMMANDS.get(run.outcome, "") if run is not None else ""
        if not name and not waiting:
            early = run is not None and run.outcome in ("failed", "partial")
            why = "the next sync does what is left of the last one" if early else "the last run finished"
            self.toast(f"No run is waiting: {why}.", "warning")
            return
        # Writes without an answer are looked up first, so that there is one question at a time.
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
        """Undo a run, or the last one that wrote to a client; the undo is shown as a plan first."""
        self.work(lambda: self._undo(run, client, field), "undo", exclusive=True)

    async def _undo(self, run: str, client: str, field: str) -> None:
        name, preset = "clients.undo", {"client": client}
        if run:
            name, preset = "undo", {"run": run, "client": client, "field": field}
        if self.practice_status.running:
            # A plan could not be applied now: the command asks, and undoes what was written only here.
            self.show_result(registry.by_name(name), await self.run_named(name, preset), [])
            return
        result = await self.run_named(name, {**preset, "review": True})
        changes, left = list(result.items or ()), result.data["left"]
        freezes = result.data["consequences"].get("freezes")
        if left and (changes or not freezes):
            title = f"{formatting.count(len(left), 'change')} cannot be undone"
            lines: dict[str, list[str]] = {}
            for view in left:
                whose = f" ({view['contact']})" if view["contact"] else ""
                name = f"  {view['name'] or view['record']}: {fields.label(view['field'])}{whose}"
                lines.setdefault(view["reason"], []).append(name)
            text = "\n".join(line for reason, names in lines.items() for line in (reason, *names))
            await self.push_screen_wait(dialog.MessageDialog(title, text, wide=True))
        if changes:
            self.show_plan(result.data["plan"])
        elif freezes:
            # Nothing can be restored, but what the run wrote can be frozen for the next sync.
            result = await self.run_named(name, {**preset})
            self.show_result(registry.by_name(name), result, [])
        elif not left:
            self.toast("There is nothing left to undo in that run.")

    def show_run(self, run_id: str) -> None:
        """Show a run with its log."""
        self.push_screen(sync.RunScreen(run_id))

    def show_client(self, client: str) -> None:
        """Go to a client in Clients, or to the jobs of a workflow if one is given."""
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
        """Report what was linked, and how to undo it."""
        area = self.screen_stack[0]
        note = area.mapped(client.id) if isinstance(area, clients.Clients) else ""
        number = view.number or view.uuid
        self.toast(f"{client.name} is linked to {number} {view.name}.\n{note}".strip())
        self.request_status()

    def picked(self, views: Sequence[PickView]) -> None:
        """Report the result of linking several clients; those not linked are listed with the reason."""
        counts = {name: sum(view.outcome == name for view in views) for name in labels.PICK_OUTCOMES}
        summary = ", ".join(
            f"{number:,} {labels.PICK_OUTCOMES[name].inline}" for name, number in counts.items() if number
        )
        left = [view for view in views if view.outcome == "left"]
        if not left:
            self.toast(summary or "XPM has no client to bring in.")
        else:
            lines = "\n".join(
                f"#{visible(v.number or '–')}  {visible(v.name)}: {visible(v.reason)}" for v in left
            )
            title = f"{formatting.count(len(left), 'client')} left for your decision"
            self.push_screen(dialog.MessageDialog(title, f"{summary}.\n\n{lines}", wide=True))
        self.request_status()

    def connect(self) -> None:
        """Open the wizard. When it ends, its plan is shown."""

        def ended(plan: str | None) -> None:
            self.request_status()
            if plan:
                self.show_plan(plan)

        self.push_screen(wizard_screen.Wizard(), ended)


KEY = "g"
"""The first key of a chord."""


class KeyChord:
    """Recognises ``g`` and the letter of an area, before any widget receives the keys."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waits = False

    def takes(self, key: str) -> bool:
        """Return whether the key belongs to a chord, so that no widget receives it."""
        screen = self._app.screen
        if self._waits:
            self._waits = False
            if isinstance(screen, AreaScreen):
                screen.show_area_keys(False)
            letter = next((area.name for area in AREAS if area.letter == key), None)
            if letter is not None:
                self._app.go(letter)
            return True
        if key != KEY or not isinstance(screen, AreaScreen) or isinstance(self._app.focused, Input):
            return False
        self._waits = True
        screen.show_area_keys(True)
        return True


READING = frozenset(
    "authorise clipboard consent detail doctor effect follow load place search signed-in status watch"
    .split()
)  # fmt: skip
"""Worker groups that open no screen: they fill in what is already shown, or run for long."""

QUIET_TURNS = 3
"""Turns of the event loop without a message after which a key counts as handled."""

MOST_TURNS = 60
"""The most turns of the event loop to wait for a key."""

CHECK_SECONDS = 0.005
"""Seconds between two checks of background work, or of a screen that is being mounted."""

SCREEN_SECONDS = 1.0
"""Seconds that work started by a key may take to open a screen, before the next key is passed on."""


class TypeAhead:
    """Holds back keys and pastes until the previous one has been handled; passes all other events."""

    def __init__(self, app: AppProtocol) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._settle_task: asyncio.Task[None] | None = None
        self._leading: list[tuple[Worker[object], Screen[object]]] = []

    @property
    def idle(self) -> bool:
        """Whether no event is queued and the last key has been handled."""
        return self._settle_task is None and self._next is None and not self._waiting

    def holds(self, event: events.Event) -> bool:
        """Return whether an event has to wait. It is queued and posted again later."""
        if event is self._next:
            self._next = None
            return False
        if self.idle:
            return False
        self._waiting.append(event)
        return True

    def handed_on(self) -> None:
        """Note that a key is passed on; the next ones wait until it has been handled."""
        self._leading.clear()
        self._settle_task = asyncio.create_task(self._wait_for_screen())

    def began(self, worker: Worker[object], group: str) -> None:
        """Note that background work was started, possibly by the current key.

        It counts until another screen opens over the one that started it.
        """
        if group not in READING and not self.idle:
            self._leading.append((worker, self._app.screen))

    async def _wait_for_screen(self) -> None:
        try:
            until = monotonic() + SCREEN_SECONDS
            await self._wait_until_handled()
            while self._may_open_screen() and monotonic() < until:
                await asyncio.sleep(CHECK_SECONDS)
                await self._wait_until_handled()
        except ScreenStackError:
            self._waiting.clear()  # the console ends: its screens are gone, and keys lead nowhere
        finally:
            self._settle_task = None
            if self._waiting:
                self._next = self._waiting.popleft()
                self._app.post_message(self._next)

    def _may_open_screen(self) -> bool:
        """Return whether the key may still open a screen: one is being mounted, or work is not finished."""
        here = self._app.screen
        return not here.is_mounted or any(
            screen is here and not worker.is_finished for worker, screen in self._leading
        )

    async def _wait_until_handled(self) -> None:
        """Wait until no node between the focused widget and the app has a queued message."""
        still = 0
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            node = self._app.focused or self._app.screen
            busy = any(each.message_queue_size for each in node.ancestors_with_self)
            still = 0 if busy else still + 1
            if still == QUIET_TURNS:
                return
