"""Bindings, palette entries and help pages, all derived from the commands, and the meaning of each letter.

A letter means the same in every area and on every screen. A test compares all bindings with ``KEY_MEANINGS``:
a new action needs an entry there, or another letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding

from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import all_commands, for_area
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AREAS

with lazy_imports():
    from xpm_tui.diagnostics import error_presenter, known_problems
    from xpm_tui.tui.dialogs import help as help_dialog
    from xpm_tui.tui.dialogs import pickers

if TYPE_CHECKING:
    from xpm_tui.tui.dialogs.help import HelpPage
    from xpm_tui.tui.dialogs.pickers import PaletteEntry

MOST_FOOTER_KEYS = 7
"""The most entries of a footer; with more, the last ones would be cut off at 80 columns."""

SHOWN_BY_AREAS = frozenset({"log", "status", "clients.list", "runs.list", "settings.list", "team.list"})
"""Commands whose results an area always shows, so that the palette does not list them."""

SYNONYMS: dict[str, str] = {
    "connect": "third party apps app store integration authorise authorize sign in log in login xero wizard "
    "set up setup permission denied password token expired reconnect two factor 2fa mfa",
    "disconnect": "third party apps remove app sign out log out logout revoke",
    "clients.edit": "change update details phone address e-mail email contact group partner manager tax",
    "contacts.edit": "change update phone e-mail email",
    "clients.link": "apps xpm map connect match practice manager",
    "clients.unlink": "apps xpm disconnect detach unmap",
    "clients.review": "match map unlinked suggestions",
    "clients.pick": "import from xpm add bring in practice manager",
    "clients.freeze": "lock protect keep do not overwrite exclude",
    "clients.unfreeze": "unlock include",
    "clients.create": "new client in xpm practice manager",
    "clients.ignore": "not in xpm exclude hide",
    "duplicates": "same name twice merge double",
    "import.clients": "csv file spreadsheet excel upload bulk ignition",
    "import.services": "csv file spreadsheet excel upload bulk library",
    "import.team": "csv file spreadsheet excel upload users people",
    "import.proposals": "csv file spreadsheet excel upload deals",
    "export.clients": "csv file spreadsheet excel download ignition",
    "export.services": "csv file spreadsheet excel download",
    "export.team": "csv file spreadsheet excel download users",
    "export.proposals": "csv file spreadsheet excel download deals",
    "plan": "preview dry run compare changes",
    "sync": "refresh update push send run now",
    "undo": "revert restore roll back",
    "runs.stop": "pause cancel abort halt",
    "runs.resume": "continue go on stopped",
    "runs.release": "continue held approve",
    "runs.retry": "refused failed error again",
    "policy": "fields mapping what is synced field table",
    "policy.set": "direction master overwrite two-way",
    "settings.set": "preferences options configuration theme dark light mode colour time zone timezone",
    "schedule.install": "daily automatic cron systemd timer",
    "doctor": "error problem help support diagnose troubleshooting broken not working bundle offline network "
    "version",
    "cases.list": "error problem help support troubleshooting",
    "cases.seen": "error page message browser problem help third party",
    "inbox.setup": "zapier make webhook automation sftp upload",
    "jobs.deploy": "create job xpm work not created missing",
    "proposals.accept": "repeat recurring weekly monthly yearly job",
    "proposals.list": "engagement letter agreement contract deal accepted",
    "proposals.take": "engagement migrate existing repeat recurring",
    "proposals.rollover": "engagement renewal renew next year term",
    "clients.show": "archived details",
    "templates.link": "services job template mapping",
    "team.link": "staff people users map",
    "team.pick": "staff people users import",
    "data.backup": "save copy archive",
    "practices.switch": "change company organisation tenant account",
}
"""Other words by which users look for a command: those of Ignition, Xero and other programs."""

_KEY_LABELS = {
    "slash": "/",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "at": "@",
    "colon": ":",
    "question_mark": "?",
    "escape": "esc",
    "delete": "del",
}


def key_label(key: str) -> str:
    """Return the label of a key."""
    return _KEY_LABELS.get(key, key)


def area_bindings(area: str) -> list[Binding]:
    """Return the bindings of an area's commands; the first few that have a label are shown in the footer."""
    found: list[Binding] = []
    room = MOST_FOOTER_KEYS
    for command in for_area(area):
        if not command.key:
            continue
        show = bool(command.footer) and room > 0
        room -= show
        found.append(
            Binding(
                command.key,
                f"run_command({command.name!r})",
                command.footer or command.title,
                show=show,
                tooltip=command.help,
                id=command.name,
            )
        )
    return found


def palette_entries(area: str, situation: Situation) -> list[PaletteEntry]:
    """Return a palette entry for each command, those of the area first, with why it is unavailable."""
    here = for_area(area)
    rest = [
        command for command in all_commands() if command not in here and command.name not in SHOWN_BY_AREAS
    ]
    rest.sort(key=lambda command: command.name.partition(".")[0] != area)
    return [
        pickers.PaletteEntry(
            name=command.name,
            title=command.title,
            help=command.purpose,
            key=key_label(command.key) if command in here else "",
            words=" ".join((*command.verb, *command.aliases, SYNONYMS.get(command.name, ""))),
            reason=command.unavailable(situation),
        )
        for command in (*here, *rest)
    ]


AREA_WORDS = {
    "overview": "home dashboard start status",
    "clients": "customers companies contacts",
    "team": "staff people users",
    "templates": "services library job templates",
    "jobs": "work workflow engagement",
    "sync": "history log past runs changes",
    "settings": "preferences options configuration",
}
"""Other words by which users look for an area."""


