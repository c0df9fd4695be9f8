"""Where the stylesheets are: package data when installed, else the checkout's folder.

The stylesheet of the console: each source is read once.

Looks: a dark and a light theme of ours, and the terminal's own colours where it has but sixteen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet
from textual.theme import BUILTIN_THEMES, Theme

import xpm_tui


@cache
def folder() -> Path:
    """The folder of the ``.tcss`` files. Raises FileNotFoundError naming both places that were tried."""
    package = Path(xpm_tui.__file__).parent
    places = (package / "styles", package.parent / "styles")
    for place in places:
        if (place / "console.tcss").is_file():
            return place
    raise FileNotFoundError(f"no stylesheets in {places[0]} nor in {places[1]}: install the package again")


def style(name: str) -> Path:
    """The stylesheet of one screen, for its ``CSS_PATH``."""
    return folder() / f"{name}.tcss"


SOURCES = 1024
"""More than there are: the stock number is fewer than the sources of a few screens."""


class Sheet(Stylesheet):
    """Stock Textual reads all sources again whenever one more screen brings its own: 40 ms at every first
    visit, and twice before the first frame. What was read stays read as long as no variable changes.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Other colours: then everything is read anew."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Take what has come, or changed, since the last time."""
        self.parse()


DARK = Theme(
    name="xpm-dark",
    primary="#7fa7d1",
    secondary="#8fb0b8",
    accent="#d9b074",
    warning="#d9b074",
    error="#e08586",
    success="#95bb7d",
    foreground="#d6dbe1",
    background="#15181c",
    surface="#1b1f24",
    panel="#252b32",
    boost="#252b32",
    dark=True,
    variables={
        "muted": "#8b95a1",
        "cursor-background": "#31465c",
        "cursor-foreground": "#f2f5f8",
        "cursor-quiet": "#242c35",
        "rule": "#39414b",
        "border": "#55708c",
        "border-blurred": "#39414b",
        "footer-background": "#1b1f24",
        "footer-key-foreground": "#d9b074",
        "block-cursor-background": "#31465c",
        "block-cursor-foreground": "#f2f5f8",
        "block-cursor-text-style": "none",
        "input-selection-background": "#3c566f",
    },
)

LIGHT = Theme(
    name="xpm-light",
    primary="#2c5d8f",
    secondary="#3b6670",
    accent="#835200",
    warning="#835200",
    error="#a3262b",
    success="#38661d",
    foreground="#22272c",
    background="#f8f8f5",
    surface="#f0f0eb",
    panel="#e3e5e0",
    boost="#e3e5e0",
    dark=False,
    variables={
        "muted": "#5c6670",
        "cursor-background": "#c9dbee",
        "cursor-foreground": "#14181c",
        "cursor-quiet": "#e3e8ec",
        "rule": "#c4c9c6",
        "border": "#6b8bab",
        "border-blurred": "#c4c9c6",
        "footer-background": "#f0f0eb",
        "footer-key-foreground": "#835200",
        "block-cursor-background": "#c9dbee",
        "block-cursor-foreground": "#14181c",
        "block-cursor-text-style": "none",
        "input-selection-background": "#b4cde6",
    },
)


def _sixteen(name: str, of: str) -> Theme:
    """A theme of terminal colours only: nothing is mixed, so 16 colours and NO_COLOR lose nothing."""
    base = BUILTIN_THEMES[of]
    dark = base.dark
    return Theme(
        name=name,
        ansi=True,
        primary=base.primary,
        secondary=base.secondary,
        warning=base.warning,
        error=base.error,
        success=base.success,
        accent=base.accent,
        foreground=base.foreground,
        background=base.background,
        surface=base.surface,
        panel=base.panel,
        boost=base.boost,
        dark=dark,
        variables={
            **base.variables,
            "muted": "ansi_default",
            "cursor-background": "ansi_blue",
            "cursor-foreground": "ansi_bright_white",
            "cursor-quiet": "ansi_default",
            "rule": "ansi_default",
            "border": "ansi_blue",
            "border-blurred": "ansi_default",
        },
    )


ANSI_DARK = _sixteen("xpm-ansi-dark", "ansi-dark")
ANSI_LIGHT = _sixteen("xpm-ansi-light", "ansi-light")

ALL = (DARK, LIGHT, ANSI_DARK, ANSI_LIGHT)

DEFAULTS: dict[str, str] = {
    "muted": "#8b95a1",
    "cursor-background": "#31465c",
    "cursor-foreground": "#f2f5f8",
    "cursor-quiet": "#242c35",
    "rule": "#39414b",
}
"""Our own variables, for themes that are not ours."""


def choose(environ: Mapping[str, str], colours: str | None, wanted: str = "auto") -> str:
    """The theme to start with.

    ``colours`` is Rich's name for what the terminal can do (``truecolor``, ``256``, ``standard``, None).
    ``wanted`` is the setting: ``auto``, ``dark`` or ``light``. NO_COLOR (no-color.org) and 16 colours get
    the terminal's own; ``COLORFGBG`` (set by rxvt, Konsole and others) tells a light background.
    """
    light = wanted == "light" or (wanted != "dark" and _light(environ.get("COLORFGBG", "")))
    plain = bool(environ.get("NO_COLOR")) or colours in (None, "standard", "windows")
    if plain:
        return ANSI_LIGHT.name if light else ANSI_DARK.name
    return LIGHT.name if light else DARK.name


def _light(colorfgbg: str) -> bool:
    background = colorfgbg.rpartition(";")[2]
    return background in ("7", "15")
