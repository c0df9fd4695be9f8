"""The Doctor screen with the findings of the probes, and the preview of a support bundle."""

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
from xpm_tui.application.home import own_folder
from xpm_tui.application.practice import OpenPractice
from xpm_tui.diagnostics.error_presenter import problem_title, remedy_lines
from xpm_tui.diagnostics.findings import ProbeResult
from xpm_tui.diagnostics.known_problems import find_problem
from xpm_tui.domain.errors import KnownProblem
from xpm_tui.domain.formatting import count
from xpm_tui.domain.safe_text import visible, visible_lines
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.dialog import InputDialog, MessageDialog
from xpm_tui.tui.dialogs.help import HelpPage, ask_symptom
from xpm_tui.tui.screens.base import DetailScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets import cells
from xpm_tui.tui.widgets.cells import Line, Look, content, fixed, lines, span
from xpm_tui.tui.widgets.frame import ScreenHeading
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    from xpm_tui.application.health import doctor as health_doctor
    from xpm_tui.application.health import probe_facts


class DoctorScreen(DetailScreen[None]):
    """The probes with verdict and time, and the findings of the selected one."""

    CSS_PATH: ClassVar = stylesheet_path("doctor")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "case", "What to do", tooltip="Everything the probe found, and what to do", show=True
        ),
        Binding("t", "again", "Try from here", tooltip="Try again from the selected probe"),
        Binding("A", "all", "Run all again", tooltip="Run all probes again"),
        Binding("b", "bundle", "Bundle", tooltip="Look at a support bundle, then write it"),
        Binding("h", "seen", "What you see", tooltip="Choose what you see, and get the steps to fix it"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
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
                "choose what you see (a page in the browser, other clients, …) and get the steps to fix it",
            ),
            ("esc", "leave"),
        ],
    )

    def __init__(self) -> None:
        super().__init__()
        self._results: dict[str, ProbeResult] = {}
        self._head = ScreenHeading("Doctor", classes="doctor-head")
        self._table: Table[ProbeResult] = Table(
            [
                TableColumn("Verdict", 10),
                TableColumn("Check", 24, grow=1),
                TableColumn("Found", 24, grow=2),
                TableColumn("Time", 7, right=True),
            ],
            _cells,
            lambda result: result.name,
        )
        self._table.add_class("panel", "-table")
        self._table.border_title = "Checks"
        self._detail = TextLabel(classes="doctor-detail", fixed=False)

    def body(self) -> ComposeResult:
        """Compose the head, the probes, and the findings of the selected one."""
        yield self._head
        yield self._table
        with VerticalScroll(can_focus=False, classes="panel doctor-pane"):
            yield self._detail

    def on_mount(self) -> None:
        """Run all probes, which only read."""
        self._table.say_empty("Checking …")
        self._table.show([])
        self._examine("")

    def _examine(self, start: str) -> None:
        """Run the probes from ``start`` on, or all of them; keep the results of those before it."""
        names = list(self._results)
        before = names[: names.index(start)] if start in names else []
        self._results = {name: self._results[name] for name in before}
        self.host.work(lambda: self._run(start), "doctor", exclusive=True, node=self)

    async def _run(self, start: str) -> None:
        async def examine(practice: OpenPractice) -> int:
            doctor = health_doctor.Doctor(probe_facts.of_practice(practice), offline=practice.read_only)
            async for result in doctor.examine(start=start):
                self.app.call_later(self._add_result, result)
            return doctor.calls

        self._show_summary("Checking …")
        calls = await self.host.worker.run(examine)
        self.app.call_later(self._show_end, calls)

    def _add_result(self, result: ProbeResult) -> None:
        self._results[result.name] = result
        self._table.show(list(self._results.values()))
        if self.focused is None:
            self._table.focus_rows()

    def _show_end(self, calls: int) -> None:
        """Show the numbers of problems, notes and calls, and select the first problem."""
        results = list(self._results.values())
        problems = [result.name for result in results if result.verdict == "trouble"]
        notes = sum(result.verdict == "note" for result in results)
        verdict = count(len(problems), "problem") if problems else "All is well"
        self._show_summary(f"{verdict}, {count(notes, 'note')}; {count(calls, 'call')} to XPM.")
        if problems:
            self.select_probe(problems[0])
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
        result = self._table.item
        if result is None:
            return
        problem = _known_problem(result)
        text = [result.sentence, *([f"To do: {result.hint}"] if result.hint else []), ""]
        if problem is not None:
            text += [problem_title(problem), *remedy_lines(problem), ""]
        text += result.evidence
        self.app.push_screen(MessageDialog(result.title, "\n".join(text), wide=True))

    def select_probe(self, probe: str) -> None:
        """Move the cursor to a probe."""
        self._table.show(list(self._results.values()), at=probe)

    def action_again(self) -> None:
        """Run the probes again, starting with the selected one."""
        if self._table.item is not None:
            self._examine(self._table.item.name)

    def action_all(self) -> None:
        """Run all probes again."""
        self._results = {}
        self._examine("")

    def action_bundle(self) -> None:
        """Open the preview of a support bundle, which writes only on request."""
        self.app.push_screen(BundleScreen(list(self._results.values())))

    def action_seen(self) -> None:
        """Ask what the user sees, because no probe can find that out."""
        self.host.work(lambda: ask_symptom(self.host), "seen", exclusive=True, node=self)


