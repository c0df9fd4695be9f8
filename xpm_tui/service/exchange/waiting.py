"""How far the book and Ignition are apart: the age of its last file, and what is not there yet."""

from __future__ import annotations

from xpm_tui.book.ignition.changes import changes_not_in_ignition
from xpm_tui.model.imports import Import
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import IMPORTS


def last_import(snapshot: Snapshot, form: str = "clients") -> Import | None:
    """The newest import of a form that was not taken back; its ``at`` is the age that screens show."""
    done = [each for each in snapshot.rows(IMPORTS) if each.form == form and each.state != "undone"]
    return max(done, key=lambda each: (each.at, len(each.id), each.id), default=None)


def to_ignition(snapshot: Snapshot) -> int:
    """How many clients have values that neither came from Ignition's last file nor went out since."""
    pending = changes_not_in_ignition(snapshot).clients.values()
    return sum(any(not each.sent for each in client) for client in pending)
