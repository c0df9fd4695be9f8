"""A run that is killed at any point: the store opens, the next run finishes the work, nothing is repeated."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from tests.support.profile import count, in_soak
from tests.support.sandbox_process import SandboxProcess, sandbox_process
from xpm_tui.application.condition import unfinished_imports
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.csv_io.imports import import_file, undo_import
from xpm_tui.application.home import Home, find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs import history, plans
from xpm_tui.application.runs.runner import run
from xpm_tui.domain.ignition import Client
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, INTENTS, LINKS, XPM_CLIENTS

KILLS = count(3, 60)
PUSH_KILLS = count(1, 20)


def killed_at(open_: Callable[[], OpenPractice], commit: int, *, after: bool) -> bool:
    """Run in a child that is killed just before or just after its n-th commit; False: it ended well."""
    child = os.fork()
    if child == 0:
        try:
            practice = open_()
            made = 0

            def deadly(real: Callable[..., int]) -> Callable[..., int]:
                def dying(*what: object, **how: object) -> int:
                    nonlocal made
                    made += 1
                    if made == commit and not after:
                        os.kill(os.getpid(), signal.SIGKILL)
                    position = real(*what, **how)
                    if made == commit:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return position

                return dying

            for name in ("commit", "transact"):
                setattr(practice.store, name, deadly(getattr(practice.store, name)))
            asyncio.run(run(practice, reviewed=True))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def values(practice: OpenPractice) -> list[tuple[object, ...]]:
    """What the clients of the store say, contacts included, without the ids that differ from try to try."""
    reported = []
    for client in practice.snapshot().rows(CLIENTS):
        contacts = tuple(msgspec.structs.replace(each, id="") for each in client.contacts)
        reported.append((client.id, msgspec.json.encode(msgspec.structs.replace(client, contacts=contacts))))
    return sorted(reported)


def expected(folder: Path) -> list[tuple[object, ...]]:
    env = PracticeFixture(folder)
    asyncio.run(_ready(env))
    asyncio.run(run(env.practice, reviewed=True))
    found = values(env.practice)
    env.close()
    return found


async def _ready(env: PracticeFixture) -> None:
    await env.connect()
    env.store(env.unique_names())


@pytest.mark.parametrize("after", [False, in_soak(True)])
def test_from_xpm_the_next_run_finishes_it(tmp_path: Path, after: bool) -> None:
    wanted = expected(tmp_path / "whole")
    killed = 0
    for commit in range(1, KILLS + 1):
        env = PracticeFixture(tmp_path / f"{commit}")
        asyncio.run(_ready(env))
        env.practice.close()
        if killed_at(env.open, commit, after=after):
            killed += 1
            env.practice = env.open()
            done = asyncio.run(run(env.practice, reviewed=True))
            assert done.outcome == "done", (commit, done)
            outcomes = Counter(each.outcome for each in history.list_runs(env.practice))
            assert outcomes["running"] == 0, (commit, outcomes)
            assert values(env.practice) == wanted, commit
            assert asyncio.run(plans.make(env.practice)).counts["items"] == 0
            env.close()
    assert killed >= min(KILLS, 5)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process(clients=12) as started:
        yield started


def connected(sandbox: SandboxProcess, home: Home) -> OpenPractice:
    practice = open_practice(home, person="mere", environ=sandbox.environ)

    async def go() -> None:
        connecting = ConnectionMachine(practice, {})
        begun = connecting.begin()
        connecting.paste(sandbox.consent(begun.url, tenant=sandbox.greeting["tenants"][0]["id"]))
        await connecting.wait()
        await connecting.choose(sandbox.greeting["tenants"][0]["id"])
        await connecting.fill()

    asyncio.run(go())
    return practice


@pytest.mark.parametrize("after", [in_soak(False), True])
def test_to_xpm_every_client_is_written_once(tmp_path: Path, sandbox: SandboxProcess, after: bool) -> None:
    for commit in range(2, 2 + PUSH_KILLS * 5, 5):
        sandbox.control("POST", "reset")
        home = find_home(str(tmp_path / str(commit)), {})

        def again(home: Home = home) -> OpenPractice:
            return open_practice(home, person="mere", environ=sandbox.environ)

        with connected(sandbox, home) as practice:
            _book_from_mirror(practice)
            asyncio.run(run(practice, reviewed=True))
            practice.settings.set("sync.direction", "to_xpm", practice=True)
            changed = [
                Put(CLIENTS, msgspec.structs.replace(client, phone=f"ours {client.id}"))
                for client in practice.snapshot().rows(CLIENTS)
                if practice.snapshot().get(LINKS, client.id)
            ]
            practice.store.commit(changed)
        killed_at(again, commit, after=after)
        with again() as practice:
            done = asyncio.run(run(practice, reviewed=True))
            assert done.outcome == "done", (commit, done)
            assert asyncio.run(plans.make(practice)).counts["items"] == 0
            assert {intent.state for intent in practice.snapshot().rows(INTENTS)} <= {"done", "failed"}
            uuids = {row.uuid for row in practice.snapshot().rows(LINKS)}
        rows = sandbox.control("GET", "requests?endpoint=client.api/update")["requests"]
        sent = Counter(uuid for uuid in uuids for row in rows if uuid in str(row))
        assert len(uuids) == len(changed)
        assert sent == dict.fromkeys(uuids, 1), commit


def _book_from_mirror(practice: OpenPractice) -> None:
    rows = [r for r in practice.snapshot().rows(XPM_CLIENTS) if not (r.archived or r.prospect or r.deleted)]
    times = Counter(row.name for row in rows)
    names = [row.name for row in rows if times[row.name] == 1]
    ids = practice.ids.new("c", len(names))
    practice.store.commit(
        [Put(CLIENTS, Client(id=id_, name=name)) for id_, name in zip(ids, names, strict=True)]
    )


def test_an_import_that_is_killed_at_any_commit_is_finished_under_its_id_and_undone_as_one(
    tmp_path: Path,
) -> None:
    file = tmp_path / "clients.csv"
    rows = "".join(f"{at},{at},Client {at},P{at},p{at}@client{at}.example\n" for at in range(1_000, 1_300))
    file.write_text(f"Client ID,Contact ID,Client Name,Contact Name,Contact Email\n{rows}", encoding="utf-8")
    for number, after in ((1, False), (1, True), (2, False), (2, True)):
        home = find_home(str(tmp_path / f"{number}-{after}"), {})
        open_practice(home, person="mere").close()
        child = os.fork()
        if child == 0:
            try:
                practice = open_practice(home, person="mere")
                made, commit = 0, practice.store.commit

                def dying(*what: Any, **how: Any) -> int:
                    nonlocal made
                    made += 1
                    if made == number and not after:  # noqa: B023
                        os.kill(os.getpid(), signal.SIGKILL)
                    position = commit(*what, **how)  # noqa: B023
                    if made == number:  # noqa: B023
                        os.kill(os.getpid(), signal.SIGKILL)
                    return position

                practice.store.commit = dying  # type: ignore[method-assign]
                import_file(practice, "clients", file)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        practice = open_practice(home, person="mere")
        found = len(list(practice.snapshot().rows(CLIENTS)))
        assert (os.WIFSIGNALED(status), found in (0, 300)) == (True, True), (number, after)
        left = unfinished_imports(practice.snapshot())
        report = import_file(practice, "clients", file)
        assert report.resumed is bool(left)
        assert len(list(practice.snapshot().rows(CLIENTS))) == 300
        assert undo_import(practice).counts["removed"] == 300
        assert list(practice.snapshot().rows(CLIENTS)) == []
        practice.close()
