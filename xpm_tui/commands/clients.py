"""Commands that show clients: Ignition's, XPM's, and the proposed links between them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec.structs import replace

from xpm_tui.commands.command import (
    CLIENT_FILTERS,
    ClientFilter,
    Command,
    Dialogue,
    Limit,
    OneClient,
    Result,
    TextColumn,
    TextTable,
    argument,
    on_record,
    option,
    require_connection,
)
from xpm_tui.commands.consequences import action, question, shorten_list
from xpm_tui.commands.csv_files import SHOWN, export_review, import_review
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.link_effects import effect_lines, former_data, former_lines, former_sum, with_former
from xpm_tui.commands.tables import first_blocks, table_result, to_plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.fields import editable, label
from xpm_tui.domain.formatting import NONE, count, listing, value, wrap
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import link_review, queries
    from xpm_tui.application.clients import links as clients_links
    from xpm_tui.application.presenters import lookup
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.clients.link_review import ReviewDecision
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, EffectView, ReviewView, SideBySide

REVIEWED = "decided in the review"
"""The reason for ignoring a client, if it was ignored in a review."""


class ListClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients list``."""

    only: Annotated[
        ClientFilter, option(f"Only clients that match this filter: {', '.join(CLIENT_FILTERS)}.", "WHICH")
    ] = ""
    find: Annotated[str, option("Only clients with this text in their name, e-mail or id.", "TEXT")] = ""
    limit: Limit = 0


class SearchClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients search``."""

    query: Annotated[
        str, argument("What to search for: name, code, e-mail, number, UUID or web address.", "TEXT")
    ]
    limit: Limit = 50


class ReviewClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients review``."""

    client: Annotated[
        tuple[str, ...], argument("Only these clients.", "[CLIENT]...", completes="client")
    ] = ()
    accept_sure: Annotated[bool, option("Link every client whose first proposal is sure.")] = False
    export: Annotated[
        str,
        option(
            "Write the proposals to a CSV file with a column for your choice; '-' is stdout.",
            "FILE",
            completes="file",
        ),
    ] = ""
    take: Annotated[
        str, option("Apply the choices in such a file.", "FILE", flag="--import", completes="file")
    ] = ""
    replace: Annotated[bool, option("With --export: replace an existing file.")] = False
    dry_run: Annotated[bool, option("With --import: show what it would do, and change nothing.")] = False
    link: Annotated[str, option("Link the named client to this XPM client, if it needs a link.", "XPM")] = ""
    ignore: Annotated[bool, option("Ignore the named client, if it needs a link.")] = False
    undo: Annotated[
        bool, option("Undo your last decision, or your last one about exactly these clients.")
    ] = False
    yes: Annotated[
        bool, option("Do not ask; also link to an XPM client that another client is linked to.")
    ] = False
    limit: Annotated[int, option("Show at most this many rows of each kind.", "N")] = SHOWN


def _review_effect(params: ReviewClients) -> Effect:
    if params.accept_sure or params.take or params.link or params.ignore or params.undo:
        return Effect.LOOKS if params.take and params.dry_run else Effect.WRITES_HERE
    return Effect.WRITES_FILE if params.export not in ("", "-") else Effect.LOOKS


async def list_clients(practice: OpenPractice, params: ListClients, dialogue: Dialogue) -> Result:
    """List all clients in the store."""
    views = queries.list_clients(practice, only=params.only, text=params.find)
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("CLIENT ID", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("LINK", whole=True),
        TextColumn("XPM NO.", whole=True),
        TextColumn("NEEDS", whole=True),
    )
    rows = (
        (
            v.id,
            v.client_id or "",
            v.name,
            labels.LINK_STATES[v.link_state].text,
            v.link.number if v.link else "",
            needs(v),
        )
        for v in views
    )
    nothing = "No client matches." if params.only or params.find else "There are no clients yet."
    return table_result(views, TextTable(columns, rows, nothing), count=len(views), most=params.limit)


async def show_client(practice: OpenPractice, params: OneClient, dialogue: Dialogue) -> Result:
    """Show one client with its values on both sides."""
    view = lookup.show_client(practice, params.client)
    sides = queries.side_by_side(practice, view.id)
    data = {**to_plain(view), "fields": [to_plain(side) for side in sides]}
    return Result(data=data, lines=_client_lines(view, sides))


