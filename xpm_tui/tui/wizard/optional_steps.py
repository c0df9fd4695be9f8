"""The wizard's steps that can be skipped: clients, team, templates and the first plan."""

from __future__ import annotations

import os
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from xpm_tui.application.connection import ConnectionMachine, copy_line
from xpm_tui.application.connection_steps import ConnectionStep
from xpm_tui.application.jobs import templates
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.team import links as team
from xpm_tui.application.team.links import StaffPick
from xpm_tui.commands import team as team_commands
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.errors import AppError
from xpm_tui.settings.kinds import SETTING_CHOICES
from xpm_tui.tui.dialogs.form import build
from xpm_tui.tui.dialogs.screen_dialogue import accept_emails, accept_same_names
from xpm_tui.tui.widgets.cells import Line, fixed, lines, show, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import StaticText
from xpm_tui.tui.wizard.step_pane import AnswerRows, StepPane, button

EXAMPLE_FILE = "clients.csv"
"""The name of the client file in the example."""


class SkippablePane(StepPane):
    """A step that can be skipped."""

    async def skip(self) -> None:
        """Skip the step."""
        await self.wizard.ask(partial(ConnectionMachine.skip, name=self.STEP))
        self.finish()

    def offer_skip(self, sentence: str) -> None:
        """Show what was not done, and focus the button that skips the step: enter must not ask again."""
        self._show_message(sentence)
        self.query_one("#later", Button).focus()

    async def show_again(self) -> None:
        """Show the step again, because a part of it was done."""
        await self.host.refresh_status()
        await self.wizard.show(self.STEP)


class ClientsPane(SkippablePane):
    """The choice of where clients come from: Ignition's client file, XPM, or the inbox."""

    STEP = "clients"
    INTRO = (
        "The CSV file of Ignition's bulk export is best, because it has Ignition's ids. Or bring the clients "
        "in from XPM. You see what happens before anything is changed."
    )

    def __init__(self) -> None:
        super().__init__()
        self._path = TextField(placeholder="path of Ignition's client CSV file on this machine")
        self._copy = StaticText(classes="copy")

    def body(self) -> ComposeResult:
        """Compose the field for the file, and the buttons."""
        yield self._path
        yield self._copy
        with Horizontal(classes="buttons"):
            yield button("Import the file", "import")
            yield button("Bring in from XPM", "pick")
            yield button("Inbox", "inbox")
            yield button("Skip for now", "later")

    def prepare(self, step: ConnectionStep) -> None:
        """Focus the file field; if clients exist already, focus the button to continue."""
        command = copy_line(self.host.environ, EXAMPLE_FILE)
        rows: list[Line] = [
            [fixed("If the file is on your own computer, run this there, with its name:")],
            [fixed("  "), span(command, "accent")],
            [fixed("Then type "), span(f"~/{EXAMPLE_FILE}", "strong"), fixed(" above.")],
        ] if command else []  # fmt: skip
        folder = self.host.worker.practice.settings.text("inbox.folder")
        inbox = (
            "Inbox imports what is in " if folder else "Inbox is a folder to which Zapier or SFTP delivers"
        )
        rows.append(
            [fixed(inbox), span(folder, "strong")] if folder else [fixed(f"{inbox} Ignition's files.")]
        )
        self._copy.update(lines(rows))
        if step.state == "done":
            self.query_one("#later", Button).label = "Continue"
            self.query_one("#later").focus()
        else:
            self.focus_first()

    @on(TextField.Submitted)
    def _entered(self, event: TextField.Submitted) -> None:
        event.stop()
        self.query_one("#import", Button).press()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {"import": self._import, "pick": self._pick, "inbox": self._inbox}
        action = actions.get(event.button.id or "", self.skip)
        self.host.work(action, "clients", exclusive=True, node=self)

    async def _import(self) -> None:
        if not self._path.value.strip():
            self.offer_skip("Type the path of the file above, or skip this step for now.")
            return
        command = by_name("import.clients")
        try:
            result, messages = await self.host.run_command(
                command, build(command, {"file": os.path.expanduser(self._path.value.strip())})
            )
        except AppError as error:
            self.show_error(error)
            return
        if result.declined:
            self.offer_skip("Nothing was imported.")
            return
        self.host.show_result(command, result, messages)
        self.finish()

    async def _pick(self) -> None:
        self._show_message("Comparing XPM's clients with yours …")
        try:
            result = await self.host.run_named("clients.pick", {"all": True}, title="Bring in from XPM")
        except AppError as error:
            self.show_error(error)
            return
        if result.declined:
            self.offer_skip("Nothing was brought in.")
            return
        self.host.picked(result.value)
        self.finish()

    async def _inbox(self) -> None:
        """Import the files in the inbox; if there is no inbox, ask for its folder."""
        if not self.host.worker.practice.settings.text("inbox.folder"):
            self.host.perform(by_name("inbox.setup"), {}, start={"folder": "~/inbox"}, after=self._show_again)
            return
        command = by_name("inbox.run")
        try:
            result, messages = await self.host.run_command(command, build(command, {}), title=command.title)
        except AppError as error:
            self.show_error(error)
            return
        self.host.show_result(command, result, messages)
        if result.data["count"]:
            self.finish()
        else:
            self.offer_skip("Nothing has come in yet: the scheduled sync imports it when it does.")

    def _show_again(self) -> None:
        self.host.work(lambda: self.show_again(), "clients", node=self)


