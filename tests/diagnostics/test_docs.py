"""The pages are true: generated ones are current, every command of the others ends as it should."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import FILE
from tests.support.command import Inline
from xpm_tui.diagnostics.reference import SECTIONS, page
from xpm_tui.domain.errors import CaseId

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "connect", "over-ssh", "direction", "first-sync", "same-name-clients", "merged-clients", "daily-sync",
    "undo", "loop-to-ignition", "bundle", "security", "trouble",
)  # fmt: skip
NEEDS = {"undo": ("import",), "loop-to-ignition": ("import",), "same-name-clients": ("import",)}


def commands(name: str) -> list[str]:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_page_of_trouble_is_current_and_whole() -> None:
    text = (DOCS / "trouble.md").read_text(encoding="utf-8")
    assert text == page(), "python -m xpm_tui.diagnostics.reference > docs/trouble.md"
    assert {each.id for _, cases in SECTIONS for each in cases} == set(CaseId)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_run_or_says_why_not(
    name: str, connected: Inline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = [line for line in FILE.splitlines(True) if not line.startswith("CLI-8")]
    (tmp_path / "clients.csv").write_text("".join(good), encoding="utf-8")
    if name in NEEDS:
        connected("import", "clients", "clients.csv")
    lines = commands(name)
    assert lines
    for line in lines:
        if "# not run here: " in line:
            continue
        words = shlex.split(line, comments=True)
        assert words[0] == "xpm-tui", line
        connected(*words[1:], code=0)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (DOCS / target).exists(), target


def test_the_bundle_page_names_every_part_and_every_setting_kept_back() -> None:
    from xpm_tui.application.health.bundle import OWN_WORDS

    text = (DOCS / "bundle.md").read_text(encoding="utf-8")
    parts = re.findall(
        r'_part\(\s*"([^"]+)"', (DOCS.parent / "xpm_tui/application/health/bundle.py").read_text()
    )
    assert len(parts) >= 8
    for word in (*parts, *OWN_WORDS):
        assert f"`{word}`" in text, word
