"""One verb performed: practice opened, act run, signals obeyed, outcome written."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import click
import msgspec

from xpm_tui.cli.conditions import account_condition, condition_on_error, sentences, with_condition
from xpm_tui.cli.global_values import Globals, collected
from xpm_tui.cli.output import TerminalDialogue, dumps, lines, outcome
from xpm_tui.commands.command import AccountContext, Command, Result
from xpm_tui.commands.effects import admit
from xpm_tui.domain.errors import AppError, BadInput
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application import condition, trouble_events
    from xpm_tui.application import home as application_home
    from xpm_tui.application import practice as application_practice
    from xpm_tui.application.runs import due
    from xpm_tui.diagnostics import error_presenter

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


class Signalled(Exception):
    """A signal ended the verb; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def perform(ctx: click.Context, act: Command[Any], values: dict[str, Any]) -> None:
    """Run the act with what was typed and leave with its exit code."""
    given = collected(ctx)
    params = parameters(act, values)
    call = admit(act, params, read_only=given.read_only)
    talk = TerminalDialogue(json=given.json, quiet=given.quiet, call=call)
    result = asyncio.run(_guarded(_run(act, params, talk, given), call.effect.outlives))
    if result.delivered is None:
        _tell(result, talk, given)
    ctx.exit(result.exit_code)


def _tell(result: Result, talk: TerminalDialogue, given: Globals) -> None:
    for sentence in sentences(result.conditions, None if given.json else result.trouble):
        talk.say(sentence)
    if given.json:
        talk.data(dumps(outcome(result)))
        return
    if result.raw:
        talk.file(result.raw)
    for line in lines(result):
        talk.data(line)
    if result.trouble is not None:
        talk.say(error_presenter.present(result.trouble).text())


def perform_here(
    act: Command[Any], params: Any, talk: TerminalDialogue, given: Globals, *, quiet: bool = False
) -> Result:
    """Run an admitted call within a session that goes on after it; ``quiet`` writes nothing of its result.

    Raises:
        Trouble: What the command raises.
    """
    result = asyncio.run(_guarded(_run(act, params, talk, given), talk.call.effect.outlives))
    if result.delivered is None and not quiet:
        _tell(result, talk, given)
    return result


def parameters(act: Command[Any], values: dict[str, Any]) -> Any:
    """Return the parameters of an act from what was typed; raises ``BadInput``."""
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return msgspec.convert(given, act.params)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"{error}".replace("`$.", "`"), hint=f"See 'xpm-tui {' '.join(act.verb)} --help'."
        ) from error


async def _run(act: Command[Any], params: Any, talk: TerminalDialogue, given: Globals) -> Result:

    home = application_home.find_home(given.home or None, os.environ)
    if act.on_home is not None:
        who = application_home.person(given.person or None, os.environ)
        place = AccountContext(home, given.practice, who, given.read_only, given.settings)
        with condition_on_error(lambda: account_condition(act, place)):
            return with_condition(act, await act.on_home(place, params, talk), account_condition(act, place))

    practice = application_practice.open_practice(
        home,
        given.practice or None,
        person=application_home.person(given.person or None, os.environ),
        read_only=given.read_only,
        overrides=given.settings,
    )
    practice.on_notice = lambda trouble: talk.say(error_presenter.present(trouble).short())
    try:
        if talk.interactive and not getattr(params, "if_due", False):
            due.signed_in(practice)
        with condition_on_error(lambda: condition.conditions(practice)):
            result = with_condition(
                act, await act.run(practice, params, talk), condition.conditions(practice)
            )
            if result.delivered is not None:
                _tell(result, talk, given)
                result.delivered()
        if result.trouble is not None:
            _log(practice, act, result.trouble)
        return result
    except AppError as trouble:
        _log(practice, act, trouble)
        raise
    finally:
        practice.close()


def _log(practice: OpenPractice, act: Command[Any], trouble: AppError) -> None:
    if not practice.read_only:
        trouble_events.failed(practice.events, act.name, trouble)


async def _guarded(work: Coroutine[Any, Any, Result], outlives: bool) -> Result:
    """Cancel the work on SIGTERM and on a hang-up; what outlives its terminal goes on after a hang-up."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop, signal.SIGTERM)
    hang_up = signal.getsignal(signal.SIGHUP)
    if outlives:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGHUP, stop, signal.SIGHUP)
    try:
        return await task
    except asyncio.CancelledError:
        if caught:
            raise Signalled(caught[0]) from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, hang_up)
