"""The inbox: every file exactly once, in any order, whichever process is killed; nothing is half imported."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.moved_clock import START, MovedClock
from tests.support.profile import count, in_soak
from xpm_tui.application.condition import conditions
from xpm_tui.application.csv_io.documents import InboxDocument
from xpm_tui.application.csv_io.exports import last_import
from xpm_tui.application.csv_io.imports import ImportReport, import_file, undo_import
from xpm_tui.application.csv_io.inbox import files_to_retry, inbox_status, list_newest, show_received
from xpm_tui.application.csv_io.intake import InboxReport, empty_inbox, retry, set_up
from xpm_tui.application.home import Home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.scheduled_run import run_if_due
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import BadInput, Busy, DecisionNeeded, LoginNeeded
from xpm_tui.domain.tables import CLIENTS, DEPLOYMENTS, INBOX, INTENTS, PROPOSALS, WORKFLOWS
from xpm_tui.files.inbox_folder import InboxFolder
from xpm_tui.ignition import event_schema
from xpm_tui.ignition.event_file import read_event

CLIENT_FILE = (
    "Client ID,Client Name,Contact Name,Contact Email,Phone\n"
    "501,Matai Ltd,Ria Poe,ria@matai.nz,09 501\n"
    "502,Tawa Trust,Jo Hay,jo@tawa.nz,09 502\n"
)


@pytest.fixture
def folder(practice: OpenPractice, tmp_path: Path) -> Path:
    return set_up(practice, tmp_path / "in").root


def event(kind: str, minute: int, record: dict[str, Any], **more: Any) -> str:
    at = START - timedelta(hours=3) + timedelta(minutes=minute)
    return json.dumps({"event": kind, "at": at.isoformat(), kind.partition(".")[0]: record, **more})


def put(folder: Path, name: str, text: str, at: datetime = START - timedelta(minutes=10)) -> None:
    path = folder / name
    path.write_bytes(text.encode())
    os.utime(path, (at.timestamp(), at.timestamp()))


def emptied(practice: OpenPractice) -> InboxReport:
    return asyncio.run(empty_inbox(practice))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if not each.name.endswith(".result.txt"))


def phones(practice: OpenPractice) -> dict[str, str]:
    return {each.client_id: each.phone for each in practice.snapshot().rows(CLIENTS)}


GOOD = event("client.changed", 0, {"client_id": "501", "name": "Matai Ltd", "phone": "1"})
FILES: dict[str, tuple[str, str, str]] = {
    "clients.csv": (CLIENT_FILE, "imported", "2 clients added"),
    "export-of-may.csv": (CLIENT_FILE, "imported", "(clients)"),
    "e1.json": (GOOD, "imported", "client.changed of 4 May 2026, 06:00 UTC"),
    "no-ending": (GOOD, "imported", "1 client added"),
    "flat.json": (
        '{"event": "Proposal Accepted", "at": 1777881600, "Proposal ref": "P-4", "clientName": "Zed"}',
        "imported",
        "1 proposal added",
    ),
    "cut.json": (GOOD[:-9], "failed", "ends too early"),
    "cut.csv": (CLIENT_FILE[:-4], "failed", "no line end"),
    "empty.csv": ("", "failed", "is empty"),
    "list.json": (f"[{GOOD}]", "failed", "not one event"),
    "quote.json": ('{"event": "client.changed", "name": "O"Brien"}', "failed", "not valid JSON"),
    "what.json": (event("client.changed", 0, {}).replace("changed", "eaten"), "failed", "is not known"),
    "when.json": ('{"event": "client.changed", "client": {"name": "A"}}', "failed", "has no time"),
    "zone.json": (GOOD.replace("+00:00", ""), "failed", "no time zone"),
    "future.json": (event("client.changed", 999, {"name": "A"}), "failed", "in the future"),
    "version.json": (event("client.changed", 0, {"name": "A"}, version=2), "failed", "version 2"),
    "nothing.json": (event("client.changed", 0, {}), "failed", "no field of a client"),
    "nul.json": (event("client.changed", 0, {"name": "a\0b"}), "failed", "NUL"),
    "email.json": (
        event("client.changed", 0, {"name": "A", "contact_email": "x"}),
        "failed",
        "not an e-mail",
    ),
    "other.csv": ("One,Two\n1,2\n", "failed", "which of Ignition's files"),
    "book.xlsx": ("PK\x03\x04\0\0\0\0\0", "failed", "Excel workbook"),
    "part.csv": (CLIENT_FILE + "503,Rata,Al,broken,\n", "partial", "1 row refused"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_comes_of_a_file(practice: OpenPractice, folder: Path, name: str) -> None:
    text, state, reported = FILES[name]
    practice.settings.set("inbox.map", "Proposal ref=proposal.number", practice=True)
    put(folder, name, text)
    report = emptied(practice)
    row = report.files[0]
    assert (row.state, report.total) == (state, 1), row
    assert reported in " ".join((row.sentence, *row.details)), row
    place = folder / ("failed" if state == "failed" else "done")
    assert names(place) == [f"f1-{name}"]
    assert reported in (place / f"f1-{name}.result.txt").read_text(encoding="utf-8")
    assert names(folder) == [".xpm-tui-practice", "done", "failed", "working"]
    assert summarize(practice).inbox.failed == (state == "failed")
    assert show_received(practice, name).place.endswith(f"f1-{name}")
    assert emptied(practice).total == 0


STREAM = (
    ("a.json", event("client.created", 1, {"client_id": "501", "name": "Matai", "phone": "1", "fax": "7"})),
    ("b.json", event("client.changed", 2, {"client_id": "501", "name": "Matai Ltd", "phone": "2"})),
    ("c.json", event("client.changed", 3, {"client_id": "501", "city": "Napier", "phone": "3"})),
    ("d.json", event("client.changed", 3, {"client_id": "501", "phone": "4"}, sequence=1)),
    (
        "p.json",
        event("proposal.sent", 1, {"number": "P-1", "name": "Old", "client_id": "501", "services": ["A"]}),
    ),
    ("q.json", event("proposal.accepted", 5, {"number": "P-1", "name": "New", "services": ["A", "B"]})),
    ("r.json", event("proposal.revoked", 5, {"number": "P-1"})),
)


@pytest.mark.parametrize("seed", range(count(3, 60, 400)))
def test_any_order_leads_to_the_same_state(practice: OpenPractice, folder: Path, seed: int) -> None:
    order = [*STREAM, *((f"again-{name}", text) for name, text in STREAM[:3])]
    random.Random(seed).shuffle(order)
    # An update can come before what it updates, but only one with a name can create it.
    order.sort(key=lambda each: each[0] not in ("a.json", "b.json") if seed % 2 else False)
    late = []
    for name, text in order:
        put(folder, name, text)
        if any(each.state == "failed" for each in emptied(practice).files):
            late.append(name)  # an update of a client that was not here yet
    asyncio.run(retry(practice, files_to_retry(practice, (), every=True)))
    client = next(each for each in practice.snapshot().rows(CLIENTS))
    proposal = next(each for each in practice.snapshot().rows(PROPOSALS))
    assert (client.name, client.phone, client.fax, client.city) == ("Matai Ltd", "4", "7", "Napier"), late
    assert (proposal.name, proposal.state) == ("New", "revoked")
    assert sorted(each.name for each in proposal.services) == ["A", "B"]
    assert practice.snapshot().count(CLIENTS) == practice.snapshot().count(PROPOSALS) == 1
    assert inbox_status(practice).failed == 0


def test_an_older_csv_file_does_not_undo_an_event(practice: OpenPractice, folder: Path) -> None:
    put(
        folder,
        "e.json",
        event("client.changed", 100, {"client_id": "501", "name": "Matai", "phone": "new"}),
    )
    emptied(practice)
    put(folder, "clients.csv", CLIENT_FILE, START - timedelta(hours=2))
    row = emptied(practice).files[0]
    assert phones(practice) == {"501": "new", "502": "09 502"}
    assert "2 values were left out" in " ".join(row.details)
    put(folder, "clients-2.csv", CLIENT_FILE.replace("09 501", "later"), START - timedelta(minutes=1))
    emptied(practice)
    assert phones(practice)["501"] == "later"
    put(folder, "late.json", event("client.changed", 99, {"client_id": "501", "name": "Old", "phone": "0"}))
    assert emptied(practice).counts == {"outdated": 1}
    assert phones(practice)["501"] == "later"


_COLUMNS = {"Phone": "phone", "City": "city", "Website": "website"}


def _dated(random_: random.Random, age: int) -> dict[str, dict[str, str]]:
    """Return what a file of a certain age says: some columns of some clients."""
    clients = random_.sample(["501", "502", "503"], random_.randint(1, 3))
    columns = random_.sample(sorted(_COLUMNS), random_.randint(1, 3))
    return {client: dict.fromkeys(columns, f"https://x{age}.nz") for client in clients}


@pytest.mark.parametrize("seed", range(count(4, 60, 400)))
def test_files_imported_manually_and_by_the_inbox_may_come_in_any_order(
    practice: OpenPractice, folder: Path, tmp_path: Path, seed: int
) -> None:
    random_ = random.Random(seed)
    files = {age: _dated(random_, age) for age in range(6)}
    expected: dict[str, dict[str, str]] = {}
    for age in sorted(files, reverse=True):  # the newest file wins
        for client, cells in files[age].items():
            expected.setdefault(client, {}).update({_COLUMNS[name]: text for name, text in cells.items()})
    order = [*files, *random_.sample(sorted(files), 2)]  # some come twice
    random_.shuffle(order)
    for age in order:
        columns = sorted(next(iter(files[age].values())))
        rows = [f"{client},Client {client},{','.join(cells[each] for each in columns)}"
                for client, cells in files[age].items()]  # fmt: skip
        text = "\n".join([",".join(["Client ID", "Client Name", *columns]), *rows, ""])
        where = tmp_path if random_.random() < 0.5 else folder
        put(where, f"clients-{age}.csv", text, START - timedelta(minutes=10 + age))
        if where is folder:
            emptied(practice)
        else:
            with suppress(DecisionNeeded):
                import_file(practice, "clients", where / f"clients-{age}.csv")
    found = {
        each.client_id: {name: text for name in _COLUMNS.values() if (text := getattr(each, name))}
        for each in practice.snapshot().rows(CLIENTS)
    }
    assert found == expected, order


def test_an_older_file_does_not_replace_what_was_imported_manually(
    practice: OpenPractice, folder: Path, tmp_path: Path
) -> None:
    def by_hand(text: str, minutes: int, as_of: datetime | None = None) -> ImportReport:
        put(tmp_path, "by-hand.csv", text, START - timedelta(minutes=minutes))
        return import_file(practice, "clients", tmp_path / "by-hand.csv", as_of=as_of)

    older = CLIENT_FILE.replace("09 50", "04 50").replace("jo@", "old@")
    report = by_hand(CLIENT_FILE, 20)
    assert (report.as_of, report.as_of_from) == (START - timedelta(minutes=20), "file")
    put(folder, "late.csv", older + "503,Rata,Al,al@rata.nz,04 503\n", START - timedelta(minutes=30))
    row = emptied(practice).files[0]
    assert (row.state, row.counts["new"]) == ("imported", 1), row
    assert "3 values were left out" in " ".join(row.details)
    assert phones(practice) == {"501": "09 501", "502": "09 502", "503": "04 503"}
    report = by_hand(older, 30)
    assert (report.older, report.counts["changed"], report.exit_code) == (3, 0, 1)
    assert by_hand(CLIENT_FILE, 30).counts["same"] == 2, "the same values are no conflict"
    report = by_hand(CLIENT_FILE.replace("09 501", "3") + "504,Miro,Bo,bo@miro.nz,4\n", 40)
    assert (report.counts["new"], report.counts["changed"], report.older) == (1, 0, 1)
    assert by_hand(older, 30, START).as_of_from == "given"
    assert phones(practice)["501"] == "04 501"
    assert undo_import(practice).counts["restored"] == 2
    put(folder, "between.csv", CLIENT_FILE.replace("09 50", "05 50"), START - timedelta(minutes=15))
    assert emptied(practice).counts == {"imported": 1}, "an import that was undone is no longer newer"
    put(folder, "before.csv", older.replace("04", "03"), START - timedelta(minutes=21))
    emptied(practice)
    assert phones(practice)["501"] == "05 501"


@pytest.mark.parametrize("order", list(itertools.permutations(("file", "event", "by hand"))))
def test_a_column_says_when_each_row_is_from(
    order: tuple[str, ...], practice: OpenPractice, folder: Path, tmp_path: Path
) -> None:
    def moment(minute: int) -> str:
        return (START - timedelta(hours=3) + timedelta(minutes=minute)).isoformat()

    head = "Client ID,Client Name,Phone,As of\n"
    rows = f"501,Matai Ltd,file,{moment(5)}\n502,Tawa Trust,file,{moment(20)}\n503,Rata Ltd,file,\n"
    for each in order:
        if each == "file":  # uploaded after everything else
            put(folder, "clients.csv", head + rows, START - timedelta(minutes=1))
        elif each == "event":
            for number, minute in (("501", 10), ("502", 10)):
                record = {"client_id": number, "name": f"{number} Ltd", "phone": "event"}
                put(folder, f"{number}.json", event("client.changed", minute, record))
        else:
            put(tmp_path, "hand.csv", f"{head}503,Rata Ltd,hand,{moment(15)}\n", START)
            with suppress(DecisionNeeded):
                report = import_file(practice, "clients", tmp_path / "hand.csv")
                assert report.as_of == datetime.fromisoformat(moment(15))
                assert report.as_of_from == "column"
        emptied(practice)
    assert phones(practice) == {"501": "event", "502": "file", "503": "file"}
    assert all("As of" not in client.extra for client in practice.snapshot().rows(CLIENTS))


def test_a_row_with_an_invalid_time_is_refused_and_a_later_one_is_now(
    practice: OpenPractice, tmp_path: Path
) -> None:
    rows = ["yesterday", "2026-05-04T09:05", (START + timedelta(days=9)).isoformat(), "2026-05-04 09:05+12"]
    text = "".join(f"{at},{501 + n},Client {n}\n" for n, at in enumerate(rows))
    put(tmp_path, "clients.csv", f"as_of,Client ID,Client Name\n{text}")
    report = import_file(practice, "clients", tmp_path / "clients.csv")
    assert [(each.row, "time" in each.reason) for each in report.refused] == [(2, True), (3, True)]
    assert (report.counts["new"], report.as_of) == (2, practice.clock.now())
    assert report.columns[0].field == "as_of"
    older = import_file(practice, "clients", tmp_path / "clients.csv", as_of=START)
    assert older.as_of_from == "given"


def test_an_older_event_does_not_change_a_proposal_imported_manually(
    practice: OpenPractice, folder: Path, tmp_path: Path
) -> None:
    head = "Proposal Number,Proposal Name,Client Name,Proposal Status,Service Name\n"
    text = f"{head}P-1,Year,Zed,Revoked,Tax\n"
    put(tmp_path, "proposals.csv", text, START - timedelta(minutes=20))
    import_file(practice, "proposals", tmp_path / "proposals.csv")
    put(folder, "e.json", event("proposal.sent", 100, {"number": "P-1", "name": "Y", "services": ["B"]}))
    assert emptied(practice).counts == {"outdated": 1}
    put(tmp_path, "proposals.csv", text.replace("Revoked", "Accepted"), START - timedelta(minutes=30))
    with pytest.raises(DecisionNeeded, match="already has values newer than") as refused:
        import_file(practice, "proposals", tmp_path / "proposals.csv")
    assert "--as-of now" in refused.value.hint
    put(folder, "f.json", event("proposal.accepted", 170, {"number": "P-1", "services": ["Tax", "B"]}))
    assert emptied(practice).counts == {"imported": 1}
    proposal = next(each for each in practice.snapshot().rows(PROPOSALS))
    assert (proposal.state, [each.name for each in proposal.services]) == ("accepted", ["Tax", "B"])


def test_a_cut_list_of_services_removes_none(practice: OpenPractice, folder: Path) -> None:
    head = "Proposal Number,Proposal Name,Client Name,Proposal Status,Service Name\n"
    rows = [f"P-{at},Year,Zed,Accepted,{name}\n" for at in (1, 2) for name in ("Tax", "Pay")]
    put(folder, "proposals-1.csv", head + "".join(rows), START - timedelta(minutes=9))
    emptied(practice)
    put(folder, "proposals-2.csv", head + rows[0] + rows[2], START - timedelta(minutes=8))
    emptied(practice)
    kept = {each.number: len(each.services) for each in practice.snapshot().rows(PROPOSALS)}
    assert kept == {"P-1": 1, "P-2": 2}, "only the last proposal of a file may lack rows"


def test_what_is_not_complete_waits(practice: OpenPractice, folder: Path, clock: MovedClock) -> None:
    for name in (".hidden.json", "x.csv.part", "y.tmp", "z.json.filepart"):
        put(folder, name, GOOD)
    (folder / "sub").mkdir()
    (folder / "link.json").symlink_to(folder / "y.tmp")
    os.mkfifo(folder / "pipe.json")
    now = datetime.now(UTC)
    clock.move(now - clock.now())
    put(folder, "new.json", GOOD, now)
    put(folder, "cut.csv", CLIENT_FILE[:-4], now)
    assert (emptied(practice).total, emptied(practice).waiting) == (0, 2)
    clock.move(timedelta(seconds=20))
    report = emptied(practice)
    assert ([each.name for each in report.files], report.waiting) == (["new.json"], 1)
    with (folder / "cut.csv").open("a") as file:
        file.write(" 502\n")
    clock.move(timedelta(seconds=20))
    assert emptied(practice).counts == {"imported": 1}
    assert inbox_status(practice).unfinished == 3


def test_a_file_that_changes_while_it_is_read_is_read_again(
    practice: OpenPractice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = InboxDocument.read

    def slowly(document: InboxDocument) -> Any:
        parsed = read(document)
        for path in (folder / "working").iterdir():
            with path.open("a") as file:
                file.write("503,Rata,Al,al@rata.nz,3\n")
        return parsed

    put(folder, "clients.csv", CLIENT_FILE)
    with monkeypatch.context() as patched:
        patched.setattr(InboxDocument, "read", slowly)
        report = emptied(practice)
    assert (report.total, report.waiting, phones(practice)) == (0, 1, {})
    assert emptied(practice).counts == {"imported": 1}
    assert len(phones(practice)) == 3


def test_a_failed_file_is_tried_again_as_it_is(practice: OpenPractice, folder: Path) -> None:
    put(folder, "clients.csv", CLIENT_FILE.rstrip())
    assert emptied(practice).counts == {"failed": 1}
    again = asyncio.run(retry(practice, files_to_retry(practice, ("f1",), every=False)))
    assert [(each.id, each.state) for each in again.files] == [("f1", "imported")]
    assert (names(folder / "failed"), names(folder / "done")) == ([], ["f1-clients.csv"])
    assert list((folder / "failed").iterdir()) == []
    assert undo_import(practice).counts["removed"] == 2
    # What was imported once is imported again only on request.
    put(folder, "copy.csv", CLIENT_FILE.rstrip())
    assert emptied(practice).counts == {"duplicate": 1}
    assert phones(practice) == {}
    asyncio.run(retry(practice, files_to_retry(practice, ("clients.csv",), every=False)))
    assert len(phones(practice)) == 2
    assert list_newest(practice)[0].copies == 1


def test_imported_files_are_deleted_after_a_while_and_failed_ones_stay(
    practice: OpenPractice, folder: Path, clock: MovedClock
) -> None:
    put(folder, "clients.csv", CLIENT_FILE)
    put(folder, "copy.csv", CLIENT_FILE)
    put(folder, "cut.json", GOOD[:-5])
    emptied(practice)
    (folder / "done" / "mine.csv").write_text("put here by somebody")
    (folder / "done" / "f9-link.csv").symlink_to(folder / "failed" / "f2-cut.json")
    there = sorted(each.name for each in (folder / "done").iterdir())
    now = datetime.now(UTC)  # the move to done is dated by the file system
    for days, left in ((89, there), (91, ["f9-link.csv", "mine.csv"])):
        clock.move(now + timedelta(days=days) - clock.now())
        emptied(practice)
        assert sorted(each.name for each in (folder / "done").iterdir()) == left
    assert names(folder / "failed") == ["f2-cut.json"]
    assert show_received(practice, "f1").place == ""
    put(folder, "again.csv", CLIENT_FILE)
    assert emptied(practice).counts == {"duplicate": 1}, "its record outlives the file"


def test_an_event_is_no_file_of_ignition(practice: OpenPractice, folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "all.csv", CLIENT_FILE, START - timedelta(hours=4))
    report = import_file(practice, "clients", tmp_path / "all.csv")
    put(folder, "e.json", GOOD)
    emptied(practice)
    last = last_import(practice.snapshot())
    assert last is not None
    assert last.id == report.id
    assert undo_import(practice).counts["restored"] == 1
    assert phones(practice)["501"] == "09 501"


def test_who_may_write_to_an_inbox(practice: OpenPractice, folder: Path, home: Home, tmp_path: Path) -> None:
    folder.chmod(0o770)
    assert emptied(practice).total == 0
    folder.chmod(0o777)
    with pytest.raises(BadInput, match="Every account"):
        emptied(practice)
    folder.chmod(0o700)
    shutil.rmtree(folder / "working")
    with pytest.raises(BadInput, match="another practice"):
        InboxFolder(folder).check("elsewhere")
    with pytest.raises(BadInput, match="does not exist"):
        InboxFolder(tmp_path / "gone").check("x")
    with pytest.raises(BadInput, match="full path"):
        practice.settings.set("inbox.folder", "in", practice=True)


def test_the_scheduled_run_empties_the_inbox_first(
    practice: OpenPractice, folder: Path, tmp_path: Path
) -> None:
    reported = tmp_path / "told"
    practice.settings.set("notify.command", f"sh -c 'cat >>{reported}'", practice=True)
    put(folder, "clients.csv", CLIENT_FILE)
    put(folder, "cut.json", GOOD[:-5])
    for _ in range(2):
        with pytest.raises(LoginNeeded):
            asyncio.run(run_if_due(practice))
    assert len(phones(practice)) == 2
    assert reported.read_text().count("1 file from the inbox") == 1
    assert [each.code for each in summarize(practice).problems] == ["not-connected", "inbox-failed"]
    (folder / "failed" / "f2-cut.json").unlink()
    assert "inbox-failed" not in {each.code for each in summarize(practice).problems}
    shutil.rmtree(folder)
    for _ in range(2):
        with pytest.raises(LoginNeeded):
            asyncio.run(run_if_due(practice))
    assert reported.read_text().count("could not be emptied") == 1


def test_a_file_that_may_not_be_read_stops_no_other(
    practice: OpenPractice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "a.json", GOOD, START - timedelta(minutes=20))
    put(folder, "b.csv", CLIENT_FILE)
    real = os.open

    def refusing(path: Any, *more: Any, **how: Any) -> int:
        if str(path).endswith("-a.json"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *more, **how)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refusing)
        assert emptied(practice).counts == {"failed": 1, "imported": 1}
    assert (names(folder / "failed"), names(folder / "working")) == (["f1-a.json"], [])


def test_a_run_that_is_going_on_makes_files_wait(practice: OpenPractice, folder: Path) -> None:
    put(folder, "clients.csv", CLIENT_FILE)
    with practice.lock("sync").hold():
        report = emptied(practice)
        assert isinstance(report.stopped, Busy)
        assert (report.total, inbox_status(practice).claimed) == (0, 1)
    assert emptied(practice).counts == {"imported": 1}


def test_the_schema_says_what_is_read() -> None:
    schema = event_schema.json_schema()["properties"]
    for example in event_schema.EXAMPLES:
        found = read_event(msgspec.json.encode(example), {}, datetime.now(UTC), UTC)
        record = found.kind.record
        assert found.ignored == ()
        assert example.keys() <= schema.keys()
        assert example[record].keys() <= schema[record]["properties"].keys()
    for kind in event_schema.KINDS:
        for name in (kind.name, *kind.also, kind.name.replace(".", " ").title()):
            raw = event(name, 0, {}, number="P-1", clientName="Zed")
            assert read_event(raw.encode(), {}, START, UTC).kind is kind
    nested = {"line_items": [{"title": "Tax", "amount": 5.0}, {"title": "Pay", "amount": 7.5}], "number": 9}
    mapping = {"line_items.title": "service", "line_items.amount": "proposal.price"}
    found = read_event(event("proposal.sent", 0, nested).encode(), mapping, START, UTC)
    assert [(row.cells["service"], row.cells["price"], row.cells["number"]) for row in found.parsed.rows] == [
        ("Tax", "5", "9"),
        ("Pay", "7.5", "9"),
    ]


@pytest.fixture
def opener(home: Home, clock: MovedClock) -> Callable[[], OpenPractice]:
    return lambda: open_practice(home, person="mere", environ={}, clock=clock)


def child(work: Callable[[], None]) -> int:
    """Run something in a process of its own; gives its id."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["commit", "transact", "claim", "finish"])
