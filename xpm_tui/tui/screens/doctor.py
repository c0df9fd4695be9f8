"""The Doctor screen, which shows the findings of the probes, and the preview of a support bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from xpm_tui.application.health import bundle
from xpm_tui.application.health.bundle import BundlePart
from xpm_tui.application.health.probe_facts import of_practice
from xpm_tui.application.home import own_folder
from xpm_tui.application.practice import OpenPractice
from xpm_tui.diagnostics.error_presenter import problem_title, remedy_lines
from xpm_tui.diagnostics.findings import ProbeResult
from xpm_tui.diagnostics.known_problems import find_problem
from xpm_tui.domain.errors import KnownProblem
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible, visible_lines
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.base_screen import BaseScreen
from xpm_tui.tui.dialogs.dialog import InputDialog, MessageDialog
from xpm_tui.tui.dialogs.help import HelpPage, ask_symptom
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, content, fixed, lines, span
from xpm_tui.tui.widgets.frame import KeyFooter, ScreenHeading
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.application.health import doctor as health_doctor
    from xpm_tui.application.health import probe_facts


class DoctorScreen(BaseScreen, Screen[None]):
    """The probes with verdict and time, and the findings of the selected one."""

    CSS_PATH: ClassVar = stylesheet_path("doctor")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "case", "What to do", tooltip="Everything the probe found, and what to do", show=True
        ),
        Binding("t", "again", "Try from here", tooltip="Try again from the selected probe"),
        Binding("A", "all", "Run all again", tooltip="Run all probes again"),
        Binding("b", "bundle", "Bundle", tooltip="Look at a support bundle, then write it"),
        Binding("h", "seen", "What you see", tooltip="Choose what you see, and get the steps to fix it"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, ProbeResult] = {}
        self._head = ScreenHeading("Doctor", classes="doctor-head")
        self._table: Table[ProbeResult] = Table(
            [
                TableColumn("Verdict", 10),
                TableColumn("Check", 24, grow=1),
                TableColumn("Found", 24, grow=2),
                TableColumn("Time", 7, right=True),
            ],
            _cells,
            lambda each: each.name,
        )
        self._table.add_class("panel", "-table")
        self._table.border_title = "Checks"
        self._detail = TextLabel(classes="doctor-detail", fixed=False)

    def compose(self) -> ComposeResult:
        """Compose the head, the probes, the findings of one, and the footer."""
        yield self._head
        yield self._table
        with VerticalScroll(can_focus=False, classes="panel doctor-pane"):
            yield self._detail
        yield KeyFooter()

    def on_mount(self) -> None:
        """Start the probes, which only read."""
        self._table.say_empty("Checking …")
        self._table.show([])
        self._examine("")

    def _examine(self, start: str) -> None:
        names = list(self._found)
        kept = names[: names.index(start)] if start in names else []
        self._found = {name: self._found[name] for name in kept}
        self.host.work(lambda: self._run(start), "doctor", exclusive=True, node=self)

    async def _run(self, start: str) -> None:
        async def look(practice: OpenPractice) -> int:
            doctor = health_doctor.Doctor(probe_facts.of_practice(practice), offline=practice.read_only)
            async for each in doctor.examine(start=start):
                self.app.call_later(self._add_result, each)
            return doctor.calls

        self._show_summary("Checking …")
        calls = await self.host.worker.run(look)
        self.app.call_later(self._ended, calls)

    def _add_result(self, each: ProbeResult) -> None:
        self._found[each.name] = each
        self._table.show(list(self._found.values()))
        if self.focused is None:
            self._table.focus_rows()

    def _ended(self, calls: int) -> None:
        found = list(self._found.values())
        problems = sum(each.verdict == "trouble" for each in found)
        notes = sum(each.verdict == "note" for each in found)
        verdict = count(problems, "problem") if problems else "All is well"
        self._show_summary(f"{verdict}, {count(notes, 'note')}; {count(calls, 'call')} to XPM.")
        if problems:
            first = next(each for each in found if each.verdict == "trouble")
            self.look_at(first.name)
        self._detail.say(lines(_detail(self._table.item)))

    def _show_summary(self, text: str) -> None:
        self._head.show_subject([span(text)])

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._detail.say(lines(_detail(event.item)))

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_case()

    def action_case(self) -> None:
        """Show all findings of the selected probe with the full text of the known problem."""
        each = self._table.item
        if each is None:
            return
        found = _case(each)
        text = [each.sentence, *([f"To do: {each.hint}"] if each.hint else []), ""]
        if found is not None:
            text += [problem_title(found), *remedy_lines(found), ""]
        text += each.evidence
        self.app.push_screen(MessageDialog(each.title, "\n".join(text), wide=True))

    def look_at(self, probe: str) -> None:
        """Select a probe."""
        self._table.show(list(self._found.values()), at=probe)

    def action_again(self) -> None:
        """Run the probes again, starting with the selected one."""
        if self._table.item is not None:
            self._examine(self._table.item.name)

    def action_all(self) -> None:
        """Run all probes again."""
        self._found = {}
        self._examine("")

    def action_bundle(self) -> None:
        """Open the preview of a support bundle, which writes only on request."""
        self.app.push_screen(BundleScreen(list(self._found.values())))

    def action_seen(self) -> None:
        """Ask what the user sees, because no probe can find that out."""
        self.host.work(lambda: ask_symptom(self.host), "seen", exclusive=True, node=self)

    def action_leave(self) -> None:
        """Close the screen."""
        self.dismiss(None)

    def help_page(self) -> HelpPage:
        """Return the help page."""
        return HelpPage(
            "Doctor",
            "Checks the connection to Xero, the login, the lists, the data and this machine, one "
            "after another. It only reads, and makes five small Practice Manager calls.",
            [
                ("enter", "everything the selected probe found, and its known problem with the steps"),
                ("t", "run again from this probe"),
                ("A", "run all probes again"),
                ("b", "a support bundle: shown first, names masked"),
                (
                    "h",
                    "choose what you see (a page in the browser, other clients, …) and get the steps to "
                    "fix it",
                ),
                ("esc", "leave"),
            ],
        )


def _cells(each: ProbeResult) -> list[Line]:
    quiet: Look = "muted" if each.verdict == "skipped" else ""
    return [
        [cells.VERDICTS.draw(each.verdict)],
        [span(each.title, quiet or "strong")],
        [span(each.sentence, quiet)],
        [fixed(f"{each.seconds:.1f} s" if each.verdict != "skipped" else "", "muted")],
    ]


def _case(each: ProbeResult) -> KnownProblem | None:
    return find_problem(each.case or "") if each.verdict in ("note", "trouble") else None


def _detail(each: ProbeResult | None) -> list[Line]:
    if each is None:
        return [[fixed("")]]
    found = _case(each)
    lines: list[Line] = [[span(each.sentence, "strong")]]
    if each.hint:
        lines.append([fixed("Do: ", "accent"), span(each.hint)])
    if found is not None:
        way_out = fixed("  (enter: what to do)", "muted")
        lines.append([span(problem_title(found), "accent"), way_out])
    lines += [[span(fact, "muted")] for fact in each.evidence]
    if found is not None:
        lines += [[fixed(f"  {n}. "), span(step)] for n, step in enumerate(found.steps, 1)]
    return lines


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
            _bundle_cells,
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


def _bundle_cells(part: BundlePart) -> list[Line]:
    return [[span(part.name, "strong")], [fixed(f"{part.size:,}", "muted")], [span(part.about)]]
