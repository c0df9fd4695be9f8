"""The fields of one record, as they are laid out to be edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Entry(NamedTuple):
    """One field of a form: its key, its label, the value as it is typed.

    With ``options``, as (value, label), it is one of these and not free text. ``help`` is a sentence.
    """

    key: str
    label: str
    value: str
    options: Sequence[tuple[str, str]] = ()
    help: str = ""


class Sheet(NamedTuple):
    """What is edited: a title, a sentence about it, and the fields, some of them as (key, label, value).

    Of a ``new`` record all that is filled in counts, of another what was changed.
    """

    title: str
    about: str
    fields: Sequence[Entry | tuple[str, str, str]]
    new: bool = False