class TeamPane(SkippablePane):
    """The choice of how the team is linked: by e-mail, or by adding XPM's staff to it."""

    STEP = "team"
    INTRO = (
        "Partner and manager of a client are synced only if the person is linked. Bringing in XPM's staff "
        "links those with the same e-mail and adds the others as team members without a login. To link "
        "people one by one, use Team (g t)."
    )

    def body(self) -> ComposeResult:
        """Compose the buttons."""
        with Horizontal(classes="buttons"):
            yield button("Accept the e-mail matches", "accept")
            yield button("Bring in XPM's staff", "pick")
            yield button("Skip for now", "later")

    def prepare(self, step: ConnectionStep) -> None:
        """Show the buttons that can link someone, with the number of people."""
        for name in ("accept", "pick"):
            self.query_one(f"#{name}", Button).display = False
        self.query_one("#later", Button).label = "Continue" if step.state == "done" else "Skip for now"
        self.query_one("#later", Button).focus()
        self.host.work(lambda: self._count(step), "team", exclusive=True, node=self)

    async def _count(self, step: ConnectionStep) -> None:
        def count(practice: OpenPractice) -> tuple[int, StaffPick]:
            return len(team.email_matches(practice)), team.preview_pick(practice)

        matches, would = await self.host.worker.ask(count)
        accept, pick = self.query_one("#accept", Button), self.query_one("#pick", Button)
        accept.label = show(f"Link {formatting.count(matches, 'person/people')} by e-mail")
        pick.label = show(f"Bring in XPM's staff ({len(would.members):,})")
        accept.display, pick.display = matches > 0, bool(would.members)
        if would.skipped and not would.members:
            people = formatting.count(len(would.skipped), "person in XPM has/people in XPM have")
            self._show_message(f"{people} a name like someone in your team: decide in Team (g t).")
        if step.state != "done":
            self.focus_first()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        action = {"pick": self._pick, "accept": self._accept}.get(event.button.id or "", self.skip)
        self.host.work(action, "team", exclusive=True, node=self)

    async def _accept(self) -> None:
        if await accept_emails(self.host):
            await self.show_again()
        else:
            self.offer_skip("Nobody was linked.")

    async def _pick(self) -> None:
        try:
            result = await self.host.run_named("team.pick", {"all": True}, title="Bring in XPM's staff")
        except AppError as error:
            self.show_error(error)
            return
        if result.declined:
            self.offer_skip("Nobody was added.")
            return
        picked: StaffPick = result.value
        message = f"{formatting.count(len(picked.members), 'person/people')} linked to XPM."
        for skipped in picked.skipped[:3]:
            message += f"\n{team_commands.skipped_line(skipped)}"
        if len(picked.skipped) > 3:
            more = len(picked.skipped) - 3
            was = formatting.plural(more, "was/were")
            message += f"\n{more:,} more {was} not added: link them in Team (m)."
        self.host.toast(message)
        await self.show_again()
        if not picked.members:
            self.offer_skip("Nobody was added: link the others one by one in Team (g t).")


