"""docs/sandbox.md: its examples run, and its tables are complete."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xpm_tui.sandbox.faults import KINDS
from xpm_tui.sandbox.switches import Switches

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.soak
@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs bash, curl, openssl"
)
def test_the_examples_run_as_one_script(tmp_path: Path) -> None:
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    script = "set -euo pipefail\ntrap 'kill %1 2>/dev/null || true' EXIT\n" + "\n".join(blocks)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(PAGE.parents[1])}
    done = subprocess.run(
        ["bash", "-m", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    for words in (
        '"login_url"',
        '"tenantType":"PRACTICEMANAGER"',
        "<Name>Kowhai Plumbing Pty Ltd</Name>",
        "<Name>Added by curl</Name>",
        "<Name>Ana Silva</Name>",
        "TokenExpired",
        "retry-after: 7",
        '"problem":"minute"',
        '"day_limit":1000',
    ):
        assert words.lower() in done.stdout.lower()


def test_every_fault_and_switch_is_in_the_tables() -> None:
    for name in (*KINDS, *Switches().as_dict()):
        assert f"`{name}`" in TEXT, name
