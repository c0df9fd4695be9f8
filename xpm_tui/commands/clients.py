"""The review as a file: written, and taken back with the choices of a person.

Looking at clients: those of the book, those of XPM, and what one may be of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec

from xpm_tui.commands.command import (
    Act,
    Column,
    Result,
    Table,
    Talk,
    argument,
    connected,
    first,
    on_record,
    option,
)
from xpm_tui.commands.consequences import action, question
from xpm_tui.commands.effects import Effect, Question, agree, per_call
from xpm_tui.commands.tables import listed, plain
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput, Trouble
from xpm_tui.domain.fields import editable
from xpm_tui.domain.formatting import NONE, count, listing, value, wrap
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import links as clients_links
    from xpm_tui.application.clients import queries, review_file
    from xpm_tui.application.runs import xpm_refresh
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.clients.review_file import Chosen, ReviewReport
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ClientView, ReviewView, SideBySide

_SHOWN = 20
"""Rows of each kind that a person is shown; --json tells all."""


def export_review(practice: OpenPractice, path: Path, only: Sequence[str], *, replace: bool) -> Result:
    """Write the file; ``-`` is stdout."""

    if str(path) == "-":
        text, clients = review_file.export_review(practice, only)
        return Result(data={"count": clients, "csv": text}, raw=text)
    clients = review_file.export_review_file(practice, path, only, replace=replace)
    told = f"{count(clients, 'client')} in {path}. Fill in the column Choice, then: "
    return Result(
        data={"count": clients, "file": str(path)},
        lines=[told + f"xpm-tui clients review --import {path}"],
    )


def import_review(practice: OpenPractice, path: Path, *, dry_run: bool) -> Result:
    """Carry out what the file chooses, and say what was refused."""

    report = review_file.import_review(practice, path, dry_run=dry_run)
    return Result(data=plain_report(report), lines=report_lines(report), trouble=_refused(report))


def plain_report(report: ReviewReport) -> dict[str, object]:
    """The report as JSON data, with the counts of each choice."""
    counts = {word: sum(each.choice == word for each in report.items) for word in ("link", "ignore")}
    return {
        **plain(report),
        "linked": counts["link"],
        "ignored": counts["ignore"],
        "refused": [{"row": each.row, "reason": each.reason} for each in report.refused],
    }


def report_lines(report: ReviewReport, shown: int = _SHOWN) -> list[str]:
    """What a file did, or would do; at most ``shown`` rows of each kind one by one."""
    would = "would be " if report.dry_run else ""
    links = sum(each.choice == "link" for each in report.items)
    lines = [
        f"{report.file}: {links:,} {would}linked, {len(report.items) - links:,} {would}ignored, "
        f"{report.same:,} the same as before, {report.open:,} without a choice."
    ]
    lines += [_line(each) for each in report.items[:shown]]
    lines += [f"  row {each.row}: refused: {each.reason}" for each in report.refused[:shown]]
    rest = max(0, len(report.items) - shown) + max(0, len(report.refused) - shown)
    return [*lines, *([f"  and {rest:,} more: --json tells them all"] if rest else [])]


def _line(each: Chosen) -> str:
    to = f"{each.number or each.uuid}  {each.xpm_name}" if each.choice == "link" else "ignored"
    return f"  row {each.row}: {each.id}  {each.name}  ->  {to}"


def _refused(report: ReviewReport) -> Trouble | None:
    if not report.refused:
        return None
    rows = ", ".join(str(each.row) for each in report.refused[:10])
    trouble = Trouble(
        f"{count(len(report.refused), 'row')} of {report.file} refused: {rows}.",
        hint="Mend them in the file and import it again: what is done already stays as it is.",
    )
    trouble.code = "partial"
    return trouble


ClientId = Annotated[
    str,
    argument("The client: our id, Ignition's Client ID, or its exact name.", "CLIENT", completes="client"),
]
"""A client of the book, as every verb takes it."""

Which = Literal[
    "", "linked", "unlinked", "needs-link", "broken", "same-name", "frozen", "ignored", "archived", "conflict"
]
WHICH = tuple(name for name in get_args(Which) if name)


class ListClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients list``."""

    only: Annotated[Which, option(f"Only these: {', '.join(WHICH)}.", "WHICH")] = ""
    find: Annotated[str, option("Only clients with this in name, e-mail or id.", "TEXT")] = ""


class ShowClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients show``."""

    client: ClientId


class SearchClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients search``."""

    query: Annotated[
        str, argument("What to look for: name, code, e-mail, number, UUID or web address.", "TEXT")
    ]
    limit: Annotated[int, option("At most so many.", "N")] = 50


class ReviewClients(msgspec.Struct, frozen=True):
    """Parameters of ``clients review``."""

    client: Annotated[
        tuple[str, ...], argument("Only these clients.", "[CLIENT]...", completes="client")
    ] = ()
    accept_sure: Annotated[bool, option("Link every client whose first proposal is sure.")] = False
    export: Annotated[
        str,
        option(
            "Write the proposals to a CSV file with a column for your choice; -: stdout.",
            "FILE",
            completes="file",
        ),
    ] = ""
    take: Annotated[
        str, option("Carry out the choices of such a file.", "FILE", flag="--import", completes="file")
    ] = ""
    replace: Annotated[bool, option("With --export: write over a file that is there.")] = False
    dry_run: Annotated[bool, option("With --import: say what it would do, and do nothing.")] = False


def _review_effect(params: ReviewClients) -> Effect:
    if params.accept_sure or params.take:
        return Effect.LOOKS if params.take and params.dry_run else Effect.WRITES_HERE
    return Effect.WRITES_FILE if params.export not in ("", "-") else Effect.LOOKS


async def list_clients(practice: OpenPractice, params: ListClients, talk: Talk) -> Result:
    """All clients of the book."""

    views = queries.list_clients(practice, only=params.only, text=params.find)
    columns = (Column("ID", whole=True), Column("CLIENT ID"), Column("NAME"), Column("LINK", whole=True),
               Column("XPM NO.", whole=True), Column("NEEDS", whole=True))  # fmt: skip
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
    nothing = "No client here." if params.only or params.find else "The book has no clients yet."
    return listed(views, Table(columns, rows, nothing), count=len(views))


async def show_client(practice: OpenPractice, params: ShowClient, talk: Talk) -> Result:
    """One client, with both sides next to each other."""

    view = queries.show_client(practice, params.client)
    sides = queries.side_by_side(practice, view.id)
    data = {**plain(view), "fields": [plain(side) for side in sides]}
    return Result(data=data, lines=_card(view, sides))


async def search_clients(practice: OpenPractice, params: SearchClients, talk: Talk) -> Result:
    """Clients of XPM, from the mirror."""

    await xpm_refresh.ensure_mirror(practice)
    views = queries.search_xpm(practice, params.query, limit=params.limit)
    columns = (Column("XPM NO.", whole=True), Column("UUID", whole=True), Column("NAME"),
               Column("STATE"), Column("LINKED TO"))  # fmt: skip
    rows = (
        (v.number, v.uuid, v.name, _state(v.archived, v.prospect), " ".join(ref.id for ref in v.linked))
        for v in views
    )
    nothing = f"Nothing in XPM is like '{params.query}'."
    return listed(views, Table(columns, rows, nothing), count=len(views))


async def review_clients(practice: OpenPractice, params: ReviewClients, talk: Talk) -> Result:
    """Clients that need a person, with proposals."""

    if sum(map(bool, (params.accept_sure, params.export, params.take))) > 1:
        raise BadInput("Give one of --accept-sure, --export and --import.")
    await xpm_refresh.ensure_mirror(practice)
    if params.export:
        return export_review(practice, Path(params.export), params.client, replace=params.replace)
    if params.take:
        return import_review(practice, Path(params.take), dry_run=params.dry_run)
    if not params.accept_sure:
        views = queries.review(practice, params.client)
        lines = [line for view in views for line in _proposals(view)] or ["No client needs a link."]
        return Result(data={"count": len(views)}, items=[plain(view) for view in views], lines=lines)
    found = queries.sure_ones(practice, params.client)
    told = [f"{v.id}  {v.name}  ->  {v.proposals[0].number}  {v.proposals[0].name}" for v in found]
    links = consequences.of_links([view.id for view in found])
    if found and not await agree(talk, Question(question(links), told, button=action(links))):
        return Result(data={"count": 0}, items=[], lines=["Nothing was linked."])
    done = clients_links.accept_sure(practice, found)
    columns = (Column("ID", whole=True), Column("NAME"), Column("XPM NO.", whole=True), Column("XPM NAME"))
    rows = [(v.id, v.name, v.link.number, v.link.name) for v in done if v.link]
    links = consequences.of_links([view.id for view in done])
    table = Table(columns, rows, "No proposal is sure.")
    return listed(done, table, count=len(done), consequences=plain(links))


