"""Dialogs about jobs: the full text of one, and the reviews before a batch or next terms are created."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from xpm_tui.application.jobs.deployment import BatchView
from xpm_tui.application.jobs.renewals import RollOverView
from xpm_tui.application.jobs.views import ProposalChangeView
from xpm_tui.commands import renewals
from xpm_tui.commands.consequences import action, button_suffix, cost
from xpm_tui.commands.consequences import lines as described
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.dialogs.dialog import KeyHint, TextDialog, answer_letter, confirmation_lines
from xpm_tui.tui.widgets.cells import Line, Look, content, fixed, lines, span
from xpm_tui.tui.widgets.job_lines import problem_lines
from xpm_tui.tui.widgets.text import StaticText

ANSWERS = {"d": "jobs.deploy", "e": "jobs.edit", "t": "jobs.retry", "i": "jobs.skip", "o": "jobs.address"}
COLUMNS = 68
"""The width of the confirmation at 80 columns, without its scrollbar."""
SHOWN = 300
"""The most jobs of a batch that are listed one by one."""

FEW = 5
"""Below this number of jobs, each is listed with its notes."""
MARKS = (fixed("■ ", "bad"), fixed("? ", "warn"), fixed("● ", "good"))
"""The marks of a job that is blocked, that needs a confirmation, and that is created."""

CHANGE_LOOKS: dict[str, Look] = {"+": "good", "-": "bad", "~": "warn"}
"""The styles of services that were added, removed or repriced."""

Answer = Literal["", "go", "anyway"]
Edits = Literal["keep", "drop"]


class JobDialog(TextDialog[str]):
    """All of one job. The result is the name of the command whose key was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take({name!r})", show=False) for key, name in ANSWERS.items()),
        Binding("enter", "leave", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, title: str, text: list[Line], *, acts: bool = False) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(title)
        self._text = text
        self._commands = acts

    def box(self) -> ComposeResult:
        """Compose the lines, and what can be done."""
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(self._text))
        does = ("d creates", "e edits", "t tries again", "i skips", "o address") if self._commands else ()
        yield KeyHint("esc closes", *does, "y copies")

    def action_take(self, name: str) -> None:
        """Close the dialog with this command as the result."""
        if self._commands:
            self.dismiss(name)

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.app.copy_to_clipboard("\n".join("".join(piece.text for piece in line) for line in self._text))


