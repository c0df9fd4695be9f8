"""A dialog that shows the sandbox's consent page as text, for a terminal without a browser.

It reads pages of this machine only, and understands only the HTML that the sandbox produces.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import IO, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Static

from xpm_tui.domain.errors import AppError, BadInput, XeroUnreachable
from xpm_tui.domain.safe_text import Shown
from xpm_tui.settings.kinds import is_this_machine
from xpm_tui.tui.dialogs.dialog import Dialog
from xpm_tui.tui.widgets.cells import content, show
from xpm_tui.tui.widgets.inputs import RadioRows
from xpm_tui.tui.widgets.rows import Rows

_MAX_BYTES = 256 * 1024
_TIMEOUT_SECONDS = 10
_BLOCKS = frozenset({"p", "h1", "h2", "li", "ul", "form", "div", "br"})


@dataclass
class ConsentPage:
    """The parsed page.

    Attributes:
        lines: The lines of text.
        listed: The entries of its list: the scopes.
        action: The address to which the form is sent.
        hidden: The hidden fields of the form.
        choice: The name of the field that chooses a practice; empty if there is none.
        options: The practices: id and name.
        buttons: The buttons: name, value and label.
    """

    lines: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    choice: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


def read_page(url: str) -> ConsentPage:
    """Fetch and parse the page.

    Raises:
        BadInput: The address is not on this machine.
        XeroUnreachable: The sandbox does not answer.
    """
    html, _ = _request(url, None)
    page = _PageParser.parse(html)
    page.action = urllib.parse.urljoin(url, page.action or url)
    return page


def submit_form(page: ConsentPage, choice: str, button: tuple[str, str, str]) -> str:
    """Submit the form with a button; return the address to which a browser would be redirected.

    Raises:
        XeroUnreachable: The sandbox does not answer, or gives no address.
    """
    fields = dict(page.hidden)
    if page.choice:
        fields[page.choice] = choice
    fields[button[0]] = button[1]
    _, location = _request(page.action, urllib.parse.urlencode(fields).encode())
    if not location:
        raise XeroUnreachable("The sandbox gave no address to return to.", hint="Start again.")
    return location


class _RedirectKeeper(urllib.request.HTTPRedirectHandler):
    """A handler that does not follow a redirect, because the sign-in needs the parameters of its address."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


def _request(url: str, body: bytes | None) -> tuple[str, str]:
    """Return the body of the answer, and the address to which it redirects."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not is_this_machine(parts.hostname or ""):
        raise BadInput("Only the sandbox's page can be opened here: open Xero's own page in a browser.")
    opener = urllib.request.build_opener(_RedirectKeeper, urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body), timeout=_TIMEOUT_SECONDS) as reply:
            return reply.read(_MAX_BYTES).decode("utf-8", "replace"), ""
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (301, 302, 303, 307):
                return "", error.headers.get("Location", "")
            return error.read(_MAX_BYTES).decode("utf-8", "replace"), ""
    except (OSError, ValueError) as error:
        raise XeroUnreachable(
            "The sandbox does not answer.", hint="Is it still running? `xpm-tui demo` starts its own sandbox."
        ) from error


class _PageParser(HTMLParser):
    """A parser for one form with a select and buttons, and the text around it."""

    def __init__(self) -> None:
        super().__init__()
        self.page = ConsentPage()
        self._inside: list[str] = []
        self._text = ""
        self._in_list = False
        self._selected: list[tuple[str, str]] = []
        self._attributes: dict[str, str] = {}

    @classmethod
    def parse(cls, html: str) -> ConsentPage:
        parser = cls()
        parser.feed(html)
        parser.close()
        parser._flush()
        parser.page.options = parser._selected + parser.page.options
        return parser.page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._flush()
            self._in_list = tag == "li"
        if tag == "form":
            self.page.action = attributes.get("action", "")
        elif tag == "input" and attributes.get("type") == "hidden":
            self.page.hidden[attributes.get("name", "")] = attributes.get("value", "")
        elif tag == "select":
            self.page.choice = attributes.get("name", "")
        if tag in ("option", "button", "title", "label", "select", "style"):
            self._inside.append(tag)
            self._text, self._attributes = "", attributes

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
            label = " ".join(self._text.split())
            if tag == "option":
                options = self._selected if "selected" in self._attributes else self.page.options
                options.append((self._attributes.get("value", label), label))
            elif tag == "button":
                name, value = self._attributes.get("name", ""), self._attributes.get("value", "")
                self.page.buttons.append((name, value, label))
            self._text = ""
        elif tag in _BLOCKS:
            self._flush()

    def handle_data(self, data: str) -> None:
        self._text += data

    def _flush(self) -> None:
        text = " ".join(self._text.split())
        if text and not self._inside:
            (self.page.listed if self._in_list else self.page.lines).append(text)
        self._text = ""
        self._in_list = False


class ConsentScreen(Dialog[str]):
    """The consent page. Its result is the address to paste, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]
    title_text = Shown("SANDBOX · the consent page, as text")

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._page: ConsentPage | None = None

    def box(self) -> ComposeResult:
        """Compose an empty box, to be filled when the page has been read."""
        yield VerticalScroll(classes="words page", can_focus=False)
        yield Horizontal(classes="buttons")

    def on_mount(self) -> None:
        """Read the page."""
        self.host.work(lambda: self._read(), "consent", exclusive=True, node=self)

    async def _read(self) -> None:
        try:
            self._page = await asyncio.to_thread(read_page, self._url)
        except AppError:
            self.dismiss(None)
            raise
        page = self._page
        text = self.query_one(".page", VerticalScroll)
        title, *rest = page.lines or [""]
        await text.mount(Static(show(title, "bold $accent")), *(Static(show(line)) for line in rest[:1]))
        if page.listed:
            await text.mount(Static(show(", ".join(page.listed), "$muted", 2000), classes="scopes"))
        await text.mount(*(Static(show(line, "bold")) for line in rest[1:]))
        if page.options:
            await text.mount(RadioRows(page.options))
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
        chosen = self.query_one(RadioRows).chosen if page.options else ""
        try:
            self.dismiss(await asyncio.to_thread(submit_form, page, chosen, button))
        except AppError as error:
            self.host.report_error(error)
