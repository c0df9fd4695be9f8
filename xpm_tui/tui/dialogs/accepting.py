"""Accepting all that is clear, of the team and of the services: shown and asked with the count, then done."""

from __future__ import annotations

from collections.abc import Sequence

from xpm_tui.acts.consequences import action, named, question
from xpm_tui.model.book import Service
from xpm_tui.model.consequences import Consequences
from xpm_tui.model.xpm import Template
from xpm_tui.service.jobs import templates
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.team import linking as team
from xpm_tui.sync.consequences import of_links
from xpm_tui.tui import when
from xpm_tui.tui.dialogs.dialog import Confirm
from xpm_tui.tui.host import Host

NAMED = 8
"""Pairs that are named in the question; the others are counted."""


def same_names(practice: OpenPractice) -> list[tuple[Service, Template]]:
    """The services with the one template of the same name."""
    return templates.same_names(practice.snapshot())


async def accept_emails(app: Host) -> bool:
    """Link everybody whose e-mail is the same; False where there is nobody, or a person said no."""
    found = await app.desk.ask(team.email_matches)
    if not found:
        app.toast("Nobody who is not linked has the same e-mail on both sides.")
        return False
    pairs = [f"{view.name}  =  {view.proposals[0].name} <{view.proposals[0].email}>" for view in found]
    if not await _yes(app, pairs, of_links(people=len(found)), "whose e-mail is the same"):
        return False
    done = await app.desk.ask(team.accept_emails)
    await app.refresh_pulse()
    app.toast(f"{when.counted(len(done), 'person', 'people')} linked to XPM.\nu in Team takes it back.")
    return True


async def accept_same_names(app: Host) -> bool:
    """Link every open service to the template of its name; False where there is none, or a person said no."""
    found = await app.desk.ask(same_names)
    if not found:
        app.toast("No open service has the name of exactly one job template.")
        return False
    pairs = [f"{service.name}  =  {template.name}" for service, template in found]
    if not await _yes(app, pairs, of_links(services=len(found)), "to the job template of the same name"):
        return False
    done = await app.desk.ask(templates.accept_same)
    await app.refresh_pulse()
    app.toast(f"{when.counted(len(done), 'service')} linked.\nu in Templates takes it back.")
    return True


async def _yes(app: Host, pairs: Sequence[str], found: Consequences, about: str) -> bool:
    text = "\n".join([*named(pairs, NAMED), "", question(found, about)])
    answer: bool | None
    answer = await app.push_screen_wait(Confirm(text, title="Accept all", yes=action(found), no="Cancel"))
    return bool(answer)
