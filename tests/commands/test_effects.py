"""The effect of every call and what follows from it; it is decided in one place only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.source_code import parsed
from xpm_tui.commands.command import Command, Param, Situation, list_params
from xpm_tui.commands.effects import (
    AdmittedCall,
    Effect,
    PerCall,
    Question,
    Unconfirmed,
    admit,
    confirm_call,
    effect_of,
    opening_effect,
    usual_effect,
)
from xpm_tui.commands.registry import all_commands, by_name
from xpm_tui.domain.errors import ReadOnly

LOOKS, FILE, HERE = Effect.LOOKS, Effect.WRITES_FILE, Effect.WRITES_HERE
XPM, REPLACES, NEVER = Effect.WRITES_XPM, Effect.REPLACES, Effect.IRREVERSIBLE

CALLS: tuple[tuple[str, dict[str, Any], Effect], ...] = (
    ("connect", {}, HERE),
    ("connect", {"check": True}, LOOKS),
    ("disconnect", {}, HERE),
    ("disconnect", {"everything": True}, NEVER),
    ("clients.review", {}, LOOKS),
    ("clients.review", {"accept_sure": True}, HERE),
    ("jobs.audit", {}, LOOKS),
    ("jobs.audit", {"csv": "-"}, LOOKS),
    ("jobs.audit", {"csv": "x.csv"}, FILE),
    ("templates.rules", {"service": "s1"}, LOOKS),
    ("templates.rules", {"service": "s1", "budget": "none"}, HERE),
    ("clients.review", {"export": "-"}, LOOKS),
    ("clients.review", {"export": "x.csv"}, FILE),
    ("clients.review", {"take": "x.csv"}, HERE),
    ("clients.review", {"take": "x.csv", "dry_run": True}, LOOKS),
    ("clients.review", {"accept_sure": True, "dry_run": True}, HERE),
    ("clients.review", {"link": "1234567"}, HERE),
    ("clients.review", {"ignore": True}, HERE),
    ("clients.review", {"undo": True}, HERE),
    ("clients.link", {"client": "c1", "xpm": "1"}, HERE),
    ("clients.link", {"client": "c1", "xpm": "1", "yes": True}, HERE),
    ("clients.link", {"client": "c1", "xpm": "1", "dry_run": True}, LOOKS),
    *(
        call
        for form in ("clients", "services", "team", "proposals")
        for call in (
            (f"import.{form}", {"file": "x"}, HERE),
            (f"import.{form}", {"file": "x", "dry_run": True}, LOOKS),
            (f"export.{form}", {"file": "x"}, FILE),
            (f"export.{form}", {"file": "-"}, LOOKS),
        )
    ),
    ("inbox.run", {}, HERE),
    ("inbox.run", {"dry_run": True}, LOOKS),
    ("import.undo", {}, REPLACES),
    ("import.undo", {"dry_run": True}, LOOKS),
    ("runs.retry", {}, XPM),
    ("runs.retry", {"list": True}, LOOKS),
    ("schedule.install", {}, REPLACES),
    ("schedule.install", {"dry_run": True}, LOOKS),
    ("team.link", {"member": "t1", "staff": "x"}, HERE),
    ("team.link", {"by_email": True, "dry_run": True}, LOOKS),
    ("team.create", {"member": "t1"}, NEVER),
    ("team.create", {"member": "t1", "dry_run": True}, LOOKS),
    ("proposals.accept", {"proposals": ("p1",)}, XPM),
    ("proposals.accept", {"proposals": ("p1",), "wait": True}, HERE),
    ("proposals.rollover", {"all": True}, HERE),
    ("proposals.rollover", {"all": True, "dry_run": True}, LOOKS),
    ("undo", {"run": "last"}, REPLACES),
    ("undo", {"run": "last", "dry_run": True}, LOOKS),
    ("undo", {"run": "last", "review": True}, HERE),
    ("clients.undo", {"client": "c1"}, REPLACES),
    ("clients.undo", {"client": "c1", "review": True}, HERE),
    ("jobs.deploy", {"due": True}, XPM),
    ("jobs.deploy", {"due": True, "dry_run": True}, LOOKS),
    ("jobs.retry", {"all": True}, XPM),
    ("jobs.retry", {"all": True, "dry_run": True}, LOOKS),
    ("jobs.retry", {"jobs": ("w1",), "sent": "again", "wait": True}, HERE),
    *(
        (name, values, effect)
        for name in ("sync", "clients.sync")
        for values, effect in (({}, XPM), ({"dry_run": True}, LOOKS))
    ),
    ("jobs.redeploy", {"job": "w1"}, XPM),
    ("jobs.redeploy", {"job": "w1", "wait": True}, HERE),
    ("relink", {}, LOOKS),
    ("relink", {"accept": True}, HERE),
    ("data.repair", {}, HERE),
    ("data.repair", {"lossy": True}, REPLACES),
    ("doctor", {}, LOOKS),
    ("doctor", {"bundle": "x.zip"}, FILE),
)
"""Commands whose effect depends on the parameters, with every parameter that it depends on."""

ALWAYS: dict[Effect, set[str]] = {
    LOOKS: {
        "status", "clients.list", "clients.show", "clients.search", "clients.address", "clients.copy",
        "services.list", "plan", "plan.export", "policy", "runs.list", "runs.show", "log", "schedule.show",
        "plan.list", "plan.show",
        "settings.list", "settings.get", "team.list", "team.copy", "templates.list", "templates.defaults",
        "templates.copy", "jobs.list", "jobs.forecast", "jobs.preview", "jobs.address", "jobs.copy",
        "proposals.list", "proposals.changes",
        "conflicts", "duplicates", "practices.list", "locate", "data.check", "cases.list", "cases.seen",
        "cases.show", "inbox.status", "inbox.list", "inbox.show", "inbox.schema",
        "worker.status",
    },
    FILE: {"data.backup"},
    HERE: {
        "clients.delete", "contacts.delete", "clients.restore", "team.delete", "services.delete",
        "clients.edit", "clients.new", "contacts.add", "contacts.edit", "team.new", "team.edit",
        "services.new", "services.edit", "clients.unlink", "clients.pick", "clients.ignore",
        "clients.freeze", "clients.unfreeze", "plan.tick", "plan.untick", "policy.off", "policy.on",
        "policy.set",
        "runs.stop", "schedule.remove", "settings.set", "settings.unset", "team.accept", "team.pick",
        "team.unlink", "team.undo", "templates.link", "templates.accept", "templates.no_job",
        "templates.clear", "templates.undo", "jobs.edit", "jobs.skip", "proposals.new", "proposals.take",
        "proposals.revoke", "practices.add", "practices.switch", "data.compact",
        "inbox.setup", "inbox.retry",
    },
    XPM: {
        "runs.resume", "runs.release", "worker.run", "clients.create",
    },
    REPLACES: {"data.restore", "data.move"},
    NEVER: {"purge"},
}  # fmt: skip
"""Commands that do the same whatever the parameters are."""

SOURCE = Path(__file__).parents[2] / "xpm_tui"
each = pytest.mark.parametrize("act", all_commands(), ids=lambda act: act.name)


def params(act: Command[Any], values: dict[str, Any]) -> msgspec.Struct:
    made: msgspec.Struct = msgspec.convert(values, act.params, strict=False)
    return made


def needed(act: Command[Any]) -> dict[str, Any]:
    def value(param: Param) -> Any:
        return ("x",) if param.many else "x"

    return {param.name: value(param) for param in list_params(act.params) if param.required}


@each
def test_every_command_is_in_one_of_the_tables(act: Command[Any]) -> None:
    if isinstance(act.effect, PerCall):
        found = {effect for name, _, effect in CALLS if name == act.name}
        assert len(found) > 1, "one call of each effect"
        assert {usual_effect(act), opening_effect(act)} <= found
    else:
        assert act.name in ALWAYS[act.effect]
        assert effect_of(act, params(act, needed(act))) is act.effect
    assert sum(act.name in names for names in ALWAYS.values()) + isinstance(act.effect, PerCall) == 1


@pytest.mark.parametrize(("name", "values", "effect"), CALLS, ids=lambda part: str(part)[:40])
def test_the_effect_of_a_call(name: str, values: dict[str, Any], effect: Effect) -> None:
    act = by_name(name)
    assert effect_of(act, params(act, values)) is effect


@each
def test_what_needs_a_yes_can_be_given_one(act: Command[Any]) -> None:
    effects = {usual_effect(act), *(effect for name, _, effect in CALLS if name == act.name)}
    if act.verb and any(effect.needs_yes for effect in effects):
        assert act.consent in {param.name for param in list_params(act.params)}


class Nobody:
    """A script: nobody can be asked."""

    interactive = False

    def __init__(self, call: AdmittedCall) -> None:
        self.call = call
        self.asked: list[str] = []

    def say(self, sentence: str) -> None:
        self.asked.append(sentence)

    def progress(self, sentence: str) -> None:
        pass

    def emit(self, item: Any, line: str = "") -> None:
        raise AssertionError("nothing streams")

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        self.asked.append(question)
        return default

    async def line(self, prompt: str) -> str | None:
        self.asked.append(prompt)
        return "harbour"


class Someone(Nobody):
    """A user at a terminal who just presses enter, and types the name where one is asked for."""

    interactive = True


@pytest.mark.parametrize("effect", Effect)
async def test_where_nobody_can_be_asked(effect: Effect) -> None:
    dialogue = Nobody(AdmittedCall(effect, "word", consent="yes"))
    if effect.needs_yes:
        with pytest.raises(Unconfirmed, match=r"'word' .* Nothing was changed") as reported:
            await confirm_call(dialogue, Question("Sure?"))
        assert (reported.value.exit_code, "--yes" in reported.value.hint) == (4, True)
    else:
        assert await confirm_call(dialogue, Question("Sure?"))
    assert await confirm_call(Nobody(AdmittedCall(effect, agreed=True)), Question("Sure?"))
    assert dialogue.asked == []


@pytest.mark.parametrize("end", ["\n", "\r", "\x85", "\u2028"])
async def test_a_name_adds_no_line_to_a_question(end: str) -> None:
    dialogue = Someone(AdmittedCall(Effect.WRITES_HERE))
    await confirm_call(dialogue, Question("Link 1 client?", [f"CLI-1  Rata{end}CLI-2  Totara  →  1001"]))
    line, _ = dialogue.asked
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("effect", Effect)
async def test_where_someone_can_be_asked(effect: Effect) -> None:
    dialogue = Someone(AdmittedCall(effect))
    assert not await confirm_call(dialogue, Question("Sure?", ["3 clients"]))
    assert dialogue.asked == ["3 clients", "Sure?"]
    assert await confirm_call(dialogue, Question("Sure?", safe=True))
    assert await confirm_call(dialogue, Question("Sure?", type_in="harbour"))
    assert not await confirm_call(dialogue, Question("Sure?", type_in="branch"))
    seen = Someone(AdmittedCall(effect, shown=("3 clients",)))
    assert await confirm_call(seen, Question("Sure?", ["3 clients"])), (
        "the screen shows these very consequences"
    )
    assert seen.asked == []
    assert not await confirm_call(seen, Question("Sure?", ["4 clients"])), "what changed meanwhile is asked"
    assert not await confirm_call(seen, Question("Sure?"))
    silent = Someone(AdmittedCall(effect, agreed=True))
    assert await confirm_call(silent, Question("Sure?"))
    assert silent.asked == []
    assert not await confirm_call(Someone(AdmittedCall(effect, read_only=True)), Question("Sure?", safe=True))


async def test_a_name_starts_no_line_of_a_question() -> None:
    dialogue = Someone(AdmittedCall(Effect.REPLACES))
    await confirm_call(dialogue, Question("Delete A\nB?", ["Link A\nNothing is sent."]))
    assert dialogue.asked == ["Link A⏎Nothing is sent.", "Delete A⏎B?"]


@each
def test_read_only_mode_is_the_same_for_a_verb_and_a_key(act: Command[Any]) -> None:
    calls = [params(act, values) for name, values, _ in CALLS if name == act.name] or [
        params(act, needed(act))
    ]
    for call in calls:
        admit(act, call, read_only=False)
        if effect_of(act, call).writes:
            with pytest.raises(ReadOnly) as refused:
                admit(act, call, read_only=True)
            assert "--read-only" in refused.value.hint
        else:
            assert admit(act, call, read_only=True).read_only
    offered = "read-only" not in act.unavailable(Situation(read_only=True))
    looks = any(not effect_of(act, call).writes for call in calls)
    assert not offered or looks, "a key that is offered leads to something that is allowed"


def sources(*folders: str, with_word: str) -> Iterator[tuple[str, ast.AST]]:
    for folder in folders:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if with_word in text:
                yield path.relative_to(SOURCE).as_posix(), parsed(text)


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def callers(function: str, *folders: str) -> list[str]:
    """Return the files that call ``function``."""
    return [name for name, tree in sources(*folders, with_word=function) if function in set(called(tree))]


def test_nobody_else_refuses_for_read_only_mode() -> None:
    assert set(callers("ReadOnly", "")) == {
        "commands/effects.py",  # decides
        "application/practice.py",  # the guard behind it, at the door of every service that writes
        "store/engine.py",  # the store itself
        "store/postgres.py",  # the same in a database
        "store/postgres_connection.py",  # a standby server, which says so itself
    }
    named = {
        name
        for name, tree in sources("", with_word="READ_ONLY")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
        and "READ_ONLY" in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", ""))
    }
    assert named == {"commands/effects.py"}
    assert [
        name for name, tree in sources("commands", with_word="writable") if "writable" in set(called(tree))
    ] == []


def test_nobody_else_asks_whether_a_call_may_continue() -> None:
    assert [
        name
        for name, tree in sources("commands", "cli", with_word="confirm")
        if "confirm" in set(called(tree))
    ] == ["commands/effects.py"]


def test_an_act_is_run_by_the_two_runners_alone() -> None:
    """Code that runs a command elsewhere would bypass the decision."""
    running = [
        name
        for name, tree in sources("cli", "tui", with_word="run")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("run", "on_home")
        and isinstance(node.value, ast.Name)
        and node.value.id == "command"
    ]
    assert sorted(set(running)) == ["cli/runner.py", "tui/command_runner.py"]