def _cells(result: ProbeResult) -> list[Line]:
    look: Look = "muted" if result.verdict == "skipped" else ""
    return [
        [cells.VERDICTS.draw(result.verdict)],
        [span(result.title, look or "strong")],
        [span(result.sentence, look)],
        [fixed(f"{result.seconds:.1f} s" if result.verdict != "skipped" else "", "muted")],
    ]


def _known_problem(result: ProbeResult) -> KnownProblem | None:
    return find_problem(result.case or "") if result.verdict in ("note", "trouble") else None


def _detail(result: ProbeResult | None) -> list[Line]:
    if result is None:
        return [[fixed("")]]
    problem = _known_problem(result)
    found: list[Line] = [[span(result.sentence, "strong")]]
    if result.hint:
        found.append([fixed("Do: ", "accent"), span(result.hint)])
    if problem is not None:
        found.append([span(problem_title(problem), "accent"), fixed("  (enter: what to do)", "muted")])
    found += [[span(fact, "muted")] for fact in result.evidence]
    if problem is not None:
        found += [[fixed(f"  {n}. "), span(step)] for n, step in enumerate(problem.steps, 1)]
    return found


MOST = 20_000
"""The most characters of a part that are shown; the file contains all of them."""


class BundleScreen(DetailScreen[None]):
    """The parts of the bundle and the text of the selected one. Nothing is written until ``w`` is pressed."""

    CSS_PATH: ClassVar = stylesheet_path("bundle")
    SAVES = frozenset({"write"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", "Write the bundle"),
        Binding("F", "names", "With or without names", tooltip="Include names, or mask them"),
        Binding("space", "read(8)", "Read on", tooltip="Scroll the selected part"),
        Binding("backspace", "read(-8)", show=False),
    ]
    HELP_PAGE: ClassVar = HelpPage(
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

    def __init__(self, results: Sequence[ProbeResult]) -> None:
        super().__init__()
        self._results = results
        self._with_names = False
        self._parts: tuple[BundlePart, ...] = ()
        self._head = ScreenHeading("Support bundle", classes="bundle-head")
        self._table: Table[BundlePart] = Table(
            [
                TableColumn("Part", 16),
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
        """Compose the head, the parts and the text of the selected one."""
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
        self._parts = ()  # the former parts, with or without names, can no longer be written
        self.host.work(lambda: self._collect(), "bundle", exclusive=True, node=self)

    async def _collect(self) -> None:
        async def gather(practice: OpenPractice) -> tuple[BundlePart, ...]:
            return await bundle.gather(
                probe_facts.of_practice(practice), self._results, names=self._with_names
            )

        self._parts = await self.host.worker.run(gather)
        self._table.show(list(self._parts))
        self._table.focus_rows()
        size = sum(part.size for part in self._parts)
        masking = "names are INCLUDED" if self._with_names else "names masked"
        self._head.show_subject([fixed(f"{masking}; {size:,} bytes")])
        self._show_part()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._show_part()

    def _show_part(self) -> None:
        part = self._table.item
        text = part.data.decode("utf-8", "replace") if part is not None else ""
        rest = f"\n… {len(text) - MOST:,} more characters" if len(text) > MOST else ""
        self._text.update(content(visible_lines(text[:MOST] + rest)))
        pane = self.query_one(".bundle-pane", VerticalScroll)
        pane.border_title = content(visible(part.name if part is not None else ""))
        pane.scroll_home(animate=False)

    def action_read(self, by: int) -> None:
        """Scroll the selected part."""
        pane = self.query_one(".bundle-pane", VerticalScroll)
        pane.scroll_to(y=pane.scroll_y + by, animate=False)

    def action_names(self) -> None:
        """Include names, or mask them."""
        self._with_names = not self._with_names
        self._gather()

    def action_write(self) -> None:
        """Ask for the name of a new file, and write the bundle to it."""
        if self._parts:
            self.host.work(lambda: self._write(), "bundle", exclusive=True, node=self)

    async def _write(self) -> None:
        question = "Save as (a new file):" + (
            "\nIt contains the names of clients and people." if self._with_names else ""
        )
        default = (own_folder() or Path.cwd()) / "xpm-tui-support.zip"
        name = await self.app.push_screen_wait(
            InputDialog(question, title="Support bundle", value=str(default))
        )
        if name:
            parts = self._parts
            size = await self.host.worker.ask(
                lambda p: bundle.write(parts, Path(name), probe_facts.of_practice(p))
            )
            self.host.toast(f"Written to {name}: {size:,} bytes.")
            self.dismiss(None)


def _bundle_cells(part: BundlePart) -> list[Line]:
    return [[span(part.name, "strong")], [fixed(f"{part.size:,}", "muted")], [span(part.about)]]
