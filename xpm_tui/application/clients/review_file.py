"""The review of links as a CSV file (RFC 4180): exported without choices, and imported with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from xpm_tui.application.clients import links
from xpm_tui.application.clients.link_review import clients_to_review
from xpm_tui.application.condition import refuse_damaged
from xpm_tui.application.csv_io.exports import refuse_taken
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.presenters.lookup import find_client, find_xpm
from xpm_tui.application.presenters.views import ReviewView
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import BLOCKED_PAIRS, IGNORED, LINKS
from xpm_tui.files import durable
from xpm_tui.ignition.cell_readers import CellError, read_text
from xpm_tui.ignition.csv_source import CsvSource
from xpm_tui.ignition.csv_text import find_delimiter, normalise_heading, read_records
from xpm_tui.ignition.parser import RefusedRow, clean, escape_cell, why_unusable
from xpm_tui.sync.base import blocked_pair_id, live_link
from xpm_tui.sync.planning.links import link_state, undecided_client

HEADINGS = (
    "Client", "Ignition ID", "Client Name", "Rank", "XPM Number", "XPM UUID", "XPM Name", "Score", "Sure",
    "Reasons", "Choice",
)  # fmt: skip
REASON = "decided in a review file"
"""The reason that is stored for a client that a file says to ignore."""

_NEEDED = ("Client", "Choice")


class ReviewChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The choice of one row: ``link`` with the XPM client, or ``ignore``.

    ``former`` counts the values of another XPM client that the link replaces or removes.
    """

    row: int
    id: str
    name: str
    choice: str
    uuid: str = ""
    number: str = ""
    xpm_name: str = ""
    former: dict[str, int] = {}


class ReviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of importing a review file, or what it would be when ``dry_run``.

    Attributes:
        open: Number of clients without a choice.
        same: Number of choices that were in effect already.
        refused: Rows that changed nothing; rows are numbered as in a spreadsheet.
    """

    file: str
    dry_run: bool
    rows: int
    open: int
    same: int
    items: tuple[ReviewChoice, ...]
    refused: tuple[RefusedRow, ...]


def export_review(practice: OpenPractice, only: Sequence[str] = ()) -> tuple[str, int]:
    """Return the text of the review file and the number of clients in it.

    Each client has a row for each of its proposals, or one row if it has none. A cell that a spreadsheet
    would run as a formula begins with a ``'``.
    """
    refuse_damaged(practice)
    views = clients_to_review(practice, only)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    for view in views:
        writer.writerows([escape_cell(cell, True) for cell in row] for row in _rows(view))
    return file.getvalue(), len(views)


def export_review_file(
    practice: OpenPractice, path: Path, only: Sequence[str] = (), *, replace: bool = False
) -> int:
    """Write the review file (0600), marked as UTF-8 for spreadsheets; return the number of clients in it.

    Raises ``BadInput`` if the file exists, unless ``replace``, ``DiskError`` and ``ReadOnly``.
    """
    practice.writable()
    refuse_taken(path, replace=replace)
    text, clients = export_review(practice, only)
    durable.replace_bytes(path, text.encode("utf-8-sig"))
    return clients


def import_review(practice: OpenPractice, path: Path, *, dry_run: bool = False) -> ReviewReport:
    """Apply the column Choice of a review file.

    A choice is ``link`` (the row's own proposal), ``ignore``, or a number, UUID or web address to link to.
    Each row is applied by itself, like a decision in the console; a refused row does not stop the others.

    Raises:
        BadInput: The file is not a review file.
    """
    if not dry_run:
        practice.writable()
    rows, refused = _read(path)
    total = len(rows) + len(refused)
    reader = _ChoiceReader(practice, dry_run)
    for group in _by_client(rows).values():
        try:
            reader.read_client(group)
        except _RowRejected as rejected:
            refused.append(RefusedRow(rejected.row, rejected.reason))
    return ReviewReport(
        file=str(path),
        dry_run=dry_run,
        rows=total,
        open=reader.open,
        same=reader.same,
        items=tuple(reader.done),
        refused=tuple(sorted(refused, key=lambda each: each.row)),
    )


class _Row(msgspec.Struct, frozen=True):
    """The cells of a row by normalised heading."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, heading: str) -> str:
        return self.cells.get(normalise_heading(heading), "")


class _RowRejected(Exception):
    """A row is refused."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class _ChoiceReader:
    """Reads and applies the choices of a file, client by client."""

    def __init__(self, practice: OpenPractice, dry_run: bool) -> None:
        self._practice = practice
        self._dry_run = dry_run
        self._taken: dict[str, int] = {}
        self._run = ""
        self.done: list[ReviewChoice] = []
        self.open = 0
        self.same = 0

    def read_client(self, rows: Sequence[_Row]) -> None:
        """Apply the choice in the rows of one client, if there is one. Raises ``_RowRejected``."""
        chosen = [row for row in rows if row["Choice"]]
        if not chosen:
            self.open += 1
            return
        row = chosen[0]
        wanted = {self._target(each) for each in chosen}
        if len(wanted) > 1:
            others = ", ".join(str(each.number) for each in chosen[1:])
            raise _RowRejected(
                row.number, f"row {others} has a different choice for the same client: choose only once"
            )
        try:
            self._apply_choice(row, wanted.pop())
        except AppError as error:
            raise _RowRejected(row.number, error.message) from error

    def _target(self, row: _Row) -> str:
        """Return what a row chooses: ``ignore``, or the UUID to link to."""
        snapshot, choice = self._practice.snapshot(), row["Choice"]
        try:
            self._check_name(snapshot, row)
            if choice.casefold() == "ignore":
                return "ignore"
            if choice.casefold() != "link":
                return find_xpm(snapshot, choice).uuid
            if not row["XPM UUID"]:
                raise _RowRejected(
                    row.number, "it has no proposal to link: type a number, UUID or web address"
                )
            found = find_xpm(snapshot, row["XPM UUID"])
            if row["XPM Number"] and found.number and row["XPM Number"] != found.number:
                raise _RowRejected(
                    row.number,
                    "its XPM Number and XPM UUID belong to different clients: was only one column sorted?",
                )
            return found.uuid
        except AppError as error:
            raise _RowRejected(row.number, error.message) from error

    def _check_name(self, snapshot: Snapshot, row: _Row) -> None:
        """Refuse a row whose cells do not belong together, as after sorting a single column."""
        client, name = find_client(snapshot, row["Client"]), row["Client Name"]
        if name and exact(name) != exact(clean(client.name)):
            raise _RowRejected(row.number, f"{client.id} has another name: export the review again")

    def _apply_choice(self, row: _Row, target: str) -> None:
        snapshot = self._practice.snapshot()
        client = find_client(snapshot, row["Client"])
        chosen = ReviewChoice(row=row.number, id=client.id, name=client.name, choice="ignore")
        link, state = snapshot.get(LINKS, client.id), link_state(snapshot, client)
        if target == "ignore":
            if state == "ignored":
                self.same += 1
                return
            if live_link(snapshot, client.id) is not None:
                raise _RowRejected(row.number, "it is linked, so it cannot be ignored")
        else:
            if link is not None and link.uuid == target:
                self.same += 1
                return
            if state != "ignored" and undecided_client(snapshot, client, state) is None:
                raise _RowRejected(row.number, "it no longer needs a link: export the review again")
            if row["Choice"].casefold() == "link" and self._is_decided_since(
                snapshot, row, client.id, target, state
            ):
                raise _RowRejected(
                    row.number,
                    "someone has decided differently since then: export the review again, or type the number",
                )
            if target in self._taken:
                raise _RowRejected(
                    row.number, f"row {self._taken[target]} links another client to the same XPM client"
                )
            chosen = self._linked(row, chosen, target)
            self._taken[target] = row.number
        if not self._dry_run:
            if target == "ignore":
                links.ignore(self._practice, client.id, REASON)
            else:
                self._run = self._run or self._practice.ids.new("r")[0]
                links.link(self._practice, client.id, target, origin="review", run=self._run)
        self.done.append(chosen)

    def _is_decided_since(self, snapshot: Snapshot, row: _Row, client: str, uuid: str, state: str) -> bool:
        """Return whether a user has decided about the client since the review file was exported.

        A review proposes nothing for an ignored client, and no pair that was unlinked, unless an undo
        unlinked it, which the file then says. A file that proposes such a pair is therefore older than the
        decision. A review file may change what an earlier review file has decided.
        """
        ignored = snapshot.get(IGNORED, client) if state == "ignored" else None
        pair = snapshot.get(BLOCKED_PAIRS, blocked_pair_id(client, uuid))
        is_blocked = pair is not None and not (pair.undone and pair.sentence in row["Reasons"])
        return is_blocked or (ignored is not None and ignored.reason != REASON)

    def _linked(self, row: _Row, chosen: ReviewChoice, uuid: str) -> ReviewChoice:
        effect = links.preview_link(self._practice, chosen.id, uuid)
        reason = effect.refused or effect.needs_yes
        if reason:
            raise _RowRejected(row.number, reason)
        return msgspec.structs.replace(
            chosen,
            choice="link",
            uuid=uuid,
            number=effect.xpm.number,
            xpm_name=effect.xpm.name,
            former=effect.former_counts if effect.former else {},
        )


def _rows(view: ReviewView) -> Iterator[tuple[str, ...]]:
    ours = (view.id, view.client_id or "", view.name)
    if not view.proposals:
        yield (*ours, *[""] * (len(HEADINGS) - len(ours)))
    for rank, each in enumerate(view.proposals, 1):
        theirs = (each.number, each.uuid, each.name, str(each.score), "yes" if each.sure else "no")
        yield (*ours, str(rank), *theirs, "; ".join(each.reasons), "")


def _read(path: Path) -> tuple[list[_Row], list[RefusedRow]]:
    with CsvSource.of(path) as source:
        text = "".join(source.lines())
    reading = read_records(text, find_delimiter(text, HEADINGS))
    head = next(reading, None)
    headings = [normalise_heading(clean(cell)) for cell in head.cells] if head is not None else []
    missing = [heading for heading in _NEEDED if normalise_heading(heading) not in headings]
    if missing:
        raise BadInput(
            f"{path} is not a review file: it lacks the column {' and '.join(missing)}.",
            hint="Create a review file with: xpm-tui clients review --export FILE",
        )
    rows, refused = [], []
    for record in reading:
        cells = dict(zip(headings, map(clean, record.cells), strict=False))
        reason = record.reason or why_unusable(record) or _unreadable(cells)
        if reason:
            refused.append(RefusedRow(record.row, reason))
        elif not cells.get("client"):
            refused.append(RefusedRow(record.row, "it does not name a client"))
        else:
            rows.append(_Row(record.row, cells))
    return rows, refused


def _unreadable(cells: dict[str, str]) -> str:
    """Return the first cell that an import of Ignition's files would refuse as well, and why."""
    for heading, text in cells.items():
        try:
            read_text(text)
        except CellError as wrong:
            return f"{heading}: {visible(str(wrong), 200)}"
    return ""


def _by_client(rows: Sequence[_Row]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row["Client"], []).append(row)
    return found
