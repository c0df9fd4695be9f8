"""Every generated file is current."""

from __future__ import annotations

import pytest

from tools.reference.__main__ import GENERATED, ROOT


@pytest.mark.parametrize("path", GENERATED)
def test_a_generated_file_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path](), "run: python -m tools.reference"
