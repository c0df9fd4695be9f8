"""Every screen and dialog of the console and how to reach it, in a practice where every name is hostile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from textual.pilot import Pilot
from textual.widgets import Button, Footer

from tests.tui.fixtures import HOSTILE, ConsoleFixture, press, settle
from xpm_tui.application.clients import field_policy, links
from xpm_tui.application.clients.edits import edit_client
from xpm_tui.application.jobs import deployment, proposals
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.runs import plans, runner
from xpm_tui.domain.ignition import Client, Contact, Proposal, ProposalService, Service, TeamMember
from xpm_tui.domain.ports import Put, Write
from xpm_tui.domain.runs import Run
from xpm_tui.domain.tables import CLIENTS, META, PROPOSALS, RUNS, SERVICES, TEAM
from xpm_tui.domain.xpm import Category, RecordReference, Staff, Template, XpmContact, XpmJob
from xpm_tui.tui.app import Console
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.widgets.frame import KeyExplainer
from xpm_tui.tui.widgets.plan_tree import PlanTree
from xpm_tui.tui.widgets.rows import Rows

FILE = "clients.csv"
"""The file that the console imports on this walk; its headings and cells are hostile, too."""

MARKS = "\u202e\u202c\u200b"
"""Characters that change the direction of text, or are invisible."""

NOWHERE = {f"xero.{name}_url": "http://127.0.0.1:9" for name in ("login", "identity", "api")}
"""Addresses where nobody answers, so that the doctor finds problems."""

DOCTOR = ("colon", "=doctor", "enter")

STOPS: dict[str, Sequence[str]] = {
    "overview": (),
    "letters": ("g",),
    "palette": ("colon",),
    "palette-words": ("colon", "=freeze"),
    "help": ("f1",),
    "run": ("enter",),
    "run-help": ("enter", "f1"),
    "run-filter": ("enter", "slash"),
    "plan-review": ("s",),
    "plan-open": ("s", "plus"),
    "plan-by-client": ("s", "v", "plus"),
    "plan-help": ("s", "f1"),
    "apply-dialog": ("s", "a"),
    "conflicts": ("W",),
    "conflicts-help": ("W", "f1"),
    "practices": ("f9",),
    "new-practice": ("f9", "n"),
    "clients": ("g", "c"),
    "clients-filter": ("g", "c", "slash", "=a"),
    "clients-side": ("g", "c", "enter"),
    "clients-frozen": ("g", "c", *("right_square_bracket",) * 5),
    "edit-client": ("g", "c", "e"),
    "new-client": ("g", "c", "n"),
    "freeze-form": ("g", "c", "f"),
    "address": ("g", "c", "o"),
    "map": ("g", "c", "m"),
    "map-help": ("g", "c", "m", "f1"),
    "pick": ("g", "c", "p"),
    "bulk-review": ("g", "c", "r"),
    "review-save": ("g", "c", "r", "w"),
    "all-sure": ("g", "c", "r", "S"),
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
    "templates": ("g", "l"),
    "templates-link": ("g", "l", "m"),
    "jobs": ("g", "j"),
    "job": ("g", "j", "home", "down", "enter"),
    "job-edit": ("g", "j", "home", "down", "e"),
    "held-job": ("g", "j", "home", "enter"),
    "deploy-which": ("g", "j", "home", "down", "d"),
    "deploy": ("g", "j", "home", "down", "d", "enter"),
    "deploy-all": ("g", "j", "home", "down", "d", "down", "enter"),
    "retry": ("g", "j", "home", "t"),
    "proposals": ("g", "j", "v"),
    "sync": ("g", "s"),
    "sync-filter": ("g", "s", "slash", "=a"),
    "sync-undo": ("g", "s", "u"),
    "settings": ("g", "e"),
    "settings-filter": ("g", "e", "slash", "=redirect", "enter"),
    "setting-text": ("g", "e", "slash", "=redirect", "enter", "enter"),
    "setting-wrong": ("g", "e", "slash", "=redirect", "enter", "enter", "=x", "enter"),
    "setting-words": ("g", "e", "slash", "=sync.clear", "enter", "enter"),
    "policy": ("g", "e", "P"),
    "policy-frozen": ("g", "e", "P", *("down",) * 19, "enter"),
    "wizard": ("c",),
    "doctor": DOCTOR,
    "doctor-way-out": (*DOCTOR, "enter"),
    "doctor-seen": (*DOCTOR, "h"),
    "bundle": (*DOCTOR, "b"),
    "bundle-read": (*DOCTOR, "b", "F", *("down",) * 8, "space"),
    "bundle-to": (*DOCTOR, "b", "w"),
    "trouble": ("colon", "=make the client in xpm", "enter"),
}
"""The keys that lead from Overview to each stop."""


async def hostile(folder: Path) -> ConsoleFixture:
    """Prepare a practice with a completed run and a conflict, in which every name and text is hostile."""
    env = ConsoleFixture(folder / "[/] hostile", settings=NOWHERE)
    name = HOSTILE[4]
    env.xpm.people = [
        Staff(uuid=f"staff-{n}", name=each, email=f"[{n}]@\x1b[31m.example") for n, each in enumerate(HOSTILE)
    ]
    env.xpm.job_templates = [Template(uuid=f"template-{n}", name=each) for n, each in enumerate(HOSTILE)]
    env.xpm.job_categories = [Category(uuid=f"category-{n}", name=each) for n, each in enumerate(HOSTILE)]
    env.xpm.jobs = [
        XpmJob(
            number=f"J{n}",
            name=each,
            client=RecordReference(uuid="", name=each),
            state=each,
            order_number=each,
        )
        for n, each in enumerate(HOSTILE)
    ]
    for uuid, row in list(env.xpm.rows.items()):
        if row.name in HOSTILE:
            contact = XpmContact(
                uuid=f"{uuid}-k", name=row.name, email=row.name, phone=row.name, primary=True
            )
            env.xpm.edit(
                uuid, code=row.name, city=row.name, email=row.name, phone=row.name, address=row.name,
                contacts=(contact,), groups=(RecordReference(f"g-{uuid}", row.name),), structure=row.name,
            )  # fmt: skip
    writes: list[Write] = [
        Put(TEAM, TeamMember(id=f"t{n}", name=each, email=each, staff=f"staff-{n}" if n < 3 else ""))
        for n, each in enumerate(HOSTILE)
    ]
    writes += [
        Put(SERVICES, Service(id=f"s{n}", name=each, templates=(f"template-{n}",) if n < 4 else ()))
        for n, each in enumerate(HOSTILE)
    ]
    for n, each in enumerate(HOSTILE):
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
        edit_client(practice, "c3", {"phone": name[:20].replace("\x1b", "").replace("\x07", "") or "1"})
        env.xpm.edit("00000000-0000-0000-0000-000000000003", phone=name)
        field_policy.freeze(practice, "c34", ["phone"], "[/] because [bold]")
        links.ignore(practice, "c85", "[@click=app.quit]no[/]")
        identity = practice.snapshot().get(META, "identity")
        assert identity is not None
        reported = {**msgspec.to_builtins(identity.value), "title": HOSTILE[0], "by": name, "login": name}
        at = practice.clock.now()
        held = Run(id="r900", started=at, ended=at, by=name, host=HOSTILE[1], plan="p900", outcome="failed",
                   error=name)  # fmt: skip
        practice.store.commit([Put(META, msgspec.structs.replace(identity, value=reported)), Put(RUNS, held)])
        await plans.make(practice, full=True)
    (folder / FILE).write_text(
        "Client ID,Client Name,Contact Name,Contact Email,[/] Tel,\x1b[31mX\n"
        f'CLI-0034,"{HOSTILE[4]}",[bold]Pat,pat@x.example,1,[/]\n'
        "CLI-0035,[@click=app.quit]Click[/],Pat,c35@x.example,[@click=app.quit]1[/],2\n"
        "CLI-0099,,Nobody[/],n@x.example,2,3\n",
        encoding="utf-8",
    )
    (folder / "[/] folder").mkdir(exist_ok=True)
    (folder / "\x1b[31mred.csv").write_text("x", encoding="utf-8")
    return env


async def home(pilot: Pilot[Any]) -> None:
    """Return to Overview with escape alone, and restore its lists."""
    app = pilot.app
    assert isinstance(app, Console)
    for _ in range(8):
        if isinstance(app.screen, AreaScreen):
            break
        await press(pilot, "escape")
    assert isinstance(app.screen, AreaScreen), f"no way back with escape from {type(app.screen).__name__}"
    await press(pilot, "escape", "escape")
    if app.screen.AREA != "overview":
        app.go("overview")
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


def alike(app: Console) -> list[str]:
    """Return visible items of a list that differ but look the same."""
    found: list[str] = []
    for rows in app.screen.query(Rows).results():
        items = rows.outline.rows if isinstance(rows, PlanTree) else getattr(rows, "items", None)
        if items is None:
            continue
        seen: dict[tuple[str, ...], object] = {}
        first = rows.scroll_offset.y // rows.row_height
        for place in range(first, min(rows.count(), first + rows.size.height // rows.row_height)):
            lines = [
                rows.draw(place, line, rows.scrollable_content_region.width)
                for line in range(rows.row_height)
            ]
            text = tuple("".join(piece.text for piece in line).rstrip() for line in lines)
            item = items[place]
            if rows.display and text in seen and seen[text] != item:
                found.append(f"two rows read {text}: {seen[text]} and {item}")
            seen[text] = item
    return found


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
