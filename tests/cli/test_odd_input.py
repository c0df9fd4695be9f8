"""Unusual words on the command line lead to a sentence, never to a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Inline
from xpm_tui.commands.sync import decision_of

LONG = "x" * 300
ODD = (
    ("export", "clients", ""),
    ("export", "clients", "."),
    ("export", "clients", "/", "--replace"),
    ("export", "clients", "x" * 5000),
    ("export", "clients", "plain/x"),
    ("data", "backup", LONG),
    ("data", "backup", ""),
    ("data", "backup", "plain/x"),
    ("data", "restore", "plain/x", "--yes"),
    ("data", "restore", LONG, "--yes"),
    ("data", "restore", "plain", "--yes"),
    ("doctor", "--bundle", LONG, "--yes"),
    ("doctor", "--bundle", "", "--yes"),
    ("settings", "set", "theme", "\udcff"),
    ("settings", "set", "notify.command", "\udcff"),
    ("settings", "get", "\udcff"),
    ("import", "clients", LONG),
    ("import", "clients", "plain/x"),
    ("import", "clients", "in.csv", "--map", "\udcff=name"),
    ("plan", "export", "last", LONG),
    ("clients", "review", "--import", LONG),
    ("--home", LONG, "status"),
    ("--home", "plain", "status"),
    ("--practice", "\udcff", "status"),
    ("--set", "theme=\udcff", "status"),
    ("--as", "\udcff", "status"),
    ("log", "--find", "\udcff"),
    ("log", "--since", "\N{SUPERSCRIPT TWO}d"),
    ("log", "--since", "9999-12-31T23:59:59-12:00"),
)
DIGITS = ("9" * 5000, "\N{SUPERSCRIPT TWO}")
"""Characters that Python counts as digits but not as numbers."""


@pytest.mark.parametrize("words", ODD, ids=lambda words: ascii(" ".join(words)[:40]))
def test_odd_words_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = Inline(tmp_path / "home", {"XPM_TUI_USER": "tester"})
    head = "Client ID,Client Name,Contact Name,Contact Email"
    (tmp_path / "in.csv").write_text(f"{head}\n1,Kowhai,Ann,a@x.nz\n")
    command("import", "clients", "in.csv")
    (tmp_path / "plain").write_text("x")
    done = command(*words, "--json", code=None)
    assert "error" not in done.json or done.error["code"] != "unexpected", done.error["message"]


@pytest.mark.parametrize("typed", DIGITS, ids=["long", "raised"])
def test_what_is_no_number_of_a_candidate_is_taken_for_an_address(typed: str) -> None:
    class Held:
        intent = "i1"
        candidates = ()

    assert decision_of(Held(), "adopt", typed).choice == "adopt"  # type: ignore[arg-type]
