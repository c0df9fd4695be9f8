"""The effect of a call of a command, and the only place that refuses or confirms calls.

An effect is a property of the call, not of the command: ``import clients FILE --dry-run`` only reads. The
command line and the console use this module to decide whether read-only mode allows a call, whether the user
has to agree to it, and whether it continues when its terminal is closed. This module knows no command, no
store and no screen; the text and the numbers of a question come from the code that computed the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from xpm_tui.domain.errors import DecisionNeeded, ReadOnly
from xpm_tui.domain.safe_text import visible

if TYPE_CHECKING:
    from xpm_tui.commands.command import Command, Dialogue

READ_ONLY = "This console is read-only: it shows everything and changes nothing."


class Effect(Enum):
    """The effect of one call, in increasing order."""

    LOOKS = "looks"
    """Shows something. In read-only mode it stores nothing, such as fresh XPM data or a plan."""
    WRITES_FILE = "writes-file"
    """Writes a file that the user named, such as an export or a backup."""
    WRITES_HERE = "writes-here"
    """Changes the store, the settings or the login on this machine."""
    WRITES_XPM = "writes-xpm"
    """Sends changes to XPM, as far as the guard and the limits allow without a question."""
    REPLACES = "replaces"
    """Replaces present values: an undo, a restore, the machine's schedule."""
    IRREVERSIBLE = "irreversible"
    """Cannot be undone from here: a deletion, a revoked login, a new record in XPM."""

    @property
    def writes(self) -> bool:
        """Return whether the call changes anything; read-only mode then refuses it."""
        return self is not Effect.LOOKS

    @property
    def needs_yes(self) -> bool:
        """Return whether the user has to agree even if no one can be asked."""
        return self in (Effect.REPLACES, Effect.IRREVERSIBLE)

    @property
    def outlives(self) -> bool:
        """Return whether the call continues when its terminal is closed.

        Half of such a call would be worse than all of it.
        """
        return self in (Effect.WRITES_XPM, Effect.REPLACES, Effect.IRREVERSIBLE)


class PerCall(msgspec.Struct, frozen=True):
    """An effect that depends on the parameters.

    ``of`` returns the effect of a call, ``usual`` is that of a call without options that only read, and
    ``opens`` is what the command's key does in the console before anything is confirmed there, if that is not
    ``usual``.
    """

    of: Callable[[Any], Effect]
    usual: Effect
    opens: Effect | None = None


def effect_or_dry_run(effect: Effect, *, opens: Effect | None = None) -> PerCall:
    """Return ``effect``, or ``LOOKS`` if ``--dry-run`` is given."""
    return PerCall(lambda params: Effect.LOOKS if params.dry_run else effect, effect, opens)


def to_file(name: str) -> PerCall:
    """Return the effect of writing to the file in the parameter ``name``; ``-`` is standard output."""
    return PerCall(
        lambda params: Effect.LOOKS if getattr(params, name) in ("", "-") else Effect.WRITES_FILE,
        Effect.WRITES_FILE,
    )


def effect_of(command: Command[Any], params: msgspec.Struct) -> Effect:
    """Return the effect of a call."""
    return command.effect.of(params) if isinstance(command.effect, PerCall) else command.effect


def usual_effect(command: Command[Any]) -> Effect:
    """Return the effect of a call without options that only read."""
    return command.effect.usual if isinstance(command.effect, PerCall) else command.effect


def opening_effect(command: Command[Any]) -> Effect:
    """Return the effect of the command's key in the console before anything is confirmed there."""
    opens = command.effect.opens if isinstance(command.effect, PerCall) else None
    return opens or usual_effect(command)


class AdmittedCall(msgspec.Struct, frozen=True):
    """A call that was admitted: its effect, and whether its user has agreed beforehand.

    ``words`` are what the user typed or chose, for messages about the call; ``consent`` is the option that
    agrees, empty if there is none. ``shown`` are the consequences that a screen shows next to the key that
    made the call: they are not asked about again. ``keyed`` marks a call that a key of the console started:
    unlike a typed command, a key can be pressed by mistake.
    """

    effect: Effect
    words: str = ""
    consent: str = ""
    agreed: bool = False
    read_only: bool = False
    shown: tuple[str, ...] = ()
    keyed: bool = False


READING_CALL = AdmittedCall(Effect.LOOKS)
"""A call that only reads, for code that runs outside a command."""


class Unconfirmed(DecisionNeeded):
    """A call that replaces values or cannot be undone, without anyone to ask or an option that agrees."""


