"""A practice connected to a sandbox process, all by verbs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Command, Done
from tests.support.sandbox_process import SandboxProcess, sandbox_process

FILE = """Client ID,Contact ID,Client Name,Contact Name,Contact Email,Contact Phone,City,Favourite Colour
CLI-1,CON-1,Kowhai Plumbing Pty Ltd,Jo Tane,jo@kowhai.example,1,Old Town,green
CLI-1,CON-2,Kowhai Plumbing Pty Ltd,Someone Else,else@kowhai.example,,,
CLI-2,CON-3,Kowhai Holdings Limited,Jo Tane,jo@kowhai.example,,,
CLI-3,CON-4,John Smith,John Smith,john1@smith.example,,,
CLI-4,CON-5,Harbour Café Ltd,Zoë Müller,zoe@harbourcafe.example,,,
CLI-5,CON-6,ACME [/] Pty,Somebody,click@acme.example,,,
CLI-6,CON-7,Bright Sparks Electrical,Sparks,office@sparks.example,,,
CLI-7,CON-8,Only Here Ltd,Ina Here,ina@here.example,,,
CLI-8,CON-9,,Nobody,nobody@here.example,,,
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process(clients=12) as process:
        yield process


@pytest.fixture
def command(sandbox: SandboxProcess, tmp_path: Path) -> Command:
    """Verbs that know where the sandbox is, and nothing else."""
    return Command(tmp_path / "home", sandbox.environ)


@pytest.fixture
def ignition(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def connect(command: Command, sandbox: SandboxProcess, *words: str, code: int = 0, **choice: object) -> Done:
    """``connect --no-browser --json``, with the consent given by the sandbox."""
    process = command.start("connect", "--no-browser", "--json", *words)
    assert process.stdout is not None
    first = process.stdout.readline()
    import json

    redirect = sandbox.consent(json.loads(first)["authorize"], **choice)
    out, err = process.communicate(redirect + "\n", timeout=60)
    done = Done(process.returncode, first + out, err)
    assert done.code == code, done
    return done


@pytest.fixture
def connected(command: Command, sandbox: SandboxProcess) -> Command:
    """The main practice, connected."""
    connect(command, sandbox, tenant=sandbox.greeting["tenants"][0]["id"])
    return command
