"""``python -m tests.support.fleet_round``: the daily round of many practices while machines fail.

Hosts are homes of their own with a worker each; where this machine allows it, each also has a network and a
name of its own. Prints a verdict as JSON; the exit code is 1 if a write was lost or repeated, a due sync was
not made exactly once, or a limit of Xero's was exceeded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg

from tests.support.cutting_proxy import Cut, CuttingProxy
from tests.support.fleet import TO_XPM, Fleet, FleetHost
from tests.support.host_network import NETWORK, HostNetwork, isolated
from tests.support.postgres_server import PostgresServer, start_server
from tests.support.sandbox_process import sandbox_process
from xpm_tui.domain.runs import UNKNOWN, Run

FAULTS = ("machine", "worker", "database", "commit", "partition", "lost-database", "suspend")
"""SIGKILL to a worker and its runs; to a worker only; to PostgreSQL. A connection is lost at COMMIT. A host
is cut off from everything, or only from the database; or its runs stand still meanwhile as well."""

NEEDS_NETWORK = ("partition", "lost-database", "suspend")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"\d+-[0-9a-f-]{36}@new\.example")
BAD = (
    "syncs_not_once", "held_by_the_guard", "repeated", "lost", "clients_not_updated", "refused_by_a_limit",
    "workers_that_ended",
)  # fmt: skip
"""What must be zero or empty."""

HEAVY = 20
"""Each of that many practices has more to send than fits into a minute."""


class FleetRound:
    """A connected fleet with changes to send, its hosts, and the faults that were inflicted so far."""

    def __init__(self, fleet: Fleet, server: PostgresServer, networks: list[HostNetwork], hosts: int) -> None:
        self.fleet = fleet
        self.inflicted: Counter[str] = Counter()
        self.survivors = 0
        self._server = server
        self._networks = {each.name: each for each in networks}
        self._away: dict[str, tuple[float, list[int]]] = {}
        self._durations = cycle((15.0, 75.0))
        self._cuts: cycle[Cut] = cycle(("before", "after"))
        unix = server.folder / ".s.PGSQL.5432"
        (folder := fleet.folder / "proxy").mkdir()
        listener = socket.create_server((networks[0].address("database"), 6432)) if networks else None
        self.proxy = CuttingProxy(folder, unix, listener)
        self.hosts = []
        for number in range(hosts):
            url = server.address()
            enter: tuple[str, ...] = ()
            if networks:
                network = networks[number]
                network.forward(fleet.sandbox.port)
                port = 5432 if number else 6432
                url = f"postgresql://postgres@{network.address('database')}:{port}/postgres?sslmode=disable"
                enter = network.enter
            elif not number:
                url = self.proxy.url()
            home = fleet.machine(f"home-{number + 1}", TO_XPM)
            self.hosts.append(FleetHost(home, url, enter))

    def prepare(self) -> set[str]:
        """Connect everything and change clients; return the addresses of the contacts to be created."""
        first = self.hosts[0].home
        asyncio.run(self.fleet.connect(first))
        wanted: set[str] = set()
        self.practice_of: dict[str, str] = {}
        for number, name in enumerate(self.fleet.names):
            heavy = number % HEAVY == 0
            added = self.fleet.edit(first, name, 12 if heavy else 4, contacts=9 if heavy else 1)
            wanted.update(added)
            self.practice_of |= dict.fromkeys(added, name)
        self.fleet.sandbox.control("POST", "switches", {"latency": 0.3})
        self.fleet.sandbox.control("DELETE", "requests")
        return wanted

    def play(self, faults: Sequence[str], *, jobs: int, times: int, every: float, limit: float) -> float:
        """Have the workers do the round, with up to ``times`` faults; return its seconds."""
        for host in self.hosts:
            self.fleet.worker(host, "--jobs", str(jobs))
        begun = time.monotonic()
        following, following_at = iter(cycle(faults)), begun + every
        fault = next(following) if faults else ""
        while True:
            runs = self.fleet.runs()
            now = time.monotonic()
            self._return_hosts(now)
            finished = all(ended(each) for each in runs.values())
            if finished and not self._away:
                return now - begun
            assert now - begun < limit, {name: each for name, each in runs.items() if not ended(each)}
            going = [run for each in runs.values() for run in each if run.outcome == "running"]
            due = fault and now >= following_at and self.inflicted.total() < times and not finished
            if due and self._inflict(fault, going, jobs):
                self.inflicted[fault] += 1
                fault, following_at = next(following), time.monotonic() + every
            time.sleep(0.5)

    def _inflict(self, fault: str, going: list[Run], jobs: int) -> bool:
        reachable = [run for run in going if run.host not in self._away]
        if fault == "database":
            self._server.kill()
            return True
        if fault == "commit":
            if self.proxy.cut:
                return False
            self.proxy.cut = next(self._cuts)
            return True
        for run in reversed(reachable):
            if fault in NEEDS_NETWORK:
                if self._away or run.host not in self._networks:
                    continue
                return self._cut_off(fault, run.host, [each.pid for each in going if each.host == run.host])
            place = self.fleet.kill_worker_of(run.pid, machine=fault == "machine")
            if place is not None:
                self.fleet.worker(place, "--jobs", str(jobs))
                return True
        return False

    def _cut_off(self, fault: str, host: str, runs: list[int]) -> bool:
        network = self._networks[host]
        network.cut("database", *(() if fault == "lost-database" else ("xero",)))
        if fault == "suspend":
            for pid in runs:
                _send(pid, signal.SIGSTOP)
        seconds = 75.0 if fault == "suspend" else next(self._durations)
        self._away[host] = (time.monotonic() + seconds, runs)
        return True

    def _return_hosts(self, now: float) -> None:
        for host, (until, runs) in list(self._away.items()):
            if now >= until:
                self.survivors += sum(_send(pid, signal.SIGCONT) for pid in runs)
                self._networks[host].restore()
                del self._away[host]

    def verdict(self, wanted: set[str], seconds: float) -> dict[str, Any]:
        """Return what was found in the database and in the record of the sandbox."""
        runs = self.fleet.runs()
        all_runs = [run for each in runs.values() for run in each]
        requests = self.fleet.requests()
        done = [row for row in requests if row["status"] < 300]
        created = Counter(
            address
            for row in done
            if row["method"] == "POST" and row["endpoint"] == "client.api/contact"
            for address in ADDRESS.findall(row["body"])
        )
        changed = {each.partition("-")[2].partition("@")[0] for each in wanted}
        updated = {
            uuid
            for row in done
            if row["endpoint"] == "client.api/update"
            for uuid in UUID.findall(row["body"])
        }
        waiting = sum(stop.counted for each in runs.values() for run in ended(each) for stop in run.stops
                      if stop.rule == UNKNOWN)  # fmt: skip
        held = [run.id for each in runs.values() for run in ended(each)
                if {stop.rule for stop in run.stops} - {UNKNOWN}]  # fmt: skip
        later = sum(run.counts.get("waiting", 0) for each in runs.values() for run in ended(each))
        found = {
            "practices": len(runs),
            "hosts": len(self.hosts),
            "namespaces": bool(self._networks),
            "seconds": round(seconds),
            "faults": dict(self.inflicted),
            "commits_cut": self.proxy.cuts,
            "runs_that_outlived_a_partition": self.survivors,
            "runs": len(all_runs),
            "runs_cut_short": sum(run not in ended([run]) for run in all_runs),
            "cases": dict(Counter(run.case for run in all_runs if run.case)),
            "syncs_not_once": [name for name, each in runs.items() if len(ended(each)) != 1],
            "held_by_the_guard": held,
            "writes": len(wanted),
            "repeated": sum(number - 1 for number in created.values()) + len(created.keys() - wanted),
            "clients_not_updated": len(changed - updated),
            "waiting_for_a_decision": waiting,
            "left_for_the_next_sync": later,
            "lost": max(0, len(wanted - created.keys()) - waiting - later),
            "calls": len(requests),
            "refused_by_a_limit": sum(row["status"] == 429 for row in requests),
            "busiest_minute_of_a_tenant": busiest_minute(requests),
            "workers_that_ended": sum(worker.poll() is not None for worker in self.fleet.workers),
        }
        if found["lost"]:
            found["records_of_the_lost"] = {
                address: self._records(address) for address in sorted(wanted - created.keys())
            }
        return {"ok": not any(found[each] for each in BAD), **found}

    def _records(self, address: str) -> list[str]:
        """What the database says about a contact that was not created: its client, runs and writes."""
        uuid = address.partition("-")[2].partition("@")[0]
        with psycopg.connect(self.fleet.url) as connection:
            rows = connection.execute(
                "SELECT r.tbl, convert_from(r.body, 'UTF8') FROM xpm_tui.rows r"
                " JOIN xpm_tui.practices p ON p.id = r.practice WHERE p.name = %s AND r.body IS NOT NULL",
                (self.practice_of[address],),
            ).fetchall()
        return [
            f"{table}: {body}" for table, body in rows if table == "runs" or uuid in body or address in body
        ]


def ended(runs: Iterable[Run]) -> list[Run]:
    """The runs that came to their end, as far as they could."""
    return [run for run in runs if run.outcome in ("done", "held", "partial") and not run.case]


def busiest_minute(requests: Iterable[dict[str, Any]]) -> int:
    """The most calls of one tenant within 60 seconds."""
    windows: defaultdict[str, deque[float]] = defaultdict(deque)
    most = 0
    for row in requests:
        if row["tenant"]:
            window = windows[row["tenant"]]
            window.append(row["at"])
            while window[0] <= row["at"] - 60:
                window.popleft()
            most = max(most, len(window))
    return most


def _send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; return whether the process exists."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def main() -> int:
    """Play a round; print its verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.fleet_round", description=__doc__)
    parser.add_argument("--practices", type=int, default=12, metavar="N")
    parser.add_argument("--hosts", type=int, default=3, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="runs of a worker at the same time")
    parser.add_argument("--faults", default=",".join(FAULTS), metavar="KINDS", help="in this order, repeated")
    parser.add_argument("--times", type=int, default=14, metavar="N", help="faults at most")
    parser.add_argument("--every", type=float, default=3.0, metavar="SECONDS", help="pause between faults")
    parser.add_argument("--limit", type=float, default=900.0, metavar="SECONDS", help="give up after")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing stays behind
    is_isolated = isolated("tests.support.fleet_round")
    server = start_server(NETWORK if is_isolated else "")
    if isinstance(server, str):
        print(json.dumps({"ok": False, "skipped": server}))
        return 0
    networks = [HostNetwork(number) for number in range(1, options.hosts + 1)] if is_isolated else []
    faults = [each for each in options.faults.split(",") if each and (networks or each not in NEEDS_NETWORK)]
    names = [f"office-{number}" for number in range(options.practices)]
    with (
        tempfile.TemporaryDirectory(prefix="xpm-fleet-") as folder,
        sandbox_process("--tenants", str(options.practices)) as sandbox,
    ):
        fleet = Fleet(Path(folder), server.address(), sandbox, names)
        try:
            played = FleetRound(fleet, server, networks, options.hosts)
            wanted = played.prepare()
            seconds = played.play(
                faults, jobs=options.jobs, times=options.times, every=options.every, limit=options.limit
            )
            verdict = played.verdict(wanted, seconds)
        finally:
            fleet.close()
            for network in networks:
                network.close()
    print(json.dumps(verdict))
    return 0 if verdict["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
