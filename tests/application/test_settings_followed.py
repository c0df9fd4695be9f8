"""Settings written by another process apply at once: to an open practice, its plans and a current run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.runner import run
from xpm_tui.domain.errors import PlanRefused
from xpm_tui.domain.events import Progress
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CLIENTS, RUNS, XPM_CLIENTS


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


def elsewhere(practice: OpenPractice, *words: str) -> None:
    """Run a verb on the same practice in another process."""
    root = practice.home.root
    assert root is not None
    command = [sys.executable, "-m", "xpm_tui", "--home", str(root), "--practice", practice.name, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done


async def linked(env: PracticeFixture, number: int = 6) -> None:
    """Some clients, linked, whose phone differs from XPM's."""
    await env.connect()
    env.store(env.unique_names()[:number])
    await run(env.practice, reviewed=True)
    rows = list(env.practice.snapshot().rows(CLIENTS))
    env.practice.store.commit(
        [Put(CLIENTS, msgspec.structs.replace(row, fax=f"0{row.id[1:]}")) for row in rows]
    )


@pytest.mark.soak
def test_another_process_changes_the_direction(env: PracticeFixture) -> None:
    practice = env.practice
    assert practice.policy().direction == "from_xpm"
    version = practice.settings.version
    elsewhere(practice, "settings", "set", "sync.direction", "to_xpm")
    assert practice.policy().direction == "to_xpm"
    assert practice.settings.version > version
    version = practice.settings.version
    assert practice.policy().direction == "to_xpm"
    assert practice.settings.version == version, "nothing new, nothing read"
    elsewhere(practice, "settings", "unset", "sync.direction")
    elsewhere(practice, "settings", "set", "sync.level", "name", "--all-practices")
    assert (practice.policy().direction, practice.policy().level) == ("from_xpm", "name")


def test_a_file_that_cannot_be_used_leaves_the_settings_as_they_were(env: PracticeFixture) -> None:
    practice = env.practice
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    file = practice.config / "settings.toml"
    good = file.read_text()
    file.write_text("[sync\n")
    assert practice.policy().direction == "to_xpm"
    assert "settings.toml" in practice.settings.problems[0].message
    file.write_text(good.replace("to_xpm", "from_xpm"))
    assert practice.policy().direction == "from_xpm"
    assert practice.settings.problems == ()


async def test_a_plan_of_the_old_direction_is_refused_and_the_next_is_of_the_new(
    env: PracticeFixture,
) -> None:
    await linked(env)
    plan = await plans.make(env.practice)
    assert plan.direction == "from_xpm"
    elsewhere(env.practice, "settings", "set", "sync.direction", "to_xpm")
    with pytest.raises(PlanRefused):
        await run(env.practice, plan_id=plan.id)
    assert (await plans.make(env.practice)).direction == "to_xpm"


async def test_a_run_that_reads_the_lists_meanwhile_plans_by_the_new_settings(env: PracticeFixture) -> None:
    await linked(env)
    changed: list[str] = []

    def report(progress: Progress) -> None:
        if not changed:
            changed.append(progress.phase)
            elsewhere(env.practice, "settings", "set", "sync.direction", "to_xpm")

    done = await run(env.practice, reviewed=True, report=report)
    assert changed
    assert done.direction == "to_xpm"
    row = env.practice.snapshot().get(RUNS, done.id)
    assert row is not None
    assert row.direction == "to_xpm"


async def test_a_long_run_stops_before_the_next_client_when_its_policy_is_changed(
    env: PracticeFixture,
) -> None:
    await linked(env)
    practice = env.practice
    practice.settings.set("sync.direction", "to_xpm", practice=True)
    changed: list[int] = []

    def report(progress: Progress) -> None:
        if progress.phase == "apply" and progress.done == 2 and not changed:
            changed.append(progress.done)
            elsewhere(practice, "settings", "set", "sync.direction", "from_xpm")

    done = await run(practice, reviewed=True, report=report)
    assert changed == [2]
    assert (done.outcome, done.exit_code) == ("stopped", 4)
    assert "changed during the sync" in done.error
    sent = [real for real in env.sandbox.practice.clients.values() if real.fax.startswith("0")]
    assert len(sent) < 6, "the rest was not sent"
    assert practice.snapshot().count(XPM_CLIENTS)
