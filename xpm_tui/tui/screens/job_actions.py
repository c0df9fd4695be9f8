"""The commands of the Jobs area: each shows what it would do, asks, and shows the run that it starts.

The dialogs that show all of one job, and a batch of jobs before they are created.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.jobs.deployment import BatchView
from xpm_tui.application.jobs.queries import XpmJobView
from xpm_tui.application.jobs.views import JobRowView, PreviewView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.consequences import action, button_suffix, cost
from xpm_tui.commands.consequences import lines as consequence_lines
from xpm_tui.commands.parameter_labels import REPEATS
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.labels import DECISIONS
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.app_protocol import EditField, EditSheet
from xpm_tui.tui.dialogs.dialog import (
    ChoiceDialog,
    InputDialog,
    KeyHint,
    TextDialog,
    answer_letter,
    confirmation_lines,
)
from xpm_tui.tui.dialogs.edit import edit_until_accepted, params_of, parse_edits
from xpm_tui.tui.dialogs.screen_dialogue import ProgressDialog, wait_for_work
from xpm_tui.tui.screens.base import FilteredArea
from xpm_tui.tui.widgets.cells import Line, content, fixed, lines, span
from xpm_tui.tui.widgets.job_lines import all_lines, problem_lines
from xpm_tui.tui.widgets.text import StaticText

COMMAND_KEYS = {
    "d": "jobs.deploy",
    "e": "jobs.edit",
    "t": "jobs.retry",
    "i": "jobs.skip",
    "o": "jobs.address",
}
"""The keys in the full text of a job, and the commands that they run."""
CONFIRMATION_COLUMNS = 68
"""The width of the text in a window of 80 columns, without the scrollbar."""
SHOWN = 300
"""The most jobs of a batch that are listed one by one."""

NOTES_BELOW = 5
"""With fewer jobs than this, the notes of each are listed, too."""
MARKS = (fixed("■ ", "bad"), fixed("? ", "warn"), fixed("● ", "good"))
"""The marks of a job that is blocked, that needs a confirmation, and that is created."""

DeployAnswer = Literal["", "go", "anyway"]

_WRITE_DECISIONS = tuple((code, f"{label.text}: {label.help}") for code, label in DECISIONS.items())


class JobCommands(FilteredArea):
    """The commands of the Jobs area; a subclass says which job is selected."""

    @property
    def job(self) -> JobRowView | None:
        """The selected one of our jobs."""
        raise NotImplementedError

    @property
    def current(self) -> XpmJobView | None:
        """The selected one of XPM's jobs."""
        raise NotImplementedError

    @property
    def listed(self) -> Sequence[JobRowView]:
        """Our jobs that match the filters."""
        raise NotImplementedError

    def show_job(self, title: str, text: list[Line], *, job: str = "") -> None:
        """Show all of a job. With ``job``, the keys of commands work and run them for that job."""

        def answered(name: str | None) -> None:
            if not name:
                return
            if self.job is None or self.job.id != job:
                # The list has changed meanwhile, and a command would run for another job.
                self.host.toast(f"{title} is no longer in this list: nothing was done.", "warning")
                return
            self.action_run_command(name)

        self.app.push_screen(JobDialog(title, text, has_commands=bool(job)), answered)

    def do_jobs_preview(self) -> None:
        """Show all of the selected job."""
        if (view := self.job) is not None:
            self.host.work(lambda: self.open_job(view.id), "open", exclusive=True, node=self)

    async def open_job(self, job: str) -> None:
        """Read a job, and show all of it."""
        shown: PreviewView = (await self.host.run_named("jobs.preview", {"job": job})).value
        self.show_job(shown.name, all_lines(shown), job=job)

    # -- deploy, try again ----------------------------------------------------------------------------------

    def do_jobs_deploy(self) -> None:
        """Create the selected job, or all like it, after showing them."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._choose_deploy(view), "deploy", exclusive=True, node=self)

    async def _choose_deploy(self, view: JobRowView) -> None:
        jobs = await self.host.worker.ask(deployment.jobs_of_proposal, view.proposal)
        of_proposal = ("All of this proposal, one for each workflow", tuple(each.id for each in jobs))
        ids = await self._ask_which(view, [*_groups(self.listed, view.state), of_proposal], "deploy")
        if ids:
            await self._review_and_run(ids, "Deploy", "jobs.deploy")

    def do_jobs_retry(self) -> None:
        """Try again with the selected job, all with the same cause, or all that are held or unfinished."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._choose_retry(view), "retry", exclusive=True, node=self)

    async def _choose_retry(self, view: JobRowView) -> None:
        if view.cause == "unknown":
            if await self._resolve_unanswered(view):
                await self._review_and_run([view.id], "Try again", "jobs.retry")
            return

        def read(practice: OpenPractice) -> list[tuple[str, tuple[str, ...]]]:
            same_cause = deployment.jobs_of_cause(practice, view.cause) if view.cause else ()
            return [
                (f"All with this cause ({view.cause})", same_cause),
                ("All that are held, failed or unfinished", deployment.jobs_of_cause(practice)),
            ]

        ids = await self._ask_which(view, await self.host.worker.ask(read), "try again")
        if ids:
            await self._review_and_run(ids, "Try again", "jobs.retry")

    async def _ask_which(
        self, view: JobRowView, groups: Sequence[tuple[str, tuple[str, ...]]], verb: str
    ) -> Sequence[str]:
        """Ask whether a command is for the selected job, or for a group with more jobs; return the ids.

        Empty if the user cancels.
        """
        labels: dict[tuple[str, ...], str] = {}
        for label, ids in groups:
            if set(ids) - {view.id}:
                labels.setdefault(ids, label)
        if not labels:
            return [view.id]
        options = [(view.id,), *labels]
        choices = [("0", f"This one: {view.name}")]
        for place, (ids, label) in enumerate(labels.items(), 1):
            choices.append((str(place), f"{label}: {formatting.count(len(ids), 'job')}"))
        box = ChoiceDialog(f"Which jobs do you want to {verb}?", choices, title="Jobs")
        chosen: str | None = await self.app.push_screen_wait(box)
        return [] if chosen is None else options[int(chosen)]

    async def _resolve_unanswered(self, view: JobRowView) -> bool:
        """Ask what became of a write that XPM did not answer; return whether the job can be tried again."""
        title = "No answer"
        choice: Any = await self.app.push_screen_wait(
            ChoiceDialog(f"{view.why}\n", _WRITE_DECISIONS[::-1], title=title)
        )
        if choice is None:
            return False
        number = ""
        if choice == "adopt" and not view.number:
            box = InputDialog("The number of the job in XPM, for example J000412:", title=title)
            number = await self.app.push_screen_wait(box) or ""
            if not number:
                return False
        decision = {"jobs": (view.id,), "sent": choice, "job": number, "wait": True}
        row: JobRowView = (await self.host.run_named("jobs.retry", decision)).value
        await self.host.refresh_status()
        return row.state != "skipped"

    async def _review_and_run(self, ids: Sequence[str], title: str, command: str) -> None:
        """Show what the command would do, and run it if the user agrees; it asks nothing more."""
        jobs = {"jobs": tuple(ids)}
        batch: BatchView = (await self.host.run_named(command, {**jobs, "dry_run": True})).value
        answer = await self.app.push_screen_wait(DeployReview(batch, title))
        if answer:
            agreed = {**jobs, "yes": True, "anyway": answer == "anyway"}
            _, run = await self.host.start_command(command, agreed, asks=False)
            self.host.show_run(run)

    def do_jobs_redeploy(self) -> None:
        """Look up in XPM whether the job is missing; if it is, show it and create it like any other."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._look_up_and_redeploy(view), "redeploy", exclusive=True, node=self)

    async def _look_up_and_redeploy(self, view: JobRowView) -> None:
        box = ProgressDialog("Create again", f"Asking XPM for job {view.number} …")
        await self.app.push_screen(box)
        await wait_for_work(self.host.run_named("jobs.redeploy", {"job": view.id, "wait": True}), box)
        await self.host.refresh_status()
        await self._review_and_run([view.id], "Create again", "jobs.retry")

    # -- edit, skip -----------------------------------------------------------------------------------------

    def do_jobs_edit(self) -> None:
        """Edit the fields of the job; an error is shown below the field that it is about."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._edit(view), "edit", exclusive=True, node=self)

    async def _edit(self, view: JobRowView) -> None:
        worker = self.host.worker
        fields = await worker.ask(job_editing.editable_fields, view.id)
        about = EDIT_HELP if view.repeats == "once" else f"{EDIT_HELP} It changes all future jobs."
        shown = [
            EditField(
                each.name,
                each.label,
                each.value,
                _options(each),
                each.help,
                is_date=each.name in DATE_FIELDS,
                typed=each.typed,
            )
            for each in fields
        ]

        def read(practice: OpenPractice) -> dict[str, str]:
            return {each.name: each.value for each in job_editing.editable_fields(practice, view.id)}

        sheet = EditSheet(f"Edit {view.name}", about, shown, read=read)
        command = by_name("jobs.edit")

        async def save(changed: tuple[str, ...]) -> str:
            result, _ = await self.host.run_command(command, params_of(command, {"job": view.id}, changed))
            return f"{view.workflow}: {', '.join(parse_edits(changed))} edited. {result.value.effect}"

        message = await edit_until_accepted(self.host, sheet, save)
        if message is not None:
            await self.host.refresh_status()
            self.host.toast(message)

    def do_jobs_skip(self) -> None:
        """Skip the job; if it is skipped, undo that."""
        if (view := self.job) is not None:
            preset = {"job": view.id, "undo": view.state == "skipped"}
            self.host.perform(by_name("jobs.skip"), preset, ask=False)

    # -- look up --------------------------------------------------------------------------------------------

    def do_jobs_address(self) -> None:
        """Show the job's address in XPM for copying: over SSH, the browser is on another machine."""
        view = self.job or self.current
        if view is None:
            return
        if not view.number:
            self.host.toast("This job is not in XPM yet: it has no address there.", "warning")
            return
        self.host.read_command("jobs.address", {"job": view.number}, "In XPM")

    def do_jobs_copy(self) -> None:
        """Copy the ids that support asks for."""
        job = self.job.id if self.job else self.current.number if self.current else ""
        if job:
            self.host.copy_command("jobs.copy", {"job": job})


