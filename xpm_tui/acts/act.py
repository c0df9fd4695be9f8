"""What an act is: named once, and from it come the verb, the key, the palette entry, the form and the help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from xpm_tui.service.practice import OpenPractice


class NoParams(msgspec.Struct, frozen=True):
    """An act that needs nothing."""


P = TypeVar("P", bound=msgspec.Struct)


class Talk(Protocol):
    """How an act speaks while it runs: to a terminal, as JSON lines, or to a screen."""

    def say(self, sentence: str) -> None:
        """A line for the person who waits (stderr, or a status line). Shown through the plain-text door."""

    def emit(self, item: Mapping[str, Any]) -> None:
        """One item of a stream (an event), before the outcome."""

    async def confirm(self, question: str, *, default: bool = False) -> bool | None:
        """Ask yes or no; None where nobody can be asked."""

    async def line(self, prompt: str) -> str | None:
        """Read one line (the pasted redirect address); None where nothing can be read."""


@dataclass(frozen=True)
class Result:
    """What came of an act: ``items`` for a list, else ``data``; ``lines`` say the same to a person."""

    data: Mapping[str, Any] = field(default_factory=dict)
    items: Iterable[Mapping[str, Any]] | None = None
    lines: Iterable[str] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Situation:
    """What an act's availability may depend on, cheap to make at any key press."""

    area: str = ""
    practice: OpenPractice | None = None
    connected: bool = False
    read_only: bool = False
    running: str = ""
    record: str = ""
    linked: bool = False


@dataclass(frozen=True)
class Act(Generic[P]):
    """One thing a user can do.

    ``verb`` are its words on the command line (empty: console only), ``key`` its key in the console in the
    areas ``where`` (``*``: everywhere). ``why_not`` gives the sentence that says why it cannot be done now,
    or the empty text.
    """

    name: str
    title: str
    help: str
    run: Callable[[OpenPractice, P, Talk], Awaitable[Result]]
    params: type[P]
    verb: tuple[str, ...] = ()
    example: str = ""
    key: str = ""
    where: tuple[str, ...] = ()
    footer: str = ""
    writes: bool = False
    why_not: Callable[[Situation], str] = lambda _: ""

    def unavailable(self, situation: Situation) -> str:
        """Why it cannot be done now, in a sentence; empty when it can."""
        if self.writes and situation.read_only:
            return "This console is read-only: everything can be seen, nothing written."
        return self.why_not(situation)
