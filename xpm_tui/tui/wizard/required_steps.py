"""The wizard's steps for choosing the practice, and for the direction and what to sync.

A single practice is chosen automatically. A practice other than before must be confirmed by its name.

The wizard's steps for the user's permission in XPM and for the app at Xero.

The permission is a checklist, because it cannot be read without a login.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Button, Static

from xpm_tui.application.connection.state_machine import ConnectionMachine
from xpm_tui.application.connection.steps import ANSWERS, GRANT, Advice, Answer, ConnectionStep
from xpm_tui.application.practice import PracticeIdentity
from xpm_tui.application.runs.xpm_refresh import RefreshResult
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
    """A button per practice; after the choice, its lists are read."""

    STEP = "practice"
    INTRO = "Its clients, staff, templates and jobs are read once."

    def __init__(self) -> None:
        super().__init__()
        self._list = Vertical(classes="choices")
        self._tenants: tuple[Tenant, ...] = ()

    def body(self) -> ComposeResult:
        """Compose the list of practices."""
        yield self._list

    def begin(self, step: ConnectionStep) -> None:
        """Load the practices to which the login gives access."""
        self.host.work(lambda: self._offer(step), "practice", exclusive=True, node=self)

    async def _offer(self, step: ConnectionStep) -> None:
        def tenants(connecting: ConnectionMachine) -> tuple[Tenant, ...]:
            return connecting.tenants

        self._tenants = await self.wizard.ask(tenants)
        await self._list.remove_children()
        if step.state == "done" and not self._tenants:
            return
        if len(self._tenants) == 1:
            await self._choose(self._tenants[0])
            return
        await self._list.mount(
            *(
                Button(
                    show(f"{t.name or 'without a name'}   {t.tenant_id}"),
                    id=f"tenant-{place}",
                    classes="wide",
                )
                for place, t in enumerate(self._tenants)
            )
        )
        self.focus_first()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        place = int((event.button.id or "tenant-0").partition("-")[2])
        self.host.work(lambda: self._choose(self._tenants[place]), "practice", exclusive=True, node=self)

    async def _choose(self, tenant: Tenant, confirm: str = "") -> None:
        async def choose(connecting: ConnectionMachine) -> PracticeIdentity:
            return await connecting.choose(tenant.tenant_id, confirm=confirm)

        try:
            await self.wizard.ask_async(choose)
        except DecisionNeeded as held:
            if held.case is not CaseId.WRONG_PRACTICE or confirm:
                self.complain(held)
                return
            typed = await self.app.push_screen_wait(
                InputDialog("\n\n".join(present(held).lines()[:2]), title="A different practice from before")
            )
            if typed:
                await self._choose(tenant, typed)
            return
        except AppError as error:
            self.complain(error)
            return
        await self._fill()

    async def _fill(self) -> None:
        self._say("Connected. Reading clients, staff, templates and jobs …")

        async def fill(connecting: ConnectionMachine) -> RefreshResult:
            return await connecting.fill()

        try:
            read = await self.wizard.ask_async(fill)
        except AppError as error:
            self.complain(error)
            return
        self.host.log_named("connect", {})
        self.host.toast(f"Read {formatting.count(read.clients, 'client')} from XPM.")
        self.settled()


class DirectionPane(StepPane):
    """The choice of the direction and of what to sync. Choosing writes nothing to Ignition or XPM."""

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

    def begin(self, step: ConnectionStep) -> None:
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
            self.settled()


class PermissionPane(StepPane):
    """Asks what the user sees in XPM, and shows where to click."""

    STEP = "permission"
    INTRO = (
        f"{BY_NAME['tier'].short}: see the list below. The person who signs in needs a permission in XPM; "
        "without it, Xero offers no practice. What do you see on that person's staff record in XPM?"
    )

    def __init__(self) -> None:
        super().__init__()
        self._path = StaticText(classes="path")
        self._needed = StaticText(classes="path")
        self._answers: dict[str, Answer] = {f"answer-{name}": name for name in ANSWERS}

    def body(self) -> ComposeResult:
        """Compose the three answers above the steps, so that the buttons always stay visible."""
        self._path.update(permission_steps(GRANT))
        with Horizontal(classes="buttons"):
            for name, answer in self._answers.items():
                yield button(ANSWERS[answer], name)
        with Horizontal(classes="buttons after"):
            yield button("Continue", "go-on")
        yield self._path
        yield self._needed

    def on_mount(self) -> None:
        """Hide the button to continue until there is advice."""
        self.query_one(".after").display = False

    def begin(self, step: ConnectionStep) -> None:
        """Show the requirements of a connection, each with how it was determined."""
        super().begin(step)
        self.host.work(lambda: self._show_needed(), "requirements", exclusive=True, node=self)

    async def _show_needed(self) -> None:
        found = await self.host.worker.ask(check_requirements)
        self._needed.update(requirement_lines(found))

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        answer = self._answers.get(event.button.id or "")
        if answer is None:
            self.settled()
            return

        def tell(connecting: ConnectionMachine) -> Advice:
            return connecting.permission(answer)

        advice = await self.wizard.ask(tell)
        if answer == "ticked":
            self.settled()
            return
        self._path.update(permission_steps(advice))
        self.query_one(".after").display = True
        self.query_one("#go-on").focus()
        self.scroll_home(animate=False)


def permission_steps(advice: Advice) -> Content:
    """Return the meaning of an answer, then the steps in XPM's new and old screens, one click per line."""
    found: list[Line] = [[fixed(advice.sentence, "warn")]] if advice.sentence else []
    for title, path in (("XPM's new screens", advice.path), ("XPM's old screens", advice.old_path)):
        found += [[fixed(title, "muted")]] if path else []
        found += [[fixed(f" {place}  ", "accent"), span(step)] for place, step in enumerate(path, 1)]
    return lines(found)


