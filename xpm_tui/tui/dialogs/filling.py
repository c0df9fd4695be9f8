"""Filling in until it is taken: what is refused comes back as typed, with the sentence at its field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from textual.screen import Screen

from xpm_tui.diagnose.trouble_view import present
from xpm_tui.model.errors import BadInput, Busy, Trouble

if TYPE_CHECKING:
    from xpm_tui.tui.host import Host

P = TypeVar("P")
R = TypeVar("R")

AGAIN = (BadInput, Busy)
"""Troubles after which nothing was written, and another word or another moment may do."""


class Turned(NamedTuple, Generic[P]):
    """What was filled in and not taken, and why not."""

    filled: P
    trouble: Trouble

    @property
    def sentence(self) -> str:
        """What is wrong with it, what to do next, and its case where it has one."""
        return present(self.trouble).sentence()


async def until_taken(
    app: Host,
    show: Callable[[Turned[P] | None], Screen[P]],
    do: Callable[[P], Awaitable[R]],
) -> R | None:
    """Show, do, and show again what was turned away; None when it was left."""
    turned: Turned[P] | None = None
    while True:
        filled = await app.push_screen_wait(show(turned))
        if filled is None:
            return None
        try:
            return await do(filled)
        except AGAIN as trouble:
            turned = Turned(filled, trouble)


def concerned(trouble: Trouble, typed: Mapping[str, Any]) -> str:
    """The field that a trouble is about: the one it names, else the one whose text it repeats; else none.

    ``typed`` has what stands in each field, a list as a list; of ``start=2026-07-01`` both halves count.
    """
    named = trouble.field if isinstance(trouble, BadInput) else ""
    named = named or trouble.message.partition(":")[0]
    parts = [(name, str(part)) for name, value in typed.items() for part in _parts(value)]
    for name, part in parts:
        if named in (name, name.replace("_", " "), part.partition("=")[0].strip() if "=" in part else name):
            return name
    told = [(name, part.partition("=")[2] or part) for name, part in parts]
    told = [(name, text.strip()) for name, text in told if text.strip() and text.strip() in trouble.message]
    return max(told, key=lambda each: len(each[1]))[0] if told else ""


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) or ("",) if isinstance(value, list | tuple) else (value,)
