"""Fields that both sides had edited: those of the plan at hand, and those that runs have decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.presenter import Presenter
from xpm_tui.application.presenters.views import ConflictView
from xpm_tui.application.runs.plans import newest_draft
from xpm_tui.domain.links import Pair
from xpm_tui.domain.plan import Change, Plan, PlannedRecord, Side
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import BeforeImage, Run, Written
from xpm_tui.domain.tables import BASE, IMAGES, LINKS, PLANNED, RUNS, XPM_CLIENTS
from xpm_tui.sync.applying.local_writes import base_key
from xpm_tui.sync.applying.run_results import mark
from xpm_tui.sync.base import mirror_values, pair
from xpm_tui.sync.planning.decisions import because_held, change_reason


def conflicts(practice: OpenPractice) -> list[ConflictView]:
    """Those of the newest plan, then what runs have decided, newest first."""
    snapshot = practice.snapshot()
    teller = _ConflictPresenter(snapshot)
    return [*_planned(snapshot, teller), *_decided(snapshot, teller)]


def _planned(snapshot: Snapshot, teller: _ConflictPresenter) -> Iterator[ConflictView]:
    newest = newest_draft(snapshot)
    if newest is None:
        return
    for record in snapshot.find(PLANNED, "plan", newest.id):
        for change in record.changes:
            if change.conflict:
                yield teller.planned(newest, record, change)


def _decided(snapshot: Snapshot, teller: _ConflictPresenter) -> Iterator[ConflictView]:
    runs = sorted(snapshot.rows(RUNS), key=lambda run: (len(run.id), run.id), reverse=True)
    for run in runs:
        for image in snapshot.find(IMAGES, "run", run.id):
            for written in image.written:
                if written.rule == "conflict":
                    yield teller.decided(run, image, written)


class _ConflictPresenter:
    """Tells the conflicts of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._told = Presenter(snapshot)

    def planned(self, plan: Plan, record: PlannedRecord, change: Change) -> ConflictView:
        """One that waits in a plan, or will be written by it."""
        waits = because_held(change.held) if change.held and not change.ticked else ""
        return self._view(
            "planned" if change.ticked else "held",
            record.client,
            change,
            agreed=self._agreed(record.client, change),
            why=waits or change_reason(change.rule, change.side),
            at=plan.made,
            by=plan.by,
            plan=plan.id,
        )

    def decided(self, run: Run, image: BeforeImage, written: Written) -> ConflictView:
        """One that a run has written over."""
        undone = mark(written.record, written.field) in image.undone
        return self._view(
            "undone" if undone else "overwritten",
            image.client,
            written,
            agreed=written.pair,
            why=change_reason(written.rule, written.side),
            at=run.ended or run.started,
            by=run.by,
            run=run.id,
        )

    def _view(
        self,
        state: str,
        client: str,
        of: Change | Written,
        *,
        agreed: Pair | None,
        why: str,
        at: datetime,
        by: str,
        plan: str | None = None,
        run: str | None = None,
    ) -> ConflictView:
        key = base_key(of.field, of.record.partition("/")[2])
        old, new = self._told.value(of.field, of.old), self._told.value(of.field, of.new)
        ours, theirs = (old, new) if of.side == "ignition" else (new, old)
        master: Side = "xpm" if of.side == "ignition" else "ignition"
        return ConflictView(
            state=state,
            record=of.record,
            client=client,
            name=self._told.ref(client).name,
            field=of.field,
            key=key,
            side=of.side,
            old=old,
            new=new,
            ignition=ours,
            xpm=theirs,
            agreed=self._told.value(of.field, agreed.ignition if agreed else None),
            wins=master,
            why=why,
            at=at,
            by=by,
            frozen=bool({of.field, key, "*"} & self._told.frozen.get(client, frozenset())),
            plan=plan,
            run=run,
        )

    def _agreed(self, client: str, change: Change) -> Pair | None:
        base, link = self._snapshot.get(BASE, client), self._snapshot.get(LINKS, client)
        row = self._snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
        if base is None or link is None or row is None:
            return None
        return pair(base, base_key(change.field, change.record.partition("/")[2]), mirror_values(row, link))