def requirement_lines(found: Sequence[CheckedRequirement]) -> Content:
    """Return the requirements, one line each with its mark, and when their public sources were read."""
    rows: list[Line] = [[fixed(HEADING, "muted")]]
    for each in found:
        label = each.label
        look: Look = "bad" if each.met is False else "good" if each.mark == "checked" else "warn"
        rows.append([fixed(f" {label.glyph} {label.text:<8} ", look), fixed(each.requirement.short)])
    rows.append([fixed(FOOTER, "muted")])
    return lines(rows)


FIELDS = ("xero.client_id", "xero.client_secret", "xero.scopes", "xero.redirect_port")
"""The settings of the app, in the order of the form."""


class AppPane(StepPane):
    """The settings of the app; only the client id is required."""

    STEP = "app"
    INTRO = (
        "Register an app at developer.xero.com (type: mobile or desktop, PKCE) with the redirect address "
        "below, and ask Xero to attach Practice Manager to it. Then enter its client id here."
    )

    def __init__(self) -> None:
        super().__init__()
        self._fields = {
            key: TextField(password=entry(key).secret, placeholder=str(entry(key).kind.words))
            for key in FIELDS
        }
        self._help = StaticText(classes="intro")

    def body(self) -> ComposeResult:
        """Compose a label and a field for each setting."""
        for key in FIELDS:
            with Horizontal(classes="field"):
                yield Static(show(entry(key).label), classes="label")
                yield self._fields[key]
        yield self._help
        with Horizontal(classes="buttons"):
            yield button("Save and continue", "save")

    def begin(self, step: ConnectionStep) -> None:
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

        def keep(connecting: ConnectionMachine) -> None:
            connecting.app(values)

        try:
            await self.wizard.ask(keep)
        except AppError as error:
            self.complain(error)
            return
        for key, value in values.items():
            self.host.log_named("settings.set", {"key": key, "value": value})
        self.settled()
