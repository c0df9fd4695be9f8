"""What an act is: named once, and from it come verb, key, palette entry, form and help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from xpm_tui.acts.effects import Call, Effect, PerCall, opening_effect, refusal

if TYPE_CHECKING:
    from xpm_tui.model.errors import Trouble
    from xpm_tui.service.condition import Condition
    from xpm_tui.service.home import Home
    from xpm_tui.service.practice import OpenPractice


class NoParams(msgspec.Struct, frozen=True):
    """An act that needs nothing."""


P = TypeVar("P", bound=msgspec.Struct)


class Talk(Protocol):
    """How an act speaks while it runs: to a terminal, as JSON lines, or to a screen.

    Acts ask through :func:`xpm_tui.acts.effects.agree`, which alone calls ``confirm``.
    """

    @property
    def call(self) -> Call:
        """The call that is speaking: its effect, and whether its user agreed beforehand."""

    @property
    def interactive(self) -> bool:
        """True where a person can be asked: a terminal on both ends and no ``--json``."""

    def say(self, sentence: str) -> None:
        """A line for the person who waits (stderr, or a status line). Shown through the plain-text door."""

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """One item of a stream (an event), before the outcome; ``line`` says the same to a person (empty:
        another item's line covers it)."""

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask yes or no; None where nobody can be asked. ``button`` names the action on a screen."""

    async def line(self, prompt: str) -> str | None:
        """Read one line (the pasted redirect address); None at the end of the input."""


@dataclass(frozen=True)
class Column:
    """A column of a text table. ``whole`` ones are never cut (ids, numbers), the others share the rest."""

    title: str
    whole: bool = False
    right: bool = False


@dataclass(frozen=True)
class Table:
    """A list as a person reads it: one row of texts per record, and what to say when there is none."""

    columns: tuple[Column, ...]
    rows: Iterable[tuple[str, ...]]
    empty: str = ""


@dataclass(frozen=True)
class Result:
    """What came of an act.

    ``items`` for a list, else ``data``; ``table`` and then ``lines`` say the same to a person, ``raw`` is a
    file's own text, for stdout as it is. Where it did not come out well, ``trouble`` says why: its code,
    sentence, hint and exit code go with the data. ``conditions`` are those of the practice that it is from.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    items: Iterable[Mapping[str, Any]] | None = None
    table: Table | None = None
    lines: Iterable[str] = ()
    raw: str = ""
    trouble: Trouble | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return self.trouble.exit_code if self.trouble else 0


@dataclass(frozen=True)
class Situation:
    """What an act's availability may depend on, cheap to make at any key press.

    ``record`` is the id of the record under the cursor (a client of the book, a run, a job), ``linked`` and
    ``ignored`` tell of that client, ``frozen`` that a field of it is frozen, ``undoable`` that a run wrote
    something to it that can be taken back, ``state`` is that of the job or proposal under the cursor.
    """

    area: str = ""
    practice: OpenPractice | None = None
    connected: bool = False
    read_only: bool = False
    running: str = ""
    record: str = ""
    linked: bool = False
    ignored: bool = False
    frozen: bool = False
    undoable: bool = True
    state: str = ""


@dataclass(frozen=True)
class Place:
    """Where an act works that opens no book: the home, the practice that was named, and who is at work.

    ``settings`` are those given for this once.
    """

    home: Home
    practice: str = ""
    person: str = ""
    read_only: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Act(Generic[P]):
    """One thing a user can do.

    ``verb`` are its words on the command line (empty: console only), ``aliases`` other last words of it,
    ``key`` its key in the console in the areas ``where`` (``*``: everywhere), ``footer`` its word in the
    footer (empty: not shown there). ``why_not`` gives the sentence that says why it cannot be done now, or
    the empty text. An act with ``on_home`` needs no practice and opens none on the command line. ``streams``
    marks one whose items come as they happen. ``default`` marks what a group of verbs does when called alone.
    ``effect`` says what a call does (see :mod:`xpm_tui.acts.effects`), ``consent`` names the parameter by
    which a user agrees to it beforehand.
    """

    name: str
    title: str
    help: str
    params: type[P]
    run: Callable[[OpenPractice, P, Talk], Awaitable[Result]]
    effect: Effect | PerCall
    verb: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    example: str = ""
    key: str = ""
    where: tuple[str, ...] = ()
    footer: str = ""
    consent: str = "yes"
    streams: bool = False
    default: bool = False
    on_home: Callable[[Place, P, Talk], Awaitable[Result]] | None = None
    why_not: Callable[[Situation], str] = lambda _: ""

    def unavailable(self, situation: Situation) -> str:
        """Why it cannot be done now, in a sentence; empty when it can."""
        refused = refusal(opening_effect(self), read_only=situation.read_only)
        return refused or self.why_not(situation)


def home_act(*, on_home: Callable[[Place, P, Talk], Awaitable[Result]], **about: Any) -> Act[P]:
    """An act that needs no open book; in a console it works on the home of the practice that is open."""

    async def run(practice: OpenPractice, params: P, talk: Talk) -> Result:
        place = Place(practice.home, practice.name, practice.person, practice.read_only)
        return await on_home(place, params, talk)

    return Act(run=run, on_home=on_home, **about)
