"""Homes, the practices in them, and the name of the user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from xpm_tui.application.home import (
    FIRST,
    Home,
    add_practice,
    current,
    find_home,
    person,
    practices,
    resolve,
    switch_practice,
)
from xpm_tui.application.practice import OpenPractice, PracticeIdentity, open_practice, put
from xpm_tui.domain.errors import BadInput, DiskError, LoginNeeded, NotFound, ReadOnly


def test_one_folder_holds_all_three_kinds(tmp_path: Path) -> None:
    home = find_home(None, {"XPM_TUI_HOME": str(tmp_path)})
    assert (home.config, home.data, home.state) == (
        tmp_path / "config",
        tmp_path / "data",
        tmp_path / "state",
    )
    assert not home.default
    assert find_home("~/x", {}).root == Path("~/x").expanduser()
    assert find_home(None, {}).default


def test_practices_are_added_chosen_and_distinguished(home: Home) -> None:
    assert practices(home) == []
    assert resolve(home, None) == FIRST
    first = add_practice(home, "Harbour & Hill Accountants")
    assert first == "harbour-hill-accountants"
    assert resolve(home, None) == first
    second = add_practice(home, "Harbour & Hill Accountants")
    assert second == "harbour-hill-accountants-2"
    third = add_practice(home, "[/] 会計 \x1b[2J")
    assert third == "2j"
    assert practices(home) == sorted([first, second, third])
    with pytest.raises(BadInput, match="several practices"):
        resolve(home, None)
    assert switch_practice(home, second) == second
    assert current(home) == second == resolve(home, None)
    with pytest.raises(NotFound, match="no practice") as refused:
        resolve(home, "../../etc")
    assert first in refused.value.hint


def test_folders_are_closed_to_others(practice: OpenPractice) -> None:
    for folder in (practice.data, practice.data / "book"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_person_is_the_one_who_was_named() -> None:
    environ = {"XPM_TUI_USER": "mere", "SUDO_USER": "root-caller"}
    assert person("ana", environ) == "ana"
    assert person(None, environ) == "mere"
    assert person(None, {"SUDO_USER": "tane"}) == "tane"
    assert person(None, {})
    with pytest.raises(BadInput):
        person("mere\x1b[2J", {})


def test_a_practice_that_is_not_connected_says_so(practice: OpenPractice) -> None:
    assert practice.identity() is None
    assert practice.title == FIRST
    with pytest.raises(LoginNeeded, match="not connected"):
        practice.connected()


def test_another_address_is_another_xero(practice: OpenPractice) -> None:
    identity = PracticeIdentity(tenant="t", title="Hill", api="https://api.xero.com")
    practice.store.commit([put("identity", identity)])
    assert practice.connected().title == practice.title == "Hill"
    practice.settings.set("xero.api_url", "http://localhost:1", practice=True)
    with pytest.raises(LoginNeeded, match="was connected at"):
        practice.connected()


def test_whatever_is_not_xero_is_called_the_sandbox(home: Home) -> None:
    with open_practice(home, environ={}) as opened:
        assert not opened.sandbox
    with open_practice(home, environ={"XPM_TUI_XERO_API_URL": "http://localhost:1"}) as opened:
        assert opened.sandbox


def test_read_only_writes_nothing(practice: OpenPractice, home: Home) -> None:
    with open_practice(home, read_only=True, environ={}) as looked:
        with pytest.raises(ReadOnly):
            looked.writable()
        with pytest.raises(ReadOnly):
            looked.store.commit([put("identity", PracticeIdentity(tenant="t", title="x"))])


def test_opening_loads_no_wire_and_no_console(home: Home) -> None:
    code = (
        "import sys\n"
        "from xpm_tui.application.home import find_home\n"
        "from xpm_tui.application.practice import open_practice\n"
        "from xpm_tui.lazy import unloaded_modules\n"
        f"open_practice(find_home({str(home.root)!r}, {{}}), environ={{}}).close()\n"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - unloaded_modules()} & "
        "{'httpx', 'textual', 'lxml', 'authlib', 'keyring', 'platformdirs', 'rapidfuzz'}))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another account")
def test_a_home_of_another_account_is_refused_in_words(tmp_path: Path) -> None:
    home = find_home(str(tmp_path / "foreign"), {})
    (home.data / "practices").mkdir(parents=True)
    (tmp_path / "foreign").chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(DiskError):
            practices(home)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("odd", ["a\nb", "a\0b", "\x1b[31m", "a\x85b", "a\u2028b"])
def test_a_control_character_in_a_path_is_refused(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="--home contains a control character"):
        find_home(f"/srv/{odd}", {})
    with pytest.raises(BadInput, match="XPM_TUI_HOME contains a control character") as reported:
        find_home(None, {"XPM_TUI_HOME": odd})
    assert odd not in reported.value.message
    if "\0" not in odd:
        monkeypatch.setenv("XDG_DATA_HOME", f"/srv/{odd}")
        with pytest.raises(BadInput, match="XDG_DATA_HOME contains a control character"):
            find_home(None, {})


def test_an_account_without_name_and_home_must_name_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", dict[int, object]().__getitem__)
    with pytest.raises(BadInput, match="HOME is not set") as reported:
        find_home(None, {})
    assert "--home DIR" in reported.value.hint
    assert find_home("/srv/practice", {}).root == Path("/srv/practice")
    with pytest.raises(BadInput, match="no such account"):
        find_home("~nobody-at-all/x", {})
