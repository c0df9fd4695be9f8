"""Team and Templates: what the mirror knows of them, with its age."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult

from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import STAFF, TEAM, TEMPLATES
from xpm_tui.service.identity import list_state
from xpm_tui.service.practice import OpenPractice
from xpm_tui.tui import when
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.line import Line, ours, span
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.table import Column, Table
from xpm_tui.tui.widgets.words import words


class Row(msgspec.Struct, frozen=True):
    """One line of such a list: its key and its cells, made on the desk."""

    key: str
    cells: tuple[str, ...]
    quiet: bool = False


class MirrorArea(AreaScreen):
    """A list of the mirror, read only."""

    LIST: ClassVar[str] = ""
    NOUN: ClassVar[str] = ""
    COLUMNS: ClassVar[Sequence[Column]] = ()
    CSS_PATH: ClassVar = style("mirror")

    def __init__(self) -> None:
        super().__init__()
        self._age = Says(classes="age")
        self._table: Table[Row] = Table(self.COLUMNS, _cells, lambda row: row.key)

    def body(self) -> ComposeResult:
        """Its age over the list."""
        yield self._age
        yield self._table

    @staticmethod
    def rows(snapshot: Snapshot) -> list[Row]:
        """The lines."""
        raise NotImplementedError

    async def look(self) -> None:
        """Read the list and how old it is."""

        def read(practice: OpenPractice) -> tuple[list[Row], Any]:
            snapshot = practice.snapshot()
            return self.rows(snapshot), list_state(snapshot, self.LIST)

        rows, state = await self.console_app.desk.ask(read)
        now = self.console_app.desk.practice.clock.now()
        told: list[Any] = [
            ours(f" {when.counted(len(rows), self.NOUN)}", "strong"),
            ours("" if state.note else f" · as XPM said {when.since(state.at, now)}", "muted"),
        ]
        if state.note:
            told += [ours("  ! ", "warn"), span(state.note)]
        self._age.say(words(told))
        self._table.say_empty(state.note or "XPM has not told yet. A plan reads it: g s, then p.")
        self._table.show(rows)
        if self.focused is None:
            self._table.rows.focus()


def _cells(row: Row) -> list[Line]:
    return [[span(cell, "muted" if row.quiet else "strong" if not place else "")]
            for place, cell in enumerate(row.cells)]  # fmt: skip


class Team(MirrorArea):
    """Who works in XPM, and which member of the team each is."""

    AREA = "team"
    LIST = "staff"
    NOUN = "staff record"
    ABOUT = (
        "The staff of XPM as the mirror has them, and who of Ignition's team each one is. A partner or "
        "manager is carried only where the person is linked."
    )
    COLUMNS = (
        Column("NAME", 20, grow=2),
        Column("E-MAIL", 22, grow=2),
        Column("IGNITION", 16, grow=1),
        Column("UUID", 36, drop=1),
    )

    @staticmethod
    def rows(snapshot: Snapshot) -> list[Row]:
        """Staff, then members who are nobody there."""
        members = {member.staff: member for member in snapshot.rows(TEAM) if member.staff}
        found = [
            Row(
                s.uuid,
                (s.name, s.email, f"● {members[s.uuid].name}" if s.uuid in members else "○ no link", s.uuid),
                s.gone,
            )
            for s in snapshot.rows(STAFF)
        ]
        found += [
            Row(m.id, (m.name, m.email, "○ not in XPM" if m.access else "without access", "")) 
            for m in snapshot.rows(TEAM) if not m.staff
        ]  # fmt: skip
        return sorted(found, key=lambda row: row.cells[0].casefold())


class Templates(MirrorArea):
    """The job templates of XPM."""

    AREA = "templates"
    LIST = "templates"
    NOUN = "job template"
    ABOUT = "The job templates of XPM as the mirror has them. XPM tells no more of one than its name."
    COLUMNS = (Column("TEMPLATE", 30, grow=1), Column("UUID", 36, drop=1))

    @staticmethod
    def rows(snapshot: Snapshot) -> list[Row]:
        """By name."""
        found = [Row(t.uuid, (t.name, t.uuid), t.gone) for t in snapshot.rows(TEMPLATES)]
        return sorted(found, key=lambda row: row.cells[0].casefold())


MIRRORS: dict[str, Callable[[], MirrorArea]] = {"team": Team, "templates": Templates}
