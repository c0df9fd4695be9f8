"""The connection to XPM: made, ended, and how it stands."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, NoParams, Result, Talk
from xpm_tui.acts.connecting import Connect, connect
from xpm_tui.acts.effects import Effect, Question, agree, per_call
from xpm_tui.acts.params import option
from xpm_tui.acts.situation import connected, first, idle
from xpm_tui.acts.words import plain
from xpm_tui.model.errors import Trouble
from xpm_tui.model.formatting import ago, count, listing, when

if TYPE_CHECKING:
    from xpm_tui.service.heartbeat.status import Heartbeat
    from xpm_tui.service.jobs.views import JobCounts
    from xpm_tui.service.practice import OpenPractice


class Disconnect(msgspec.Struct, frozen=True):
    """Parameters of ``disconnect``."""

    everything: Annotated[bool, option("Revoke the login: this cuts every practice that it opened.")] = False
    yes: Annotated[bool, option("Do not ask.")] = False


def _disconnects(params: Disconnect) -> Effect:
    return Effect.IRREVERSIBLE if params.everything else Effect.WRITES_HERE


async def disconnect(practice: OpenPractice, params: Disconnect, talk: Talk) -> Result:
    """End this connection; both sides' data stay."""
    from xpm_tui.service.connect import connection

    what = "every practice of this login" if params.everything else practice.title
    lines = (
        ["The login is revoked at Xero. Every practice has to sign in again."] if params.everything else []
    )
    if not await agree(talk, Question(f"Disconnect {what}?", lines, button="Disconnect")):
        return Result(data={"disconnected": False}, lines=["Nothing was changed."])
    told = await connection.disconnect(practice, everything=params.everything)
    return Result(data={"disconnected": True, "message": told}, lines=[told])


async def status(practice: OpenPractice, params: NoParams, talk: Talk) -> Result:
    """The heartbeat and the counts, without a call to Xero."""
    from xpm_tui.service.heartbeat.status import heartbeat
    from xpm_tui.service.runs.due import time_zone

    beat = heartbeat(practice)
    return Result(
        data=plain(beat), lines=_lines(beat, practice.clock.now(), time_zone(practice)), trouble=_worst(beat)
    )


def _worst(beat: Heartbeat) -> Trouble | None:
    if not beat.exit_code:
        return None
    problem = next((p for p in beat.problems if p.exit_code == beat.exit_code), None)
    trouble = Trouble(
        problem.sentence if problem else "Something needs a person.", hint=problem.hint if problem else ""
    )
    trouble.code = problem.code if problem else "trouble"
    trouble.exit_code = beat.exit_code
    return trouble


def jobs_line(jobs: JobCounts) -> str:
    """What of the jobs waits: ``2 due, 1 held, 3 in 14 days``; empty where nothing does."""
    told = {
        "due": jobs.due, "half-made": jobs.going, "held": jobs.held, "failed": jobs.failed,
        "missed": jobs.missed, "in 14 days": jobs.soon,
        "stopped, as their proposals changed": jobs.changed,
        "accepted in Ignition and not taken over": jobs.to_take,
    }  # fmt: skip
    return ", ".join(f"{number:,} {what}" for what, number in told.items() if number)


def _lines(beat: Heartbeat, now: datetime, zone: tzinfo) -> list[str]:
    calls = f"{beat.minute_left} this minute" if beat.minute_left is not None else ""
    if beat.day_left is not None:
        calls += f", {beat.day_left:,} today"
    name = f"{beat.title} (SANDBOX)" if beat.sandbox else beat.title
    since = f"since {when(beat.since, zone)}" + (f" by {beat.by}" if beat.by else "")
    return listing(
        {
            "Practice": name,
            "Connected": since if beat.connected else "no",
            "Last good sync": ago(beat.last_good, now),
            "Last run": f"{beat.last_run} {beat.last_outcome}".strip(),
            "Running": beat.running,
            "Held": ", ".join(beat.held),
            "Calls left": calls,
            "Clients": f"{beat.clients:,} in Ignition, {beat.xpm_clients:,} in XPM, {beat.linked:,} linked",
            "Need a person": count(beat.needs_person, "client") if beat.needs_person else "",
            "Waiting": count(beat.waiting, "change") if beat.waiting else "",
            "Conflicts": f"{beat.conflicts:,}" if beat.conflicts else "",
            "Frozen": count(beat.frozen, "field") if beat.frozen else "",
            "Jobs": jobs_line(beat.jobs),
            "Not in Ignition yet": count(beat.to_ignition, "change") if beat.to_ignition else "",
            "Ignition's file": ago(beat.import_at, now),
            "XPM's lists": ago(beat.mirror_at, now),
        }
    )


ACTS = (
    Act(
        name="connect",
        title="Connect to Xero Practice Manager",
        help="Sign in to Xero and connect a practice. Over SSH use --no-browser: the address is printed, "
        "and the address that the browser ends up at is pasted back.",
        params=Connect,
        run=connect,
        verb=("connect",),
        example="xpm-tui connect --no-browser",
        key="c",
        where=("overview",),
        footer="Connect",
        effect=Effect.WRITES_HERE,
        why_not=idle,
    ),
    Act(
        name="disconnect",
        title="Disconnect the practice",
        help="End this practice's connection with Xero. Clients, links and log stay.",
        params=Disconnect,
        run=disconnect,
        verb=("disconnect",),
        example="xpm-tui disconnect",
        effect=per_call(_disconnects, Effect.WRITES_HERE),
        why_not=first(connected, idle),
    ),
    Act(
        name="status",
        title="Tell how things stand",
        help="Tell what is connected, when it last synced, and what needs a person. Exits with 3 when a "
        "login is needed, 4 when a run is held, 1 when the last run failed or nothing synced for too long.",
        params=NoParams,
        run=status,
        effect=Effect.LOOKS,
        verb=("status",),
        example="xpm-tui status --json",
    ),
)  # fmt: skip
