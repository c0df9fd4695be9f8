"""What a review settles, client by client: kept so that the last can be taken back, and where one was.

Undo of a run keeps a pair apart for good. This is something else: a slip of the finger, taken back at once,
after which the client stands exactly as it stood before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import APART, BASE, FREEZES, IGNORED, IMAGES, LINKS, META, Meta, Table
from xpm_tui.sync.applying.run_results import mark

R = TypeVar("R")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one client stood: ``rows`` are table and row of its link, what was agreed, what was settled."""

    client: str
    name: str
    rows: tuple[tuple[str, Any], ...]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How a client stood before it was settled, and how it stood right after."""

    before: Standing
    after: Standing


_TABLES: dict[str, Table[Any]] = {"links": LINKS, "base": BASE, "ignored": IGNORED}
_MANY: dict[str, Table[Any]] = {"apart": APART, "freezes": FREEZES}


def standing(snapshot: Snapshot, client: str) -> Standing:
    """How a client stands now."""
    rows: list[tuple[str, Any]] = [
        (name, row) for name, table in _TABLES.items() if (row := snapshot.get(table, client)) is not None
    ]
    for name, table in _MANY.items():
        rows += [(name, row) for row in snapshot.find(table, "client", client)]
    return Standing(client=client, name=find_client(snapshot, client).name, rows=tuple(rows))


def take_back(practice: OpenPractice, settled: Iterable[Settled]) -> list[str]:
    """Put clients back to where they stood, in one commit; gives their names.

    Raises ``BadInput``, and changes nothing, where one of them has moved since: a sync wrote by its link, or
    somebody linked it otherwise.
    """
    practice.writable()
    snapshot = practice.snapshot()
    wanted = list(settled)
    for each in wanted:
        if standing(snapshot, each.after.client) != each.after:
            raise BadInput(
                f"{each.after.name} ({each.after.client}) has moved since: it stays as it is.",
                hint="Clients shows how it stands; u there takes back what a run wrote.",
            )
    practice.book.commit([write for each in wanted for write in _back(snapshot, each)])
    for each in wanted:
        practice.events.emit(Event(key="review.taken_back", record=each.after.client))
    return [each.after.name for each in wanted]


def _back(snapshot: Snapshot, each: Settled) -> Iterable[Write]:
    tables = {**_TABLES, **_MANY}
    for name, row in each.after.rows:
        if (name, row) not in each.before.rows:
            yield Drop(tables[name], row.id)
    yield from (Put(tables[name], row) for name, row in each.before.rows)
    link = next((row for name, row in each.after.rows if name == "links"), None)
    image = snapshot.get(IMAGES, f"{link.run}/{link.id}") if link is not None and link.run else None
    if image is not None:
        undone = tuple(mark(written.record, written.field) for written in image.written)
        yield Put(IMAGES, msgspec.structs.replace(image, undone=undone))


def settle(
    practice: OpenPractice, clients: Iterable[str], act: Callable[[], R]
) -> tuple[R, tuple[Settled, ...]]:
    """Do something to clients and keep how they stood: those that stand otherwise afterwards."""
    snapshot = practice.snapshot()
    before = [standing(snapshot, client) for client in clients]
    done = act()
    return done, since(practice, before)


def since(practice: OpenPractice, before: Iterable[Standing]) -> tuple[Settled, ...]:
    """Those of some clients that stand otherwise now."""
    snapshot = practice.snapshot()
    now = ((each, standing(snapshot, each.client)) for each in before)
    return tuple(Settled(before=each, after=after) for each, after in now if after != each)


def place(practice: OpenPractice) -> str:
    """The client at which this person left the review; empty when there is none."""
    row = practice.snapshot().get(META, _key(practice))
    return str(row.value) if row is not None else ""


def keep_place(practice: OpenPractice, client: str) -> None:
    """Remember where this person leaves the review. Nothing is kept by a console that may not write."""
    if practice.read_only or place(practice) == client:
        return
    write: Write = Put(META, Meta(id=_key(practice), value=client)) if client else Drop(META, _key(practice))
    practice.book.commit([write])


def _key(practice: OpenPractice) -> str:
    return f"review.place.{practice.person}"
