"""How long the tests may take: the default profile, a soak, or a night."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

PROFILE = os.environ.get("XPM_TUI_PROFILE", "default")


def count(default: int, soak: int, nightly: int | None = None) -> int:
    """The number of examples for the profile in force (environment variable ``XPM_TUI_PROFILE``)."""
    if PROFILE == "nightly":
        return nightly if nightly is not None else soak
    return soak if PROFILE == "soak" else default


LONG = PROFILE != "default"
"""Whether this is one of the long profiles."""


def in_soak(*values: Any) -> Any:
    """One set of parameters that only the long profiles try, or a test that names it or updates snapshots."""
    return pytest.param(*values, marks=pytest.mark.soak)


def spread(values: Iterable[Any], default: int) -> list[Any]:
    """All sets of parameters, of which the default profile tries ``default``, spread evenly over them.

    Args:
        values: One value for each set, or a tuple where the test has several parameters.
        default: How many of them the default profile tries.
    """
    there = list(values)
    chosen = {at * len(there) // default for at in range(default)} if default else set()
    unpacked = [each if isinstance(each, tuple) else (each,) for each in there]
    return [pytest.param(*each) if at in chosen else in_soak(*each) for at, each in enumerate(unpacked)]
