"""The demo on a terminal: from the consent page to the first plan, and nothing left afterwards."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.screen import Screen
from tests.support.terminal import Terminal, terminal
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.home import find_home
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs import plans
from xpm_tui.cli import demo
from xpm_tui.domain.errors import BadInput
from xpm_tui.xero.auth.token_store import TokenStore

WALK = (
    ("have the permission?", "It is ticked", "\r"),
    ("authorize?respon", "Open the page here", "\r"),
    ("wants access to your data", "Allow access", "\r"),
    ("Which side is the master?", "Save and continue", "\r"),
    ("of 9", "Skip for now", "\x1b"),  # the rest can wait: escape leaves the wizard
    ("Needs attention", "Harbour & Hill Accountants", "n"),
)
"""Words on each screen, and the key that leads to the next one."""


def seen(shown: Terminal, screen: Screen, *words: str, seconds: float = 60) -> None:
    """Wait until the screen shows these words."""
    end = time.monotonic() + seconds
    while not all(each in screen.text for each in words):
        left = end - time.monotonic()
        assert left > 0, screen.text
        before = len(shown.text)
        assert shown.read(left), screen.text
        screen.feed(shown.text[before:])


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def secrets(home: Path) -> list[str]:
    """Return the tokens and the key of the demo's practice."""
    (state,) = home.glob("state/practices/*")
    config = home / "config" / "practices" / state.name
    saved = TokenStore(state, config_folder=config, use_keyring=False, environ={}).read()
    assert saved is not None
    return [saved.access.reveal(), saved.refresh.reveal(), (config / "token.key").read_text().strip()]


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the sandbox's process")
def test_a_stranger_reaches_the_first_plan(tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("XPM_TUI_")}
    environ |= {"TMPDIR": str(tmp_path), "TERM": "xterm-256color", "HOME": str(tmp_path / "nobody")}
    with terminal(["demo", "--clients", "12"], environ) as shown:
        screen = Screen()
        for title, button, key in WALK:
            seen(shown, screen, title, button)
            shown.press(key)
        seen(shown, screen, "Link by exact name")
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


@pytest.mark.soak
def test_a_demo_that_is_started_again_on_its_home_is_connected(tmp_path: Path) -> None:
    """Its sandbox is a new one, on another port, and does not know the earlier login."""
    tmp_path.chmod(0o700)
    where = find_home(str(tmp_path), {})

    async def connect(practice: OpenPractice, greeting: dict[str, Any]) -> None:
        machine = ConnectionMachine(practice)
        machine.paste(demo._consent(greeting["api_url"], machine.begin().url))
        await machine.wait()
        await machine.choose(greeting["tenants"][0]["id"])

    for started in range(2):
        with demo.sandbox(tmp_path, clients=12, seed=3) as greeting:
            demo.prepare(tmp_path, greeting, clients=12, seed=3)
            with open_practice(where, environ={}) as practice:
                if not started:
                    asyncio.run(connect(practice, greeting))
                plan = asyncio.run(plans.make(practice))
                assert plan.counts["items"] > 0
    with (
        demo.sandbox(tmp_path, clients=12, seed=4) as greeting,
        pytest.raises(BadInput, match="another seed"),
    ):
        demo.prepare(tmp_path, greeting, clients=12, seed=4)
