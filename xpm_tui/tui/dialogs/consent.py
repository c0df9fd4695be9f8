"""The sandbox's consent page, as text: the same page a browser would show, and the same answer."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Static

from xpm_tui.domain.errors import AppError
from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui import consent
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.safe_text import content, show
from xpm_tui.tui.widgets.inputs import RadioRows
from xpm_tui.tui.widgets.rows import Rows


class ConsentScreen(Dialog[str]):
    """Gives the address to paste, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]
    title_text = Shown("SANDBOX · the consent page, as text")

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._page: consent.ConsentPage | None = None

    def box(self) -> ComposeResult:
        """Filled when the page is here."""
        yield VerticalScroll(classes="words page", can_focus=False)
        yield Horizontal(classes="buttons")

    def on_mount(self) -> None:
        """Fetch it."""
        self.host.work(lambda: self._read(), "consent", exclusive=True, node=self)

    async def _read(self) -> None:
        try:
            self._page = await asyncio.to_thread(consent.read, self._url)
        except AppError:
            self.dismiss(None)
            raise
        page = self._page
        words = self.query_one(".page", VerticalScroll)
        title, *rest = page.lines or [""]
        await words.mount(Static(show(title, "bold $accent")), *(Static(show(line)) for line in rest[:1]))
        if page.listed:
            await words.mount(Static(show(", ".join(page.listed), "$muted", 2000), classes="scopes"))
        await words.mount(*(Static(show(line, "bold")) for line in rest[1:]))
        if page.options:
            await words.mount(RadioRows(page.options))
        buttons = [Button(show(name), id=f"press-{place}") for place, (_, _, name) in enumerate(page.buttons)]
        await self.query_one(".buttons", Horizontal).mount(
            *buttons, Static(content(Shown("tab moves · esc keeps the sign-in open")), classes="hint")
        )
        if buttons:
            buttons[0].focus()

    @on(Rows.Chosen)
    def _picked(self, event: Rows.Chosen) -> None:
        event.stop()
        self.query(Button).first().focus()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        page = self._page
        if page is None:
            return
        button = page.buttons[int((event.button.id or "press-0").partition("-")[2])]
        chosen = ""
        if page.options:
            chosen = self.query_one(RadioRows).chosen
        try:
            self.dismiss(await asyncio.to_thread(consent.answer, page, chosen, button))
        except AppError as trouble:
            self.host.trouble(trouble)
