"""No verb answers from an unsound store without a warning: every verb, over every kind of damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.interface.practice import CLIENTS
from tests.support.command import CommandLine, Done, Inline
from tests.support.every_verb import LAST, verbs, words
from tests.support.profile import count, spread
from xpm_tui.application.condition import Condition, State
from xpm_tui.application.csv_io import imports
from xpm_tui.cli.output import MAY_SUCCEED
from xpm_tui.cli.runner import exit_code
from xpm_tui.commands.command import Command
from xpm_tui.commands.registry import all_commands
from xpm_tui.domain.errors import NotFound
from xpm_tui.domain.ignition import Import
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Intent
from xpm_tui.domain.tables import IMPORTS, INTENTS
from xpm_tui.files.machine import SystemClock
from xpm_tui.store import loader, manifest
from xpm_tui.store.store import DiskStore, open_store

STORELESS = {
    "locate", "practices.add", "cases.list", "cases.show", "worker.run", "worker.status",
}  # fmt: skip
"""Verbs that open no store; a new verb must be added here if it does not."""
NOBODY = "http://127.0.0.1:9"
ENVIRON = {"XPM_TUI_USER": "tester"} | {
    f"XPM_TUI_XERO_{name}_URL": NOBODY for name in ("LOGIN", "IDENTITY", "API")
}
DELETES = "purge"
"""It deletes the damaged store, so that no condition is left to report."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store has an earlier generation, commits in its log, and a backup."""
    place = tmp_path_factory.mktemp("condition")
    command = Inline(place / "home", ENVIRON)
    (place / "clients.csv").write_text(CLIENTS, encoding="utf-8")
    command("import", "clients", str(place / "clients.csv"), code=1)
    command("data", "compact", code=0)
    command("clients", "edit", "c1", "name=Kowhai", code=0)
    command("clients", "edit", "c2", "fax=1", code=0)
    command("data", "backup", str(place / "backup.zip"), code=0)
    return place


@pytest.fixture
def place(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(place: Path) -> Inline:
    return Inline(place / "home", ENVIRON)


def store(place: Path) -> Path:
    return place / "home" / "data" / "practices" / "practice" / "book"


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)


def flip_log(folder: Path) -> None:
    flip(newest(folder, "log.*"), -200)


def flip_snapshot(folder: Path) -> None:
    flip(newest(folder, "clients.*.rows"), 300)


def cut_log(folder: Path) -> None:
    log = newest(folder, "log.*")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))


def lose_table(folder: Path) -> None:
    newest(folder, "clients.*.rows").unlink()


def garble_head(folder: Path) -> None:
    (folder / "head").write_bytes(b"nonsense\n")


def garble_both_heads(folder: Path) -> None:
    garble_head(folder)
    (folder / "head.previous").write_bytes(b"nonsense\n")


FAULTS = (flip_log, flip_snapshot, cut_log, lose_table, garble_head, garble_both_heads)
"""Damage to the files of a store; after the last kind nothing can be read."""


def every() -> list[Command[Any]]:
    """Return all verbs that neither wait for a browser nor change the machine, destructive ones last."""
    ends = ("data.repair", "data.restore", DELETES)
    acts = [*verbs(), *(act for act in all_commands() if act.name in LAST)]
    return sorted(acts, key=lambda act: ends.index(act.name) if act.name in ends else -1)


