"""Keys from acts: one table feeds the bindings, the footer, the palette and the help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import COMMANDS, for_area
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.dialogs.palette import PaletteEntry

with lazy_imports():
    from xpm_tui.diagnostics import error_presenter
    from xpm_tui.diagnostics.known_problems import registry as problems

MOST_SHOWN = 7
"""Entries of a footer: more are cut off at 80 columns, without a sign."""

COMMAND_LINE = frozenset({"log", "status", "clients.list", "runs.list", "settings.list", "team.list"})
"""Acts that an area shows all the time: as an entry of the palette they would only be a worse copy."""

SYNONYMS: dict[str, str] = {
    "connect": "third party apps app store integration authorise authorize sign in login xero",
    "disconnect": "third party apps remove app sign out log out revoke",
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
    "runs.resume": "continue go on stopped",
    "runs.release": "continue held approve",
    "runs.retry": "refused failed error again",
    "policy": "fields mapping what is synced field table",
    "policy.set": "direction master overwrite two-way",
    "settings.set": "preferences options configuration theme colour",
    "schedule.install": "daily automatic cron systemd timer",
    "doctor": "error problem help support diagnose trouble broken not working bundle",
    "cases.list": "error problem help support trouble",
    "cases.seen": "error page message browser problem help third party",
    "jobs.deploy": "create job xpm work",
    "templates.link": "services job template mapping",
    "team.link": "staff people users map",
    "team.pick": "staff people users import",
    "data.backup": "save copy archive",
    "practices.switch": "change company organisation tenant account",
}
"""Other words under which people look for a command: those of Ignition, of Xero and of other programs."""

_SHOWN = {"slash": "/", "colon": ":", "question_mark": "?", "escape": "esc", "delete": "del"}


def key_label(key: str) -> str:
    """A key as people read it."""
    return _SHOWN.get(key, key)


def bindings(area: str) -> list[Binding]:
    """The bindings of an area's acts; the first few with a footer word are shown."""
    found: list[Binding] = []
    room = MOST_SHOWN
    for act in for_area(area):
        if not act.key:
            continue
        show = bool(act.footer) and room > 0
        room -= show
        found.append(
            Binding(
                act.key,
                f"act({act.name!r})",
                act.footer or act.title,
                show=show,
                tooltip=act.help,
                id=act.name,
            )
        )
    return found


def entries(area: str, situation: Situation) -> list[PaletteEntry]:
    """What the palette offers: acts of the area first, then those of everywhere, each with its reason."""
    here = for_area(area)
    rest = [act for act in COMMANDS if act not in here and act.name not in COMMAND_LINE]
    rest.sort(key=lambda act: act.name.partition(".")[0] != area)
    return [
        PaletteEntry(
            name=act.name,
            title=act.title,
            help=act.help,
            key=key_label(act.key) if act in here else "",
            words=" ".join((*act.verb, *act.aliases, SYNONYMS.get(act.name, ""))),
            reason=act.unavailable(situation),
        )
        for act in (*here, *rest)
    ]


PROBLEM = "problem:"
"""Before the id of a known problem, in the name of its entry."""


def problem_entries() -> list[PaletteEntry]:
    """The known problems, each to be found by its words; they are no commands and have no key."""
    return [
        PaletteEntry(
            name=f"{PROBLEM}{case.id}",
            title=error_presenter.problem_title(case),
            help=case.sign,
            words=f"error trouble help {case.cause}",
        )
        for case in problems.CASES.values()
    ]


def page(title: str, about: str, area: str, more: Sequence[tuple[str, str]] = ()) -> HelpPage:
    """The help of an area: what it is for, then its keys."""
    keys = [(key_label(act.key), act.title) for act in for_area(area) if act.key]
    return HelpPage(title, about, [*keys, *more])
