"""Runs commands for the console: forms, screens of their own, calls, results, command log and palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpm_tui.domain.errors import AppError
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.app_protocol import AppProtocol

with lazy_imports():
    import msgspec

    from xpm_tui.application import home as application_home
    from xpm_tui.application.presenters import lookup
    from xpm_tui.commands import command, effects, registry, tables
    from xpm_tui.diagnostics import known_problems
    from xpm_tui.tui import keymap, screenshot
    from xpm_tui.tui.dialogs import dialog, edit, form, form_errors, pickers
    from xpm_tui.tui.dialogs import help as help_dialogs
    from xpm_tui.tui.dialogs import screen_dialogue as progress
    from xpm_tui.tui.screens import area as area_screens
    from xpm_tui.tui.screens import command_log as screens_command_log
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
    from xpm_tui.commands.command import Command, Result
    from xpm_tui.commands.registry import LoggedCommand, Outcome
    from xpm_tui.ignition.forms import FormName
    from xpm_tui.tui.app_protocol import EditSheet
    from xpm_tui.tui.screens.area import AreaScreen


TOAST_LINES, TOAST_CHARACTERS = 4, 300
"""A longer message is shown in a dialog instead of a notification."""

SWITCH = -1
"""The exit value of the app when the user chose another practice, with which it is started again."""

FORMS: tuple[FormName, ...] = ("clients", "services", "team", "proposals")

SELECT_FIRST = {
    **dict.fromkeys(
        ("clients.edit", "contacts.edit"),
        ("clients", "Select the client in this list first, then press e. The form has its contacts, too."),
    ),
    "team.edit": ("team", "Select the person in this list first, then press e."),
    "services.edit": ("templates", "Select the service in this list first, then press e."),
    **dict.fromkeys(
        ("jobs.deploy", "jobs.retry", "jobs.redeploy", "jobs.edit", "jobs.skip"),
        ("jobs", "Select the job in this list first."),
    ),
    **dict.fromkeys(
        ("settings.get", "settings.set", "settings.unset"),
        ("settings", "Choose the setting here: / finds it by its name, enter changes it."),
    ),
}
"""Commands about a record that must be selected first: the area where it is, and what to do there."""


class CommandRunner(AppProtocol):
    """The part of the app that runs commands."""

    def situation(self, area: str, **about: Any) -> command.Situation:
        """Return what the availability of commands depends on, from the last status."""
        return command.Situation(
            area=area,
            practice=self.worker.practice,
            connected=self.practice_status.connected,
            read_only=self.worker.practice.read_only,
            running=self.practice_status.running,
            **about,
        )

    def screen_opener(self, command: str) -> Callable[[], object] | None:
        """Return the function that opens the screen of a command; None if it only has a form."""
        openers: dict[str, Callable[[], object]] = {
            "plan": self.plan_and_show,
            "sync": self.plan_and_show,
            "connect": self.connect,
            "runs.release": self.release,
            "runs.resume": self.release,
            "doctor": lambda: self.push_screen(doctor.DoctorScreen()),
            "cases.seen": lambda: self.work(lambda: help_dialogs.ask_symptom(self), "seen", exclusive=True),
            "conflicts": lambda: self.push_screen(conflicts.Conflicts()),
            "policy": lambda: self.push_screen(policy.PolicyScreen()),
            "inbox.list": lambda: self.push_screen(inbox.Inbox()),
            "practices.list": lambda: self.push_screen(practices.Practices()),
            "practices.switch": lambda: self.push_screen(practices.Practices()),
            "clients.review": lambda: self.push_screen(review.Review()),
            "proposals.list": lambda: self.push_screen(proposals.ProposalsArea()),
        }
        if command in SELECT_FIRST:
            return partial(self._select_first, *SELECT_FIRST[command])
        form: FormName
        for form in FORMS:
            if command == f"import.{form}":
                return partial(self.work, partial(_import, self, form), "import", exclusive=True)
            if command == f"export.{form}":
                return partial(self.work, partial(_export, self, form), "export", exclusive=True)
        return openers.get(command)

    def _select_first(self, area: str, instruction: str) -> None:
        self.go(area)
        self.toast(instruction)

    def perform(
        self,
        command: Command[Any],
        preset: Mapping[str, Any],
        *,
        title: str = "",
        start: Mapping[str, Any] | None = None,
        ask: bool = True,
        after: Callable[[], None] | None = None,
        sheet: EditSheet | None = None,
    ) -> None:
        """Run a command: ask for its missing parameters, run it on the worker thread and show the result.

        For the arguments see :meth:`AppProtocol.perform`.
        """
        self.work(
            lambda: self._perform(command, dict(preset), title, start, ask, sheet, after),
            f"command:{command.name}",
        )

    async def _perform(
        self, command: Command[Any], preset: dict[str, Any], title: str, start: Mapping[str, Any] | None,
        ask: bool, sheet: EditSheet | None, after: Callable[[], None] | None,
    ) -> None:  # fmt: skip
        done = await self._fill_and_run(command, preset, title, start, ask, sheet)
        if done is None:
            return
        result, messages = done
        await self.refresh_status()
        if command.name.startswith("settings."):
            await self.worker.reopen()
        switched = command.name == "practices.switch" or (
            command.name == "practices.add" and result.data.get("current")
        )
        if switched and result.error is None:
            self.exit(SWITCH)
            return
        if after is not None and not result.declined:
            after()
        self.show_result(command, result, messages)

    async def run_command(
        self,
        command: Command[Any],
        params: msgspec.Struct,
        *,
        title: str = "",
        shown: Iterable[str] = (),
        box: Screen[None] | None = None,
    ) -> tuple[Result, list[str]]:
        """Run one call of a command on the worker thread; return its result and what it reported."""
        call = effects.admit(command, params, read_only=self.worker.practice.read_only, keyed=True)
        logged = self.log_call(command, params, title=title)
        dialogue = progress.ScreenDialogue(
            self, title or command.title, msgspec.structs.replace(call, shown=tuple(shown)), box=box
        )
        try:
            result = await self.worker.run(command.run, params, dialogue)
        except BaseException as error:
            self._log_outcome(logged, "failed", str(error) if isinstance(error, AppError) else "")
            raise
        finally:
            await dialogue.end()
        if result.declined or result.error is not None:
            message = result.error.message if result.error is not None else ""
            self._log_outcome(logged, "declined" if result.declined else "failed", message)
        return result, dialogue.messages

    def log_call(self, command: Command[Any], params: msgspec.Struct, *, title: str = "") -> LoggedCommand:
        """Add an action to the command log, as the command line that does the same."""
        practice = self.worker.practice
        if self.global_words is None:
            home = practice.home
            named = () if application_home.current(home) == practice.name else ("--practice", practice.name)
            self.global_words = (*(("--home", str(home.root)) if home.root else ()), *named)
        line = registry.command_line(command, params, before=self.global_words)
        logged = registry.LoggedCommand(
            at=practice.clock.now(), title=title or command.title, line=line,
            short=registry.command_line(command, params),
        )  # fmt: skip
        self.command_log.append(logged)
        return logged

    def log_named(self, name: str, preset: Mapping[str, Any]) -> None:
        """Log an action that a screen performed without running its command, as in the wizard."""
        command = registry.by_name(name)
        self.log_call(command, form.build(command, preset))

    def _log_outcome(self, logged: LoggedCommand, outcome: Outcome, message: str) -> None:
        """Record in the command log how an action ended."""
        for place, each in enumerate(self.command_log):
            if each is logged:
                self.command_log[place] = msgspec.structs.replace(each, outcome=outcome, message=message)

    def show_command_log(self) -> None:
        """Show the command log of this session."""
        self.push_screen(screens_command_log.CommandLog())

    async def run_named(self, name: str, preset: Mapping[str, Any], *, title: str = "") -> Result:
        """Run a command by its name with these parameters, and return its result."""
        command = registry.by_name(name)
        return (await self.run_command(command, form.build(command, preset), title=title))[0]

    async def start_command(
        self, name: str, preset: Mapping[str, Any], *, title: str = "", asks: bool = True
    ) -> tuple[Result, str]:
        """Start a command whose run is a process of its own; return the result and the id of the run."""
        command = registry.by_name(name)
        params = form.build(command, {**preset, "detach": True})
        box = progress.ProgressDialog("Starting", "The run is starting in a separate process …")
        if asks:
            result, _ = await self.run_command(command, params, title=title, box=box)
        else:
            await self.push_screen(box)
            result, _ = await progress.wait_for_work(self.run_command(command, params, title=title), box)
        await self.refresh_status()
        return result, str(result.data["id"]) if result.data.get("detached") else ""

    async def _fill_and_run(
        self, command: Command[Any], preset: Mapping[str, Any], title: str, start: Mapping[str, Any] | None,
        ask: bool, sheet: EditSheet | None,
    ) -> tuple[Result, list[str]] | None:  # fmt: skip

        async def do(params: msgspec.Struct) -> tuple[Result, list[str]]:
            return await self.run_command(command, params, title=title)

        if sheet is not None:
            return await edit.edit_until_accepted(
                self, sheet, lambda changed: do(edit.params_of(command, preset, changed))
            )
        if ask and form.open_parameters(command, preset):
            kinds = form.record_kinds(command, preset)

            def read(practice: OpenPractice) -> tuple[dict[str, list[tuple[str, str]]], str]:
                snapshot = practice.snapshot()
                records = {kind: lookup.record_choices(snapshot, kind) for kind in kinds}
                return records, lookup.subject_of(snapshot, preset.values())

            records, subject = await self.worker.read(read) if kinds or preset else ({}, "")
            return await form_errors.ask_until_accepted(
                self, lambda rejected: form.FormDialog(command, preset, start, rejected, records, subject), do
            )
        return await do(form.build(command, preset))

    def copy_command(self, name: str, preset: Mapping[str, Any]) -> None:
        """Run a command that returns a text, and copy the text to the clipboard."""

        async def copy() -> None:
            self.copy_to_clipboard(await self._text_of(name, preset))

        self.work(copy, f"command:{name}", exclusive=True)

    def read_command(self, name: str, preset: Mapping[str, Any], title: str) -> None:
        """Run a command that returns a text, and show the text for reading and copying."""

        async def read() -> None:
            self.push_screen(dialog.MessageDialog(title, await self._text_of(name, preset), wide=True))

        self.work(read, f"command:{name}", exclusive=True)

    async def _text_of(self, name: str, preset: Mapping[str, Any]) -> str:
        command = registry.by_name(name)
        result, _ = await self.run_command(command, form.build(command, preset))
        return "\n".join(result.text_lines())

    def show_result(self, command: Command[Any], result: Result, messages: list[str]) -> None:
        """Show a short result as a notification and a long one as a dialog; save a file that it contains."""
        saved = []
        if result.raw:
            name = f"{command.name.replace('.', '-')}-{result.data.get('id', '')}".rstrip("-")
            saved = [f"The file is {self.save_text(f'{name}.csv', result.raw)}"]
        lines = [
            *messages,
            *saved,
            *tables.preview_lines(result, min(self.size.width, 100) - 8),
            *(str(line) for line in result.text_lines()),
        ]
        if result.error is not None:
            help_dialogs.show_error(
                self, result.error, title=command.title, text="\n".join(lines), command=command.name
            )
        elif len(lines) > TOAST_LINES or sum(map(len, lines)) > TOAST_CHARACTERS:
            self.push_screen(dialog.MessageDialog(command.title, "\n".join(lines), wide=True))
        elif lines:
            self.toast("\n".join(lines))

    def show_palette(self, screen: AreaScreen) -> None:
        """Show the palette: the commands of this area, global commands and the areas."""
        found = keymap.palette_entries(screen.AREA, screen.situation())
        found += keymap.general_entries()
        found += keymap.problem_entries()
        own = {
            "command-log": self.show_command_log,
            "redraw": self.action_redraw,
            "leave": self.leave,
            "screenshot": self.action_save_screen,
        }

        def chosen(name: str | None) -> None:
            if name is None:
                return
            if name in own:
                own[name]()
            elif name.startswith("go:"):
                self.go(name[3:])
            elif name.startswith(keymap.PROBLEM):
                self._show_problem(name.removeprefix(keymap.PROBLEM))
            else:
                screen.action_run_command(name)

        self.push_screen(pickers.Palette(found), chosen)

    def _show_problem(self, id_: str) -> None:
        """Show the full text of a known problem."""
        case = known_problems.find_problem(id_)
        if case is not None:
            self.push_screen(help_dialogs.problem_steps(case))

    def action_save_screen(self) -> None:
        """Save the active screen as a picture and as text."""
        svg, text = self.export_screenshot(title="xpm-tui"), screenshot.text(self)
        self.work(lambda: self._save_screen(svg, text), "screenshot", exclusive=True)

    async def _save_screen(self, svg: str, text: str) -> None:
        choices = [
            ("masked", "Masked: names, values and numbers cannot be read"),
            ("plain", "Not masked: with everything that the screen shows"),
        ]
        question = "The picture (SVG) and the text are saved on this machine. Nothing is sent."
        how: str | None = await self.push_screen_wait(
            dialog.ChoiceDialog(question, choices, title="Save a screenshot")
        )
        if how is None:
            return
        if how == "masked":
            words = await self.worker.ask(lambda practice: screenshot.record_words(practice.snapshot()))
            svg, text = screenshot.masked_picture(svg, words), screenshot.masked(text, words)
        name = screenshot.file_name(self.worker.practice.clock.now())
        path = self.save_text(f"{name}.svg", svg)
        self.save_text(f"{name}.txt", text)
        self.toast(f"Saved as {path} and {name}.txt")


async def _import(app: AppProtocol, form: FormName) -> None:
    """Ask for the file, then show what importing it would do."""
    about = "Which file? You see a preview first, and nothing is written until you confirm."
    path = await app.push_screen_wait(
        pickers.FilePicker(f"Import {form}", about, start=pickers.start_folder(app), suffix=".csv")
    )
    if path:
        app.folder = str(Path(path).parent)
        app.push_screen(csv_previews.ImportPreview(form, path))


async def _export(app: AppProtocol, form: FormName) -> None:
    """Show what would be exported; the file is chosen afterwards."""
    area = next((screen for screen in app.screen_stack if isinstance(screen, area_screens.AreaScreen)), None)
    record = area.situation().record if area is not None and form == area.AREA == "clients" else ""

    def name_of_record(practice: OpenPractice) -> str:
        return lookup.name_of(practice.snapshot(), record) if record else ""

    app.push_screen(csv_previews.ExportPreview(form, record, await app.worker.ask(name_of_record)))
