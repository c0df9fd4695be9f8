"""Held writes: show writes to XPM that got no answer, and read the user's decisions on them."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

from xpm_tui.domain.errors import BadInput, CaseId, DecisionNeeded, NotFound
from xpm_tui.domain.formatting import count, value, when
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.runs import open_intents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xpm_tui.application.runs.open_intents import Decision, HeldWrite
    from xpm_tui.commands.command import Dialogue
    from xpm_tui.sync.applying.recovery import Choice


_CHOICES: tuple[Choice, ...] = ("again", "drop")


def option_decisions(
    waiting: Sequence[HeldWrite], *, adopt: Sequence[str], again: Sequence[str], drop: Sequence[str]
) -> dict[str, Decision]:
    """Return the decisions in the options, by the id of the held write.

    Args:
        waiting: The writes that wait for a decision.
        adopt: ``INTENT=UUID``: XPM created this record; without a UUID, the only candidate.
        again: Ids of writes to send again.
        drop: Ids of writes not to send again.

    Raises:
        BadInput: There are two decisions for one write, or it is not clear which record it became.
        NotFound: There is no such held write.
    """
    there = {held.intent: held for held in waiting}
    pairs = (text.partition("=") for text in adopt)
    typed: list[tuple[str, Choice, str]] = [(name, "adopt", xpm) for name, _, xpm in pairs]
    typed += [(name, "again", "") for name in again]
    typed += [(name, "drop", "") for name in drop]
    found: dict[str, Decision] = {}
    for name, choice, xpm in typed:
        intent = name.strip()
        if intent in found:
            raise BadInput(
                f"There are two decisions for {intent}.", hint="Use one of --adopt, --again and --drop."
            )
        if intent not in there:
            raise NotFound(
                f"There is no held write with the id {intent}.", hint="See them: xpm-tui runs release"
            )
        found[intent] = decision_of(there[intent], choice, xpm.strip())
    return found


def decision_of(held: HeldWrite, choice: Choice, xpm: str) -> Decision:
    """Return one decision; a number selects a candidate, and without one the only candidate is used."""
    if choice != "adopt":
        return open_intents.Decision(held.intent, choice)
    at = int(xpm) if xpm.isdecimal() and len(xpm) < 4 else 0
    if 0 < at <= len(held.candidates):
        xpm = held.candidates[at - 1].uuid
    if not xpm and len(held.candidates) == 1:
        xpm = held.candidates[0].uuid
    if not xpm:
        raise BadInput(f"Name the XPM record that {held.intent} became.", hint=f"--adopt {held.intent}=UUID")
    return open_intents.Decision(held.intent, "adopt", xpm)


async def ask_decision(held: HeldWrite, dialogue: Dialogue, zone: tzinfo) -> Decision | None:
    """Show one held write and ask; None for an empty answer, which leaves it held."""
    for line in held_write_lines(held, zone):
        dialogue.say(line)
    adopt = "the number, UUID or web address of the record that it became" if held.candidates else "its UUID"
    while True:
        typed = await dialogue.line(
            f"Type {adopt}, 'again' to send it again, 'drop' not to send it again, or nothing to "
            "decide later:"
        )
        answer = (typed or "").strip()
        if not answer:
            return None
        for choice in _CHOICES:
            if answer.casefold() == choice:
                return decision_of(held, choice, "")
        if answer.isdecimal() and len(answer) < 4 and not 0 < int(answer) <= len(held.candidates):
            dialogue.say(f"There is no candidate {answer}.")
            continue
        return decision_of(held, "adopt", answer)


def held_write_lines(held: HeldWrite, zone: tzinfo) -> list[str]:
    """Return one held write as lines: what it was, what was sent, and its possible result."""
    sent = ", ".join(f"{field.replace('_', ' ')} {value(each)}" for field, each in held.sent.items())
    lines = [f"{held.intent}  {held.message}", f"    sent {when(held.sent_at, zone)}: {sent}"]
    for at, each in enumerate(held.candidates, 1):
        text = "  ".join(filter(None, (each.number, each.name, each.email)))
        lines.append(f"    {at}  {each.uuid}  {text}")
    return lines if held.candidates else [*lines, "    XPM has no new record that could be this one."]


def still_undecided(left: Sequence[HeldWrite]) -> DecisionNeeded:
    """Return the error for writes that still wait for a decision."""
    first = left[0].intent
    return DecisionNeeded(
        f"{count(len(left), 'write')} to XPM got no answer and need your decision.",
        hint=f"Look in XPM, then: xpm-tui runs release --adopt {first}=UUID, --again {first} or "
        f"--drop {first}",
        case=CaseId.HELD,
    )
