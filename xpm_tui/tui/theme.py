"""Stylesheets and themes: where the ``.tcss`` files are, a stylesheet cache, and the choice of a theme.

There are a dark and a light theme, and two that use only the 16 colours of the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from textual.app import App
from textual.cache import LRUCache
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.theme import BUILTIN_THEMES, Theme

import xpm_tui


@cache
def stylesheet_folder() -> Path:
    """Return the folder of the ``.tcss`` files: package data, or the checkout's folder.

    Raises:
        FileNotFoundError: It is in neither place; the message names both.
    """
    package = Path(xpm_tui.__file__).parent
    places = (package / "styles", package.parent / "styles")
    for place in places:
        if (place / "console.tcss").is_file():
            return place
    raise FileNotFoundError(f"no stylesheets in {places[0]} nor in {places[1]}: install the package again")


def stylesheet_path(name: str) -> Path:
    """Return the path of a screen's stylesheet, for its ``CSS_PATH``."""
    return stylesheet_folder() / f"{name}.tcss"


SOURCES = 1024
"""The most parsed sources to cache. Textual's limit is lower than the number of sources of a few screens."""

PATHS = 4096
"""The most paths from the app to a widget whose matching rules are cached."""


class CachedStylesheet(Stylesheet):
    """A stylesheet that parses each source once, as long as no variable changes, and matches each path once.

    Stock Textual parses all sources again whenever a screen adds its own: 40 ms at every first visit of a
    screen, and twice before the first frame. It also matches all rules against every key of the footer and
    every item of a list, each time one of them is created or receives the focus.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(SOURCES)
        self._matched: LRUCache[tuple[object, ...], tuple[RulesMap, bool]] = LRUCache(PATHS)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the CSS variables, which discards all parsed rules."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse the sources that were added or changed since the last call."""
        self.parse()

    def parse(self) -> None:
        """Parse new sources, and discard the cached matches: other rules may match now."""
        super().parse()
        self._matched = LRUCache(PATHS)

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[Any, ...], RulesMap] | None = None
    ) -> None:
        """Style a node, with the cached rules if an earlier node had an equal path."""
        path = _path(node)
        found = self._matched.get(path)
        if found is None:
            super().apply(node, animate=animate, cache=cache)
            if not (animate or node._has_order_style or node._has_odd_or_even or node._has_focus_within):
                self._matched[path] = (node.styles.base.get_rules(), node._has_hover_style)
            return
        rules, node._has_hover_style = found
        node._has_order_style = node._has_odd_or_even = node._has_focus_within = False
        self.replace_rules(node, rules, animate=animate)
        self._process_component_classes(node)


def _path(node: DOMNode) -> tuple[object, ...]:
    """Return what selectors can match of a node and its ancestors, except its position among siblings."""
    seen: list[object] = []
    above: object = node
    while isinstance(above, DOMNode):
        state: object = above._pseudo_classes_cache_key
        if isinstance(above, App):
            state = (above.app_focus, above.native_ansi_color, above.no_color)
        seen += (type(above), above._id, above.classes, getattr(above, "can_focus", False), state)
        above = above._parent
    return tuple(seen)


DARK = Theme(
    name="xpm-dark",
    primary="#6db3f2",
    secondary="#52c5dc",
    accent="#9fd0ff",
    warning="#efbe5f",
    error="#f5827d",
    success="#82cb8c",
    foreground="#dde4ec",
    background="#0f1319",
    surface="#151b23",
    panel="#222b37",
    boost="#222b37",
    dark=True,
    variables={
        "line": "#34404f",
        "ignition": "#c7a3f7",
        "practice-blue": "#8fb8ff",
        "practice-pink": "#f79ac4",
        "practice-lime": "#bfe05a",
        "practice-orange": "#f5a266",
        "xpm": "#52c5dc",
        "cursor-muted": "#bccbdc",
        "muted": "#8d9aab",
        "cursor-background": "#173857",
        "cursor-foreground": "#ffffff",
        "cursor-quiet": "#1b2733",
        "rule": "#34404f",
        "border": "#6db3f2",
        "border-blurred": "#34404f",
        "footer-background": "#151b23",
        "footer-key-foreground": "#9fd0ff",
        "block-cursor-background": "#173857",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "input-selection-background": "#2b5275",
    },
)

