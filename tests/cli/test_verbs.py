"""The tree of verbs: words, options in both places, help, usage errors, exit codes, what is loaded."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from tests.support.command import CommandLine, Inline
from xpm_tui.application import derived_data
from xpm_tui.application.status import summary
from xpm_tui.cli import runner
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.main import build_root, main
from xpm_tui.cli.options import collected
from xpm_tui.cli.runner import _guarded
from xpm_tui.commands.command import Result
from xpm_tui.commands.registry import all_commands, by_name


def leaves(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [words]
    found = [leaf for name, sub in command.commands.items() for leaf in leaves(sub, (*words, name))]
    return [*found, words] if words else found


ALL = leaves(build_root(NoConsole()))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XPM_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_every_act_with_a_verb_is_there() -> None:
    assert {act.verb for act in all_commands() if act.verb} <= set(ALL)
    assert {("demo",), ("sandbox",), ("completion",)} <= set(ALL)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_has_an_example_and_fits(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # whatever the width of the terminal in which the tests run
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example:" in text or text.count("Commands:") == 1
    assert "--json" in text
    assert all(len(line) <= 80 for line in text.splitlines() if "xpm-tui" not in line)


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "clients", "list"),
        ("clients", "--json", "list"),
        ("clients", "list", "--json"),
        ("clients", "--json"),
    ],
)
def test_json_can_stand_anywhere(
    words: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == 0
    sound = {"state": "sound", "message": ""}
    listed = {"ok": True, "count": 0, "items": []}
    assert said(capsys) == {**listed, "condition": sound, "conditions": [sound]}


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("clients list --json id,name", {"id", "name"}),
        ("clients list --json name --limit 1", {"name"}),
        ("clients --json=name list", {"name"}),
        ("--json=name clients list", {"name"}),
        ("clients --json id,name list", {"id", "name"}),
        ("clients list --json", None),
        ("clients search --json ann", None),
        ("clients search ann --json number,name", {"number", "name"}),
        ("clients show --json ann", None),
        ("clients show --json name ann", {"name"}),
        ("clients freeze ann phone --json id,frozen", {"id", "frozen"}),
        ("plan --json show last", None),
        ("plan show last --json id,field,old", {"id", "field", "old"}),
        ("status --json=linked -q", {"linked"}),
        ("practices list --json name", {"name"}),
        ("clients ls --json id", {"id"}),
        ("services rm s1 --json id", {"id"}),
    ],
)
def test_json_may_name_fields(words: str, fields: set[str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(runner, "perform", lambda ctx, command, values: taken.append(collected(ctx)))
    assert main(words.split()) == 0
    assert [(given.json, set(given.fields)) for given in taken] == [(True, fields or set())]


def test_the_answer_has_the_named_fields_and_no_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["settings", "list", "theme", "--json", "value,key"]) == 0
    answer = said(capsys)
    assert answer.keys() == {"ok", "count", "items", "condition", "conditions"}
    assert [list(item) for item in answer["items"]] == [["value", "key"]]
    assert main(["policy", "--json", "direction"]) == 0
    assert said(capsys).keys() == {"ok", "count", "direction", "condition", "conditions"}
    for words in (["services", "new", "Payroll", "--json", "id,nmae"], ["services", "list", "--json=nmae"]):
        assert main(words) == 2
        error = said(capsys)["error"]
        assert "field 'nmae'. Did you mean 'name'?" in error["message"]
        assert "no_job" in error["hint"]
    assert main(["services", "list", "--json"]) == 0
    assert said(capsys)["count"] == 0  # nothing was done for a field that does not exist


@pytest.mark.parametrize(
    ("words", "sentence", "code"),
    [
        ("undo last", "There is nothing to undo yet: there has been no run.", 0),
        ("undo last --dry-run", "There is nothing to undo yet: there has been no run.", 0),
        ("runs show last", "There has been no run yet.", 2),
        ("log --run last", "There has been no run yet.", 2),
        ("plan show last", "There is no plan yet.", 2),
        ("inbox show last", "No file has come in through the inbox yet.", 2),
        ("undo r7", "There is no run r7.", 2),
    ],
)
def test_the_last_of_none_is_said_as_such(
    words: str, sentence: str, code: int, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == code
    shown = capsys.readouterr()
    assert sentence in shown.out + shown.err
    assert "last" not in shown.out + shown.err


def test_every_list_takes_a_limit_and_counts_the_rest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = {act for act in all_commands() if act.verb and act.verb[-1] in ("list", "changes", "review")}
    listed |= {by_name(name) for name in ("conflicts", "duplicates", "policy", "relink", "jobs.audit")}
    assert not [act.name for act in listed if "limit" not in act.params.__struct_fields__]
    assert main(["settings", "list", "-L", "2"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert main(["settings", "list", "--limit", "2", "--json"]) == 0
    answer = said(capsys)
    assert len(answer["items"]) == answer["count"] == 2
    assert last == f"and {answer['more']} more: --limit 0 lists all of them"
    assert main(["settings", "list", "--limit", "-1"]) == 2


def test_the_last_of_two_homes_wins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(["--home", str(one), "locate", "data", "--home", str(two)]) == 0
    assert capsys.readouterr().out.strip() == str(two / "data")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["clients", "lisst"], "lisst"),
        (["clients", "list", "--onlly", "x"], "--onlly"),
        (["clients", "link", "c1"], "XPM"),
        (["plan", "--full=3"], "--full"),
        (["runs", "list", "--limit", "many"], "many"),
        (["clients", "list", "--only", "odd"], "odd"),
        (["settings", "list", "--set", "novalue"], "KEY=VALUE"),
    ],
)
def test_wrong_usage_exits_2_and_names_it(
    words: list[str], why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 2
    reported = said(capsys)
    assert reported["ok"] is False
    assert why in reported["error"]["message"]
    assert main(words) == 2
    shown = capsys.readouterr()
    assert why in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [("--yse", "Did you mean '--yes'?"), ("--jsn", "Did you mean '--json'?"), ("--zzzz", "")],
)
def test_a_mistyped_option_names_the_one_that_is_similar(
    typed: str, suggested: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clients", "pick", typed]) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"xpm-tui: No such option '{typed}'. {suggested}".rstrip()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["clients", "show", "nobody"], "not-found"),
        (["clients", "freeze", "nobody"], "not-found"),
        (["runs", "show", "r99"], "not-found"),
        (["settings", "get", "sync.levl"], "bad-input"),
        (["log", "--since", "soon"], "bad-input"),
        (["practices", "switch", "nowhere"], "not-found"),
        (["runs", "stop"], "bad-input"),
    ],
)
def test_what_is_not_there_exits_2(
    words: list[str], code: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 2
    reported = said(capsys)
    assert reported["error"]["code"] == code
    assert reported["error"]["message"].endswith(".")


@pytest.mark.parametrize("words", [["plan"], ["sync"], ["clients", "search", "x"], ["disconnect"]])
def test_what_needs_a_connection_exits_3_without_one(
    words: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 3
    assert said(capsys)["error"]["hint"].startswith("Run: xpm-tui connect")


def test_where_it_does_not_run_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["status"]) == 2
    reported = capsys.readouterr()
    assert reported.out == ""
    assert "WSL" in reported.err
    assert len(reported.err.splitlines()) == 1


def test_status_before_connecting(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 3
    reported = said(capsys)
    assert reported["ok"] is False
    assert reported["connected"] is False
    assert reported["error"]["code"] == "not-connected"


def test_settings_by_verb(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "set", "sync.level", "name"]) == 0
    assert main(["settings", "get", "sync.level", "--json"]) == 0
    reported = said(capsys)
    assert (reported["value"], reported["origin"], reported["default"]) == ("name", "practice", "everything")
    assert main(["settings", "get", "sync.level", "--json", "--set", "sync.level=nothing"]) == 0
    assert said(capsys)["origin"] == "option"
    assert main(["settings", "unset", "sync.level", "--json"]) == 0
    assert said(capsys)["origin"] == "default"
    assert main(["settings", "set", "sync.level", "most", "--json"]) == 2


def test_a_secret_is_never_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = CommandLine(home)
    command("settings", "set", "xero.client_secret", "-", stdin="hush-hush\n")
    for words in (["settings", "list"], ["settings", "get", "xero.client_secret"], ["log"]):
        assert main(words) == 0
        assert main([*words, "--json"]) == 0
    text = capsys.readouterr().out
    assert "hush-hush" not in text
    assert "set, not shown" in text
    files = [p for p in home.rglob("*") if p.is_file() and b"hush-hush" in p.read_bytes()]
    assert [p.name for p in files] == ["settings.toml"]
    assert files[0].stat().st_mode & 0o077 == 0


def test_read_only_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "set", "sync.level", "name", "--read-only", "--json"]) == 2
    assert said(capsys)["error"]["code"] == "read-only"
    assert not (home / "config").exists()


def test_practices_by_verb(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["practices", "add", "Harbour branch"]) == 0
    assert main(["practices", "add", "Hill"]) == 0
    assert main(["practices", "switch", "hill"]) == 0
    capsys.readouterr()
    assert main(["practices", "--json"]) == 0
    assert [(p["id"], p["current"]) for p in said(capsys)["items"]] == [
        ("harbour-branch", False),
        ("hill", True),
    ]


def test_an_unexpected_error_is_one_sentence_and_a_private_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        secret = "hush-hush"
        raise RuntimeError(f"token {secret}")

    monkeypatch.setattr("xpm_tui.application.clients.queries.list_clients", broken)
    assert main(["clients", "list", "--json"]) == 70
    reported = said(capsys)
    assert reported["error"]["code"] == "unexpected"
    assert "RuntimeError" in reported["error"]["message"]
    (path,) = (home / "state").glob("crash-*.log")
    assert str(path) in reported["error"]["message"]
    text = path.read_text()
    assert "hush-hush" not in text
    assert "in broken" in text
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (
            ["--help"],
            {"textual", "httpx", "authlib", "tinydb", "lxml", "xpm_tui.store.store", "xpm_tui.xero.wiring"},
        ),
        (["clients", "--help"], {"textual", "httpx", "authlib", "tinydb"}),
        (["status"], {"textual", "httpx", "authlib"}),
        (["clients", "list"], {"textual", "httpx", "authlib"}),
        (["log"], {"textual", "httpx", "authlib"}),
    ],
)
def test_a_verb_loads_only_what_it_needs(words: list[str], absent: set[str], home: Path) -> None:
    code = (
        "import sys\nfrom xpm_tui.cli.main import main\nfrom xpm_tui.lazy import unloaded_modules\n"
        f"main({words!r})\n"
        "print('\\n'.join(set(sys.modules) - unloaded_modules()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not absent & set(done.stderr.split())


def test_a_second_status_loads_nothing_that_counts(home: Path) -> None:
    code = (
        "import sys\nfrom xpm_tui.cli.main import main\nfrom xpm_tui.lazy import unloaded_modules\n"
        "main(['status'])\nprint('\\n'.join(set(sys.modules) - unloaded_modules()), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True).stderr.split() for _ in range(2)
    )
    counting = {
        "xpm_tui.application.jobs.queries",
        "xpm_tui.ignition.pending_changes",
        "xpm_tui.deploy.job_spec",
    }
    assert counting <= set(first)
    assert not counting & set(second)


def test_looks_for_garbage_begin_when_a_verb_is_loaded_and_leave_out_what_was_loaded(home: Path) -> None:
    code = (
        "import gc, sys\ngc.disable()\nfrom xpm_tui.cli.main import main\nmain(['status'])\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 10_000, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "True True"


def test_a_reader_that_goes_away_is_no_error(home: Path) -> None:
    process = CommandLine(home).start("settings", "list")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(30) in (0, 128 + signal.SIGPIPE)
    assert process.stderr.read() == ""
    for stream in (process.stdin, process.stderr):
        assert stream is not None
        stream.close()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_verb_with_its_own_code(home: Path, number: int, code: int) -> None:
    command = CommandLine(home)
    command("settings", "set", "sync.level", "name")
    process = command.start("log", "--follow", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["key"] == "settings.set"
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in err


def test_no_verb_without_a_terminal_is_a_sentence(home: Path) -> None:
    done = CommandLine(home)(code=2)
    assert "terminal" in done.err
    assert done.out == ""
    assert CommandLine(home)("demo", code=2).out == ""


def test_verbs_alone_open_no_console(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "cannot be opened here" in capsys.readouterr().err


def test_completion_for_each_shell(home: Path) -> None:
    command = CommandLine(home)
    for shell in ("bash", "zsh", "fish"):
        assert "_XPM_TUI_COMPLETE" in command("completion", shell).out
    found = command(_XPM_TUI_COMPLETE="bash_complete", COMP_WORDS="xpm-tui cli", COMP_CWORD="1", code=None)
    assert "clients" in found.out


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("xpm-tui settings get sync.le", "sync.level"),
        ("xpm-tui clients show c", "c1"),
        ("xpm-tui practices switch pr", "practice"),
        ("xpm-tui runs show r", ""),
    ],
)
def test_a_shell_is_offered_what_is_there(home: Path, typed: str, wanted: str) -> None:
    command = CommandLine(home)
    command("clients", "new", "Puffin Ltd")
    at = str(len(typed.split()) - 1)
    found = command(_XPM_TUI_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=at, code=None)
    assert wanted in found.out
    assert found.err == ""


def test_version() -> None:
    assert main(["--version"]) == 0
    assert main(["clients", "list", "--version"]) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_done_when_the_signal_came_is_reported(number: signal.Signals) -> None:
    async def work() -> Result:
        signal.raise_signal(number)
        return Result(lines=["done"])

    assert asyncio.run(_guarded(work(), outlives=False)).lines == ["done"]


def test_ctrl_c_while_the_program_loads_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(click.Group, "resolve_command", interrupted)
    monkeypatch.setattr("xpm_tui.cli.main.runner", None)  # it may need a module that was only half loaded
    assert main(["status"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped."


def test_a_long_verb_leaves_the_counts_for_status(connected: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_data, "SAVED_FROM", 1)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "LONG", 0.0)
        picked = connected("clients", "pick", "--all", "--yes", "--json")
    assert picked.json["added"] > 1
    with monkeypatch.context() as patch:
        patch.setattr(summary, "_counts", None)
        assert connected("status", "--json").json["linked"] == picked.json["added"]
    connected("clients", "unlink", "c1")
    assert connected("status", "--json").json["linked"] == picked.json["added"] - 1
