"""Nothing that scripts rely on disappears, and what is new is written down.

When one of these fails, read its sentence: it names what is gone or new, and the command that records it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from tests.interface import answers, collected, golden, product, refresh, schemas
from tests.interface.golden import Tree
from tests.support.command import Done

PROMISED: Tree = {
    "sync": {"--full": "flag optional", "--yes": "flag"},
    "plan": {"--only": "value choice=all"},
}


@pytest.mark.parametrize("name", collected.FILES)
def test_the_interface_is_as_written_down(name: str, tmp_path: Path) -> None:
    reported = golden.complaint(name, collected.FILES[name](tmp_path))
    assert not reported, reported
    if name.startswith("answers_"):  # what was answered just now is as the published schema says
        differs = schemas.check(name.removeprefix("answers_"))
        assert not differs, f"{differs}\nRun: {schemas.REFRESH}"


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        ({"ok": True, "items": [{"id": "c1", "name": "A"}], "count": 1}, []),
        ({"ok": False, "error": {"code": "busy"}}, []),
        ({"ok": True, "items": [{"id": "c1"}], "count": 1}, [".items[].name is missing"]),
        ({"ok": True, "items": [], "total": 1}, [".count is missing", ".total is not described"]),
        ({"ok": True, "items": [], "count": "1"}, [".count is string, not integer"]),
        (
            {"ok": True, "items": [{"id": "c1", "name": None}], "count": 1},
            [".items[].name is null, not string"],
        ),
    ],
)
def test_a_schema_notices_what_is_missing_renamed_or_of_another_type(
    answer: dict[str, Any], reported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {
        "ok": True,
        "items": [{"id": "c1", "name": "A", "note": ""}, {"id": "c2", "name": "B"}],
        "count": 2,
    }
    failed = {"ok": False, "error": {"code": "busy"}}
    outs = [Done(0, json.dumps(each), "") for each in (seen, failed)]
    monkeypatch.setattr(schemas, "HEARD", {"script": [("clients list", done) for done in outs]})
    whole = schemas.build({})
    done = Done(0, json.dumps(answer), "")
    assert [*schemas.differences(whole, "clients list", done)] == [
        f"clients list: {each}" for each in reported
    ]


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in golden.FOLDER.glob("*.json")} == set(collected.FILES)


def test_every_verb_is_run_with_json_or_says_why_not() -> None:
    run = [line for script in answers.SCRIPTS for line in answers.lines(script)] + ["connect"]
    verbs = {words for words, command in product.commands() if words and _runs(command)}
    missing = {verb for verb in verbs if not any(f"{line} ".startswith(f"{verb} ") for line in run)}
    assert missing == set(answers.NOT_RUN)


def _runs(command: click.Command) -> bool:
    return command.callback is not None


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        ({"plan": PROMISED["plan"]}, ["verbs: sync"]),
        ({**PROMISED, "sync": {"--full": "flag optional"}}, ["verbs: sync / --yes"]),
        ({**PROMISED, "sync": {"--full": "flag", "--yes": "flag"}}, ["verbs: sync / --full: optional"]),
        ({**PROMISED, "plan": {"--only": "value"}}, ["verbs: plan / --only: choice=all"]),
        ({**PROMISED, "undo": {"--all": "flag"}}, []),
    ],
)
def test_what_is_gone_is_named(now: Tree, gone: list[str]) -> None:
    assert [golden.called("verbs", each) for each in golden.lost("verbs", now, PROMISED)] == gone


def test_a_refresh_adds_but_removes_only_what_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    now: dict[str, Tree | str] = dict(PROMISED)
    monkeypatch.setattr(collected, "FILES", {"verbs": lambda folder: now})
    golden.write("verbs", now)
    assert golden.complaint("verbs", now) == ""

    now["undo"] = {"--all": "flag"}
    assert "1 new and not written down yet: 'verbs: undo'" in golden.complaint("verbs", now)
    assert refresh.main([]) == 0
    assert golden.complaint("verbs", now) == ""

    del now["sync"]
    assert "'verbs: sync' has disappeared" in golden.complaint("verbs", now)
    assert refresh.main([]) == 1
    assert "--allow-removal 'verbs: sync'" in capsys.readouterr().err
    assert refresh.main(["--allow-removal", "verbs: syn"]) == 1
    assert refresh.main(["--allow-removal", "verbs: sync"]) == 0
    assert golden.complaint("verbs", now) == ""
