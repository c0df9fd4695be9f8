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

ANSWERS = {"d": "jobs.deploy", "e": "jobs.edit", "t": "jobs.retry", "i": "jobs.skip", "o": "jobs.address"}
COLUMNS = 68
"""The width of the confirmation at 80 columns, without its scrollbar."""
SHOWN = 300
"""The most jobs of a batch that are listed one by one."""

FEW = 5
"""Below this number of jobs, each is listed with its notes."""
MARKS = (fixed("■ ", "bad"), fixed("? ", "warn"), fixed("● ", "good"))
"""The marks of a job that is blocked, that needs a confirmation, and that is created."""

DeployAnswer = Literal["", "go", "anyway"]

_SENT = tuple((code, f"{label.text}: {label.help}") for code, label in DECISIONS.items())


class JobCommands(FilteredArea):
    """The commands of the Jobs area; the subclass says which job is selected."""

    @property
    def job(self) -> JobRowView | None:
        """The selected job of ours."""
        raise NotImplementedError

    @property
    def current(self) -> XpmJobView | None:
        """The selected job of XPM."""
        raise NotImplementedError

    @property
    def listed(self) -> Sequence[JobRowView]:
        """All jobs in the list."""
        raise NotImplementedError

    def read(self, title: str, text: list[Line], *, job: str = "") -> None:
        """Show all of a job; the key of a command runs it for ``job``."""

        def answered(name: str | None) -> None:
            if not name:
                return
            if self.job is None or self.job.id != job:
                # The list has changed meanwhile, but a command is about the selected job.
                self.host.toast(f"{title} is no longer in this list: nothing was done.", "warning")
                return
            self.action_run_command(name)

        self.app.push_screen(JobDialog(title, text, acts=bool(job)), answered)

    def do_jobs_preview(self) -> None:
        """Show all of the selected job."""
        if (view := self.job) is not None:
            self.host.work(lambda: self.open_job(view.id), "open", exclusive=True, node=self)

    async def open_job(self, job: str) -> None:
        """Open a job with all its lines for reading."""
        shown: PreviewView = (await self.host.run_named("jobs.preview", {"job": job})).value
        self.read(shown.name, all_lines(shown), job=job)

    # -- deploy, try again ----------------------------------------------------------------------------------

    def do_jobs_deploy(self) -> None:
        """Create the selected job, or all of a kind, after showing them."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._choose_deploy(view), "deploy", exclusive=True, node=self)

    async def _choose_deploy(self, view: JobRowView) -> None:
        of = await self.host.worker.ask(deployment.jobs_of_proposal, view.proposal)
        together = ("All of this proposal, one for each workflow", tuple(each.id for each in of))
        ids = await self._ask_which(view, [*_kinds(self.listed, view.state), together], "deploy")
        if ids:
            await self._review_and_run(ids, "Deploy", "jobs.deploy")

    def do_jobs_retry(self) -> None:
        """Retry the selected job, all with the same cause, or all that are stopped."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._choose_retry(view), "retry", exclusive=True, node=self)

    async def _choose_retry(self, view: JobRowView) -> None:
        if view.cause == "unknown":
            if await self._resolve_unanswered(view):
                await self._review_and_run([view.id], "Try again", "jobs.retry")
            return

        def read(practice: OpenPractice) -> list[tuple[str, tuple[str, ...]]]:
            same = deployment.jobs_of_cause(practice, view.cause) if view.cause else ()
            still = deployment.jobs_of_cause(practice)
            return [
                (f"All with this cause ({view.cause})", same),
                ("All that are held, failed or unfinished", still),
            ]

        ids = await self._ask_which(view, await self.host.worker.ask(read), "try again")
        if ids:
            await self._review_and_run(ids, "Try again", "jobs.retry")

    async def _ask_which(
        self, view: JobRowView, kinds: Sequence[tuple[str, tuple[str, ...]]], verb: str
    ) -> Sequence[str]:
        """Ask whether a command is for the selected job, or for one of the kinds with more jobs."""
        more = [(words, ids) for words, ids in kinds if set(ids) - {view.id}]
        more = [each for at, each in enumerate(more) if each[1] not in [ids for _, ids in more[:at]]]
        if not more:
            return [view.id]
        choices = [("", f"This one: {view.name}")]
        for at, (words, ids) in enumerate(more):
            choices.append((str(at), f"{words}: {formatting.count(len(ids), 'job')}"))
        box = ChoiceDialog(f"Which jobs do you want to {verb}?", choices, title="Jobs")
        picked: str | None = await self.app.push_screen_wait(box)
        if picked is None:
            return []
        return more[int(picked)][1] if picked else [view.id]

    async def _resolve_unanswered(self, view: JobRowView) -> bool:
        """Ask for the outcome of a write without an answer; return whether the command can continue."""
        title = "No answer"
        choice: Any = await self.app.push_screen_wait(ChoiceDialog(f"{view.why}\n", _SENT[::-1], title=title))
        if choice is None:
            return False
        number = ""
        if choice == "adopt" and not view.number:
            asked = InputDialog("The number of the job in XPM, for example J000412:", title=title)
            number = await self.app.push_screen_wait(asked) or ""
            if not number:
                return False
        settled = {"jobs": (view.id,), "sent": choice, "job": number, "wait": True}
        row: JobRowView = (await self.host.run_named("jobs.retry", settled)).value
        await self.host.refresh_status()
        return row.state != "skipped"

    async def _review_and_run(self, ids: Sequence[str], title: str, command: str) -> None:
        """Show what the command would do; the answer also answers what the command would ask."""
        jobs = {"jobs": tuple(ids)}
        batch: BatchView = (await self.host.run_named(command, {**jobs, "dry_run": True})).value
        answer = await self.app.push_screen_wait(DeployReview(batch, title))
        if answer:
            agreed = {**jobs, "yes": True, "anyway": answer == "anyway"}
            _, run = await self.host.start_command(command, agreed, asks=False)
            self.host.show_run(run)

    def do_jobs_redeploy(self) -> None:
        """Look up in XPM whether the job is missing; if so, show it for creation like any other."""
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
        """Edit the fields of the job; a rejected value is reported below its field."""
        if (view := self.job) is not None:
            self.host.work(lambda: self._edit(view), "edit", exclusive=True, node=self)

    async def _edit(self, view: JobRowView) -> None:
        worker = self.host.worker
        fields = await worker.ask(job_editing.values, view.id)
        about = EDITING if view.repeats == "once" else f"{EDITING} It changes all future jobs."
        shown = [
            EditField(
                each.name,
                each.label,
                each.value,
                _options(each),
                each.help,
                is_date=each.name in DATES,
                typed=each.typed,
            )
            for each in fields
        ]

        def read(practice: OpenPractice) -> dict[str, str]:
            return {each.name: each.value for each in job_editing.values(practice, view.id)}

        sheet = EditSheet(f"Edit {view.name}", about, shown, read=read)
        command = by_name("jobs.edit")

        async def save(changed: tuple[str, ...]) -> str:
            result, _ = await self.host.run_command(command, params_of(command, {"job": view.id}, changed))
            return f"{view.workflow}: {', '.join(parse_edits(changed))} edited. {result.value.effect}"

        given = await edit_until_accepted(self.host, sheet, save)
        if given is not None:
            await self.host.refresh_status()
            self.host.toast(given)

    def do_jobs_skip(self) -> None:
        """Skip the job, or undo that with the same key."""
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


