"""Trouble on this machine."""

from __future__ import annotations

from xpm_tui.diagnose.cases.case import Case
from xpm_tui.model.cases import CaseId

CASES = (
    Case(
        id=CaseId.STORE,
        title="The book cannot be read",
        sign="The book is damaged, or was changed by another program.",
        cause="A disk fault, or somebody edited its files.",
        steps=(
            "Nothing was overwritten.",
            "Look what is the matter: xpm-tui book check",
            "Then: xpm-tui book repair, or xpm-tui book restore FILE",
        ),
    ),
    Case(
        id=CaseId.LOCKED,
        title="Another process has the practice",
        sign="It says who, on which machine, since when.",
        cause="A run is going on, perhaps a colleague's or last night's.",
        steps=("Watch it in the console, or with: xpm-tui log --follow", "Stop it with: xpm-tui runs stop"),
    ),
    Case(
        id=CaseId.DISK,
        title="The disk is full or refuses to write",
        sign="A write failed; nothing was half-written.",
        cause="No space, no permission, or a fault of the disk.",
        steps=("Make space where xpm-tui locate points to.", "Start again: the run goes on where it was."),
    ),
    Case(
        id=CaseId.TERMINAL,
        title="This is no terminal for a full screen",
        sign="The console does not start.",
        cause="Input or output is not a terminal, or TERM is dumb.",
        steps=("Over SSH use ssh -t.", "Every act is also a verb: xpm-tui --help"),
    ),
    Case(
        id=CaseId.KEYRING,
        title="The keyring does not answer",
        sign="Tokens could not be kept in the keyring.",
        cause="It is locked, missing, or only pretends to store.",
        steps=(
            "Tokens are kept in an encrypted file instead; nothing else changes.",
            "Unlock the keyring and connect again to use it.",
        ),
    ),
)