async def search_clients(practice: OpenPractice, params: SearchClients, dialogue: Dialogue) -> Result:
    """Search XPM's clients in the mirror."""
    await xpm_refresh.ensure_mirror(practice)
    most = params.limit or sys.maxsize
    found = queries.search_xpm(practice, params.query, limit=most + 1)
    views = found[:most]
    columns = (
        TextColumn("XPM NO.", whole=True),
        TextColumn("UUID", whole=True, spare=True),
        TextColumn("NAME", name=True),
        TextColumn("STATE"),
        TextColumn("LINKED TO", whole=True),
    )
    rows = (
        (v.number or v.uuid, v.uuid, v.name, _state(v.archived, v.prospect), " ".join(r.id for r in v.linked))
        for v in views
    )
    nothing = f"Nothing in XPM matches '{params.query}'."
    more = f"More than {count(most, 'client')} match. Add a word, or list all of them: --limit 0"
    result = table_result(views, TextTable(columns, rows, nothing), count=len(views))
    return replace(result, lines=[more] if len(found) > most else [])


async def review_clients(practice: OpenPractice, params: ReviewClients, dialogue: Dialogue) -> Result:
    """List clients that need a decision, with proposals, or record decisions."""
    chosen = (params.accept_sure, params.export, params.take, params.link, params.ignore, params.undo)
    if sum(map(bool, chosen)) > 1:
        raise BadInput("Use one of --accept-sure, --export, --import, --link, --ignore and --undo.")
    if params.undo:
        return _undo_review(practice, params.client)
    await xpm_refresh.ensure_mirror(practice)
    if params.link or params.ignore:
        return await _decide(practice, params, dialogue)
    if params.export:
        return await export_review(
            practice, Path(params.export), params.client, dialogue, replace=params.replace
        )
    if params.take:
        return await import_review(practice, Path(params.take), dialogue, params)
    if params.accept_sure:
        return await _accept_sure(practice, params, dialogue)
    found = link_review.clients_to_review(practice, params.client)
    # Clients that the plan links automatically need no decision: they are shown only if they are named.
    views = found if params.client else [view for view in found if not view.planned]
    planned = len(found) - len(views)
    lines = [] if views else ["No client needs a decision."]
    if planned:
        subject = count(planned, "client is/clients are")
        lines.append(f"{subject} linked by the next plan, because the names are the same: xpm-tui plan")
    return Result(
        data={"count": len(views), "planned": planned},
        items=[to_plain(view) for view in views],
        blocks=first_blocks([_proposal_lines(view) for view in views], params.limit),
        lines=lines,
    )


async def _accept_sure(practice: OpenPractice, params: ReviewClients, dialogue: Dialogue) -> Result:
    """Link the clients whose first proposal is sure, after a question."""
    found = link_review.sure_proposals(practice, params.client)
    former = clients_links.former_values(practice, [(v.id, v.proposals[0].uuid) for v in found])
    texts = [with_former(view.first, former.get(view.id, {})) for view in found]
    links = consequences.link_consequences([view.id for view in found], former=former_sum(former.values()))
    lines = [
        *shorten_list(texts, params.limit),
        "Nothing is sent. The next plan shows which values would change.",
    ]
    asked = Question(question(links), lines, button=action(links))
    if found and not await confirm_call(dialogue, asked):
        return Result(data={"count": 0}, items=[], lines=["Nothing was linked."], declined=True)
    done, decisions = link_review.store_decision(
        practice,
        [view.id for view in found],
        lambda: clients_links.accept_sure(practice, found),
        lambda done: [view.id for view in done],
    )
    columns = (
        TextColumn("ID", whole=True),
        TextColumn("NAME", name=True),
        TextColumn("XPM NO.", whole=True),
        TextColumn("XPM NAME"),
    )
    rows = [(v.id, v.name, v.link.number, v.link.name) for v in done if v.link]
    changed = former_sum(former.get(view.id, {}) for view in done)
    links = consequences.link_consequences([view.id for view in done], former=changed)
    left = len(found) - len(done)
    empty = "Nothing was linked." if left else "No proposal is sure: review each of these yourself."
    table = TextTable(columns, rows, empty, params.limit)
    result = table_result(done, table, count=len(done), consequences=to_plain(links))
    notes = [f"{count(left, 'client was/clients were')} changed meanwhile and not linked."] if left else []
    return replace(result, value=_client_ids(decisions), lines=[*result.lines, *notes])


