"""Every screen and dialog of the console and how to reach it, in a practice where every name is hostile."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from unicodedata import normalize

import msgspec
from rich.segment import Segment
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Button, Footer, Input

from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, settle
from xpm_tui.application.clients import field_policy, links
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.csv_io import intake
from xpm_tui.application.csv_io.imports import import_file
from xpm_tui.application.jobs import deployment, proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.runs import plans, runner
from xpm_tui.domain.ignition import Client, Contact, Proposal, ProposalService, Service, TeamMember
from xpm_tui.domain.ports import Put, Write
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, META, PROPOSALS, RUNS, SERVICES, TEAM
from xpm_tui.domain.xpm import Category, RecordReference, Staff, Template, XpmContact, XpmJob
from xpm_tui.tui.app import Console
from xpm_tui.tui.dialogs.dialog import discard_question
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.screens.overview import NextStep
from xpm_tui.tui.widgets.cells import fit
from xpm_tui.tui.widgets.frame import KeyExplainer
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.table import GAP, TableRows, _fit_ids, _full_text
from xpm_tui.tui.widgets.text import Lines
from xpm_tui.tui.wizard.screen import QUESTIONS

FILE = "clients.csv"
"""The file that the console imports on this walk; its headings and cells are hostile, too."""

TERMS = (
    "Proposal Number", "Proposal Name", "Client Name", "Service Name", "Price", "Start Date", "End Date",
    "Proposal Status",
)  # fmt: skip
"""The headings of Ignition's file of proposals."""

MARKS = "\u202e\u202c\u200b"
"""Characters that change the direction of text, or are invisible."""

NOWHERE = {f"xero.{name}_url": "http://127.0.0.1:9" for name in ("login", "identity", "api")}
"""Addresses where nobody answers, so that the doctor finds problems."""

DISCARD = discard_question().title_text

DOCTOR = ("colon", "=doctor", "enter")
LAST_RUN = ("tab", "tab", "end", "enter")
"""The keys that lead to the run that wrote everything."""
WIZARD = ("c", *("f2",) * 8)
"""The keys that lead to the first step of the wizard."""