def general_entries() -> list[PaletteEntry]:
    """Return the palette entries that are not commands: the areas, the screen, and leaving."""
    entry = pickers.PaletteEntry
    return [
        *(
            entry(f"go:{area.name}", f"Go to {area.title}", "", f"g {area.letter}", AREA_WORDS[area.name])
            for area in AREAS
        ),
        entry("redraw", "Redraw the screen", "Removes what another program has written on the screen.",
              "ctrl+l", "refresh garbled broken display"),
        entry("leave", "Leave the console", "A run in progress continues by itself.", "ctrl+q",
              "quit exit close end log out"),
        entry("screenshot", "Save a screenshot", "Save the screen as a picture and as text, for support.",
              "f8", "image picture print screen capture copy"),
        entry("command-log", "Show the command log", "What was done in this console, as commands to copy.",
              "@", "history verb shell script repeat"),
    ]  # fmt: skip


PROBLEM = "problem:"
"""The prefix of the entry names of known problems."""


def problem_entries() -> list[PaletteEntry]:
    """Return an entry for each known problem, which is found by the words of its cause."""
    return [
        pickers.PaletteEntry(
            name=f"{PROBLEM}{case.id}",
            title=error_presenter.problem_title(case),
            help=case.sign,
            words=f"error troubleshooting help {case.cause}",
        )
        for case in known_problems.KNOWN_PROBLEMS.values()
    ]


def make_help_page(title: str, about: str, area: str, more: Sequence[tuple[str, str]] = ()) -> HelpPage:
    """Return the help page of an area: its purpose, then its keys."""
    keys = [(key_label(command.key), command.title) for command in for_area(area) if command.key]
    return help_dialog.HelpPage(title, about, [*keys, *more])


class KeyMeaning(NamedTuple):
    """The meaning of a letter, and the command names and screen actions to which it may be bound."""

    meaning: str
    actions: frozenset[str]


def _meaning(meaning: str, actions: str) -> KeyMeaning:
    return KeyMeaning(meaning, frozenset(actions.split()))


KEY_MEANINGS: dict[str, KeyMeaning] = {
    "a": _meaning(
        "accept, apply, import or release what is shown, resume",
        "team.accept templates.accept proposals.accept apply release resume run runs.release",
    ),
    "A": _meaning("run all of it again", "all"),
    "b": _meaning("bundle for support", "bundle"),
    "c": _meaning("connect", "connect"),
    "C": _meaning("create in XPM", "team.create"),
    "d": _meaning("deploy", "jobs.deploy"),
    "D": _meaning("create a job again that XPM no longer has", "jobs.redeploy"),
    "e": _meaning("edit", "clients.edit team.edit services.edit jobs.edit folder"),
    "E": _meaning("edit the rules of a service", "templates.rules"),
    "f": _meaning("freeze", "clients.freeze freeze"),
    "F": _meaning("the form of a file: encoding, spreadsheet, names", "encoding flavour names"),
    "g": _meaning("go to an area", "go"),
    "G": _meaning("go to the last line", "last tail"),
    "h": _meaning("report what you see", "seen"),
    "i": _meaning("ignore or skip it", "clients.ignore jobs.skip ignore"),
    "I": _meaning("import a file, or see what came in", "import.clients import.proposals take inbox.list"),
    "j": _meaning("down", "move scroll"),
    "k": _meaning("up", "move scroll"),
    "l": _meaning("minimum level of the log", "level pane"),
    "m": _meaning("link it: choose its XPM record", "clients.link team.link templates.link map"),
    "M": _meaning("months: the jobs to come", "jobs.forecast"),
    "n": _meaning("new", "clients.new team.new services.new proposals.new plan new"),
    "N": _meaning("next term", "proposals.rollover"),
    "o": _meaning("show the address in XPM", "clients.address jobs.address"),
    "p": _meaning("bring in from XPM", "clients.pick team.pick"),
    "P": _meaning("the rules: what is synced, and the defaults for new jobs", "policy templates.defaults"),
    "r": _meaning("review what needs attention", "clients.review jobs.audit people"),
    "R": _meaning("delete what was created by mistake", "clients.delete team.delete services.delete"),
    "s": _meaning("sync", "sync clients.sync"),
    "S": _meaning("all sure ones", "sure"),
    "t": _meaning("try again", "jobs.retry retry again"),
    "T": _meaning("take over from Ignition", "proposals.take"),
    "u": _meaning("undo", "undo clients.undo team.undo templates.undo"),
    "v": _meaning(
        "view details, or another view",
        "proposals.list plan scope turn leave review show_steps values",
    ),
    "w": _meaning("write a file", "write export apply"),
    "W": _meaning("differences and conflicts", "conflicts differences proposals.changes"),
    "x": _meaning("stop", "runs.stop stop"),
    "X": _meaning("export for Ignition", "export.clients"),
    "y": _meaning("copy", "clients.copy team.copy templates.copy jobs.copy copy"),
    "0": _meaning("no job", "templates.no_job"),
    **{str(digit): _meaning(f"filter {digit} of a list", "filter") for digit in range(1, 10)},
    "f2": _meaning("the parent folder, or the previous step", "up_folder step"),
    "f3": _meaning("the next step", "step"),
    "f4": _meaning("clear the text", "clear"),
    "f5": _meaning("all that are unambiguous", "all"),
    "f6": _meaning("no job", "no_job"),
    "f8": _meaning("save the screen for support", "save_screen"),
    "f9": _meaning("the practices", "practices.list"),
    "f10": _meaning("confirm or save", "submit save"),
}

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("n", "step"): "in the bulk review: the next client",
    ("p", "step"): "in the bulk review: the previous client",
    ("y", "answer"): "in a question: yes",
    ("n", "answer"): "in a question: no",
    ("n", "leave"): "in a question: no",
}
"""Bindings of the bulk review and of questions that use a letter with another meaning."""