LIGHT = Theme(
    name="xpm-light",
    primary="#0b5fae",
    secondary="#006478",
    accent="#0b5fae",
    warning="#855000",
    error="#b02020",
    success="#22692c",
    foreground="#1b2229",
    background="#fcfcfa",
    surface="#f2f4f4",
    panel="#e2e7ea",
    boost="#e2e7ea",
    dark=False,
    variables={
        "line": "#b9c3ca",
        "ignition": "#7136a8",
        "practice-blue": "#1d4fb8",
        "practice-pink": "#a8206a",
        "practice-lime": "#4b6600",
        "practice-orange": "#9a4600",
        "xpm": "#006478",
        "cursor-muted": "#3d4a56",
        "muted": "#56626e",
        "cursor-background": "#c8e0f7",
        "cursor-foreground": "#0c1117",
        "cursor-quiet": "#e6edf4",
        "rule": "#b9c3ca",
        "border": "#0b5fae",
        "border-blurred": "#b9c3ca",
        "footer-background": "#f2f4f4",
        "footer-key-foreground": "#0b5fae",
        "block-cursor-background": "#c8e0f7",
        "block-cursor-foreground": "#0c1117",
        "block-cursor-text-style": "none",
        "input-selection-background": "#b4cde6",
    },
)


def _ansi_theme(name: str, base_name: str) -> Theme:
    """Return a theme of terminal colours only, so that 16 colours and NO_COLOR lose nothing."""
    base = BUILTIN_THEMES[base_name]
    dark = base.dark
    return Theme(
        name=name,
        ansi=True,
        primary=base.primary,
        secondary=base.secondary,
        # Yellow cannot be read on white, and keys are bold: no other colour of the sixteen is free for them.
        warning=base.warning if dark else "ansi_default",
        error=base.error,
        success=base.success,
        accent="ansi_default",
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
            "cursor-muted": "ansi_bright_white",
            "cursor-quiet": "ansi_default",
            "xpm": "ansi_cyan" if dark else "ansi_blue",
            "ignition": "ansi_magenta",
            # Sixteen colours leave no others for a practice that both backgrounds can show.
            "practice-blue": "ansi_bright_blue" if dark else "ansi_blue",
            "practice-pink": "ansi_bright_magenta" if dark else "ansi_magenta",
            "practice-lime": "ansi_bright_green" if dark else "ansi_green",
            "practice-orange": "ansi_bright_red" if dark else "ansi_red",
            "line": "ansi_default",
            "rule": "ansi_default",
            "border": "ansi_blue",
            "border-blurred": "ansi_default",
        },
    )


ANSI_DARK = _ansi_theme("xpm-ansi-dark", "ansi-dark")
ANSI_LIGHT = _ansi_theme("xpm-ansi-light", "ansi-light")

ALL = (DARK, LIGHT, ANSI_DARK, ANSI_LIGHT)

DEFAULTS: dict[str, str] = {
    name: DARK.variables[name]
    for name in (
        "muted",
        "cursor-background",
        "cursor-foreground",
        "cursor-muted",
        "cursor-quiet",
        "xpm",
        "ignition",
        "line",
        "rule",
        "practice-blue",
        "practice-pink",
        "practice-lime",
        "practice-orange",
    )
}
"""Values of our CSS variables for themes that are not ours."""


def choose(environ: Mapping[str, str], colours: str | None, wanted: str = "auto") -> str:
    """Return the name of the theme to start with.

    NO_COLOR (no-color.org) and 16 colours get the terminal's own colours. ``COLORFGBG``, set by rxvt, Konsole
    and others, reveals a light background.

    Args:
        environ: The environment variables.
        colours: Rich's name for the colours of the terminal: ``truecolor``, ``256``, ``standard`` or None.
        wanted: The setting: ``auto``, ``dark`` or ``light``.
    """
    light = wanted == "light" or (wanted != "dark" and _is_light(environ.get("COLORFGBG", "")))
    plain = bool(environ.get("NO_COLOR")) or colours in (None, "standard", "windows")
    if plain:
        return ANSI_LIGHT.name if light else ANSI_DARK.name
    return LIGHT.name if light else DARK.name


def _is_light(colorfgbg: str) -> bool:
    background = colorfgbg.rpartition(";")[2]
    return background in ("7", "15")