STOPS: dict[str, Sequence[str]] = {
    "overview": (),
    "letters": ("g",),
    "palette": ("colon",),
    "palette-words": ("colon", "=freeze"),
    "help": ("f1",),
    "run": ("enter",),
    "run-help": ("enter", "f1"),
    "run-log": LAST_RUN,
    "run-line": (*LAST_RUN, "up", "up"),
    "run-values": (*LAST_RUN, "v"),
    "run-undo": (*LAST_RUN, "u"),
    "undo-plan": (*LAST_RUN, "u", "escape", "plus", "down"),
    "run-filter": ("enter", "slash"),
    "plan-review": ("s",),
    "plan-open": ("s", "plus"),
    "plan-by-client": ("s", "v", "plus"),
    "plan-help": ("s", "f1"),
    "apply-dialog": ("s", "a"),
    "plan-change": ("s", "plus", "down"),
    "differences": ("s", "W"),
    "conflicts": ("W",),
    "conflicts-help": ("W", "f1"),
    "command-log": ("s", "escape", "at"),
    "inbox": ("I",),
    "inbox-folder": ("I", "e"),
    "screenshot": ("f8",),
    "known-problem": ("colon", "=T1", "enter"),
    "practices": ("f9",),
    "new-practice": ("f9", "n"),
    "clients": ("g", "c"),
    "clients-filter": ("g", "c", "slash", "=a"),
    "clients-side": ("g", "c", "enter"),
    "clients-frozen": ("g", "c", *("right_square_bracket",) * 5),
    "edit-client": ("g", "c", "end", "e"),
    "new-client": ("g", "c", "n"),
    "freeze-form": ("g", "c", "home", "f"),
    "unfreeze-form": ("g", "c", "6", "colon", "=unfreeze", "enter"),
    "ignore-form": ("g", "c", "i"),
    "create-form": ("g", "c", "end", "colon", "=create the client in xpm", "enter"),
    "delete-client": ("g", "c", "end", "R"),
    "discard": ("g", "c", "e", "=x", "escape"),
    "address": ("g", "c", "home", "o"),
    "map": ("g", "c", "end", "m"),
    "map-help": ("g", "c", "m", "f1"),
    "pick": ("g", "c", "p"),
    "pick-all": ("g", "c", "p", "f5"),
    "bulk-review": ("g", "c", "r"),
    "review-last": ("g", "c", "r", *("n",) * 8),
    "review-save": ("g", "c", "r", "w"),
    "pick-file": ("g", "c", "I"),
    "import": ("g", "c", "I", f"={FILE}", "enter"),
    "map-column": ("g", "c", "I", f"={FILE}", "enter", "down", "down", "m"),
    "encoding": ("g", "c", "I", f"={FILE}", "enter", "F"),
    "export": ("g", "c", "X"),
    "export-all": ("g", "c", "X", "v", "v"),
    "export-to": ("g", "c", "X", "v", "v", "w"),
    "team": ("g", "t"),
    "team-link": ("g", "t", "m"),
    "team-edit": ("g", "t", "e"),
    "team-pick": ("g", "t", "p"),
    "error": ("g", "t", "u"),
    "templates": ("g", "l"),
    "templates-accept": ("g", "l", "a"),
    "templates-defaults": ("g", "l", "P", "enter"),
    "service-budget": ("g", "l", "E"),
    "services-export": ("colon", "=export services", "enter"),
    "templates-link": ("g", "l", "m"),
    "jobs": ("g", "j"),
    "job": ("g", "j", "home", "down", "enter"),
    "job-edit": ("g", "j", "home", "down", "e"),
    "held-job": ("g", "j", "home", "enter"),
    "deploy-which": ("g", "j", "home", "down", "d"),
    "deploy": ("g", "j", "home", "down", "d", "enter"),
    "deploy-all": ("g", "j", "home", "down", "d", "down", "enter"),
    "retry": ("g", "j", "home", "t"),
    "audit": ("g", "j", "r"),
    "audit-finding": ("g", "j", "r", "enter"),
    "months": ("g", "j", "M"),
    "jobs-in-xpm": ("g", "j", "left_square_bracket", "left_square_bracket"),
    "job-in-xpm": ("g", "j", "left_square_bracket", "left_square_bracket", "enter"),
    "proposals": ("g", "j", "v"),
    "proposal": ("g", "j", "v", "enter"),
    "take-form": ("g", "j", "v", "end", "T"),
    "revoke-form": ("g", "j", "v", "delete"),
    "renewed": ("g", "j", "v", "5"),
    "changes": ("g", "j", "v", "5", "W"),
    "roll-over": ("g", "j", "v", "5", "N"),
    "roll-over-review": ("g", "j", "v", "5", "N", "down", "enter"),
    "sync": ("g", "s"),
    "sync-filter": ("g", "s", "slash", "=a"),
    "sync-line": ("g", "s", "home"),
    "settings": ("g", "e"),
    "direction": ("g", "e", "slash", "=direction", "enter", "enter"),
    "direction-ask": ("g", "e", "slash", "=direction", "enter", "enter", "down", "enter"),
    "fields-off": ("g", "e", "slash", "=switched off", "enter", "enter"),
    "settings-filter": ("g", "e", "slash", "=redirect", "enter"),
    "setting-text": ("g", "e", "slash", "=redirect", "enter", "enter"),
    "setting-wrong": ("g", "e", "slash", "=redirect", "enter", "enter", "=x", "enter"),
    "setting-words": ("g", "e", "slash", "=sync.clear", "enter", "enter"),
    "policy": ("g", "e", "P"),
    "policy-frozen": ("g", "e", "P", *("down",) * 19, "enter"),
    "wizard": ("c",),
    **{
        f"wizard-{name}": (*WIZARD, *("f3",) * place) for place, name in enumerate(QUESTIONS) if name != "app"
    },
    "doctor": DOCTOR,
    "doctor-way-out": (*DOCTOR, "enter"),
    "doctor-seen": (*DOCTOR, "h"),
    "bundle": (*DOCTOR, "b"),
    "bundle-read": (*DOCTOR, "b", "F", *("down",) * 8, "space"),
    "bundle-to": (*DOCTOR, "b", "w"),
}
"""The keys that lead from Overview to each stop."""


