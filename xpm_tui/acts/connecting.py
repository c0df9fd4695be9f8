"""Connecting in text: the wizard's steps as lines, questions only where somebody sits."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec

from xpm_tui.acts.act import Column, Result, Table, Talk
from xpm_tui.acts.params import option
from xpm_tui.acts.words import plain
from xpm_tui.model.cases import CaseId
from xpm_tui.model.errors import BadInput, LoginNeeded, NeedsPerson, Trouble
from xpm_tui.model.formatting import count
from xpm_tui.model.labels import DIRECTIONS, LEVELS
from xpm_tui.model.xpm import Tenant

if TYPE_CHECKING:
    from xpm_tui.model.plan import Direction, Level
    from xpm_tui.service.connect.connection import Connecting
    from xpm_tui.service.identity import Identity
    from xpm_tui.service.practice import OpenPractice


class Connect(msgspec.Struct, frozen=True):
    """Parameters of ``connect``."""

    no_browser: Annotated[bool, option("Open no browser: print the address, read the redirect address.")] = (
        False
    )
    tenant: Annotated[str, option("The practice, where the login opens several: its id.", "ID")] = ""
    confirm: Annotated[
        str, option("Connect another practice than before: its name, or the last six of its id.", "TEXT")
    ] = ""


async def connect(practice: OpenPractice, params: Connect, talk: Talk) -> Result:
    """Sign in, choose the practice, take direction and level from the settings, fill the mirror."""
    from xpm_tui.service.connect.connection import Connecting
    from xpm_tui.service.runs.refresh import told

    machine = Connecting(practice)
    if talk.interactive and not practice.settings.text("xero.client_id"):
        typed = await talk.line("Client id of the app that you registered with Xero:")
        machine.app({"xero.client_id": typed or ""})
    await _sign_in(machine, params, talk)
    try:
        identity = await _choose(machine, params, talk)
    except NeedsPerson as held:
        return _several(machine.tenants, held)
    settings = practice.settings
    direction, level = settings.text("sync.direction"), settings.text("sync.level")
    machine.direction(cast("Direction", direction), cast("Level", level))
    talk.say(f"Connected to {identity.title}. Reading its lists ...")
    filled = await machine.fill()
    lists = {"clients": filled.clients, **filled.lists}
    data = {
        "id": identity.tenant,
        "name": identity.title,
        **plain(identity),
        "direction": direction,
        "level": level,
        "lists": lists,
        "calls": filled.calls,
        "notes": [
            {"list": note.list, "message": note.sentence, "scope": note.scope} for note in filled.notes
        ],
    }
    read = ", ".join(f"{number:,} {name}" for name, number in lists.items())
    lines = [
        f"Connected to {identity.title}" + (f" as {identity.login}." if identity.login else "."),
        f"Read with {count(filled.calls, 'call')}: {read}.",
        *told(filled.notes),
        f"Direction: {DIRECTIONS[direction].text}. {DIRECTIONS[direction].help}",
        f"What to sync: {LEVELS[level].text}. To change it: xpm-tui settings set sync.direction to_xpm",
        *_left(machine),
        "Next: xpm-tui import clients FILE, then xpm-tui plan",
    ]
    return Result(data=data, lines=lines)


def _left(machine: Connecting) -> list[str]:
    """What of team and templates is still to be settled, and by which verb."""
    verbs = {"team": "xpm-tui team accept, xpm-tui team pick --all", "templates": "xpm-tui templates accept"}
    return [
        f"{step.title}: {'; '.join(step.facts)}. To settle it: {verbs[step.name]}"
        for step in machine.steps()
        if step.name in verbs and step.missing
    ]


async def _sign_in(machine: Connecting, params: Connect, talk: Talk) -> None:
    """Show the address and wait for the browser or a pasted line, whichever answers first."""
    begun = machine.begin()
    alone = params.no_browser or not talk.interactive
    if not alone and _browser(begun.url):
        talk.say("Your browser opens. If it does not, open this address:")
    else:
        talk.say("Open this address in a browser, sign in to Xero and allow access:")
    talk.emit({"authorize": begun.url}, begun.url)
    if begun.ssh:
        talk.say(f"If the browser is on another machine, run there first: {begun.ssh}")
    talk.say("The browser comes back by itself; or paste the address that it ends up at.")
    if talk.interactive:
        talk.say("Does it show something else? Type ? and pick it.")
    refused: asyncio.Future[Trouble] = asyncio.get_running_loop().create_future()

    def tell(trouble: Trouble) -> None:
        from xpm_tui.diagnose.trouble_view import present

        talk.say(present(trouble).short())

    def wrong(trouble: Trouble) -> None:
        """A bad line is final where nobody can paste another."""
        if talk.interactive:
            tell(trouble)
        elif not refused.done():
            refused.set_result(trouble)

    waiting = asyncio.create_task(machine.wait(tell=tell, wrong=wrong))
    reading = asyncio.create_task(_read(machine, talk))
    try:
        await asyncio.wait((waiting, refused, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done() and not waiting.done():
            reading.result()
            await asyncio.wait((waiting, refused), return_when=asyncio.FIRST_COMPLETED)
        if refused.done():
            raise refused.result()
        await waiting
    except LoginNeeded as none:
        reading.cancel()
        if none.case is CaseId.NOTHING_OPENS and talk.interactive:
            talk.say(none.message)
            none.case = await _see(machine, talk) or none.case
        raise
    finally:
        for task in (reading, waiting):
            task.cancel()
            with suppress(asyncio.CancelledError, Trouble):
                await task


async def _see(machine: Connecting, talk: Talk) -> CaseId | None:
    """A page that never comes back to us: have it picked, and tell the way out; gives the case."""
    from xpm_tui.acts.seeing import pick, shown
    from xpm_tui.diagnose.cases.seen import BROWSER

    seen = await pick(talk, BROWSER, "What do you see in the browser?")
    if seen is None:
        return None
    machine.seen(seen)
    for line in shown(seen):
        talk.say(line)
    return seen.case


async def _read(machine: Connecting, talk: Talk) -> None:
    """Pass typed lines on: one where nobody sits, else as many as it takes. Raises ``BadInput``."""
    while True:
        line = await talk.line("Address:")
        if line is None:
            raise BadInput(
                "No redirect address came on stdin.",
                hint="Paste the address that the browser ended up at, on a line of its own.",
            )
        if line.strip() == "?" and talk.interactive:
            await _see(machine, talk)
        elif line.strip():
            machine.paste(line)
            if not talk.interactive:
                return


async def _choose(machine: Connecting, params: Connect, talk: Talk) -> Identity:
    tenant, confirm = params.tenant, params.confirm
    if talk.interactive and not tenant and len(machine.tenants) > 1:
        for number, each in enumerate(machine.tenants, 1):
            talk.say(f"  {number}  {each.name or each.tenant_id}  {each.tenant_id}")
        typed = (await talk.line("Which practice? Its number or id:") or "").strip()
        at = int(typed) - 1 if typed.isdecimal() and len(typed) < 4 else -1
        tenant = machine.tenants[at].tenant_id if 0 <= at < len(machine.tenants) else typed
    try:
        return await machine.choose(tenant, confirm=confirm)
    except NeedsPerson as held:
        if not talk.interactive or confirm or (len(machine.tenants) > 1 and not tenant):
            raise
        from xpm_tui.diagnose.trouble_view import present

        talk.say(present(held).short())
        return await machine.choose(tenant, confirm=await talk.line("Its name, to go on:") or "")


def _several(tenants: tuple[Tenant, ...], held: NeedsPerson) -> Result:
    items: list[dict[str, Any]] = [
        {"id": each.tenant_id, "name": each.name or each.tenant_id, "kind": each.kind} for each in tenants
    ]
    columns = (Column("ID", whole=True), Column("PRACTICE"))
    table = Table(columns, [(each.tenant_id, each.name or "(no name)") for each in tenants])
    return Result(items=items, table=table, trouble=held)


def _browser(url: str) -> bool:
    """Open a window where there is a desktop; a browser for terminals would take this one over."""
    here = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if not here or "SSH_CONNECTION" in os.environ:
        return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
