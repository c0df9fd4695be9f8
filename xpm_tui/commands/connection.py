"""Commands for the connection to XPM: sign in step by step, disconnect, and show the status."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    Result,
    TextColumn,
    TextTable,
    Yes,
    first_reason,
    option,
    require_connection,
    require_idle,
)
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.practices import ListPractices, list_practices, practices_result
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import AppError, BadInput, CaseId, DecisionNeeded, LoginNeeded
from xpm_tui.domain.formatting import ago, count, listing, when
from xpm_tui.domain.labels import DIRECTIONS, LEVELS, RUN_OUTCOMES, label
from xpm_tui.domain.runs import UNKNOWN
from xpm_tui.domain.xpm import Tenant
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import asyncio

    from xpm_tui.application import connection, connection_steps
    from xpm_tui.application.presenters import presenter
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.application.status import practices, requirement_check, summary
    from xpm_tui.commands import doctor
    from xpm_tui.diagnostics import error_presenter, known_problems


if TYPE_CHECKING:
    from xpm_tui.application.connection import ConnectionMachine
    from xpm_tui.application.jobs.views import JobCounts
    from xpm_tui.application.practice import OpenPractice, PracticeIdentity
    from xpm_tui.application.status.summary import StatusSummary
    from xpm_tui.domain.plan import Direction, Level


_WRAPPED_LINES, _WRAPPED_SECONDS = 40, 0.3
"""The most further lines of an address that was pasted in several, and how long to wait for each."""


class Connect(msgspec.Struct, frozen=True):
    """Parameters of ``connect``."""

    check: Annotated[
        bool,
        option("Show what a connection needs and how each requirement was checked, without a call to Xero."),
    ] = False
    no_browser: Annotated[
        bool, option("Do not open a browser: print the address, and read the redirect address.")
    ] = False
    tenant: Annotated[str, option("The id of the practice, if the login has access to several.", "ID")] = ""
    confirm: Annotated[
        str,
        option(
            "Connect to a different practice from before: its name, or the last six characters of its id.",
            "TEXT",
        ),
    ] = ""


async def connect(practice: OpenPractice, params: Connect, dialogue: Dialogue) -> Result:
    """Sign in, choose the practice, apply direction and level from the settings, and fill the mirror."""
    if params.check:
        return doctor.requirements_result(practice)
    machine = connection.ConnectionMachine(practice)
    if dialogue.interactive and not connection_steps.has_begun(practice):
        dialogue.say("\n".join(requirement_check.requirement_sentences(practice)))
    if dialogue.interactive and not practice.settings.text("xero.client_id"):
        typed = await dialogue.line("The client id of the app that you registered with Xero:")
        machine.app({"xero.client_id": typed or ""})
    try:
        await _sign_in(machine, params, dialogue)
    except asyncio.CancelledError:
        await _report_stopped(machine, params, dialogue)
        raise
    try:
        identity = await _choose_practice(machine, params, dialogue)
    except DecisionNeeded as held:
        return _several_practices(machine.tenants, held)
    settings = practice.settings
    direction, level = settings.text("sync.direction"), settings.text("sync.level")
    machine.direction(cast("Direction", direction), cast("Level", level))
    dialogue.say(f"Connected to {identity.title}. Reading its lists ...")
    filled = await machine.fill()
    lists = {"clients": filled.clients, **filled.lists}
    aside = presenter.set_aside_views(practice.snapshot())
    data = {
        "id": identity.tenant,
        "name": identity.title,
        **to_plain(identity),
        "direction": direction,
        "level": level,
        "lists": lists,
        "calls": filled.calls,
        "notes": [
            {"list": note.list, "message": note.sentence, "scope": note.scope} for note in filled.notes
        ],
        "set_aside": [to_plain(view) for view in aside],
    }
    read = ", ".join(f"{number:,} {name}" for name, number in lists.items())
    lines = [
        f"Connected to {identity.title}" + (f" as {identity.login}." if identity.login else "."),
        f"Read XPM's data with {count(filled.calls, 'call')}: {read}.",
        *xpm_refresh.unread_sentences(filled.notes),
        *presenter.set_aside_lines(aside),
        f"Direction: {DIRECTIONS[direction].text}. {DIRECTIONS[direction].help}",
        f"What to sync: {LEVELS[level].text}. To change them: xpm-tui policy set --direction to_xpm "
        "--level name",
        *_open_decisions(machine),
        "Next: xpm-tui import clients FILE, then xpm-tui plan",
    ]
    return Result(data=data, lines=lines)


async def _report_stopped(machine: ConnectionMachine, params: Connect, dialogue: Dialogue) -> None:
    """Say what is kept of a sign-in that was stopped after the answer from Xero had arrived.

    If the login has access to one practice, it is chosen.
    """
    if not machine.tenants:
        return
    try:
        identity = await machine.choose(params.tenant, confirm=params.confirm)
    except AppError as held:
        dialogue.say(f"You are signed in. {error_presenter.present(held).short()}")
    else:
        dialogue.say(f"{identity.title} is connected. Read its lists with: xpm-tui plan")


def _open_decisions(machine: ConnectionMachine) -> list[str]:
    """Return the decisions on team and templates that are still to be made, with their verbs."""
    verbs = {"team": "xpm-tui team accept, xpm-tui team pick --all", "templates": "xpm-tui templates accept"}
    return [
        f"{step.title}: {'; '.join(step.facts)}. Next step: {verbs[step.name]}"
        for step in machine.steps()
        if step.name in verbs and step.missing
    ]


async def _sign_in(machine: ConnectionMachine, params: Connect, dialogue: Dialogue) -> None:
    """Show the address and wait for the browser or a pasted line, whichever comes first."""
    begun = machine.begin()
    alone = params.no_browser or not dialogue.interactive
    if not alone and connection.open_browser(begun.url):
        dialogue.say("Your browser opens. If it does not, open this address:")
    else:
        dialogue.say("Open this address in a browser, sign in to Xero and allow access:")
    dialogue.emit({"authorize": begun.url}, begun.url)
    if begun.ssh:
        dialogue.say(f"If the browser is on another machine, run this there first: {begun.ssh}")
    dialogue.say("The browser returns automatically. If it does not, paste the address at which it ends up.")
    if dialogue.interactive:
        dialogue.say("Do you see something else? Type ? and choose what you see. To stop, type q.")
    refused: asyncio.Future[AppError] = asyncio.get_running_loop().create_future()

    def on_error(error: AppError) -> None:
        dialogue.say(error_presenter.present(error).short())

    def on_wrong_line(error: AppError) -> None:
        """Report an invalid line; it is final if no other can be pasted."""
        if dialogue.interactive:
            on_error(error)
        elif not refused.done():
            refused.set_result(error)

    waiting = asyncio.create_task(machine.wait(on_error=on_error, on_wrong_line=on_wrong_line))
    reading = asyncio.create_task(_read_lines(machine, dialogue))
    try:
        await asyncio.wait((waiting, refused, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done() and not waiting.done() and not machine.answered:
            reading.result()
            await asyncio.wait((waiting, refused), return_when=asyncio.FIRST_COMPLETED)
        if refused.done() and not machine.answered:
            raise refused.result()
        await waiting  # independent of stdin: the first valid answer wins
    except asyncio.CancelledError:
        if machine.answered and not waiting.done():
            dialogue.say("Stopping as soon as the login is saved ...")
        raise
    except LoginNeeded as error:
        reading.cancel()
        if error.case is CaseId.NOTHING_OPENS and dialogue.interactive:
            dialogue.say(error.message)
            error.case = await _ask_symptom(machine, dialogue) or error.case
        raise
    finally:
        for task in (reading, waiting):
            task.cancel()
            with suppress(asyncio.CancelledError, AppError):
                await task


async def _ask_symptom(machine: ConnectionMachine, dialogue: Dialogue) -> CaseId | None:
    """Let the user choose which page the browser shows, and say what to do; return the known problem."""
    seen = await doctor.pick(dialogue, known_problems.BROWSER, "What do you see in the browser?")
    if seen is None:
        return None
    machine.record_symptom(seen)
    for line in doctor.answer_lines(seen):
        dialogue.say(line)
    return seen.case


async def _read_lines(machine: ConnectionMachine, dialogue: Dialogue) -> None:
    """Read typed lines and pass them on; raise ``BadInput`` if a user at a terminal stops."""
    while True:
        line = await dialogue.line("Address:")
        if dialogue.interactive and (line is None or line.strip() == "q"):
            raise BadInput(
                "No redirect address was entered.",
                hint="Paste the address at which the browser ended up, on a line of its own.",
            )
        if line is None:
            # A container often has no stdin while the browser is still open.
            dialogue.say(
                "Nothing can be pasted here, because standard input has ended. Waiting for the browser "
                f"to come back, for up to {count(round(connection.WAIT_SECONDS / 60), 'minute')} ..."
            )
            machine.paste(None)
            return
        if line.strip() == "?" and dialogue.interactive:
            await _ask_symptom(machine, dialogue)
        elif line.strip():
            for _ in range(_WRAPPED_LINES):
                if not (machine.is_cut(line) and (more := await _following_line(dialogue))):
                    break
                line += more
            machine.paste(line)
            if not dialogue.interactive:
                return


async def _following_line(dialogue: Dialogue) -> str:
    """Return a line that follows at once, as the rest of a wrapped address does; empty if none follows."""
    try:
        return await asyncio.wait_for(dialogue.line(""), _WRAPPED_SECONDS) or ""
    except TimeoutError:
        return ""


async def _choose_practice(
    machine: ConnectionMachine, params: Connect, dialogue: Dialogue
) -> PracticeIdentity:
    tenant, confirm = params.tenant, params.confirm
    if dialogue.interactive and not tenant and len(machine.tenants) > 1:
        for number, each in enumerate(machine.tenants, 1):
            dialogue.say(f"  {number}  {each.name or each.tenant_id}  {each.tenant_id}")
        typed = (await dialogue.line("Which practice? Type its number or id:") or "").strip()
        at = int(typed) - 1 if typed.isdecimal() and len(typed) < 4 else -1
        tenant = machine.tenants[at].tenant_id if 0 <= at < len(machine.tenants) else typed
    try:
        return await machine.choose(tenant, confirm=confirm)
    except DecisionNeeded as held:
        if not dialogue.interactive or confirm or (len(machine.tenants) > 1 and not tenant):
            raise
        dialogue.say(error_presenter.present(held).short())
        return await machine.choose(tenant, confirm=await dialogue.line("To confirm, type its name:") or "")


def _several_practices(tenants: tuple[Tenant, ...], held: DecisionNeeded) -> Result:
    items: list[dict[str, Any]] = [
        {"id": each.tenant_id, "name": each.name or each.tenant_id, "kind": each.kind} for each in tenants
    ]
    columns = (TextColumn("ID", whole=True), TextColumn("PRACTICE", name=True))
    table = TextTable(columns, [(each.tenant_id, each.name or "(no name)") for each in tenants])
    return Result(items=items, table=table, error=held)


class Disconnect(msgspec.Struct, frozen=True):
    """Parameters of ``disconnect``."""

    everything: Annotated[bool, option("Revoke the login: this disconnects every practice that uses it.")] = (
        False
    )
    yes: Yes = False


def _connect_effect(params: Connect) -> Effect:
    return Effect.LOOKS if params.check else Effect.WRITES_HERE


def _disconnect_effect(params: Disconnect) -> Effect:
    return Effect.IRREVERSIBLE if params.everything else Effect.WRITES_HERE


async def disconnect(practice: OpenPractice, params: Disconnect, dialogue: Dialogue) -> Result:
    """Disconnect the practice; the data on both sides stays."""
    what = "every practice that uses this login" if params.everything else practice.title
    lines = ["The login is revoked at Xero. Each practice has to sign in again."] if params.everything else []
    if not await confirm_call(dialogue, Question(f"Disconnect {what}?", lines, button="Disconnect")):
        return Result(data={"disconnected": False}, lines=["Nothing was changed."])
    outcome = await connection.disconnect(practice, everything=params.everything)
    return Result(data={"disconnected": True, "message": outcome}, lines=[outcome])


class ShowStatus(ListPractices, frozen=True):
    """Parameters of ``status``."""

    all: Annotated[bool, option("List all practices of this account, as 'practices list' does.")] = False


async def status(practice: OpenPractice, params: ShowStatus, dialogue: Dialogue) -> Result:
    """Show the status and the counts, without a call to Xero."""
    if params.all or params.needs_you:
        views = practices.practices(practice)
        return practices_result(views, practice.clock.now(), needs_you=params.needs_you)
    status = summary.summarize(practice)
    lines = _status_lines(status, practice.clock.now(), practice.time_zone())
    for problem in status.problems:
        if problem.code == UNKNOWN:
            lines += [problem.sentence, f"  {problem.hint}"]
    return Result(data=to_plain(status), lines=lines, error=_error_of(status))


def _error_of(status: StatusSummary) -> AppError | None:
    if not status.exit_code:
        return None
    problem = next(each for each in status.problems if each.exit_code == status.exit_code)
    unanswered = [each for each in status.problems if each.code == UNKNOWN and problem.code == "held"]
    why = " ".join(f"{each.sentence} {each.hint}." for each in unanswered)
    error = AppError(problem.sentence, hint=problem.hint, why=why)
    error.code, error.exit_code = problem.code, problem.exit_code
    return error


def jobs_line(jobs: JobCounts) -> str:
    """Return what jobs need, such as ``2 due, 1 held, 3 in 14 days``; empty if there are none."""
    data = {
        "due": jobs.due, "unfinished": jobs.going, "held": jobs.held, "failed": jobs.failed,
        "missed": jobs.missed, "in 14 days": jobs.soon,
        "stopped, as their proposals changed": jobs.changed,
        "accepted in Ignition, not taken over": jobs.to_take,
    }  # fmt: skip
    return ", ".join(f"{number:,} {what}" for what, number in data.items() if number)


def _status_lines(status: StatusSummary, now: datetime, zone: tzinfo) -> list[str]:
    calls = f"{status.minute_left} this minute" if status.minute_left is not None else ""
    if status.day_left is not None:
        calls += f", {status.day_left:,} today"
    name = f"{status.title} (SANDBOX)" if status.sandbox else status.title
    since = f"since {when(status.since, zone)}" + (f" by {status.by}" if status.by else "")
    since += ", but a login is needed" if status.login_needed else ""
    facts = listing(
        {
            "Practice": name,
            "Connected": since if status.connected else "no",
            "Last successful sync": ago(status.last_good, now),
            "Last run": f"{status.last_run} {label(RUN_OUTCOMES, status.last_outcome).inline}".strip(),
            "Next scheduled sync": status.scheduled.text(now, zone) if status.connected else "",
            "Running": status.running,
            "Held": ", ".join(status.held),
            "Calls left": calls,
            "Clients": (
                f"{status.clients:,} in Ignition, {status.xpm_clients:,} in XPM, {status.linked:,} linked"
            ),
            "Need a decision": count(status.needs_person, "client") if status.needs_person else "",
            "Linked by next plan": count(status.planned_links, "client") if status.planned_links else "",
            "Waiting": count(status.waiting, "change") if status.waiting else "",
            "Conflicts": f"{status.conflicts:,}" if status.conflicts else "",
            "Removed in XPM": count(status.removed_contacts, "contact") if status.removed_contacts else "",
            "Frozen": count(status.frozen, "field") if status.frozen else "",
            "Jobs": jobs_line(status.jobs),
            "Not in Ignition yet": count(status.to_ignition, "client") if status.to_ignition else "",
            "Not supported by Ignition": _unsupported_line(status),
            "Ignition's file": ago(status.import_at, now),
            "Inbox": _inbox_line(status),
            "XPM data": ago(status.mirror_at, now),
        }
    )
    return [*facts, *status.notes, *presenter.set_aside_lines(status.set_aside, shown=len(status.set_aside))]


def _inbox_line(status: StatusSummary) -> str:
    """Return what waits in the inbox and what has failed; empty if there is no inbox."""
    inbox = status.inbox
    if not inbox.folder:
        return ""
    failed = f", {inbox.failed:,} failed" if inbox.failed else ""
    return f"{count(inbox.waiting + inbox.claimed, 'file')} waiting{failed}"


def _unsupported_line(status: StatusSummary) -> str:
    """Return the clients whose changes Ignition's import cannot accept, the first ones by name."""
    found = status.never_in_ignition
    if not found:
        return ""
    named = "; ".join(f"{each.name or each.id} ({each.id}): {each.reason}" for each in found[:3])
    more = f"; and {len(found) - 3:,} more, see: xpm-tui export clients - --changed" if len(found) > 3 else ""
    return f"{count(len(found), 'record')}: {named}{more}"