async def hostile(folder: Path, names: Sequence[str] = HOSTILE, person: str = "") -> ConsoleFixture:
    """Prepare a practice with a completed run and a conflict, where every name and text is one of these.

    ``person`` is the title of the practice and the name of its user, if these are not to be hostile.
    """
    env = ConsoleFixture(folder / "[/] hostile", settings=NOWHERE, names=names)
    name = names[4]
    env.xpm.people = [
        Staff(uuid=f"staff-{n}", name=each, email=f"[{n}]@\x1b[31m.example") for n, each in enumerate(names)
    ]
    env.xpm.job_templates = [Template(uuid=f"template-{n}", name=each) for n, each in enumerate(names)]
    env.xpm.job_categories = [Category(uuid=f"category-{n}", name=each) for n, each in enumerate(names)]
    env.xpm.jobs = [
        XpmJob(
            number=f"J{n}",
            name=each,
            client=RecordReference(uuid="", name=each),
            state=each,
            order_number=each,
        )
        for n, each in enumerate(names)
    ]
    for uuid, row in list(env.xpm.rows.items()):
        if row.name in names:
            contact = XpmContact(
                uuid=f"{uuid}-k", name=row.name, email=row.name, phone=row.name, primary=True
            )
            env.xpm.edit(
                uuid, code=row.name, city=row.name, email=row.name, phone=row.name, address=row.name,
                contacts=(contact,), groups=(RecordReference(f"g-{uuid}", row.name),), structure=row.name,
            )  # fmt: skip
    writes: list[Write] = [
        Put(TEAM, TeamMember(id=f"t{n}", name=each, email=each, staff=f"staff-{n}" if n < 3 else ""))
        for n, each in enumerate(names)
    ]
    writes += [
        Put(SERVICES, Service(id=f"s{n}", name=each, templates=(f"template-{n}",) if n < 4 else ()))
        for n, each in enumerate(names)
    ]
    for n, each in enumerate(names):
        contact_ = Contact(id=f"k8{n}", name=each, email=each, phone=each, primary=True)
        writes.append(Put(CLIENTS, Client(id=f"c8{n}", name=f"{each} twin", client_id=each, city=each,
                                          contacts=(contact_,))))  # fmt: skip
        writes.append(
            Put(PROPOSALS, Proposal(
                id=f"o{n}", name=each, number=each, client=f"c{30 + n}", state="accepted",
                start=date(2026, 6, 1), end=date(2027, 5, 31),
                services=(ProposalService(name=each, service=f"s{n}"),),
            ))
        )  # fmt: skip
    with env.open() as practice:
        practice.store.commit(writes)
        await runner.run(practice, full=True, reviewed=True)
        proposals.take_over(practice, ["o0", "o1", "o2", "o3", "o4"])
        practice.settings.set("jobs.ignition_deploys", "no", practice=True)
        first = jobs.list_jobs(practice)[0].id
        await deployment.deploy_jobs(practice, jobs.choose(practice, [first]), reviewed=True)
        assert jobs.row_of(practice, first).state == "held"
        phone = person or name[:20].replace("\x1b", "").replace("\x07", "") or "1"
        edit_client(practice, "c3", {"phone": phone})
        env.xpm.edit("00000000-0000-0000-0000-000000000003", phone=name)
        field_policy.freeze(practice, "c34", ["phone"], "[/] because [bold]")
        links.ignore(practice, "c85", "[@click=app.quit]no[/]")
        identity = practice.snapshot().get(META, "identity")
        assert identity is not None
        reported = {**msgspec.to_builtins(identity.value), "title": person or names[0], "by": person or name,
                    "login": person or name}  # fmt: skip
        at = practice.clock.now()
        held = Run(id="r900", started=at, ended=at, by=person or name, host=person or names[1], plan="p900",
                   outcome="failed", error=person or name)  # fmt: skip
        practice.store.commit([Put(META, msgspec.structs.replace(identity, value=reported)), Put(RUNS, held)])
        await _receive(practice, folder, names)
        await plans.make(practice, full=True)
    (folder / FILE).write_text(
        "Client ID,Client Name,Contact Name,Contact Email,[/] Tel,\x1b[31mX\n"
        f'CLI-0034,"{names[4]}",[bold]Pat,pat@x.example,1,[/]\n'
        "CLI-0035,[@click=app.quit]Click[/],Pat,c35@x.example,[@click=app.quit]1[/],2\n"
        "CLI-0099,,Nobody[/],n@x.example,2,3\n",
        encoding="utf-8",
    )
    (folder / "[/] folder").mkdir(exist_ok=True)
    (folder / "\x1b[31mred.csv").write_text("x", encoding="utf-8")
    return env