def needs(view: ClientView) -> str:
    """Whether the client needs a person, in a word or two."""
    return "a person" if view.needs else ""


def _state(archived: bool, prospect: bool) -> str:
    return "archived" if archived else "prospect" if prospect else ""


def _card(view: ClientView, sides: list[SideBySide]) -> list[str]:
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
            "Frozen": ", ".join(view.frozen),
            "Ignored": view.ignored or "",
        }
    )
    if sides:
        lines += ["", "Both sides:", *_both(sides)]
    else:
        own = (field for field in editable("client") if field.sync.at_all and not field.required)
        lines += listing({field.label: value(view.shown(field)) for field in own})
    for contact in view.contacts:
        mark = "Primary contact" if contact.primary else "Contact"
        lines.append(f"{mark} {contact.id}: {contact.summary}")
    return lines


def _both(sides: list[SideBySide]) -> list[str]:
    """Fields that are the same once, the others with both sides, what was agreed, and why."""
    wide = max(len(side.label) for side in sides)
    lines = []
    for side in sides:
        label, ours, theirs = side.label.ljust(wide), value(side.ignition, none=""), value(side.xpm, none="")
        if ours == theirs:
            lines += [f"  {label}  {ours}"] if ours else []
            continue
        agreed = value(side.agreed) if side.has_agreed else "nothing yet"
        lines.append(f"  {label}  Ignition {ours or NONE} | XPM {theirs or NONE} | agreed {agreed}")
        lines += wrap(side.reason, indent=" " * (wide + 4)) if side.reason else []
    return lines


def _proposals(view: ReviewView) -> list[str]:
    lines = [f"{view.id}  {view.name}  ({view.reason})"]
    for proposal in view.proposals:
        sure = labels.MATCHES[proposal.level].text
        lines.append(
            f"    {proposal.score:3} {sure:8}  {proposal.number or '-':8}  {proposal.name}"
            f"  {_state(proposal.archived, proposal.prospect)}".rstrip()
        )
        lines.append(f"        {proposal.uuid}")
        lines += wrap("; ".join(proposal.reasons), indent=" " * 8)
    return lines if view.proposals else [*lines, "    no proposal: search, or create it in XPM"]


ACTS = (
    Act(
        name="clients.list",
        title="List the clients of the book",
        help="List the clients of the book with their links and what they need.",
        params=ListClients,
        run=list_clients,
        effect=Effect.LOOKS,
        verb=("clients", "list"),
        example="xpm-tui clients list --only unlinked",
        default=True,
    ),
    Act(
        name="clients.show",
        title="Show one client, both sides",
        help="Show one client: its link, its contacts, and each field as Ignition and XPM have it.",
        params=ShowClient,
        run=show_client,
        effect=Effect.LOOKS,
        verb=("clients", "show"),
        example="xpm-tui clients show c12",
        why_not=on_record,
    ),
    Act(
        name="clients.search",
        title="Search the clients of XPM",
        help="Search the clients of XPM in the mirror. A pasted address, number or UUID finds exactly one.",
        params=SearchClients,
        run=search_clients,
        effect=Effect.LOOKS,
        verb=("clients", "search"),
        example='xpm-tui clients search "smith family"',
        why_not=connected,
    ),
    Act(
        name="clients.review",
        title="Review clients that need a link",
        help="List the clients that need a person, each with its proposals, their score and reasons.",
        params=ReviewClients,
        run=review_clients,
        effect=per_call(_review_effect, Effect.LOOKS),
        verb=("clients", "review"),
        example="xpm-tui clients review --accept-sure\nxpm-tui clients review --export review.csv\n"
        "xpm-tui clients review --import review.csv --dry-run",
        key="r",
        where=("clients",),
        footer="Review",
        why_not=first(connected),
    ),
)  # fmt: skip
