"""The wizard's required steps besides the sign-in: permission, app, practice, and direction.

The permission is a question, because it cannot be read without a login. A single practice is chosen
automatically; one that differs from the practice before must be confirmed by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Button, Static

from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.connection_steps import ANSWERS, GRANT, Advice, Answer, ConnectionStep
from xpm_tui.application.status.requirement_check import CheckedRequirement, check_requirements
from xpm_tui.diagnostics.connection_requirements import BY_NAME, FOOTER, HEADING
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain import formatting
from xpm_tui.domain.errors import AppError, CaseId, DecisionNeeded
from xpm_tui.domain.labels import DIRECTIONS, LEVELS
from xpm_tui.domain.xpm import Tenant
from xpm_tui.settings.schema import entry
from xpm_tui.tui.dialogs.dialog import InputDialog
from xpm_tui.tui.widgets.cells import Line, Look, fixed, lines, show, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.text import StaticText
from xpm_tui.tui.wizard.step_pane import AnswerRows, StepPane, button


class PracticePane(StepPane):
    """The choice of the practice, with a button for each; then its lists are read."""

    STEP = "practice"
    MESSAGE_FIRST = True
    INTRO = "Its clients, staff, templates and jobs are read once."

    def __init__(self) -> None:
        super().__init__()
        self._list = Vertical(classes="choices")
        self._tenants: tuple[Tenant, ...] = ()

    def body(self) -> ComposeResult:
        """Compose the list of practices, and the button to continue with the connected one."""
        yield self._list
        with Horizontal(classes="buttons after"):
            yield button("Continue", "go-on")

    def prepare(self, step: ConnectionStep) -> None:
        """Load the practices to which the login gives access."""
        self.host.work(lambda: self._show_choices(step), "practice", exclusive=True, node=self)

    async def _show_choices(self, step: ConnectionStep) -> None:
        self._tenants = await self.wizard.ask(lambda connecting: connecting.tenants)
        await self._list.remove_children()
        is_done = step.state == "done"
        self.query_one(".after").display = is_done
        if len(self._tenants) == 1 and not is_done:
            await self._choose(self._tenants[0])
            return
        await self._offer()
        if is_done:
            self.query_one("#go-on").focus()

    async def _offer(self) -> None:
        """Show a button for each practice of the login."""
        await self._list.remove_children()
        for place, tenant in enumerate(self._tenants):
            label = show(f"{tenant.name or 'without a name'}   {tenant.tenant_id}")
            await self._list.mount(Button(label, id=f"tenant-{place}", classes="wide"))
        self.focus_first()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "go-on":
            self.finish()
            return
        place = int((event.button.id or "tenant-0").partition("-")[2])
        self.host.work(lambda: self._choose(self._tenants[place]), "practice", exclusive=True, node=self)

    async def _choose(self, tenant: Tenant, confirm: str = "") -> None:
        try:
            await self.wizard.ask_async(
                partial(ConnectionMachine.choose, tenant=tenant.tenant_id, confirm=confirm)
            )
        except DecisionNeeded as error:
            if error.case is not CaseId.WRONG_PRACTICE or confirm:
                await self._offer_again(error)
                return
            question = "\n\n".join(present(error).lines()[:2])
            typed = await self.app.push_screen_wait(
                InputDialog(question, title="A different practice from before")
            )
            if typed:
                await self._choose(tenant, typed)
            else:
                await self._offer()
            return
        except AppError as error:
            await self._offer_again(error)
            return
        await self._read_lists()

    async def _offer_again(self, error: AppError) -> None:
        """Show an error, and the practices, so that one can be chosen or read again."""
        await self._offer()
        self.show_error(error)

    async def _read_lists(self) -> None:
        self._show_message("Connected. Reading clients, staff, templates and jobs …")
        try:
            read = await self.wizard.ask_async(ConnectionMachine.fill)
        except AppError as error:
            await self._offer_again(error)
            return
        self.host.log_named("connect", {})
        self.host.toast(f"Read {formatting.count(read.clients, 'client')} from XPM.")
        self.finish()


class DirectionPane(StepPane):
    """The choice of the direction and of what to sync. It writes nothing to Ignition or XPM."""

    STEP = "direction"
    INTRO = (
        "Where the two differ, the master's value overwrites the other. You see every change before it is "
        "applied."
    )

    def __init__(self) -> None:
        super().__init__()
        self._direction = AnswerRows(DIRECTIONS)
        self._level = AnswerRows(LEVELS)

    def body(self) -> ComposeResult:
        """Compose the two choices and the button to continue."""
        yield self._direction
        yield Static(show("What should be synced?", "bold"), classes="label after")
        yield self._level
        with Horizontal(classes="buttons"):
            yield button("Save and continue", "go-on")

    def prepare(self, step: ConnectionStep) -> None:
        """Select the current policy and focus the button to continue."""
        self._facts.display = False  # the choices below show the same
        policy = self.host.worker.practice.policy()
        self._direction.choose(policy.direction)
        self._level.choose(policy.level)
        self.query_one("#go-on").focus()

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.host.work(lambda: self._save(), "direction", exclusive=True, node=self)

    async def _save(self) -> None:
        chosen = {"direction": self._direction.chosen, "level": self._level.chosen}
        result = await self.host.run_named("policy.set", chosen)
        if result.declined:
            self.host.toast("\n".join(result.lines))
        else:
            self.finish()


class PermissionPane(StepPane):
    """The question of what the user sees in XPM, with the steps that give the permission."""

    STEP = "permission"
    MESSAGE_FIRST = True
    INTRO = (
        f"{BY_NAME['tier'].short}: see the list below. The person who signs in needs a permission in XPM; "
        "without it, Xero offers no practice. What do you see on that person's staff record in XPM?"
    )

    def __init__(self) -> None:
        super().__init__()
        self._path = StaticText(classes="path")
        self._requirements = StaticText(classes="path")
        self._answers: dict[str, Answer] = {f"answer-{name}": name for name in ANSWERS}

    def body(self) -> ComposeResult:
        """Compose the answers above the steps, where they are always visible."""
        self._path.update(permission_steps(GRANT))
        with Horizontal(classes="buttons"):
            for name, answer in self._answers.items():
                yield button(ANSWERS[answer], name)
        with Horizontal(classes="buttons after"):
            yield button("Continue", "go-on")
        yield self._path
        yield self._requirements

    def on_mount(self) -> None:
        """Hide the button to continue until there is advice."""
        self.query_one(".after").display = False

    def prepare(self, step: ConnectionStep) -> None:
        """Show the requirements of a connection, each with how it was determined."""
        super().prepare(step)
        self.host.work(lambda: self._show_requirements(), "requirements", exclusive=True, node=self)

    async def _show_requirements(self) -> None:
        found = await self.host.worker.ask(check_requirements)
        self._requirements.update(requirement_lines(found))

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        answer = self._answers.get(event.button.id or "")
        if answer is None:
            self.finish()
            return

        advice = await self.wizard.ask(partial(ConnectionMachine.permission, answer=answer))
        if answer == "ticked":
            self.finish()
            return
        self._path.update(permission_steps(advice))
        self.query_one(".after").display = True
        self.query_one("#go-on").focus()
        self.scroll_home(animate=False)


def permission_steps(advice: Advice) -> Content:
    """Return the advice, then the steps in XPM's new and in its old screens, each on its line."""
    found: list[Line] = [[fixed(advice.sentence, "warn")]] if advice.sentence else []
    for title, path in (("XPM's new screens", advice.path), ("XPM's old screens", advice.old_path)):
        found += [[fixed(title, "muted")]] if path else []
        found += [[fixed(f" {place}  ", "accent"), span(step)] for place, step in enumerate(path, 1)]
    return lines(found)


