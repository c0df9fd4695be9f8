"""How long the tests may take: the default profile, a soak, or a night."""

from __future__ import annotations

import os

PROFILE = os.environ.get("XPM_TUI_PROFILE", "default")


def count(default: int, soak: int, nightly: int | None = None) -> int:
    """The number of examples for the profile in force (environment variable ``XPM_TUI_PROFILE``)."""
    if PROFILE == "nightly":
        return nightly if nightly is not None else soak
    return soak if PROFILE == "soak" else default
