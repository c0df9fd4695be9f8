"""The folders of this account, and the practices that they contain.

There are three roots (XDG base directories, or one folder for all three): config for settings, data for the
stores, state for logs, locks, logins and call times. Each practice has a folder with its name in all three.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.machine import to_disk_error
from xpm_tui.files.private import ensure_private, refuse_controls
from xpm_tui.lazy import lazy_imports, pattern

with lazy_imports():
    import getpass

    import platformdirs

APP = "xpm-tui"
STORE_FOLDER = "book"
"""The folder of the store in the data folder of a practice."""

FIRST = "practice"
"""The folder name of the first practice."""

LISTED = 20
"""How many practices a message names."""

_NAME = pattern(r"[a-z0-9][a-z0-9-]{0,39}")


class Home(NamedTuple):
    """The three roots. ``root`` is the folder that the user named for all of them, or None."""

    config: Path
    data: Path
    state: Path
    root: Path | None = None

    @property
    def default(self) -> bool:
        """Return whether these are the account's own folders (only those use the keyring)."""
        return self.root is None

    @property
    def settings_file(self) -> Path:
        """Return the settings file for all practices of this account."""
        return self.config / "settings.toml"

    def practice(self, name: str) -> tuple[Path, Path, Path]:
        """Return the config, data and state folder of a practice; they need not exist."""
        return tuple(root / "practices" / name for root in (self.config, self.data, self.state))  # type: ignore[return-value]


def find_home(home: str | None, environ: Mapping[str, str]) -> Home:
    """Return the home that the option or ``XPM_TUI_HOME`` names, otherwise the account's own.

    Raises ``BadInput`` if its name contains control characters, or this account has no home folder.
    """
    chosen = home or environ.get("XPM_TUI_HOME", "")
    if chosen:
        what = "--home" if home else "The environment variable XPM_TUI_HOME"
        refuse_controls(chosen, what)
        try:
            root = Path(chosen).expanduser().absolute()
        except RuntimeError:
            raise BadInput(
                f"{what} is {visible(chosen, 200)}, but there is no such account.",
                hint="Give the full path of the folder.",
            ) from None
        refuse_controls(str(root), "The current folder")
        return Home(root / "config", root / "data", root / "state", root)

    roots = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    for name in ("HOME", *roots):
        refuse_controls(os.environ.get(name, ""), f"The environment variable {name}")
    if own_folder() is None and not all(os.environ.get(name, "").strip() for name in roots):
        raise BadInput(
            f"HOME is not set and user id {os.getuid()} has no account, so there is no place for its files.",
            hint="Name a folder: --home DIR, or the variable XPM_TUI_HOME.",
        )
    return Home(
        platformdirs.user_config_path(APP),
        platformdirs.user_data_path(APP),
        platformdirs.user_state_path(APP),
    )


def own_folder() -> Path | None:
    """Return the home folder of this account by ``HOME`` or its entry in passwd(5), or None."""
    found = os.path.expanduser("~")
    return Path(found) if os.path.isabs(found) else None


def account_name() -> str:
    """Return the login name of this account, or its user id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())


def practices(home: Home) -> list[str]:
    """Return the folder names of the practices, sorted. Raises ``DiskError`` if they cannot be read."""
    folder = home.data / "practices"
    try:
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise to_disk_error(error, folder, "read") from error


def current(home: Home) -> str:
    """Return the practice to use if the user names none; empty if none was chosen of several."""
    there = practices(home)
    try:
        chosen = (home.config / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        chosen = ""
    if chosen in there:
        return chosen
    return there[0] if len(there) == 1 else ""


def resolve(home: Home, name: str | None) -> str:
    """Return the folder name of the practice to use; ``FIRST`` if there is none.

    Raises ``NotFound`` for an unknown name, ``BadInput`` if there are several and none was chosen.
    """
    if name and _NAME.fullmatch(name) and os.path.lexists(home.data / "practices" / name):
        return name
    there = practices(home)
    if name:
        if not there and name == FIRST:
            return name
        raise NotFound(f'There is no practice "{visible(name, 60)}" here.', hint=_listed(there))
    chosen = current(home)
    if chosen:
        return chosen
    if there:
        raise BadInput(
            "There are several practices, and none is the current one.",
            hint=f"Name one with --practice, or choose one: xpm-tui practices switch NAME. {_listed(there)}",
        )
    return FIRST


def add_practice(home: Home, title: str, *, renamed: bool = True) -> str:
    """Create the folders of another practice and return its folder name, derived from ``title``.

    If the name exists, a number is added to it, or with ``renamed`` false ``BadInput`` is raised.
    """
    name = _folder_name(title)
    there = set(practices(home))
    if name in there and not renamed:
        raise BadInput(
            f'There is already a practice called "{name}".',
            hint=f"Choose another name, or use that one: xpm-tui practices switch {name}",
        )
    free = next(n for n in (name, *(f"{name}-{i}" for i in range(2, 10_000))) if n not in there)
    for folder in home.practice(free):
        ensure_private(folder)
    return free


def switch_practice(home: Home, name: str) -> str:
    """Make a practice the current one and return its folder name. Raises ``NotFound``."""
    chosen = resolve(home, name)
    ensure_private(home.config)
    replace_bytes(home.config / "current", chosen.encode() + b"\n")
    return chosen


def person(as_name: str | None, environ: Mapping[str, str]) -> str:
    """Return the user by ``--as``, ``XPM_TUI_USER``, ``SUDO_USER`` or the login name. Raises ``BadInput``."""
    for given in (as_name, environ.get("XPM_TUI_USER"), environ.get("SUDO_USER")):
        if given and given.strip():
            if len(given) > 80 or visible(given) != unicodedata.normalize("NFC", given):
                raise BadInput("The user name contains a control character or is longer than 80 characters.")
            return unicodedata.normalize("NFC", given.strip())

    name = account_name()
    return f"user {name}" if name.isdecimal() else name


def _folder_name(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].rstrip("-") or FIRST


def _listed(there: list[str]) -> str:
    if not there:
        return "Add one: xpm-tui practices add NAME."
    more = f" and {len(there) - LISTED:,} more: xpm-tui practices list" if len(there) > LISTED else ""
    return f"There are: {', '.join(there[:LISTED])}{more}."