DATE_FIELDS = frozenset({"start", "due", "until"})
EDIT_HELP = (
    "Possible until it is in XPM. 'default' follows the proposal and the settings again; empty means none."
)


def _groups(listed: Sequence[JobRowView], selected_state: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the jobs of a list that can be created together: a label and the ids for each state.

    Jobs that are not due yet are included only if the selected one is not due yet either.
    """
    groups = (
        (f"All shown that are {state}", tuple(view.id for view in listed if view.state == state))
        for state in ("due", "missed", "coming")
        if state != "coming" or selected_state == state
    )
    return [(label, ids) for label, ids in groups if ids]


def _options(view: job_editing.FieldView) -> list[tuple[str, str]]:
    """Return the options of a field; empty if it is free text."""
    if view.options:
        return list(view.options)
    known = {"automatic": {"yes": "Yes", "no": "No"}, "repeat": REPEATS}.get(view.name, {})
    rest = [] if view.value in known or not known else [(view.value, view.value)]
    return [*rest, *known.items()]


class JobDialog(TextDialog[str]):
    """The full text of a job. The result is the name of the command whose key was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take({name!r})", show=False) for key, name in COMMAND_KEYS.items()),
        Binding("enter", "leave", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, title: str, text: list[Line], *, has_commands: bool = False) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(title)
        self._text = text
        self._has_commands = has_commands

    def box(self) -> ComposeResult:
        """Compose the text, and the keys."""
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(self._text))
        keys = ("d creates", "e edits", "t tries again", "i skips", "o address") if self._has_commands else ()
        yield KeyHint("esc closes", *keys, "y copies")

    def action_take(self, name: str) -> None:
        """Close the dialog with this command as the result."""
        if self._has_commands:
            self.dismiss(name)

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard("\n".join("".join(piece.text for piece in line) for line in self._text))


