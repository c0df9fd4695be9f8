"""Settings from files, environment and options: precedence, messages, and what survives an edit."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.secret import Secret
from xpm_tui.files import durable
from xpm_tui.settings import schema
from xpm_tui.settings.kinds import Setting
from xpm_tui.settings.store import Settings, read_file, write_setting


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.toml"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "practice" / "settings.toml"


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def test_the_later_layer_wins_and_says_so(shared: Path, own: Path) -> None:
    key, seen = "sync.create_lag", []
    environ: dict[str, str] = {}
    options: dict[str, str] = {}

    def look() -> None:
        settings = Settings.load(shared, own, environ, options)
        seen.append((settings.number(key), settings.origin(key)))

    look()
    write(shared, "[sync]\ncreate_lag = 1\n")
    look()
    write(own, "[sync]\ncreate_lag = 2\n")
    look()
    environ["XPM_TUI_SYNC_CREATE_LAG"] = "3"
    look()
    options[key] = "4"
    look()
    assert seen == [(300, "default"), (1, "file"), (2, "practice"), (3, "environment"), (4, "option")]


def test_every_type_is_read_from_toml(shared: Path) -> None:
    write(
        shared,
        'theme = "light"\nxero.client_id = "abc"\n[sync]\noff = ["fax", "website"]\ndaily_push = true\n'
        '[guard]\nrecords_count = "7"\n',
    )
    settings = Settings.load(shared, None, {}, {})
    assert settings.text("theme") == "light"
    assert settings.text("xero.client_id") == "abc"
    assert settings.names("sync.off") == ("website", "fax") or settings.names("sync.off") == (
        "fax",
        "website",
    )
    assert settings.yes("sync.daily_push")
    assert settings.number("guard.records_count") == 7


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sync]\ndirektion = 'to_xpm'\n", "There is no setting sync.direktion"),
        ("[sync]\ndirection = 'up'\n", "sync.direction cannot be"),
        ("[sync]\ndirection = 3\n", "sync.direction has the wrong type: it must be a text in quotes"),
        ("[sync]\ndaily_push = 1\n", "sync.daily_push has the wrong type: it must be true or false"),
        ("[sync]\noff = [1]\n", "sync.off has the wrong type: it must be a list of texts"),
        ("sync = 3\n", "There is no setting sync"),
        ("[[sync]]\ndirection = 'to_xpm'\n", "There is no setting sync"),
        ("[sync\n", "line 1"),
        ("[sync]\n[sync]\n", "cannot be read"),
        (b"[sync]\n# caf\xe9\n", "not UTF-8"),
        (b"\x00\x01", "cannot be read"),
        (b"#" * 1_000_002, "larger than"),
    ],
)
def test_a_bad_file_is_reported_with_its_name(shared: Path, text: str | bytes, says: str) -> None:
    write(shared, text)
    with pytest.raises(BadInput) as refused:
        Settings.load(shared, None, {}, {})
    assert says in refused.value.message
    assert str(shared) in refused.value.message


def test_an_unknown_key_in_a_file_names_the_nearest(shared: Path) -> None:
    write(shared, "[sync]\ndirektion = 'to_xpm'\n")
    with pytest.raises(BadInput) as refused:
        Settings.load(shared, None, {}, {})
    assert refused.value.hint == "Did you mean sync.direction?"


def test_a_folder_in_the_place_of_the_file_is_reported(shared: Path) -> None:
    shared.mkdir(parents=True)
    with pytest.raises(BadInput, match="cannot be read"):
        Settings.load(shared, None, {}, {})


def test_a_broken_file_can_be_fixed_with_the_tool_itself(shared: Path) -> None:
    write(shared, "# mine\n[sync]\ndirection = 'up'\nlevel = 'name'\n")
    settings = Settings.load(shared, None, {}, {}, lenient=True)
    assert len(settings.problems) == 1
    assert settings.text("sync.level") == "name"
    settings.set("sync.direction", "to_xpm")
    assert Settings.load(shared, None, {}, {}).text("sync.direction") == "to_xpm"
    assert shared.read_text().startswith("# mine\n")


def test_variables_of_this_program_that_set_nothing_are_reported(shared: Path) -> None:
    with pytest.raises(BadInput) as refused:
        Settings.load(shared, None, {"XPM_TUI_XERO_API_URI": "https://x"}, {})
    assert refused.value.hint == "Did you mean xero.api_url?"


def test_other_variables_and_empty_ones_are_left_alone(shared: Path) -> None:
    environ = {"XPM_TUI_HOME": "x", "XPM_TUI_PRACTICE": "y", "XPM_TUI_SYNC_LEVEL": "", "PATH": "/bin"}
    assert Settings.load(shared, None, environ, {}).origin("sync.level") == "default"


def test_a_bad_variable_names_itself(shared: Path) -> None:
    with pytest.raises(BadInput, match="environment variable XPM_TUI_SYNC_LEVEL"):
        Settings.load(shared, None, {"XPM_TUI_SYNC_LEVEL": "all"}, {})


COMMENTED = """\
# Our practice, kept by Jo
theme = "dark" # easier at night

