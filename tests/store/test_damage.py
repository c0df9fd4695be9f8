"""Torn, flipped and foreign bytes: found, never overwritten, and the last good state stays readable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.store.script import ExpectedState, expected_states, holds, opened, writes
from tests.store.test_kill import assert_good, prepared
from tests.support.profile import count
from xpm_tui.domain.errors import StoreUnreadable

STEPS = 6


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[ExpectedState]:
    return expected_states(tmp_path_factory.mktemp("truth"), STEPS + 2)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    return prepared(tmp_path / "start", STEPS)


def copied(start: Path) -> Path:
    folder = start.parent / "book"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(start, folder)
    return folder


def test_every_prefix_of_the_log_opens_at_its_last_whole_commit(
    start: Path, expected: list[ExpectedState]
) -> None:
    (start / "log-end").unlink()  # nothing recorded: any end may be that of a torn write
    whole = (start / "log.2").read_bytes()
    lines = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    tried = 0
    for size in range(lines[0], len(whole) + 1, count(9, 1)):
        folder = copied(start)
        (folder / "log.2").write_bytes(whole[:size])
        commits = 2 + sum(1 for end in lines[1:] if end <= size)
        # A line that lacks nothing but its end is whole.
        most = commits + (size + 1 in lines)
        reader = opened(folder, read_only=True)
        assert holds(reader.snapshot()) == expected[commits]
        reader.close()
        assert (folder / "log.2").read_bytes() == whole[:size], "a reader changes nothing"
        assert_good(folder, expected, commits, most)
        tried += 1
    print(f"\n{tried} prefixes of a log of {len(whole)} bytes: 0 unreadable, 0 half-written")


def test_every_single_bit_flip_in_the_log_is_found(start: Path, expected: list[ExpectedState]) -> None:
    whole = (start / "log.2").read_bytes()
    block = whole[-4096:]
    offset = len(whole) - len(block)
    assert_flips(
        start, "log.2", [(offset + at, bit) for at in range(len(block)) for bit in range(8)], expected
    )


@pytest.mark.parametrize("name", ["head", "clients.2.rows", "links.2.rows"])
def test_every_single_bit_flip_in_a_snapshot_is_found_and_loses_nothing(
    start: Path, expected: list[ExpectedState], name: str
) -> None:
    size = (start / name).stat().st_size
    flips = [(at, bit) for at in range(size) for bit in range(8)]
    assert assert_flips(start, name, flips, expected) == {STEPS}


def assert_flips(
    start: Path, name: str, flips: list[tuple[int, int]], expected: list[ExpectedState]
) -> set[int]:
    """Each flip is found, or harmless; the state is a true one; the damaged file is left as it is."""
    whole = (start / name).read_bytes()
    chosen = flips[: -8 : max(1, len(flips) // count(120, len(flips)))] + flips[-8:]
    positions: set[int] = set()
    healed = 0
    for at, bit in chosen:
        data = bytearray(whole)
        data[at] ^= 1 << bit
        folder = copied(start)
        (folder / name).write_bytes(bytes(data))
        book = opened(folder)
        found = book.snapshot()
        assert holds(found) == expected[found.position]
        positions.add(found.position)
        if book.damage is None:
            healed += 1
            # Only the very last line end can be put right; nothing else goes unnoticed.
            assert (name, at) == ("log.2", len(whole) - 1)
            assert found.position == STEPS
        else:
            assert str(folder / name) in str(book.damage)
            with pytest.raises(StoreUnreadable):
                book.commit(writes(STEPS + 1))
            assert (folder / name).read_bytes() == bytes(data), "a damaged file is never overwritten"
        book.close()
    print(
        f"\n{len(chosen)} bits flipped in {name}: {len(chosen) - healed} found, {healed} healed, 0 unnoticed"
    )
    return positions


def test_a_log_with_swapped_lines_is_found(start: Path, expected: list[ExpectedState]) -> None:
    first, *lines = (start / "log.2").read_bytes().splitlines(keepends=True)
    folder = copied(start)
    (folder / "log.2").write_bytes(b"".join([first, lines[1], lines[0], *lines[2:]]))
    book = opened(folder)
    assert book.damage is not None
    assert holds(book.snapshot()) == expected[2]
    book.close()


def test_an_old_snapshot_file_under_a_new_head_is_found(start: Path, expected: list[ExpectedState]) -> None:
    folder = copied(start)
    book = opened(folder)
    book.compact()
    book.close()
    shutil.copy(start / "clients.2.rows", folder / "clients.3.rows")
    book = opened(folder)
    assert book.damage is not None
    assert "clients.3.rows" in str(book.damage)
    assert holds(book.snapshot()) == expected[STEPS]
    book.close()


def test_zeros_where_the_power_went_are_cut(start: Path, expected: list[ExpectedState]) -> None:
    folder = copied(start)
    with (folder / "log.2").open("ab") as stream:
        stream.write(bytes(700))
    assert_good(folder, expected, STEPS, STEPS)


@pytest.mark.parametrize("name", ["head", "log.2", "clients.2.rows"])
def test_a_missing_file_is_reported(start: Path, expected: list[ExpectedState], name: str) -> None:
    folder = copied(start)
    (folder / name).unlink()
    book = opened(folder)
    assert name in str(book.damage)
    assert book.read_only
    assert holds(book.snapshot()) == expected[book.snapshot().position]
    book.close()


def test_a_store_without_an_intact_state_is_refused(start: Path) -> None:
    folder = copied(start)
    for path in folder.iterdir():
        if path.is_file():
            path.write_bytes(b"rubbish\n" * 9)
    with pytest.raises(StoreUnreadable) as reported:
        opened(folder)
    assert "restore" in reported.value.hint


@pytest.mark.parametrize("change", ["cut", "edit", "append", "replace", "head"])
def test_a_foreign_edit_while_the_store_is_open_is_refused(
    start: Path, expected: list[ExpectedState], change: str
) -> None:
    folder = copied(start)
    book = opened(folder)
    log = folder / "log.2"
    data = log.read_bytes()
    match change:
        case "cut":
            log.write_bytes(data[: data[:-1].rfind(b"\n") + 1])
        case "edit":
            log.write_bytes(data.replace(b"Client 4", b"Client 9"))
        case "append":
            log.write_bytes(data + b'[["clients","c9",{"id":"c9","name":"x"}]]\n')
        case "replace":
            other = log.with_name("new")
            other.write_bytes(data.replace(b"Client 4", b"Client 9"))
            other.replace(log)
        case _:
            (folder / "head").write_bytes(b"{}\n")
    changed = log.read_bytes()
    with pytest.raises(StoreUnreadable) as reported:
        book.commit(writes(STEPS + 1))
    assert reported.value.hint
    assert log.read_bytes() == changed
    assert holds(book.snapshot()) == expected[STEPS], "what is in memory can still be read"
    assert book.damage is not None
    book.close()


def test_a_snapshot_file_changed_while_the_store_is_open_is_not_thrown_away(start: Path) -> None:
    folder = copied(start)
    book = opened(folder)
    path = folder / "clients.2.rows"
    edited = path.read_bytes().replace(b"Client 2", b"Client 8")
    path.write_bytes(edited)
    with pytest.raises(StoreUnreadable, match=r"clients\.2\.rows"):
        book.compact()
    assert path.read_bytes() == edited
    book.close()
    assert (folder / "head").read_bytes() == (start / "head").read_bytes()


def test_copying_a_store_to_another_place_is_no_foreign_edit(
    start: Path, expected: list[ExpectedState]
) -> None:
    moved = start.parent / "elsewhere"
    shutil.copytree(start, moved)
    for path in moved.iterdir():
        path.touch()
    assert_good(moved, expected, STEPS, STEPS)


@pytest.mark.parametrize("which", [1, 2, 3])
def test_zeros_before_acknowledged_commits_are_damage(tmp_path: Path, which: int) -> None:
    """A write that never ended leaves zeros at the end alone: nothing behind them may be cut away."""
    expected_states(tmp_path, STEPS)
    folder = prepared(tmp_path / "book", STEPS)
    log = folder / "log.2"
    data = bytearray(log.read_bytes())
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    at = ends[which - 1] + 8
    data[at : at + 16] = bytes(16)
    log.write_bytes(data)
    with opened(folder) as book:
        assert book.damage is not None
    assert log.stat().st_size == len(data)
