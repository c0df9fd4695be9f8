"""Plans the import of Ignition's export of active services, whose rows are combined into proposals.

Imported proposals are never deployed automatically: the user has to take them over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from itertools import pairwise

import msgspec

from xpm_tui.domain.formatting import both, count
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import (
    SERVICE_ID,
    Audit,
    Client,
    Proposal,
    ProposalService,
    ProposalState,
    Workflow,
)
from xpm_tui.domain.ports import IdSource, Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CLIENTS, DEPLOYMENTS, PROPOSALS, SERVICES, TEAM, WORKFLOWS
from xpm_tui.ignition.cell_readers import CellError, DateStyle, KnownIds, NoDate, date_style
from xpm_tui.ignition.cells import TeamLookup
from xpm_tui.ignition.client_rows import snapshot_ids
from xpm_tui.ignition.forms import PROPOSALS as FORM
from xpm_tui.ignition.import_steps import (
    CellEdit,
    ImportNote,
    ImportPlan,
    ImportStep,
    file_notes,
    ids_for_new_records,
)
from xpm_tui.ignition.library_import import ReadRow, read_row
from xpm_tui.ignition.parser import ParsedFile, RefusedRow
from xpm_tui.ignition.record_merge import engagement_of, job_inputs, merge_proposal, service_key

_STATES: dict[str, ProposalState] = {
    **dict.fromkeys(
        ("accepted", "active", "upcoming", "signed", "won", "in progress", "current"), "accepted"
    ),
    **dict.fromkeys(("completed", "complete", "finished", "inactive", "ended", "expired"), "completed"),
    **dict.fromkeys(("draft", "new"), "draft"),
    **dict.fromkeys(("sent", "awaiting acceptance", "pending", "viewed", "shared"), "sent"),
    **dict.fromkeys(("lost", "declined", "rejected"), "lost"),
    **dict.fromkeys(("revoked", "cancelled", "canceled", "withdrawn"), "revoked"),
}
"""The known statuses, compared as a whole. Others are stored unchanged and never count as accepted."""
_COUNTED = ("new", "changed", "same", "services", "to_take", "stopped")
_DATES = ("accepted", "start", "end")
_AGREEING = (
    "name", "client_id", "client_reference", "client_name", "state", "accepted", "partner", "manager",
)  # fmt: skip
"""The columns in which all rows of a proposal must agree."""
_MOST_SHOWN = 5
"""The most removed services that a note names."""


class _BadProposalRow(Exception):
    """A row that cannot be imported; the message says why."""


def plan_proposals(snapshot: Snapshot, parsed: ParsedFile, ids: IdSource | None, now: datetime) -> ImportPlan:
    """Plan the import of a file of active services; proposals are matched by number, or else by name."""
    return _ProposalImportPlanner(snapshot, parsed, now).plan(ids)


class _ProposalImportPlanner:
    def __init__(self, snapshot: Snapshot, parsed: ParsedFile, now: datetime) -> None:
        self._snapshot, self._parsed, self._now = snapshot, parsed, now
        self._people = TeamLookup(snapshot.rows(TEAM))
        self._services: dict[str, list[str]] = {}
        for service in snapshot.rows(SERVICES):
            self._services.setdefault(exact(service.name), []).append(service.id)
        self._without_client: dict[tuple[str, str], Proposal] | None = None
        self._file_notes: Counter[str] = Counter()
        self._refused: list[RefusedRow] = list(parsed.refused)
        self._notes = file_notes(parsed)
        self._rows = list(self._read(snapshot))
        texts = (row.cells[name] for row in self._rows for name in _DATES if name in row.cells)
        self._style: DateStyle = date_style(texts)
        if self._style.guessed:
            self._notes.append(ImportNote(0, "Dates such as 03/04/2026 are read as day/month/year."))

        headings = {column.field: column.heading.casefold() for column in parsed.columns if column.field}
        self._headings = {column.field: column.heading for column in parsed.columns if column.field}
        self._notes += [
            ImportNote(
                0,
                f"Column {visible(column.heading, 60)} is read as {FORM.by_name[column.field].heading}. "
                f"If that is wrong, undo this import, then repeat it with --map "
                f"'{visible(column.heading, 60)}=ignore'.",
            )
            for column in parsed.columns
            if column.guessed
        ]
        # "Proposal End Date" is the proposal's; "End Date" and "Service End Date" belong to each service.
        own = {name for name in ("start", "end") if re.search("proposal|contract", headings.get(name, ""))}
        per_service = {"state"} if "service" in headings.get("state", "") else set()
        self._agreeing = [name for name in (*_AGREEING, *sorted(own)) if name not in per_service]
        self._whole = "service" in headings and not self._refused and parsed.completeness != "parts"
        """Whether the file names every service of its proposals."""

    def _read(self, snapshot: Snapshot) -> Iterable[ReadRow]:
        """Return the rows whose cells can be read; the others are rejected."""
        known = {
            "number": KnownIds(proposal.number for proposal in snapshot.rows(PROPOSALS) if proposal.number),
            "client_id": KnownIds(snapshot_ids(snapshot, contacts=False)),
            "service_id": KnownIds(service.extra.get(SERVICE_ID, "") for service in snapshot.rows(SERVICES)),
            "entity_id": KnownIds(snapshot_ids(snapshot, contacts=False)),
        }
        for name, ids in known.items():
            ids.add_from_file(self._parsed.column(name))
        for row in self._parsed.rows:
            try:
                yield read_row(row, FORM, known)
            except CellError as wrong:
                self._refused.append(RefusedRow(row.number, str(wrong)))

    def plan(self, ids: IdSource | None) -> ImportPlan:
        groups: dict[str, list[ReadRow]] = {}
        for row in self._rows:
            groups.setdefault(self._key(row), []).append(row)
        may_be_cut = self._keys_that_may_be_cut()
        counts: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))
        steps: list[tuple[Proposal | None, Proposal, list[tuple[Workflow, Workflow]]]] = []
        edits: list[CellEdit] = []
        for key, rows in groups.items():
            good = [(row, service) for row in rows if (service := self._service(row)) is not None]
            if not good or self._contradicts(good):
                continue
            made = self._proposal([row for row, _ in good], [service for _, service in good])
            before = self._known(made)
            whole = self._whole and len(good) == len(rows) == len(made.services) and key not in may_be_cut
            number = good[0][0].number
            after = self._new(made) if before is None else self._merge(before, made, number, whole=whole)
            counts["services"] += len(good)
            stopped: list[tuple[Workflow, Workflow]] = []
            if before is not None and before.ours and after != before:
                after, stopped = self._taken_over(before, after, number)
            counts["new" if before is None else "same" if after == before else "changed"] += 1
            counts["to_take"] += after.state == "accepted" and not after.ours
            counts["stopped"] += len(stopped)
            if after != before:
                steps.append((before, after, stopped))
                edits += _edits(before, after, number)
        new_ids = ids_for_new_records(ids, "o", sum(before is None for before, _, _ in steps))
        plan_steps = tuple(
            (
                ImportStep.of(PROPOSALS, old, new if old else msgspec.structs.replace(new, id=next(new_ids))),
                *(ImportStep.of(WORKFLOWS, *halves) for halves in stopped),
            )
            for old, new, stopped in steps
        )
        row_count = len(self._parsed.rows) + len(self._parsed.refused)
        self._notes += [
            ImportNote(0, f"{text} ({count(number, 'row')}).") for text, number in self._file_notes.items()
        ]
        return ImportPlan(
            plan_steps,
            {"rows": row_count, **counts, "cells": len(edits), "refused": len(self._refused)},
            tuple(edits),
            tuple(sorted(self._refused, key=lambda row: row.row)),
            tuple(self._notes),
        )

    def _keys_that_may_be_cut(self) -> set[str]:
        """Return the proposals whose last rows may be missing because the file was cut off."""
        if self._parsed.completeness != "cut" or not self._rows:
            return set()
        keys = [self._key(row) for row in self._rows]
        is_grouped = sum(one != other for one, other in pairwise(keys)) + 1 == len({*keys})
        return {keys[-1]} if is_grouped else {*keys}

    def _contradicts(self, good: list[tuple[ReadRow, ProposalService]]) -> bool:
        """Reject the rows of a proposal that contradict each other, because either may be wrong."""
        found: dict[int, str] = {}
        for name in self._agreeing:
            row_values = [(row, self._agreed_value(name, row)) for row, _ in good if row.cells.get(name)]
            for row, value in row_values[1:]:
                if value != row_values[0][1] and row.number not in found:
                    found[row.number] = self._contradiction(name, row, row_values[0][0])
        lines: dict[tuple[object, ...], ReadRow] = {}
        for row, service in good:
            key = (*service_key(service), exact(f"{service.price} {service.quantity} {service.billing}"))
            first = lines.setdefault(key, row)
            ends = self._date(first, "end"), service.end
            if all(ends) and ends[0] != ends[1] and row.number not in found:
                found[row.number] = self._contradiction("end", row, first)
        if found:
            at = min(found)
            other = f"another row of the same proposal contradicts it (row {at})"
            self._refused += [RefusedRow(row.number, found.get(row.number, other)) for row, _ in good]
        return bool(found)

    def _agreed_value(self, name: str, row: ReadRow) -> object:
        """Return the value of a cell, normalised for comparison."""
        text = row.cells[name]
        if name in _DATES:
            return self._date(row, name)
        return (
            _STATES.get(_normalise_status(text), _normalise_status(text))
            if name == "state"
            else exact(text).casefold()
        )

    def _contradiction(self, name: str, row: ReadRow, first: ReadRow) -> str:
        heading = visible(self._headings.get(name, FORM.by_name[name].heading), 60)
        one, other = both(row.cells[name], first.cells[name], 60)
        return f"{heading}: {one}, but row {first.number} of the same proposal has {other}"

    def _new(self, made: Proposal) -> Proposal:
        """Return a new proposal; in a file without statuses it is accepted, as its services are active."""
        made = msgspec.structs.replace(made, name=made.name or made.number)
        if made.state:
            return made
        state: ProposalState = "unknown" if "state" in self._parsed.fields else "accepted"
        return msgspec.structs.replace(made, state=state)

    def _merge(self, before: Proposal, made: Proposal, row: int, *, whole: bool) -> Proposal:
        """Return the proposal with the values of the file; ``whole``: its rows name all of its services."""
        after, gone = merge_proposal(
            before, made, self._now.date() if whole and before.origin == "import" else None
        )
        if gone:
            names = ", ".join(str(visible(service.name, 80)) for service in gone[:_MOST_SHOWN])
            more = f" and {len(gone) - _MOST_SHOWN} more" if len(gone) > _MOST_SHOWN else ""
            text = f"{before.id}: {count(len(gone), 'service')} no longer in the file, removed: {names}{more}"
            self._notes.append(ImportNote(row, text))
        return after

    def _taken_over(
        self, before: Proposal, after: Proposal, row: int
    ) -> tuple[Proposal, list[tuple[Workflow, Workflow]]]:
        """Return a taken-over proposal with the values of the file, and the workflows that this stops.

        If what its jobs are created from has changed, jobs that do not exist yet are stopped until the user
        has reviewed the change and takes the proposal over again.
        """
        if before.origin == "new":
            self._notes.append(ImportNote(row, f"{before.id} was created here: not changed"))
            return before, []
        if after.state not in ("accepted", "revoked"):
            after = msgspec.structs.replace(after, ours=False)
        if before.state == "revoked":
            after = msgspec.structs.replace(after, state=before.state, status="")
        changed = [name for name, old in job_inputs(before).items() if old != job_inputs(after)[name]]
        if not changed or before.state == "revoked":
            return after, []
        was = before.before or engagement_of(before)
        after = msgspec.structs.replace(after, before=None if was == engagement_of(after) else was)
        if "state" in changed:
            after = msgspec.structs.replace(after, ours=False)
            why = f"Ignition says that its proposal is {visible(after.status or after.state, 60)}."
        else:
            why = f"Its proposal was changed in Ignition: {', '.join(changed)}."
        line = Audit(at=self._now, by="Ignition", what="changed", about=", ".join(changed))
        found = [
            (workflow, msgspec.structs.replace(workflow, stopped=why, audit=(*workflow.audit, line)))
            for workflow in self._snapshot.find(WORKFLOWS, "proposal", before.id)
            if not workflow.stopped and self._may_create_jobs(workflow)
        ]
        if found:
            ids = ", ".join(workflow.id for workflow, _ in found)
            hint = "" if "state" in changed else f" Review it: xpm-tui proposals changes {before.id}"
            self._notes.append(ImportNote(row, f"{before.id}: {why} Stopped: {ids}.{hint}"))
        return after, found

    def _may_create_jobs(self, workflow: Workflow) -> bool:
        """Return whether the workflow may still create jobs."""
        made = self._snapshot.find(DEPLOYMENTS, "workflow", workflow.id)
        return workflow.repeat is not None or all(row.state not in ("deployed", "skipped") for row in made)

    @staticmethod
    def _key(row: ReadRow) -> str:
        if "number" in row.cells:
            return f"number:{row.cells['number'].casefold()}"
        client = row.cells.get("client_id") or exact(row.cells.get("client_name", ""))
        return f"name:{client}/{exact(row.cells.get('name', ''))}"

    def _service(self, row: ReadRow) -> ProposalService | None:
        """Return the service of a row; None if the row is rejected."""
        try:
            if not row.cells.keys() & {"number", "name"}:
                raise _BadProposalRow("Proposal Number and Proposal Name are both blank")
            dates = {name: self._date(row, name) for name in _DATES}
            price = row.cells.get("price", "")
            if price and not re.fullmatch(
                r"[-(]?\s*[$£€]?\s*[\d.,' ]*\d[\d.,']*\s*\)?\s*(?:[A-Z]{3})?", price
            ):
                raise _BadProposalRow(f"Price {visible(price, 40)} is not a number")
            if dates["start"] and dates["end"] and dates["end"] < dates["start"]:
                raise _BadProposalRow(f"its end {dates['end']} is before its start {dates['start']}")
        except _BadProposalRow as reason:
            self._refused.append(RefusedRow(row.number, str(reason)))
            return None
        name = row.cells.get("service", "")
        found = self._services.get(exact(name), [])
        if name and len(found) != 1:
            words = "is not in the list of services" if not found else "matches several services"
            self._file_notes[f"Service {visible(name, 80)} {words}: kept under its name"] += 1
        return ProposalService(
            name=name,
            service=found[0] if len(found) == 1 else "",
            start=dates["start"],
            end=dates["end"],
            billing=row.cells.get("billing", ""),
            price=price,
            quantity=row.cells.get("quantity", ""),
            project=row.cells.get("project", ""),
            client_id=row.cells.get("entity_id", ""),
            client_name=row.cells.get("entity", ""),
            extra=row.extra,
        )

    def _date(self, row: ReadRow, name: str) -> date | None:
        text = row.cells.get(name, "")
        try:
            return self._style.read(text) if text else None
        except NoDate as why:
            raise _BadProposalRow(
                f"{FORM.by_name[name].heading}: {visible(text, 40)} cannot be read: {why}"
            ) from None

    def _proposal(self, rows: list[ReadRow], services: list[ProposalService]) -> Proposal:
        first = {name: cell for row in reversed(rows) for name, cell in row.cells.items()}
        client = self._client(first)
        starts = [service.start for service in services if service.start]
        ends = [service.end for service in services]
        if len({*ends} - {None}) > 1 and None not in ends and "end" not in self._agreeing:
            self._file_notes[
                "Services of one proposal end on different dates: the proposal ends with the last one"
            ] += len(rows)
        # In a file with a status per service, one unknown status makes that of the proposal unknown.
        words = [" ".join(row.cells["state"].split()) for row in rows if row.cells.get("state")]
        status = next((text for text in words if _normalise_status(text) not in _STATES), "")
        if status:
            self._file_notes[
                f"Proposal Status {visible(status, 60)} is not known: it does not count as accepted"
            ] += len(rows)
        state: ProposalState = (
            "unknown" if status else _STATES.get(_normalise_status(first.get("state", "")), "")
        )
        return Proposal(
            id="",
            name=first.get("name", ""),
            number=first.get("number", ""),
            client=client.id if client else "",
            client_id=first.get("client_id", "") or (client.client_id if client else ""),
            client_name=first.get("client_name", "") or (client.name if client else ""),
            reference=first.get("client_reference", ""),
            state=state,
            status=status,
            accepted=next((day for row in rows if (day := self._date(row, "accepted"))), None),
            start=min(starts) if starts else None,
            end=max(end for end in ends if end) if ends and all(ends) else None,
            services=tuple(self._of_entity(service, first, client) for service in services if service.name),
            created=self._now,
            partner=self._person("partner", first),
            manager=self._person("manager", first),
        )

    def _of_entity(
        self, service: ProposalService, cells: dict[str, str], client: Client | None
    ) -> ProposalService:
        """Return the service with the client that its project names; blank for the client of the proposal."""
        if not service.entity:
            return service
        named = {"client_id": service.client_id, "client_name": service.client_name}
        own = exact(service.client_name).casefold() == exact(cells.get("client_name", "")).casefold()
        if own and service.client_id in ("", cells.get("client_id", "")):
            found = client
        else:
            found = self._client(named)
            own = found is not None and client is not None and found.id == client.id
        if own:
            return msgspec.structs.replace(service, client_id="", client_name="")
        return msgspec.structs.replace(service, client=found.id if found else "")

    def _person(self, field: str, cells: dict[str, str]) -> str:
        if field not in cells:
            return ""
        found = self._people.find(cells[field])
        if not found:
            self._file_notes[
                f"{field}: no team member is called {visible(cells[field], 60)}, so this was left out"
            ] += 1
        return found

    def _client(self, cells: dict[str, str]) -> Client | None:
        client_id, name = cells.get("client_id", ""), exact(cells.get("client_name", ""))
        same = self._snapshot.find(CLIENTS, "client_id", client_id) if client_id else []
        if not same and name:
            # A namesake with another id is another client.
            namesakes = self._snapshot.find(CLIENTS, "name", name)
            same = [namesake for namesake in namesakes if not (client_id and namesake.client_id)]
        email = cells.get("contact_email", "").casefold()
        if len(same) > 1 and email:
            same = [c for c in same if any(contact.email.casefold() == email for contact in c.contacts)]
        if len(same) == 1:
            return same[0]
        if self._parsed.completeness == "parts" and not (client_id or name):
            return None
        who = visible(cells.get("client_name") or client_id or "(no client)", 60)
        self._file_notes[f"Client {who} {'matches several clients' if same else 'is unknown'} here"] += 1
        return None

    def _known(self, made: Proposal) -> Proposal | None:
        if made.number:
            found = self._snapshot.find(PROPOSALS, "number", made.number.casefold())
            return found[0] if found else None
        if made.client:
            same = self._snapshot.find(PROPOSALS, "client", made.client)
            own = (p for p in same if p.client == made.client and not p.number)
            return next((p for p in own if exact(p.name) == exact(made.name)), None)
        if self._without_client is None:
            unlinked = (p for p in self._snapshot.rows(PROPOSALS) if not p.number and not p.client)
            self._without_client = {(exact(p.client_name), exact(p.name)): p for p in unlinked}
        return self._without_client.get((exact(made.client_name), exact(made.name)))


def _normalise_status(text: str) -> str:
    """Return a status for comparison: without regard to case, with single spaces."""
    return " ".join(text.casefold().split())


def _edits(before: Proposal | None, after: Proposal, row: int) -> Iterable[CellEdit]:
    if before is None:
        return
    for name in after.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old != new and name != "before":
            if name == "services":
                yield CellEdit(before.id, name, "", count(len(new), "service"), row)
            else:
                yield CellEdit(before.id, name, str(old or ""), str(new or ""), row)
