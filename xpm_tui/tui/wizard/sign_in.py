"""The wizard's sign-in step: it shows an address, and waits for the redirect or a pasted address.

For the sandbox, the consent page can be answered here as text.
"""

from __future__ import annotations

import re
from functools import partial
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
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.dialogs.help import ask_symptom
from xpm_tui.tui.widgets.cells import Line, content, fixed, lines, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.text import StaticText
from xpm_tui.tui.wizard.step_pane import StepPane, button, error_span

with lazy_imports():
    from xpm_tui.tui.dialogs import consent

_REDIRECT_PARAMETER = re.compile(r"[?&]?(?:state|code|error)=", re.IGNORECASE)
"""A parameter in an address to which Xero has redirected the browser."""


def is_redirect(text: str) -> bool:
    """Return whether a text looks like an address to which Xero has redirected the browser."""
    return _REDIRECT_PARAMETER.search(text) is not None


class RedirectField(TextField):
    """A field for the address at which the browser ended up; a paste of a complete one is submitted.

    A paste that begins an address replaces what is in the field; any other one continues it.
    """

    def _on_paste(self, event: events.Paste) -> None:
        if "://" in event.text:
            self.value = ""
        super()._on_paste(event)
        if is_redirect(event.text):
            self.post_message(self.Submitted(self, self.value))


