"""Names with terminal escape sequences, through every verb: what is printed contains none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Inline
from tests.support.every_verb import VALUES, verbs, words
from tests.support.fake_xpm import wired
from tests.support.opened import open_otherwise
from tests.support.profile import count
from tests.tui.fixtures import HOSTILE, ConsoleFixture
from tests.tui.walk import NOWHERE, hostile
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.safe_text import visible

ORDERS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters except line ends, C1, and characters that change the direction of text or hide it."""

FILES = {"plan.export": "prints a file, true to the byte; on a terminal it is made visible"}

NAME = HOSTILE[4]
GIVEN = VALUES | {
    "client": "c34", "contact": "k34", "member": "t4", "service": "s4", "job": "w1", "proposal": "o4",
    "proposals": "o5", "xpm": "1034", "query": "red", "name": NAME, "title": NAME, "value": NAME,
    "values": f"name={NAME}", "what": "c34:phone",
}  # fmt: skip
"""Ids of records with such names, and such names as free text."""


@pytest.fixture
async def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleFixture:
    """Verbs for a practice in which every name is hostile."""
    made = await hostile(tmp_path)

    def reaching(opened: Callable[..., OpenPractice], *args: Any, **more: Any) -> OpenPractice:
        found = opened(*args, **{**more, "clock": made.clock})
        wired(found, made.xpm)
        return found

    open_otherwise(monkeypatch, reaching)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def command(env: ConsoleFixture) -> Inline:
    environ = {f"XPM_TUI_{key.upper().replace('.', '_')}": value for key, value in NOWHERE.items()}
    assert env.home.root is not None
    return Inline(env.home.root, environ | {"XPM_TUI_USER": NAME.partition("\x1b")[0].strip()})


@pytest.mark.soak
def test_no_verb_prints_what_a_terminal_obeys(command: Inline) -> None:
    shown = {visible(each) for each in HOSTILE[4:6]}
    speaking = 0
    for place, act in enumerate(verbs()):
        if act.name in FILES:
            continue
        typed = words(act, GIVEN, flags=("yes", "all"))
        done = command(*typed, code=None)
        for text in (done.out, done.err):
            found = ORDERS.search(text)
            assert found is None, (typed, text[max(0, found.start() - 80) : found.end() + 20])
        speaking += any(each[:12] in done.out + done.err for each in shown)
        if place % count(10, 1) == 0:
            done = command(*typed, "--json", code=None)
            assert done.out.isascii(), typed
            assert ORDERS.search(done.out + done.err) is None, typed
    assert speaking > 20, "the names are there, made visible"
