"""Data computed over the whole store and saved: it is only ever a cache, and cheap to load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_xpm import client
from tests.support.moved_clock import MovedClock
from xpm_tui.application import derived_data
from xpm_tui.application.clients import queries
from xpm_tui.application.home import Home
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.application.status import summary
from xpm_tui.application.status.summary import summarize
from xpm_tui.cli.json_answers import dumps, json_rows
from xpm_tui.cli.output import outcome, outcome_pieces
from xpm_tui.commands.command import Result
from xpm_tui.commands.tables import ViewItems, to_plain
from xpm_tui.domain.ignition import Client, Contact
from xpm_tui.domain.links import Link
from xpm_tui.domain.ports import Drop, Put
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import ALL, CLIENTS, LINKS, RUNS, XPM_CLIENTS
from xpm_tui.store import encoding, snapshot
from xpm_tui.store.store import DiskStore
from xpm_tui.sync.matching.search_index import PickerIndex

SIZE = 30


@pytest.fixture(autouse=True)
def every_practice_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_data, "SAVED_FROM", 1)


@pytest.fixture
def filled(practice: OpenPractice, clock: MovedClock) -> OpenPractice:
    rows = [client(number) for number in range(SIZE)]
    contact = Contact(id="k1", name="Ōtaki")
    practice.store.commit(
        [
            put("identity", PracticeIdentity(tenant="t", title="Hill", since=clock.now(), by="mere")),
            *(Put(XPM_CLIENTS, row) for row in rows),
            *(
                Put(
                    CLIENTS,
                    Client(id=f"c{at}", name=row.name, contacts=(contact,)),
                )
                for at, row in enumerate(rows)
            ),
            *(Put(LINKS, Link(id=f"c{at}", uuid=row.uuid)) for at, row in enumerate(rows[:-2])),
        ]
    )
    assert isinstance(practice.store, DiskStore)
    practice.store.compact()
    return practice


def again(home: Home, clock: MovedClock, **options: Any) -> OpenPractice:
    return open_practice(home, person="mere", environ={}, clock=clock, **options)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tables of which rows were decoded, one for each row."""
    found: list[str] = []

    def counted(table: Any, id_: str, raw: bytes) -> Any:
        found.append(table.name)
        return encoding.decode(table, id_, raw)

    monkeypatch.setattr(snapshot, "decode", counted)
    monkeypatch.setattr("xpm_tui.store.tables.decode", counted)
    return found


def test_a_second_status_decodes_no_client_and_does_not_even_split_the_large_tables(
    filled: OpenPractice, home: Home, clock: MovedClock, decoded: list[str]
) -> None:
    first = summarize(filled)
    assert decoded.count("clients") >= SIZE
    decoded.clear()
    with again(home, clock, read_only=True) as other:
        assert summarize(other) == first
        assert isinstance(other.store, DiskStore)
        tables = other.store._engine.state.tables
        assert [name for name in ("clients", "xpm_clients", "links") if tables[name].lazy_rows.is_split] == []
    assert {"clients", "xpm_clients", "links"}.isdisjoint(decoded)


def test_saved_counts_hold_for_the_same_state_only(
    filled: OpenPractice, home: Home, clock: MovedClock
) -> None:
    assert summarize(filled).needs_person + summarize(filled).planned_links == 2
    filled.store.commit([Put(CLIENTS, Client(id="c99", name="Someone else"))])
    with again(home, clock) as other:
        reported = summarize(other)
        assert reported.links["unlinked"] == 3
        # What a run writes that changes nothing leaves them as they are.
        other.store.commit([Put(RUNS, Run(id="r9", started=clock.now(), direction="from_xpm", by="mere"))])
        of = derived_data.read_saved(other, "counts")
        assert of is not None
        assert other.snapshot().fingerprint(*summary._SAVED.tables) == of.of.partition(" [")[0]


