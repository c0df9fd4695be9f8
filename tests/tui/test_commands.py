"""A key runs its command, or opens a screen and does nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support import source_code
from tests.tui.writing import TUI, bypasses, parsed, writing
from xpm_tui.commands.registry import all_commands

RUNNERS = {"perform", "copy_command", "read_command", "run_command", "run_named", "start_command"}
"""Functions that run a command; each of them calls ``run_command``."""

OPENS = {
    "do_clients_link": "Picker",
    "do_clients_pick": "Picker",
    "do_clients_review": "Review",
    "do_team_link": "MapStaffPicker",
    "do_team_pick": "AddStaffPicker",
    "do_templates_link": "ServiceTemplates",
    "do_runs_stop": "RunScreen",
}
"""Keys that only open a screen."""

FLOWS = {
    "do_plan": "plan_and_show",
    "do_sync": "plan_and_show",
    "do_clients_sync": "plan_and_show",
    "do_undo": "undo",
    "do_clients_undo": "undo",
    "do_connect": "connect",
}
"""Keys that begin a path over several screens (``tui/navigation.py``)."""

THROUGH = {
    "do_clients_edit": ("_edit", "clients.edit"),
    "do_team_accept": ("accept_emails", "team.accept"),
    "do_templates_accept": ("accept_same_names", "templates.accept"),
    "do_proposals_accept": ("_accept_or_take", "proposals.accept"),
    "do_proposals_take": ("_accept_or_take", "proposals.take"),
    "do_proposals_changes": ("_show_changes", "proposals.changes"),
    "do_proposals_rollover": ("_roll_over", "proposals.rollover"),
    "do_templates_no_job": ("_run_without_asking", "templates.no_job"),
    "do_templates_clear": ("_run_without_asking", "templates.clear"),
    "do_jobs_edit": ("_edit", "jobs.edit"),
    "do_services_edit": ("_edit", "services.edit"),
    "do_jobs_preview": ("open_job", "jobs.preview"),
    "do_jobs_deploy": ("_choose_deploy", "jobs.deploy"),
    "do_jobs_retry": ("_choose_retry", "jobs.retry"),
    "do_jobs_audit": ("_make_audit", "jobs.audit"),
    "do_jobs_redeploy": ("_look_up_and_redeploy", "jobs.redeploy"),
    "do_templates_defaults": ("_change_default", "templates.defaults"),
}
"""Keys that run their command through another function of their class."""

_WIZARD = "the wizard and `connect` take the steps of one state machine"
_READS = "reads XPM where nothing was read yet, before anything is shown"

ALLOWED: dict[str, tuple[str, str]] = {
    "app.py": (
        "runs.unattended_runs.record_sign_in writable",
        "notes that someone is here; asks before it saves a text",
    ),
    "screens/picker.py": ("runs.xpm_refresh.ensure_mirror", _READS),
    "screens/review.py": (
        "clients.link_review.store_review_position runs.xpm_refresh.ensure_mirror",
        f"where the review was left is no action; {_READS}",
    ),
    "wizard/optional_steps.py": ("ConnectionMachine.skip", _WIZARD),
    "wizard/required_steps.py": (
        "ConnectionMachine.app ConnectionMachine.permission ConnectionMachine.choose ConnectionMachine.fill",
        _WIZARD,
    ),
    "wizard/sign_in.py": ("ConnectionMachine.begin ConnectionMachine.wait", _WIZARD),
}
"""Functions with which modules of the console write without a command, and why. This table only shrinks."""

CONFIRMS = {
    "dialogs/dialog.py": "discarding what was typed changes nothing",
    "dialogs/screen_dialogue.py": "shows what a command asks",
    "terminal_app.py": "leaving the console while a run goes on changes nothing",
}
"""Modules that ask a yes-or-no question of their own, and why. This table only shrinks."""

LEFT: set[str] = set()
"""Keys with an implementation of their own instead of a command: none, and none is added."""


def methods() -> Iterator[tuple[str, str, ast.FunctionDef]]:
    for path in sorted((TUI / "screens").rglob("*.py")):
        for node in ast.walk(source_code.parsed(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("do_"):
                yield path.stem, node.name, node


def calls(node: ast.AST) -> set[str]:
    found = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in found}


def texts(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


METHODS = list(methods())


@pytest.mark.parametrize(("screen", "name", "node"), METHODS, ids=[f"{m[0]}.{m[1]}" for m in METHODS])
def test_a_key_runs_its_command_or_opens_a_screen(screen: str, name: str, node: ast.FunctionDef) -> None:
    command = next(each.name for each in all_commands() if "do_" + each.name.replace(".", "_") == name)
    called, said = calls(node), texts(node)
    if name in OPENS:
        assert OPENS[name] in called
        assert not called & {"ask", "run"}, "it opens a screen and does nothing else"
    elif name in FLOWS:
        assert FLOWS[name] in called
    elif name in THROUGH:
        beside, runs = THROUGH[name]
        assert runs == command
        assert beside in called
        source = (TUI / "screens" / f"{screen}.py").read_text(encoding="utf-8")
        source += (TUI / "dialogs/screen_dialogue.py").read_text(encoding="utf-8")
        assert f'"{command}"' in source
    elif name in LEFT:
        assert not called & RUNNERS, "it runs its command by now: take it out of LEFT"
    else:
        assert called & RUNNERS, "neither its command nor a screen"
        assert command in said, "the very command of its key"


def test_no_list_names_what_is_not_there() -> None:
    names = {name for _, name, _ in METHODS}
    assert {*OPENS, *FLOWS, *THROUGH, *LEFT} <= names


MODULES = sorted(str(path.relative_to(TUI)) for path in TUI.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_screen_writes_by_a_command_only(module: str) -> None:
    words, why = ALLOWED.get(module, ("", ""))
    allowed = set(words.split())
    found = {name.removeprefix("connection.") for name in bypasses(TUI / module)}
    assert found - allowed == set(), "run a command instead: host.run_command(by_name(...), ...)"
    assert allowed - found == set(), f"it does so no longer ({why}): take it out of ALLOWED"


def test_only_commands_ask_for_confirmation() -> None:
    asking = {module for module in MODULES if "ConfirmDialog" in calls(parsed(TUI / module))}
    assert asking == set(CONFIRMS), "put the question into the command: effects.agree(talk, Question(...))"
    assert list(CONFIRMS) == sorted(CONFIRMS)


def test_what_writes_is_known() -> None:
    assert {
        "plans.tick",
        "links.link",
        "links.ignore",
        "imports.import_file",
        "undo_history.commit_undoable",
    } <= {".".join(name.split(".")[-2:]) for name in writing()}
    reading = (".preview_link", ".list_clients", ".clients_to_review")
    assert not any(name.endswith(reading) for name in writing())
    assert list(ALLOWED) == sorted(ALLOWED)
    assert set(ALLOWED) <= set(MODULES)
