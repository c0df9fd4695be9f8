"""Export the store to Ignition's forms, and find what Ignition does not have yet.

Only this account can read the files. Their content counts as sent to Ignition only once they are safely
stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.application.condition import refuse_damaged
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count, plural
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.tables import IMPORTS
from xpm_tui.files import durable
from xpm_tui.files.machine import disk_error
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.ignition import export, forms, pending_changes

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.ignition.forms import FormName


def _other_exporters() -> dict[str, Callable[..., export.ExportedFile]]:
    """Return the exporters of the forms other than that of clients."""
    return {
        "services": export.export_services,
        "team": export.export_team,
        "proposals": export.export_proposals,
    }


def last_import(snapshot: Snapshot) -> Import | None:
    """Return the newest import of clients that was not undone; screens show its age."""
    done = [
        each
        for each in snapshot.find(IMPORTS, "state", "done")
        if each.form == "clients" and not each.own and not each.event
    ]
    return max(done, key=lambda each: (each.at, len(each.id), each.id), default=None)


class OmittedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A client or contact that is missing from a file, or in another one, and why."""

    id: str
    name: str
    reason: str


class ExportState(msgspec.Struct, frozen=True, kw_only=True):
    """The data that Ignition does not have yet: the number of ``clients`` with values to export.

    ``never`` are the clients and contacts with values that Ignition's import cannot accept, and why.
    """

    clients: int
    never: tuple[OmittedRecord, ...] = ()


def export_state(pending: pending_changes.PendingCount) -> ExportState:
    """Return the state that was counted over all clients."""
    never = tuple(
        OmittedRecord(id=each.record, name=each.name, reason=each.reason) for each in pending.unsendable
    )
    return ExportState(clients=pending.waiting, never=never)


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an export: the files, the numbers of records and rows, and what was omitted.

    ``remembered`` says whether the records now count as sent.
    """

    form: str
    files: tuple[str, ...]
    records: int
    rows: int
    refused: tuple[OmittedRecord, ...] = ()
    splits: tuple[OmittedRecord, ...] = ()
    remembered: bool = False

    @property
    def exit_code(self) -> int:
        """Return 0, or 1 if some records were omitted."""
        return 1 if self.refused else 0


def export_file(
    practice: OpenPractice,
    form: FormName,
    path: Path,
    *,
    changed: bool = False,
    flavour: export.Flavour = "ignition",
    again: bool = False,
    only: Collection[str] = (),
    replace: bool = False,
) -> ExportReport:
    """Write a form to ``path`` (0600); clients with the same name go to ``path-2.csv`` and so on.

    ``changed`` restricts it to clients with values that Ignition does not have, ``again`` adds those that
    were exported already. An existing file is kept unless ``replace``. Raises ``BadInput`` and ``DiskError``.
    """
    practice.writable()
    path = Path(path)
    if not path.name:
        raise BadInput(f"'{path}' is not a file.", hint="Name a file, or - for standard output.")
    exported = exported_bytes(practice, form, changed=changed, flavour=flavour, again=again, only=only)
    places = [
        path if at == 1 else path.with_stem(f"{path.stem}-{at}") for at in range(1, len(exported.files) + 1)
    ]
    for place in places:
        refuse_taken(place, replace=replace)
    for place, data in zip(places, exported.files, strict=True):
        durable.replace_bytes(place, data)
    _remember(practice, form, exported)
    return _export_report(form, exported, tuple(map(str, places)), bool(exported.writes))


def refuse_taken(place: Path, *, replace: bool) -> None:
    """Raise ``BadInput`` if an exported file cannot be written: it exists, or its folder does not."""
    with disk_error(place):
        if place.exists() and not replace:
            raise BadInput(
                f"{place} already exists.", hint="Name another file, or replace this one with --replace."
            )
        if place.exists() and not place.is_file():
            raise BadInput(f"{place} is not a regular file.", hint="Name a file, or - for standard output.")
    if not place.parent.is_dir():
        raise BadInput(
            f"The folder {place.parent} does not exist.", hint="Create the folder, or name another one."
        )


def export_text(
    practice: OpenPractice,
    form: FormName,
    *,
    changed: bool = False,
    flavour: export.Flavour = "ignition",
    again: bool = False,
    only: Collection[str] = (),
    mark: bool = False,
) -> tuple[bytes, ExportReport, Callable[[], None]]:
    """Return one file's bytes for standard output, and the function that marks them as sent.

    Nothing counts as sent to Ignition unless ``mark`` is given and that function is called. Raises
    ``BadInput`` if clients with the same name need several files.
    """
    if mark:
        practice.writable()
    exported = exported_bytes(practice, form, changed=changed, flavour=flavour, again=again, only=only)
    if len(exported.files) > 1:
        number = len(exported.splits)
        raise BadInput(
            f"{count(number, 'client')} {plural(number, 'shares its/share their')} name with "
            f"another client and {plural(number, 'has/have')} no Client ID: Ignition would merge "
            "them if they were in one file.",
            hint="Name a file instead: these clients are written to several files.",
        )
    raw = exported.files[0] if exported.files else b""
    report = _export_report(form, exported, (), remembered=mark and bool(exported.writes))
    return raw, report, lambda: _remember(practice, form, exported)


def exported_bytes(
    practice: OpenPractice,
    form: FormName,
    *,
    changed: bool = False,
    flavour: export.Flavour = "ignition",
    again: bool = False,
    only: Collection[str] = (),
) -> export.ExportedFile:
    """Return what an export would contain; nothing is written or marked as sent.

    Raises ``StoreUnreadable`` if the store is damaged.
    """
    refuse_damaged(practice)
    if form not in forms.FORMS:
        raise BadInput(f"There is no form called {form}.", hint=f"The forms are {', '.join(forms.FORMS)}.")
    snapshot = practice.snapshot()
    if form == "clients":
        return export.export_clients(
            snapshot, practice.clock.now(), changed_only=changed, flavour=flavour, again=again, only=only
        )
    if changed:
        raise BadInput("--changed works only for clients.")
    return _other_exporters()[form](snapshot, flavour)


def preview_export(
    practice: OpenPractice, form: FormName, **wanted: Any
) -> tuple[ExportReport, tuple[str, ...]]:
    """Return what :func:`export_file` would write, and the ids of the records; nothing is marked as sent."""
    if form != "clients":
        wanted = {"flavour": wanted.get("flavour", "ignition")}
    exported = exported_bytes(practice, form, **wanted)
    return _export_report(form, exported, (), False), exported.records


def _remember(practice: OpenPractice, form: FormName, exported: export.ExportedFile) -> None:
    """Mark the records as sent to Ignition."""
    if exported.writes:
        practice.store.transact(lambda now: export.export_writes(now, exported.writes))
    if exported.records:
        practice.events.emit(Event(key=f"export.{form}", numbers={"count": len(exported.records)}))


def _export_report(
    form: FormName, exported: export.ExportedFile, files: tuple[str, ...], remembered: bool
) -> ExportReport:
    return ExportReport(
        form=form,
        files=files,
        records=len(exported.records),
        rows=exported.rows,
        refused=tuple(map(_omitted, exported.refused)),
        splits=tuple(map(_omitted, exported.splits)),
        remembered=remembered,
    )


def _omitted(each: export.OmittedClient) -> OmittedRecord:
    return OmittedRecord(id=each.record, name=each.name, reason=each.reason)
