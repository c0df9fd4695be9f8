"""What came of a file of the inbox, as the record that is kept of it and as the sentences beside it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from xpm_tui.application.csv_io.deliveries import DeliveryOutcome
from xpm_tui.application.inbox.documents import InboxDocument
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count, sequence, value, when_utc
from xpm_tui.domain.ignition import ReceivedFile, ReceivedState
from xpm_tui.domain.safe_text import visible
from xpm_tui.ignition.cells import EXTRA

SHOWN = 20
"""Refused rows, notes and edited cells that are told one by one."""

_NOUNS = {"clients": "client", "services": "service", "team": "team member", "proposals": "proposal"}


def opened(row: ReceivedFile, document: InboxDocument) -> ReceivedFile:
    """The record of a file whose content is known."""
    return msgspec.structs.replace(row, digest=document.digest)


def understood(row: ReceivedFile, document: InboxDocument) -> ReceivedFile:
    """The record of a file of which it is known what it is. Raises ``BadInput`` where that is not clear."""
    return msgspec.structs.replace(row, event=document.event, kind=document.kind, as_of=document.as_of)


def received(row: ReceivedFile, document: InboxDocument, outcome: DeliveryOutcome) -> ReceivedFile:
    """The record of a file that was imported, or had nothing new."""
    plan, report = outcome.plan, outcome.report
    edits = report.edits if report is not None else ()
    done = msgspec.structs.replace(
        row,
        state=_state(outcome),
        batch=outcome.batch,
        counts=plan.counts if plan is not None else {},
        records=outcome.records[:SHOWN],
        edits=tuple((each.record, each.field, each.old, each.new) for each in edits[:SHOWN]),
        details=tuple(_details(document, outcome)),
    )
    return msgspec.structs.replace(done, sentence=_sentence(done, outcome))


def failed(row: ReceivedFile, error: AppError) -> ReceivedFile:
    """The record of a file that could not be imported."""
    return msgspec.structs.replace(
        row,
        state="failed",
        sentence=f"Not imported: {error.message}",
        details=(error.hint,) if error.hint else (),
    )


def _state(outcome: DeliveryOutcome) -> ReceivedState:
    if outcome.plan is None:
        return "outdated"
    if outcome.plan.refused:
        return "partial"
    return "imported" if outcome.records else "unchanged"


def _sentence(row: ReceivedFile, outcome: DeliveryOutcome) -> str:
    what = f"{row.event} of {when_utc(row.as_of)}" if row.event and row.as_of else row.kind
    if row.state == "outdated":
        return f"Not imported ({what}): newer values of all that it says had come in before."
    counts = row.counts
    noun = _NOUNS.get(row.kind, "record")
    parts = [(counts.get("new", 0), "added"), (counts.get("changed", 0), "changed")]
    told = " and ".join(f"{count(number, noun)} {word}" for number, word in parts if number) or "nothing new"
    if row.state == "unchanged":
        return f"Nothing new ({what}): everything in it is here already."
    refused = len(outcome.plan.refused) if outcome.plan is not None else 0
    part = f" in part, {count(refused, 'row')} refused" if refused else ""
    batch = f" as {row.batch}" if row.batch else ""
    which = f": {sequence(outcome.records, most=5)}" if outcome.records else ""
    return f"Imported{batch}{part} ({what}): {told}{which}."


def _details(document: InboxDocument, outcome: DeliveryOutcome) -> Iterator[str]:
    plan, report = outcome.plan, outcome.report
    if outcome.admitted.older and plan is not None:
        cells = count(outcome.admitted.older, "value was/values were")
        yield f"{cells} left out: newer ones had come in before."
    if plan is not None:
        yield from (f"Row {each.row} refused: {each.reason}" for each in plan.refused[:SHOWN])
        yield from (f"Row {each.row}: {each.text}" if each.row else each.text for each in plan.notes[:SHOWN])
        more = max(0, len(plan.refused) - SHOWN) + max(0, len(plan.notes) - SHOWN)
        if more:
            yield f"and {count(more, 'more row')}."
    for edit in report.edits[:SHOWN] if report is not None else ():
        name = visible(edit.field, 60) if edit.field.startswith(EXTRA) else label(edit.field)
        yield f"{edit.record} {name}: {value(visible(edit.old, 80))} → {value(visible(edit.new, 80))}"
    if document.ignored:
        yield f"Keys that are no fields were ignored: {', '.join(document.ignored[:SHOWN])}."
    if plan is not None and plan.counts.get("to_take", 0):
        yield "This creates no jobs. To create them, take the proposals over: xpm-tui proposals take-over"
