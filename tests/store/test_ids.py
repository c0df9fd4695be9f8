"""Ids in blocks: never twice, few commits, few left over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.memory_store import MemoryIds
from xpm_tui.store.snapshot import BlockIds


class _Counted(MemoryIds):
    asked = 0

    def new(self, prefix: str, count: int = 1) -> list[str]:
        self.asked += 1
        return super().new(prefix, count)


@given(st.lists(st.tuples(st.sampled_from("ck"), st.integers(0, 9)), max_size=60))
def test_no_id_is_given_twice_and_each_wish_is_met(wishes: list[tuple[str, int]]) -> None:
    ids = BlockIds(MemoryIds(), most=16)
    given_out = [id_ for prefix, count in wishes for id_ in ids.new(prefix, count)]
    assert len(given_out) == len(set(given_out)) == sum(count for _, count in wishes)


def test_ten_thousand_ids_take_few_commits_and_leave_few_over() -> None:
    below = _Counted()
    ids = BlockIds(below)
    for _ in range(10_000):
        ids.new("c")
    assert below.asked < 40
    (following,) = below.new("c")
    assert int(following[1:]) <= 10_000 + 512 + 1


def test_one_wish_takes_one_id() -> None:
    below = MemoryIds()
    assert BlockIds(below).new("c") == ["c1"]
    assert below.new("c") == ["c2"]
