"""Commands for links: which XPM client a client corresponds to, and which fields are frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.commands.clients import frozen_labels
from xpm_tui.commands.command import (
    ClientId,
    Command,
    Dialogue,
    DryRun,
    OneClient,
    Result,
    TextColumn,
    TextTable,
    Yes,
    argument,
    first_reason,
    on_linked,
    on_record,
    option,
    require_connection,
)
from xpm_tui.commands.consequences import action, question
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.csv_files import SHOWN
from xpm_tui.commands.effects import Effect, Question, asks, confirm_call, effect_or_dry_run
from xpm_tui.commands.link_effects import effect_lines, former_data, former_lines
from xpm_tui.commands.tables import ViewItems, to_plain
from xpm_tui.domain.errors import AppError, BadInput, DecisionNeeded
from xpm_tui.domain.formatting import count
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import field_policy, links, picks, queries
    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.runs import history, xpm_refresh
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import PickView

XpmId = Annotated[str, argument("The XPM client: its number, UUID, or web address.", "XPM")]
"""An XPM client, as a parameter of all verbs."""


class LinkClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients link``."""

    client: ClientId
    xpm: XpmId
    dry_run: DryRun = False
    keep: Annotated[bool, option("Keep the values and contacts that came from the former XPM client.")] = (
        False
    )
    yes: Annotated[bool, option("Also link to an XPM client that another client is linked to.")] = False


class PickClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients pick``."""

    xpm: Annotated[
        tuple[str, ...], argument("XPM clients: numbers, UUIDs or web addresses.", "[XPM]...")
    ] = ()
    all: Annotated[bool, option("Every XPM client that is clearly new; the unclear ones are listed.")] = False
    different_from: Annotated[
        tuple[str, ...],
        option(
            "A client with the same or a similar name that is a different client: its id or Client "
            "ID in Ignition, or its number or UUID in XPM. Can be repeated; the answer is "
            "remembered.",
            "CLIENT",
            completes="client",
        ),
    ] = ()
    anyway: Annotated[
        bool,
        option(
            "Include archived clients, and treat every client with the same or a similar name as a "
            "different one."
        ),
    ] = False
    yes: Yes = False


class IgnoreClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients ignore``."""

    client: ClientId
    reason: Annotated[str, option("Why it has no XPM client.", "TEXT")] = ""
    undo: Annotated[bool, option("Undo it: the client needs a link again.")] = False


class FreezeClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients freeze``."""

    client: ClientId
    field: Annotated[
        tuple[str, ...], argument("What to freeze: fields, or the whole client.", "[FIELD]...")
    ] = ()
    reason: Annotated[str, option("The reason, as a note for later.", "TEXT")] = ""


class UnfreezeClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients unfreeze``."""

    client: ClientId
    field: Annotated[
        tuple[str, ...], argument("What to unfreeze: fields, or all that is frozen.", "[FIELD]...")
    ] = ()


async def link_client(practice: OpenPractice, params: LinkClient, dialogue: Dialogue) -> Result:
    """Create or replace a link, after showing its effects."""
    await xpm_refresh.ensure_mirror(practice)
    effect = links.preview_link(practice, params.client, params.xpm, keep=params.keep)
    if params.dry_run:
        return Result(data=to_plain(effect), lines=effect_lines(effect))
    if effect.refused:
        raise BadInput(effect.refused)
    if effect.needs_yes and not params.yes and not dialogue.interactive:
        raise DecisionNeeded(effect.needs_yes, hint="Add --yes to do it anyway.")
    safe = not (effect.needs_yes or effect.warnings)
    asked = Question("Link them?", effect_lines(effect), button="Link", safe=safe)
    if not await confirm_call(dialogue, asked):
        return Result(data={"linked": False}, lines=["Nothing was linked."], declined=True)
    agreed = params.yes or bool(effect.needs_yes)
    view = links.link(practice, effect.client.id, effect.xpm.uuid, yes=agreed, keep=params.keep)
    text = f"{view.id} {view.name} is linked to {effect.xpm.number or effect.xpm.uuid} {effect.xpm.name}."
    return Result(
        data={**to_plain(view), **former_data(effect)}, lines=[text, *former_lines(effect), *effect.warnings]
    )


async def unlink_client(practice: OpenPractice, params: OneClient, dialogue: Dialogue) -> Result:
    """Remove the link of a client."""
    view = links.unlink(practice, params.client)
    text = f"{view.id} {view.name} is no longer linked. The pair is not proposed again until you link it."
    return Result(data=to_plain(view), lines=[text, *history.skip_warning(practice, view.id)])


