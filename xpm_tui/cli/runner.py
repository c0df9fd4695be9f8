"""Runs one verb: opens the practice, runs the command, handles signals and writes the result.

A failed command ends with a sentence on stderr or JSON, and an exit code. For an internal error, a report is
written, which contains no values: neither local variables nor the message of the error, because either may
contain a name or a secret.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec.structs import replace

import xpm_tui
from xpm_tui.cli import json_answers
from xpm_tui.cli.console import Globals
from xpm_tui.cli.options import collected
from xpm_tui.cli.output import (
    OutputClosed,
    TerminalDialogue,
    account_condition,
    attached_conditions,
    condition_data,
    condition_on_error,
    condition_sentences,
    lines,
    outcome_pieces,
    redirect_to_null,
    with_condition,
)
from xpm_tui.commands.command import AccountContext, Command, Result
from xpm_tui.commands.effects import admit
from xpm_tui.commands.tables import limited
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.domain.safe_text import visible_lines
from xpm_tui.files.machine import to_disk_error
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import asyncio
    import difflib
    import platform
    import tempfile
    import traceback

    from xpm_tui.application import condition, derived_data
    from xpm_tui.application import home as application_home
    from xpm_tui.application import practice as application_practice
    from xpm_tui.application.runs import unattended_runs
    from xpm_tui.application.status import summary
    from xpm_tui.diagnostics import error_presenter


if TYPE_CHECKING:
    from xpm_tui.application.condition import Condition
    from xpm_tui.application.practice import OpenPractice


class Signalled(Exception):
    """A signal ended the verb; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def perform(ctx: click.Context, command: Command[Any], values: dict[str, Any]) -> None:
    """Run the command with the given values and exit with its exit code."""
    given = collected(ctx)
    params = parameters(command, values)
    call = admit(command, params, read_only=given.read_only)
    json_answers.check_fields(" ".join(command.verb), given.fields)
    dialogue = TerminalDialogue(json=given.json, quiet=given.quiet, call=call, fields=given.fields)
    work = _run(command, params, dialogue, given)
    with nullcontext() if command.streams else dialogue.elapsed(command.title):
        result = (
            asyncio.run(_guarded(work, call.effect.outlives, dialogue))
            if command.waits
            else _without_loop(work)
        )
    if result.delivered is None:
        _write_result(result, dialogue, given)
    ctx.exit(result.exit_code)


def _without_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never waits, without an event loop."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: Result = ended.value
        return result
    finally:
        work.close()
    raise RuntimeError("A command that is not to wait has waited.")


def _write_result(result: Result, dialogue: TerminalDialogue, given: Globals) -> None:
    before, after = condition_sentences(result.conditions, None if given.json else result.error)
    for sentence in before:
        dialogue.say(sentence)
    if given.json:
        dialogue.data(*outcome_pieces(result, given.fields))
        return
    if result.raw:
        dialogue.file(result.raw)
    for line in lines(result, linear=dialogue.linear):
        dialogue.data(line)
    if result.error is not None:
        dialogue.say(error_presenter.present(result.error).text())
    for sentence in after:
        dialogue.say(sentence)


def perform_here(
    command: Command[Any], params: Any, dialogue: TerminalDialogue, given: Globals, *, quiet: bool = False
) -> Result:
    """Run an admitted call within a longer session; with ``quiet`` its result is not written.

    Raises:
        AppError: An error of the command.
    """
    work = _run(command, params, dialogue, given, quiet=quiet)
    result = asyncio.run(_guarded(work, dialogue.call.effect.outlives, dialogue))
    if result.delivered is None and not quiet:
        _write_result(result, dialogue, given)
    return result


