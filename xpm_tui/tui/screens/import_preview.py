"""A file of Ignition before it comes in: what it would change, what its columns mean, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple

import msgspec
from textual import on
from textual.binding import Binding, BindingType

from xpm_tui.application.csv_io.imports import ImportReport
from xpm_tui.commands.consequences import one_line
from xpm_tui.commands.csv_files import ImportFile
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.ignition.forms import FORMS, IGNORE, FormName
from xpm_tui.tui.dialogs.dialog import ChoiceDialog
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import UNSEEN, RecordListScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import Line, Look, Span, lines, ours, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn

ENCODINGS = (
    ("", "as found out from the file"),
    ("utf-8", "utf-8: what Ignition writes"),
    ("windows-1252", "windows-1252: saved by Excel"),
    ("utf-16", "utf-16: saved by Excel as Unicode text"),
    ("mac-roman", "mac-roman: saved by an old Mac"),
)


class PreviewLine(NamedTuple):
    """One line of the preview: of which row, what kind, what it is about, what is to be said of it."""

    key: str
    row: int
    kind: str
    about: str
    told: str
    look: Look = ""


class ImportPreview(RecordListScreen[bool, PreviewLine]):
    """Nothing is written before ``a``. Gives whether it was imported."""

    AREA = "clients"
    CSS_PATH: ClassVar = style("importing")
    GROUP: ClassVar = "import"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "apply", "Import"),
        Binding("m", "map", "Map column"),
        Binding(
            "F", "encoding", "Encoding", tooltip="Read the file in another encoding, where names look wrong"
        ),
    ]

    def __init__(self, form: FormName, path: str) -> None:
        table: Table[PreviewLine] = Table(
            (TableColumn("Row", 5, right=True), TableColumn("What", 8), TableColumn("About", 20),
             TableColumn("", 30, grow=1)),
            _cells,
            lambda finding: finding.key,
            empty="The file changes nothing: everything in it is here already. esc goes back.",
        )  # fmt: skip
        super().__init__(table, "import")
        self._table.border_title = "What is in the file"
        self._form: FormName = form
        self._path = path
        self._mapping: dict[str, str] = {}
        self._encoding = ""
        self._report: ImportReport | None = None

    def on_mount(self) -> None:
        """Look at the file; nothing is written."""
        self.again()

    def again(self) -> None:
        """Read it once more, and say so meanwhile."""
        self._head.say(lines([[ours(f" Reading {Path(self._path).name} …", "muted")]]))
        super().again()

    async def look(self) -> None:
        """What it would do, dry."""
        try:
            result, _ = await self.host.run_command(
                by_name(f"import.{self._form}"), self._params(dry_run=True)
            )
            self._report = report = result.value
        except Exception:
            # Told by whoever gets it; there is nothing here to look at then, unless there was before.
            if self._report is None:
                self.dismiss(False)
            raise
        self._head.say(lines(summary(report)))
        self.put(findings(report))

    def telling(self, finding: PreviewLine) -> list[Line]:
        """All of its sentence."""
        row = f"Row {finding.row:,}  " if finding.row else ""
        told = wrap([span(finding.told, finding.look)], self.size.width - 4)
        return [[ours(row), span(finding.about or finding.kind.capitalize())], *told]

    def why_not(self, action: str) -> str:
        """Map where the cursor is on a column; take in what was shown."""
        if action == "apply" and not self.shown:
            return UNSEEN
        item = self._table.item
        if action == "map" and (item is None or item.kind != "column"):
            return "Select a line about a column first."
        return ""

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        if event.item.kind == "column":
            self.action_map()

    def action_map(self) -> None:
        """Say what a column means; it is remembered once the file is imported."""
        item = self._table.item
        if item is not None and item.kind == "column":
            heading = item.about
            self.host.work(lambda: self._map(item.key.partition(":")[2], heading), "map", node=self)

    async def _map(self, heading: str, shown: str) -> None:
        fields = FORMS[self._form].fields
        choices = [(each.name, each.heading) for each in fields]
        choices.append((IGNORE, "nothing: ignore this column"))
        question = f"What does the column “{shown}” mean?"
        now = (
            next((c.field for c in self._report.columns if c.heading == heading), "") if self._report else ""
        )
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(question, choices, title="Map", start=now or "")
        )
        if chosen:
            self._mapping[heading] = chosen
            self.again()

    def action_encoding(self) -> None:
        """Where names look wrong."""
        self.host.work(lambda: self._choose_encoding(), "encoding", node=self)

    async def _choose_encoding(self) -> None:
        question = "If names in this file look wrong, choose another encoding:"
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(question, ENCODINGS, title="Encoding", start=self._encoding)
        )
        if chosen is not None:
            self._encoding = chosen
            self.again()

    def show_progress(self, sentence: str) -> None:
        """How far reading or writing is."""
        self._head.say(lines([[span(f" {sentence}", "muted")]]))

    def action_apply(self) -> None:
        """Take the file in; what came of it is told."""
        self.do(f"import.{self._form}", msgspec.structs.asdict(self._params()), after=self._imported)

    def _params(self, *, dry_run: bool = False) -> ImportFile:
        words = tuple(f"{heading}={field}" for heading, field in self._mapping.items())
        return ImportFile(file=self._path, map=words, encoding=self._encoding, dry_run=dry_run)

    def _imported(self) -> None:
        self.dismiss(True)

    def help_page(self) -> HelpPage:
        """F1."""
        return HelpPage(
            "Import",
            "A preview of the import. Clients are matched by Client ID; absent rows and blank "
            "cells change nothing. Refused rows do not stop the others. An import can be undone: "
            "open the palette and choose: Undo the last import.",
            [
                ("a", "import the file"),
                ("m or enter", "on a column: choose its meaning"),
                ("F", "choose another encoding, where names look wrong"),
                ("esc", "back; nothing was written"),
            ],
        )


def summary(report: ImportReport) -> list[Line]:
    """What it would do, in three lines."""
    counts = report.counts
    first: list[Span] = [
        ours(" Import ", "head"), span(Path(report.file).name, "head"),
        ours(f"  {counts.get('new', 0):,} new · {counts.get('changed', 0):,} changed · "
             f"{counts.get('same', 0):,} the same"),
    ]  # fmt: skip
    if report.refused:
        first.append(ours(f" · {formatting.count(len(report.refused), 'row')} refused", "warn"))
    unknown = sum(column.field is None for column in report.columns)
    cells, adopted = counts.get("cells", 0), counts.get("adopted", 0)
    facts: list[Span] = [ours(f" {report.encoding}", "muted")]
    facts += [ours(f" · {formatting.count(unknown, 'unknown column')}", "warn")] if unknown else []
    facts += [ours(f" · {formatting.count(cells, 'changed cell')}", "muted")] if cells else []
    facts += (
        [ours(f" · {formatting.count(adopted, 'client')} matched by name and e-mail", "muted")]
        if adopted
        else []
    )
    then: list[Span] = []
    following = report.consequences.then if report.consequences is not None else None
    if following is not None and following.changes:
        then.append(ours(f" → With the next sync: {one_line(following, costs=False)}", "accent"))
    return [first, facts, then]


def findings(report: ImportReport) -> list[PreviewLine]:
    """Refused rows first, then columns that nobody knows, changed cells, notes, and the known columns."""
    found = [
        PreviewLine(f"refused:{place}", each.row, "refused", "row left out", each.reason, "bad")
        for place, each in enumerate(report.refused)
    ]
    columns = [
        PreviewLine(f"column:{c.heading}", 0, "column", c.heading, *_column(c.field)) for c in report.columns
    ]
    found += [each for each in columns if each.look == "warn"]
    for place, edit in enumerate(report.edits):
        told = f"{formatting.value(edit.old)} → {formatting.value(edit.new)}"
        both = "  (it was changed here too)" if edit.both else ""
        found.append(
            PreviewLine(f"cell:{place}", edit.row, "cell", f"{edit.record} {edit.field}", told + both)
        )
    found += [
        PreviewLine(f"note:{place}", each.row, "note", "", each.reason, "muted")
        for place, each in enumerate(report.notes)
    ]
    return found + [each for each in columns if each.look != "warn"]


def _column(field: str | None) -> tuple[str, Look]:
    if field is None:
        return "unknown: kept as it is (m chooses its meaning)", "warn"
    return ("passed over", "muted") if field == IGNORE else (f"is {field}", "muted")


def _cells(finding: PreviewLine) -> list[Line]:
    return [
        [ours(f"{finding.row:,}" if finding.row else "", "muted")],
        [ours(finding.kind, "bad" if finding.kind == "refused" else "muted")],
        [span(finding.about, "strong")],
        [span(finding.told, finding.look)],
    ]
