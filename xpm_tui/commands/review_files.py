"""The review as a file: written, and taken back with the choices of a user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xpm_tui.commands.command import Dialogue, Result
from xpm_tui.commands.consequences import action, question
from xpm_tui.commands.effects import Question, confirm_call, confirm_overwrite
from xpm_tui.commands.link_effects import former_sum, with_former
from xpm_tui.commands.tables import plain
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.formatting import count
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.clients import review_file, review_undo
    from xpm_tui.sync import consequences

if TYPE_CHECKING:
    from xpm_tui.application.clients.review_file import ReviewChoice, ReviewReport
    from xpm_tui.application.clients.review_undo import ReviewDecision
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.commands.clients import ReviewClients

SHOWN = 20
"""Rows of each kind that a user is shown; --json has all."""

_FILL_IN = "Fill in the column Choice: link, ignore, or a number, UUID or web address of XPM."


async def export_review(
    practice: OpenPractice, path: Path, only: Sequence[str], talk: Dialogue, *, replace: bool
) -> Result:
    """Write the file; ``-`` is stdout."""
    if str(path) == "-":
        text, clients = review_file.export_review(practice, only)
        return Result(data={"count": clients, "csv": text}, raw=text)
    over = await confirm_overwrite(talk, path, replace=replace)
    if over is None:
        return Result(data={"count": 0}, lines=["Nothing was written."], declined=True)
    clients = review_file.export_review_file(practice, path, only, replace=over)
    told = f"{count(clients, 'client')} in {path}. Fill in the column Choice, then: "
    return Result(
        data={"count": clients, "file": str(path)},
        lines=[told + f"xpm-tui clients review --import {path}"],
        value=clients,
    )


async def import_review(practice: OpenPractice, path: Path, talk: Dialogue, params: ReviewClients) -> Result:
    """Show what the file chooses, ask where somebody sits, carry it out, and say what was refused."""
    settled: tuple[ReviewDecision, ...] = ()
    report = would = review_file.import_review(practice, path, dry_run=True)
    if not params.dry_run:
        links = sum(each.choice == "link" for each in would.items)
        former = former_sum(each.former for each in would.items)
        found = consequences.review_consequences(links, len(would.items) - links, former)
        asked = Question(question(found), report_lines(would, params.limit), button=action(found))
        if would.items and not await confirm_call(talk, asked):
            return Result(data={"count": 0}, lines=["No decision was applied."], declined=True)
        report, settled = review_undo.store_decision(
            practice, [each.id for each in would.items], lambda: review_file.import_review(practice, path)
        )
    lines = report_lines(report, params.limit) + ([] if report.items else [_FILL_IN])
    return Result(
        data=plain_report(report),
        lines=lines,
        trouble=_refused(report),
        value=tuple(each.after.client for each in settled),
    )


def plain_report(report: ReviewReport) -> dict[str, object]:
    """The report as JSON data, with the counts of each choice."""
    counts = {word: sum(each.choice == word for each in report.items) for word in ("link", "ignore")}
    return {
        **plain(report),
        "linked": counts["link"],
        "ignored": counts["ignore"],
        "refused": [{"row": each.row, "reason": each.reason} for each in report.refused],
    }


def report_lines(report: ReviewReport, shown: int = SHOWN) -> list[str]:
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
    return [*lines, *([f"  and {rest:,} more: --json lists all of them"] if rest else [])]


def _line(each: ReviewChoice) -> str:
    to = f"{each.number or each.uuid}  {each.xpm_name}" if each.choice == "link" else "ignored"
    return with_former(f"  row {each.row}: {each.id}  {each.name}  ->  {to}", each.former)


def _refused(report: ReviewReport) -> AppError | None:
    if not report.refused:
        return None
    rows = ", ".join(str(each.row) for each in report.refused[:10])
    trouble = AppError(
        f"{count(len(report.refused), 'row')} of {report.file} refused: {rows}.",
        hint="Fix these rows and import the file again. Rows that were already applied stay as they are.",
    )
    trouble.code = "partial"
    return trouble