class DeployReview(TextDialog[DeployAnswer]):
    """The jobs that would be created, and the calls that this takes. The safe button has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('go')", "Create them", show=False),
        Binding("n", "leave", "Cancel", show=False),
    ]

    def __init__(self, batch: BatchView, title: str = "Create jobs") -> None:
        super().__init__(classes="wide")
        asked = f"{action(batch.consequences)} in XPM?" if batch.consequences.changes else title
        self.title_text = visible(asked)
        self._batch = batch
        self._letters: dict[str, DeployAnswer] = {}

    def box(self) -> ComposeResult:
        """Compose the counts, the jobs and the answers."""
        batch = self._batch
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(summary_lines(batch)))
            yield StaticText(lines(batch_lines(batch)), classes="batch")
        with Horizontal(classes="buttons -right"):
            yield Button(content(Shown("Cancel  esc")), id="leave")
            if self._has_jobs:
                yield self._button(action(batch.consequences), "go")
            if more := button_suffix(batch.consequences, batch.consequences_anyway):
                yield self._button(more, "anyway")

    def _button(self, words: str, answer: DeployAnswer) -> Button:
        letter = answer_letter(words)
        self._letters[letter] = answer
        return Button(content(Shown(f"{words}  {letter}")), id=answer)

    def on_key(self, event: events.Key) -> None:
        """Answer by the letter of a button."""
        answer = self._letters.get(event.key)
        if answer is not None:
            event.stop()
            self.action_answer(answer)

    @property
    def _has_jobs(self) -> bool:
        """Whether anything would be created."""
        return bool(self._batch.consequences.changes)

    def on_mount(self) -> None:
        """Focus the safe button."""
        self.query_one("#leave", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "leave":
            self.dismiss(None)
        else:
            self.action_answer("anyway" if event.button.id == "anyway" else "go")

    def action_answer(self, answer: DeployAnswer) -> None:
        """Answer by letter, if anything would be created."""
        if answer == "anyway" or self._has_jobs:
            self.dismiss(answer)


def summary_lines(batch: BatchView) -> list[Line]:
    """Return what creating a batch of jobs would do, in numbers."""
    found: list[Line] = []
    if not batch.consequences.changes:
        found.append([fixed("No job can be created as it is.", "warn")])
    found += confirmation_lines(consequence_lines(batch.consequences), CONFIRMATION_COLUMNS)
    if batch.asks:
        found.append([fixed(f"{formatting.count(batch.asks, 'job')} held until you confirm: with "
                             f"{formatting.plural(batch.asks, 'it/them')} "
                           f"{cost(batch.consequences_anyway)}.", "warn")])  # fmt: skip
    if batch.holds:
        held = formatting.count(batch.holds, "job")
        found.append([fixed(f"{held} not created until you fix the problem.", "warn")])
    if batch.earlier:
        found.append(
            [fixed(f"{formatting.count(batch.earlier, 'job')} of an earlier run will be finished first.")]
        )
    if batch.number:
        found.append(
            [fixed("Job numbers are assigned here, for example "), span(batch.number, "strong"), fixed(".")]
        )
    return found


def batch_lines(batch: BatchView) -> list[Line]:
    """Return the jobs of a batch, each with its problems."""
    found: list[Line] = []
    shown = ("hold", "ask", "note") if len(batch.jobs) < NOTES_BELOW else ("hold", "ask")
    for view in batch.jobs[:SHOWN]:
        client = view.client.name if view.client else "(not among the clients)"
        dates = fixed(f"  {formatting.day(view.start)} – {formatting.day(view.due)}", "muted")
        mark = MARKS[view.goes + view.goes_anyway]
        found.append([mark, span(view.name or "(no name)", "strong"), span(f"  {client}"), dates])
        found += problem_lines(view.problems, shown)
    if len(batch.jobs) > SHOWN:
        found.append([fixed(f"… and {len(batch.jobs) - SHOWN:,} more", "muted")])
    return found
