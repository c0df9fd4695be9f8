"""The fields of one record, as they are laid out to be edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Sheet(NamedTuple):
    """What is edited: a title, a sentence about it, (key, label, value) of each field; of a ``new`` record
    all that is filled in counts, of another what was changed."""

    title: str
    about: str
    fields: Sequence[tuple[str, str, str]]
    new: bool = False
