"""The log: what happened, filtered, or followed live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from xpm_tui.acts.act import Act, Result, Talk
from xpm_tui.acts.effects import Effect
from xpm_tui.acts.following import event_data, event_line
from xpm_tui.acts.params import option
from xpm_tui.model.errors import BadInput

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

_POLL = 0.25
_LAST = 1_000


class ReadLog(msgspec.Struct, frozen=True):
    """Parameters of ``log``."""

    follow: Annotated[bool, option("Go on and show what comes, until ctrl+c.")] = False
    run: Annotated[str, option("Only this run ('last': the newest).", "RUN", completes="run")] = ""
    level: Annotated[Literal["debug", "info", "warning", "error"], option("This level and above.")] = "debug"
    record: Annotated[str, option("Only about this client (our id) or XPM UUID.", "ID")] = ""
    find: Annotated[str, option("Only lines that have this text.", "TEXT")] = ""
    since: Annotated[str, option("Only since then: 2h, 3d, or 2026-01-31.", "WHEN")] = ""
    last: Annotated[
        int, option("At most so many, the newest; 0: all. A single run is always whole.", "N")
    ] = _LAST


async def read_log(practice: OpenPractice, params: ReadLog, talk: Talk) -> Result:
    """Stream events, oldest first."""
    from xpm_tui.events.filters import EventFilter
    from xpm_tui.service.runs import history as runs
    from xpm_tui.service.telling.names import names as names_of

    run = runs.show(practice, params.run).id if params.run else ""
    since = moment(params.since, practice.clock.now()) if params.since else None
    wanted = EventFilter(run=run, level=params.level, record=params.record, text=params.find, since=since)
    names = names_of(practice)
    limit = None if run and params.last == _LAST else params.last or None
    tail = practice.events.tail()
    found = list(islice(practice.events.read(wanted, names), limit))
    for event in reversed(found):
        talk.emit(event_data(event, names), event_line(event, names))
    shown = {event.id for event in found[:100]}
    count = len(found)
    while params.follow:
        for event in tail.poll():
            if event.id not in shown and wanted.lets(event, names):
                talk.emit(event_data(event, names), event_line(event, names))
                count += 1
        await practice.clock.sleep(_POLL)
    lines = [] if count else ["Nothing in the log."]
    return Result(data={"count": count}, lines=lines)


def moment(text: str, now: datetime) -> datetime:
    """``30m``, ``2h``, ``3d``, ``1w`` ago, or a date or time in the machine's zone; raises ``BadInput``."""
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}.get(text[-1:].casefold())
    try:
        if unit and text[:-1].isdigit():
            return now - timedelta(**{unit: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        hint = "Say it as 30m, 2h, 3d, 1w, 2026-01-31 or 2026-01-31T14:00."
        raise BadInput(f"'{text}' is no time.", hint=hint) from None


ACTS = (
    Act(
        name="log",
        title="Read the log",
        help="Show what happened, oldest first; with --follow go on with what happens. With --json one event "
        "a line, the outcome last.",
        params=ReadLog,
        run=read_log,
        effect=Effect.LOOKS,
        verb=("log",),
        example="xpm-tui log --run last\nxpm-tui log --follow --level warning",
        streams=True,
    ),
)