[sync]
# the partners asked for this
level = "name"   # was everything
off = [
  "fax", # nobody has one
]

# the end
"""


def test_comments_and_order_survive_a_change(shared: Path) -> None:
    write(shared, COMMENTED)
    settings = Settings.load(shared, None, {}, {})
    settings.set("sync.level", "nothing")
    settings.set("sync.clear", "never")
    settings.set("xero.client_id", 'quo"te')
    text = shared.read_text()
    assert all(f"#{part.split(chr(10))[0]}" in text for part in COMMENTED.split("#")[1:])
    assert tomllib.loads(text)["sync"] == {"level": "nothing", "off": ["fax"], "clear": "never"}
    settings.unset("sync.clear")
    settings.unset("xero.client_id")
    assert Settings.load(shared, None, {}, {}).origin("sync.clear") == "default"
    assert "# the partners asked for this" in shared.read_text()


@pytest.mark.parametrize(
    "layout",
    [
        "",
        "sync = { level = 'name' }\n",
        "sync.level = 'name'\n",
        "[sync]\nlevel = 'name'\n[jobs]\n",
        "\ufeff[sync]\r\nlevel = 'name'\r\n",
    ],
)
def test_every_layout_can_be_changed(shared: Path, layout: str) -> None:
    write(shared, layout)
    Settings.load(shared, None, {}, {}).set("sync.clear", "yes")
    settings = Settings.load(shared, None, {}, {})
    assert settings.text("sync.clear") == "yes"
    assert settings.text("sync.level") == ("name" if layout else "everything")


def test_files_are_private(shared: Path, own: Path) -> None:
    settings = Settings.load(shared, own, {}, {})
    settings.set("xero.client_secret", "s3cret")
    settings.set("sync.level", "name", practice=True)
    for path in (shared, own):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_secret_is_kept_and_never_shown(shared: Path) -> None:
    settings = Settings.load(shared, None, {}, {})
    item = settings.set("xero.client_secret", "s3cret")
    again = Settings.load(shared, None, {}, {})
    assert again.secret("xero.client_secret").reveal() == "s3cret"
    assert "s3cret" not in repr(item) + item.shown + repr(list(again.items()))
    assert item.shown == "(set, not shown)"


def test_setting_says_when_another_layer_still_wins(shared: Path, own: Path) -> None:
    settings = Settings.load(shared, own, {"XPM_TUI_SYNC_LEVEL": "nothing"}, {})
    item = settings.set("sync.level", "name")
    assert (item.value, item.origin) == ("nothing", "environment")


def test_a_practice_setting_needs_a_practice(shared: Path) -> None:
    with pytest.raises(BadInput, match="no practice yet"):
        Settings.load(shared, None, {}, {}).set("sync.level", "name", practice=True)


def test_a_refused_value_leaves_the_file_as_it_was(shared: Path) -> None:
    write(shared, COMMENTED)
    with pytest.raises(BadInput):
        Settings.load(shared, None, {}, {}).set("sync.level", "all")
    assert shared.read_text() == COMMENTED


def test_a_file_that_turned_bad_meanwhile_is_not_overwritten(shared: Path) -> None:
    settings = Settings.load(shared, None, {}, {})
    write(shared, "[broken\n")
    with pytest.raises(BadInput, match="cannot be read"):
        settings.set("sync.level", "name")
    assert shared.read_text() == "[broken\n"


_texts = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=40)


@given(_texts)
def test_any_text_survives_the_file(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.toml"
        Settings.load(path, None, {}, {}).set("jobs.default_category", text)
        again: Setting = Settings.load(path, None, {}, {}).get("jobs.default_category")
        assert again == text.strip()


def test_all_settings_are_listed_in_order(shared: Path) -> None:
    items = list(Settings.load(shared, None, {}, {}).items())
    assert [item.key for item in items] == list(schema.BY_KEY)
    assert all(isinstance(item.value, Secret) or item.shown is not None for item in items)


def test_reading_settings_loads_no_editor_and_no_console(shared: Path) -> None:
    write(shared, "[sync]\nlevel = 'name'\n")
    code = (
        "import sys; from pathlib import Path; from xpm_tui.lazy import unloaded_modules;"
        "from xpm_tui.settings.store import Settings;"
        f"Settings.load(Path({str(shared)!r}), None, {{}}, {{}});"
        "heavy = {'tomlkit', 'difflib', 'textual', 'httpx', 'zoneinfo'};"
        "print(sorted(heavy & set(sys.modules) - unloaded_modules()))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_two_who_set_something_in_the_same_moment_both_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes in between this one's reading and its writing."""
    path = tmp_path / "settings.toml"
    other = Thread(target=write_setting, args=(path, "sync.clear", "never"))
    real = durable.replace_bytes

    def meanwhile(path: Path, data: bytes) -> int:
        monkeypatch.setattr(durable, "replace_bytes", real)
        other.start()
        other.join(0.2)
        return real(path, data)

    monkeypatch.setattr(durable, "replace_bytes", meanwhile)
    write_setting(path, "sync.on_conflict", "hold")
    other.join()
    assert read_file(path) == {"sync.on_conflict": "hold", "sync.clear": "never"}
