"""Every command says what a verb, a key, a palette entry and a form need."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any

import msgspec
import pytest

from tests.support.every_verb import command_of
from xpm_tui.commands.command import Command, Situation, list_params
from xpm_tui.commands.effects import opening_effect
from xpm_tui.commands.registry import GROUPS, all_commands, by_name, for_area

each = pytest.mark.parametrize("act", all_commands(), ids=lambda act: act.name)


@each
def test_an_act_explains_itself(act: Command[Any]) -> None:
    assert act.title
    assert not act.title.endswith(".")
    assert act.help.endswith(".")
    assert len(act.help) > 20
    assert inspect.iscoroutinefunction(act.run)
    if act.verb:
        assert act.example.startswith("xpm-tui " + " ".join(act.verb)), act.example
    if act.key:
        assert act.where


@each
def test_parameters_are_frozen_and_each_has_a_word(act: Command[Any]) -> None:
    assert act.params.__struct_config__.frozen
    for param in list_params(act.params):
        assert param.help.endswith(".") or param.help.endswith("it."), (act.name, param.name)
        assert param.kind in (str, int, float, bool), (act.name, param.name)
        assert not (param.kind is bool and param.hint.argument)
    required = [p for p in list_params(act.params) if p.hint.argument]
    assert sorted(required, key=lambda p: not p.required) == required, (
        "arguments that can be left out come last"
    )


@each
def test_the_defaults_make_a_valid_value(act: Command[Any]) -> None:
    given = {p.name: ("x",) if p.many else "x" for p in list_params(act.params) if p.required}
    assert isinstance(msgspec.convert(given, act.params), act.params)


def test_no_verb_is_taken_twice() -> None:
    words = Counter(
        (*act.verb[:-1], last) for act in all_commands() if act.verb for last in (act.verb[-1], *act.aliases)
    )
    assert [verb for verb, times in words.items() if times > 1] == []
    assert len({act.name for act in all_commands()}) == len(all_commands())


@pytest.mark.parametrize("area", ["overview", "clients", "team", "sync", "settings"])
def test_no_key_is_taken_twice_in_an_area(area: str) -> None:
    keys = Counter(act.key for act in for_area(area))
    assert [key for key, times in keys.items() if times > 1] == []


def test_a_footer_fits_eighty_columns() -> None:
    for area in ("overview", "clients", "team", "sync", "settings"):
        shown = [act for act in for_area(area) if act.footer]
        assert sum(len(act.key) + len(act.footer) + 3 for act in shown) <= 80, area


def test_every_group_of_verbs_is_named() -> None:
    itself = {act.verb for act in all_commands() if act.verb}
    groups = {act.verb[:1] for act in all_commands() if len(act.verb) > 1} - itself
    assert {" ".join(group) for group in groups} <= set(GROUPS)


def test_commands_are_found_by_name_and_by_verb() -> None:
    assert command_of("clients", "remap") is by_name("clients.link")
    assert command_of("clients", "link") is by_name("clients.link")
    assert command_of("nothing") is None


@each
def test_what_writes_says_so_in_a_read_only_console(act: Command[Any]) -> None:
    linked = act.name != "clients.create"
    there: dict[str, Any] = {"connected": True, "record": "c1", "linked": linked, "frozen": True}
    reported = act.unavailable(Situation(read_only=True, **there))
    assert ("read-only" in reported) == opening_effect(act).writes
    if act.name not in ("runs.stop", "worker.run"):
        assert act.unavailable(Situation(**there)) == ""


def test_why_not_is_a_sentence() -> None:
    nothing = Situation()
    reported = {act.name: act.unavailable(nothing) for act in all_commands() if act.unavailable(nothing)}
    assert "clients.link" in reported
    assert "sync" in reported
    assert "runs.stop" in reported
    assert all(sentence.endswith(".") for sentence in reported.values())
