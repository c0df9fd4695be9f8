"""The review as a file: written, and taken back with the choices of a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xpm_tui.acts.act import Result
from xpm_tui.acts.words import plain
from xpm_tui.model.errors import Trouble
from xpm_tui.model.formatting import count

if TYPE_CHECKING:
    from xpm_tui.service.clients.review_file import Chosen, ReviewReport
    from xpm_tui.service.practice import OpenPractice

_SHOWN = 20
"""Rows of each kind that a person is shown; --json tells all."""


def export_review(practice: OpenPractice, path: Path, only: Sequence[str], *, replace: bool) -> Result:
    """Write the file; ``-`` is stdout."""
    from xpm_tui.service.clients import review_file

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
    from xpm_tui.service.clients import review_file

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
