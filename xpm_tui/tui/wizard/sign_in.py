"""Sign in: the address in full, listener and pasted answer side by side, the sandbox's page as text."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.style import Style
from textual.widgets import Button, Static
from textual.worker import Worker

from xpm_tui.application.connection.state_machine import Begun, Connecting
from xpm_tui.application.connection.steps import Step
from xpm_tui.domain.errors import CaseId, Trouble
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.xpm import Tenant
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.trouble import what_is_seen
from xpm_tui.tui.widgets.cells import Line, lines, ours, span
from xpm_tui.tui.widgets.inputs import Field
from xpm_tui.tui.widgets.text import Prose
from xpm_tui.tui.wizard.step_pane import Pane, button

with lazy_imports():
    from xpm_tui.tui.dialogs import consent


class AuthorisePane(Pane):
    """Waits for the browser and for the pasted line; the first good one wins."""

    STEP = "authorise"
    INTRO = "Open this address in a browser on any machine, sign in, and press Allow access."

    def __init__(self) -> None:
        super().__init__()
        self._address = Static(classes="address")
        self._ssh = Prose(classes="ssh")
        self._paste = Field(placeholder="or paste the address that the browser ended on")
        self._begun: Begun | None = None
        self._waiting: Worker[Any] | None = None

    def body(self) -> ComposeResult:
        """Address, how the answer gets here, field, buttons."""
        yield self._address
        yield self._ssh
        yield self._paste
        with Horizontal(classes="buttons"):
            yield button("Open its page here", "here")
            yield button("Copy it", "copy")
            yield button("Begin anew", "anew")
            yield button("It shows something else", "seen")

    def begin(self, step: Step) -> None:
        """A fresh address, and the wait for it."""
        sandbox = self.host.desk.practice.sandbox
        self.query_one("#here").display = sandbox
        for name in ("here", "copy"):
            self.query_one(f"#{name}").disabled = step.state == "done"
        if step.state == "done":
            self._address.update(Content("Signed in already. Begin anew signs in once more."))
            self.query_one("#anew").focus()
            return
        self._start()
        (self.query_one("#here") if sandbox else self._paste).focus()

    def _start(self) -> None:
        self.leave()
        for name in ("here", "copy"):
            self.query_one(f"#{name}").disabled = False
        self._waiting = self.host.work(lambda: self._wait(), "authorise", exclusive=True, node=self)

    def leave(self) -> None:
        """Another step comes up: nobody waits any more."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def _wait(self) -> None:
        def start(connecting: Connecting) -> Begun:
            return connecting.begin()

        async def wait(connecting: Connecting) -> tuple[Tenant, ...]:
            return await connecting.wait(tell=self._told)

        try:
            self._begun = await self.wizard.ask(start)
            self._draw(self._begun)
            await self.wizard.ask_async(wait)
        except Trouble as trouble:
            self.complain(trouble)
            self.query_one("#anew").focus()
            if trouble.case is CaseId.NOTHING_OPENS:
                # An error page of Xero's never comes back: only the person can tell which it was.
                await self._seen()
            return
        self._waiting = None
        self.settled()

    def _told(self, trouble: Trouble) -> None:
        """From the desk: a pasted line was no answer; the wait goes on."""
        self.app.call_later(self.complain, trouble)

    def _draw(self, begun: Begun) -> None:
        # Shown in full and plain, so that it can be selected; a terminal that knows OSC 8 also opens it.
        self._address.update(Content.styled(visible(begun.url, 4000), Style(link=begun.url)))
        found: list[Line] = []
        if self.host.desk.practice.sandbox:
            found.append(
                [
                    ours("SANDBOX: ", "accent"),
                    ours("this is not Xero. No browser? Its page opens here as text."),
                ]
            )
        found.append([ours("The answer is waited for on "),
                      ours(f"http://localhost:{begun.port}/callback", "strong"),
                      ours(".")])  # fmt: skip
        if begun.ssh:
            found.append([ours("Browser on another machine? There: "), span(begun.ssh, "accent")])
            found.append([ours("or let it fail there and paste the address it ended on.", "muted")])
        self._ssh.update(lines(found))

    @on(Field.Submitted)
    async def _pasted(self, event: Field.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if text:
            self._paste.value = ""
            await self._give(text)

    async def _give(self, text: str) -> None:
        def give(connecting: Connecting) -> None:
            connecting.paste(text)

        self._say("Checking with Xero …")
        await self.wizard.ask(give)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        name = event.button.id
        if name == "anew":
            self._start()
            self.focus_first()
        elif name == "copy" and self._begun is not None:
            self.app.copy_to_clipboard(self._begun.url)
        elif name == "here" and self._begun is not None:
            url = self._begun.url
            self.host.work(lambda: self._here(url), "consent", exclusive=True, node=self)
        elif name == "seen":
            self.host.work(lambda: self._seen(), "seen", exclusive=True, node=self)

    async def _here(self, url: str) -> None:

        address = await self.app.push_screen_wait(consent.ConsentScreen(url))
        if address:
            await self._give(address)

    async def _seen(self) -> None:
        seen = await what_is_seen(self.host, browser=True)
        if seen is not None and seen.advice:
            self._say(seen.advice, "$accent")
