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
            "For a timer that runs while you are logged out, set XPM_TUI_KEY_FILE and connect again.",
        ),
    ),
    Case(
        id=CaseId.SETTINGS,
        title="A setting cannot be used",
        sign="A sentence names the setting, its value and where it stands.",
        cause="A typing error in settings.toml, in an environment variable or in an option.",
        steps=(
            "See every setting with its origin: xpm-tui settings list",
            "Write it anew: xpm-tui settings set KEY VALUE, or take it out: xpm-tui settings unset KEY",
            "Where the files are: xpm-tui locate",
        ),
    ),
    Case(
        id=CaseId.SCHEDULE,
        title="The daily run does not run",
        sign="Nothing has synced for days, or the doctor says that no timer is installed.",
        cause="It was never installed, logging out ended it, or nobody used the tool for 24 hours.",
        steps=(
            "See it: xpm-tui schedule show",
            "Install it; the login is then tried from the timer's own environment: xpm-tui schedule install",
            "Let it run while you are logged out: loginctl enable-linger",
            "Let it run also when nobody signed in: xpm-tui settings set schedule.require_sign_in no",
        ),
    ),
)
