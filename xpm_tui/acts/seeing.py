"""What a person sees and no program can: a list to pick from in text, and the way out of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xpm_tui.acts.act import Talk

if TYPE_CHECKING:
    from xpm_tui.diagnose.cases.seen import Seen


async def pick(talk: Talk, offered: Sequence[Seen], question: str) -> Seen | None:
    """Have one picked by its number or its word; None for an empty line, or where nobody answers."""
    for number, each in enumerate(offered, 1):
        talk.say(f"  {number:>2}  {each.words}")
    while True:
        typed = (await talk.line(f"{question} A number, or enter for none of these:") or "").strip()
        if not typed:
            return None
        for number, each in enumerate(offered, 1):
            if typed.casefold() in (str(number), each.key):
                return each
        talk.say(f"Please type a number from 1 to {len(offered)}.")


def shown(seen: Seen) -> list[str]:
    """The way out of an answer, line by line."""
    from xpm_tui.diagnose.cases.book_of_cases import case
    from xpm_tui.diagnose.telling import told

    found = case(seen.case or "")
    return told(found) if found is not None else [seen.advice]
