"""The start of the console: checks the terminal, runs the app, and prints a final sentence."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import practice as application_practice
    from xpm_tui.diagnostics import error_presenter
    from xpm_tui.tui import app as tui_app
    from xpm_tui.tui import command_runner, worker_thread
    from xpm_tui.tui.terminal import driver

HUNG_UP, ENDED = 129, 143
"""Exit codes after SIGHUP and SIGTERM: 128 plus the number of the signal."""

if TYPE_CHECKING:
    from xpm_tui.application.home import Home
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.domain.errors import AppError


def run_console(
    home: Home,
    practice: str | None = None,
    *,
    person: str = "",
    read_only: bool = False,
    overrides: Mapping[str, str] | None = None,
    opener: Callable[[], OpenPractice] | None = None,
) -> int:
    """Run the console until the user leaves it.

    ``opener`` opens something other than the practice of this name, such as a support bundle.

    Returns:
        The exit code.

    Raises:
        BadInput: The terminal is not usable; raised before anything is shown.
        AppError: The practice could not be opened; raised once the screen is restored.
    """
    driver.require_terminal(os.environ)

    gc.disable()  # until the practice is open: ``tune_interpreter`` switches the collector on again
    try:
        while True:
            code, parting = _one(home, practice, person, read_only, overrides, opener)
            if code != command_runner.SWITCH:
                break
            practice = None  # after a switch the practice is the current one
    finally:
        gc.enable()
    if code in (HUNG_UP, ENDED):
        driver.silence_streams()
    elif parting:
        sys.stdout.write(parting + "\n")
    return code


def _one(
    home: Home,
    name: str | None,
    person: str,
    read_only: bool,
    overrides: Mapping[str, str] | None,
    opener: Callable[[], OpenPractice] | None,
) -> tuple[int, str]:
    """Run the console for one practice; return its exit code and its final sentence."""

    def show_notice(error: AppError) -> None:
        app.call_later(app.toast, error_presenter.present(error).short(), "warning")

    def opened() -> OpenPractice:
        if opener is not None:
            practice = opener()
        else:
            practice = application_practice.open_practice(
                home, name, person=person, read_only=read_only, overrides=overrides
            )
        worker_thread.tune_interpreter()
        practice.on_notice = show_notice
        return practice

    worker = worker_thread.WorkerThread(opened)
    try:
        app = tui_app.Console(worker, guard_terminal=True, crash_folder=home.state)
        code = app.run()
    finally:
        worker.close()
    if app.failed is not None:
        raise app.failed
    return code or app.return_code or 0, app.parting