@pytest.mark.parametrize("harm", ["cut", "flipped", "foreign", "older"])
def test_a_saved_file_that_is_not_sound_counts_for_nothing(
    filled: OpenPractice, home: Home, clock: MovedClock, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = summarize(filled)
    path = filled.data / "counts.cache"
    whole = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    match harm:
        case "cut":
            path.write_bytes(whole[:-5])
        case "flipped":
            path.write_bytes(whole.replace(b'"planned_links":2', b'"planned_links":7'))
            assert path.read_bytes() != whole
        case "foreign":
            path.write_bytes(b"\x00\n{}")
        case _:
            monkeypatch.setattr(derived_data, "_FORMAT", 0)
    with again(home, clock) as other:
        assert derived_data.read_saved(other, "counts") is None
        assert summarize(other) == first


def test_reading_saves_nothing(filled: OpenPractice, home: Home, clock: MovedClock) -> None:
    with again(home, clock, read_only=True) as other:
        summarize(other)
        queries.search_xpm(other, "Client")
        assert list(other.data.glob("*.cache")) == []


def test_no_count_reads_a_table_whose_changes_it_does_not_notice(
    filled: OpenPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()

    class Watched:
        def __init__(self, below: Any) -> None:
            self._below = below

        def __getattr__(self, name: str) -> Any:
            found = getattr(self._below, name)

            def noted(*args: Any) -> Any:
                read.update(each.name for each in args[:1] if each in ALL)
                return found(*args)

            return noted if callable(found) else found

    watched: Any = Watched(filled.snapshot())
    monkeypatch.setattr(filled, "snapshot", lambda: watched)
    summary._counts(filled, watched)
    assert {"clients", "links", "imported", "imports", "proposals"} <= read
    assert read.isdisjoint(table.name for table in summary.NOT_COUNTED)


def test_the_saved_index_finds_what_a_new_one_finds_and_is_made_again_for_another_mirror(
    filled: OpenPractice, home: Home, clock: MovedClock, decoded: list[str]
) -> None:
    first = queries.search_xpm(filled, "Client 00003")
    decoded.clear()
    with again(home, clock) as other:
        assert queries.search_xpm(other, "Client 00003") == first
        assert decoded.count("xpm_clients") == len(first)
        index, is_right = queries.saved_picker_index(other) or (None, False)
        assert is_right
        assert index is not None
        other.store.commit([Put(XPM_CLIENTS, client(77, name="Pōhutukawa Bay Ltd"))])
        assert queries.saved_picker_index(other)[1] is False  # type: ignore[index]
        (found,) = [view for view in queries.search_xpm(other, "pohutukawa") if "P" in view.name[:1]]
        assert found.name == "Pōhutukawa Bay Ltd"
        decoded.clear()
        steps = list(queries.picker_index_steps(other, index.entries))
        assert decoded.count("xpm_clients") == 1, "only what has changed is read"
        assert [each is None for each in steps[:-1]] == [True] * (len(steps) - 1)
        assert steps[-1] is not None
        assert len(steps[-1]) == SIZE + 1
        renewed, new = steps[-1], PickerIndex.build(other.snapshot().rows(XPM_CLIENTS))
        assert [renewed.search(text) for text in ("pohutukawa", "client", "")] == [
            new.search(text) for text in ("pohutukawa", "client", "")
        ]
        other.store.commit([Drop(XPM_CLIENTS, client(3).uuid)])
        (*_, fewer) = queries.picker_index_steps(other, renewed.entries)
        assert fewer is not None
        assert len(fewer) == SIZE
        assert fewer.resolve(client(3).uuid) is None


@pytest.mark.parametrize("only", ["", "linked", "needs-link"])
def test_a_list_is_presented_one_by_one_and_its_json_is_the_same(filled: OpenPractice, only: str) -> None:
    views = queries.list_clients(filled, only=only)
    one_by_one: Iterator[Any] = iter(views)
    assert next(one_by_one).id == next(iter(list(views))).id
    assert len(views) == len(list(views)) == {"": SIZE, "linked": SIZE - 2, "needs-link": 2}[only]
    data = {"more": "Ō\x7f"}
    whole = Result(data=data, items=[to_plain(view) for view in views])
    rows = json_rows(ViewItems(views))
    assert json.loads(next(iter(rows)))["contacts"][0]["name"] == "Ōtaki"
    text = "".join(outcome_pieces(Result(data=data, items=rows)))
    assert text.isascii()
    assert "\x7f" not in text
    assert json.loads(text) == json.loads(dumps(outcome(whole)))
