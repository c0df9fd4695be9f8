"""The preview of an export: which records are exported, and which are left out and why.

The preview of an import: what a file of Ignition would change, its columns, and its refused rows.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
from textual.binding import Binding, BindingType

from xpm_tui.application.csv_io.exports import ExportReport, preview_export
from xpm_tui.application.csv_io.imports import ImportReport
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import name_of
from xpm_tui.commands.consequences import one_line
from xpm_tui.commands.csv_files import ImportFile
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.ignition.export import Flavour
from xpm_tui.ignition.forms import FORMS, IGNORE, FormName
from xpm_tui.tui.dialogs.dialog import ChoiceDialog
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.dialogs.pickers import FilePicker, start_folder
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import ARROW, Line, Look, Span, becomes, fixed, span, wrap
from xpm_tui.tui.widgets.table import Cell, Table, TableColumn

STILL_READING = "The preview is still being read: try again in a moment."

SHOWN = 2_000
"""The most exported records that are listed by name."""


class ExportLine(NamedTuple):
    """A record in the preview of an export: its id, its name, what happens to it, and the style of that."""

    id: str
    name: str
    text: str
    look: Look


class ExportPreview(RecordListScreen[None, ExportLine]):
    """An export. Nothing is written, or recorded as exported, until the user presses ``w``."""

    AREA = "clients"
    CSS_PATH: ClassVar = stylesheet_path("importing")
    GROUP: ClassVar = "export"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "apply", "Write"),
        Binding("v", "scope", "All, changed", tooltip="Export all, or what Ignition does not have yet"),
        Binding("F", "flavour", "Form", tooltip="For Ignition's import, or for a spreadsheet"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Export",
        "A preview of the export. Ignition's own form is for its bulk import; clients that "
        "Ignition would refuse or duplicate are left out here, with the reason. What was "
        "exported is remembered, so that the next export contains only what is new.",
        [
            ("w", "name the file and write it"),
            ("v", "not in Ignition yet; the same with earlier exports; all; only this client"),
            ("F", "Ignition's form, or a spreadsheet"),
            ("esc", "back; nothing was written"),
        ],
    )

    def __init__(self, form: FormName, record: str = "", name: str = "") -> None:
        table: Table[ExportLine] = Table(
            (TableColumn("ID", 9, whole=True), TableColumn("Name", 24, grow=1), TableColumn("", 36, grow=2)),
            _cells,
            lambda line: f"{line.id}/{line.text}",
        )
        super().__init__(table, "import", title=f"Export {form}")
        self._table.border_title = "What is exported"
        self._form: FormName = form
        scopes = ["changed", "again", "all"] if form == "clients" else ["all"]
        if record:
            scopes.append("one")
        self._scopes = scopes
        self._scope = scopes[0]
        self._flavour: Flavour = "ignition"
        self._record, self._name = record, name
        self._report: ExportReport | None = None

    def on_mount(self) -> None:
        """Count the records."""
        self.reload()

    def _options(self) -> dict[str, Any]:
        return {
            "changed": self._scope in ("changed", "again"),
            "again": self._scope == "again",
            "only": [self._record] if self._scope == "one" else [],
            "flavour": self._flavour,
        }

    async def load(self) -> None:
        """Read which records would be exported, and which would be left out."""

        def read(practice: OpenPractice) -> tuple[ExportReport, list[ExportLine]]:
            report, records = preview_export(practice, self._form, **self._options())
            snapshot = practice.snapshot()

            def shown_id(record: str) -> str:
                """Return the id by which users know a record: its Client ID in Ignition, if it has one."""
                client = snapshot.get(CLIENTS, record.partition("/")[0])
                return (client.client_id if client is not None else "") or record

            found = [
                ExportLine(shown_id(each.id), each.name, f"left out: {each.reason}", "bad")
                for each in report.refused
            ]
            found += [ExportLine(shown_id(each.id), each.name, each.reason, "warn") for each in report.splits]
            found += [
                ExportLine(shown_id(id_), name_of(snapshot, id_), "is exported", "muted")
                for id_ in records[:SHOWN]
            ]
            return report, found

        report, found = await self.host.worker.ask(read)
        self._report = report
        self._head.show_subject(*self._summary(report))
        self._table.say_empty(
            "Ignition has everything: nothing was changed here since the last import or export. v "
            "shows what was exported before, or all."
            if self._scope == "changed"
            else "There is nothing to export."
        )
        self.show_items(found)

    def _summary(self, report: ExportReport) -> list[Line]:
        scope = {
            "changed": "not in Ignition yet",
            "again": "not in Ignition, or exported before",
            "all": f"all {self._form}",
            "one": f"only {self._name or self._record}",
        }[self._scope]
        form = "for Ignition's import" if self._flavour == "ignition" else "for a spreadsheet"
        size = f"{formatting.count(report.records, 'record')} in {formatting.count(report.rows, 'row')}"
        first: list[Span] = [fixed(size, "strong")]
        if report.refused:
            first.append(fixed(f" · {len(report.refused):,} left out", "warn"))
        if report.splits:
            first.append(fixed(" · several files: see below", "warn"))
        keys = [
            fixed("   v", "accent"),
            fixed(" and ", "muted"),
            fixed("F", "accent"),
            fixed(" change it", "muted"),
        ]
        return [first, [fixed(" "), span(scope), fixed(" · ", "muted"), fixed(form), *keys]]

    def details_of(self, line: ExportLine) -> list[Line]:
        """Return the name of a record, and all of what happens to it."""
        return [[span(line.name)], *wrap([span(line.text, line.look)], self.size.width - 4)]

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable: only what was shown can be written."""
        if action == "apply" and not self.is_loaded:
            return STILL_READING
        if action == "apply" and not (self._report is not None and self._report.records):
            return "There is nothing to write."
        if action == "scope" and len(self._scopes) == 1:
            return "There is no other choice here: all of them are exported."
        return ""

    def action_scope(self) -> None:
        """Switch between changed records, all of them, and the selected one."""
        at = self._scopes.index(self._scope)
        self._scope = self._scopes[(at + 1) % len(self._scopes)]
        self.reload()

    def action_flavour(self) -> None:
        """Switch between the form for Ignition's import and a spreadsheet for editing."""
        self._flavour = "spreadsheet" if self._flavour == "ignition" else "ignition"
        self.reload()

    def action_apply(self) -> None:
        """Ask for the file, then write it."""
        if self._report is not None and self._report.records and not self.is_refused(f"export.{self._form}"):
            self.host.work(lambda: self._write(), "write", exclusive=True, node=self)

    async def _write(self) -> None:
        about = (
            "Save as (in Ignition, import it under Clients, Import):"
            if self._form == "clients"
            else "Where to?"
        )
        start = start_folder(self.host) + f"{self._form}.csv"
        path = await self.app.push_screen_wait(
            FilePicker(f"Export {self._form}", about, start=start, new=True)
        )
        if not path:
            return
        self.host.folder = str(Path(path).parent)
        options = self._options()
        preset: dict[str, Any] = {"file": path, "form": options["flavour"]}
        if self._form == "clients":
            preset |= {
                "changed": options["changed"],
                "again": options["again"],
                "client": tuple(options["only"]),
            }
        self.perform(f"export.{self._form}", preset, after=self.action_leave)


