"""The command log: a logged line, given to a shell, repeats the call."""

from __future__ import annotations

import shlex
from typing import Any

import click
import msgspec
import pytest

from tests.support.every_verb import command_of
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root
from xpm_tui.cli.runner import parameters
from xpm_tui.commands.command import Command, Param, list_params
from xpm_tui.commands.registry import EQUIVALENTS, NOT_REPEATED, all_commands, by_name, command_line

HOSTILE = '-it\'s; $(rm *) "é" c1:city'


def _value(param: Param, text: str) -> Any:
    if param.choices:
        value: Any = next(choice for choice in param.choices if choice and choice != param.default)
    elif param.kind is bool:
        return True
    else:
        value = {int: 7, float: 1.5}.get(param.kind, text)
    return (value, value) if param.many else value


def _parsed(line: str) -> tuple[Command[Any], dict[str, Any]]:
    words = shlex.split(line)[1:]
    ctx = click.Context(build_root(NoConsole()), info_name="xpm-tui")
    found: click.Command = build_root(NoConsole())
    shown: list[str] = []
    while isinstance(found, click.Group) and words and words[0] in found.list_commands(ctx):
        shown.append(words.pop(0))
        found = found.get_command(ctx, shown[-1]) or found
    act = command_of(*shown)
    assert act is not None, line
    made = found.make_context(shown[-1], words, parent=ctx, resilient_parsing=False)
    names = {param.name for param in list_params(act.params)}
    return act, {name: value for name, value in made.params.items() if name in names}


@pytest.mark.parametrize("text", ["c12", HOSTILE], ids=["plain", "hostile"])
def test_a_logged_line_makes_the_same_call(text: str) -> None:
    for act in all_commands():
        if not act.verb:
            continue
        chosen = {param.name: _value(param, text) for param in list_params(act.params)}
        params = msgspec.convert(chosen, act.params)
        line = command_line(act, params)
        back, values = _parsed(line)
        assert back.name == act.name, line
        again = parameters(back, values)
        for param in list_params(act.params):
            if param.name not in NOT_REPEATED:
                assert getattr(again, param.name) == getattr(params, param.name), (line, param.name)


def test_what_only_the_console_has_is_shown_by_the_nearest_verb() -> None:
    assert {act.name for act in all_commands() if not act.verb} == set(EQUIVALENTS)
    sync = by_name("clients.sync")
    assert command_line(sync, sync.params(client="c9")) == "xpm-tui sync --client c9"
    undo = by_name("clients.undo")
    assert command_line(undo, undo.params(client="c9")) == "xpm-tui undo --client c9 last"
    setting = by_name("settings.set")
    secret = setting.params(key="xero.client_secret", value="hunter2-hunter2")
    assert command_line(setting, secret, before=("--home", "/a b")) == (
        "xpm-tui --home '/a b' settings set xero.client_secret VALUE"
    )
