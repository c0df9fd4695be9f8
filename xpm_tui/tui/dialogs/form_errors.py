"""Rejected values of a form: the error, the field that it is about, and showing the form again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from textual.screen import Screen

from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import AppError, BadInput, Busy

if TYPE_CHECKING:
    from xpm_tui.tui.app_protocol import AppProtocol

P = TypeVar("P")
R = TypeVar("R")

CORRECTABLE = (BadInput, Busy)
"""Errors after which nothing was written, and other values or a later attempt may succeed."""


class RejectedInput(NamedTuple, Generic[P]):
    """The values of a form that were rejected, and the error."""

    filled: P
    error: AppError

    @property
    def sentence(self) -> str:
        """The error, what to do next, and the known problem if there is one."""
        return present(self.error).sentence()


async def ask_until_accepted(
    app: AppProtocol,
    show: Callable[[RejectedInput[P] | None], Screen[P]],
    do: Callable[[P], Awaitable[R]],
) -> R | None:
    """Show a form and act on its values, until they are accepted.

    Args:
        app: The console.
        show: Returns the form; it gets the values that were rejected last, or None.
        do: Acts on the values, and raises an error if it rejects them.

    Returns:
        The result of ``do``; None if the user left the form.
    """
    rejected: RejectedInput[P] | None = None
    while True:
        filled = await app.push_screen_wait(show(rejected))
        if filled is None:
            return None
        try:
            return await do(filled)
        except CORRECTABLE as error:
            rejected = RejectedInput(filled, error)


def invalid_field(error: AppError, typed: Mapping[str, Any]) -> str:
    """Return the field that an error is about: the one that it names, or the one whose value it repeats.

    Args:
        error: The error.
        typed: The values by field. A value such as ``start=2026-07-01`` has a name of its own.

    Returns:
        The name of the field; empty if there is none.
    """
    named = error.field if isinstance(error, BadInput) else ""
    named = named or error.message.partition(":")[0]
    parts = [(name, str(part)) for name, value in typed.items() for part in _parts(value)]
    for name, part in parts:
        if named in (name, name.replace("_", " "), part.partition("=")[0].strip() if "=" in part else name):
            return name
    candidates = [(name, part.partition("=")[2] or part) for name, part in parts]
    candidates = [(name, text.strip()) for name, text in candidates if _repeats(error.message, text.strip())]
    return max(candidates, key=lambda each: len(each[1]))[0] if candidates else ""


def _repeats(message: str, text: str) -> bool:
    """Return whether a message repeats a value: as whole words, and quoted if it is a short word."""
    quoted = "['\"“‘]" if len(text) < 3 and text.isalpha() else ""
    return bool(text and re.search(rf"{quoted}(?<!\w){re.escape(text)}(?!\w)", message))


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) or ("",) if isinstance(value, list | tuple) else (value,)


def validation_message(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return what is wrong with a value, and the name of its parameter, from the message of msgspec."""
    reason, _, path = str(error).partition(" - at `$.")
    name = re.split(r"[`.\[]", path, maxsplit=1)[0]
    expected = re.match(r"Expected `(int|float)`( [<>]=? \S+)?", reason)
    if expected is None:
        return reason, name
    kind = "a whole number" if expected[1] == "int" else "a number"
    bound = (expected[2] or "").replace(">=", "of at least").replace("<=", "of at most")
    return f"“{name.replace('_', ' ')}” must be {kind}{bound}.", name
