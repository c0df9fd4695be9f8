"""An export before it is written: how many go out, who is left out and why, into which file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from xpm_tui.application.csv_io.exports import ExportReport, preview_export
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import name_of
from xpm_tui.domain import formatting
from xpm_tui.ignition.export import Flavour
from xpm_tui.ignition.forms import FormName
from xpm_tui.tui.dialogs.file_picker import FilePicker, folder_of
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import UNSEEN, RecordListScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import Line, Look, Span, lines, ours, span, wrap
from xpm_tui.tui.widgets.table import Table, TableColumn

SHOWN = 2_000
"""Records that go out and are listed by name."""

Outgoing = tuple[str, str, str, Look]
"""Id, name, what is said of it, and how that looks."""


class ExportPreview(RecordListScreen[None, Outgoing]):
    """Nothing is written, and nothing remembered as gone out, before ``w``."""

    AREA = "clients"
    CSS_PATH: ClassVar = style("importing")
    GROUP: ClassVar = "export"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "apply", "Write"),
        Binding("v", "scope", "All, changed", tooltip="Export all, or what Ignition does not have yet"),
        Binding("F", "flavour", "Form", tooltip="Ignition's own form, or a spreadsheet to read"),
    ]

    def __init__(self, form: FormName, record: str = "", name: str = "") -> None:
        table: Table[Outgoing] = Table(
            (TableColumn("ID", 6, whole=True), TableColumn("Name", 24, grow=1), TableColumn("", 36, grow=2)),
            _cells,
            lambda each: f"{each[0]}/{each[2]}",
        )
        super().__init__(table, "import")
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
        """Count."""
        self.again()

    def _wanted(self) -> dict[str, Any]:
        return {
            "changed": self._scope in ("changed", "again"),
            "again": self._scope == "again",
            "only": [self._record] if self._scope == "one" else [],
            "flavour": self._flavour,
        }

    async def look(self) -> None:
        """Who would go out, and who not."""

        def read(practice: OpenPractice) -> tuple[ExportReport, list[Outgoing]]:
            report, records = preview_export(practice, self._form, **self._wanted())
            snapshot = practice.snapshot()
            found: list[Outgoing] = [
                (each.id, each.name, f"left out: {each.reason}", "bad") for each in report.refused
            ]
            found += [(each.id, each.name, each.reason, "warn") for each in report.splits]
            found += [(id_, name_of(snapshot, id_), "goes out", "muted") for id_ in records[:SHOWN]]
            return report, found

        report, found = await self.host.worker.ask(read)
        self._report = report
        self._head.say(lines(self._summary(report)))
        self._table.say_empty(
            "Ignition has everything: nothing was changed here since the last import or export. v "
            "shows what was exported before, or all."
            if self._scope == "changed"
            else "There is nothing to export."
        )
        self.put(found)

    def _summary(self, report: ExportReport) -> list[Line]:
        scope = {
            "changed": "what Ignition does not have yet",
            "again": "what Ignition does not have yet, including what was exported before",
            "all": f"all {self._form}",
            "one": f"only {self._name or self._record}",
        }[self._scope]
        form = "Ignition's own form" if self._flavour == "ignition" else "a spreadsheet to read and edit"
        size = f"{formatting.count(report.records, 'record')} in {formatting.count(report.rows, 'row')}"
        first: list[Span] = [
            ours(f" Export {self._form}  ", "head"),
            ours(size, "strong"),
        ]
        if report.refused:
            first.append(ours(f" · {len(report.refused):,} left out", "warn"))
        if report.splits:
            first.append(ours(" · several files: see below", "warn"))
        second: Line = [ours(" "), span(scope), ours(" · as ", "muted"), ours(form), ours("   v", "accent"),
                        ours(" and ", "muted"), ours("F", "accent"), ours(" change it", "muted")]  # fmt: skip
        return [first, second]

    def telling(self, each: Outgoing) -> list[Line]:
        """All of its sentence."""
        return [[span(each[1])], *wrap([span(each[2], each[3])], self.size.width - 4)]

    def why_not(self, action: str) -> str:
        """Only what is there can be written, as it was shown."""
        if action == "apply" and not self.shown:
            return UNSEEN
        if action == "apply" and not (self._report is not None and self._report.records):
            return "There is nothing to write."
        if action == "scope" and len(self._scopes) == 1:
            return "There is no other choice here: all of them are exported."
        return ""

    def action_scope(self) -> None:
        """Changed ones, all, or the client that the cursor was on."""
        at = self._scopes.index(self._scope)
        self._scope = self._scopes[(at + 1) % len(self._scopes)]
        self.again()

    def action_flavour(self) -> None:
        """For Ignition's import, or to read and edit."""
        self._flavour = "spreadsheet" if self._flavour == "ignition" else "ignition"
        self.again()

    def action_apply(self) -> None:
        """Name the file, then write it."""
        if self._report is not None and self._report.records and not self.refused(f"export.{self._form}"):
            self.host.work(lambda: self._write(), "write", exclusive=True, node=self)

    async def _write(self) -> None:
        about = (
            "Save as (in Ignition, import it under Clients, Import):"
            if self._form == "clients"
            else "Where to?"
        )
        start = folder_of(self.host) + f"{self._form}.csv"
        path = await self.app.push_screen_wait(
            FilePicker(f"Export {self._form}", about, start=start, new=True)
        )
        if not path:
            return
        self.host.folder = str(Path(path).parent)
        wanted = self._wanted()
        preset: dict[str, Any] = {"file": path, "form": wanted["flavour"]}
        if self._form == "clients":
            preset |= {
                "changed": wanted["changed"],
                "again": wanted["again"],
                "client": tuple(wanted["only"]),
            }
        self.do(f"export.{self._form}", preset, after=self.action_leave)

    def help_page(self) -> HelpPage:
        """F1."""
        return HelpPage(
            "Export",
            "A preview of the export. Ignition's own form is for its bulk import; clients that "
            "Ignition would refuse or duplicate are left out here, with the reason. What was "
            "exported is remembered, so that the next export contains only what is new.",
            [
                ("w", "name the file and write it"),
                (
                    "v",
                    "what Ignition does not have yet, including what was exported, all, or only this client",
                ),
                ("F", "Ignition's form, or a spreadsheet"),
                ("esc", "back; nothing was written"),
            ],
        )


def _cells(each: Outgoing) -> list[Line]:
    id_, name, told, look = each
    return [[span(id_, "muted")], [span(name, "strong")], [span(told, look)]]
