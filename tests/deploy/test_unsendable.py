"""A value that XML cannot carry fails its own job, which is named with the field; the others are sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.application.runs.sync_run import exit_code
from xpm_tui.domain.errors import BadInput, DiskError
from xpm_tui.domain.tables import DEPLOYMENTS, INTENTS


@pytest.mark.parametrize(
    ("bad", "field", "label"),
    [
        ("1\x012", "name", "Job name"),
        ("a\ufffe", "name", "Job name"),
        ("1\x0b2", "description", "Description"),
        ("1\x0b2", "reference", "Reference"),
    ],
)
async def test_one_job_with_a_value_that_cannot_be_sent(
    env: JobsFixture, bad: str, field: str, label: str
) -> None:
    env.accepted("First")
    env.accepted("Second", client=env.clients[1])
    job_editing.edit_workflow(env.practice, "w1", {field: bad})
    run = await env.deploy("w1", "w2")
    assert (run.outcome, exit_code(run)) == ("partial", 1)
    first, second = (jobs.row_of(env.practice, name) for name in ("w1", "w2"))
    assert (first.state, second.state) == ("failed", "deployed")
    row = env.practice.snapshot().get(DEPLOYMENTS, first.id)
    assert row is not None
    assert f"U+{ord(bad[1]):04X}" in row.why
    assert f"'{label}'" in row.why
    assert "jobs edit" in row.why
    assert len(env.sandbox.log.rows(lambda asked: asked.endpoint == "job.api/add")) == 1
    job_editing.edit_workflow(env.practice, "w1", {field: "fine"})
    assert (await env.retry()).outcome == "done"
    assert jobs.row_of(env.practice, "w1").state == "deployed"


async def test_half_a_character_is_never_stored_in_a_job(env: JobsFixture) -> None:
    env.accepted("First")
    with pytest.raises(BadInput, match="half a character"):
        job_editing.edit_workflow(env.practice, "w1", {"name": "a\ud800"})


async def test_a_full_disk_after_the_reply_is_looked_up_and_nothing_is_sent_twice(
    env: JobsFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rate limiter's file cannot be written once the job is there: XPM has acted."""
    from xpm_tui.xero.rate_limiter import RateLimiter

    env.accepted("First")
    learn = RateLimiter.learn

    def full(gate: Any, headers: Any) -> None:
        if env.made("First"):
            raise DiskError("The disk is full.")
        learn(gate, headers)

    monkeypatch.setattr(RateLimiter, "learn", full)
    with pytest.raises(DiskError):
        await env.deploy("w1")
    (intent,) = [i for i in env.practice.snapshot().rows(INTENTS) if i.kind == "job.add"]
    assert intent.state == "sent"
    monkeypatch.setattr(RateLimiter, "learn", learn)
    assert (await env.retry()).outcome == "done"
    assert len(env.made("First")) == 1
