"""Exports by verb: only a written file counts as sent to Ignition, and no device is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import CommandLine
from xpm_tui.domain.errors import DiskError


@pytest.mark.soak
def test_only_a_written_file_counts_as_sent(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "home", {"XPM_TUI_USER": "tester"})
    command("clients", "new", "Kowhai", "contact_name=Ann", "contact_email=ann@x.nz")
    words = [sys.executable, "-m", "xpm_tui", "export", "clients", "--changed", "-"]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=command.environ, check=False)
    assert ended.returncode not in (0, 1)
    assert b"space" in ended.stderr
    for _ in range(2):
        assert "Kowhai" in command("export", "clients", "--changed", "-").out
    command("export", "clients", "--changed", str(tmp_path / "out.csv"))
    assert "Kowhai" in (tmp_path / "out.csv").read_text()
    assert "Kowhai" not in command("export", "clients", "--changed", "-", code=None).out


@pytest.mark.parametrize("words", [("--version",), ("plan", "--help")])
def test_help_on_a_full_disk_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    command = CommandLine(tmp_path / "home", {"XPM_TUI_USER": "tester"})
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "xpm_tui", *words],
            stdout=full, stderr=subprocess.PIPE, env=command.environ, check=False,
        )  # fmt: skip
    assert ended.returncode == DiskError.exit_code
    assert b"space" in ended.stderr


@pytest.mark.soak
def test_an_export_is_no_way_to_lose_a_device(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "home", {"XPM_TUI_USER": "tester"})
    command("clients", "new", "Kowhai", "contact_name=Ann", "contact_email=ann@x.nz")
    os.mkfifo(tmp_path / "pipe")
    command("export", "clients", str(tmp_path / "pipe"), "--replace", code=2)
    assert (tmp_path / "pipe").is_fifo()