class DeployReview(TextDialog[Answer]):
    """What would be created and with how many calls; the safe button has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('go')", "Create them", show=False),
        Binding("n", "leave", "Cancel", show=False),
    ]

    def __init__(self, batch: BatchView, title: str = "Create jobs") -> None:
        super().__init__(classes="wide")
        asked = f"{action(batch.consequences)} in XPM?" if batch.consequences.changes else title
        self.title_text = visible(asked)
        self._batch = batch
        self._letters: dict[str, Answer] = {}

    def box(self) -> ComposeResult:
        """Compose the counts, the jobs and the answers."""
        batch = self._batch
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(summary_lines(batch)))
            yield StaticText(lines(batch_lines(batch)), classes="batch")
        with Horizontal(classes="buttons -right"):
            yield Button(content(Shown("Cancel  esc")), id="leave")
            if self._has_jobs:
                yield self._button(action(batch.consequences), "go")
            if more := button_suffix(batch.consequences, batch.consequences_anyway):
                yield self._button(more, "anyway")

    def _button(self, words: str, answer: Answer) -> Button:
        letter = answer_letter(words)
        self._letters[letter] = answer
        return Button(content(Shown(f"{words}  {letter}")), id=answer)

    def on_key(self, event: events.Key) -> None:
        """Answer by the letter of a button."""
        answer = self._letters.get(event.key)
        if answer is not None:
            event.stop()
            self.action_answer(answer)

    @property
    def _has_jobs(self) -> bool:
        """Return whether anything would be created."""
        return bool(self._batch.consequences.changes)

    def on_mount(self) -> None:
        """Focus the safe button."""
        self.query_one("#leave", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "leave":
            self.dismiss(None)
        else:
            self.action_answer("anyway" if event.button.id == "anyway" else "go")

    def action_answer(self, answer: Answer) -> None:
        """Answer by letter, if anything would be created."""
        if answer == "anyway" or self._has_jobs:
            self.dismiss(answer)


class RollOverReview(TextDialog[Edits]):
    """The next terms before they are created; the answer also decides about jobs that were edited."""

    def __init__(self, view: RollOverView) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(f"{action(view.consequences)} of the next term?")
        self._view = view

    def box(self) -> ComposeResult:
        """Compose the counts, the differences and the answers."""
        view = self._view
        rows: list[Line] = [[fixed(f"{action(view.consequences)}.", "strong")]]
        rows += [[span(line)] for line in described(view.consequences)]
        if view.edited:
            has = formatting.plural(view.edited, "has/have")
            rows.append(
                [fixed(f"{formatting.count(view.edited, 'workflow')} of this term {has} edits.", "warn")]
            )
        with VerticalScroll(classes="words", can_focus=False):
            yield StaticText(lines(rows))
            yield StaticText(lines(change_lines(view.changes[:SHOWN])), classes="batch")
        with Horizontal(classes="buttons -right"):
            yield Button(content(Shown("Cancel  esc")), id="leave")
            if view.edited:
                yield Button(content(Shown("Create, keep edits")), id="keep")
                yield Button(content(Shown("Create, drop edits")), id="drop")
            elif view.new:
                yield Button(content(Shown(action(view.consequences))), id="drop")

    def on_mount(self) -> None:
        """Focus the safe button."""
        self.query_one("#leave", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(None if event.button.id == "leave" else "keep" if event.button.id == "keep" else "drop")


def change_lines(views: Sequence[ProposalChangeView]) -> list[Line]:
    """Return what Ignition has changed, by proposal."""
    found: list[Line] = []
    for view in views:
        head, *rest = renewals.change_lines(view)
        found.append([span(head, "strong")])
        found += [[span(line, CHANGE_LOOKS.get(line.strip()[:1], "muted"))] for line in rest]
    return found


def summary_lines(batch: BatchView) -> list[Line]:
    """Return the consequences of the batch in words and numbers."""
    found: list[Line] = []
    if not batch.consequences.changes:
        found.append([fixed("No job can be created as it is.", "warn")])
    found += confirmation_lines(described(batch.consequences), COLUMNS)
    if batch.asks:
        found.append([fixed(f"{formatting.count(batch.asks, 'job')} held until you confirm: with "
                             f"{formatting.plural(batch.asks, 'it/them')} "
                           f"{cost(batch.consequences_anyway)}.", "warn")])  # fmt: skip
    if batch.holds:
        held = formatting.count(batch.holds, "job")
        found.append([fixed(f"{held} not created until you fix the problem.", "warn")])
    if batch.earlier:
        found.append(
            [fixed(f"{formatting.count(batch.earlier, 'job')} of an earlier run will be finished first.")]
        )
    if batch.number:
        found.append(
            [fixed("Job numbers are assigned here, for example "), span(batch.number, "strong"), fixed(".")]
        )
    return found


def batch_lines(batch: BatchView) -> list[Line]:
    """Return each job with its problems."""
    found: list[Line] = []
    weights = ("hold", "ask", "note") if len(batch.jobs) < FEW else ("hold", "ask")
    for view in batch.jobs[:SHOWN]:
        client = view.client.name if view.client else "(not among the clients)"
        dates = fixed(f"  {formatting.day(view.start)} – {formatting.day(view.due)}", "muted")
        mark = MARKS[view.goes + view.goes_anyway]
        found.append([mark, span(view.name or "(no name)", "strong"), span(f"  {client}"), dates])
        found += problem_lines(view.problems, weights)
    if len(batch.jobs) > SHOWN:
        found.append([fixed(f"… and {len(batch.jobs) - SHOWN:,} more", "muted")])
    return found
