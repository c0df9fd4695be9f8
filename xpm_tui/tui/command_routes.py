"""The commands that have screens of their own, and how each is opened from a key or the palette."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppProtocol

with lazy_imports():
    from xpm_tui.application.presenters import lookup
    from xpm_tui.tui.dialogs import help as help_dialogs
    from xpm_tui.tui.dialogs import pickers
    from xpm_tui.tui.screens import area as screens_area
    from xpm_tui.tui.screens import (
        conflicts,
        csv_previews,
        doctor,
        inbox,
        policy,
        practices,
        proposals,
        review,
    )

if TYPE_CHECKING:
    from textual.screen import Screen

    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.ignition.forms import FormName

FORMS: tuple[FormName, ...] = ("clients", "services", "team", "proposals")

JOBS = frozenset({"jobs.deploy", "jobs.retry", "jobs.redeploy", "jobs.edit", "jobs.skip"})
"""Commands about a job, which must be selected in its area first."""


SETTINGS = frozenset({"settings.get", "settings.set", "settings.unset"})
"""Commands about a setting, which must be selected in its area first."""


def screen_route(app: AppProtocol, command: str) -> Callable[[], object] | None:
    """Return the function that opens the screen of a command; None if it only has a form.

    A screen is imported when it is opened.
    """
    ways: dict[str, Callable[[], object]] = {
        "plan": app.plan_and_show,
        "sync": app.plan_and_show,
        "connect": app.connect,
        "runs.release": app.release,
        "runs.resume": app.release,
        "doctor": lambda: app.push_screen(_doctor()),
        "cases.seen": lambda: app.work(lambda: _ask_symptom(app), "seen", exclusive=True),
        "conflicts": lambda: app.push_screen(_conflicts()),
        "policy": lambda: app.push_screen(_policy()),
        "inbox.list": lambda: app.push_screen(_inbox()),
        "practices.list": lambda: app.push_screen(_practices()),
        "practices.switch": lambda: app.push_screen(_practices()),
        "clients.review": lambda: app.push_screen(_review()),
        "proposals.list": lambda: app.push_screen(_proposals()),
    }
    if command in JOBS:
        return lambda: _to_jobs(app)
    if command in SETTINGS:
        return lambda: _to_settings(app)
    form: FormName
    for form in FORMS:
        if command == f"import.{form}":
            return partial(app.work, partial(_import, app, form), "import", exclusive=True)
        if command == f"export.{form}":
            return partial(app.work, partial(_export, app, form), "export", exclusive=True)
    return ways.get(command)


async def _import(app: AppProtocol, form: FormName) -> None:
    """Ask for the file, then show what importing it would do."""
    about = "Which file? You see a preview first, and nothing is written until you confirm."
    path = await app.push_screen_wait(
        pickers.FilePicker(f"Import {form}", about, start=pickers.folder_of(app), suffix=".csv")
    )
    if path:
        app.folder = str(Path(path).parent)
        app.push_screen(csv_previews.ImportPreview(form, path))


async def _export(app: AppProtocol, form: FormName) -> None:
    """Show what would be exported; the file is chosen afterwards."""
    area = next((screen for screen in app.screen_stack if isinstance(screen, screens_area.AreaScreen)), None)
    record = area.situation().record if area is not None and form == area.AREA == "clients" else ""

    def named(practice: OpenPractice) -> str:
        return lookup.name_of(practice.snapshot(), record) if record else ""

    app.push_screen(csv_previews.ExportPreview(form, record, await app.worker.ask(named)))


def _to_jobs(app: AppProtocol) -> None:
    app.go("jobs")
    app.toast("Choose the job here first.")


def _to_settings(app: AppProtocol) -> None:
    app.go("settings")
    app.toast("Choose the setting here: / finds it by its name, enter changes it.")


def _doctor() -> Screen[None]:
    return doctor.DoctorScreen()


async def _ask_symptom(app: AppProtocol) -> None:
    await help_dialogs.ask_symptom(app)


def _conflicts() -> Screen[None]:
    return conflicts.Conflicts()


def _inbox() -> Screen[None]:
    return inbox.Inbox()


def _practices() -> Screen[None]:
    return practices.Practices()


def _policy() -> Screen[None]:
    return policy.PolicyScreen()


def _review() -> Screen[None]:
    return review.Review()


def _proposals() -> Screen[None]:
    return proposals.ProposalsArea()