class AuthorisePane(StepPane):
    """The sign-in: it waits for the redirect and for a pasted address, and uses what comes first.

    After a failed attempt, a new one starts at once. The result of the last attempt and the field are at the
    top, where both are always visible.
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
        self._login: PendingLogin | None = None
        """The login that waits for an answer."""
        self._worker: Worker[Any] | None = None
        self._has_asked = False
        """Whether the user was asked what the browser shows, because no answer had arrived."""
        self._last_error: AppError | None = None
        """The error with which the last attempt ended."""

    def compose(self) -> ComposeResult:
        """Compose the last result and the field, then the address, then the help."""
        yield self._message
        yield self._steps_button
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

    def prepare(self, step: ConnectionStep) -> None:
        """Create a new address, and wait for its answer."""
        sandbox = self.host.worker.practice.sandbox
        self.query_one("#here").display = sandbox
        if step.state == "done":
            self._show_login(is_waiting=False)
            self._address.update(Content("You are signed in. To sign in again, choose Start again."))
            self.query_one("#again").focus()
            return
        self._start()
        (self.query_one("#here") if sandbox else self._paste).focus()

    def _show_login(self, *, is_waiting: bool) -> None:
        """Show the widgets of a login that waits for an answer, or what is known of the last login."""
        self._facts.display = not is_waiting
        for widget in (self._paste, self._intro, self._help):
            widget.display = is_waiting
        for name in ("here", "copy"):
            self.query_one(f"#{name}").disabled = not is_waiting

    def _start(self) -> None:
        """Start a login, in place of one that waits."""
        self.leave()
        self._show_login(is_waiting=True)
        self._last_error = None
        self._worker = self.host.work(lambda: self._wait(), "authorise", exclusive=True, node=self)

    def leave(self) -> None:
        """Stop waiting for an answer."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    async def _wait(self) -> None:
        """Wait for a valid answer, with as many attempts as necessary."""
        is_retry = False
        while True:
            try:
                self._login = await self.wizard.ask(ConnectionMachine.begin)
            except AppError as error:
                # The settings of the app are missing, or nothing may be written: the user has to act first.
                self._worker = None
                self.show_error(error)
                return
            self._draw(self._login)
            self._intro.update(content(Shown(self.AGAIN if is_retry else self.INTRO)))
            if not is_retry:
                self._show_message("")
            while (failure := await self._attempt()) is not None:
                self._last_error = failure
                self.show_error(failure)
                if failure.case is not CaseId.NOTHING_OPENS:
                    break
                # The page may still be open in the browser, so the same address stays valid. Xero's error
                # pages never redirect: only the user can say what the browser shows.
                if not self._has_asked:
                    self._has_asked = True
                    self.host.work(lambda: self._ask_symptom(), "seen", exclusive=True, node=self)
            else:
                break
            is_retry = True
        self._worker = None
        self.finish()

    async def _attempt(self) -> AppError | None:
        """Wait until an answer arrives or the time is over; return the error, or None after a login."""
        wait = partial(
            ConnectionMachine.wait, on_error=self._show_listener_error, on_wrong_line=self._show_paste_error
        )
        try:
            await self.wizard.ask_async(wait)
        except AppError as error:
            if error.case is not CaseId.NOTHING_OPENS:
                self._uncover()
            return error
        self._uncover()
        return None

    def _uncover(self) -> None:
        """Close the dialogs over the wizard, because an answer has come and its outcome must be seen."""
        while isinstance(self.app.screen, Dialog) and self.screen in self.app.screen_stack:
            self.app.screen.dismiss(None)

    def _show_paste_error(self, error: AppError) -> None:
        """Show that a pasted address is not valid, and continue to wait. Called on the worker thread."""
        self.app.call_later(self.show_error, error)

    def _show_listener_error(self, error: AppError) -> None:
        """Show an error of the listener, such as a port in use. Called on the worker thread."""
        self.app.call_later(self._add_error, error)

    def _add_error(self, error: AppError) -> None:
        """Show an error below that of the last attempt, which is more important."""
        if self._last_error is None:
            self.show_error(error)
            return
        self.show_error(self._last_error)
        self._message.update(
            lines([*self.error_lines(present(self._last_error)), *self.error_lines(present(error))])
        )

    def error_lines(self, view: ErrorView) -> list[Line]:
        """Return an error in few lines, because the new address must stay visible."""
        found: list[Line] = [[fixed("✗ ", "bad"), error_span(view.message, "bad")]]
        if view.hint:
            found.append([fixed("→ ", "accent"), error_span(view.hint)])
        return found

    def _scroll_to_message(self) -> None:
        self.scroll_home(animate=False)

    def _draw(self, login: PendingLogin) -> None:
        """Show the address, and how the answer gets here."""
        # It is shown in full, so that it can be selected; many terminals also make it a link (OSC 8).
        self._address.update(Content.styled(visible(login.url, 4000), Style(link=login.url)))
        found: list[Line] = []
        if self.host.worker.practice.sandbox:
            found.append(
                [
                    fixed("SANDBOX: ", "accent"),
                    fixed("this is not Xero. Without a browser, open its page here as text."),
                ]
            )
        found.append([fixed("Waiting for Xero to redirect to "),
                      fixed(f"http://localhost:{login.port}/callback", "strong"),
                      fixed(".")])  # fmt: skip
        if login.ssh:
            found.append(
                [fixed("If the browser is on another machine, run this there: "), span(login.ssh, "accent")]
            )
            found.append([fixed("Or let the page at localhost fail, and paste its address above.", "muted")])
        self._help.update(lines(found))

    def on_key(self, event: events.Key) -> None:
        """Type letters into the field: a terminal without bracketed paste sends a paste as keys."""
        letter = event.character if event.is_printable else None
        if letter and letter not in " ?" and self._paste.display and not self._paste.has_focus:
            event.stop()
            self._paste.focus()
            self._paste.insert_text_at_cursor(letter)

    def on_paste(self, event: events.Paste) -> None:
        """Accept a paste, whichever widget has the focus."""
        event.stop()
        self.accept_paste(event)

    def accept_paste(self, event: events.Paste) -> None:
        """Put a paste into the field."""
        if self._paste.display:
            self._paste.focus()
            self._paste._on_paste(event)

    @on(TextField.Submitted)
    async def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if text:
            self._paste.value = ""
            await self._submit(text)

    async def _submit(self, text: str) -> None:
        """Pass an address to the login that waits; start one if none does."""
        if self._worker is None or self._worker.is_finished:
            self._start()
        self._uncover()
        self._show_message("Checking with Xero …")
        await self.wizard.ask(partial(ConnectionMachine.paste, text=text))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        name = event.button.id
        if name == "again":
            self._start()
            self.focus_first()
        elif name == "copy" and self._login is not None:
            self.app.copy_to_clipboard(self._login.url)
        elif name == "here" and self._login is not None:
            url = self._login.url
            self.host.work(lambda: self._consent_as_text(url), "consent", exclusive=True, node=self)
        elif name == "seen":
            self.host.work(lambda: self._ask_symptom(), "seen", exclusive=True, node=self)

    async def _consent_as_text(self, url: str) -> None:
        address = await self.app.push_screen_wait(consent.ConsentScreen(url))
        if address:
            await self._submit(address)

    async def _ask_symptom(self) -> None:
        symptom = await ask_symptom(self.host, browser=True)
        if symptom is not None and symptom.advice:
            self._show_message(symptom.advice, "$accent")