@pytest.mark.parametrize("damage", spread(FAULTS, 2))
def test_every_verb_says_that_the_store_is_damaged(
    command: Inline, place: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    damage(store(place))
    kept = place / "kept"
    shutil.copytree(store(place), kept)
    looked: list[Path] = []
    read_head = manifest.read_manifest

    def reading(path: Path) -> Any:
        looked.append(path)
        return read_head(path)

    monkeypatch.setattr(loader, "read_manifest", reading)
    storeless = set()
    # One kind of damage over every verb; the others over some of them, and over all in the thorough profile.
    step = 1 if damage is flip_log else count(5, 1)
    for act in [act for at, act in enumerate(every()) if at % step == 0 or act.verb[0] == "data"]:
        shutil.rmtree(store(place))
        shutil.copytree(kept, store(place))
        looked.clear()
        done = command("--practice", "practice", *words(act), "--json", code=None)
        if not looked:
            storeless.add(act.name)
            continue
        if act.name == DELETES:
            assert done.code == 0
            continue
        if act.name in ("data.repair", "data.restore") and done.code == 0:
            assert said(done)["condition"] == {"state": "sound", "message": ""}, done
            continue
        reported = said(done)
        if act.name.startswith("practices."):  # a list of all practices names the condition of each
            assert act.name != "practices.list" or "damaged" in reported["items"][0]["problem"], done
            continue
        assert reported["condition"]["state"] == "damaged", (act.name, done)
        assert reported["conditions"][0] == reported["condition"]
        assert reported["condition"]["message"] in done.err, (act.name, done)
        assert done.code == 8, (act.name, done)
        assert reported["ok"] == (done.code == 0)
    assert storeless == STORELESS if step == 1 else storeless <= STORELESS, storeless ^ STORELESS
    assert set(MAY_SUCCEED) <= {act.name for act in all_commands()}


def said(done: Done) -> dict[str, Any]:
    """Return the outcome of a verb, which is its last line."""
    found: dict[str, Any] = json.loads(done.out.splitlines()[-1])
    return found


@pytest.mark.parametrize("damage", FAULTS)
def test_an_export_writes_nothing_from_a_damaged_store(
    command: Inline, place: Path, damage: Callable[[Path], None]
) -> None:
    command("export", "clients", "before.csv", code=0)
    before = Path("before.csv").read_bytes()
    damage(store(place))
    done = command("export", "clients", "before.csv", "--replace", code=8)
    assert "damaged" in done.err
    assert Path("before.csv").read_bytes() == before
    command("export", "clients", "new.csv", code=8)
    assert not Path("new.csv").exists()
    for form in ("clients", "team", "services", "proposals"):
        done = command("export", form, "-", code=8)
        assert done.out == ""
        assert "damaged" in done.err
    command("clients", "review", "--export", "review.csv", code=8)
    assert not Path("review.csv").exists()


def test_a_human_reads_the_damage_once(command: Inline, place: Path) -> None:
    flip_log(store(place))
    done = command("clients", "list", code=8)
    assert "Kowhai" in done.out, "what can be read is shown"
    assert done.err.count("The data is damaged: ") == 1
    assert "data repair" in done.err


def test_a_sound_store_says_so_in_json_and_nothing_on_stderr(command: Inline) -> None:
    done = command("clients", "list", "--json", code=0)
    sound = {"state": "sound", "message": ""}
    assert (done.json["condition"], done.json["conditions"]) == (sound, [sound])
    assert done.err == ""
    assert command("clients", "list", code=0).err == ""


def test_an_error_carries_the_condition_too(command: Inline, place: Path) -> None:
    flip_log(store(place))
    done = command("clients", "show", "c999", "--json", code=8)
    assert done.json["error"]["code"] == "not-found"
    assert done.json["condition"]["state"] == "damaged"


def test_completion_stays_silent(command: Inline, place: Path) -> None:
    flip_log(store(place))
    done = CommandLine(command.home, ENVIRON)(
        _XPM_TUI_COMPLETE="bash_complete", COMP_WORDS="xpm-tui clients show ", COMP_CWORD="3", code=None
    )
    assert "c1" in done.out
    assert done.err == ""


def test_an_import_that_was_cut_off_is_a_condition_until_it_is_done(
    command: Inline, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CLIENTS.replace("Old Town", "New Town").replace("CLI-2,", "CLI-2,", 1)
    Path("clients.csv").write_text(text, encoding="utf-8")

    def killed(*args: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(imports, "import_writes", killed)
        command("import", "clients", "clients.csv", code=130)
    done = command("clients", "list", "--json", code=0)
    assert done.json["condition"]["state"] == "unfinished_import"
    assert "clients.csv" in done.json["condition"]["message"]
    assert done.json["condition"]["message"] in done.err
    assert "was interrupted" in command("clients", "list", code=0).err
    command("export", "clients", "still.csv", code=0)
    command("import", "clients", "clients.csv", code=1)
    assert command("clients", "list", "--json", code=0).json["condition"]["state"] == "sound"


def test_conditions_come_worst_first_and_leave_exit_codes_alone(command: Inline, place: Path) -> None:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    with opened(place) as book:
        book.commit(
            [
                Put(INTENTS, Intent(id="i1", run="r1", kind="update-client", record="c1", state="sent")),
                Put(IMPORTS, Import(id="m9", at=at, file="team.csv", form="team")),
            ]
        )
    done = command("clients", "list", "--json", code=0)
    states = [each["state"] for each in done.json["conditions"]]
    assert states == ["unfinished_import", "open_intents"]
    assert len(done.err.splitlines()) == 2
    before = command("status", "--json", code=None).code
    flip_log(store(place))
    done = command("clients", "list", "--json", code=8)
    states = [each["state"] for each in done.json["conditions"]]
    assert states[0] == "damaged"
    assert (before, command("status", "--json", code=None).code) == (3, 8)


@pytest.mark.parametrize(
    ("message", "first"),
    [("It is damaged.", "xpm-tui: It is damaged."), ("There is no client.", "It is damaged.")],
)
def test_the_worst_condition_is_the_first_line(
    message: str, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = NotFound(message)
    states: tuple[State, ...] = ("damaged", "open_intents")
    found = zip(states, ("It is damaged.", "1 write has an unknown outcome."), strict=True)
    error.conditions = tuple(Condition(state=state, message=text) for state, text in found)  # type: ignore[attr-defined]
    exit_code(error, json=False)
    reported = capsys.readouterr().err.splitlines()
    assert reported[0] == first
    assert "1 write has an unknown outcome." in reported
    assert len(reported) == len(set(reported))


def opened(place: Path) -> DiskStore:
    return open_store(store(place), clock=SystemClock())