def requirement_lines(found: Sequence[CheckedRequirement]) -> Content:
    """Return the requirements, each with its mark on its line, and when their public sources were read."""
    rows: list[Line] = [[fixed(HEADING, "muted")]]
    for each in found:
        label = each.label
        look: Look = "bad" if each.met is False else "good" if each.mark == "checked" else "warn"
        rows.append([fixed(f" {label.glyph} {label.text:<8} ", look), fixed(each.requirement.short)])
    rows.append([fixed(FOOTER, "muted")])
    return lines(rows)


APP_SETTINGS = ("xero.client_id", "xero.client_secret", "xero.scopes", "xero.redirect_port")
"""The settings of the app, in the order of the form."""


class AppPane(StepPane):
    """The settings of the Xero app, of which only the client id is required."""

    STEP = "app"
    INTRO = (
        "Register an app at developer.xero.com (type: mobile or desktop, PKCE) with the redirect address "
        "below, and ask Xero to attach Practice Manager to it. Then enter its client id here."
    )

    def __init__(self) -> None:
        super().__init__()
        self._fields = {
            key: TextField(password=entry(key).secret, placeholder=str(entry(key).kind.words))
            for key in APP_SETTINGS
        }
        self._help = StaticText(classes="intro")

    def body(self) -> ComposeResult:
        """Compose a label and a field for each setting."""
        for key in APP_SETTINGS:
            with Horizontal(classes="field"):
                yield Static(show(entry(key).label), classes="label")
                yield self._fields[key]
        yield self._help
        with Horizontal(classes="buttons"):
            yield button("Save and continue", "save")

    def prepare(self, step: ConnectionStep) -> None:
        """Fill in the current settings; a secret stays hidden."""
        settings = self.host.worker.practice.settings
        for key, field in self._fields.items():
            field.value = "" if entry(key).secret else settings.item(key).shown
        self.focus_first()

    def is_edited(self) -> bool:
        """Return whether a field was edited and not saved."""
        return bool(self._changed())

    def _changed(self) -> dict[str, str]:
        settings = self.host.worker.practice.settings
        return {
            key: field.value.strip()
            for key, field in self._fields.items()
            if field.value.strip() and field.value.strip() != settings.item(key).shown
        }

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        key = next((key for key, field in self._fields.items() if field is event.widget), "")
        self._help.update(show(entry(key).help if key else "", "", 400))

    @on(TextField.Submitted)
    def _entered(self, event: TextField.Submitted) -> None:
        event.stop()
        if event.input is list(self._fields.values())[-1]:
            self.query_one("#save", Button).press()
        else:
            self.screen.focus_next()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        values = self._changed()

        try:
            await self.wizard.ask(partial(ConnectionMachine.app, values=values))
        except AppError as error:
            self.show_error(error)
            return
        for key, value in values.items():
            self.host.log_named("settings.set", {"key": key, "value": value})
        self.finish()
