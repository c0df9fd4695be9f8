"""Keys: unique in their area, none that terminals swallow without an alternative, and the footer fits."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from tests.tui.fixtures import ConsoleFixture, settle
from xpm_tui.commands.registry import all_commands, for_area
from xpm_tui.tui import dialogs, screens, widgets, wizard
from xpm_tui.tui.app import Console
from xpm_tui.tui.app_protocol import AREAS
from xpm_tui.tui.keymap import EXCEPTIONS, KEY_MEANINGS, MOST_FOOTER_KEYS, area_bindings

Make = Callable[..., Console]

SWALLOWED = {
    "ctrl+a": "screen's own", "ctrl+b": "tmux's own", "ctrl+s": "flow control", "ctrl+q": "flow control",
    "ctrl+p": "VS Code", "ctrl+z": "stops the program", "ctrl+j": "a line feed", "ctrl+m": "enter",
    "ctrl+i": "tab", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape", "ctrl+space": "ctrl+@",
    "ctrl+enter": "enter in most", "shift+enter": "enter in most", "alt+enter": "the window's own",
    "ctrl+f": "VS Code", "ctrl+w": "closes the tab", "ctrl+t": "opens a tab", "ctrl+n": "opens a window",
    "f11": "the window's own", "ctrl+shift+c": "the terminal's own", "ctrl+shift+v": "the terminal's own",
    "super+c": "the window's own",
}  # fmt: skip
"""Keys that a terminal, a multiplexer or VS Code intercepts, or sends as another key."""

F_KEYS = {f"f{n}" for n in range(2, 13)}
"""Keys that some terminals and desktops intercept; each has an alternative."""

SECOND = {
    "f2": "backspace in the path; in the wizard the steps follow by themselves",
    "f3": "in the wizard the steps follow by themselves",
    "f6": "the key 0 where the service is listed",
    "f8": "the palette: Save a screenshot",
    "f9": "the palette: List the practices",
    "f4": "backspace",
    "f5": "clients pick --all in the palette",
    "f10": "the button under the fields",
}
"""The alternative to a key that has no second key."""
TAKEN = {"g", "colon", "question_mark", "escape", "q"}


def every_binding() -> Iterator[tuple[str, Binding]]:
    """Yield every key of every screen, step, widget and of the app, with the class that binds it."""
    for package in (dialogs, screens, wizard, widgets):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for name, kind in inspect.getmembers(module, inspect.isclass):
                if issubclass(kind, DOMNode) and kind.__module__ == module.__name__:
                    for binding in vars(kind).get("BINDINGS", ()):
                        yield name, binding
    for binding in Console.BINDINGS:
        assert isinstance(binding, Binding)
        yield "Console", binding


@pytest.mark.parametrize("area", [area.name for area in AREAS])
def test_an_area_uses_each_key_once_and_shows_no_more_than_fit(area: str) -> None:
    keys = [command.key for command in for_area(area)]
    assert len(keys) == len(set(keys))
    assert not set(keys) & (set(SWALLOWED) | TAKEN)
    assert sum(binding.show for binding in area_bindings(area)) <= MOST_FOOTER_KEYS


async def test_an_area_binds_each_of_its_commands_once(env: ConsoleFixture, console: Make) -> None:
    app = console(env)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for area in AREAS:
            app.go(area.name)
            await settle(pilot)
            bound = app.screen._bindings.key_to_bindings.values()
            commands = [binding.id for bindings in bound for binding in bindings if binding.id]
            assert len(commands) == len(set(commands)), area.name


def test_every_command_has_a_verb_or_a_key() -> None:
    assert [command.name for command in all_commands() if not command.verb and not command.key] == []


def test_no_key_that_something_swallows_is_the_only_one() -> None:
    alone = [
        (where, binding.key)
        for where, binding in every_binding()
        if all(key.strip() in SWALLOWED for key in binding.key.split(",")) and not second(where, binding)
    ]
    assert alone == []


def second(where: str, binding: Binding) -> bool:
    """Return whether another key of the same class does the same, or pressing ctrl+c twice."""
    if where == "Console" and binding.action in ("leave", "interrupt"):
        return True
    same = [b for w, b in every_binding() if w == where and b.action == binding.action and b is not binding]
    return any(key.strip() not in SWALLOWED for b in same for key in b.key.split(","))


def test_every_f_key_has_a_second_way() -> None:
    for where, binding in every_binding():
        keys = {key.strip() for key in binding.key.split(",")}
        if keys & F_KEYS and not keys - F_KEYS - set(SWALLOWED):
            assert keys & set(SECOND), (where, binding.key)
    for command in all_commands():
        if command.key in F_KEYS:
            assert command.verb, f"{command.name} is in the palette, and a verb"


def actions() -> Iterator[tuple[str, str, str]]:
    """Every letter, digit and function key that is obeyed, what it does, and where."""
    for command in all_commands():
        if command.key:
            yield command.key, command.name, " ".join(command.where)
    for where, binding in every_binding():
        action, _, about = binding.action.partition("(")
        # A key whose action names a command runs that command; "app.help" is help everywhere.
        name = about.strip("')") if "." in about else action.rpartition(".")[2]
        for key in binding.key.split(","):
            yield key.strip(), name, where


def test_a_letter_means_the_same_everywhere() -> None:
    found = [(key, *rest) for key, *rest in actions() if len(key) == 1 or key in F_KEYS]
    strange = [
        (key, name, where)
        for key, name, where in found
        if (key not in KEY_MEANINGS or name not in KEY_MEANINGS[key].actions)
        and (key, name) not in EXCEPTIONS
    ]
    assert strange == [], "another sense of a letter: see xpm_tui/tui/keymap.py"
    said = {(key, name) for key, sense in KEY_MEANINGS.items() for name in sense.actions} | set(EXCEPTIONS)
    assert said == {(key, name) for key, name, _ in found}, "an action to which no key is bound any more"


def test_a_question_and_the_review_alone_have_letters_of_their_own() -> None:
    settled = {(key, where) for key, name, where in actions() if (key, name) in EXCEPTIONS}
    assert settled == {
        ("n", "Review"), ("p", "Review"), ("y", "ConfirmDialog"), ("n", "ConfirmDialog"), ("y",
            "DeployReview"),
        ("n", "DeployReview"),
    }  # fmt: skip
