"""Check, repair, compact, back up, restore, purge: they do what they report."""

from __future__ import annotations

import random
import shutil
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.store.script import ExpectedState, expected_states, holds, opened, writes
from tests.store.test_kill import assert_good, prepared
from tests.support.profile import count
from xpm_tui.domain.errors import AppError, BadInput, StoreUnreadable
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.links import Base
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import BASE, CLIENTS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store.admin import backup, check, compact, purge, repair, restore
from xpm_tui.store.backup import prune_backups, unpacked
from xpm_tui.store.store import open_store

CLOCK = SystemClock()
STEPS = 6


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[ExpectedState]:
    return expected_states(tmp_path_factory.mktemp("truth"), STEPS + 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared(tmp_path / "book", STEPS)


def flip(path: Path, at: int = -30) -> bytes:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(bytes(data))
    return bytes(data)


def test_a_whole_store_checks_clean_and_needs_no_repair(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report = check(folder)
    assert report.ok
    assert report.position == STEPS
    assert report.rows == {"clients": 4, "links": 4}
    assert not repair(folder, clock=CLOCK).changed
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_check_reports_what_is_damaged_and_changes_nothing(folder: Path) -> None:
    damaged = flip(folder / "clients.2.rows")
    report = check(folder)
    assert not report.ok
    assert "clients.2.rows" in report.findings[0].text
    assert "no commit is missing" in report.findings[1].text
    assert (folder / "clients.2.rows").read_bytes() == damaged


def test_a_check_follows_references_and_rights(folder: Path) -> None:
    with opened(folder) as book:
        book.commit([Put(BASE, Base(id="c999")), Put(CLIENTS, Client(id="c77", name="x"))])
    (folder / "head").chmod(0o644)
    (folder / ".log.9.abc.tmp").write_bytes(b"")
    report = check(folder)
    said = " ".join(finding.text for finding in report.findings)
    assert report.ok
    assert "1 row of base refers to missing rows of links: c999" in said
    assert "c77 exists" in said
    assert "head is open to other accounts" in said
    assert ".log.9.abc.tmp was left by a killed process" in said


def test_a_repair_without_loss(folder: Path, expected: list[ExpectedState]) -> None:
    damaged = flip(folder / "clients.2.rows")
    done = repair(folder, clock=CLOCK)
    assert done.changed
    assert done.lossless
    assert (Path(done.kept) / "clients.2.rows").read_bytes() == damaged
    with opened(folder) as book:
        assert book.damage is None
        assert holds(book.snapshot()) == expected[STEPS]
        book.commit(writes(STEPS + 1))
        assert holds(book.snapshot()) == expected[STEPS + 1]
    assert check(folder).ok


def test_a_repair_that_loses_commits_says_so(folder: Path, expected: list[ExpectedState]) -> None:
    lines = (folder / "log.2").read_bytes().splitlines(keepends=True)
    damaged = flip(folder / "log.2", len(lines[0]) + len(lines[1]) + 20)
    done = repair(folder, clock=CLOCK)
    assert not done.lossless
    assert "lost" in done.lines[1]
    assert (Path(done.kept) / "log.2").read_bytes() == damaged
    with opened(folder) as book:
        assert holds(book.snapshot()) == expected[3]


def test_a_repair_of_what_nothing_stands_in_for_is_only_done_when_asked(folder: Path) -> None:
    with opened(folder) as book:
        book.commit([Put(CLIENTS, Client(id=f"d{n}", name="x" * 500)) for n in range(900)])
        book.compact()
        book.compact()
    flip(folder / "clients.4.rows", 200_000)
    flip(folder / "clients.3.rows", 200_000)
    with pytest.raises(StoreUnreadable):
        repair(folder, clock=CLOCK)
    done = repair(folder, clock=CLOCK, lossy=True)
    assert 0 < done.lost_rows < 400
    assert not done.lossless
    assert f"{done.lost_rows} of 904 rows could not be read" in " ".join(done.lines)
    with opened(folder) as book:
        assert book.snapshot().count(CLIENTS) == 904 - done.lost_rows
    assert check(folder).ok


def test_backup_and_restore(folder: Path, expected: list[ExpectedState], tmp_path: Path) -> None:
    made = backup(folder, tmp_path / "b.zip", clock=CLOCK)
    assert made.position == STEPS
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600
    with pytest.raises(BadInput, match="already there"):
        backup(folder, tmp_path / "b.zip", clock=CLOCK)
    console = opened(folder)
    console.commit(writes(STEPS + 1))
    old = console.snapshot()
    done = restore(folder, tmp_path / "b.zip", clock=CLOCK)
    assert done.rows == made.rows
    assert done.position > old.position
    assert console.watch() == done.position
    assert holds(console.snapshot()) == expected[STEPS]
    assert holds(old) == expected[STEPS + 1]
    console.commit(writes(STEPS + 1))
    assert holds(console.snapshot()) == expected[STEPS + 1]
    console.close()
    restore(folder, Path(done.backed_up), clock=CLOCK)
    with opened(folder) as book:
        assert holds(book.snapshot()) == expected[STEPS + 1]
    assert len(prune_backups(folder, 1)) == 1
    assert len(list((folder / "backups").glob("*.zip"))) == 1


def test_a_backup_restores_into_an_empty_and_into_a_damaged_folder(
    folder: Path, expected: list[ExpectedState], tmp_path: Path
) -> None:
    backup(folder, tmp_path / "b.zip", clock=CLOCK)
    restore(tmp_path / "new", tmp_path / "b.zip", clock=CLOCK)
    damaged = flip(folder / "head")
    done = restore(folder, tmp_path / "b.zip", clock=CLOCK)
    assert (Path(done.backed_up) / "head").read_bytes() == damaged
    for each in (tmp_path / "new", folder):
        with opened(each) as book:
            assert holds(book.snapshot()) == expected[STEPS]


def test_no_backup_is_made_of_damage_and_none_restored_that_is_damaged(folder: Path, tmp_path: Path) -> None:
    backup(folder, tmp_path / "b.zip", clock=CLOCK)
    whole = (tmp_path / "b.zip").read_bytes()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for at in range(0, len(whole), 97):
        (tmp_path / "c.zip").write_bytes(whole[:at])
        with pytest.raises(BadInput, match="is not a complete backup"):
            restore(folder, tmp_path / "c.zip", clock=CLOCK)
    with pytest.raises(BadInput):
        restore(folder, tmp_path / "none.zip", clock=CLOCK)
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr("../outside", "x")
    with pytest.raises(BadInput):
        restore(folder, tmp_path / "evil.zip", clock=CLOCK)
    assert not (tmp_path / "outside").exists()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    flip(folder / "links.2.rows")
    with pytest.raises(StoreUnreadable):
        backup(folder, tmp_path / "d.zip", clock=CLOCK)
    assert not (tmp_path / "d.zip").exists()


def test_compact_folds_the_log_in(folder: Path, expected: list[ExpectedState]) -> None:
    with opened(folder) as book:
        for step in range(STEPS + 1, STEPS + 4):
            book.commit(writes(step))
    done = compact(folder, clock=CLOCK)
    assert done.done
    assert (folder / "log.3").read_bytes().count(b"\n") == 1
    assert_good(folder, expected, STEPS + 3, STEPS + 3)


def test_purge_leaves_nothing_of_ours_and_everything_else(folder: Path, tmp_path: Path) -> None:
    backup(folder, tmp_path / "b.zip", clock=CLOCK)
    restore(folder, tmp_path / "b.zip", clock=CLOCK)
    (folder / "notes.txt").write_text("mine")
    done = purge(folder, clock=CLOCK)
    assert done.left == ("notes.txt",)
    assert done.files >= 6
    assert {path.name for path in folder.iterdir()} <= {"notes.txt", "book.lock", "compact.lock"}
    with pytest.raises(BadInput, match="There is no data"):
        purge(folder, clock=CLOCK)
    shutil.rmtree(folder)
    with pytest.raises(BadInput, match="There is no data"):
        repair(folder, clock=CLOCK)


def test_an_encrypted_backup_is_refused_in_words(tmp_path: Path) -> None:
    data = bytearray(backup_of(tmp_path).read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(header)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(header, at + 4)
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(AppError):
        restore(tmp_path / "book", tmp_path / "bad.zip", clock=SystemClock())


def test_a_damaged_backup_is_refused_in_words(tmp_path: Path) -> None:
    good, chance = backup_of(tmp_path).read_bytes(), random.Random(4)
    for _ in range(count(60, 1_500)):
        data = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "bad.zip").write_bytes(data)
        with suppress(AppError), unpacked(tmp_path / "bad.zip"):
            pass


def backup_of(folder: Path) -> Path:
    """A backup of a small book."""
    with open_store(folder / "book", clock=SystemClock()) as book:
        for step in range(1, 5):
            book.commit(writes(step))
    backup(folder / "book", folder / "good.zip", clock=SystemClock())
    return folder / "good.zip"
