"""Commands that import and export Ignition's files, and the review of clients as a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from xpm_tui.commands.command import (
    Command,
    Dialogue,
    DryRun,
    NeededYes,
    ReplaceFile,
    Result,
    argument,
    option,
    require_idle,
)
from xpm_tui.commands.consequences import action, one_line, question
from xpm_tui.commands.consequences import lines as described
from xpm_tui.commands.effects import (
    Effect,
    PerCall,
    Question,
    confirm_call,
    confirm_overwrite,
    effect_or_dry_run,
    to_file,
)
from xpm_tui.commands.link_effects import former_sum, with_former
from xpm_tui.commands.tables import to_plain
from xpm_tui.domain.errors import AppError, BadInput, DecisionNeeded
from xpm_tui.domain.formatting import count, plural, sequence, when
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import link_review, review_file
    from xpm_tui.application.csv_io import exports, import_effects, imports
    from xpm_tui.application.jobs import services
    from xpm_tui.application.presenters import lookup
    from xpm_tui.commands import log
    from xpm_tui.ignition import forms
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.clients.link_review import ReviewDecision
    from xpm_tui.application.clients.review_file import ReviewChoice, ReviewReport
    from xpm_tui.application.csv_io.exports import ExportReport
    from xpm_tui.application.csv_io.imports import ImportReport, UndoReport
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.commands.clients import ReviewClients
    from xpm_tui.ignition.forms import FormName


SHOWN = 20
"""The number of rows of each kind that a terminal shows; ``--json`` has all."""

CsvFile = Annotated[
    str, argument("The CSV file that Ignition exported; '-' is standard input.", "FILE", completes="file")
]


class ImportFile(msgspec.Struct, frozen=True):
    """Parameters of ``import clients`` and the other forms."""

    file: CsvFile
    map: Annotated[
        tuple[str, ...],
        option("The field for a heading, such as 'Tel=contact_phone'; it is remembered.", "HEADING=FIELD"),
    ] = ()
    dry_run: DryRun = False
    encoding: Annotated[str, option("The file's encoding, if it is not detected.", "NAME")] = ""
    as_of: Annotated[
        str,
        option("When Ignition wrote the file, or 'now'; otherwise the time of its last change.", "TIME"),
    ] = ""


class UndoImport(msgspec.Struct, frozen=True):
    """Parameters of ``import undo``."""

    dry_run: DryRun = False
    yes: NeededYes = False


class ExportFile(msgspec.Struct, frozen=True):
    """Parameters of ``export services`` and the other forms."""

    file: Annotated[str, argument("The CSV file to write; '-' is stdout.", "FILE", completes="file")]
    form: Annotated[
        Literal["ignition", "spreadsheet"], option("For Ignition's import, or for a spreadsheet.")
    ] = "ignition"
    replace: ReplaceFile = False


class ExportClients(ExportFile, frozen=True):
    """Parameters of ``export clients``."""

    mark_sent: Annotated[
        bool, option("With '-', mark the clients as sent to Ignition once they are printed.")
    ] = False

    changed: Annotated[bool, option("Only what Ignition does not have yet.")] = False
    again: Annotated[bool, option("With --changed, also what was exported before.")] = False
    client: Annotated[tuple[str, ...], option("Only this client.", "CLIENT", completes="client")] = ()


def _importer(form: FormName) -> Callable[[OpenPractice, ImportFile, Dialogue], Awaitable[Result]]:
    async def run(practice: OpenPractice, params: ImportFile, dialogue: Dialogue) -> Result:
        report = imports.import_file(
            practice,
            form,
            Path(params.file),
            dict(forms.parse_mapping(word) for word in params.map),
            params.dry_run,
            encoding=params.encoding,
            as_of=_time_given(params.as_of, practice.clock.now()),
            progress=lambda what, done, total: dialogue.progress(_progress(params.file, what, done, total)),
            say=dialogue.say,
        )
        data = {**to_plain(report), "unknown_columns": [c.heading for c in report.columns if c.field is None]}
        lines = [*_imported(report, form), *_deploys_nothing(practice, report)]
        return Result(data=data, lines=lines, error=_refused(report), value=report)

    return run


def _time_given(text: str, now: datetime) -> datetime | None:
    if not text.strip():
        return None
    return now if text.strip().casefold() == "now" else log.parse_time(text.strip(), now)


def _progress(file: str, what: str, done: int, total: int) -> str:
    doing = {"reading": "Reading", "comparing": "Comparing", "writing": "Writing"}[what]
    of = f" of {total:,}" if total else ""
    return f"{doing} {Path(file).name}: {done:,}{of} {plural(total or done, 'row')} …"


async def undo_import(practice: OpenPractice, params: UndoImport, dialogue: Dialogue) -> Result:
    """Undo the last import."""
    report = imports.undo_import(practice, True)
    if not params.dry_run:
        unchanged = {**to_plain(report), "undone": False}
        if _restores_nothing(report):
            return Result(data=unchanged, lines=[*report.left], error=_nothing_undone(report))
        found = report.consequences
        if found is not None:
            asked = Question(question(found), described(found), button=action(found))
            if not await confirm_call(dialogue, asked):
                return Result(data=unchanged, lines=["Nothing was changed."], declined=True)
        report = imports.undo_import(practice)
    text = ", ".join(f"{number:,} {name}" for name, number in report.counts.items())
    later = ["The rest can be undone later: xpm-tui import undo"] if report.left else []
    return Result(data=to_plain(report), lines=[f"{report.file}: {text}.", *report.left, *later])


def _restores_nothing(report: UndoReport) -> bool:
    return bool(report.left) and not (report.counts["removed"] or report.counts["restored"])


def _nothing_undone(report: UndoReport) -> AppError:
    return DecisionNeeded(
        f"Nothing of {report.file} could be undone, so nothing was changed. {report.left[0]}",
        hint="The import can still be undone once that is resolved: xpm-tui import undo",
    )


def _exporter(form: FormName) -> Callable[[OpenPractice, Any, Dialogue], Awaitable[Result]]:
    async def run(practice: OpenPractice, params: ExportFile, dialogue: Dialogue) -> Result:
        wanted: dict[str, Any] = {"flavour": params.form}
        if isinstance(params, ExportClients):
            only = [lookup.find_client(practice.snapshot(), text).id for text in params.client]
            wanted |= {"changed": params.changed, "again": params.again, "only": only}
        mark = isinstance(params, ExportClients) and params.mark_sent
        if params.file == "-":
            raw, report, sent = exports.export_text(practice, form, mark=mark, **wanted)
            text = raw.decode("utf-8", "replace")
            data = {**to_plain(report), "csv": text}
            return Result(data=data, raw=text, error=_left_out(report), delivered=sent if mark else None)
        if mark:
            raise BadInput(
                "--mark-sent works only with '-'.",
                hint="Clients that are written to a file count as sent anyway.",
            )
        path = Path(params.file)
        over = await confirm_overwrite(dialogue, path, replace=params.replace)
        if over is None:
            return Result(data={"records": 0, "files": []}, lines=["Nothing was written."], declined=True)
        report = exports.export_file(practice, form, path, replace=over, **wanted)
        return Result(data=to_plain(report), lines=_exported(report), error=_left_out(report), value=report)

    return run


_KNOWN_FROM = {
    "file": ", when the file was last changed",
    "column": ", the newest time in its column",
    "given": "",
    "now": ", as no other time is known",
}


def _imported(report: ImportReport, form: str) -> list[str]:
    counts, would = report.counts, "would be " if report.dry_run else ""
    text = f"{counts.get('new', 0):,} {would}new, {counts.get('changed', 0):,} {would}changed"
    lines = [f"{report.file} ({report.encoding}): {form}: {text}, {counts.get('same', 0):,} the same."]
    if report.as_of is not None:
        lines.append(f"  Values as of {when(report.as_of)}{_KNOWN_FROM[report.as_of_from]}.")
    if report.resumed:
        lines.append(f"  This completes import {report.id}, which was interrupted.")
    if report.stop_came_late:
        lines.append("  You stopped while the import was being saved, so all of it was saved.")
    more = {
        "contacts": "new contact",
        "adopted": "client without Client ID matched by name/clients without Client ID matched by name",
        "cells": "changed cell",
        "stopped": "waiting workflow was stopped/waiting workflows were stopped",
    }
    lines += [f"  {count(counts[key], noun)}" for key, noun in more.items() if counts.get(key)]
    if report.consequences is not None:
        found = report.consequences
        outcome_lines = described(found) if report.dry_run else [one_line(found, costs=False)]
        lines += [f"  {line}" for line in outcome_lines if line]
    unknown = [column.heading for column in report.columns if column.field is None]
    if unknown:
        lines.append(f"  unknown columns, stored as they are: {', '.join(unknown)}")
    lines += [f"  row {row.row} refused: {row.reason}" for row in report.refused[:SHOWN]]
    lines += [
        f"  row {row.row}: {row.reason}" if row.row else f"  {row.reason}" for row in report.notes[:SHOWN]
    ]
    return [*lines, *_more(SHOWN, report.refused, report.notes)]


def _more(shown: int, *lists: Sequence[Any]) -> list[str]:
    """Return a line that counts the rows beyond the first ``shown`` of each list; none if there are none."""
    rest = sum(max(0, len(each) - shown) for each in lists)
    return [f"  and {rest:,} more: --json lists all of them"] if rest else []


def _deploys_nothing(practice: OpenPractice, report: ImportReport) -> list[str]:
    """Return a note that importing proposals creates no jobs, and how to create them."""
    number = report.counts.get("to_take", 0)
    if not number:
        return []
    lines = [
        f"This creates no jobs. For {count(number, 'accepted proposal')}, Ignition's own "
        "integration has usually created the jobs already; where it has not, take the proposals "
        "over: xpm-tui proposals take-over PROP-12, or --all"
    ]
    return lines if services.terms_of(practice).ours else [*lines, services.IGNITION, services.IGNITION_HINT]


def _refused(report: ImportReport) -> AppError | None:
    if report.older:
        cells = count(report.older, "value")
        return _partial(
            f"{cells} of {report.file} {plural(report.older, 'was/were')} left out, because newer ones had "
            "already been imported.",
            import_effects.OLDER_HINT,
        )
    others = "The other rows can be imported. " if report.dry_run else "The other rows were imported. "
    if report.counts["rows"] == len(report.refused):
        others = ""
    return _refused_rows(report, f"{others}Fix these in the file and import it again.")


def _refused_rows(report: ImportReport | ReviewReport, hint: str) -> AppError | None:
    if not report.refused:
        return None
    rows = sequence((str(each.row) for each in report.refused), most=10)
    number = count(len(report.refused), "row was/rows were")
    return _partial(f"In {report.file}, {number} refused: {rows}.", hint)


def _exported(report: ExportReport) -> list[str]:
    if not report.files:
        return ["There is nothing to export."]
    lines = [f"{count(report.records, 'record')} in {count(report.rows, 'row')}: {', '.join(report.files)}"]
    lines += [f"  left out: {each.id} {each.name}: {each.reason}" for each in report.refused]
    return lines + [f"  {each.id} {each.name}: {each.reason}" for each in report.splits]


def _left_out(report: ExportReport) -> AppError | None:
    if not report.refused:
        return None
    text = (
        f"{count(len(report.refused), 'record was/records were')} left out, because Ignition would refuse "
        "or duplicate them."
    )
    return _partial(text, f"The first: {report.refused[0].id}: {report.refused[0].reason}.")


def _partial(message: str, hint: str) -> AppError:
    error = AppError(message, hint=hint)
    error.code = "partial"
    return error


_HOW_TO_CHOOSE = "Fill in the column Choice: link, ignore, or a number, UUID or web address of XPM."


async def export_review(
    practice: OpenPractice, path: Path, only: Sequence[str], dialogue: Dialogue, *, replace: bool
) -> Result:
    """Write the review to a file; ``-`` is standard output."""
    if str(path) == "-":
        text, clients = review_file.export_review(practice, only)
        return Result(data={"count": clients, "csv": text}, raw=text)
    over = await confirm_overwrite(dialogue, path, replace=replace)
    if over is None:
        return Result(data={"count": 0}, lines=["Nothing was written."], declined=True)
    clients = review_file.export_review_file(practice, path, only, replace=over)
    message = f"{count(clients, 'client')} in {path}. Fill in the column Choice, then: "
    return Result(
        data={"count": clients, "file": str(path)},
        lines=[message + f"xpm-tui clients review --import {path}"],
        value=clients,
    )


async def import_review(
    practice: OpenPractice, path: Path, dialogue: Dialogue, params: ReviewClients
) -> Result:
    """Show what a review file would do, ask on a terminal, apply it, and report what was refused."""
    settled: tuple[ReviewDecision, ...] = ()
    report = would = review_file.import_review(practice, path, dry_run=True)
    if not params.dry_run:
        links = sum(each.choice == "link" for each in would.items)
        former = former_sum(each.former for each in would.items)
        found = consequences.review_consequences(links, len(would.items) - links, former)
        asked = Question(question(found), report_lines(would, params.limit), button=action(found))
        if would.items and not await confirm_call(dialogue, asked):
            return Result(data={"count": 0}, lines=["No decision was applied."], declined=True)
        report, settled = link_review.store_decision(
            practice, [each.id for each in would.items], lambda: review_file.import_review(practice, path)
        )
    hint = "Fix these rows and import the file again. Rows that were already applied stay as they are."
    return Result(
        data=plain_report(report),
        lines=report_lines(report, params.limit) + ([] if report.items else [_HOW_TO_CHOOSE]),
        error=_refused_rows(report, hint),
        value=tuple(each.after.client for each in settled),
    )


def plain_report(report: ReviewReport) -> dict[str, object]:
    """Return the report as JSON data, with the counts of each choice."""
    counts = {word: sum(each.choice == word for each in report.items) for word in ("link", "ignore")}
    return {
        **to_plain(report),
        "linked": counts["link"],
        "ignored": counts["ignore"],
        "refused": [{"row": each.row, "reason": each.reason} for each in report.refused],
    }


def report_lines(report: ReviewReport, shown: int = SHOWN) -> list[str]:
    """Return what a file did or would do, with at most ``shown`` rows of each kind."""
    would = "would be " if report.dry_run else ""
    links = sum(each.choice == "link" for each in report.items)
    lines = [
        f"{report.file}: {links:,} {would}linked, {len(report.items) - links:,} {would}ignored, "
        f"{report.same:,} the same as before, {report.open:,} without a choice."
    ]
    lines += [_line(each) for each in report.items[:shown]]
    lines += [f"  row {each.row}: refused: {each.reason}" for each in report.refused[:shown]]
    return [*lines, *_more(shown, report.items, report.refused)]


def _line(each: ReviewChoice) -> str:
    to = f"{each.number or each.uuid}  {each.xpm_name}" if each.choice == "link" else "ignored"
    return with_former(f"  row {each.row}: {each.id}  {each.name}  →  {to}", each.former)


def _export_effect(params: ExportClients) -> Effect:
    if params.file in ("", "-"):
        return Effect.WRITES_HERE if params.mark_sent else Effect.LOOKS
    return Effect.WRITES_FILE


_ABOUT: dict[FormName, tuple[str, str]] = {
    "clients": ("Ignition's clients", "Ignition's client file"),
    "services": ("Ignition's services", "Ignition's file of active services or its service library"),
    "team": ("Ignition's team", "Ignition's list of users"),
    "proposals": ("Ignition's proposals", "Ignition's file of proposals"),
}

COMMANDS: tuple[Command[Any], ...] = (
    *(
        Command(
            name=f"import.{form}",
            title=f"Import {whose}",
            help=f"Merge {file} into the practice's data. Blank cells and absent rows change nothing; "
            "a bad row is refused with its number, and the other rows are imported.",
            params=ImportFile,
            run=_importer(form),
            example=f"xpm-tui import {form} {form}.csv --dry-run",
            key="I" if form in ("clients", "proposals") else "",
            where=(form,) if form in ("clients", "proposals") else (),
            footer="Import" if form == "proposals" else "",
            effect=effect_or_dry_run(Effect.WRITES_HERE, opens=Effect.LOOKS),
            why_not=require_idle,
        )
        for form, (whose, file) in _ABOUT.items()
    ),
    Command(
        name="import.undo",
        title="Undo the last import",
        help="Undo the last import: new records are removed, and changed values and contacts are "
        "restored unless someone has changed them since. The rest stays, is listed, and can be "
        "undone later.",
        params=UndoImport,
        run=undo_import,
        example="xpm-tui import undo --dry-run",
        effect=effect_or_dry_run(Effect.REPLACES),
        why_not=require_idle,
    ),
    *(
        Command(
            name=f"export.{form}",
            title=f"Export {whose[11:]} for Ignition",
            help=f"Write {whose[11:]} in Ignition's own format. With --form spreadsheet, in a format "
            "to read and edit in a spreadsheet.",
            params=ExportClients if form == "clients" else ExportFile,
            run=_exporter(form),
            example=f"xpm-tui export {form} {form}.csv" + (" --changed" if form == "clients" else ""),
            key="X" if form == "clients" else "",
            where=("clients",) if form == "clients" else (),
            effect=PerCall(_export_effect, Effect.WRITES_FILE) if form == "clients" else to_file("file"),
        )
        for form, (whose, _) in _ABOUT.items()
    ),
)
