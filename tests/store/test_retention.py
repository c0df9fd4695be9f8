"""Retention: old history is deleted with all that belongs to it; what is open, unknown or held stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.memory_store import MemoryStore
from xpm_tui.domain.plan import Plan, PlannedRecord
from xpm_tui.domain.ports import Put, Write
from xpm_tui.domain.runs import BeforeImage, Intent, IntentState, Run, StopRequest
from xpm_tui.domain.tables import IMAGES, INTENTS, PLANNED, PLANS, RUNS, STOPS, TableSchema
from xpm_tui.store.store import outdated_rows

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def a_run(number: int, days: float, state: IntentState = "done", *, ended: bool = True) -> list[Write]:
    run, plan, then = f"r{number}", f"p{number}", NOW - timedelta(days=days)
    return [
        Put(RUNS, Run(id=run, started=then, by="ana", plan=plan, ended=then if ended else None)),
        *a_plan(number, days),
        Put(IMAGES, BeforeImage(id=f"{run}/c1", run=run, client="c1")),
        Put(INTENTS, Intent(id=f"i{number}", run=run, kind="update", record="c1", state=state)),
        Put(STOPS, StopRequest(id=run, by="ana", at=then)),
    ]


def a_plan(number: int, days: float) -> list[Write]:
    made = NOW - timedelta(days=days)
    plan = Plan(
        id=f"p{number}",
        made=made,
        by="ana",
        direction="from_xpm",
        level="everything",
        tenant="t",
        policy="x",
        scopes="s",
    )
    record = PlannedRecord(id=f"p{number}/c1", plan=plan.id, client="c1", uuid="u1", changes=())
    return [Put(PLANS, plan), Put(PLANNED, record)]


def kept(book: MemoryStore) -> dict[str, list[str]]:
    book.commit(outdated_rows(book.snapshot(), now=NOW, runs_days=700, images_days=90))
    tables: tuple[TableSchema[object], ...] = (RUNS, PLANS, PLANNED, IMAGES, INTENTS, STOPS)  # type: ignore[type-var,assignment]
    return {table.name: sorted(book.snapshot().ids(table)) for table in tables}


def test_a_run_goes_with_all_that_hangs_on_it() -> None:
    book = MemoryStore([*a_run(1, 800), *a_run(2, 100), *a_run(3, 10)])
    left = kept(book)
    assert left["runs"] == left["stops"] == ["r2", "r3"]
    assert left["images"] == ["r3/c1"]
    assert left["intents"] == ["i3"]
    assert left["planned"] == ["p1/c1", "p3/c1"], "p1 is one of the newest that belong to no run"
    assert outdated_rows(book.snapshot(), now=NOW, runs_days=700, images_days=90) == []


def test_what_is_open_unknown_or_held_stays() -> None:
    book = MemoryStore([*a_run(1, 800, "sent"), *a_run(2, 800, "held"), *a_run(3, 800, ended=False)])
    left = kept(book)
    assert left["runs"] == ["r1", "r2", "r3"]
    assert left["images"] == ["r1/c1", "r2/c1", "r3/c1"]
    assert left["intents"] == ["i1", "i2", "i3"]


def test_the_newest_drafts_stay() -> None:
    book = MemoryStore([write for n in range(1, 9) for write in a_plan(n, 10 - n)] + a_plan(9, 0.5))
    assert kept(book)["plans"] == ["p7", "p8", "p9"]
    assert kept(book)["planned"] == ["p7/c1", "p8/c1", "p9/c1"]
