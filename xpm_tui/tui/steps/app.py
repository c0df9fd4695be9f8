"""The app at Xero: its client id, what Xero attached to it, where it sends the browser back to."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from xpm_tui.model.errors import Trouble
from xpm_tui.service.connect.connection import Connecting
from xpm_tui.service.connect.steps import Step
from xpm_tui.settings.schema import entry
from xpm_tui.tui.plain import show
from xpm_tui.tui.steps.pane import Pane, button
from xpm_tui.tui.widgets.field import Field

FIELDS = (
    ("xero.client_id", "Client id"),
    ("xero.client_secret", "Secret (web app only)"),
    ("xero.scopes", "Scopes"),
    ("xero.redirect_port", "Redirect port"),
)


class AppPane(Pane):
    """Four fields; only the first has to be filled."""

    STEP = "app"
    INTRO = (
        "Register an app at developer.xero.com (type: mobile or desktop, PKCE) with the redirect "
        "address below, "
        "and ask Xero to attach Practice Manager to it. Scopes: granular, broad, both, read-only, or "
        "their names."
    )

    def __init__(self) -> None:
        super().__init__()
        self._fields = {
            key: Field(password=entry(key).secret, placeholder=str(entry(key).kind.words))
            for key, _ in FIELDS
        }

    def body(self) -> ComposeResult:
        """Label and field, four times."""
        for key, label in FIELDS:
            with Horizontal(classes="field"):
                yield Static(show(label), classes="label")
                yield self._fields[key]
        with Horizontal(classes="buttons"):
            yield button("Save and go on", "save")

    def begin(self, step: Step) -> None:
        """Fill in what is known; a secret stays hidden."""
        settings = self.host.desk.practice.settings
        for key, field in self._fields.items():
            field.value = "" if entry(key).secret else settings.item(key).shown
        self.focus_first()

    @on(Field.Submitted)
    def _entered(self, event: Field.Submitted) -> None:
        event.stop()
        if event.input is list(self._fields.values())[-1]:
            self.query_one("#save", Button).press()
        else:
            self.screen.focus_next()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        settings = self.host.desk.practice.settings
        values = {
            key: field.value.strip()
            for key, field in self._fields.items()
            if field.value.strip() and field.value.strip() != settings.item(key).shown
        }

        def keep(connecting: Connecting) -> None:
            connecting.app(values)

        try:
            await self.wizard.ask(keep)
        except Trouble as trouble:
            self.complain(trouble)
            return
        self.settled()
