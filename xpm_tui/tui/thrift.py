"""Fewer bytes for the same picture: a look is sent as what differs from the look before it.

Rich ends every piece of text with a reset and begins the next with all its colours: over a slow line that is
half of what is sent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_LOOKS = re.compile(r"\x1b\[([0-9;]*)m")
_MOVES = re.compile(r"(?:\x1b\[[0-9;]*H|\r|\n)*")


class _Look(NamedTuple):
    ink: str = ""
    paper: str = ""
    extras: frozenset[str] = frozenset()


_PLAIN = _Look()


def thrifty(data: str) -> str:
    """The same text and looks in fewer bytes. Begins and ends in the same look as ``data``, from plain."""
    first, *rest = _LOOKS.split(data)
    sent = [first]
    now = wanted = _PLAIN
    for codes, text in zip(rest[::2], rest[1::2], strict=True):
        wanted = _after(wanted, codes)
        if not text:
            continue
        if not _MOVES.fullmatch(text):
            look = wanted
            reset = now.paper and not wanted.paper  # which takes the ink too: to send it again would cost
            if not (wanted.extras or now.extras or text.strip(" ") or reset):
                look = wanted._replace(ink=now.ink)  # blanks show no ink
            if look != now:
                sent.append(_change(now, look))
                now = look
        sent.append(text)
    if now != wanted:
        sent.append(_change(now, wanted))
    return "".join(sent)


@lru_cache(4096)
def _after(look: _Look, codes: str) -> _Look:
    """The look after a sequence with these codes."""
    ink, paper, extras = look
    parts = iter((codes or "0").split(";"))
    for part in parts:
        code = int(part or 0)
        if code == 0:
            ink, paper, extras = _PLAIN
        elif code in (38, 48):
            kind = next(parts)
            colour = ";".join((part, kind, *(next(parts) for _ in range(1 if kind == "5" else 3))))
            ink, paper = (colour, paper) if code == 38 else (ink, colour)
        elif 30 <= code <= 39 or 90 <= code <= 97:
            ink = "" if code == 39 else part
        elif 40 <= code <= 49 or 100 <= code <= 107:
            paper = "" if code == 49 else part
        else:
            extras = extras | {part}
    return _Look(ink, paper, extras)


@lru_cache(4096)
def _change(old: _Look, new: _Look) -> str:
    """What makes the one look the other."""
    codes: list[str] = []
    if old.extras - new.extras or (old.ink and not new.ink) or (old.paper and not new.paper):
        codes, old = ["0"], _PLAIN
    codes += sorted(new.extras - old.extras)
    codes += [colour for colour, before in zip(new[:2], old[:2], strict=True) if colour != before]
    return "\x1b[m" if codes == ["0"] else f"\x1b[{';'.join(codes)}m"
