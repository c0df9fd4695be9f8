"""Where things are kept: the folders of this account, and the practices in them.

Three roots (XDG base directories, or one folder for all three): config for settings, data for the books,
state for logs, locks, logins and call times. Each practice has a folder of its own name in all three.
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
from xpm_tui.files.machine import trouble
from xpm_tui.files.private import ensure_private, refuse_controls
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import getpass

    import platformdirs

APP = "xpm-tui"
FIRST = "practice"
"""Name of the folder that is made where there is no practice yet."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Home(NamedTuple):
    """The roots. ``root`` is the one folder named by the person, or None for the account's own places."""

    config: Path
    data: Path
    state: Path
    root: Path | None = None

    @property
    def default(self) -> bool:
        """Whether these are the account's own places (only those use the keyring)."""
        return self.root is None

    @property
    def settings_file(self) -> Path:
        """Settings for all practices of this account."""
        return self.config / "settings.toml"

    def practice(self, name: str) -> tuple[Path, Path, Path]:
        """Config, data and state folder of a practice, made or not."""
        return tuple(root / "practices" / name for root in (self.config, self.data, self.state))  # type: ignore[return-value]


def find_home(home: str | None, environ: Mapping[str, str]) -> Home:
    """The home by option, by ``XPM_TUI_HOME``, or the account's own. Makes nothing.

    Raises ``BadInput`` where its name holds control characters, or where this account has no place.
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
    """The home folder of this account by ``HOME`` or its entry in passwd(5); None where there is none."""
    found = os.path.expanduser("~")
    return Path(found) if os.path.isabs(found) else None


def account_name() -> str:
    """The login name of this account; its user id where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())


def practices(home: Home) -> list[str]:
    """Folder names of the practices, sorted. Raises ``DiskError`` where they may not be looked at."""
    folder = home.data / "practices"
    try:
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise trouble(error, folder, "read") from error


def current(home: Home) -> str:
    """The practice that is meant where none is named; empty where there is none."""
    there = practices(home)
    try:
        chosen = (home.config / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        chosen = ""
    if chosen in there:
        return chosen
    return there[0] if len(there) == 1 else ""


def resolve(home: Home, name: str | None) -> str:
    """Folder name of the practice that is meant; ``FIRST`` where there is none at all.

    Raises ``NotFound`` for a name that is not there, ``BadInput`` where several are and none was chosen.
    """
    there = practices(home)
    if name:
        if name in there or (not there and name == FIRST):
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
    """Make the folders for one more practice and give its folder name, made from ``title``.

    A name that is there already gets a number, or with ``renamed`` false raises ``BadInput``.
    """
    name = _folder_name(title)
    there = set(practices(home))
    if name in there and not renamed:
        raise BadInput(
            f'There is a practice with the name "{name}" already.',
            hint=f"Choose another name, or use that one: xpm-tui practices switch {name}",
        )
    free = next(n for n in (name, *(f"{name}-{i}" for i in range(2, 10_000))) if n not in there)
    for folder in home.practice(free):
        ensure_private(folder)
    return free


def switch_practice(home: Home, name: str) -> str:
    """Make a practice the current one; gives its folder name. Raises ``NotFound``."""
    chosen = resolve(home, name)
    ensure_private(home.config)
    replace_bytes(home.config / "current", chosen.encode() + b"\n")
    return chosen


def person(as_name: str | None, environ: Mapping[str, str]) -> str:
    """Who is at work: ``--as``, ``XPM_TUI_USER``, ``SUDO_USER``, or the login name. Raises ``BadInput``."""
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
    return f"There are: {', '.join(there)}." if there else "Add one: xpm-tui practices add NAME."
