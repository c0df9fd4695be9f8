"""Empty the inbox: each complete file is claimed, imported in one transaction, and moved.

One process at a time empties an inbox. It first finishes the files that a killed process had claimed: a file
whose transaction was committed is only moved, and any other is imported. Nothing is sent to XPM, and no job
is created.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import msgspec

from xpm_tui.application.csv_io.documents import (
    DeliveryOutcome,
    FileUnfinished,
    InboxDelivery,
    InboxDocument,
    deliver,
    preview_delivery,
    read_document,
    with_failure,
    with_kind,
    with_outcome,
)
from xpm_tui.application.csv_io.inbox import needed_folder, owner_of
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs.unattended_runs import notify
from xpm_tui.domain.errors import AppError, Busy, DiskError, ReadOnly, StoreUnreadable
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ignition import ReceivedFile
from xpm_tui.domain.ports import IdSource, Put, Snapshot, Write
from xpm_tui.domain.safe_text import storable
from xpm_tui.domain.tables import INBOX
from xpm_tui.files.inbox_folder import InboxEntry, InboxFolder
from xpm_tui.files.locks import Lock
from xpm_tui.files.private import ensure_private
from xpm_tui.store.snapshot import SnapshotIds

Progress = Callable[[int, int], None]
"""A callback with the number of files that are done, and of all files."""

MAX_FILES = 200
"""How many files a report lists; the others are only counted."""

_STOPPING_ERRORS = (Busy, ReadOnly, DiskError, StoreUnreadable)
"""Errors that the file did not cause, so that it stays claimed until the next run imports it."""


@dataclass
class InboxReport:
    """The result of emptying the inbox, or with ``dry_run`` the preview of it.

    Attributes:
        counts: The number of files by state.
        waiting: The number of files that are not complete yet.
        stopped: The error that ended the run before the last file.
    """

    dry_run: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    files: list[ReceivedFile] = field(default_factory=list)
    waiting: int = 0
    stopped: AppError | None = None

    @property
    def total(self) -> int:
        """Return the number of processed files."""
        return sum(self.counts.values())

    def add(self, row: ReceivedFile, state: str = "") -> None:
        """Count a file, and list it if there is room. A file with a ``state`` of its own is only counted."""
        self.counts[state or row.state] += 1
        if len(self.files) < MAX_FILES and not state:
            self.files.append(row)


def set_up(practice: OpenPractice, path: Path) -> InboxFolder:
    """Make a folder the practice's inbox; it is created if it does not exist.

    The setting is written last. Raises ``BadInput``, ``DiskError`` and ``ReadOnly``.
    """
    practice.writable()
    folder = InboxFolder(path)
    with _lock(practice).hold():
        folder.prepare(owner_of(practice), create=True)
    practice.settings.set("inbox.folder", str(path), practice=True)
    return folder


async def empty_inbox(
    practice: OpenPractice, *, dry_run: bool = False, progress: Progress = lambda done, total: None
) -> InboxReport:
    """Import every complete file of the inbox, and delete files that were imported long ago.

    Raises:
        BadInput: There is no inbox, or the folder cannot be used.
        Busy: Another process is emptying it.
        ReadOnly, DiskError, StoreUnreadable: Nothing can be written.
    """
    folder = needed_folder(practice)
    intake = _Intake(practice, folder, InboxReport(dry_run=dry_run))
    if dry_run:
        await intake.preview_files(progress)
        return intake.report
    practice.writable()
    with _lock(practice).hold():
        folder.prepare(owner_of(practice))
        await intake.run(progress)
        days = practice.settings.number("retention.inbox_days")
        folder.prune((practice.clock.now() - timedelta(days=days)).timestamp())
    intake.report_results()
    return intake.report


async def retry(
    practice: OpenPractice, files: Iterable[InboxEntry], *, progress: Progress = lambda done, total: None
) -> InboxReport:
    """Import files that failed or were imported before, because a user asks for it.

    Raises the same errors as :func:`empty_inbox`.
    """
    practice.writable()
    folder = needed_folder(practice)
    intake = _Intake(practice, folder, InboxReport(), by_user=True)
    with _lock(practice).hold():
        folder.prepare(owner_of(practice))
        await intake.take(list(files), progress)
    intake.report_results()
    return intake.report


def _lock(practice: OpenPractice) -> Lock:
    ensure_private(practice.state)
    return Lock(
        practice.state / "inbox.lock", clock=practice.clock, person=practice.person, what="emptying the inbox"
    )


class _KnownMeanwhile(Exception):
    """Another process has just imported a file with the same content."""


class _Intake:
    """One emptying of one inbox, under its lock; ``by_user`` says that a user named the files."""

    def __init__(
        self, practice: OpenPractice, folder: InboxFolder, report: InboxReport, *, by_user: bool = False
    ) -> None:
        self._practice = practice
        self._folder = folder
        self.report = report
        self._by_user = by_user
        self._still_written = 0

    async def run(self, progress: Progress) -> None:
        """Import what an ended process left, then what has come in, until no complete file is left."""
        await self._take_claimed(self._folder.claimed(), progress)
        seen: set[tuple[str, float]] = set()
        while self.report.stopped is None:
            ready = [each for each in self._ready() if (each.name, each.changed) not in seen]
            if not ready:
                return
            # A file that cannot be claimed is not tried again and again.
            seen.update((each.name, each.changed) for each in ready)
            await self.take(ready, progress)

    async def take(self, entries: list[InboxEntry], progress: Progress) -> None:
        """Claim and import files, one after the other."""
        for done, entry in enumerate(entries):
            if self.report.stopped is not None:
                return
            progress(done, len(entries))
            await self._practice.clock.sleep(0)  # Ctrl-C takes effect here, between two files
            claimed = self._folder.claim(entry)
            if claimed is not None:
                self._file(claimed, known_claim=False)

    async def _take_claimed(self, entries: list[InboxEntry], progress: Progress) -> None:
        for done, entry in enumerate(entries):
            if self.report.stopped is not None:
                return
            progress(done, len(entries))
            await self._practice.clock.sleep(0)
            self._file(entry, known_claim=True)

    async def preview_files(self, progress: Progress) -> None:
        """Add to the report what would be done with the complete files; nothing is claimed or written."""
        ready = [*self._folder.claimed(), *self._ready()]
        digests: set[str] = set()
        for done, entry in enumerate(ready):
            progress(done, len(ready))
            await self._practice.clock.sleep(0)
            row = self._row(entry)
            try:
                with self._document(entry) as document:
                    row = msgspec.structs.replace(row, digest=document.digest)
                    known = _earlier_file(self._practice.snapshot(), document.digest)
                    if known is not None or document.digest in digests:
                        self.report.add(known or row, "duplicate")
                        continue
                    digests.add(document.digest)
                    row = with_kind(row, document)
                    outcome = preview_delivery(self._practice, self._delivery(document, row))
                    self.report.add(with_outcome(row, document, outcome))
            except _STOPPING_ERRORS as error:
                self.report.stopped = error
                return
            except AppError as error:
                self.report.add(with_failure(row, error))

    def report_results(self) -> None:
        """Log what was done, and notify the user of failed files."""
        counts = self.report.counts
        if self.report.total:
            self._practice.events.emit(
                Event(
                    key="inbox.emptied",
                    numbers={
                        "imported": counts["imported"] + counts["partial"],
                        "unchanged": counts["unchanged"] + counts["duplicate"] + counts["outdated"],
                        "failed": counts["failed"],
                    },
                )
            )
        if bad := counts["failed"] + counts["partial"]:
            files = count(bad, "file")
            notify(
                self._practice,
                "inbox",
                f"{files} from the inbox could not be imported in full. See: xpm-tui inbox list",
            )

    def _ready(self) -> list[InboxEntry]:
        """Return the files that seem complete, and count the others as waiting."""
        now = self._practice.clock.now().timestamp()
        settle = self._practice.settings.number("inbox.settle_seconds")
        patience = self._practice.settings.number("inbox.patience_seconds")
        ready: list[InboxEntry] = []
        waiting = 0
        for entry in self._folder.arrivals():
            age = abs(now - entry.changed)
            if age < settle or (age < patience and self._is_cut(entry)):
                waiting += 1
            else:
                ready.append(entry)
        self.report.waiting = waiting + self._still_written
        return ready

    def _is_cut(self, entry: InboxEntry) -> bool:
        try:
            with self._document(entry) as document:
                return document.is_cut
        except AppError:
            return False

    def _document(self, entry: InboxEntry) -> InboxDocument:
        return read_document(self._practice, entry, complete=self._by_user)

    def _file(self, entry: InboxEntry, *, known_claim: bool) -> None:
        """Import one claimed file, and note an error that stops the run."""
        if self._folder.entry(entry.path) is None:
            return  # it has been deleted
        try:
            self._take_in(entry, known_claim=known_claim)
        except _STOPPING_ERRORS as error:
            self.report.stopped = error

    def _take_in(self, entry: InboxEntry, *, known_claim: bool) -> None:
        """Import one claimed file, record the result, and move it."""
        row = self._row(entry)
        try:
            with self._document(entry) as document:
                row = self._with_earlier_id(msgspec.structs.replace(row, digest=document.digest))
                before = _earlier_file(self._practice.snapshot(), document.digest)
                if before is not None and known_claim and before.claim == row.claim:
                    # The process ended after the transaction and before the file was moved.
                    self._finish(entry, before, before.id)
                    self.report.add(before)
                    return
                if before is not None and not self._by_user:
                    self._duplicate(entry, before)
                    return
                row = self._imported(document, with_kind(row, document))
        except _KnownMeanwhile:
            self._take_in(entry, known_claim=known_claim)
            return
        except FileUnfinished:
            self._still_written += 1
            self.report.waiting += 1
            return
        except _STOPPING_ERRORS:
            raise
        except AppError as error:
            row = self._record_failure(with_failure(row, error))
        except Exception as error:  # an unexpected error in one file must not block the others
            kind = type(error).__name__
            row = self._record_failure(
                with_failure(row, AppError(f"The file could not be read: an unexpected error ({kind})."))
            )
        self._finish(entry, row, row.id)
        self.report.add(row)

    def _with_earlier_id(self, row: ReceivedFile) -> ReceivedFile:
        """Return the record with the id of an earlier file with the same content, if there was one."""
        found = self._practice.snapshot().find(INBOX, "digest", row.digest)
        return msgspec.structs.replace(row, id=found[0].id, copies=found[0].copies) if found else row

    def _imported(self, document: InboxDocument, row: ReceivedFile) -> ReceivedFile:
        made: list[ReceivedFile] = []

        def receipt(snapshot: Snapshot, ids: IdSource, outcome: DeliveryOutcome) -> Iterable[Write]:
            document.check_unchanged()
            if not self._by_user and _earlier_file(snapshot, row.digest) is not None:
                raise _KnownMeanwhile
            done = msgspec.structs.replace(with_outcome(row, document, outcome), id=row.id or ids.new("f")[0])
            made[:] = [done]
            return [Put(INBOX, done)]

        deliver(self._practice, replace(self._delivery(document, row), receipt=receipt))
        self._practice.events.emit(
            Event(key="inbox.file", rule=made[0].event or made[0].kind, numbers={"file": made[0].id})
        )
        return made[0]

    def _delivery(self, document: InboxDocument, row: ReceivedFile) -> InboxDelivery:
        return InboxDelivery(row.name, document.mark, document.as_of, document.read, lambda *_: (), row.event)

    def _record_failure(self, row: ReceivedFile) -> ReceivedFile:
        """Record a file that could not be imported."""
        made = [row]

        def remember(snapshot: Snapshot) -> list[Write]:
            ids = SnapshotIds(snapshot)
            before = snapshot.find(INBOX, "digest", row.digest) if row.digest else []
            id_ = row.id or (before[0].id if before else ids.new("f")[0])
            made[:] = [msgspec.structs.replace(row, id=id_)]
            return [Put(INBOX, made[0]), *ids.writes()]

        self._practice.store.transact(remember)
        self._practice.events.emit(Event(key="inbox.failed", level="warning", numbers={"file": made[0].id}))
        return made[0]

    def _duplicate(self, entry: InboxEntry, before: ReceivedFile) -> None:
        """Count a file whose content was imported before as a copy, and move it."""
        claim, made = storable(entry.claim), [before]

        def counted(snapshot: Snapshot) -> list[Write]:
            now = snapshot.get(INBOX, before.id) or before
            if now.copy_claim != claim:
                now = msgspec.structs.replace(now, copies=now.copies + 1, copy_claim=claim)
            made[:] = [now]
            return [Put(INBOX, now)]

        self._practice.store.transact(counted)
        text = f"Not imported again: {before.name} ({before.id}) has the same content. {before.sentence}"
        self._folder.finish(entry, failed=False, prefix=f"{before.id}.{made[0].copies}", sentence=text)
        self.report.add(made[0], "duplicate")

    def _finish(self, entry: InboxEntry, row: ReceivedFile, prefix: str) -> None:
        lines = "\n".join((row.sentence, *row.details))
        self._folder.finish(entry, failed=row.state == "failed", prefix=prefix, sentence=lines)

    def _row(self, entry: InboxEntry) -> ReceivedFile:
        """Return the record of a file that has not been read yet."""
        return ReceivedFile(
            id="",
            name=storable(entry.name),
            digest="",
            at=self._practice.clock.now(),
            by=self._practice.person,
            size=entry.size,
            claim=storable(entry.claim),
        )


def _earlier_file(snapshot: Snapshot, digest: str) -> ReceivedFile | None:
    """Return an earlier file with the same content, unless it failed."""
    return next((row for row in snapshot.find(INBOX, "digest", digest) if row.state != "failed"), None)