async def _receive(practice: OpenPractice, folder: Path, names: Sequence[str]) -> None:
    """Import proposals that are renewed, and files of the inbox, of which one fails."""
    name = names[4]
    for year in (2026, 2027):
        path = folder / "terms.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(TERMS)
            for number in (81, 82):
                term = (f"{year}-07-01", f"{year + 1}-06-30")
                rows.writerow(
                    (f"P-{number}", name, "Client 00005", f"{name} {number}", year, *term, "Accepted")
                )
        import_file(practice, "proposals", path)
        if year == 2026:
            proposals.take_over(practice, ["P-81", "P-82"])
    inbox = intake.set_up(practice, folder / "[/] in").root
    for key in ("inbox.settle_seconds", "inbox.patience_seconds"):
        practice.settings.set(key, "0", practice=True)
    for number, each in enumerate((*names[:2], "")):
        about = {"client_id": f"CLI-000{number + 4}", "city": each}
        event = {"event": "client.changed", "at": "2026-05-03T21:05:00Z", "client": about}
        text = json.dumps(event if each else {"event": "client.[/]"})
        (inbox / f"[{number}] {name[:60].replace('/', '-')} {number}.json").write_text(text, encoding="utf-8")
    await intake.empty_inbox(practice)


async def home(pilot: Pilot[Any]) -> None:
    """Return to Overview with escape alone, and restore its lists."""
    app = pilot.app
    assert isinstance(app, Console)
    for _ in range(8):
        if isinstance(app.screen, AreaScreen):
            break
        await press(pilot, "y" if getattr(app.screen, "title_text", "") == DISCARD else "escape")
    assert isinstance(app.screen, AreaScreen), f"no way back with escape from {type(app.screen).__name__}"
    await press(pilot, "escape", "escape")
    if app.screen.AREA != "overview":
        app.go("overview")
        await settle(pilot)
    app.screen.query_one(NextStep).focus()
    await settle(pilot)


def cut(app: Console) -> list[str]:
    """Return the names of footers that scroll and of buttons that are cut."""
    found = [
        f"footer: {footer.max_scroll_x} too wide"
        for footer in app.screen.query(Footer)
        if footer.max_scroll_x
    ]
    for button in app.screen.query(Button):
        scrolls = any(node.has_class("choices") for node in button.ancestors_with_self)
        if button.display and not scrolls and not app.screen.region.contains_region(button.region):
            found.append(f"button {button.id} at {button.region}")
    return found


def mute(app: Console) -> list[str]:
    """Return the dimmed keys of the footer that give no reason when they are pressed."""
    found: list[str] = []
    for key, active in app.screen.active_bindings.items():
        if active.enabled or not active.binding.show:
            continue
        area, action = app.screen, active.binding.action
        if isinstance(area, AreaScreen) and active.binding.id:
            reason = area._commands[active.binding.id].unavailable(area.situation())
        else:
            reason = area._against(action.partition("(")[0]) if isinstance(area, KeyExplainer) else ""
        found += [] if reason else [f"{key}: {action} is dim without a reason"]
    return found