def parameters(command: Command[Any], values: dict[str, Any]) -> Any:
    """Return the parameters of a command from the given values.

    Raises:
        BadInput: A value is invalid.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if given.get("limit", 0) < 0:
        raise BadInput("--limit must be 0 or more; 0 shows all.")
    try:
        return msgspec.convert(given, command.params)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"{error}".replace("`$.", "`"), hint=f"See 'xpm-tui {' '.join(command.verb)} --help'."
        ) from error


def open_practice(given: Globals) -> OpenPractice:
    """Open the practice that the global options name."""
    return application_practice.open_practice(
        application_home.find_home(given.home or None, os.environ),
        given.practice or None,
        person=application_home.person(given.person or None, os.environ),
        read_only=given.read_only,
        overrides=given.settings,
    )


async def _run(
    command: Command[Any], params: Any, dialogue: TerminalDialogue, given: Globals, *, quiet: bool = False
) -> Result:
    if command.on_home is not None and command.for_account(params):
        home = application_home.find_home(given.home or None, os.environ)
        who = application_home.person(given.person or None, os.environ)
        place = AccountContext(home, given.practice, who, given.read_only, given.settings)
        with condition_on_error(lambda: account_condition(command, place)):
            found = await command.on_home(place, params, dialogue)
            return with_condition(command, _listed(found, given), account_condition(command, place))

    practice = open_practice(given)
    began, position = practice.clock.monotonic(), practice.snapshot().position
    practice.on_notice = lambda error: dialogue.say(error_presenter.present(error).short())
    try:
        if dialogue.interactive and not getattr(params, "if_due", False):
            unattended_runs.record_sign_in(practice)
        with condition_on_error(lambda: condition.conditions(practice)):
            found = _listed(await command.run(practice, params, dialogue), given)
            result = with_condition(command, found, condition.conditions(practice))
            if result.delivered is None and practice.clock.monotonic() - began >= LONG:
                result = replace(result, delivered=lambda: _save_counts(practice, position))
            if result.delivered is not None:
                if not quiet:
                    _write_result(result, dialogue, given)
                result.delivered()
        if result.error is not None:
            _log(practice, command, result.error)
        return result
    except AppError as error:
        _log(practice, command, error)
        raise
    finally:
        practice.close()


LONG = 2.0
"""Seconds from which a verb that changes the store also saves the counts that ``status`` shows."""


def _save_counts(practice: OpenPractice, since: int) -> None:
    """Save the counts of a large practice, if its store has changed since a position."""
    with suppress(AppError):
        if practice.snapshot().position != since and derived_data.is_worth_saving(practice.snapshot()):
            summary.summarize(practice)


def _listed(result: Result, given: Globals) -> Result:
    """Cut a list to ``--limit``, and encode its items here, where an error still belongs to the verb."""
    result = limited(result)
    if given.json and result.items is not None:
        result = replace(result, items=json_answers.json_rows(result.items, given.fields))
    return result


def _log(practice: OpenPractice, command: Command[Any], error: AppError) -> None:
    if not practice.read_only:
        error_presenter.record_failure(practice.events, command.name, error)


async def _guarded(
    work: Coroutine[Any, Any, Result], outlives: bool, dialogue: TerminalDialogue | None = None
) -> Result:
    """Cancel the work on SIGTERM and on a hang-up; after a hang-up, work that may outlive it continues.

    asyncio cancels it on SIGINT, which ``dialogue`` shows, because the work may take long to notice.
    """
    loop = asyncio.get_running_loop()
    caught: list[int] = []
    ended: list[Result] = []

    async def record_result() -> Result:
        ended.append(await work)
        return ended[0]

    task = loop.create_task(record_result())

    def stop(number: int, frame: FrameType | None) -> None:
        # At once, as asyncio does for SIGINT: work that never waits must notice that it should stop.
        caught.append(number)
        task.cancel()
        loop.call_soon_threadsafe(lambda: None)

    if dialogue is not None:
        dialogue.task = asyncio.current_task()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN if outlives else stop)
    try:
        return await task
    except asyncio.CancelledError:
        if ended:  # The work was complete when the signal came, so its result is reported.
            return ended[0]
        if caught:
            raise Signalled(caught[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def crash_sentence(error: BaseException) -> str:
    """Write the report of an internal error; return the sentence for the user."""
    kind = type(error).__name__
    try:
        path = _write_crash_report(error)
    except OSError:
        return f"Something went wrong inside xpm-tui ({kind}), and no error report could be written."
    return (
        f"Something went wrong inside xpm-tui ({kind}). The report {path} contains nothing secret; please "
        "send it to your xpm-tui support contact."
    )


def _crash_report(error: BaseException) -> str:
    """Return versions, and the chain of exceptions with file, line and source of each frame."""
    lines = [
        f"xpm-tui {xpm_tui.__version__}, Python {platform.python_version()}, {platform.system()}",
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    ]
    link: BaseException | None = error
    while link is not None:
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
        for frame in traceback.extract_tb(link.__traceback__):
            place = "/".join(Path(frame.filename).parts[-3:])
            lines.append(f"  {place}:{frame.lineno} in {frame.name}: {frame.line or ''}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if link is not None:
            lines.append("which came from")
    return "\n".join(lines) + "\n"


def _write_crash_report(error: BaseException) -> Path:
    name = f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
    path = _crash_folder() / name
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(_crash_report(error))
    return path


def _crash_folder() -> Path:
    """Return the state folder of the requested home, or else the folder for temporary files."""
    try:
        chosen = [after for flag, after in zip(sys.argv, sys.argv[1:], strict=False) if flag == "--home"]
        folder = Path(application_home.find_home(chosen[-1] if chosen else None, os.environ).state)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    except Exception:
        return Path(tempfile.gettempdir())


class _Unexpected(AppError):
    code = "unexpected"
    exit_code = 70  # EX_SOFTWARE of sysexits.h


class _Usage(AppError):
    code = "usage"
    exit_code = 2


def exit_code(ended: BaseException, *, json: bool) -> int:
    """Report an exception to the user or script; return the exit code. Raise unknown ones again."""
    match ended:
        case AppError():
            return _write_error(ended, json, attached_conditions(ended))
        case click.exceptions.NoArgsIsHelpError():
            click.echo(ended.format_message(), err=True)
            return 2
        case click.ClickException():
            return _write_error(_usage(ended), json)
        case Signalled():
            return 128 + ended.number
        case KeyboardInterrupt() | asyncio.CancelledError() | click.Abort():
            click.echo("Stopped.", err=True)
            return 128 + signal.SIGINT
        case OSError() if ended.errno in (errno.ENOSPC, errno.EDQUOT) and ended.filename is None:
            # click itself writes the help and the version; the errors of files have a file name.
            redirect_to_null(sys.stdout)
            return _write_error(to_disk_error(ended, Path("standard output")), json=False)
        case OutputClosed() if isinstance(why := ended.__cause__, OSError) and why.errno != errno.EPIPE:
            redirect_to_null(sys.stdout)
            return _write_error(to_disk_error(why, Path("standard output")), json=False)
        case OutputClosed() | BrokenPipeError():
            redirect_to_null(sys.stdout)
            return 128 + signal.SIGPIPE
        case Exception():
            return _write_error(_Unexpected(crash_sentence(ended)), json, attached_conditions(ended))
    raise ended


_SIMILAR = 0.75
"""The similarity from which an option is suggested for a mistyped one, as in :mod:`difflib`."""


def _usage(wrong: click.ClickException) -> AppError:
    path = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "xpm-tui"
    message = wrong.format_message()
    if isinstance(wrong, click.NoSuchOption):
        # Click suggests up to three options, some of which have only a letter or two in common.
        near = difflib.get_close_matches(wrong.option_name, wrong.possibilities or (), 1, _SIMILAR)
        message = wrong.message + (f" Did you mean '{near[0]}'?" if near else "")
    error = _Usage(message, hint=f"See '{path} --help'.")
    error.exit_code = wrong.exit_code
    return error


def _write_error(error: AppError, json: bool, found: tuple[Condition, ...] = ()) -> int:
    view = error_presenter.present(error)
    before, after = condition_sentences(found, None if json else error)
    try:
        for sentence in before:
            print(visible_lines(sentence), file=sys.stderr, flush=True)
        if json:
            print(
                json_answers.dumps({"ok": False, **condition_data(found), "error": view.data()}), flush=True
            )
        else:
            print(f"xpm-tui: {view.text()}", file=sys.stderr)
            for sentence in after:
                print(visible_lines(sentence), file=sys.stderr)
            sys.stderr.flush()
    except (OSError, ValueError):
        redirect_to_null(sys.stdout)
        redirect_to_null(sys.stderr)
    return error.exit_code