async def _decide(practice: OpenPractice, params: ReviewClients, dialogue: Dialogue) -> Result:
    """Record the decision on one client that still needs one; another user's decision stays."""
    if len(params.client) != 1:
        raise BadInput("Name one client.", hint="xpm-tui clients review c12 --link 1234567")
    view = lookup.show_client(practice, params.client[0])
    if not view.needs:
        raise BadInput(
            f"{view.name} ({view.id}) needs no decision: nothing was changed.",
            hint=f"To link it to another XPM client: xpm-tui clients link {view.id} XPM",
        )
    if params.ignore:
        text = f"{view.id} {view.name} is ignored and no longer needs a link."
        return _store_decision(
            practice, view.id, lambda: clients_links.ignore(practice, view.id, REVIEWED), text
        )
    effect = clients_links.preview_link(practice, view.id, params.link)
    if effect.refused:
        raise BadInput(effect.refused)
    if effect.needs_yes and not params.yes and not dialogue.interactive:
        raise DecisionNeeded(effect.needs_yes, hint="Add --yes to do it anyway.")
    ask = "Link it anyway?" if effect.needs_yes else "Link them?"
    asked = Question(ask, effect_lines(effect), button="Link")
    if (effect.needs_yes or effect.former) and not params.yes and not await confirm_call(dialogue, asked):
        return Result(data={"linked": False}, lines=["Nothing was linked."], declined=True)
    agreed = params.yes or bool(effect.needs_yes)
    text = f"{view.id} {view.name} is linked to {effect.xpm.number or effect.xpm.uuid} {effect.xpm.name}."
    return _store_decision(
        practice,
        view.id,
        lambda: clients_links.link(practice, view.id, effect.xpm.uuid, yes=agreed, origin="review"),
        text,
        effect,
    )


def _store_decision(
    practice: OpenPractice,
    client: str,
    decide: Callable[[], ClientView],
    sentence: str,
    effect: EffectView | None = None,
) -> Result:
    view, decisions = link_review.store_decision(practice, [client], decide)
    data = {**to_plain(view), **(former_data(effect) if effect is not None else {})}
    lines = [sentence, *(former_lines(effect) if effect is not None else ())]
    return Result(data=data, lines=lines, value=_client_ids(decisions))


def _undo_review(practice: OpenPractice, clients: Sequence[str]) -> Result:
    ids = [lookup.find_client(practice.snapshot(), text).id for text in clients]
    names = link_review.undo_decision(practice, ids)
    message = names[0] if len(names) == 1 else count(len(names), "client")
    return Result(
        data={"count": len(names)}, lines=[f"The decision on {message} was undone."], value=tuple(names)
    )


def _client_ids(decisions: Iterable[ReviewDecision]) -> tuple[str, ...]:
    """Return the clients that were decided, so that a screen can offer to undo that."""
    return tuple(each.after.client for each in decisions)


def needs(view: ClientView) -> str:
    """Return in a word or two what decision the client needs."""
    return "you" if view.needs else ""


def _state(archived: bool, prospect: bool) -> str:
    return "archived" if archived else "prospect" if prospect else ""


def _client_lines(view: ClientView, sides: list[SideBySide]) -> list[str]:
    link, state = view.link, labels.LINK_STATES[view.link_state].text
    lines = listing(
        {
            "Name": view.name,
            "Id": view.id,
            "Client ID": view.client_id or "",
            "State": view.state,
            "Link": f"{state}: {link.number} {link.name}" if link else state,
            "UUID": link.uuid if link else "",
            "Needs": view.needs,
            "From another client": came_from(view),
            "Frozen": ", ".join(frozen_labels(view)),
            "Ignored": view.ignored or "",
        }
    )
    if sides:
        lines += ["", "In Ignition and XPM:", *_field_lines(sides)]
    else:
        own = (field for field in editable("client") if field.sync.is_ever_synced and not field.required)
        lines += listing({field.label: value(view.shown(field)) for field in own})
    for contact in view.contacts:
        mark = "Primary contact" if contact.primary else "Contact"
        came = f" (came from {contact.came_from.name})" if contact.came_from else ""
        gone = " (removed in XPM, not created there again)" if contact.removed else ""
        lines.append(f"{mark} {contact.id}: {contact.summary}{came}{gone}")
    for removed in view.removed_contacts:
        if removed.side == "ignition":
            lines.append(f"Removed here, still in XPM: {removed.name}")
    return lines