DATES = frozenset({"start", "due", "until"})
EDITING = (
    "Possible until it is in XPM. 'default' follows the proposal and the settings again; empty means none."
)


def _kinds(listed: Sequence[JobRowView], here: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the jobs of a list that can be created together, by state.

    Jobs that are not due are included only if the selected one is not due either.
    """
    kinds = (
        (f"All shown that are {state}", tuple(view.id for view in listed if view.state == state))
        for state in ("due", "missed", "coming")
        if state != "coming" or here == state
    )
    return [(words, ids) for words, ids in kinds if ids]


def _options(view: job_editing.FieldView) -> list[tuple[str, str]]:
    """Return the options of a field; empty if it is free text."""
    if view.options:
        return list(view.options)
    known = {"automatic": {"yes": "Yes", "no": "No"}, "repeat": REPEATS}.get(view.name, {})
    rest = [] if view.value in known or not known else [(view.value, view.value)]
    return [*rest, *known.items()]


class JobDialog(TextDialog[str]):
    """All of one job. The result is the name of the command whose key was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take({name!r})", show=False) for key, name in ANSWERS.items()),
        Binding("enter", "leave", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, title: str, text: list[Line], *, acts: bool = False) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(title)
        self._text = text
        self._commands = acts

    def box(self) -> ComposeResult:
        """Compose the lines, and what can be done."""
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(self._text))
        does = ("d creates", "e edits", "t tries again", "i skips", "o address") if self._commands else ()
        yield KeyHint("esc closes", *does, "y copies")

    def action_take(self, name: str) -> None:
        """Close the dialog with this command as the result."""
        if self._commands:
            self.dismiss(name)

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard("\n".join("".join(piece.text for piece in line) for line in self._text))


class DeployReview(TextDialog[DeployAnswer]):
    """What would be created and with how many calls; the safe button has the focus."""

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
        """Return whether anything would be created."""
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
    """Return the consequences of the batch in words and numbers."""
    found: list[Line] = []
    if not batch.consequences.changes:
        found.append([fixed("No job can be created as it is.", "warn")])
    found += confirmation_lines(consequence_lines(batch.consequences), COLUMNS)
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
    """Return each job with its problems."""
    found: list[Line] = []
    weights = ("hold", "ask", "note") if len(batch.jobs) < FEW else ("hold", "ask")
    for view in batch.jobs[:SHOWN]:
        client = view.client.name if view.client else "(not among the clients)"
        dates = fixed(f"  {formatting.day(view.start)} – {formatting.day(view.due)}", "muted")
        mark = MARKS[view.goes + view.goes_anyway]
        found.append([mark, span(view.name or "(no name)", "strong"), span(f"  {client}"), dates])
        found += problem_lines(view.problems, weights)
    if len(batch.jobs) > SHOWN:
        found.append([fixed(f"… and {len(batch.jobs) - SHOWN:,} more", "muted")])
    return found
