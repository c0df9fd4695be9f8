"""The review as a file, from the console: saved, and taken back after showing what its choices would do."""

from __future__ import annotations

from pathlib import Path

from xpm_tui.acts.consequences import action, question
from xpm_tui.acts.review_file import report_lines
from xpm_tui.files.listing import listing
from xpm_tui.model import formatting
from xpm_tui.service.clients import settling
from xpm_tui.service.clients.review_file import ReviewReport, export_review_file, import_review
from xpm_tui.service.clients.settling import Settled
from xpm_tui.service.practice import OpenPractice
from xpm_tui.sync.consequences import of_review
from xpm_tui.tui.dialogs.dialog import Confirm, Told
from xpm_tui.tui.dialogs.files import PickFile, folder_of
from xpm_tui.tui.host import Host

SHOWN = 500
"""Rows of a file that are shown one by one before it is taken in."""


async def save(app: Host) -> None:
    """Name a file and write all proposals to it."""
    about = "A row for each proposal; fill in the column Choice with link, ignore, or a number of XPM."
    path = await app.push_screen_wait(
        PickFile("Save the review", about, start=folder_of(app) + "review.csv", new=True)
    )
    if not path:
        return
    there = (await app.desk.ask(lambda _: listing(path))).is_file
    question = f"{path}\nis there already. Write over it?"
    if there and not await app.push_screen_wait(Confirm(question, title="Replace", yes="Write over it")):
        return
    app.folder = str(Path(path).parent)
    count = await app.desk.ask(lambda practice: export_review_file(practice, Path(path), replace=there))
    clients = formatting.count(count, "client")
    app.toast(f"{clients} in {path}\nI takes the file back in once it is filled in.")


async def take(app: Host) -> tuple[Settled, ...]:
    """Name a file, show what it would do, do it; gives what was settled, so that it can be taken back."""
    about = "The file with the column Choice. What it would do is shown first."
    path = await app.push_screen_wait(
        PickFile("Take in a review", about, start=folder_of(app), suffix=".csv")
    )
    if not path:
        return ()
    app.folder = str(Path(path).parent)
    would = await app.desk.ask(lambda practice: import_review(practice, Path(path), dry_run=True))
    told = "\n".join(report_lines(would, SHOWN))
    if not would.items:
        app.push_screen(Told("Nothing to take in", told, hint=NOTHING, wide=True))
        return ()
    links = sum(each.choice == "link" for each in would.items)
    found = of_review(links, len(would.items) - links)
    box = Confirm(
        "\n".join([told, "", question(found)]),
        title="Take in a review", yes=action(found), no="Cancel", wide=True,
    )  # fmt: skip
    if not await app.push_screen_wait(box):
        return ()

    def carry_out(practice: OpenPractice) -> tuple[ReviewReport, tuple[Settled, ...]]:
        ids = [each.id for each in would.items]
        return settling.settle(practice, ids, lambda: import_review(practice, Path(path)))

    done, settled = await app.desk.ask(carry_out)
    if done.refused:
        app.push_screen(Told("Taken in, in part", "\n".join(report_lines(done, SHOWN)), wide=True))
    else:
        app.toast(f"{formatting.count(len(settled), 'client')} settled by the file. u takes them all back.")
    return settled


NOTHING = "Fill in the column Choice: link, ignore, or a number, UUID or web address of XPM."