def _cells(line: ExportLine) -> list[Line]:
    return [[span(line.id, "muted")], [span(line.name, "strong")], [span(line.text, line.look)]]


ENCODINGS = (
    ("", "detected from the file"),
    ("utf-8", "utf-8: what Ignition writes"),
    ("windows-1252", "windows-1252: saved by Excel"),
    ("utf-16", "utf-16: saved by Excel as Unicode text"),
    ("mac-roman", "mac-roman: saved by an old Mac"),
)


class PreviewLine(NamedTuple):
    """A line in the preview of an import: its row in the file, its kind, what it is about, and the text."""

    key: str
    row: int
    kind: str
    about: str
    message: str
    look: Look = ""
    change: tuple[Shown, Shown] | None = None
    """The old and the new value of a changed cell, with which the message begins."""


class ImportPreview(RecordListScreen[bool, PreviewLine]):
    """An import. Nothing is written until the user presses ``a``. The result is whether it was imported."""

    AREA = "clients"
    CSS_PATH: ClassVar = stylesheet_path("importing")
    GROUP: ClassVar = "import"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "apply", "Import"),
        Binding("m", "map", "Map column"),
        Binding(
            "F", "encoding", "Encoding", tooltip="Read the file in another encoding, if names look wrong"
        ),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Import",
        "A preview of the import. Clients are matched by Client ID; absent rows and blank "
        "cells change nothing. Refused rows do not stop the others. An import can be undone: "
        "open the palette and choose: Undo the last import.",
        [
            ("a", "import the file"),
            ("m or enter", "on a column: choose its meaning"),
            ("F", "choose another encoding, if names look wrong"),
            ("esc", "back; nothing was written"),
        ],
    )

    def __init__(self, form: FormName, path: str) -> None:
        table: Table[PreviewLine] = Table(
            (TableColumn("Row", 5, right=True), TableColumn("What", 8), TableColumn("About", 20),
             TableColumn("", 30, grow=1)),
            _import_cells,
            lambda finding: finding.key,
            empty="The file changes nothing: everything in it is already here. esc goes back.",
        )  # fmt: skip
        super().__init__(table, "import", title=f"Import {form}")
        self._table.border_title = "What is in the file"
        self._form: FormName = form
        self._path = path
        self._mapping: dict[str, str] = {}
        self._encoding = ""
        self._report: ImportReport | None = None

    def on_mount(self) -> None:
        """Read the file; nothing is written."""
        self.reload()

    def reload(self) -> None:
        """Read the file again, and show that it is being read."""
        self._head.show_subject([span(f"Reading {Path(self._path).name} …", "muted")])
        super().reload()

    async def load(self) -> None:
        """Run the import as a dry run, and show what it would do."""
        try:
            result, _ = await self.host.run_command(
                by_name(f"import.{self._form}"), self._params(dry_run=True)
            )
            self._report = report = result.value
        except Exception:
            # The error is shown by the console; without an earlier preview, this screen would stay empty.
            if self._report is None:
                self.dismiss(False)
            raise
        self._head.show_subject(*import_summary(report))
        self.show_items(preview_lines(report))

    def details_of(self, finding: PreviewLine) -> list[Line]:
        """Return the row of a line, what it is about, and its whole text."""
        row = f"Row {finding.row:,}  " if finding.row else ""
        rows = wrap([span(finding.message, finding.look)], self.size.width - 4)
        return [[fixed(row), span(finding.about or finding.kind.capitalize())], *rows]

    def why_not(self, action: str) -> str:
        """Return why an action is unavailable: only a column can be mapped, only what was shown imported."""
        if action == "apply" and not self.is_loaded:
            return STILL_READING
        item = self._table.item
        if action == "map" and (item is None or item.kind != "column"):
            return "Select a line about a column first."
        return ""

    def action_open(self) -> None:
        """Map the selected column."""
        self.action_map()

    def action_map(self) -> None:
        """Ask what the selected column means; the answer is stored once the file is imported."""
        item = self._table.item
        if item is not None and item.kind == "column":
            self.host.work(lambda: self._map(item.about), "map", node=self)

    async def _map(self, heading: str) -> None:
        choices = [(field.name, field.heading) for field in FORMS[self._form].fields]
        choices.append((IGNORE, "nothing: ignore this column"))
        question = f"What does the column “{heading}” mean?"
        columns = self._report.columns if self._report else ()
        now = next((column.field for column in columns if column.heading == heading), "")
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(question, choices, title="Map", start=now or "")
        )
        if chosen:
            self._mapping[heading] = chosen
            self.reload()

    def action_encoding(self) -> None:
        """Choose another encoding of the file, if names look wrong."""
        self.host.work(lambda: self._choose_encoding(), "encoding", node=self)

    async def _choose_encoding(self) -> None:
        question = "If names in this file look wrong, choose another encoding:"
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(question, ENCODINGS, title="Encoding", start=self._encoding)
        )
        if chosen is not None:
            self._encoding = chosen
            self.reload()

    def show_progress(self, sentence: str) -> None:
        """Show the progress of reading or writing."""
        self._head.show_subject([span(sentence, "muted")])

    def action_apply(self) -> None:
        """Import the file and show the result."""
        self.perform(f"import.{self._form}", msgspec.structs.asdict(self._params()), after=self._imported)

    def _params(self, *, dry_run: bool = False) -> ImportFile:
        mapping = tuple(f"{heading}={field}" for heading, field in self._mapping.items())
        return ImportFile(file=self._path, map=mapping, encoding=self._encoding, dry_run=dry_run)

    def _imported(self) -> None:
        self.dismiss(True)