class Question(msgspec.Struct, frozen=True):
    """The question that the user is asked before a call continues.

    ``ask`` is the question, ``lines`` are the consequences computed from the very change that will be
    applied, ``button`` is the name of the action on a button, and ``safe`` says whether an empty answer means
    yes. With ``type_in`` the user types that text instead of answering yes. A question that is ``keyed`` is
    asked only if a key started the call, because a typed command is explicit enough.
    """

    ask: str
    lines: Iterable[str] = ()
    button: str = ""
    safe: bool = False
    type_in: str = ""
    keyed: bool = False


def refusal(effect: Effect, *, read_only: bool) -> str:
    """Return why read-only mode refuses a call with this effect, in a sentence; empty if it does not."""
    return READ_ONLY if read_only and effect.writes else ""


def admit(
    command: Command[Any], params: msgspec.Struct, *, read_only: bool, keyed: bool = False
) -> AdmittedCall:
    """Decide whether a call may run at all, and describe it for the questions that follow.

    ``keyed``: a key of the console started it.

    Raises:
        ReadOnly: The call would write, and read-only mode is on. Nothing was opened or written.
    """
    effect = effect_of(command, params)
    words = " ".join(command.verb) or command.title
    if read_only and effect.writes:
        looks = "Add --dry-run to see what it would do, or run" if hasattr(params, "dry_run") else "Run"
        raise ReadOnly(
            f"'{words}' {_WOULD[effect]}, and read-only mode does not allow changes.",
            hint=f"{looks} it without --read-only.",
        )
    return AdmittedCall(
        effect,
        words,
        consent=command.consent if hasattr(params, command.consent) else "",
        agreed=bool(getattr(params, command.consent, False)),
        read_only=read_only,
        keyed=keyed,
    )


async def confirm_call(dialogue: Dialogue, question: Question) -> bool:
    """Ask whether the call of ``dialogue`` may continue; this is the only place that asks.

    Nothing is asked if the user agreed beforehand, or made the call next to these very consequences. If no
    one can be asked, a call that neither replaces values nor is irreversible continues.

    Raises:
        Unconfirmed: Nobody can be asked, and the call replaces something or cannot be undone.
    """
    call = dialogue.call
    if call.read_only:
        return False
    if call.agreed or (question.keyed and not call.keyed):
        return True
    if not dialogue.interactive:
        if call.effect.needs_yes:
            raise unconfirmed_error(call)
        return True
    lines = tuple(question.lines)
    if call.shown and call.shown == lines:
        return True
    for line in lines:
        dialogue.say(visible(line, LINE))  # a line break in a name must not look like another line
    if question.type_in:
        typed = await dialogue.line(f"{question.ask} To confirm, type {question.type_in}:")
        return (typed or "").strip() == question.type_in
    return bool(await dialogue.confirm(question.ask, default=question.safe, button=question.button))


LINE = 20_000
"""The most characters of a line above a question."""


def asks(dialogue: Dialogue) -> bool:
    """Return whether :func:`confirm_call` will ask, to check before computing a question that takes long."""
    return dialogue.interactive and not dialogue.call.agreed and not dialogue.call.read_only


async def confirm_overwrite(dialogue: Dialogue, path: Path, *, replace: bool) -> bool | None:
    """Return whether an existing file is replaced; None if the user was asked and declined.

    If no one can be asked, nothing is replaced without ``replace``: the code that writes the file refuses.
    """
    if replace or not dialogue.interactive:
        return replace
    with suppress(OSError, ValueError):  # the code that writes the file reports what is wrong with its name
        if path.exists():
            question = Question("Replace it?", [f"{path} already exists."], button="Replace")
            return True if await confirm_call(dialogue, question) else None
    return replace


def unconfirmed_error(call: AdmittedCall) -> Unconfirmed:
    """Return the error of a call that needs an answer when no one can be asked."""
    option = f"--{call.consent.replace('_', '-')}"
    error = Unconfirmed(
        f"'{call.words}' {_WOULD[call.effect]}, but there is no terminal to ask you. Nothing was changed.",
        hint=f"Run it on a terminal, where it asks you, or add {option}."
        if call.consent
        else "Run it on a terminal.",
    )
    error.logged = True  # nothing happened, so there is no event
    return error


_WOULD = {
    Effect.LOOKS: "only reads",
    Effect.WRITES_FILE: "writes a file",
    Effect.WRITES_HERE: "changes what is stored here",
    Effect.WRITES_XPM: "writes to XPM",
    Effect.REPLACES: "replaces current values",
    Effect.IRREVERSIBLE: "cannot be undone",
}
