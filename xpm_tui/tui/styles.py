"""Where the stylesheets are: package data when installed, else the checkout's folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

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
