"""The areas of the console: name, title, the letter after ``g``, in the order of the tabs.

The fields of one record, as they are laid out to be edited.

What screens, boxes and widgets may ask of the console; whoever is on the screen knows it by this alone.

The console itself stands on top and knows its screens; they know only this page.
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
    """A top-level place, kept open as a mode of its own."""

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
    """One field of a form: its key, its label, the value as it is typed.

    With ``options``, as (value, label), it is one of these and not free text. ``help`` is a sentence;
    of a date, the day of the week is shown with it.
    """

    key: str
    label: str
    value: str
    options: Sequence[tuple[str, str]] = ()
    help: str = ""
    is_date: bool = False


class Door(NamedTuple):
    """A row of a form that leads to another screen: its label, what it shows, what opens the screen."""

    label: str
    text: str
    help: str
    open: Callable[[], object]


class EditSheet(NamedTuple):
    """What is edited: a title, a sentence about it, and the fields, some of them as (key, label, value).

    Of a ``new`` record all that is filled in counts, of another what was changed. A ``door`` is the first
    row.
    """

    title: str
    about: str
    fields: Sequence[EditField | tuple[str, str, str]]
    new: bool = False
    door: Door | None = None


class AppProtocol(App[int]):
    """The app by what it offers. Each method is said here once and done in the console's own parts."""

    worker: WorkerThread
    """Where the practice is read and written."""
    ready: bool
    """Whether the practice is open and the acts are known."""
    practice_status: PracticeStatus
    """The last heartbeat."""
    position: object
    """Where the book stood then."""
    folder: str
    """Where a file was picked last."""
    environ: Mapping[str, str]
    """The environment that the console was started in."""
    picker_index: tuple[tuple[object, int], PickerIndex] | None
    """The picker's index, kept with what it was made from."""

    command_log: list[LoggedCommand]
    """What was done in this console, as command lines; the oldest first."""
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
        """Run something beside the screen. What it raises is told by one handler, never a crash."""
        raise NotImplementedError

    def trouble(self, error: BaseException) -> None:
        """Tell what went wrong: sentence and hint, or where the private report of an error of ours is."""
        raise NotImplementedError

    def toast(self, text: str, severity: SeverityLevel = "information", title: str = "") -> None:
        """A few words about something that is out of sight."""
        raise NotImplementedError

    def save_text(self, name: str, text: str) -> Path:
        """Write a private file into the practice's state folder; gives where it is. Raises ``ReadOnly``."""
        raise NotImplementedError

    def beat(self) -> None:
        """Read the heartbeat again, beside the screen."""
        self.work(lambda: self.refresh_status(), "beat", exclusive=True)

    async def refresh_status(self) -> None:
        """Read the heartbeat now, and let what is shown look again."""
        raise NotImplementedError

    # -- acts -----------------------------------------------------------------------------------------------

    def situation(self, area: str, **about: Any) -> Situation:
        """What the acts depend on, from the last heartbeat: cheap at any key press."""
        raise NotImplementedError

    def refuses_files(self) -> str:
        """Why no file may be written here, in a sentence; empty where one may."""
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
        """Run one call of an act on the desk: the only way there. Gives its result and what it said.

        ``shown`` are the consequences that the screen shows: the same ones are not asked about again. ``box``
        stands there from the user's yes to the end. Raises what the act raises, and ``ReadOnly`` where
        read-only mode refuses the call.
        """
        raise NotImplementedError

    async def run_named(self, name: str, preset: Mapping[str, Any], *, title: str = "") -> Result:
        """Run an act by its name with these parameters, and give its result. Raises like :meth:`run_act`."""
        raise NotImplementedError

    async def start_command(
        self, name: str, preset: Mapping[str, Any], *, title: str = "", asks: bool = True
    ) -> tuple[Result, str]:
        """Run an act whose run is a process of its own; gives its result and the id of that run.

        The id is empty where no run began: the user said no, or there was nothing to do. ``asks`` is False
        for a call that asks nothing more. Raises like :meth:`run_act`.
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
        """Do an act: ask for what ``preset`` does not settle, run it on the desk, say what came of it.

        ``start`` fills the form in without settling; ``ask`` of False shows no form; with a ``sheet`` the
        record's own fields are edited instead, and what was changed are the act's values. What is refused
        comes back as it was typed. ``after`` is called when it is done, before what came of it is told.
        """
        raise NotImplementedError

    def copy_command(self, name: str, preset: Mapping[str, Any]) -> None:
        """Run an act that gives a text, and copy that text."""
        raise NotImplementedError

    def read_command(self, name: str, preset: Mapping[str, Any], title: str) -> None:
        """Run an act that gives a text, and show that text to select or to copy."""
        raise NotImplementedError

    def show_result(self, act: Command[Any], result: Result, said: list[str]) -> None:
        """A short outcome as a toast, a long one to read."""
        raise NotImplementedError

    def way(self, act: str) -> Callable[[], object] | None:
        """What opens the act's own screen; None where its form does."""
        raise NotImplementedError

    # -- ways -----------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Leave; asks when a run is on, and says that it goes on."""
        raise NotImplementedError

    def action_redraw(self) -> None:
        """Send all of the screen to the terminal, whatever stands there."""
        raise NotImplementedError

    def go(self, area: str) -> None:
        """To an area; what is open over it stays open."""
        raise NotImplementedError

    def connect(self) -> None:
        """The wizard; where it ends, its plan comes up."""
        raise NotImplementedError

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, plan, and show the plan; nothing is written to either side."""
        raise NotImplementedError

    def show_plan(self, plan_id: str) -> None:
        """Review a plan; when it is applied, its run comes up."""
        raise NotImplementedError

    def show_run(self, run_id: str) -> None:
        """A run with its log."""
        raise NotImplementedError

    def release(self, run_id: str = "") -> None:
        """Let a run that ended before its end go on, the newest if none is named: told first, then asked."""
        raise NotImplementedError

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Take a run, or the last one that wrote to a client, back: as a plan to look at first."""
        raise NotImplementedError

    def show_client(self, client: str) -> None:
        """Jump to a client of the book, or to the jobs of a workflow, wherever one is."""
        raise NotImplementedError

    def show_jobs(self, workflow: str) -> None:
        """Jump to the jobs of a workflow."""
        raise NotImplementedError

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Say what was linked, and how to take it back."""
        raise NotImplementedError

    def picked(self, done_: Sequence[PickView]) -> None:
        """Say what came of picking; what was left is listed with its reason."""
        raise NotImplementedError


class AppMixin:
    """Mixed into whatever stands on the screen and asks something of the console."""

    @property
    def host(self) -> AppProtocol:
        """The console, as far as it may be known here."""
        return cast("AppProtocol", cast("MessagePump", self).app)

    def only_shows(self) -> bool:
        """Whether read-only mode refuses to write a file. Then it has said so."""
        refused = self.host.refuses_files()
        if refused:
            self.host.toast(refused, "warning")
        return bool(refused)
