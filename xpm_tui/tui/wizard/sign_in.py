"""The wizard's sign-in step: the address to open, the redirect listener and the pasted answer.

For the sandbox, its consent page can be answered here as text.
"""

from __future__ import annotations

import re
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.style import Style
from textual.widgets import Button, Static
from textual.worker import Worker

from xpm_tui.application.connection import ConnectionMachine, PendingLogin
from xpm_tui.application.connection_steps import ConnectionStep
from xpm_tui.diagnostics.error_presenter import ErrorView, present
from xpm_tui.domain.errors import AppError, CaseId
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.domain.xpm import Tenant
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.help import ask_symptom
from xpm_tui.tui.widgets.cells import Line, content, fixed, lines, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.text import StaticText
from xpm_tui.tui.wizard.step_pane import StepPane, button

with lazy_imports():
    from xpm_tui.tui.dialogs import consent

_ANSWER = re.compile(r"[?&]?(?:state|code|error)=", re.IGNORECASE)
"""The parameters in an address to which Xero has redirected the browser."""


class RedirectField(TextField):
    """A field for the address at which the browser ended; a complete one that is pasted needs no enter."""

    def _on_paste(self, event: events.Paste) -> None:
        super()._on_paste(event)
        if _ANSWER.search(event.text):
            self.post_message(self.Submitted(self, self.value))


