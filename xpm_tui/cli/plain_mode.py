"""The line-by-line console for screen readers and braille displays: connect, review and plan.

Each line is written once and nothing is redrawn. Each question is answered with a number or a word and enter.
Actions run the same commands as everywhere else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from xpm_tui.cli import runner
from xpm_tui.cli.console import Globals
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.commands.effects import READING_CALL, admit
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import labels
from xpm_tui.domain.errors import AppError
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import NONE, count, value
from xpm_tui.domain.labels import DIRECTIONS, LEVELS
from xpm_tui.domain.safe_text import visible_lines
from xpm_tui.domain.tables import CLIENTS
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import SETTING_CHOICES

with lazy_imports():
    from xpm_tui.application import connection, connection_steps
    from xpm_tui.application.clients import link_review
    from xpm_tui.application.presenters import presenter
    from xpm_tui.application.runs import consequences, plans, xpm_refresh
    from xpm_tui.application.status import requirement_check, summary
    from xpm_tui.commands import consequences as commands_consequences
    from xpm_tui.commands import plans as commands_plans
    from xpm_tui.diagnostics import error_presenter

if TYPE_CHECKING:
    from xpm_tui.application.connection_steps import Advice, ConnectionStep, Name
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.application.presenters.views import ChangeView, ReviewView
    from xpm_tui.commands.command import Result

R = TypeVar("R")
WHOLE_LINE = 10_000
"""A width at which no line is wrapped: the dialogue does it for this terminal."""
Choices = Sequence[tuple[str, str]]
"""What can be typed, with its meaning."""


class PlainMode:
    """A session of the line-by-line console. It ends with ``q``, the end of the input, or Ctrl-C."""

    def __init__(self, given: Globals) -> None:
        self._given = given
        self._dialogue = TerminalDialogue(json=False, quiet=given.quiet, linear=True)

    def run(self) -> int:
        """Show the menu until the user quits; return the exit code."""
        try:
            while True:
                self._overview()
                choice = self._ask(
                    "What next?",
                    (
                        ("1", "Connect a practice, or continue connecting it"),
                        ("2", "Review clients that need a link"),
                        ("3", "Make a plan, review it and apply it"),
                        ("4", "Show the status"),
                        ("q", "Quit"),
                    ),
                )
                if choice == "q":
                    return 0
                self._guarded(
                    {"1": self.connect, "2": self.review, "3": self.plan, "4": self._status}[choice]
                )
        except EOFError:
            return 0

    # -- wizard ---------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Go through the steps that are not done; ``q`` skips a step."""
        handled: set[str] = set()
        while True:
            found = self._read_practice(lambda practice: connection_steps.steps(practice))
            due = [step for step in found if step.state in ("now", "todo") and step.name not in handled]
            if not due:
                self._say("All steps are done or skipped.")
                return
            step = due[0]
            self._step(step, [each.name for each in found].index(step.name) + 1, len(found))
            handled.add(step.name)
            if not getattr(self, f"_{step.name}")(step):
                return

    def _step(self, step: ConnectionStep, place: int, of: int) -> None:
        self._say("", f"Step {place} of {of}: {step.title}.")
        self._say(*step.facts, *(f"To do: {each}" for each in step.missing))

    def _permission(self, step: ConnectionStep) -> bool:
        self._say(*self._read_practice(lambda practice: requirement_check.requirement_sentences(practice)))
        self._say_clicks(connection_steps.GRANT)
        names = list(connection_steps.ANSWERS)
        answer = self._ask(
            "What do you see on your staff record in XPM?",
            [*((str(n), connection_steps.ANSWERS[name]) for n, name in enumerate(names, 1)), _LEAVE],
        )
        if answer == "q":
            return False
        chosen = names[int(answer) - 1]
        advice = self._read_practice(
            lambda practice: connection.ConnectionMachine(practice).permission(chosen)
        )
        self._say(advice.sentence)
        self._say_clicks(advice)
        return chosen == "ticked" or self._ask("Continue?", (("y", "Yes, sign in now"), _LEAVE)) == "y"

    def _say_clicks(self, advice: Advice) -> None:
        for title, path in (("XPM's new screens", advice.path), ("XPM's old screens", advice.old_path)):
            if path:
                self._say(f"{title}:", *(f"{place}. {each}" for place, each in enumerate(path, 1)))

    def _app(self, step: ConnectionStep) -> bool:
        typed = self._line("Client id of the app that you registered at developer.xero.com, or q to leave:")
        if typed in ("", "q"):
            return False
        self._do("settings.set", key="xero.client_id", value=typed)
        return True

    def _authorise(self, step: ConnectionStep) -> bool:
        while not self._guarded(lambda: self._do("connect"), whole=True):
            if self._ask("Sign in again?", (("y", "Yes, with a new address"), _LEAVE)) == "q":
                return False
        return self._direction(step)

    _practice = _authorise

    def _direction(self, step: ConnectionStep) -> bool:
        direction = self._pick("Which side is the master?", DIRECTIONS)
        level = self._pick("What to sync?", LEVELS) if direction else ""
        if not direction or not level:
            return False
        self._do("policy.set", direction=direction, level=level)
        return True

    def _clients(self, step: ConnectionStep) -> bool:
        answer = self._ask(
            "Where do the clients come from?",
            (
                ("1", "Import Ignition's client file (CSV)"),
                ("2", "Bring in all unambiguous clients from XPM"),
                _SKIP,
                _LEAVE,
            ),
        )
        if answer == "1":
            command = connection.copy_line(os.environ, "clients.csv")
            if command:
                self._say("If the file is on your own computer, run this there:", command)
            file = self._line("Path of the file on this machine:")
            return bool(file) and self._guarded(
                lambda: self._do("import.clients", file=os.path.expanduser(file))
            )
        if answer == "2":
            return self._guarded(lambda: self._do("clients.pick", all=True, yes=True))
        return self._skip("clients", answer)

    def _team(self, step: ConnectionStep) -> bool:
        answer = self._ask(
            "Link the team?",
            (("1", "Accept the e-mail matches"), ("2", "Bring in XPM's staff"), _SKIP, _LEAVE),
        )
        if answer == "1":
            return self._guarded(lambda: self._do("team.accept"))
        if answer == "2":
            return self._guarded(lambda: self._do("team.pick", all=True, yes=True))
        return self._skip("team", answer)

    def _templates(self, step: ConnectionStep) -> bool:
        key = "jobs.ignition_deploys"
        if self._read_practice(lambda practice: practice.settings.text(key)) == "unknown":
            chosen = self._pick(
                "Does Ignition's own XPM integration still create jobs?", SETTING_CHOICES[key]
            )
            if not chosen:
                return False
            self._do("settings.set", key=key, value=chosen)
        answer = self._ask(
            "Link services to job templates?", (("1", "Accept those with the same name"), _SKIP, _LEAVE)
        )
        if answer == "1":
            return self._guarded(lambda: self._do("templates.accept"))
        return self._skip("templates", answer)

    def _plan(self, step: ConnectionStep) -> bool:
        answer = self._ask("Make the first plan?", (("1", "Yes"), _SKIP, _LEAVE))
        if answer == "1":
            return self._guarded(self.plan)
        return self._skip("plan", answer)

    def _skip(self, name: Name, answer: str) -> bool:
        if answer != "s":
            return False
        self._read_practice(lambda practice: connection.ConnectionMachine(practice).skip(name))
        return True

    # -- review ---------------------------------------------------------------------------------------------

    def review(self) -> None:
        """Go through the clients that need a link, one by one."""

        async def read(practice: OpenPractice) -> tuple[list[ReviewView], int]:
            await xpm_refresh.ensure_mirror(practice)
            return link_review.clients_to_review(practice), practice.snapshot().count(CLIENTS)

        views, clients = self._run_on_practice(read)
        nothing = "No client needs a link." if clients else commands_consequences.NOTHING_TO_COMPARE
        self._say("", f"{count(len(views), 'client')} to review." if views else nothing)
        for place, view in enumerate(views, 1):
            answer = self._ask_about_client(view, place, len(views))
            while answer not in ("n", "q") and not self._decide(view, answer):
                answer = self._ask_about_client(view, place, len(views))
            if answer == "q":
                return

    def _decide(self, view: ReviewView, answer: str) -> bool:
        """Ignore a client, or link it to a proposal or to what was typed; return whether it was decided."""
        choices: dict[str, Any] = {"client": (view.id,)}
        if answer == "i":
            choices["ignore"] = True
        else:
            places = {str(number): each.uuid for number, each in enumerate(view.proposals, 1)}
            choices["link"] = places.get(answer, answer)
        done: list[Result] = []
        decide = partial(self._do, "clients.review", **choices)
        return self._guarded(lambda: done.append(decide())) and not done[0].declined

    def _ask_about_client(self, view: ReviewView, place: int, of: int) -> str:
        about = ", ".join(filter(None, (view.client_id or view.id, view.email or "no e-mail")))
        self._say("", f"Client {place} of {of}: {view.name} ({about}).", view.reason)
        choices = []
        for number, proposal in enumerate(view.proposals, 1):
            level = labels.label(labels.MATCHES, proposal.level).text
            where = ", ".join(
                filter(None, (proposal.city, proposal.email, "archived" if proposal.archived else ""))
            )
            text = f"{level}: {proposal.name}, XPM {proposal.number}" + (f", {where}" if where else "")
            choices.append((str(number), f"{text}: {', '.join(proposal.reasons)}"))
        choices += [("n", "Next, decide later"), ("i", "Ignore: it has no XPM client"), _LEAVE]
        return self._ask(
            "Which XPM client is it? You can also type an XPM number, UUID or web address.",
            choices,
            other=True,
        )

    # -- plan -----------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Make a plan, list its changes, and apply it; in read-only mode it is not saved, only shown."""
        if self._read_practice(lambda practice: practice.read_only):
            self._do("plan")
            return
        plan_id = self._do("plan", quiet=True).value.id

        def look(practice: OpenPractice) -> tuple[list[ChangeView], list[str]]:
            plan, records = plans.load(practice, plan_id)
            changes = list(presenter.change_views(practice.snapshot(), records))
            found = consequences.consequences(practice, plan, records)
            ticked = [change for change in changes if change.ticked]
            clients = practice.snapshot().count(CLIENTS)
            return changes, commands_plans.summary(plan, ticked, found, clients=clients, width=WHOLE_LINE)

        changes, texts = self._read_practice(look)
        self._say("", *texts)
        while changes:
            answer = self._ask(
                "What do you want to do with this plan?",
                (
                    ("r", f"Read all {count(len(changes), 'change')}, one per line"),
                    ("number", "Tick or untick the change with that number"),
                    ("a", "Apply the ticked changes; you are asked to confirm"),
                    ("q", "Close; the plan is kept"),
                ),
                other=True,
            )
            if answer == "q":
                return
            if answer == "a":
                self._do("sync", plan=plan_id)
                return
            if answer == "r":
                self._say(*_numbered(changes))
            elif answer.isdigit() and 0 < int(answer) <= len(changes):
                change = changes[int(answer) - 1]
                command = "plan.untick" if change.ticked else "plan.tick"
                self._do(command, plan=plan_id, what=(change.selector,), quiet=True)
                self._say(f"Change {answer} is {'no longer ' if change.ticked else 'now '}ticked.")
                changes, texts = self._read_practice(look)
                self._say(*texts)
            else:
                self._say(f"Type r, a, q, or a number from 1 to {len(changes)}.")

    # -- output and input -----------------------------------------------------------------------------------

    def _overview(self) -> None:
        self._say("")
        try:
            status = self._read_practice(summary.summarize)
            title = self._read_practice(lambda practice: practice.title)
        except AppError as error:
            self._say(error_presenter.present(error).text())
            return
        state = "connected" if status.connected else "not connected"
        self._say(f"xpm-tui, practice {title}: {state}.")

    def _status(self) -> None:
        self._do("status")

    def _say(self, *sentences: str) -> None:
        for sentence in sentences:
            self._dialogue.data(visible_lines(sentence))

    def _line(self, prompt: str) -> str:
        """Read one line.

        Raises:
            EOFError: The input has ended.
        """
        typed = asyncio.run(self._dialogue.line(prompt))
        if typed is None:
            raise EOFError
        return typed.strip()

    def _ask(self, question: str, choices: Choices, *, other: bool = False) -> str:
        """Ask for one of the choices or, with ``other``, any other text."""
        self._say(question, *(f"{key}: {words}" for key, words in choices))
        while True:
            typed = self._line("Your choice:")
            if typed.lower() in dict(choices):
                return typed.lower()
            if typed and other:
                return typed
            self._say(f"Type one of: {', '.join(key for key, _ in choices)}.")

    def _pick(self, question: str, known: labels.Labels) -> str:
        codes = list(known)
        choices = [(str(n), f"{known[code].text}. {known[code].help}") for n, code in enumerate(codes, 1)]
        answer = self._ask(question, [*choices, _LEAVE])
        return "" if answer == "q" else codes[int(answer) - 1]

    # -- running commands -----------------------------------------------------------------------------------

    def _guarded(self, do: Callable[[], object], *, whole: bool = False) -> bool:
        """Return whether a function succeeds, with ``whole`` in every part; its error is shown."""
        try:
            result = do()
        except AppError as error:
            self._say(error_presenter.present(error).text())
            return False
        return not whole or getattr(result, "error", None) is None

    def _do(self, name: str, *, quiet: bool = False, **values: Any) -> Result:
        """Run a command as its verb does; with ``quiet`` its lines are not shown."""
        command = by_name(name)
        params = runner.parameters(command, values)
        self._dialogue.call = admit(command, params, read_only=self._given.read_only, keyed=True)
        try:
            return runner.perform_here(command, params, self._dialogue, self._given, quiet=quiet)
        finally:
            self._dialogue.call = READING_CALL

    def _read_practice(self, look: Callable[[OpenPractice], R]) -> R:
        with runner.open_practice(self._given) as practice:
            return look(practice)

    def _run_on_practice(self, work: Callable[[OpenPractice], Any]) -> Any:
        with runner.open_practice(self._given) as practice:
            return asyncio.run(work(practice))


_LEAVE = ("q", "Close")
_SKIP = ("s", "Skip for now")


def _numbered(changes: Iterable[ChangeView]) -> list[str]:
    """Return a sentence for each change, with its number, client, field and both full values."""
    found = []
    for number, change in enumerate(changes, 1):
        where = f" (XPM {change.number})" if change.number else ""
        mark = labels.of_sides(labels.MARKS[change.mark].text, change.side) if change.mark else ""
        notes = ", ".join(filter(None, (mark, *change.notes, "" if change.ticked else "not ticked")))
        old, new = (
            "empty" if shown == NONE else shown
            for shown in (value(change.old_shown), value(change.new_shown))
        )
        text = f"{number}. {change.name}{where}, {label(change.field)}{change.whose}: {old}, becomes {new}"
        found.append(f"{text}. {notes}." if notes else f"{text}.")
    return found


def open_plain(given: Globals) -> int:
    """Run the line-by-line console; return the exit code."""
    return PlainMode(given).run()
