"""What every test can rely on: no setting, theme, colour or folder of the machine decides its outcome."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.profile import LONG

# The default profile tries the same examples on every machine; the long ones look for new examples.
settings.register_profile(
    "house", deadline=None, derandomize=not LONG, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

MEMORY = Path("/dev/shm")
ROOM = 1 << 30
"""Bytes that must be free in memory for the folders of a whole run: many times what it needs."""


def _in_memory() -> None:
    """Put temporary folders in memory where there is room: what is lost with the power is simulated."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    if shutil.disk_usage(MEMORY).free < ROOM or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None


_in_memory()
# Hundreds of commands are started: each would compile the whole program again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Without bytecode, every worker rewrites the assertions of all tests again: 15 s each.
sys.dont_write_bytecode = False
# A console is thousands of objects that stay: looking through them all the time is a tenth of the whole.
gc.set_threshold(100_000, 20, 100)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked ``soak`` to the long profiles, unless one is named or snapshots are updated."""
    named = any("::" in arg for arg in config.args)
    if LONG or named or config.getoption("update_snapshots", default=False):
        return
    later = [item for item in items if item.get_closest_marker("soak")]
    if later:
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exclude imported modules from garbage collection: they stay until the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Collect unclosed resources once: pytest itself collects five times."""
    gc.collect()
    gc.freeze()


_KEPT = frozenset({"XPM_TUI_PROFILE", "TEXTUAL_SNAPSHOT_TEMPDIR"})
_FOREIGN = (
    "NO_COLOR", "COLORTERM", "FORCE_COLOR", "TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "SUDO_USER",
    "CREDENTIALS_DIRECTORY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy",
    "all_proxy",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _apart_from_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Own home and XDG folders, a plain terminal, a known person, and none of the caller's settings."""
    for name in list(os.environ):
        if name.startswith(("XPM_TUI_", "TEXTUAL_")) and name not in _KEPT:
            monkeypatch.delenv(name)
    for name in _FOREIGN:
        monkeypatch.delenv(name, raising=False)
    own = tmp_path / "own-home"
    monkeypatch.setenv("HOME", str(own))
    for name, place in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
    ):
        monkeypatch.setenv(name, str(own / place))
    monkeypatch.setenv("XPM_TUI_USER", "tester")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
