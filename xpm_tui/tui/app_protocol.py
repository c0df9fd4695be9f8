"""The app as screens, dialogs and widgets know it: areas, edit forms, status, and ``AppProtocol``.

The app is the top layer and imports the screens, which reach it only through ``AppMixin.host``. The status of
the practice in the header is immutable and cheap to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual.app import App
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.worker import Worker

from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.worker_thread import WorkerThread

with lazy_imports():
    from xpm_tui.application import condition
    from xpm_tui.application.status import summary
    from xpm_tui.commands import effects

if TYPE_CHECKING:
    import msgspec

    from xpm_tui.application.connection import ConnectionMachine
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, PickView, XpmClientView
    from xpm_tui.commands.command import Command, Result, Situation
    from xpm_tui.commands.registry import LoggedCommand
    from xpm_tui.sync.matching.search_index import PickerIndex


class PracticeStatus(NamedTuple):
    """The facts that the header shows; ``None`` where a value is not known."""

    title: str = ""
    sandbox: bool = False
    connected: bool = False
    login_needed: bool = False
    """Whether the user must sign in to Xero before anything can be read or sent."""
    read_only: bool = False
    colour: str = ""
    """The colour of the practice's name; empty for the colour of other text."""
    hours: float | None = None
    minute_left: int | None = None
    day_left: int | None = None
    running: str = ""
    held: int = 0
    needs_person: int = 0
    needs_jobs: int = 0
    """The number of jobs and proposals that need the user."""
    direction: str = ""
    condition: str = ""
    """The worst condition of the practice by its name; empty if it is sound."""
    synced: datetime | None = None
    """When the last successful sync ended."""
    known: bool = True
    """Whether the status has been read."""