WHOLE = 2_000
"""A width in columns in which no row is cut."""


def alike(app: Console) -> list[str]:
    """Return visible rows, and cells of a column, that differ but look the same."""
    found: list[str] = []
    for rows in app.screen.query(Rows).results():
        seen: dict[tuple[int, str], str] = {}
        columns = rows.scrollable_content_region.width
        first = rows.scroll_offset.y // rows.row_height
        last = min(rows.count(), first + rows.size.height // rows.row_height)
        for place in range(first, last) if rows.display else ():
            shown, whole = _row(rows, place, columns), _row(rows, place, WHOLE)
            texts = [(shown, whole)]
            if isinstance(rows, TableRows):
                texts += _cells(rows, place, shown, columns)
            for column, (text, full) in enumerate(texts):
                full = normalize("NFC", full)
                if seen.setdefault((column, text), full) != full:
                    found.append(f"{text!r} is both {seen[column, text]!r} and {full!r}")
    return found


def _row(rows: Rows, place: int, columns: int) -> str:
    lines = [fit(rows.draw(place, line, columns), columns) for line in range(rows.row_height)]
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


def _cells(rows: TableRows[Any], place: int, shown: str, columns: int) -> list[tuple[str, str]]:
    """Return what is shown of each cell of a row, and all of it."""
    found, at = [], 1
    item = rows.cells(rows.items[place])
    sizes = _fit_ids(rows.columns, rows.widths(columns - 1), item)
    strip = Strip([Segment(shown)])
    for size, cell in zip(sizes, item, strict=True):
        text = strip.crop(at, at + size).text.strip() if size else ""
        found.append((text, _full_text(cell).strip() if size else ""))
        at += size + GAP if size else 0
    return found


def lost(app: Console, start: str, end: str) -> list[str]:
    """Return texts outside of lists in which a name begins, but what differs at its end is not shown.

    Args:
        app: The console.
        start: How all names begin.
        end: A pattern for how they end.
    """
    found = []
    rows = [strip.text for strip in app.screen._compositor.render_strips()]
    for widget in app.screen.walk_children(Widget):
        if isinstance(widget, Lines | Input) or not widget.region or widget.visible is False:
            continue
        region = app.screen.find_widget(widget).visible_region
        lines: Sequence[int] = range(region.y, region.bottom)
        if any(isinstance(each, Widget) for each in widget.children):
            framed = widget.border_title or widget.border_subtitle
            lines = [region.y, region.bottom - 1] if framed else []
        elif any(each.max_scroll_y for each in widget.ancestors if isinstance(each, Widget)):
            continue  # what is hidden is read by scrolling
        text = " ".join(rows[at][region.x : region.right] for at in lines if at < len(rows))
        text = " ".join(text.translate(FRAMES).split())
        if text.count(start) > len(re.findall(end, text)):
            found.append(f"{type(widget).__name__} {widget.classes}: {text}")
    return found


FRAMES = dict.fromkeys(map(ord, "│┃─━╭╮╰╯┏┓┗┛▁▂▃▄▅▆▇█"), " ")


def unsafe(app: Console) -> list[str]:
    """Return what no screen may show: control characters, direction marks, a link from data."""
    found: list[str] = []
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            bad = [
                c for c in segment.text if ord(c) < 32 or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u202c\u200b"
            ]
            if bad:
                found.append(f"{bad!r} in {segment.text!r}")
            meta = segment.style.meta if segment.style and segment.style.meta else {}
            if "\\[" in segment.text:
                found.append(f"an escape of markup in {segment.text!r}")
            if "app.quit" in str(meta) or (segment.style and segment.style.link):
                found.append(f"a live link in {segment.text!r}")
    return found
