"""What a review settles, client by client: stored so that the last can be undone, and where one was.

Undo of a run keeps a pair apart for good. This is something else: a slip of the finger, taken back at once,
after which the client stands exactly as it stood before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ports import Drop, Put, Snapshot, Write
from xpm_tui.domain.tables import (
    APART,
    BASE,
    CLIENTS,
    FREEZES,
    IGNORED,
    IMAGES,
    LINKS,
    META,
    PROVENANCE,
    Meta,
    TableSchema,
)
from xpm_tui.sync.applying.run_results import mark

R = TypeVar("R")

MOST = 100
"""Decisions of one person that are remembered; one may be about many clients."""


class ReviewedState(msgspec.Struct, frozen=True, kw_only=True):
    """How one client stood: ``rows`` are table and row of its link, what was agreed, what was settled.

    The client itself is among them only where the decision changed it.
    """

    client: str
    name: str
    rows: tuple[tuple[str, Any], ...]


class ReviewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """How a client stood before it was settled, and how it stood right after."""

    before: ReviewedState
    after: ReviewedState


_TABLES: dict[str, TableSchema[Any]] = {
    "links": LINKS,
    "base": BASE,
    "ignored": IGNORED,
    "provenance": PROVENANCE,
    "clients": CLIENTS,
}
_MANY: dict[str, TableSchema[Any]] = {"apart": APART, "freezes": FREEZES}


def current_state(snapshot: Snapshot, client: str) -> ReviewedState:
    """How a client stands now."""
    rows: list[tuple[str, Any]] = [
        (name, row) for name, table in _TABLES.items() if (row := snapshot.get(table, client)) is not None
    ]
    for name, table in _MANY.items():
        rows += [(name, row) for row in snapshot.find(table, "client", client)]
    return ReviewedState(client=client, name=find_client(snapshot, client).name, rows=tuple(rows))


def undo(practice: OpenPractice, clients: Collection[str] = ()) -> list[str]:
    """Undo this person's last decision, or their last one about exactly these clients; gives the names.

    Raises ``BadInput`` where there is none, or where a client of it has moved since: that decision stays and
    is not offered again. After any other error it can be undone once more.
    """
    practice.writable()
    snapshot = practice.snapshot()
    for id_ in reversed(_decisions(practice, snapshot)):
        settled = _read(snapshot, id_)
        if settled and (not clients or {each.after.client for each in settled} == set(clients)):
            break
    else:
        raise BadInput("There is no decision to undo.", hint=f"Only your last {MOST} can be undone.")
    try:
        return restore_states(practice, settled, Drop(META, id_))
    except BadInput:
        practice.book.commit([Drop(META, id_)])
        raise


def restore_states(practice: OpenPractice, settled: Iterable[ReviewDecision], *more: Write) -> list[str]:
    """Put clients back to where they stood, in one commit with ``more``; gives their names.

    Raises ``BadInput``, and changes nothing, where one of them has moved since: a sync wrote by its link, or
    somebody linked it otherwise.
    """
    practice.writable()
    snapshot = practice.snapshot()
    wanted = list(settled)
    for each in wanted:
        if not _stands_as(current_state(snapshot, each.after.client), each.after):
            raise BadInput(
                f"{each.after.name} ({each.after.client}) has changed since then, so the decision "
                "was not undone.",
                hint="See its state under Clients; press u there to undo what a run wrote.",
            )
    practice.book.commit([*(write for each in wanted for write in _back(snapshot, each)), *more])
    for each in wanted:
        practice.events.emit(Event(key="review.taken_back", record=each.after.client))
    return [each.after.name for each in wanted]


def _stands_as(now: ReviewedState, after: ReviewedState) -> bool:
    """Whether a client stands as it did after a decision; its own values count where that changed them."""
    counts = any(name == "clients" for name, _ in after.rows)
    return (now if counts else _without_client(now)) == after


def _without_client(each: ReviewedState) -> ReviewedState:
    rows = tuple((name, row) for name, row in each.rows if name != "clients")
    return msgspec.structs.replace(each, rows=rows)


def _back(snapshot: Snapshot, each: ReviewDecision) -> Iterable[Write]:
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


def store_decision(
    practice: OpenPractice, clients: Iterable[str], act: Callable[[], R]
) -> tuple[R, tuple[ReviewDecision, ...]]:
    """Do something to clients and store how they stood; gives those that stand otherwise afterwards."""
    snapshot = practice.snapshot()
    before = [current_state(snapshot, client) for client in clients]
    done = act()
    settled = since(practice, before)
    if settled:
        _remember(practice, settled)
    return done, settled


def since(practice: OpenPractice, before: Iterable[ReviewedState]) -> tuple[ReviewDecision, ...]:
    """Those of some clients that stand otherwise now."""
    snapshot = practice.snapshot()
    now = ((each, current_state(snapshot, each.client)) for each in before)
    return tuple(_settled(each, after) for each, after in now if after != each)


def _settled(before: ReviewedState, after: ReviewedState) -> ReviewDecision:
    """The two, without the client itself where it is the same."""
    client = [[row for name, row in each.rows if name == "clients"] for each in (before, after)]
    if client[0] == client[1]:
        before, after = _without_client(before), _without_client(after)
    return ReviewDecision(before=before, after=after)


def _remember(practice: OpenPractice, settled: tuple[ReviewDecision, ...]) -> None:
    known = _decisions(practice, practice.snapshot())
    number = int(known[-1].rpartition("/")[2]) + 1 if known else 1
    row = Meta(id=f"{_key(practice, 'decided')}/{number:09}", value=msgspec.to_builtins(settled))
    practice.book.commit([Put(META, row), *(Drop(META, id_) for id_ in known[: -MOST + 1])])


def _decisions(practice: OpenPractice, snapshot: Snapshot) -> list[str]:
    """The rows of this person's decisions, the oldest first."""
    before = f"{_key(practice, 'decided')}/"
    return sorted(id_ for id_ in snapshot.ids(META) if id_.startswith(before))


def _read(snapshot: Snapshot, id_: str) -> tuple[ReviewDecision, ...]:
    """A stored decision; nothing where this version cannot read it."""
    row = snapshot.get(META, id_)
    try:
        settled = msgspec.convert(row.value if row is not None else (), tuple[ReviewDecision, ...])
        return tuple(ReviewDecision(before=_typed(each.before), after=_typed(each.after)) for each in settled)
    except (msgspec.ValidationError, KeyError):
        return ()


def _typed(stored: ReviewedState) -> ReviewedState:
    tables = {**_TABLES, **_MANY}
    rows = tuple((name, msgspec.convert(row, tables[name].row)) for name, row in stored.rows)
    return msgspec.structs.replace(stored, rows=rows)


def place(practice: OpenPractice) -> str:
    """The client at which this person left the review; empty when there is none."""
    row = practice.snapshot().get(META, _key(practice, "place"))
    return str(row.value) if row is not None else ""


def keep_place(practice: OpenPractice, client: str) -> None:
    """Remember where this person leaves the review. Nothing is kept by a console that may not write."""
    if practice.read_only or place(practice) == client:
        return
    key = _key(practice, "place")
    write: Write = Put(META, Meta(id=key, value=client)) if client else Drop(META, key)
    practice.book.commit([write])


def _key(practice: OpenPractice, what: str) -> str:
    return f"review.{what}.{practice.person}"