def import_summary(report: ImportReport) -> list[Line]:
    """Return what the import would do, in three lines."""
    counts = report.counts
    first: Line = [span(Path(report.file).name, "strong"), fixed(f"  {report.encoding}", "muted")]
    unknown = sum(column.field is None for column in report.columns)
    cells, adopted = counts.get("cells", 0), counts.get("adopted", 0)
    facts: list[Span] = [
        fixed(f" {counts.get('new', 0):,} new · {counts.get('changed', 0):,} changed · "
              f"{counts.get('same', 0):,} the same")
    ]  # fmt: skip
    counted: list[tuple[int, str, Look]] = [
        (len(report.refused), "row refused/rows refused", "warn"),
        (unknown, "unknown column", "warn"),
        (cells, "changed cell", "muted"),
        (adopted, "client matched by name and e-mail/clients matched by name and e-mail", "muted"),
    ]
    facts += [fixed(f" · {formatting.count(number, noun)}", look) for number, noun, look in counted if number]
    effect: list[Span] = []
    following = report.consequences.then if report.consequences is not None else None
    if following is not None and following.changes:
        effect.append(fixed(f" → With the next sync: {one_line(following, costs=False)}", "accent"))
    return [first, facts, effect]


def preview_lines(report: ImportReport) -> list[PreviewLine]:
    """Return refused rows, then unknown columns, changed cells, notes, and known columns."""
    found = [
        PreviewLine(f"refused:{place}", each.row, "refused", "row left out", each.reason, "bad")
        for place, each in enumerate(report.refused)
    ]
    columns = [
        PreviewLine(f"column:{c.heading}", 0, "column", c.heading, *_column(c.heading, c.field, report.form))
        for c in report.columns
    ]
    found += [each for each in columns if each.look == "warn"]
    for place, edit in enumerate(report.edits):
        about = f"{edit.record} {_label(report.form, edit.field)}"
        change = formatting.value(edit.old), formatting.value(edit.new)
        text = ARROW.join(change) + ("  (it was changed here too)" if edit.both else "")
        found.append(PreviewLine(f"cell:{place}", edit.row, "cell", about, text, change=change))
    found += [
        PreviewLine(f"note:{place}", each.row, "note", "", each.reason, "muted")
        for place, each in enumerate(report.notes)
    ]
    return found + [each for each in columns if each.look != "warn"]


def _label(form: FormName, field: str) -> str:
    found = FORMS[form].by_name.get(field)
    return found.heading if found is not None else field


def _column(heading: str, field: str | None, form: FormName) -> tuple[str, Look]:
    if field is None:
        return "unknown: stored as it is (m chooses its meaning)", "warn"
    if field == IGNORE:
        return "ignored", "muted"
    meaning = _label(form, field)
    return ("read" if meaning.casefold() == heading.casefold() else f"read as {meaning}"), "muted"


def _import_cells(finding: PreviewLine) -> list[Cell]:
    return [
        [fixed(f"{finding.row:,}" if finding.row else "", "muted")],
        [fixed(finding.kind, "bad" if finding.kind == "refused" else "muted")],
        [span(finding.about, "strong")],
        partial(_message_cell, finding) if finding.change else [span(finding.message, finding.look)],
    ]


def _message_cell(finding: PreviewLine, columns: int) -> Line:
    """Return a changed cell in a row: its values are shortened where they are the same."""
    if finding.change is None or formatting.cells(finding.message) <= columns:
        return [span(finding.message, finding.look)]
    return becomes(*finding.change, columns)