def test_a_kill_loses_and_doubles_nothing(
    practice: OpenPractice, folder: Path, opener: Callable[[], OpenPractice], step: str, after: bool
) -> None:
    put(folder, "clients.csv", CLIENT_FILE)
    put(folder, "e.json", GOOD)
    put(folder, "e-copy.json", GOOD)
    put(folder, "cut.json", GOOD[:-5])

    def dying(at: int) -> None:
        opened, made = opener(), itertools.count(1)
        owner: Any = opened.store if step in ("commit", "transact") else InboxFolder
        real = getattr(owner, step)

        def deadly(*what: Any, **how: Any) -> Any:
            number = next(made)
            if number == at and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            found = real(*what, **how)
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        setattr(owner, step, deadly)
        emptied(opened)

    killed = 0
    for at in range(1, count(3, 9)):
        _, status = os.waitpid(child(lambda at=at: dying(at)), 0)  # type: ignore[misc]
        killed += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    assert killed
    (folder / "working" / f"{'a' * 12}.result.txt").write_text("half a sente")
    emptied(practice)
    assert phones(practice) == {"501": "09 501", "502": "09 502"}, "the file is newer than the event"
    assert sorted(each.state for each in list_newest(practice)) == ["failed", "imported", "outdated"]
    assert sum(each.copies for each in list_newest(practice)) == 1
    assert (len(names(folder / "done")), len(names(folder / "failed"))) == (3, 1)
    assert list((folder / "working").iterdir()) == []
    assert [each.state for each in conditions(practice)] == ["sound"]


