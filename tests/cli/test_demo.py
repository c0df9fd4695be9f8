"""The demo on a terminal of its own: through the consent page to the first plan, and no trace after."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, terminal
from xpm_tui.xero.vault import Vault

WALK = (
    ("The permission in XPM", "It is ticked"),
    ("Sign in to Xero", "Open its page here"),
    ("wants access to your data", "Allow access"),
    ("Direction and level", "Go on"),
    ("Bring in XPM's staff", "Later"),
    ("The first plan", "Show me the first plan"),
)
"""What each step shows, first its name, then what enter does there."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def seen(shown: Terminal, words: str, start: int, seconds: float = 60) -> int:
    """Wait until these words were painted after ``start``; gives how far the paint has come."""
    end = time.monotonic() + seconds
    while words not in (painted := _ESCAPES.sub("", shown.text[start:])):
        left = end - time.monotonic()
        assert left > 0, painted[-3000:]
        assert shown.read(left), painted[-3000:]
    return len(shown.text)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def secrets(home: Path) -> list[str]:
    """Tokens and key of the demo's practice, as long as it is there."""
    (state,) = home.glob("state/practices/*")
    config = home / "config" / "practices" / state.name
    saved = Vault(state, config_folder=config, use_keyring=False, environ={}).read()
    assert saved is not None
    return [saved.access.reveal(), saved.refresh.reveal(), (config / "token.key").read_text().strip()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the sandbox's process")
def test_a_stranger_reaches_the_first_plan_with_enter_alone(tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("XPM_TUI_")}
    environ |= {"TMPDIR": str(tmp_path), "TERM": "xterm-256color", "HOME": str(tmp_path / "nobody")}
    with terminal(["demo", "--clients", "12"], environ) as shown:
        at = 0
        for title, button in WALK:
            at = max(seen(shown, title, at), seen(shown, button, at))
            shown.press("\r")
        seen(shown, "Link by exact name", at)
        (home,) = tmp_path.glob("xpm-tui-demo-*")
        running = children(shown.process.pid)
        assert running
        for secret in secrets(home):
            assert secret not in shown.text
        shown.press("\x11")  # ctrl+q
        assert shown.end() == 0
    assert not home.exists()
    assert list(tmp_path.iterdir()) == []
    assert [pid for pid in running if alive(pid)] == []
