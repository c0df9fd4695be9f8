"""Asking about writes of which nobody can tell what became, before a held run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from xpm_tui.acts.words import when

if TYPE_CHECKING:
    from xpm_tui.acts.act import Talk
    from xpm_tui.service.practice import OpenPractice
    from xpm_tui.service.unclear import UnclearWrite

Sent = Literal["", "adopt", "again", "drop"]

_ANSWERS: dict[str, Sent] = {"adopt": "adopt", "again": "again", "drop": "drop"}


async def decide_unclear(practice: OpenPractice, talk: Talk, sent: Sent = "", xpm: str = "") -> list[str]:
    """Decide all writes that wait, as ``sent`` says or as the person answers; gives a line for each.

    Without ``sent`` and with nobody to ask they stay. Raises ``NeedsPerson`` where ``adopt`` is not plain.
    """
    from xpm_tui.service.unclear import decide, unclear

    lines = []
    for write in unclear(practice):
        choice, record = sent, xpm
        if not choice and talk.interactive:
            for line in _shown(write):
                talk.say(line)
            answer = (await talk.line("adopt [UUID], again, drop; enter leaves it: ") or "").split()
            choice = _ANSWERS.get(answer[0], "") if answer else ""
            record = answer[1] if len(answer) > 1 else ""
        if choice:
            decide(practice, write.id, choice, record)
            lines.append(f"{write.name} ({write.record}), {write.what}: {choice}.")
    return lines


def _shown(write: UnclearWrite) -> list[str]:
    at = when(write.sent_at) if write.sent_at else "some time"
    lines = [f"{write.name} ({write.record}): {write.what} was sent at {at}; {write.why}."]
    return lines + [f"  It may be {each.name} ({each.id})." for each in write.candidates]
