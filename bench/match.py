"""Proposals for unlinked clients: 5,000 of Ignition against 50,000 of XPM, precision and recall beside them.

The names are the labelled set of the tests, which shares no code with the matcher. The floor is the plainest
question there is: one pass that looks each name up in a dictionary of exact names.
"""

from __future__ import annotations

import time

from bench.table import show

SIZES = ((500, 5_000), (5_000, 50_000))
"""Clients of Ignition, clients of XPM."""

_ROWS_A_ROUND = 28


def main() -> None:
    """One row a size: seconds to prepare and to propose, and how good the proposals are."""
    rows = [(f"{ours:,} : {theirs:,}", *measure(ours, theirs)) for ours, theirs in SIZES]
    head = ("Ignition : XPM", "exact names only, s", "prepare, s", "propose, s", "ms a client",
            "best is right", "right and sure", "sure but wrong")  # fmt: skip
    show(head, rows)


def measure(ours: int, theirs: int) -> tuple[float, float, float, float, str, str, int]:
    """Make both sides, index one, propose for the other."""
    from tests.sync.labelled_names import make
    from xpm_tui.sync.matching.proposals import MatchIndex

    # Whole rounds: a twin that is cut off would make a wrong label.
    made = make(seed=20261122, rounds=-(-theirs // _ROWS_A_ROUND))
    xpm = made.xpm
    step = max(1, len(made.pairs) // ours)
    chosen = made.pairs[::step][:ours]
    pairs = [(client, truth) for client, truth, _ in chosen]
    assert len(pairs) == ours
    assert len(xpm) >= theirs
    began = time.perf_counter()
    exact = {row.name: row.uuid for row in xpm}
    for client, _ in pairs:
        exact.get(client.name)
    floor = time.perf_counter() - began
    began = time.perf_counter()
    index = MatchIndex(xpm, [client for client, _ in pairs])
    prepared = time.perf_counter() - began
    began = time.perf_counter()
    found = [index.propose(client) for client, _ in pairs]
    proposed = time.perf_counter() - began
    best = [(truth, each[0] if each else None) for (_, truth), each in zip(pairs, found, strict=True)]
    same = [(truth, first) for truth, first in best if truth is not None]
    right = [first for truth, first in same if first is not None and first.uuid == truth]
    named = {_reads(row.name) for row in xpm}
    rolled = [truth is None and _reads(client.name) in named for client, truth, _ in chosen]
    wrong = sum(
        first is not None and first.sure and first.uuid != truth and not again
        for (truth, first), again in zip(best, rolled, strict=True)
    )
    return (
        floor,
        prepared,
        proposed,
        1000 * proposed / ours,
        f"{len(right) / len(same):.1%}",
        f"{sum(first.sure for first in right) / len(same):.1%}",
        wrong,
    )


def _reads(name: str) -> str:
    """In so many rounds a made-up other entity is now and then the name of a client that really is there:
    then its label is wrong, not the proposal."""
    return name.casefold().removeprefix("the ")


if __name__ == "__main__":
    main()