def _hours(at: datetime, now: datetime) -> float:
    """Return the hours between two times, in whole minutes so that the header rarely changes."""
    return max(0, int((now - at).total_seconds() // 60)) / 60


_NOT_SHOWN = ("sound", "login_needed")
"""Conditions that the header does not show as such: nothing is wrong, or it shows another fact for it."""


def read_practice_status(practice: OpenPractice) -> tuple[object, PracticeStatus]:
    """Return the position of store and settings, and the status at it. Runs on the worker thread."""
    position = practice.positions()
    worst = condition.conditions(practice)[0].state
    facts = summary.summarize(practice)
    jobs = facts.jobs
    return position, PracticeStatus(
        title=facts.title,
        sandbox=facts.sandbox,
        connected=facts.connected,
        login_needed=facts.login_needed,
        read_only=practice.read_only,
        colour=practice.settings.text("practice.colour").replace("none", ""),
        hours=None if facts.last_good is None else _hours(facts.last_good, practice.clock.now()),
        minute_left=facts.minute_left,
        day_left=facts.day_left,
        running=facts.running,
        held=len(facts.held),
        needs_person=facts.needs_person,
        needs_jobs=jobs.failed + jobs.held + jobs.going + jobs.missed + jobs.changed + jobs.to_take,
        direction=practice.policy().direction,
        synced=facts.last_good,
        condition="" if worst in _NOT_SHOWN else worst,
    )


class Area(NamedTuple):
    """A top-level area of the console, kept open as a Textual mode."""

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
    """A field of an edit form: its key, its label and its value as text.

    ``options`` are (value, label) pairs; with them the field is a choice and not free text. ``help`` is a
    sentence. For a date, the day of the week is shown beside it. With ``typed``, the last option asks for a
    value that is not in the list.
    """

    key: str
    label: str
    value: str
    options: Sequence[tuple[str, str]] = ()
    help: str = ""
    is_date: bool = False
    typed: bool = False


class FormLink(NamedTuple):
    """A row of a form that opens another screen: its label, its text and the function that opens it."""

    label: str
    text: str
    help: str
    open: Callable[[], object]


class EditSheet(NamedTuple):
    """The contents of an edit form: a title, a sentence and the fields.

    A field may be given as (key, label, value). For a ``new`` record all values that are filled in count,
    otherwise only those that were changed. A ``link`` is shown as the first row. ``read`` returns the values
    as they are now, by key: a value that someone else has changed meanwhile is shown before it is replaced.
    """

    title: str
    about: str
    fields: Sequence[EditField | tuple[str, str, str]]
    new: bool = False
    link: FormLink | None = None
    read: Callable[[OpenPractice], Mapping[str, str]] | None = None


class AppProtocol(App[int]):
    """The app as screens, dialogs and widgets see it; ``Console`` and its mixins implement it."""

    worker: WorkerThread
    """The thread on which the practice is read and written."""
    ready: bool
    """Whether the practice is open and its commands are available."""
    practice_status: PracticeStatus
    """The status of the practice when it was last read."""
    position: object
    """The position of the store and settings when the status was read."""
    folder: str
    """The folder in which a file was last chosen."""
    environ: Mapping[str, str]
    """The environment variables with which the console was started."""
    picker_index: tuple[object, PickerIndex] | None
    """The search index of the client picker, with the position of the store for which it was built."""

    connecting: ConnectionMachine | None = None
    """The sign-in of this session: pages that were opened before the wizard was left are still accepted."""

    command_log: list[LoggedCommand]
    """The actions of this session as command lines, oldest first."""
    global_words: tuple[str, ...] | None
    """The global options of those command lines; None before the first one."""

    # -- background work ------------------------------------------------------------------------------------

    def work(
        self,
        job: Callable[[], Coroutine[Any, Any, Any]],
        group: str,
        *,
        exclusive: bool = False,
        node: DOMNode | None = None,
    ) -> Worker[Any]:
        """Run a coroutine in the background; any exception goes to :meth:`report_error`."""
        raise NotImplementedError

    def data_shown(self) -> None:
        """Draw the first data of an area, and load the other screens in the background."""
        raise NotImplementedError

    def report_error(self, error: BaseException) -> None:
        """Show an error: its message and hint, or for an internal error the path of the report."""
        raise NotImplementedError

    def toast(self, text: str, severity: SeverityLevel = "information", title: str = "") -> None:
        """Show a short notification."""
        raise NotImplementedError

    def save_text(self, name: str, text: str) -> Path:
        """Write a private text file into the state folder of the practice and return its path.

        Raises:
            ReadOnly: The console is in read-only mode.
        """
        raise NotImplementedError

    def request_status(self) -> None:
        """Start reading the status of the practice again in the background."""
        self.work(lambda: self.refresh_status(), "status", exclusive=True)

    async def refresh_status(self) -> None:
        """Read the status of the practice now, and update what is shown."""
        raise NotImplementedError

    # -- commands -------------------------------------------------------------------------------------------

    def situation(self, area: str, **about: Any) -> Situation:
        """Return what the availability of commands depends on, from the last status.

        It is cheap enough to be called at every key press.
        """
        raise NotImplementedError

    def refuses_files(self) -> str:
        """Return the sentence that says why files cannot be written here; empty if they can."""
        return effects.refusal(effects.Effect.WRITES_FILE, read_only=self.worker.practice.read_only)

    async def run_command(
        self,
        command: Command[Any],
        params: msgspec.Struct,
        *,
        title: str = "",
        shown: Iterable[str] = (),
        box: Screen[None] | None = None,
    ) -> tuple[Result, list[str]]:
        """Run one call of a command on the worker thread.

        Every call of a command from the console goes through this method.

        Args:
            command: The command.
            params: Its parameters.
            title: How the command log names the call.
            shown: The consequences that the screen already shows; they are not asked about again.
            box: A dialog to show from the user's consent to the end of the call.

        Returns:
            The result, and the lines that the command reported.

        Raises:
            ReadOnly: Read-only mode refuses the call. Any other error of the command is raised, too.
        """
        raise NotImplementedError

    async def run_named(self, name: str, preset: Mapping[str, Any], *, title: str = "") -> Result:
        """Run a command by its name with these parameters. Raises like :meth:`run_command`."""
        raise NotImplementedError

    async def start_command(
        self, name: str, preset: Mapping[str, Any], *, title: str = "", asks: bool = True
    ) -> tuple[Result, str]:
        """Start a command whose run is a process of its own.

        ``asks`` is False for a call that asks no further question. Raises like :meth:`run_command`.

        Returns:
            The result, and the id of the run: empty if the user declined or there was nothing to do.
        """
        raise NotImplementedError

    def log_call(self, command: Command[Any], params: msgspec.Struct, *, title: str = "") -> LoggedCommand:
        """Add an action to the command log, as the command line that does the same."""
        raise NotImplementedError

    def log_named(self, name: str, preset: Mapping[str, Any]) -> None:
        """Log an action that a screen performed without running its command, as in the wizard."""
        raise NotImplementedError

    def perform(
        self,
        command: Command[Any],
        preset: Mapping[str, Any],
        *,
        title: str = "",
        start: Mapping[str, Any] | None = None,
        ask: bool = True,
        after: Callable[[], None] | None = None,
        sheet: EditSheet | None = None,
    ) -> None:
        """Run a command: ask for its missing parameters, run it on the worker thread and show the result.

        Args:
            command: The command.
            preset: Parameters that are already decided.
            title: The title of the form.
            start: Initial values of the form, which the user can change.
            ask: Whether to show a form.
            after: Called when the command has succeeded, before the result is shown.
            sheet: Shows the fields of a record instead of the form. The changed values become the parameters.
            If the command refuses the values, the form is shown again as it was filled in.
        """
        raise NotImplementedError

    def copy_command(self, name: str, preset: Mapping[str, Any]) -> None:
        """Run a command that returns a text, and copy the text to the clipboard."""
        raise NotImplementedError

    def read_command(self, name: str, preset: Mapping[str, Any], title: str) -> None:
        """Run a command that returns a text, and show the text for reading and copying."""
        raise NotImplementedError

    def show_result(self, command: Command[Any], result: Result, messages: list[str]) -> None:
        """Show a short result as a notification and a long one as a dialog."""
        raise NotImplementedError

    def screen_opener(self, command: str) -> Callable[[], object] | None:
        """Return the function that opens the screen of a command; None if it only has a form."""
        raise NotImplementedError

    # -- navigation -----------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Leave the console; ask first while a run is in progress, which continues without it."""
        raise NotImplementedError

    def action_redraw(self) -> None:
        """Send the whole screen to the terminal again."""
        raise NotImplementedError

    def go(self, area: str) -> None:
        """Switch to an area; screens that are open over it stay open."""
        raise NotImplementedError

    def connect(self) -> None:
        """Open the wizard. When it ends, its plan is shown."""
        raise NotImplementedError

    def plan_and_show(self, only: str = "") -> None:
        """Read XPM, make a plan and show it; nothing is written to Ignition or XPM."""
        raise NotImplementedError

    def show_plan(self, plan_id: str) -> None:
        """Open the review of a plan. When it is applied, its run is shown."""
        raise NotImplementedError

    def show_run(self, run_id: str) -> None:
        """Show a run with its log."""
        raise NotImplementedError

    def release(self, run_id: str = "") -> None:
        """Resume a stopped run or release a held one, after asking; the newest run by default."""
        raise NotImplementedError

    def undo(self, run: str = "", client: str = "", field: str = "") -> None:
        """Undo a run, or the last one that wrote to a client; the undo is shown as a plan first."""
        raise NotImplementedError

    def show_client(self, client: str) -> None:
        """Go to a client in Clients, or to the jobs of a workflow if one is given."""
        raise NotImplementedError

    def show_jobs(self, workflow: str) -> None:
        """Go to the jobs of a workflow."""
        raise NotImplementedError

    def linked(self, client: ClientView, view: XpmClientView) -> None:
        """Report what was linked, and how to undo it."""
        raise NotImplementedError

    def picked(self, views: Sequence[PickView]) -> None:
        """Report the result of linking several clients; those not linked are listed with the reason."""
        raise NotImplementedError


class AppMixin:
    """A mixin for screens, dialogs and widgets that use the console."""

    @property
    def host(self) -> AppProtocol:
        """The console, typed as the protocol."""
        return cast("AppProtocol", cast("MessagePump", self).app)

    def warn_if_read_only(self) -> bool:
        """If read-only mode refuses to write files, show why; return whether it does."""
        refused = self.host.refuses_files()
        if refused:
            self.host.toast(refused, "warning")
        return bool(refused)
