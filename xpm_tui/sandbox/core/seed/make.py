"""A whole sample practice of any size."""

from __future__ import annotations

from random import Random

from xpm_tui.sandbox.core.ids import Ids
from xpm_tui.sandbox.core.practice import Practice, Tenant
from xpm_tui.sandbox.core.seed.hard import HardCases
from xpm_tui.sandbox.core.seed.ordinary import ClientMaker
from xpm_tui.sandbox.core.seed.people import add_groups_for_size, add_lists, add_people
from xpm_tui.sandbox.core.seed.work import add_jobs

ALL_HARD_CASES = 60
"""From this size on the practice has the rarer hard cases too."""
FIRST_HARD_CASES = 12


def make_practice(tenant: Tenant, seed: int, size: int, now: float) -> Practice:
    """A practice of exactly `size` client rows, archived and deleted ones among them. The same seed and time
    make the same practice. Raises ValueError on a negative size."""
    if size < 0:
        raise ValueError("A practice has no less than 0 clients.")
    rng = Random(f"{seed} practice")
    practice = Practice(tenant, Ids(seed))
    add_people(practice)
    add_lists(practice)
    add_groups_for_size(practice, rng, size)
    HardCases(practice, now).add(size if size >= ALL_HARD_CASES else min(size, FIRST_HARD_CASES))
    maker = ClientMaker(practice, rng, now)
    while len(practice.clients) < size:
        maker.make()
    if practice.clients:
        add_jobs(practice, rng, now)
    return practice