COMMANDS = (
    Command(
        name="connect",
        title="Connect to Xero Practice Manager",
        help="Sign in to Xero and connect a practice. Over SSH, use --no-browser: the address is printed, "
        "and you paste the address that the browser is redirected to. With --check, it only shows what a "
        "connection needs and costs.",
        params=Connect,
        run=connect,
        example="xpm-tui connect --check\nxpm-tui connect --no-browser",
        key="c",
        where=("overview",),
        footer="Connect",
        effect=PerCall(_connect_effect, Effect.WRITES_HERE),
        why_not=require_idle,
    ),
    Command(
        name="disconnect",
        title="Disconnect the practice",
        help="Remove this practice's connection to Xero. Clients, links and the log stay.",
        params=Disconnect,
        run=disconnect,
        example="xpm-tui disconnect",
        effect=PerCall(_disconnect_effect, Effect.WRITES_HERE),
        why_not=first_reason(require_connection, require_idle),
    ),
    Command(
        name="status",
        title="Show status",
        help="Show what is connected, when it last synced, and what needs attention. Exits with 3 when a "
        "login is needed, 4 when a run is held, and 1 when the last run failed or nothing has synced "
        "for too long.",
        params=ShowStatus,
        run=status,
        on_home=list_practices, for_account=lambda params: params.all or params.needs_you,
        effect=Effect.LOOKS, waits=False,
        example="xpm-tui status --json",
    ),
)  # fmt: skip
