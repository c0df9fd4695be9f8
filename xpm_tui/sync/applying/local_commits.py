"""One client's changes on Ignition's side, as the writes of a commit: record, link, base, image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from xpm_tui.domain.events import Event
from xpm_tui.domain.links import Base
from xpm_tui.domain.plan import Change, PlannedRecord
from xpm_tui.domain.ports import Put, Snapshot, Write
from xpm_tui.domain.runs import Run, Written
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.sync.applying.local_writes import write_book
from xpm_tui.sync.applying.preconditions import Moved, VerifiedRecord, verify_record
from xpm_tui.sync.applying.run_results import changed_writes, image_write
from xpm_tui.sync.base import base_key, with_origin
from xpm_tui.sync.canonical import is_blank
from xpm_tui.sync.planning.comparison import compare
from xpm_tui.sync.planning.decisions import Rules


class LocalCommit(msgspec.Struct, frozen=True):
    """The writes, what they did, and the record as it stands after them: what is left goes to XPM."""

    writes: tuple[Write, ...]
    written: tuple[Written, ...]
    standing: VerifiedRecord | None


def local_commit(
    snapshot: Snapshot,
    record: PlannedRecord,
    rules: Rules,
    run: Run,
    now: datetime,
    new_contact: Callable[[], str],
) -> LocalCommit | Moved:
    """Make the link, if the record makes one, and write the changes of Ignition's side."""
    standing = verify_record(snapshot, record, rules.team, run, now)
    if not isinstance(standing, VerifiedRecord):
        return standing
    matched = compare(rules, standing.sides).link
    sides = msgspec.structs.replace(standing.sides, link=matched)
    ours = [change for change in standing.changes if change.side == "ignition" and not change.follows]
    made = write_book(sides, ours, rules.team, new_contact, rules.policy.of_new_contact(sides.frozen))
    met = compare(rules, msgspec.structs.replace(sides, client=made.client, link=made.link))
    base = with_origin(met.base, came_from_xpm(made.written, met.base), came=True)
    linked = () if standing.linking is None else (_linked(standing.linking),)
    written = (*linked, *made.written)
    writes: list[Write] = []
    if made.client != sides.client:
        writes.append(Put(CLIENTS, made.client))
    writes += changed_writes(snapshot, met.link, base)
    if written:
        writes.append(image_write(snapshot, run.id, sides.client.id, sides.row.uuid, written))
    after = msgspec.structs.replace(sides, client=made.client, link=met.link, base=base)
    rest = tuple(change for change in standing.changes if change.side == "xpm" or change.follows)
    return LocalCommit(tuple(writes), written, VerifiedRecord(after, rest))


def came_from_xpm(written: Iterable[Written], base: Base) -> list[str]:
    """The base keys of what was written to Ignition from XPM; of a new contact, all its fields."""
    keys: list[str] = []
    for each in written:
        contact = each.record.partition("/")[2]
        if each.field == "contact":
            keys += [key for key in base.agreed if key.startswith(f"{contact}.")]
        elif each.side == "ignition" and not is_blank(each.new):
            keys.append(base_key(each.field, contact))
    return keys


def contacts_wanted(changes: Iterable[Change]) -> int:
    """How many new contact ids these changes take."""
    return sum(
        1 for c in changes if c.ticked and c.field == "contact" and c.side == "ignition" and c.new is not None
    )


def events_of(written: Sequence[Written], client: str, uuid: str) -> Iterator[Event]:
    """One event for each thing that was written. Values are not in it: names are filled in when shown."""
    for each in written:
        key = "sync.link" if each.field == "link" else "sync.change"
        yield Event(
            key=key,
            record=each.record or client,
            uuid=uuid,
            field=each.field,
            rule=each.rule,
            numbers={"side": each.side},
        )


def _linked(change: Change) -> Written:
    return Written(record=change.record, field="link", side="ignition", rule=change.rule, new=change.new)
