"""Imports into an open practice: remembered mapping, batches, undo, and the messages."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.application.fixtures import count_pending
from xpm_tui.application.condition import conditions
from xpm_tui.application.csv_io.exports import export_file, export_text, last_import
from xpm_tui.application.csv_io.import_effects import ImportStopped
from xpm_tui.application.csv_io.imports import import_file, undo_import
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.errors import BadInput, Busy, ReadOnly
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, IMPORTED, IMPORTS, LINKS, XPM_CLIENTS, TableSchema
from xpm_tui.domain.xpm import XpmClient, XpmContact
from xpm_tui.ignition import client_import, parser

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


def test_a_dry_run_reports_all_and_writes_nothing(practice: OpenPractice, file: Path) -> None:
    position = practice.snapshot().position
    report = import_file(practice, "clients", file, dry_run=True)
    assert (report.counts["new"], report.id, report.dry_run) == (2, "", True)
    assert [(column.heading, column.field) for column in report.columns][-1] == ("Tel", None)
    assert practice.snapshot().position == position
    assert practice.ids.new("c") == ["c1"]


def test_an_import_is_written_reported_and_dated(practice: OpenPractice, file: Path) -> None:
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


def test_a_file_is_one_commit_and_says_how_far_it_is(
    practice: OpenPractice, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser, "TICK", 10)
    monkeypatch.setattr(client_import, "TICK", 10)
    rows = "".join(f"{at},,Client {at},P{at},p{at}@x.nz,\n" for at in range(35))
    file.write_text(
        FILE.splitlines(keepends=True)[0] + rows + ",,,,,\n1E+09,,X,Y,y@x.nz,\n", encoding="utf-8"
    )
    seen: list[tuple[str, int, int]] = []
    before = practice.snapshot().position
    report = import_file(practice, "clients", file, progress=lambda *far: seen.append(far))
    assert (len(names(practice)), [each.row for each in report.refused]) == (35, [38])
    assert practice.snapshot().position - before == 3, "its id, that it begins, and all of it"
    assert [what for what, _, _ in seen] == [
        "reading",
        "reading",
        "reading",
        "comparing",
        "comparing",
        "comparing",
        "writing",
    ]
    assert seen[-1] == ("writing", 36, 36)


def test_an_import_can_be_undone_once(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file)
    file.write_text(FILE.replace("Rimu", "Rimu Ltd"), encoding="utf-8")
    import_file(practice, "clients", file)
    import_file(practice, "clients", file)
    assert undo_import(practice, dry_run=True).counts == {"removed": 0, "restored": 1, "left": 0}
    assert undo_import(practice).counts == {"removed": 0, "restored": 1, "left": 0}
    assert names(practice) == ["Kowhai", "Rimu"]
    with pytest.raises(BadInput, match="no import to undo"):
        undo_import(practice)


class Killed(BaseException):
    """The process is gone: nothing of it runs on."""


def kill_before_the_last_commit(practice: OpenPractice, file: Path) -> None:
    """Import as far as a process gets that is killed before all of the file is written."""
    commit = practice.store.commit

    def killed(writes: Any, **how: Any) -> int:
        if not isinstance(writes, list):
            practice.store.commit = dead  # type: ignore[method-assign]
            raise Killed
        return commit(writes, **how)

    def dead(writes: Any, **how: Any) -> int:
        raise Killed

    practice.store.commit = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        import_file(practice, "clients", file)
    practice.store.commit = commit  # type: ignore[method-assign]


def test_a_killed_import_left_nothing_and_the_same_file_finishes_it(
    practice: OpenPractice, file: Path
) -> None:
    import_file(practice, "clients", file)
    more = file.with_name("more.csv")
    more.write_text(FILE.replace("Rimu", "Rimu Ltd") + "3,13,Miro,Di,di@x.nz,3\n", encoding="utf-8")
    kill_before_the_last_commit(practice, more)
    assert names(practice) == ["Kowhai", "Rimu"]
    (found,) = conditions(practice)
    assert (found.state, "more.csv (m2)" in found.message) == ("unfinished_import", True)
    moved = more.rename(more.with_name("again.csv"))
    report = import_file(practice, "clients", moved)
    assert (report.id, report.resumed, names(practice)) == ("m2", True, ["Kowhai", "Miro", "Rimu Ltd"])
    assert [each.state for each in conditions(practice)] == ["sound"]
    assert undo_import(practice).counts == {"removed": 1, "restored": 1, "left": 0}
    assert names(practice) == ["Kowhai", "Rimu"]


def test_an_import_that_did_not_finish_is_undone_before_the_one_before_it(
    practice: OpenPractice, file: Path
) -> None:
    import_file(practice, "clients", file)
    file.write_text(FILE + "3,13,Miro,Di,di@x.nz,3\n", encoding="utf-8")
    kill_before_the_last_commit(practice, file)
    assert (undo_import(practice).id, names(practice)) == ("m2", ["Kowhai", "Rimu"])
    assert undo_import(practice).counts["removed"] == 2


@pytest.mark.parametrize("phase", ["reading", "comparing", "writing"])
def test_ctrl_c_reports_the_true_outcome(
    practice: OpenPractice, file: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    monkeypatch.setattr(parser, "TICK", 1)
    monkeypatch.setattr(client_import, "TICK", 1)
    said: list[str] = []

    def press(what: str, done: int, total: int) -> None:
        if what == phase:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    if phase == "writing":
        assert import_file(practice, "clients", file, progress=press, say=said.append).stop_came_late
    else:
        with pytest.raises(ImportStopped, match=r"Nothing of clients\.csv was imported") as stopped:
            import_file(practice, "clients", file, progress=press, say=said.append)
        assert stopped.value.exit_code == 130
    assert len(names(practice)) == (2 if phase == "writing" else 0)
    assert (len(said), signal.getsignal(signal.SIGINT)) == (1, before)
    assert [each.state for each in conditions(practice)] == ["sound"]


async def test_a_signal_that_came_before_the_import_began_stops_it(
    practice: OpenPractice, file: Path
) -> None:
    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(ImportStopped):
            import_file(practice, "clients", file)
        task.uncancel()

    with suppress(asyncio.CancelledError):
        await asyncio.create_task(run())
    assert (names(practice), practice.snapshot().count(IMPORTS)) == ([], 0)


def test_what_another_process_changed_meanwhile_is_compared_again(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file)
    file.write_text(FILE.replace("Kowhai", "Kowhai 2").replace("Rimu", "Rimu 2"), encoding="utf-8")
    commit = practice.store.commit
    (rimu,) = [client for client in practice.snapshot().rows(CLIENTS) if client.name == "Rimu"]

    def meddling(writes: Any, **how: Any) -> int:
        if not isinstance(writes, list):
            practice.store.commit = commit  # type: ignore[method-assign]
            commit([Put(CLIENTS, msgspec.structs.replace(rimu, phone="new"))])
        return commit(writes, **how)

    practice.store.commit = meddling  # type: ignore[method-assign]
    report = import_file(practice, "clients", file)
    assert (names(practice), report.refused) == (["Kowhai 2", "Rimu 2"], ())
    after = practice.snapshot().get(CLIENTS, rimu.id)
    assert after is not None
    assert after.phone == "new"


def test_a_spreadsheet_that_comes_back_untouched_changes_nothing(practice: OpenPractice, file: Path) -> None:
    """Whatever the store holds: twins without ids, contacts without e-mails, values no file could bring."""
    import_file(practice, "clients", file)
    ann, bare = Contact(id="k91", name="Ann", primary=True), Contact(id="k92", phone="09 1")
    odd = [
        Client(id="c91", name="Twin", contacts=(ann,), phone="1"),
        Client(
            id="c92", name="Twin", contacts=(msgspec.structs.replace(ann, id="k93", phone="2"),), phone="2"
        ),
        Client(id="c93", name="Rimu"),
        Client(
            id="c94",
            name="Soft \u00adhyphen\u200b",
            contacts=(ann, msgspec.structs.replace(ann, id="k94"), bare),
        ),
        Client(id="c95", name="#REF!", phone="6.42E+10", contacts=(Contact(id="k95", email="ann at x"),)),
        Client(id="c96", name="Client Name"),
        Client(id="c97", name="Total"),
    ]
    practice.store.commit([Put(CLIENTS, client) for client in odd])
    tables: tuple[TableSchema[Any], ...] = (CLIENTS, IMPORTED, IMPORTS)
    rows = {table.name: list(practice.snapshot().rows(table)) for table in tables}
    out = file.with_name("out.csv")
    export_file(practice, "clients", out, flavour="spreadsheet")
    report = import_file(practice, "clients", out)
    assert (report.refused, report.counts["same"]) == ((), 9)
    assert {table.name: list(practice.snapshot().rows(table)) for table in tables} == rows
    text = (
        out.read_text(encoding="utf-8-sig")
        .replace("Kowhai", "Kōwhai")
        .replace("Ann,ann@x.nz", "Anne,ann@x.nz")
    )
    out.write_text(text, encoding="utf-8")
    report = import_file(practice, "clients", out)
    assert [(edit.record, edit.field) for edit in report.edits] == [("c1", "name"), ("c1/k1", "contact_name")]
    assert count_pending(practice.snapshot()).clients == 1, "an edit here is not in Ignition yet"
    foreign = text.replace("c1/k1", "c93").replace("c2/k2", "c91/k91")
    out.write_text(foreign, encoding="utf-8")
    assert any(
        "may be from another practice" in each.reason
        for each in import_file(practice, "clients", out).refused
    )


def test_what_goes_to_xpm_is_counted_first(practice: OpenPractice, file: Path) -> None:
    import_file(practice, "clients", file, {"Tel": "phone"})
    (kowhai,) = [client for client in practice.snapshot().rows(CLIENTS) if client.name == "Kowhai"]
    ann = XpmContact(uuid="x1", name="Ann", email="ann@x.nz", primary=True)
    there = XpmClient(uuid="u1", name="Kowhai", phone="1", contacts=(ann,))
    practice.store.commit([Put(LINKS, Link(id=kowhai.id, uuid="u1")), Put(XPM_CLIENTS, there)])
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
    practice.store.commit([Put(CLIENTS, msgspec.structs.replace(kowhai, phone="9"))])
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
    with pytest.raises(BadInput, match="already exists"):
        export_file(practice, "clients", file)
    assert file.read_text(encoding="utf-8") == FILE
    assert export_file(practice, "clients", file, replace=True).rows == 2


def test_a_failed_export_is_not_remembered(practice: OpenPractice, file: Path, tmp_path: Path) -> None:
    import_file(practice, "clients", file)
    (kowhai, _) = practice.snapshot().rows(CLIENTS)
    practice.store.commit([Put(CLIENTS, msgspec.structs.replace(kowhai, phone="9"))])
    with pytest.raises(BadInput, match="does not exist"):
        export_file(practice, "clients", tmp_path / "nowhere" / "x.csv", changed=True)
    assert export_file(practice, "clients", tmp_path / "x.csv", changed=True).records == 1
