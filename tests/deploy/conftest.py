"""Fixtures of the tests of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deploy.fixtures import JobsFixture


@pytest.fixture
async def env(tmp_path: Path) -> AsyncIterator[JobsFixture]:
    """A practice with services, templates and clients, ready to create jobs in the sandbox."""
    env = JobsFixture(tmp_path)
    await env.ready()
    yield env
    env.close()
