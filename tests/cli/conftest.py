"""A practice that is connected to a sandbox process, all by verbs."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interface import schemas
from tests.interface.practice import CLIENTS
from tests.support.command import CommandLine, Done, Inline
from tests.support.sandbox_process import SandboxProcess, sandbox_process

KNOWN = {"XPM_TUI_USER": "tester"}


@pytest.fixture(autouse=True)
def _as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check each answer of these tests against its published schema."""
    monkeypatch.setattr("tests.support.command.LISTENERS", [schemas.listen])


@pytest.fixture(scope="session")
def shared() -> Iterator[SandboxProcess]:
    """One sandbox for all tests that leave it unchanged."""
    with sandbox_process(clients=12) as process:
        yield process


@pytest.fixture(scope="session")
def template(shared: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home connected to the main practice of the shared sandbox, which tests copy."""
    home = tmp_path_factory.mktemp("connected") / "home"
    connect(Inline(home, {**shared.environ, **KNOWN}), shared, tenant=shared.greeting["tenants"][0]["id"])
    return home


@pytest.fixture
def sandbox(shared: SandboxProcess) -> Iterator[SandboxProcess]:
    """The shared sandbox without faults, counted calls or recorded requests."""
    shared.control("POST", "limits", {"clear": True})
    shared.control("DELETE", "requests")
    yield shared
    shared.control("DELETE", "faults")


@pytest.fixture
def command(sandbox: SandboxProcess, tmp_path: Path) -> Inline:
    """Verbs whose settings name the sandbox and nothing else."""
    return Inline(tmp_path / "home", {**sandbox.environ, **KNOWN})


@pytest.fixture
def connected(sandbox: SandboxProcess, template: Path, tmp_path: Path) -> Inline:
    """Verbs for the connected main practice, with a filled mirror."""
    shutil.copytree(template, tmp_path / "home")
    return Inline(tmp_path / "home", {**sandbox.environ, **KNOWN})


@pytest.fixture
def ignition(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    path.write_text(CLIENTS, encoding="utf-8")
    return path


class _ConsentingUser(io.StringIO):
    """Standard output as read by a user who allows access and pastes the redirect address."""

    def __init__(self, sandbox: SandboxProcess, choice: dict[str, object]) -> None:
        super().__init__()
        self._sandbox, self._choice = sandbox, choice
        self._stdin, self._typed = os.pipe()

    def __enter__(self) -> _ConsentingUser:
        self._before = os.dup(0)
        os.dup2(self._stdin, 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._before, 0)
        for each in (self._before, self._stdin, self._typed):
            os.close(each)

    def write(self, text: str) -> int:
        """Write, and paste the redirect once the address for signing in is printed."""
        if text.startswith('{"authorize"'):
            redirect = self._sandbox.consent(json.loads(text)["authorize"], **self._choice)
            os.write(self._typed, f"{redirect}\n".encode())
        return super().write(text)


def connect(
    command: CommandLine, sandbox: SandboxProcess, *words: str, code: int = 0, **choice: object
) -> Done:
    """Run ``connect --no-browser --json`` with the sandbox's consent; in its own process if it must fail."""
    if isinstance(command, Inline) and code == 0:
        with _ConsentingUser(sandbox, choice) as user:
            return command.run_with(user, ("connect", "--no-browser", "--json", *words), 0, {})
    process = command.start("connect", "--no-browser", "--json", *words)
    assert process.stdout is not None
    first = process.stdout.readline()
    reported = json.loads(first) if first else {}
    assert "authorize" in reported, (first, process.communicate(timeout=30))
    redirect = sandbox.consent(reported["authorize"], **choice)
    out, err = process.communicate(redirect + "\n", timeout=60)
    done = Done(process.returncode, first + out, err)
    assert done.code == code, done
    return done
