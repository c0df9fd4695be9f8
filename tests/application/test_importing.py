"""Importing into an open practice: remembered mapping, batches, undo, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from xpm_tui.application.csv_io import imports
from xpm_tui.application.csv_io.exports import export_file, export_text, last_import
from xpm_tui.application.csv_io.imports import import_file, undo_import
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import BadInput, Busy, ReadOnly
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, IMPORT_IMAGES, IMPORTS, LINKS, XPM_CLIENTS
from xpm_tui.domain.xpm import XpmClient, XpmContact

FILE = (
    "Client ID,Contact ID,Client Name,Contact Name,Contact Email,Tel\n"
    "1,11,Kowhai,Ann,ann@x.nz,1\n"
    "2,12,Rimu,Bo,bo@x.nz,2\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def names(practice: OpenPractice) -> list[str]:
    return sorted(client.name for client in practice.snapshot().rows(CLIENTS))


def keys(practice: OpenPractice) -> list[str]:
    return [event.key for event in practice.events.read()]


def test_a_dry_run_tells_all_and_writes_nothing(practice: OpenPractice, file: Path) -> None:
    position = practice.snapshot().position
    report = import_file(practice, "clients", file, dry_run=True)
    assert (report.counts["new"], report.id, report.dry_run) == (2, "", True)
    assert [(column.heading, column.field) for column in report.columns][-1] == ("Tel", None)
    assert practice.snapshot().position == position
    assert practice.ids.new("c") == ["c1"]


def test_an_import_is_written_told_and_dated(practice: OpenPractice, file: Path) -> None:
    report = import_file(practice, "clients", file)
    assert names(practice) == ["Kowhai", "Rimu"]
    assert report.encoding == "UTF-8"
    last = last_import(practice.snapshot())
    assert last is not None
    assert (last.id, last.state, last.at, last.file) == (
        report.id,
        "done",
        practice.clock.now(),
        "clients.csv",
    )
    assert "import.clients" in keys(practice)


def test_a_mapping_is_remembered(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file, {"Tel": "phone"})
    report = import_file(practice, "clients", file)
    assert {column.heading: column.field for column in report.columns}["Tel"] == "phone"
    assert report.counts["same"] == 2


def test_batches_are_written_one_after_another(
    practice: OpenPractice, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 10)
    rows = "".join(f"{at},,Client {at},P{at},p{at}@x.nz,\n" for at in range(35))
    file.write_text(FILE.splitlines(keepends=True)[0] + rows, encoding="utf-8")
    seen: list[tuple[int, int]] = []
    import_file(practice, "clients", file, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(10, 35), (20, 35), (30, 35), (35, 35)]
    assert len(names(practice)) == 35


def test_an_import_can_be_undone_once(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file)
    file.write_text(FILE.replace("Rimu", "Rimu Ltd"), encoding="utf-8")
    import_file(practice, "clients", file)
    import_file(practice, "clients", file)
    assert undo_import(practice, dry_run=True).counts == {"removed": 0, "restored": 1, "left": 0}
    assert undo_import(practice).counts == {"removed": 0, "restored": 1, "left": 0}
    assert names(practice) == ["Kowhai", "Rimu"]
    with pytest.raises(BadInput, match="no import to take back"):
        undo_import(practice)


def test_a_killed_import_is_finished_by_the_next_and_can_be_undone(
    practice: OpenPractice, file: Path
) -> None:
    import_file(practice, "clients", file)
    head = next(iter(practice.snapshot().rows(IMPORTS)))
    # As if the process had died before its last commit.
    practice.book.commit([Put(IMPORTS, msgspec.structs.replace(head, state="begun"))])
    assert undo_import(practice).counts["removed"] == 2
    assert names(practice) == []
    assert practice.snapshot().count(IMPORT_IMAGES) == 0


def test_what_another_process_changed_meanwhile_is_left(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file)
    file.write_text(FILE.replace("Kowhai", "Kowhai 2").replace("Rimu", "Rimu 2"), encoding="utf-8")
    commit = practice.book.commit
    (rimu,) = [client for client in practice.snapshot().rows(CLIENTS) if client.name == "Rimu"]

    def meddling(writes: list[object], **how: Any) -> int:
        position = commit(writes, **how)  # type: ignore[arg-type]
        if any(
            isinstance(write, Put) and isinstance(write.row, Import) and write.row.state == "begun"
            for write in writes
        ):
            commit([Put(CLIENTS, msgspec.structs.replace(rimu, phone="new"))])
        return position

    practice.book.commit = meddling  # type: ignore[method-assign, assignment]
    report = import_file(practice, "clients", file)
    assert names(practice) == ["Kowhai 2", "Rimu"]
    assert report.refused[-1].reason == f"{rimu.id} changed while it was imported: left"


def test_what_goes_to_xpm_is_counted_first(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file, {"Tel": "phone"})
    (kowhai,) = [client for client in practice.snapshot().rows(CLIENTS) if client.name == "Kowhai"]
    ann = XpmContact(uuid="x1", name="Ann", email="ann@x.nz", primary=True)
    there = XpmClient(uuid="u1", name="Kowhai", phone="1", contacts=(ann,))
    practice.book.commit([Put(LINKS, Link(id=kowhai.id, uuid="u1")), Put(XPM_CLIENTS, there)])
    file.write_text(
        FILE.replace("Ann,", "Anne,").replace(",1\n", ",9\n").replace(",2\n", ",8\n"), encoding="utf-8"
    )
    report = import_file(practice, "clients", file, dry_run=True)
    assert (report.counts["cells"], report.to_xpm, report.overwritten) == (3, 0, 2)
    practice.settings.set("sync.direction", "to_xpm")
    report = import_file(practice, "clients", file, dry_run=True)
    assert (report.to_xpm, report.overwritten) == (2, 0)


def test_a_run_that_is_on_is_waited_for_by_a_person(practice: OpenPractice, file: Path) -> None:
    with practice.lock("sync").hold(), pytest.raises(Busy):
        import_file(practice, "clients", file)
    assert names(practice) == []


def test_read_only_writes_nothing(practice: OpenPractice, file: Path) -> None:
    practice.read_only = True
    with pytest.raises(ReadOnly):
        import_file(practice, "clients", file)
    assert import_file(practice, "clients", file, dry_run=True).counts["new"] == 2


def test_every_form_can_be_imported_and_exported(practice: OpenPractice, tmp_path: Path, file: Path) -> None:
    import_file(practice, "clients", file)
    for form, text in (
        ("services", "Service Name\nAccounts\n"),
        ("team", "Name,Email\nMere,mere@x.nz\n"),
        ("proposals", "Proposal Number,Client ID,Service Name\nPROP-1,1,Accounts\n"),
    ):
        path = tmp_path / f"{form}.csv"
        path.write_text(text, encoding="utf-8")
        assert import_file(practice, form, path).counts["new"] == 1  # type: ignore[arg-type]
        out = tmp_path / f"{form}-out.csv"
        report = export_file(practice, form, out)  # type: ignore[arg-type]
        assert (report.records, report.files) == (1, (str(out),))
        assert out.stat().st_mode & 0o777 == 0o600


def test_changed_clients_go_out_once(practice: OpenPractice, file: Path, tmp_path: Path) -> None:
    import_file(practice, "clients", file, {"Tel": "phone"})
    (kowhai,) = [client for client in practice.snapshot().rows(CLIENTS) if client.name == "Kowhai"]
    practice.book.commit([Put(CLIENTS, msgspec.structs.replace(kowhai, phone="9"))])
    data, report, _ = export_text(practice, "clients", changed=True)
    assert data == (
        b"Client ID,Contact ID,Client Name,Contact Name,Contact Email,Tel\r\n1,11,Kowhai,Ann,ann@x.nz,9\r\n"
    )
    assert (report.records, report.remembered) == (1, False), "printing only looks"
    out = tmp_path / "out.csv"
    assert export_file(practice, "clients", out, changed=True).remembered
    again = tmp_path / "again.csv"
    assert export_file(practice, "clients", again, changed=True).files == ()
    assert not again.exists()


def test_a_file_that_is_there_is_not_overwritten_unasked(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file)
    with pytest.raises(BadInput, match="is there already"):
        export_file(practice, "clients", file)
    assert file.read_text(encoding="utf-8") == FILE
    assert export_file(practice, "clients", file, replace=True).rows == 2


def test_a_failed_export_is_not_remembered(practice: OpenPractice, file: Path, tmp_path: Path) -> None:
    import_file(practice, "clients", file)
    (kowhai, _) = practice.snapshot().rows(CLIENTS)
    practice.book.commit([Put(CLIENTS, msgspec.structs.replace(kowhai, phone="9"))])
    with pytest.raises(BadInput, match="no folder"):
        export_file(practice, "clients", tmp_path / "nowhere" / "x.csv", changed=True)
    assert export_file(practice, "clients", tmp_path / "x.csv", changed=True).records == 1
