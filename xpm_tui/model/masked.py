"""Masked values: Xero hides all but the last digits of a tax number (Practice Manager API 3.1, clients)."""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

_MASK = re.compile(r"\*{2,}[^*]{0,6}\Z")


def looks_masked(value: object) -> bool:
    """True for a text such as ``******789``, wherever it turns up."""
    return isinstance(value, str) and _MASK.match(value.strip()) is not None


class Masked(msgspec.Struct, frozen=True, eq=False):
    """A value known to exist but unreadable: it can be shown, never compared and never written."""

    shown: str

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a masked value cannot be compared")

    def __hash__(self) -> NoReturn:
        raise TypeError("a masked value cannot be compared")
