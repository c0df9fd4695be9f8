"""Queries on the inbox: its state, the results of its files, and the file that a user names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import AppError, BadInput, NotFound
from xpm_tui.domain.ignition import ReceivedFile
from xpm_tui.domain.safe_text import storable, visible
from xpm_tui.domain.tables import INBOX
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.files import inbox_folder

if TYPE_CHECKING:
    from xpm_tui.files.inbox_folder import InboxEntry, InboxFolder


class InboxStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the inbox.

    Attributes:
        waiting: The number of files that wait in the folder.
        claimed: The number of files that a process had claimed before it ended.
        unfinished: The number of files that still have the name of an upload.
        failed: The number of files in the folder of failed files.
        received: The number of files on record.
        problem: Why the folder cannot be used; empty if it can.
    """

    folder: str = ""
    waiting: int = 0
    claimed: int = 0
    unfinished: int = 0
    failed: int = 0
    received: int = 0
    last_at: datetime | None = None
    problem: str = ""


class ReceivedView(msgspec.Struct, frozen=True, kw_only=True):
    """One received file; ``place`` is where it is now, or empty if it was deleted."""

    id: str
    name: str
    at: datetime
    by: str
    kind: str
    event: str
    as_of: datetime | None
    state: str
    sentence: str
    details: tuple[str, ...]
    batch: str
    copies: int
    size: int
    counts: dict[str, int]
    records: tuple[str, ...]
    edits: tuple[tuple[str, str, str, str], ...]
    place: str = ""


def folder_of(practice: OpenPractice) -> InboxFolder | None:
    """Return the practice's inbox; None if it has none."""
    known = practice.settings.text("inbox.folder")
    return inbox_folder.InboxFolder(Path(known).expanduser()) if known else None


def needed_folder(practice: OpenPractice) -> InboxFolder:
    """Return the practice's inbox. Raises ``BadInput`` if there is none, or it cannot be used."""
    folder = folder_of(practice)
    if folder is None:
        raise BadInput("This practice has no inbox.", hint="Set one up: xpm-tui inbox setup DIR")
    folder.check(owner_of(practice))
    return folder


def owner_of(practice: OpenPractice) -> str:
    """Return the text by which an inbox folder is marked as that of a practice."""
    return storable(str(practice.data))


def inbox_status(practice: OpenPractice) -> InboxStatus:
    """Return the state of the inbox; an error of the folder becomes its ``problem``."""
    if practice.recording is not None and practice.recording.inbox:
        return msgspec.convert(practice.recording.inbox, InboxStatus)
    snapshot = practice.snapshot()
    folder = folder_of(practice)
    received = snapshot.count(INBOX)
    if folder is None:
        return InboxStatus(received=received)
    last = list_newest(practice, 1)
    known = InboxStatus(
        folder=storable(str(folder.root)), received=received, last_at=last[0].at if last else None
    )
    try:
        folder.check(owner_of(practice))
        waiting, claimed, unfinished, failed = folder.counts()
        return msgspec.structs.replace(
            known, waiting=waiting, claimed=claimed, unfinished=unfinished, failed=failed
        )
    except AppError as error:
        return msgspec.structs.replace(known, problem=error.message)


def list_newest(practice: OpenPractice, most: int = 0, state: str = "") -> list[ReceivedFile]:
    """Return the received files, newest first; at most ``most``, 0 for all."""
    snapshot = practice.snapshot()
    found: list[ReceivedFile] = []
    for id_ in reversed(tuple(snapshot.ids(INBOX))):
        row = snapshot.get(INBOX, id_)
        if row is not None and state in ("", row.state):
            found.append(row)
            if len(found) == most:
                break
    return found


def received_view(row: ReceivedFile, place: Path | None = None) -> ReceivedView:
    """Return a received file as a view."""
    shown = {name: getattr(row, name) for name in ReceivedView.__struct_fields__ if name != "place"}
    return ReceivedView(**shown, place=storable(str(place)) if place is not None else "")


def find_received(practice: OpenPractice, text: str) -> ReceivedFile:
    """Return a file by its id (``f12``), or its name here or in the folder; ``last`` is the newest one.

    Raises:
        NotFound: There is no such file.
    """
    if text == "last":
        newest = next(iter(list_newest(practice, 1)), None)
        if newest is None:
            raise NotFound(
                "No file has come in through the inbox yet.", hint="See its folder: xpm-tui inbox status"
            )
        return newest
    wanted = Path(text).name
    found = practice.snapshot().get(INBOX, wanted.partition("-")[0].partition(".")[0])
    if found is not None:
        return found
    for row in list_newest(practice):
        if row.name == wanted:
            return row
    raise NotFound(
        f"No file {visible(text, 80)} has come in through the inbox.", hint="See: xpm-tui inbox list"
    )


def show_received(practice: OpenPractice, text: str) -> ReceivedView:
    """Return one received file with its present place. Raises ``NotFound``."""
    row = find_received(practice, text)
    folder = folder_of(practice)
    return received_view(row, folder.place(row.id) if folder is not None else None)


def files_to_retry(practice: OpenPractice, names: tuple[str, ...], *, every: bool) -> list[InboxEntry]:
    """Return the files to import again: with ``every`` those that failed, otherwise the named ones.

    Raises ``NotFound`` for a file that no longer exists, and the errors of :func:`needed_folder`.
    """
    folder = needed_folder(practice)
    if every:
        return folder.failed()
    return [_entry(practice, folder, name) for name in names]


def _entry(practice: OpenPractice, folder: InboxFolder, name: str) -> InboxEntry:
    by_name = next((each for each in folder.failed() if each.path.name == Path(name).name), None)
    if by_name is not None:
        return by_name
    row = find_received(practice, name)
    place = folder.place(row.id)
    entry = folder.entry(place) if place is not None else None
    if entry is None:
        raise NotFound(
            f"The file {visible(row.name, 80)} ({row.id}) is no longer in the inbox's folders.",
            hint="Deliver it again.",
        )
    return entry
