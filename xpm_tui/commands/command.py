"""The definition of a command, from which its verb, key, palette entry, form and help are derived.

The module also has the metadata of parameters, and the usual reasons why a command is not available, which
are combined with ``first_reason``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeVar, get_args, get_origin

import msgspec

from xpm_tui.commands.effects import AdmittedCall, Effect, PerCall, opening_effect, refusal
from xpm_tui.domain.labels import JOB_STATES, PROPOSAL_STATES, label

if TYPE_CHECKING:
    from xpm_tui.application.condition import Condition
    from xpm_tui.application.home import Home
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.errors import AppError


class NoParams(msgspec.Struct, frozen=True):
    """The parameters of a command that has none."""


P = TypeVar("P", bound=msgspec.Struct)


class Dialogue(Protocol):
    """How a command communicates while it runs: with a terminal, as JSON lines, or with a screen.

    Commands ask through :func:`xpm_tui.commands.effects.confirm_call`, which alone calls ``confirm``.
    """

    @property
    def call(self) -> AdmittedCall:
        """Return the call in progress: its effect, and whether its user agreed beforehand."""

    @property
    def interactive(self) -> bool:
        """Return True if a user can be asked: a terminal on both ends and no ``--json``."""

    def say(self, sentence: str) -> None:
        """Show a message to the waiting user (on stderr, or in a status line), as safe text."""

    def progress(self, sentence: str) -> None:
        """Show how far the work is, in place of the previous progress."""

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        """Emit one item of a stream (an event), before the outcome.

        ``line`` is its text for users; it is empty if another item's line includes it.
        """

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        """Ask yes or no; None if no one can be asked. ``button`` names the action on a screen."""

    async def line(self, prompt: str) -> str | None:
        """Read one line (such as the pasted redirect address); None at the end of the input."""


class TextColumn(msgspec.Struct, frozen=True):
    """A column of a text table.

    ``whole`` columns (ids, numbers) are never cut; the others share the rest, and those of a ``name`` are cut
    last. ``spare`` columns are left out if the table would be too wide with them. ``right`` ones are aligned
    to the right.
    """

    title: str
    whole: bool = False
    right: bool = False
    name: bool = False
    spare: bool = False


class TextTable(msgspec.Struct, frozen=True):
    """A list for users: one row of texts per record, and a text for an empty list.

    At most ``most`` rows are shown (0: all); the others are counted, and ``rest`` says how to list them.
    """

    columns: tuple[TextColumn, ...]
    rows: Iterable[tuple[str, ...]]
    empty: str = ""
    most: int = 0
    rest: str = "--json lists all of them"


class Result(msgspec.Struct, frozen=True):
    """The result of a command.

    It has ``items`` for a list, otherwise ``data``; ``table``, ``blocks`` of lines (one per item) and then
    ``lines`` present the same to the user, and ``raw`` is the text of a file for stdout. ``most`` is the
    number of items to show, 0 for all: see :func:`xpm_tui.commands.tables.limited`. If the command did not
    succeed, ``error`` has the error: its code, sentence, hint and exit code are added to the data.
    ``conditions`` are those of the practice. ``delivered`` is called once ``raw`` has been printed, but not
    if the reader closed the pipe.

    For a screen, ``value`` is the record or report itself, and ``declined`` says that the user was asked and
    declined, so that nothing was done.
    """

    data: Mapping[str, Any] = msgspec.field(default_factory=dict)
    items: Iterable[Any] | None = None
    table: TextTable | None = None
    blocks: Sequence[Sequence[str]] = ()
    most: int = 0
    lines: Iterable[str] = ()
    raw: str = ""
    error: AppError | None = None
    conditions: tuple[Condition, ...] = ()
    value: Any = None
    declined: bool = False
    delivered: Callable[[], None] | None = None

    __repr__ = object.__repr__  # its values may be those of a client, and must not reach a traceback

    def text_lines(self) -> Iterator[str]:
        """Return the lines for users: those of each item, then the others."""
        yield from chain.from_iterable(self.blocks)
        yield from self.lines

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command."""
        return self.error.exit_code if self.error else 0


