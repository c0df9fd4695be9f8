"""The book in memory: rows as bytes, and a trail of what each commit replaced, for those who look back."""

from __future__ import annotations

from xpm_tui.book.changes import Change
from xpm_tui.book.commit_log import Mark
from xpm_tui.book.indexes import Indexes

Rows = dict[str, bytes]


class Step:
    """The state at ``mark``; when the next commit comes, what that replaced, and the step after it.

    Snapshots hold on to the step that they were taken at and read forward from there, so a commit costs the
    same however many snapshots are alive, and a step that nobody holds is gone at once.
    """

    __slots__ = ("mark", "next", "replaced")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.next: Step | None = None
        self.replaced: dict[str, dict[str, bytes | None]] = {}


class LiveTable:
    """The newest rows of a table, in order of arrival, and the indexes that somebody has asked for."""

    __slots__ = ("indexes", "name", "rows")

    def __init__(self, name: str, rows: Rows | None = None) -> None:
        self.name = name
        self.rows: Rows = {} if rows is None else rows
        self.indexes = Indexes()


class State:
    """All tables. Changed by one thread at a time; read by any, without a lock.

    What makes that safe: a commit first hangs what it is about to replace on the newest step, then changes
    the rows, then moves on to the new step; a reader looks at the rows first and at the steps after it.
    """

    def __init__(self, tables: dict[str, Rows], mark: Mark) -> None:
        self.tables = {name: LiveTable(name, rows) for name, rows in tables.items()}
        self.step = Step(mark)

    @property
    def mark(self) -> Mark:
        """The newest commit."""
        return self.step.mark

    def apply(self, changes: list[Change], mark: Mark, *, watched: bool) -> None:
        """Take a durable commit over. ``watched``: snapshots are alive."""
        replaced: dict[str, dict[str, bytes | None]] = {}
        puts: dict[str, dict[str, bytes]] = {}
        drops: dict[str, set[str]] = {}
        for name, id_, raw in changes:
            live = self.tables.get(name)
            if live is None:
                live = self.tables[name] = LiveTable(name)
            replaced.setdefault(name, {}).setdefault(id_, live.rows.get(id_))
            if raw is None:
                # A row that comes back later in the same commit arrives anew, as the last.
                drops.setdefault(name, set()).add(id_)
                puts.get(name, {}).pop(id_, None)
            else:
                puts.setdefault(name, {})[id_] = raw
        step, after = self.step, Step(mark)
        step.replaced = replaced
        step.next = after
        for name, before in replaced.items():
            live, put = self.tables[name], puts.get(name, {})
            live.indexes.change(before, put)
            gone = drops.get(name)
            if gone and watched:
                # Snapshots keep the old dict, so that what is dropped keeps its place among their rows.
                live.rows = dict(live.rows)
            for id_ in gone or ():
                live.rows.pop(id_, None)
            live.rows.update(put)
        self.step = after
