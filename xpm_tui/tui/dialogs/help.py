"""The help dialog with the purpose and the keys of the active screen, and the dialogs about problems.

These are the error dialog, the steps of a known problem, and the choice of a symptom.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Static

from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.doctor import ChooseSymptom
from xpm_tui.commands.registry import by_name
from xpm_tui.diagnostics.error_presenter import present, problem_title, record_failure, titled_problem_lines
from xpm_tui.diagnostics.known_problems import BROWSER, ELSEWHERE, Symptom, find_problem
from xpm_tui.domain.errors import AppError, KnownProblem, LoginNeeded
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.app_protocol import AppProtocol
from xpm_tui.tui.dialogs.dialog import ChoiceDialog, DialogBody, MessageDialog, TextDialog
from xpm_tui.tui.widgets.cells import Span, content, fit, fixed, lines, span
from xpm_tui.tui.widgets.text import StaticText

EVERYWHERE: tuple[tuple[str, str], ...] = (
    ("g then a letter", "go to an area"),
    (": or ctrl+p", "all actions, searchable"),
    ("? or F1", "this help"),
    ("esc", "one level up"),
    ("tab, shift+tab", "next and previous part of the screen"),
    ("arrows, j k, page keys", "move"),
    ("enter", "open the selected item"),
    ("ctrl+l", "redraw the screen, if another program wrote over it"),
    ("ctrl+q, or ctrl+c twice", "leave the console; a run in progress continues"),
)


@dataclass(frozen=True)
class HelpPage:
    """The contents of a help page: the purpose in sentences, and the keys with what they do."""

    title: str
    about: str
    keys: Sequence[tuple[str, str]]


class HelpDialog(TextDialog[None]):
    """A scrollable page of help."""

    def __init__(self, page: HelpPage) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(f"Help: {page.title}")
        self._page = page

    def box(self) -> ComposeResult:
        """Compose the sentences, the screen's keys, and the keys that work everywhere."""
        rows: list[list[Span]] = []
        for head, keys in (("Here", self._page.keys), ("Everywhere", EVERYWHERE)):
            if keys:
                rows.append([fixed(head, "head")])
                room = min(26, max(len(key) for key, _ in keys) + 2)
                rows += [
                    [fixed("  "), *fit([span(key, "accent")], room), span(effect)] for key, effect in keys
                ]
                rows.append([fixed("")])
        with DialogBody(classes="words"):
            yield StaticText(content(visible(self._page.about, 2000)), classes="about")
            yield StaticText(lines([list(line) for line in rows]))
        yield Static(content(Shown("esc closes")), classes="hint")


class ErrorDialog(MessageDialog):
    """An error: what happened, what to do, and the known problem if one applies; ``v`` shows its steps."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "show_steps", "What to do", tooltip="Show all steps", show=False)
    ]

    def __init__(self, title: str, text: str, error: AppError) -> None:
        view = present(error)
        self.problem = view.problem
        self._shown_error = error
        super().__init__(title, text or view.message, hint="\n".join(view.advice(titled=False)), bad=True)

    def box(self) -> ComposeResult:
        """Compose the message, with a second button if a known problem applies."""
        with VerticalScroll(classes="words", can_focus=False):
            if self.problem is not None:
                yield StaticText(content(visible(problem_title(self.problem))), classes="problem")
            yield StaticText(content(self._text))
            if self._hint:
                yield StaticText(content(self._hint), classes="next")
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Close")), id="ok")
            if self.problem is not None:
                yield Button(content(Shown("What to do")), action="screen.show_steps")
            keys = (
                "v what to do · y copies · esc closes"
                if self.problem is not None
                else "y copies · esc closes"
            )
            yield Static(content(Shown(keys)), classes="hint")

    def action_show_steps(self) -> None:
        """Show all steps of the known problem, and the details for Xero's support."""
        if self.problem is not None:
            self.app.push_screen(problem_steps(self.problem, self._shown_error))


def problem_steps(problem: KnownProblem, error: AppError | None = None) -> MessageDialog:
    """Return a dialog with all of a known problem and, after a failed call, the details for Xero."""
    lines = titled_problem_lines(problem)
    if error is not None:
        lines += present(error).for_support()
    return MessageDialog(f"{problem.id}: {problem.title}", "\n".join(lines), wide=True)


def show_error(
    app: AppProtocol,
    error: AppError,
    *,
    title: str = "That did not work",
    text: str = "",
    command: str = "console",
) -> None:
    """Show an error, and write it to the log with its known problem.

    Args:
        app: The console.
        error: The error.
        title: The title of the dialog.
        text: The text of the dialog; by default the message of the error.
        command: The name under which the log lists it.
    """
    app.push_screen(ErrorDialog(title, text, error))
    if isinstance(error, LoginNeeded):
        app.request_status()

    async def log() -> None:
        def write(practice: OpenPractice) -> None:
            if not practice.read_only:
                record_failure(practice.events, command, error)

        # If the log cannot be written, the error has been shown anyway.
        with suppress(AppError, RuntimeError):
            await app.worker.ask(write)

    app.run_worker(log(), group="log-error", exit_on_error=False)


async def ask_symptom(app: AppProtocol, *, browser: bool = False) -> Symptom | None:
    """Ask what the user sees, show what to do, and return the choice; None if the user cancels."""
    question = "What do you see in the browser?" if browser else "What do you see?"
    offered = BROWSER if browser else (*BROWSER, *ELSEWHERE)
    key = await app.push_screen_wait(
        ChoiceDialog(question, [(each.key, each.words) for each in offered], title="Report what you see")
    )
    seen = next((each for each in offered if each.key == key), None)
    if seen is None:
        return None
    await app.run_command(by_name("cases.seen"), ChooseSymptom(answer=seen.key))
    if seen.case is not None and (found := find_problem(seen.case)) is not None:
        app.push_screen(problem_steps(found))
    return seen
