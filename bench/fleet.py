"""Workers: the daily round of 200 practices as it happens, and a simulation of 1,000 practices.

The round is made only with ``XPM_TUI_PROFILE=soak``, because it takes half an hour: once undisturbed by two
hosts, and once by three while machines and networks fail.

In the simulation, a look occupies one of a worker's slots for its time, and one of the worker's cores for a
part of it. The times come from measurements with 12 and with 10,000 clients, the minutes of practices from
the worker.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass

from bench.table import show
from xpm_tui.application.practice_worker import spread_minute

PRACTICES = 1_000
CLIENTS = 10_000
"""Mean number of clients of a practice: 10 million in all. Most practices are smaller, a few much larger."""

PROCESS = 1.3
"""Seconds of processor time to start the process of a look and open an empty practice."""

OPEN = 16e-6
"""Seconds of processor time to open a practice, for each client."""

COMPARE = 600e-6
"""Seconds of processor time of a complete comparison, for each client: what the benchmark allows."""

NETWORK = 3.0
"""Seconds for the five calls of a sync that finds no changes, without its processor time."""

BYTES = 2_700
"""Bytes of a client in the database and on the way to a process that opens the practice."""


@dataclass(frozen=True)
class Look:
    """One look at a practice: when it is due, and the seconds of processor and network that it needs."""

    at: float
    cpu: float
    wait: float


def a_day(every: int, *, seed: int = 1) -> list[Look]:
    """Return the looks of a day: each practice every ``every`` minutes, a complete comparison once."""
    random_numbers = random.Random(seed)
    found = []
    for number in range(PRACTICES):
        clients = random_numbers.lognormvariate(8.71, 1.0)  # a mean of 10,000
        opened = PROCESS + OPEN * clients
        first = spread_minute(f"practice-{number}") % every
        starts = range(first, 24 * 60, every)
        full = next(start for start in starts if start >= 6 * 60)
        syncs = every < 60  # at an interval each look syncs; daily, the others find nothing due
        for start in starts:
            if start == full:
                found.append(Look(start * 60, opened + COMPARE * clients, NETWORK))
            else:
                found.append(Look(start * 60, opened + (OPEN * clients if syncs else 0), NETWORK * syncs))
    return sorted(found, key=lambda look: look.at)


def simulate(looks: list[Look], workers: int, *, slots: int, cores: int) -> list[float]:
    """Return the seconds that each look waits for a slot.

    The processor is shared: a look takes longer if the slots of its worker need more cores than it has.
    """
    slow = max(1.0, slots / cores)
    free = [0.0] * (workers * slots)
    waits = []
    for look in looks:
        begins = max(look.at, heapq.heappop(free))
        waits.append(begins - look.at)
        heapq.heappush(free, begins + look.cpu * slow + look.wait)
    return waits


ROUNDS = (
    ("2 hosts, undisturbed", ["--hosts", "2", "--times", "0"]),
    ("3 hosts, faults", ["--hosts", "3", "--times", "40", "--every", "6"]),
)
"""The rounds that are made, and their arguments for ``tests.support.fleet_round``."""

FACTS = {
    "seconds": "seconds",
    "runs": "runs",
    "runs_cut_short": "of them cut short",
    "writes": "contacts to create",
    "lost": "lost",
    "repeated": "repeated",
    "waiting_for_a_decision": "wait for a decision",
    "left_for_the_next_sync": "left for the next sync",
    "calls": "calls",
    "busiest_minute_of_a_tenant": "calls in a tenant's busiest minute",
    "refused_by_a_limit": "over a limit",
}


def rounds() -> None:
    """Print what came of the daily round of 200 practices."""
    found = {}
    for title, words in ROUNDS:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.support.fleet_round",
                "--practices",
                "200",
                "--limit",
                "3000",
                *words,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        found[title] = json.loads(done.stdout)
    rows = [[label, *(each.get(key, "") for each in found.values())] for key, label in FACTS.items()]
    show(["200 practices, 12 clients each", *found], rows)
    for title, each in found.items():
        print(f"\n{title}: {each.get('skipped') or each['faults'] or 'no faults'}")
    print()


def main() -> None:
    """Print the rounds, and how long looks wait, by the number of workers."""
    if os.environ.get("XPM_TUI_PROFILE") == "soak":
        rounds()
    for every, title in ((60, "daily, looked at every hour"), (15, "synced every 15 minutes")):
        looks = a_day(every)
        cpu = sum(look.cpu for look in looks)
        morning = sum(look.cpu for look in looks if 6 * 3600 <= look.at < 7 * 3600)
        rows = []
        for workers in (1, 2, 4, 8):
            waits = sorted(simulate(looks, workers, slots=4, cores=4))
            rows.append(
                [
                    workers,
                    f"{cpu / (24 * 3600 * workers * 4):.0%}",
                    f"{morning / (3600 * workers * 4):.0%}",
                    f"{statistics.median(waits):.1f}",
                    f"{waits[int(len(waits) * 0.99)]:.0f}",
                    f"{waits[-1] / 60:.1f}",
                    workers * (4 + 6),
                ]
            )
        looks_an_hour = len(looks) / 24
        print(f"{PRACTICES:,} practices, {PRACTICES * CLIENTS:,} clients, {title}: "
              f"{looks_an_hour:,.0f} looks an hour, {looks_an_hour * CLIENTS * BYTES / 3600 / 1e6:.1f} MB/s "
              "from the database.\n")  # fmt: skip
        head = "workers (4 cores),processor: day,06:00 to 07:00,wait: s p50,p99,longest: min,connections"
        show(head.split(","), rows)
        print()


if __name__ == "__main__":
    main()
