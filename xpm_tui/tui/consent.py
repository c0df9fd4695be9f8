"""The sandbox's consent page as text, for a terminal without a browser. It never talks to another machine."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import IO, Any

from xpm_tui.domain.errors import BadInput, XeroUnreachable
from xpm_tui.settings.kinds import is_this_machine

_MOST = 256 * 1024
_SECONDS = 10
_BREAKS = frozenset({"p", "h1", "h2", "li", "ul", "form", "div", "br"})


@dataclass
class ConsentPage:
    """What the page says, what it lists, its one form, and what can be chosen and pressed there."""

    lines: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    choice: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


def read(url: str) -> ConsentPage:
    """Fetch and read the page.

    Raises:
        BadInput: The address is on another machine.
        XeroUnreachable: The page did not answer.
    """
    reply, _ = _ask(url, None)
    page = _Reader.read(reply)
    page.action = urllib.parse.urljoin(url, page.action or url)
    return page


def answer(page: ConsentPage, choice: str, button: tuple[str, str, str]) -> str:
    """Press a button of the page; gives the address that a browser would be sent to."""
    fields = dict(page.hidden)
    if page.choice:
        fields[page.choice] = choice
    fields[button[0]] = button[1]
    _, location = _ask(page.action, urllib.parse.urlencode(fields).encode())
    if not location:
        raise XeroUnreachable("The sandbox gave no address to return to.", hint="Start again.")
    return location


class _Stay(urllib.request.HTTPRedirectHandler):
    """The address to go back to is for us to paste, not to follow."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


def _ask(url: str, body: bytes | None) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not is_this_machine(parts.hostname or ""):
        raise BadInput("Only the sandbox's page can be opened here: open Xero's own page in a browser.")
    opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body), timeout=_SECONDS) as reply:
            return reply.read(_MOST).decode("utf-8", "replace"), ""
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (301, 302, 303, 307):
                return "", error.headers.get("Location", "")
            return error.read(_MOST).decode("utf-8", "replace"), ""
    except (OSError, ValueError) as error:
        raise XeroUnreachable(
            "The sandbox does not answer.", hint="Is it still running? `xpm-tui demo` starts its own sandbox."
        ) from error


class _Reader(HTMLParser):
    """A form with a select and buttons, and the words around it: no more of HTML is known here."""

    def __init__(self) -> None:
        super().__init__()
        self.page = ConsentPage()
        self._inside: list[str] = []
        self._text = ""
        self._in_list = False
        self._first: list[tuple[str, str]] = []

    @classmethod
    def read(cls, text: str) -> ConsentPage:
        reader = cls()
        reader.feed(text)
        reader.close()
        reader._flush()
        reader.page.options = reader._first + reader.page.options
        return reader.page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BREAKS:
            self._flush()
            self._in_list = tag == "li"
        if tag == "form":
            self.page.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.page.hidden[given.get("name", "")] = given.get("value", "")
        elif tag == "select":
            self.page.choice = given.get("name", "")
        if tag in ("option", "button", "title", "label", "select", "style"):
            self._inside.append(tag)
            self._text, self._given = "", given

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
            words = " ".join(self._text.split())
            if tag == "option":
                place = self._first if "selected" in self._given else self.page.options
                place.append((self._given.get("value", words), words))
            elif tag == "button":
                name, value = self._given.get("name", ""), self._given.get("value", "")
                self.page.buttons.append((name, value, words))
            self._text = ""
        elif tag in _BREAKS:
            self._flush()

    def handle_data(self, data: str) -> None:
        self._text += data

    def _flush(self) -> None:
        words = " ".join(self._text.split())
        if words and not self._inside:
            (self.page.listed if self._in_list else self.page.lines).append(words)
        self._text = ""
        self._in_list = False
