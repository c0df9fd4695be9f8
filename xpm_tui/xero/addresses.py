"""Pieces of paths: UUIDs and job numbers, checked before they go into an address."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote

from xpm_tui.model.errors import BadInput
from xpm_tui.model.text import visible

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid(text: str) -> str:
    """A UUID in lower case; raises ``BadInput`` for anything else."""
    lowered = text.strip().lower()
    if _UUID.fullmatch(lowered) is None:
        raise BadInput(
            f'"{visible(text, 60)}" is no UUID of XPM.',
            hint="It looks like 6f2b1c50-91d7-4f2e-8a3b-52f0c6b7a101.",
        )
    return lowered


def number(text: str) -> str:
    """A job number as a piece of a path, percent-encoded; it is never parsed. ``BadInput`` when empty."""
    text = text.strip()
    if not text.strip("."):
        raise BadInput("A job number is needed.", hint="It looks like J000412.")
    return quote(text, safe="")


def moment(when: datetime) -> str:
    """``yyyy-MM-ddTHH:mm:ss`` in UTC, without zone, as ``modifiedsince`` takes it."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