async def pick_clients(practice: OpenPractice, params: PickClients, dialogue: Dialogue) -> Result:
    """Bring XPM clients into the store."""
    if params.all == bool(params.xpm):
        raise BadInput("Name the XPM clients to bring in, or use --all.", hint="xpm-tui clients pick 1234567")
    await xpm_refresh.ensure_mirror(practice)
    if params.all and asks(dialogue):
        found = picks.preview_pick_all(practice)
        asked = Question(question(found), described(found), button=action(found))
        if found.changes and not await confirm_call(dialogue, asked):
            return Result(data={"added": 0, "linked": 0}, lines=["Nothing was brought in."], declined=True)
    if params.all and params.different_from:
        raise BadInput("--different-from works only for clients that you name, not with --all.")
    picked = (
        picks.pick_all(practice)
        if params.all
        else picks.pick(practice, params.xpm, different=params.different_from, anyway=params.anyway)
    )
    columns = (
        TextColumn("XPM NO.", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("OUTCOME", whole=True),
        TextColumn("CLIENT", whole=True),
        TextColumn("WHY", whole=True),
    )
    reported = [v for v in picked if v.why != "linked" or not params.all]
    # A bulk pick lists only what was skipped: the others may be thousands, and are counted below.
    listed = [v for v in reported if v.outcome == "left"] if params.all else reported
    rows = [(v.number, v.name, v.outcome, v.client or "", v.why) for v in listed]
    counts = {name: sum(v.outcome == name for v in picked) for name in ("added", "linked", "left")}
    shown = TextTable(columns, rows, "XPM has no client to bring in.", SHOWN if params.all else 0)
    table = shown if listed or not reported else None
    text = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    lines = [text] + [
        f"  {why}: {reason}" for why, reason in {v.why: v.reason for v in picked if v.why}.items()
    ]
    remaining: dict[str, list[str]] = {}
    for view in reported:
        if view.outcome == "left":
            remaining.setdefault(view.reason, []).append(view.uuid)
    names = {view.uuid: view.name for view in reported if view.name}
    found = consequences.pick_consequences(counts["added"], counts["linked"], remaining, names)
    return Result(
        data={**counts, "consequences": to_plain(found)},
        items=ViewItems(picked),
        table=table,
        lines=lines,
        value=picked,
        error=_skipped_error(picked) if params.all else _similar_error(picked),
    )


def _similar_error(picked: Sequence[PickView]) -> AppError | None:
    """Return which Ignition clients prevent named ones from being picked, and what to do if they differ."""
    left = [view for view in picked if view.why in ("same-name", "likely")]
    if not left:
        return None
    first, error = left[0], DecisionNeeded if len(left) == len(picked) else AppError
    number = first.number or first.uuid
    return error(
        f"{first.name} ({number}) was not brought in: {first.client} may be the same client.",
        hint=f"Link the two: xpm-tui clients link {first.client} {number}. If they are different "
        f"clients: xpm-tui clients pick {number} --different-from {first.client}",
    )


def _skipped_error(picked: Sequence[PickView]) -> AppError | None:
    """Return what a bulk pick skipped because Ignition has, or may have, that client."""
    left = [view for view in picked if view.why in ("same-name", "likely", "former")]
    if not left:
        return None
    many = count(len(left), "XPM client was/XPM clients were")
    return AppError(
        f"{many} skipped: Ignition has a client that may be the same one.",
        hint="Link them: xpm-tui clients review. Or bring in one of them: xpm-tui clients pick NUMBER "
        "--different-from CLIENT",
    )


async def ignore_client(practice: OpenPractice, params: IgnoreClient, dialogue: Dialogue) -> Result:
    """Decide that a client has no XPM client."""
    if params.undo:
        view = links.unignore(practice, params.client)
        return Result(data=to_plain(view), lines=[f"{view.id} {view.name} is no longer ignored."])
    view = links.ignore(practice, params.client, params.reason)
    return Result(
        data=to_plain(view), lines=[f"{view.id} {view.name} is ignored and no longer needs a link."]
    )


async def freeze_client(practice: OpenPractice, params: FreezeClient, dialogue: Dialogue) -> Result:
    """Freeze fields, so that sync does not change them."""
    view = field_policy.freeze(practice, params.client, params.field, params.reason)
    client = f"{view.id} {view.name}"
    text = f"Sync does not change these fields of {client}: {', '.join(frozen_labels(view))}."
    if "*" in view.frozen:
        text = f"Sync does not change any field of {client}."
    return Result(data=to_plain(view), lines=[text])


async def unfreeze_client(practice: OpenPractice, params: UnfreezeClient, dialogue: Dialogue) -> Result:
    """Let sync change frozen fields again."""
    view, lifted = field_policy.unfreeze(practice, params.client, params.field)
    text = f"{view.id} {view.name}: {count(lifted, 'field')} unfrozen."
    return Result(data={**to_plain(view), "lifted": lifted}, lines=[text])


async def show_address(practice: OpenPractice, params: OneClient, dialogue: Dialogue) -> Result:
    """Show the linked client's address in XPM."""
    view = lookup.show_client(practice, params.client)
    if view.link is None:
        raise BadInput(f"{view.name} ({view.id}) is not linked, so it has no address in XPM.")
    xpm = queries.show_xpm(practice, view.link.uuid)
    lines = [f"{xpm.number} {xpm.name}", xpm.url or "XPM gave no web address for it.", xpm.uuid]
    return Result(data={"number": xpm.number, "uuid": xpm.uuid, "url": xpm.url}, lines=lines)


async def copy_client(practice: OpenPractice, params: OneClient, dialogue: Dialogue) -> Result:
    """Copy the name and ids of a client."""
    view = lookup.show_client(practice, params.client)
    parts = [view.name, view.client_id or "", view.id]
    parts += [view.link.number, view.link.uuid] if view.link else []
    text = "\t".join(parts)
    return Result(data={"text": text}, lines=[text])


COMMANDS = (
    Command(
        name="clients.link",
        title="Link a client to an XPM client",
        help="Set or replace the link of a client. Both records are shown first; values agreed with the "
            "former XPM client no longer count.",
        params=LinkClient,
        run=link_client,
        aliases=("remap",),
        example="xpm-tui clients link c12 1234567",
        key="m",
        where=("clients",),
        footer="Link",
        effect=effect_or_dry_run(Effect.WRITES_HERE),
        why_not=first_reason(on_record, require_connection),
    ),
    Command(
        name="clients.unlink",
        title="Unlink a client",
        help="Remove the link of a client, with the values last agreed. Nothing changes in Ignition or XPM.",
        params=OneClient,
        run=unlink_client,
        example="xpm-tui clients unlink c12",
        effect=Effect.WRITES_HERE,
        why_not=on_linked,
    ),
    Command(
        name="clients.pick",
        title="Bring in clients from XPM",
        help="Add XPM clients to Ignition's data. A client that is already there is linked, not added twice.",
        params=PickClients,
        run=pick_clients,
        example="xpm-tui clients pick --all",
        key="p",
        where=("clients",),
        footer="Bring in",
        effect=Effect.WRITES_HERE,
        why_not=require_connection,
    ),
    Command(
        name="clients.ignore",
        title="Ignore a client that has no XPM client",
        help="Decide that a client is not meant to have an XPM client, so that it no longer needs "
        "attention.",
        params=IgnoreClient,
        run=ignore_client,
        example='xpm-tui clients ignore c12 --reason "one-off job"',
        key="i",
        where=("clients",),
        footer="Ignore",
        effect=Effect.WRITES_HERE,
        why_not=on_record,
    ),
    Command(
        name="clients.freeze",
        title="Freeze fields of a client",
        help="Freeze fields of a client, or the whole client. Sync does not "
        "change them, in either direction, until you unfreeze them.",
        params=FreezeClient,
        run=freeze_client,
        example='xpm-tui clients freeze c12 phone --reason "private number"',
        key="f",
        where=("clients",),
        footer="Freeze",
        effect=Effect.WRITES_HERE,
        why_not=on_linked,
    ),
    Command(
        name="clients.unfreeze",
        title="Unfreeze fields of a client",
        help="Let sync change frozen fields of a client again, some of them or all.",
        params=UnfreezeClient,
        run=unfreeze_client,
        example="xpm-tui clients unfreeze c12 phone",
        effect=Effect.WRITES_HERE,
        why_not=first_reason(on_record, lambda s: "" if s.frozen else "Nothing of this client is frozen."),
    ),
    Command(
        name="clients.address",
        console_only=True,
        title="Show the client's address in XPM",
        help="Show where the linked client is in XPM: its number, web address and UUID.",
        params=OneClient,
        run=show_address,
        effect=Effect.LOOKS,
        key="o",
        where=("clients",),
        why_not=on_linked,
    ),
    Command(
        name="clients.copy",
        console_only=True,
        title="Copy the client's name and ids",
        help="Copy the name, Client ID, XPM number and UUID of the client.",
        params=OneClient,
        run=copy_client,
        effect=Effect.LOOKS,
        key="y",
        where=("clients",),
        why_not=on_record,
    ),
)  # fmt: skip