def frozen_labels(view: ClientView) -> list[str]:
    """Return the frozen fields of a client by their labels, those of contacts with the contact's id."""
    places = (key.rpartition(".")[0] for key in view.frozen)
    return [
        label(key) + (f" ({contact})" if contact else "")
        for key, contact in zip(view.frozen, places, strict=True)
    ]


def came_from(view: ClientView) -> str:
    """Return which values of a client came from an XPM client that it is no longer linked to."""
    found: dict[str, list[str]] = {}
    for field, there in view.came_from.items():
        found.setdefault(there.name, []).append(label(field))
    return "; ".join(f"{', '.join(fields)} came from {name}" for name, fields in found.items())


def _field_lines(sides: list[SideBySide]) -> list[str]:
    """Return equal fields once, and the others with both values, the last agreed pair and the reason."""
    wide = max(len(side.label) for side in sides)
    lines = []
    for side in sides:
        name, ours, theirs = side.label.ljust(wide), value(side.ignition, none=""), value(side.xpm, none="")
        came = f" (came from {side.came_from})" if side.came_from else ""
        if ours == theirs and not side.reason:
            lines += [f"  {name}  {ours}{came}"] if ours else []
            continue
        agreed = value(side.agreed) if side.has_agreed else "nothing yet"
        lines.append(f"  {name}  Ignition {ours or NONE}{came} | XPM {theirs or NONE} | last agreed {agreed}")
        lines += wrap(side.reason, indent=" " * (wide + 4)) if side.reason else []
    return lines


def _proposal_lines(view: ReviewView) -> list[str]:
    lines = [f"{view.id}  {view.name}  ({view.reason})"]
    for proposal in view.proposals:
        planned = view.planned and proposal is view.proposals[0]
        sure = "planned" if planned else labels.MATCHES[proposal.level].text
        lines.append(
            f"    {proposal.score:3} {sure:8}  {proposal.number or '-':8}  {proposal.name}"
            f"  {_state(proposal.archived, proposal.prospect)}".rstrip()
        )
        lines.append(f"        {proposal.uuid}")
        lines += wrap("; ".join(proposal.reasons), indent=" " * 8)
    return lines if view.proposals else [*lines, "    no proposal: search, or create it in XPM"]


COMMANDS = (
    Command(
        name="clients.list",
        title="List clients",
        help="List Ignition's clients with their links and what they need.",
        params=ListClients,
        run=list_clients,
        effect=Effect.LOOKS,
        example="xpm-tui clients list --only unlinked",
        default=True,
    ),
    Command(
        name="clients.show",
        title="Show a client in Ignition and XPM",
        help="Show one client: its link, its contacts, and each field as Ignition and XPM have it.",
        params=OneClient,
        run=show_client,
        effect=Effect.LOOKS,
        example="xpm-tui clients show c12",
        why_not=on_record,
    ),
    Command(
        name="clients.search",
        title="Search XPM clients",
        help="Search XPM's clients in the data that XPM last returned. A pasted address, number or UUID "
        "finds exactly one.",
        params=SearchClients,
        run=search_clients,
        effect=Effect.LOOKS,
        example='xpm-tui clients search "smith family"',
        why_not=require_connection,
    ),
    Command(
        name="clients.review",
        title="Review clients that need a link",
        help="List the clients that need a decision, each with its proposals, their scores and reasons.",
        params=ReviewClients,
        run=review_clients,
        effect=PerCall(_review_effect, Effect.LOOKS),
        example="xpm-tui clients review --accept-sure\nxpm-tui clients review c12 --link 1234567\n"
        "xpm-tui clients review --undo\nxpm-tui clients review --export review.csv\n"
        "xpm-tui clients review --import review.csv --dry-run",
        key="r",
        where=("clients",),
        footer="Review",
        why_not=require_connection,
    ),
)  # fmt: skip
