"""What an act is: named once, and from it come verb, key, palette entry, form and help.

How a parameter of an act is told to a command line and to a form, beside its type and default.

Why an act cannot be done now, in sentences: the usual reasons, to be joined with ``first_reason``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, get_args, get_origin

import msgspec

from xpm_tui.commands.effects import AdmittedCall, Effect, PerCall, opening_effect, refusal

if TYPE_CHECKING:
    from xpm_tui.application.condition import Condition
    from xpm_tui.application.home import Home
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.errors import AppError


class NoParams(msgspec.Struct, frozen=True):
    """An act that needs nothing."""


P = TypeVar("P", bound=msgspec.Struct)


class Dialogue(Protocol):
    """How an act speaks while it runs: to a terminal, as JSON lines, or to a screen.

    Acts ask through :func:`xpm_tui.commands.effects.confirm_call`, which alone calls ``confirm``.
    """

    @property
    def call(self) -> AdmittedCall:
        """The call that is speaking: its effect, and whether its user agreed beforehand."""

    @property
    def interactive(self) -> bool:
        """True where a person can be asked: a terminal on both ends and no ``--json``."""

    def say(self, sentence: str) -> None:
        """A line for the person who waits (stderr, or a status line). Shown through the plain-text door."""

    def progress(self, sentence: str) -> None:
        """How far the work is: shown where somebody watches, each in place of the one before."""

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """Emit one item of a stream (an event), before the outcome.

        ``line`` says the same in words; it is empty where another item's line covers it.
        """

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask yes or no; None where nobody can be asked. ``button`` names the action on a screen."""

    async def line(self, prompt: str) -> str | None:
        """Read one line (the pasted redirect address); None at the end of the input."""


@dataclass(frozen=True)
class TextColumn:
    """A column of a text table. ``whole`` ones are never cut (ids, numbers), the others share the rest.

    A ``name`` is cut after all others. A ``spare`` column is left out where the names would be cut.
    """

    title: str
    whole: bool = False
    right: bool = False
    name: bool = False
    spare: bool = False


@dataclass(frozen=True)
class TextTable:
    """A list as a person reads it: one row of texts per record, and what to say when there is none.

    Beyond ``most`` rows, the others are only counted; 0 shows all.
    """

    columns: tuple[TextColumn, ...]
    rows: Iterable[tuple[str, ...]]
    empty: str = ""
    most: int = 0


@dataclass(frozen=True)
class Result:
    """What came of an act.

    ``items`` for a list, else ``data``; ``table`` and then ``lines`` say the same to a person, ``raw`` is a
    file's own text, for stdout as it is. Where it did not come out well, ``trouble`` says why: its code,
    sentence, hint and exit code go with the data. ``conditions`` are those of the practice that it is from.

    ``delivered`` is called once ``raw`` has been printed, and not where whoever read it went away.

    For a screen, ``value`` is the record or report itself, and ``declined`` says that the user was asked and
    said no, so that nothing was done.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    items: Iterable[Mapping[str, Any]] | None = None
    table: TextTable | None = None
    lines: Iterable[str] = ()
    raw: str = ""
    trouble: AppError | None = None
    conditions: tuple[Condition, ...] = ()
    value: Any = None
    declined: bool = False
    delivered: Callable[[], None] | None = None

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return self.trouble.exit_code if self.trouble else 0


@dataclass(frozen=True)
class Situation:
    """What an act's availability may depend on, cheap to make at any key press.

    ``record`` is the id of the record under the cursor (a client of the book, a run, a job), ``linked`` and
    ``ignored`` tell of that client, ``frozen`` that a field of it is frozen, ``undoable`` that a run wrote
    something to it that can be taken back, ``state`` is that of the job or proposal, or of
    the client's link, under the cursor.
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
class AccountContext:
    """Where an act works that opens no book: the home, the practice that was named, and who is at work.

    ``settings`` are those given for this once.
    """

    home: Home
    practice: str = ""
    person: str = ""
    read_only: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command(Generic[P]):
    """One thing a user can do.

    ``verb`` are its words on the command line (empty: console only), ``aliases`` other last words of it,
    ``key`` its key in the console in the areas ``where`` (``*``: everywhere), ``footer`` its word in the
    footer (empty: not shown there). ``why_not`` gives the sentence that says why it cannot be done now, or
    the empty text. An act with ``on_home`` needs no practice and opens none on the command line. ``streams``
    marks one whose items come as they happen. ``default`` marks what a group of verbs does when called alone.
    ``effect`` says what a call does (see :mod:`xpm_tui.commands.effects`), ``consent`` names the parameter by
    which a user agrees to it beforehand.
    """

    name: str
    title: str
    help: str
    params: type[P]
    run: Callable[[OpenPractice, P, Dialogue], Awaitable[Result]]
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
    on_home: Callable[[AccountContext, P, Dialogue], Awaitable[Result]] | None = None
    why_not: Callable[[Situation], str] = lambda _: ""

    def unavailable(self, situation: Situation) -> str:
        """Why it cannot be done now, in a sentence; empty when it can."""
        refused = refusal(opening_effect(self), read_only=situation.read_only)
        return refused or self.why_not(situation)