class AuthorisePane(StepPane):
    """Waits for the redirect and for a pasted address; the first valid one is used.

    The result of the last attempt and the field come first, so that both are always visible. A failed attempt
    is followed by a new one at once.
    """

    STEP = "authorise"
    INTRO = "Open this address in a browser on any machine, sign in, and press Allow access:"
    AGAIN = "A new attempt has started. Open this new address, and press Allow access:"

    def __init__(self) -> None:
        super().__init__()
        self._intro = StaticText(content(Shown(self.INTRO)), classes="intro")
        self._address = Static(classes="address")
        self._help = StaticText(classes="ssh")
        self._paste = RedirectField(placeholder="paste the address at which the browser ended up")
        self._begun: PendingLogin | None = None
        self._waiting: Worker[Any] | None = None
        self._asked = False
        self._ended: AppError | None = None
        """Whether the user was asked what the browser shows, because no answer had arrived."""

    def compose(self) -> ComposeResult:
        """Compose the result and the field, then the address, then help."""
        yield self._said
        yield self._out
        yield self._facts
        yield self._paste
        with Horizontal(classes="buttons"):
            yield button("Open the page here", "here")
            yield button("Copy address", "copy")
            yield button("Start again", "again")
            yield button("I see another page", "seen")
        yield self._intro
        yield self._address
        yield self._help

    def begin(self, step: ConnectionStep) -> None:
        """Create a new address, and wait for its answer."""
        sandbox = self.host.worker.practice.sandbox
        done = step.state == "done"
        self._facts.display = done
        self.query_one("#here").display = sandbox
        for widget in (self._paste, self._intro, self._help):
            widget.display = not done
        for name in ("here", "copy"):
            self.query_one(f"#{name}").disabled = done
        if done:
            self._address.update(Content("You are signed in. To sign in again, choose Start again."))
            self.query_one("#again").focus()
            return
        self._start()
        (self.query_one("#here") if sandbox else self._paste).focus()

    def _start(self) -> None:
        self.leave()
        for name in ("here", "copy"):
            self.query_one(f"#{name}").disabled = False
        for widget in (self._paste, self._intro, self._help):
            widget.display = True
        self._facts.display = False
        self._ended = None
        self._waiting = self.host.work(lambda: self._wait(), "authorise", exclusive=True, node=self)

    def leave(self) -> None:
        """Stop waiting, because another step is shown."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def _wait(self) -> None:
        """Wait for a valid answer, in as many attempts as necessary."""
        again = False
        while True:
            try:
                self._begun = await self.wizard.ask(ConnectionMachine.begin)
            # the app's settings are missing, or read-only mode: the user has to act first
            except AppError as error:
                self._waiting = None
                self.complain(error)
                return
            self._draw(self._begun)
            self._intro.update(content(Shown(self.AGAIN if again else self.INTRO)))
            if not again:
                self._say("")
            while (ended := await self._attempt()) is not None:
                self._ended = ended
                self.complain(ended)
                if ended.case is not CaseId.NOTHING_OPENS:
                    break
                # The page may still be open in the browser, so its address stays valid. Xero's error pages
                # never redirect, so only the user can say what the browser shows.
                if not self._asked:
                    self._asked = True
                    self.host.work(lambda: self._ask_symptom(), "seen", exclusive=True, node=self)
            else:
                break
            again = True
        self._waiting = None
        self.settled()

    async def _attempt(self) -> AppError | None:
        """Wait until an answer arrives or the wait times out; return the error, if any."""

        async def wait(connecting: ConnectionMachine) -> tuple[Tenant, ...]:
            return await connecting.wait(
                on_error=self._show_listener_error, on_wrong_line=self._show_paste_error
            )

        try:
            await self.wizard.ask_async(wait)
        except AppError as error:
            return error
        return None

    def _show_paste_error(self, error: AppError) -> None:
        """Show that a pasted address is no answer; the wait continues. Called on the worker thread."""
        self.app.call_later(self.complain, error)

    def _show_listener_error(self, error: AppError) -> None:
        """Show an error of the listener, such as a port in use. Called on the worker thread."""
        self.app.call_later(self._note, error)

    def _note(self, error: AppError) -> None:
        # The result of the last attempt is more important than an error of the listener.
        if self._ended is None:
            self.complain(error)
            return
        self.complain(self._ended)
        self._said.update(lines([*self.outcome(present(self._ended)), *self.outcome(present(error))]))

    def outcome(self, view: ErrorView) -> list[Line]:
        """Return the result in few lines, because the new address must stay visible."""
        found: list[Line] = [[fixed("✗ ", "bad"), span(view.message, "bad")]]
        if view.hint:
            found.append([fixed("→ ", "accent"), span(view.hint)])
        return found

    def _in_sight(self) -> None:
        self.scroll_home(animate=False)

    def _draw(self, begun: PendingLogin) -> None:
        # Shown in full as plain text, so that it can be selected; OSC 8 also makes it a link.
        self._address.update(Content.styled(visible(begun.url, 4000), Style(link=begun.url)))
        found: list[Line] = []
        if self.host.worker.practice.sandbox:
            found.append(
                [
                    fixed("SANDBOX: ", "accent"),
                    fixed("this is not Xero. Without a browser, open its page here as text."),
                ]
            )
        found.append([fixed("Waiting for Xero to redirect to "),
                      fixed(f"http://localhost:{begun.port}/callback", "strong"),
                      fixed(".")])  # fmt: skip
        if begun.ssh:
            found.append(
                [fixed("If the browser is on another machine, run this there: "), span(begun.ssh, "accent")]
            )
            found.append([fixed("Or let the page at localhost fail, and paste its address above.", "muted")])
        self._help.update(lines(found))

    def on_key(self, event: events.Key) -> None:
        """Put letters into the field: a terminal without bracketed paste sends a paste as keys."""
        letter = event.character if event.is_printable else None
        if letter and letter not in " ?" and self._paste.display and not self._paste.has_focus:
            event.stop()
            self._paste.focus()
            self._paste.insert_text_at_cursor(letter)

    def on_paste(self, event: events.Paste) -> None:
        """Accept a paste whatever has the focus."""
        event.stop()
        self.pasted(event)

    def pasted(self, event: events.Paste) -> None:
        """Accept a paste that no field has handled."""
        if self._paste.display:
            self._paste.value = ""
            self._paste.focus()
            self._paste._on_paste(event)

    @on(TextField.Submitted)
    async def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if text:
            self._paste.value = ""
            await self._give(text)

    async def _give(self, text: str) -> None:
        def give(connecting: ConnectionMachine) -> None:
            connecting.paste(text)

        if self._waiting is None or self._waiting.is_finished:  # no attempt is waiting for it
            self._start()
        self._say("Checking with Xero …")
        await self.wizard.ask(give)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        name = event.button.id
        if name == "again":
            self._start()
            self.focus_first()
        elif name == "copy" and self._begun is not None:
            self.app.copy_to_clipboard(self._begun.url)
        elif name == "here" and self._begun is not None:
            url = self._begun.url
            self.host.work(lambda: self._consent_as_text(url), "consent", exclusive=True, node=self)
        elif name == "seen":
            self.host.work(lambda: self._ask_symptom(), "seen", exclusive=True, node=self)

    async def _consent_as_text(self, url: str) -> None:
        address = await self.app.push_screen_wait(consent.ConsentScreen(url))
        if address:
            await self._give(address)

    async def _ask_symptom(self) -> None:
        seen = await ask_symptom(self.host, browser=True)
        if seen is not None and seen.advice:
            self._say(seen.advice, "$accent")
