"""Trying again what XPM refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Column, Result, Table, Talk
from xpm_tui.acts.effects import Effect, per_call
from xpm_tui.acts.following import following
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.situation import connected, first, idle
from xpm_tui.acts.syncing import run_result
from xpm_tui.acts.words import plain

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice


class Retry(msgspec.Struct, frozen=True):
    """Parameters of ``runs retry``."""

    run: Annotated[str, argument("The run: its id, or 'last'.", "RUN", completes="run")] = "last"
    client: Annotated[str, option("Only what failed for this client.", "CLIENT", completes="client")] = ""
    cause: Annotated[str, option("Only what failed for this cause: some of its words.", "WORDS")] = ""
    list: Annotated[bool, option("Show what failed and why; try nothing.")] = False


async def retry(practice: OpenPractice, params: Retry, talk: Talk) -> Result:
    """List what failed, or try it again."""
    from xpm_tui.service.clients.looking import find_client
    from xpm_tui.service.runs import retrying

    found = retrying.failures(practice, params.run)
    if params.list:
        return Result(
            items=[plain(failure) for failure in found],
            table=Table(
                (Column("CLIENT", whole=True), Column("NAME"), Column("CAUSE")),
                [(failure.client, failure.name, failure.cause) for failure in found],
                empty="Nothing failed in this run.",
            ),
        )
    client = find_client(practice.snapshot(), params.client).id if params.client else ""
    left = retrying.chosen(found, client=client, cause=params.cause)
    for failure in left:
        talk.say(f"Again: {failure.sentence}")
    async with following(practice, talk):
        run = await retrying.retry(practice, left)
    return run_result(run)


ACTS = (
    Act(
        name="runs.retry",
        title="Try again what XPM refused",
        help="Try again the records that failed in a run: all, those of one client, or all of one cause.",
        params=Retry,
        run=retry,
        verb=("runs", "retry"),
        example='xpm-tui runs retry last --cause "Invalid"',
        effect=per_call(lambda params: Effect.LOOKS if params.list else Effect.WRITES_XPM, Effect.WRITES_XPM),
        streams=True,
        why_not=first(connected, idle),
    ),
)
