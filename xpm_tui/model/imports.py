"""Imports of Ignition's files: what came in, and what was there before, so that the last can be undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec


class Import(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One import (``m3``). ``fields`` are the fields that the file had a column for.

    ``state`` is ``begun`` until its last batch is in the book, ``undoing`` until it is taken back; only the
    last import keeps its images.
    """

    id: str
    at: datetime
    by: str = ""
    form: str = "clients"
    file: str = ""
    encoding: str = ""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    fields: tuple[str, ...] = ()
    state: Literal["begun", "done", "undoing", "undone"] = "begun"


class ImportImage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Before-image of one row in one import; ``id`` is ``<import>/<table>/<row>``.

    A row that was changed keeps both its states, ``before`` and ``after``; of one that the import made a
    ``digest`` says whether it has been touched since.
    """

    id: str
    batch: str
    table: str
    row: str
    digest: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