class TemplatesPane(SkippablePane):
    """The question of whether Ignition creates jobs, and the links by name. Only jobs need this step."""

    STEP = "templates"
    INTRO = (
        "A service names the job templates of XPM from which its jobs are created. Client sync does not need "
        "them. To choose templates one by one, use Templates (g l)."
    )

    def __init__(self) -> None:
        super().__init__()
        self._answer = AnswerRows(SETTING_CHOICES["jobs.ignition_deploys"])

    def compose(self) -> ComposeResult:
        """Compose the question above what is known, because the choice comes first."""
        yield StaticText(show(self.INTRO), classes="intro")
        yield from self.body()
        yield self._facts
        yield self._message
        yield self._steps_button

    def body(self) -> ComposeResult:
        """Compose the question and the buttons."""
        yield self._answer
        with Horizontal(classes="buttons"):
            yield button("Link the same names", "accept")
            yield button("Save and continue", "go-on")
            yield button("Skip for now", "later")

    def prepare(self, step: ConnectionStep) -> None:
        """Select the current answer, and count the links that can be made."""
        self._answer.choose(self.host.worker.practice.settings.text("jobs.ignition_deploys"))
        self.query_one("#accept", Button).display = False
        self._answer.focus()
        self.host.work(lambda: self._count(), "templates", exclusive=True, node=self)

    async def _count(self) -> None:
        matches = await self.host.worker.ask(lambda practice: templates.same_names(practice.snapshot()))
        accept = self.query_one("#accept", Button)
        accept.label = show(f"Link {formatting.count(len(matches), 'service')} by name")
        accept.display = bool(matches)

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.query_one("#go-on", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        action = {"accept": self._accept, "go-on": self._save_and_skip}.get(event.button.id or "", self.skip)
        self.host.work(action, "templates", exclusive=True, node=self)

    async def _accept(self) -> None:
        await self._save()
        if await accept_same_names(self.host):
            await self.show_again()
        else:
            self.offer_skip("No service was linked.")

    async def _save_and_skip(self) -> None:
        await self._save()
        await self.skip()

    async def _save(self) -> None:
        answer, key = self._answer.chosen, "jobs.ignition_deploys"
        if self.host.worker.practice.settings.text(key) != answer:
            await self.host.run_named("settings.set", {"key": key, "value": answer})


class PlanPane(StepPane):
    """The offer to make the first plan, whose review is then opened."""

    STEP = "plan"
    INTRO = (
        "Everything is ready. The first plan shows each change before it is applied: what is linked, what is "
        "overwritten, and why. Nothing is written until you apply it, and it says what cannot be undone."
    )

    def body(self) -> ComposeResult:
        """Compose the buttons."""
        with Horizontal(classes="buttons"):
            yield button("Show the first plan", "plan")
            yield button("Skip for now", "later")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "later":
            self.wizard.dismiss(None)
        else:
            self.host.work(lambda: self._plan(), "plan", exclusive=True, node=self)

    async def _plan(self) -> None:
        self._show_message("Comparing Ignition and XPM …")

        try:
            # XPM's lists have just been read.
            result = await self.host.run_named("plan", {"stored": True})
        except AppError as error:
            self.show_error(error)
            return
        self.wizard.dismiss(result.value.id)