@pytest.mark.parametrize("size", [30, in_soak(count(600, 2_000, 10_000))])
def test_a_storm(practice: OpenPractice, folder: Path, opener: Callable[[], OpenPractice], size: int) -> None:
    """Files duplicated, cut short and out of order, three processes, and kill -9 again and again."""
    chance = random.Random(size)
    wanted: dict[str, tuple[int, str]] = {}
    written, cut, copies = 0, 0, 0
    texts: list[str] = []
    while written < size:
        number, minute = f"7{chance.randrange(max(5, size // 20)):04}", chance.randrange(170)
        phone = f"{minute} {written}"
        record = {"client_id": number, "name": f"Client {number}", "phone": phone}
        text = event("client.changed", minute, record, sequence=written)
        texts.append(text)
        for at in range(chance.choice((1, 1, 1, 2, 3))):
            put(folder, f"{chance.random()}-{at}.json", text)
            written, copies = written + 1, copies + (at > 0)
        wanted[number] = max(wanted.get(number, (-1, "")), (minute * 1_000_000 + record_order(text), phone))
        if chance.random() < 0.1:
            put(folder, f"{chance.random()}.json", text[: chance.randrange(1, len(text))])
            written, cut = written + 1, cut + 1

    def working() -> None:
        opened = opener()
        while True:
            try:
                if not emptied(opened).total:
                    return
            except Busy:
                time.sleep(0.005)

    alive = {child(working) for _ in range(3)}
    kills = min(size // 20, 60)
    while alive:
        if kills and chance.random() < 0.5:
            kills -= 1
            victim = chance.choice(sorted(alive))
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            alive = (alive - {victim}) | {child(working)}
        pid, _ = os.waitpid(-1, os.WNOHANG)
        alive -= {pid}
        time.sleep(0.005)
    report = emptied(practice)
    assert report.stopped is None
    snapshot = practice.snapshot()
    assert phones(practice) == {number: phone for number, (_, phone) in wanted.items()}
    assert (snapshot.count(INBOX), sum(each.copies for each in list_newest(practice))) == (
        len(set(texts)) + cut_kinds(practice),
        copies,
    )
    done, failed = names(folder / "done"), names(folder / "failed")
    assert (len(done) + len(failed), len(failed)) == (written, cut)
    assert names(folder / "working") == []
    assert not any(snapshot.count(table) for table in (WORKFLOWS, DEPLOYMENTS, INTENTS))
    assert [each.state for each in conditions(practice)] == ["sound"]


def record_order(text: str) -> int:
    """The sequence number of an event."""
    return int(json.loads(text)["sequence"])


def cut_kinds(practice: OpenPractice) -> int:
    """How many different files failed."""
    return sum(each.state == "failed" for each in list_newest(practice))
