"""The interface of the console for screens, dialogs and widgets, which know the app only through it.

The module also has the areas of the console, in the order of the tabs, and the fields of a record that is
edited.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual.app import App
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.worker import Worker

from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.status_summary import PracticeStatus
from xpm_tui.tui.worker_thread import WorkerThread

with lazy_imports():
    from xpm_tui.commands import effects

if TYPE_CHECKING:
    import msgspec

    from xpm_tui.application.presenters.views import ClientView, PickView, XpmClientView
    from xpm_tui.commands.command import Command, Result, Situation
    from xpm_tui.commands.registry import LoggedCommand
    from xpm_tui.sync.matching.search_index import PickerIndex


class Area(NamedTuple):
    """A top-level place of the console, kept open as a mode."""

    name: str
    title: str
    letter: str


AREAS: tuple[Area, ...] = (
    Area("overview", "Overview", "o"),
    Area("clients", "Clients", "c"),
    Area("team", "Team", "t"),
    Area("templates", "Templates", "l"),
    Area("jobs", "Jobs", "j"),
    Area("sync", "Sync", "s"),
    Area("settings", "Settings", "e"),
)


class EditField(NamedTuple):
    """One field of a form: its key, its label, and the value as it is typed.

    With ``options``, as (value, label), it is a choice and not free text. ``help`` is a sentence; for a date,
    the day of the week is shown as well.
    """

    key: str
    label: str
    value: str
    options: Sequence[tuple[str, str]] = ()
    help: str = ""
    is_date: bool = False


class Door(NamedTuple):
    """A row of a form that opens another screen: its label, its text, and the function that opens it."""

    label: str
    text: str
    help: str
    open: Callable[[], object]


class EditSheet(NamedTuple):
    """What is edited: a title, a sentence about it, and the fields, some of them as (key, label, value).

    For a ``new`` record all values count, for an existing one only changed ones. A ``door`` is the first row.
    """

    title: str
    about: str
    fields: Sequence[EditField | tuple[str, str, str]]
    new: bool = False
    door: Door | None = None


class AppProtocol(App[int]):
    """The interface of the app. Each method is documented here and implemented in the console's mixins."""

    worker: WorkerThread
    """The thread on which the practice is read and written."""
    ready: bool
    """Whether the practice is open and the commands are known."""
    practice_status: PracticeStatus
    """The last status."""
    position: object
    """The position of the store at that status."""
    folder: str
    """The folder of the last chosen file."""
    environ: Mapping[str, str]
    """The environment in which the console was started."""
    picker_index: tuple[tuple[object, int], PickerIndex] | None
    """The picker's index, with the snapshot it was built from."""

    command_log: list[LoggedCommand]
    """The actions of this console as command lines; the oldest first."""
    global_words: tuple[str, ...] | None
    """The global options of those command lines; None before the first one."""

    # -- work -----------------------------------------------------------------------------------------------

    def work(
        self,
        job: Callable[[], Coroutine[Any, Any, Any]],
        group: str,
        *,
        exclusive: bool = False,
        node: DOMNode | None = None,
    ) -> Worker[Any]:
        """Run a job in the background. One handler shows its errors, so it never crashes the console."""
        raise NotImplementedError

    def trouble(self, error: BaseException) -> None:
        """Show an error: sentence and hint, or the private report of an internal error."""
        raise NotImplementedError

    def toast(self, text: str, severity: SeverityLevel = "information", title: str = "") -> None:
        """Show a short message about something that is not visible."""
        raise NotImplementedError

    def save_text(self, name: str, text: str) -> Path:
        """Write a private file into the practice's state folder; return its path. Raises ``ReadOnly``."""
        raise NotImplementedError

    def beat(self) -> None:
        """Read the status again, in the background."""
        self.work(lambda: self.refresh_status(), "beat", exclusive=True)

    async def refresh_status(self) -> None:
        """Read the status now, and let the visible screen update itself."""
        raise NotImplementedError

    # -- acts -----------------------------------------------------------------------------------------------

    def situation(self, area: str, **about: Any) -> Situation:
        """Return what commands depend on, from the last status: cheap at any key press."""
        raise NotImplementedError

    def refuses_files(self) -> str:
        """Return why no file may be written here, as a sentence; empty if one may."""
        return effects.refusal(effects.Effect.WRITES_FILE, read_only=self.worker.practice.read_only)

    async def run_command(
        self,
        act: Command[Any],
        params: msgspec.Struct,
        *,
        title: str = "",
        shown: Iterable[str] = (),
        box: Screen[None] | None = None,
    ) -> tuple[Result, list[str]]:
        """Run one call of a command on the worker thread; return its result and messages.

        This is the only way to run a command. ``shown`` are the consequences that the screen shows: they are
        not asked about again. ``box`` is shown from the user's confirmation to the end. Raises what the
        command raises, and ``ReadOnly`` if read-only mode refuses the call.
        """
        raise NotImplementedError

    async def run_named(self, name: str, preset: Mapping[str, Any], *, title: str = "") -> Result:
        """Run a command by its name with these parameters, and return its result.

        Raises like :meth:`run_command`.
        """
        raise NotImplementedError

    async def start_command(
        self, name: str, preset: Mapping[str, Any], *, title: str = "", asks: bool = True
    ) -> tuple[Result, str]:
        """Run a command that makes a run in a separate process; return its result and the run's id.

        The id is empty if no run began: the user declined, or there was nothing to do. ``asks`` is False for
        a call that asks nothing more. Raises like :meth:`run_command`.
        """
        raise NotImplementedError

    def log_call(self, act: Command[Any], params: msgspec.Struct, *, title: str = "") -> LoggedCommand:
        """Add an action to the command log, as the command line that does the same."""
        raise NotImplementedError

    def log_named(self, name: str, preset: Mapping[str, Any]) -> None:
        """Add an action that a screen did without running its command, as in the wizard."""
        raise NotImplementedError

    def perform(
        self,
        act: Command[Any],
        preset: Mapping[str, Any],
        *,
        title: str = "",
        start: Mapping[str, Any] | None = None,
        ask: bool = True,
        after: Callable[[], None] | None = None,
        sheet: EditSheet | None = None,
    ) -> None:
        """Perform a command: ask for what ``preset`` does not set, run it, and show the result.

        ``start`` fills in the form with values that can be changed; with ``ask`` False there is no form; with
        a ``sheet`` the record's own fields are edited instead, and the changed ones are the command's values.
        Refused input is shown again as it was typed. ``after`` is called when it is done, before the result
        is shown.
        """
        raise NotImplementedError

    def copy_command(self, name: str, preset: Mapping[str, Any]) -> None:
        """Run a command that returns a text, and copy that text."""
        raise NotImplementedError

    def read_command(self, name: str, preset: Mapping[str, Any], title: str) -> None:
        """Run a command that returns a text, and show that text to select or to copy."""
        raise NotImplementedError

    def show_result(self, act: Command[Any], result: Result, said: list[str]) -> None:
        """Show a short result as a toast, a long one as a dialog."""
        raise NotImplementedError

    def way(self, act: str) -> Callable[[], object] | None:
        """Return what opens the command's own screen; None if it uses a form."""
        raise NotImplementedError

    # -- ways -----------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Leave, after a question if a run is in progress, which continues."""
        raise NotImplementedError

    def action_redraw(self) -> None:
        """Send the whole screen to the terminal, whatever it shows."""
        raise NotImplementedError

    def go(self, area: str) -> None:
        """Go to an area; screens that are open over it stay open."""
        raise NotImplementedError

    def connect(self) -> None:
        """Open the wizard; at its end, show its plan."""
        raise NotImplementedError

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, plan, and show the plan; nothing is written to either side."""
        raise NotImplementedError

    def show_plan(self, plan_id: str) -> None:
        """Review a plan; when it is applied, show its run."""
        raise NotImplementedError

    def show_run(self, run_id: str) -> None:
        """Show a run with its log."""
        raise NotImplementedError

    def release(self, run_id: str = "") -> None:
        """Continue a held run, by default the newest, after showing what that does."""
        raise NotImplementedError

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Undo a run, or the last one that wrote to a client, as a plan to review first."""
        raise NotImplementedError

    def show_client(self, client: str) -> None:
        """Go to a client in the store, or to the jobs of a workflow, from any screen."""
        raise NotImplementedError

    def show_jobs(self, workflow: str) -> None:
        """Go to the jobs of a workflow."""
        raise NotImplementedError

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Show what was linked, and how to undo it."""
        raise NotImplementedError

    def picked(self, done_: Sequence[PickView]) -> None:
        """Show the result of bringing in clients; skipped ones are listed with their reason."""
        raise NotImplementedError


class AppMixin:
    """Mixed into screens, dialogs and widgets that use the console."""

    @property
    def host(self) -> AppProtocol:
        """Return the console through its interface."""
        return cast("AppProtocol", cast("MessagePump", self).app)

    def only_shows(self) -> bool:
        """Return whether read-only mode refuses to write a file, after showing that."""
        refused = self.host.refuses_files()
        if refused:
            self.host.toast(refused, "warning")
        return bool(refused)
