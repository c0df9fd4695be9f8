"""The ASCII set of signs, for terminals, braille displays and fonts that have no others.

Each sign becomes one character of the same width, so that nothing moves. Letters stay as they are: a name
is data. The signs are those of the console's visual system; any other is told by its Unicode name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from xpm_tui.domain.formatting import cells

SIGNS = {
    "●": "*", "◐": "*", "◇": "?", "○": "o", "▲": "!", "‼": "!", "✓": "v", "✕": "x", "✗": "x", "✖": "x",
    "–": "-", "—": "-", "−": "-", "·": ".", "•": "*", "…": "~", "⇄": "%", "❄": "f", "→": ">", "←": "<",
    "↶": "<", "∞": "&", "◷": "@", "=": "=", "≠": "/", "≈": "~", "∅": "0", "×": "x", "▶": ">", "▸": ">",
    "◀": "<", "▾": "-", "▴": "-", "›": ">", "‹": "<", "»": ">", "«": "<", "█": "#", "▓": "+", "░": ".",
    "▒": "+", "━": "#", "▰": "#", "▱": ".", "▌": ">", "▐": "<", "■": "#", "⏎": "^", "“": '"', "”": '"',
    "‘": "'", "’": "'",
}  # fmt: skip
"""Signs with a meaning of their own."""

_KINDS = frozenset({"Sm", "So", "Sk", "Po", "Pd", "Pi", "Pf", "Ps", "Pe", "Pc"})
"""Categories of Unicode that are signs; currencies, letters and digits are not touched."""


class AsciiGlyphs(dict[int, int]):
    """A table for ``str.translate`` that fills itself."""

    def __missing__(self, code: int) -> int:
        """Return the code of the sign that stands for this one, and remember it."""
        self[code] = ord(ascii_sign(chr(code)))
        return self[code]


def ascii_sign(sign: str) -> str:
    """Return the ASCII character for a sign; anything else, and what is not one column wide, as it is."""
    if sign.isascii() or sign in SIGNS:
        return SIGNS.get(sign, sign)
    if unicodedata.category(sign) not in _KINDS or cells(sign) != 1:
        return sign
    name = unicodedata.name(sign, "")
    if name.startswith("BOX DRAWINGS"):
        across, down = "HORIZONTAL" in name, "VERTICAL" in name
        corner = across == down or any(side in name for side in (" UP", " DOWN", " LEFT", " RIGHT"))
        return "+" if corner and across == down else "|" if down else "-" if across else "+"
    for word, instead in _BY_NAME.items():
        if word in name:
            return instead
    return "?"


_BY_NAME: Mapping[str, str] = {
    "VERTICAL": "|", "BLOCK": "#", "SHADE": "+", "EIGHTH": "|", "HALF": "#", "HYPHEN": "-", "DASH": "-",
    "LEFTWARDS": "<", "LEFT-POINTING": "<", "RIGHTWARDS": ">", "RIGHT-POINTING": ">", "UPWARDS": "^",
    "UP-POINTING": "^", "DOWNWARDS": "v", "DOWN-POINTING": "v", "APOSTROPHE": "'", "QUOTATION": '"',
    "PRIME": "'", "ACCENT": "'", "CHECK": "v", "BALLOT": "x", "CIRCLE": "o", "SQUARE": "#", "BULLET": "*",
    "BRAILLE": ":", "HORIZONTAL": "-", "EXCLAMATION": "!", "QUESTION": "?", "STAR": "*", "DOT": ".",
}  # fmt: skip
