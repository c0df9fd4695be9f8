"""The commands of the Jobs area: they show what would be done, ask, and follow the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpm_tui.application.jobs import deployment
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.jobs.deployment import BatchView
from xpm_tui.application.jobs.queries import XpmJobView
from xpm_tui.application.jobs.views import JobRowView, PreviewView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.parameter_labels import REPEATS
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.labels import DECISIONS
from xpm_tui.tui.app_protocol import EditField, EditSheet
from xpm_tui.tui.dialogs.dialog import ChoiceDialog, InputDialog
from xpm_tui.tui.dialogs.edit import edit_until_accepted, params_of, parse_edits
from xpm_tui.tui.dialogs.screen_dialogue import ProgressDialog, wait_for_work
from xpm_tui.tui.screens.base import FilteredArea
from xpm_tui.tui.screens.job_dialogs import DeployReview, JobDialog
from xpm_tui.tui.widgets.cells import Line
from xpm_tui.tui.widgets.job_lines import all_lines

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
        fields = await worker.ask(job_editing.editable_fields, view.id)
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
            return {each.name: each.value for each in job_editing.editable_fields(practice, view.id)}

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
