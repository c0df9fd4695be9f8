"""Writes to XPM without an outcome, as every place that mentions them says it: record, call and decision."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from xpm_tui.application.presenters.lookup import name_of
from xpm_tui.domain import labels
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.runs import Intent, IntentState
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import INTENTS
from xpm_tui.sync.journal import CALLS, decision, is_linked, unanswered

NAMED = 3
"""How many writes one sentence names."""


class OpenWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write that was sent and got no answer.

    Attributes:
        call: The call to XPM.
        message: What was sent, for which record, and what is known, in one sentence without the decision.
        decision: The command that settles the write.
    """

    intent: str
    run: str
    kind: str
    state: IntentState
    record: str
    name: str
    call: str
    sent_at: datetime | None
    note: str
    message: str
    decision: str


def open_writes(snapshot: Snapshot, *, going: Collection[str] = (), run: str = "") -> list[OpenWrite]:
    """Return the writes whose outcome is not known yet.

    Args:
        snapshot: The store's snapshot to read.
        going: Runs in progress, whose writes may still be answered.
        run: Only writes of this run; empty for all.
    """
    if not snapshot.count(INTENTS):
        return []
    return [
        _shown(snapshot, intent)
        for intent in unanswered(snapshot)
        if intent.run not in going and run in ("", intent.run) and not is_linked(snapshot, intent)
    ]


def summary(writes: list[OpenWrite]) -> str:
    """What has no outcome and how to decide it, in sentences that are kept and sent: without names."""
    if not writes:
        return ""
    number = len(writes)
    outcome = plural(number, "its outcome is/their outcomes are")
    head = f"{count(number, 'write')} to XPM got no answer, and {outcome} unknown."
    named = "; ".join(_message(each.kind, each.record, each.note) for each in writes[:NAMED])
    more = f"; and {number - NAMED:,} more" if number > NAMED else ""
    way = writes[0].decision if number == 1 else "xpm-tui runs show last says how to decide each"
    return f"{head} {named}{more}. Decide: {way}"


def _message(kind: str, who: str, note: str) -> str:
    what = labels.WRITE_KINDS[kind].text if kind in labels.WRITE_KINDS else kind
    return f"{what} {who}, {CALLS.get(kind, kind)}" + (f": {visible(note, 200)}" if note else "")


def _shown(snapshot: Snapshot, intent: Intent) -> OpenWrite:
    name = name_of(snapshot, intent.record) or str(intent.values.get("name") or "")
    note = intent.note or ("the next sync looks it up" if intent.state == "sent" else "")
    return OpenWrite(
        intent=intent.id,
        run=intent.run,
        kind=intent.kind,
        state=intent.state,
        record=intent.record,
        name=name,
        call=CALLS.get(intent.kind, intent.kind),
        sent_at=intent.sent_at,
        note=note,
        message=_message(
            intent.kind, f"{visible(name, 80)} ({intent.record})" if name else intent.record, note
        ),
        decision=decision(intent),
    )
