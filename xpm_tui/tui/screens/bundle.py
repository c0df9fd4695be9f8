"""The preview of a support bundle: its parts, and the contents of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from xpm_tui.application.health import bundle
from xpm_tui.application.health.bundle import BundlePart
from xpm_tui.application.health.probe_facts import of_practice
from xpm_tui.application.home import own_folder
from xpm_tui.application.practice import OpenPractice
from xpm_tui.diagnostics.findings import ProbeResult
from xpm_tui.domain.safe_text import visible, visible_lines
from xpm_tui.tui.dialogs.dialog import InputDialog
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fixed, span
from xpm_tui.tui.widgets.frame import ScreenHeading
from xpm_tui.tui.widgets.table import Table, TableColumn

MOST = 20_000
"""The most characters of a part that are shown; the file has all of it."""


class BundleScreen(DetailScreen[None]):
    """The parts above the text of the selected one. Nothing is written before ``w``."""

    CSS_PATH: ClassVar = stylesheet_path("bundle")
    SAVES = frozenset({"write"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", "Write the bundle"),
        Binding("F", "names", "With or without names", tooltip="Include names, or mask them"),
        Binding("space", "read(8)", "Read on", tooltip="Scroll the selected part"),
        Binding("backspace", "read(-8)", show=False),
    ]

    def __init__(self, results: Sequence[ProbeResult]) -> None:
        super().__init__()
        self._results = results
        self._names = False
        self._parts: tuple[BundlePart, ...] = ()
        self._head = ScreenHeading("Support bundle", classes="bundle-head")
        self._table: Table[BundlePart] = Table(
            [
                TableColumn("Part", 14),
                TableColumn("Bytes", 9, right=True),
                TableColumn("Contents", 30, grow=1),
            ],
            _cells,
            lambda part: part.name,
        )
        self._table.add_class("panel", "-table")
        self._table.border_title = "Parts"
        self._text = Static(classes="bundle-text")

    def body(self) -> ComposeResult:
        """Compose the head, the parts and the text of one."""
        yield self._head
        yield self._table
        with VerticalScroll(can_focus=False, classes="panel bundle-pane"):
            yield self._text

    def on_mount(self) -> None:
        """Collect the parts, which only reads."""
        self._table.say_empty("Collecting …")
        self._table.show([])
        self._gather()

    def _gather(self) -> None:
        self._parts = ()  # nothing can be written that differs from what the head says
        self.host.work(lambda: self._collect(), "bundle", exclusive=True, node=self)

    async def _collect(self) -> None:
        async def gather(practice: OpenPractice) -> tuple[BundlePart, ...]:
            return await bundle.gather(of_practice(practice), self._results, names=self._names)

        self._parts = await self.host.worker.run(gather)
        self._table.show(list(self._parts))
        self._table.focus_rows()
        size = sum(part.size for part in self._parts)
        what = "names are INCLUDED" if self._names else "names masked"
        text = f"{what}; never a secret or tax number; {size:,} bytes"
        self._head.show_subject([fixed(text)])
        self._read()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._read()

    def _read(self) -> None:
        part = self._table.item
        text = part.data.decode("utf-8", "replace") if part is not None else ""
        cut = f"\n… {len(text) - MOST:,} more characters" if len(text) > MOST else ""
        self._text.update(content(visible_lines(text[:MOST] + cut)))
        pane = self.query_one(".bundle-pane", VerticalScroll)
        pane.border_title = content(visible(part.name if part is not None else ""))
        pane.scroll_home(animate=False)

    def action_read(self, by: int) -> None:
        """Scroll in the part."""
        pane = self.query_one(".bundle-pane", VerticalScroll)
        pane.scroll_to(y=pane.scroll_y + by, animate=False)

    def action_names(self) -> None:
        """Include names, or mask them."""
        self._names = not self._names
        self._gather()

    def action_write(self) -> None:
        """Ask for a new file, and write the bundle."""
        if self._parts:
            self.host.work(lambda: self._write(), "bundle", exclusive=True, node=self)

    async def _write(self) -> None:
        question = "Save as (a new file):" + (
            "\nIt contains the names of clients and people." if self._names else ""
        )
        place = (own_folder() or Path.cwd()) / "xpm-tui-support.zip"
        name = await self.app.push_screen_wait(
            InputDialog(question, title="Support bundle", value=str(place))
        )
        if name:
            parts = self._parts
            size = await self.host.worker.ask(lambda p: bundle.write(parts, Path(name), of_practice(p)))
            self.host.toast(f"Written to {name}: {size:,} bytes.")
            self.dismiss(None)

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return HelpPage(
            "Support bundle",
            "One zip file with what support needs. Read here what it contains; nothing is written until you "
            "press w.",
            [
                ("w", "write it to a new file that only you can read"),
                ("F", "with names, or masked: each name becomes a number"),
                ("up, down", "another part"),
                ("space, backspace", "scroll the selected part"),
                ("esc", "close without writing it"),
            ],
        )


def _cells(part: BundlePart) -> list[Line]:
    return [[span(part.name, "strong")], [fixed(f"{part.size:,}", "muted")], [span(part.about)]]