class Situation(msgspec.Struct, frozen=True):
    """The state on which a command's availability may depend, cheap to compute at every key press.

    ``record`` is the id of the record under the cursor (a client in the store, a run, a job), ``linked`` and
    ``ignored`` describe that client, ``frozen`` says that one of its fields is frozen, ``undoable`` that a
    run wrote something to it that can be undone, and ``state`` is that of the job or proposal, or of the
    client's link.
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


class AccountContext(msgspec.Struct, frozen=True):
    """The context of a command that opens no store: the home, the name of the practice, and the user.

    ``settings`` are those given for this call.
    """

    home: Home
    practice: str = ""
    person: str = ""
    read_only: bool = False
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)


def console_help(text: str) -> str:
    """Return a help text for the console: without the sentences that are about the command line."""
    sentences = text.removesuffix(".").split(". ")
    shown = [each for each in sentences if not any(sign in each for sign in ("--", "`", "_"))]
    return ". ".join(shown or sentences) + "."


class Command(msgspec.Struct, Generic[P], frozen=True):
    """A command: one thing a user can do.

    ``verb`` are its words on the command line, by default those of its ``name``; a ``console_only`` command
    has none. ``aliases`` are other last words for it, ``key`` is its key in the console in the areas
    ``where`` (``*``: everywhere), and ``footer`` its label in the footer (empty: not shown there).
    ``why_not`` returns the sentence that says why it is not available, or an empty text. A command with
    ``on_home`` needs no practice and opens none on the command line, except for calls that are not
    ``for_account``. ``waits`` is False for a command that only reads here and never waits: it runs without
    an event loop, which takes long to load. ``streams`` marks a command that emits its items as they occur.
    ``default`` marks the command that a group of verbs runs when it is called alone. ``effect`` says what a
    call does (see :mod:`xpm_tui.commands.effects`), and ``consent`` names the parameter by which a user
    agrees to it beforehand.
    """

    name: str
    title: str
    help: str
    params: type[P]
    run: Callable[[OpenPractice, P, Dialogue], Awaitable[Result]]
    effect: Effect | PerCall
    verb: tuple[str, ...] = ()
    console_only: bool = False
    aliases: tuple[str, ...] = ()
    example: str = ""
    key: str = ""
    where: tuple[str, ...] = ()
    footer: str = ""
    consent: str = "yes"
    streams: bool = False
    waits: bool = True
    default: bool = False
    on_home: Callable[[AccountContext, P, Dialogue], Awaitable[Result]] | None = None
    for_account: Callable[[P], bool] = lambda _: True
    why_not: Callable[[Situation], str] = lambda _: ""

    def __post_init__(self) -> None:
        if not self.verb and not self.console_only:
            msgspec.structs.force_setattr(self, "verb", tuple(self.name.replace("_", "-").split(".")))

    @property
    def purpose(self) -> str:
        """Its help, as the console shows it."""
        return console_help(self.help)

    def unavailable(self, situation: Situation) -> str:
        """Return why the command is not available, in a sentence; empty if it is."""
        refused = refusal(opening_effect(self), read_only=situation.read_only)
        return refused or self.why_not(situation)


def home_command(
    *, on_home: Callable[[AccountContext, P, Dialogue], Awaitable[Result]], **about: Any
) -> Command[P]:
    """Return a command that needs no open store.

    In a console it works on the home of the practice that is open.
    """

    async def run(practice: OpenPractice, params: P, dialogue: Dialogue) -> Result:
        account = AccountContext(practice.home, practice.name, practice.person, practice.read_only)
        return await on_home(account, params, dialogue)

    return Command(run=run, on_home=on_home, **about)


Completes = Literal["", "file", "client", "member", "plan", "run", "setting", "value", "practice"]


class Hint(msgspec.Struct, frozen=True):
    """Metadata of a parameter.

    ``argument``: it is given by position. ``flag``: its name on the command line, if that differs.
    ``placeholder`` is what help shows for the value, and ``completes`` what the shell and the form offer.
    """

    argument: bool = False
    flag: str = ""
    placeholder: str = ""
    completes: Completes = ""


class Param(msgspec.Struct, frozen=True):
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
        """Return its option on the command line, such as ``--dry-run``."""
        return self.hint.flag or "--" + self.name.replace("_", "-")


def argument(text: str, placeholder: str = "", *, completes: Completes = "") -> msgspec.Meta:
    """Return the metadata of a parameter given by position."""
    hint = Hint(argument=True, placeholder=placeholder, completes=completes)
    return msgspec.Meta(description=text, extra={"hint": hint})


def option(text: str, placeholder: str = "", *, flag: str = "", completes: Completes = "") -> msgspec.Meta:
    """Return the metadata of a parameter given by name."""
    hint = Hint(flag=flag, placeholder=placeholder, completes=completes)
    return msgspec.Meta(description=text, extra={"hint": hint})


Limit = Annotated[int, option("At most this many; 0 for all.", "N")]
"""The parameter ``limit`` of a list, passed on as ``Result.most``."""
DryRun = Annotated[bool, option("Show what it would do, and change nothing.")]
Yes = Annotated[bool, option("Do not ask.")]
NeededYes = Annotated[bool, option("Do not ask; needed without a terminal.")]
"""The consent to a call that is refused if no one can be asked: it replaces values or is irreversible."""
ReplaceFile = Annotated[bool, option("Replace the file if it already exists.")]

ClientId = Annotated[
    str,
    argument("The client: its id, Ignition's Client ID, or its exact name.", "CLIENT", completes="client"),
]
ContactId = Annotated[str, argument("The contact: its id, Contact ID, e-mail or exact name.", "CONTACT")]
MemberId = Annotated[
    str, argument("The team member: id, e-mail or exact name.", "MEMBER", completes="member")
]
ServiceId = Annotated[str, argument("The service: its id, Ignition's id, or its exact name.", "SERVICE")]
RunId = Annotated[str, argument("The run: its id, or 'last'.", "RUN", completes="run")]

ClientFilter = Literal[
    "",
    "linked",
    "unlinked",
    "needs-link",
    "broken",
    "same-name",
    "frozen",
    "ignored",
    "archived",
    "conflict",
    "removed-contact",
]
CLIENT_FILTERS = tuple(name for name in get_args(ClientFilter) if name)


class ListParams(msgspec.Struct, frozen=True):
    """The parameters of a list that has no others."""

    limit: Limit = 0


class YesParams(msgspec.Struct, frozen=True):
    """The parameters of a command that only asks."""

    yes: Yes = False


class OneClient(msgspec.Struct, frozen=True):
    """The parameters of a command on one client."""

    client: ClientId


class OneMember(msgspec.Struct, frozen=True):
    """The parameters of a command on one team member."""

    member: MemberId


class OneService(msgspec.Struct, frozen=True):
    """The parameters of a command on one service."""

    service: ServiceId


def list_params(params: type[msgspec.Struct]) -> tuple[Param, ...]:
    """Return the parameters of a class, in its order."""
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


ReasonFunction = Callable[[Situation], str]


def first_reason(*reasons: ReasonFunction) -> ReasonFunction:
    """Return a check that returns the first reason that any of several checks gives."""
    return lambda situation: next(filter(None, (reason(situation) for reason in reasons)), "")


def require_connection(situation: Situation) -> str:
    """Return why a command that calls XPM is not available."""
    return "" if situation.connected else "This practice is not connected to XPM yet: connect it first."


def require_idle(situation: Situation) -> str:
    """Return why a command that starts a run, or changes records that a run uses, is not available."""
    return (
        (f"Run {situation.running} is in progress: wait until it ends, or stop it.")
        if situation.running
        else ""
    )


_STATE_PHRASES = {
    "unknown": "has an unknown status",
    "to take": "is not taken over yet",
    "XPM's": "was created in XPM",
}
"""States whose label does not complete a sentence."""


def in_state(noun: str, purpose: str, *states: str) -> ReasonFunction:
    """Return a check of the state of a job or proposal; ``purpose`` says what the command is for."""
    known = JOB_STATES if noun == "job" else PROPOSAL_STATES

    def why(situation: Situation) -> str:
        if not situation.record:
            return f"No {noun} is selected: select one first (g j)."
        if not situation.state or situation.state in states:
            return ""
        phrase = _STATE_PHRASES.get(situation.state) or f"is {label(known, situation.state).inline}"
        return f"This {noun} {phrase}: {purpose}."

    return why


def require_own_deployment(situation: Situation) -> str:
    """Return why nothing is deployed from here while Ignition's own integration may create the same jobs."""
    practice = situation.practice
    if practice is None or practice.settings.text("jobs.ignition_deploys") == "no":
        return ""
    return (
        "Ignition's own XPM integration may still create the jobs. Switch it off in Ignition, then "
        "set “Ignition creates jobs” to No in Settings (g e)."
    )


def require_running(situation: Situation) -> str:
    """Return why a command on the run in progress is not available."""
    return "" if situation.running else "No run is in progress."


def on_record(situation: Situation) -> str:
    """Return why a command on one client is not available."""
    return "" if situation.record else "No client is selected: select one first."


def on_linked(situation: Situation) -> str:
    """Return why a command on a link is not available."""
    return on_record(situation) or (
        "" if situation.linked else "This client is not linked to an XPM client: link it first."
    )
