"""Records that XPM refused: one sentence each, by cause, and tried again alone or together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.progress import Report, silent
from xpm_tui.application.runs import history as runs
from xpm_tui.application.runs import runner
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, INTENTS, RUNS


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One write that failed: the client it was for, what was asked, and the cause in XPM's own words."""

    run: str
    client: str
    record: str
    name: str
    kind: str
    fields: tuple[str, ...]
    cause: str

    @property
    def sentence(self) -> str:
        """For people; its words are data."""
        return f"{self.name}: {self.kind.replace('_', ' ')} failed: {self.cause}"


def failures(practice: OpenPractice, run_id: str = "last") -> list[Failure]:
    """What failed in a run, sorted by cause; ``last`` is the last sync. Raises ``NotFound``."""
    snapshot = practice.snapshot()
    run = (runs.newest(snapshot) if run_id == "last" else None) or runs.show(practice, run_id)
    found = []
    for intent in snapshot.find(INTENTS, "run", run.id):
        if intent.state == "failed":
            id_ = intent.record.partition("/")[0]
            client = snapshot.get(CLIENTS, id_)
            found.append(
                Failure(
                    run=run.id,
                    client=id_,
                    record=intent.record,
                    name=client.name if client else id_,
                    kind=intent.kind,
                    fields=tuple(sorted(intent.values)),
                    cause=intent.note,
                )
            )
    return sorted(found, key=lambda failure: (failure.cause, failure.name))


def chosen(found: Sequence[Failure], *, client: str = "", cause: str = "") -> list[Failure]:
    """Those of one client, or whose cause holds some words; raises ``BadInput`` where none is left."""
    left = [
        failure
        for failure in found
        if (not client or failure.client == client) and cause.casefold() in failure.cause.casefold()
    ]
    if not left:
        raise BadInput(
            "None of the failed records matches." if found else "No record failed in this run.",
            hint="List the failed records: xpm-tui runs retry --list",
        )
    return left


async def retry(practice: OpenPractice, found: Sequence[Failure], *, report: Report = silent) -> Run:
    """Plan and sync again the clients of these failures, and no others.

    Of a run that was narrowed to some fields, only these fields are synced.
    """
    clients = list(dict.fromkeys(failure.client for failure in found))
    before = practice.snapshot().get(RUNS, found[0].run) if found else None
    return await runner.run(practice, only=clients, fields=before.fields if before else (), report=report)