def home_command(
    *, on_home: Callable[[AccountContext, P, Dialogue], Awaitable[Result]], **about: Any
) -> Command[P]:
    """An act that needs no open book; in a console it works on the home of the practice that is open."""

    async def run(practice: OpenPractice, params: P, talk: Dialogue) -> Result:
        place = AccountContext(practice.home, practice.name, practice.person, practice.read_only)
        return await on_home(place, params, talk)

    return Command(run=run, on_home=on_home, **about)


Completes = Literal["", "file", "client", "member", "plan", "run", "setting", "value", "practice"]


@dataclass(frozen=True)
class Hint:
    """``argument``: given by position; ``flag``: its name on the command line where that is another.

    ``placeholder`` is what help shows for the value, ``completes`` what the shell and the form offer.
    """

    argument: bool = False
    flag: str = ""
    placeholder: str = ""
    completes: Completes = ""


@dataclass(frozen=True)
class Param:
    """One parameter, read from the class: ``kind`` is the bare type, ``choices`` those of a Literal."""

    name: str
    help: str
    kind: type
    required: bool
    default: Any
    many: bool
    choices: tuple[str, ...]
    hint: Hint

    @property
    def flag(self) -> str:
        """Its option on the command line, ``--dry-run``."""
        return self.hint.flag or "--" + self.name.replace("_", "-")


def argument(text: str, placeholder: str = "", *, completes: Completes = "") -> msgspec.Meta:
    """Metadata of a parameter given by position."""
    hint = Hint(argument=True, placeholder=placeholder, completes=completes)
    return msgspec.Meta(description=text, extra={"hint": hint})


def option(text: str, placeholder: str = "", *, flag: str = "", completes: Completes = "") -> msgspec.Meta:
    """Metadata of a parameter given by name."""
    hint = Hint(flag=flag, placeholder=placeholder, completes=completes)
    return msgspec.Meta(description=text, extra={"hint": hint})


def read(params: type[msgspec.Struct]) -> tuple[Param, ...]:
    """The parameters of a class, in its order."""
    return tuple(_param(field) for field in msgspec.structs.fields(params))


def _param(field: msgspec.structs.FieldInfo) -> Param:
    kind, text, hint = field.type, "", Hint()
    while hasattr(kind, "__metadata__"):
        for meta in kind.__metadata__:
            text = meta.description or text
            hint = (meta.extra or {}).get("hint", hint)
        kind = get_args(kind)[0]
    many = get_origin(kind) is tuple
    if many:
        kind = get_args(kind)[0]
    choices = tuple(str(c) for c in get_args(kind)) if get_origin(kind) is Literal else ()
    return Param(
        name=field.name,
        help=text,
        kind=str if choices else kind,
        required=field.required,
        default=() if many and field.required else (None if field.required else field.default),
        many=many,
        choices=choices,
        hint=hint,
    )


Why = Callable[[Situation], str]


def first_reason(*reasons: Why) -> Why:
    """The first reason that holds."""
    return lambda situation: next(filter(None, (reason(situation) for reason in reasons)), "")


def connected(situation: Situation) -> str:
    """It asks XPM."""
    return "" if situation.connected else "This practice is not connected to XPM yet: connect it first."


def idle(situation: Situation) -> str:
    """It starts a run, or moves records under one."""
    return (
        (f"Run {situation.running} is in progress: wait until it ends, or stop it.")
        if situation.running
        else ""
    )


def in_state(noun: str, words: str, *states: str) -> Why:
    """It is about a job or proposal that is in one of those states; ``words`` says what it is for."""

    def why(situation: Situation) -> str:
        if not situation.record:
            return f"No {noun} is selected: select one first (g j)."
        if not situation.state or situation.state in states:
            return ""
        unknown = situation.state == "unknown"
        return f"This {noun} {'has an unknown status' if unknown else f'is {situation.state}'}: {words}."

    return why


def ignition_off(situation: Situation) -> str:
    """Nothing is deployed from here while Ignition's own connector may do the same."""
    practice = situation.practice
    if practice is None or practice.settings.text("jobs.ignition_deploys") == "no":
        return ""
    return (
        "Ignition's own XPM integration may still create the jobs. Switch it off in Ignition, then "
        "set jobs.ignition_deploys to no (g e)."
    )


def running(situation: Situation) -> str:
    """It is about the run that is going on."""
    return "" if situation.running else "No run is in progress."


def on_record(situation: Situation) -> str:
    """It is about one client."""
    return "" if situation.record else "No client is selected: select one first."


def on_linked(situation: Situation) -> str:
    """It is about a link."""
    return on_record(situation) or (
        "" if situation.linked else "This client is not linked to an XPM client: link it first."
    )
