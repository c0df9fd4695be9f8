"""Field values in their canonical form, in which they are compared, hashed and written."""

from __future__ import annotations

import unicodedata

from xpm_tui.domain.links import Value


def clean(text: str) -> str:
    r"""Return the canonical form of a text: NFC with ``\n`` line ends, trimmed."""
    if not text:
        return ""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


def is_blank(value: Value) -> bool:
    """Nothing said: no text, no names, neither yes nor no."""
    return value is None or value == "" or value == ()


def is_same(a: object, b: object) -> bool:
    """Whether two values of one field are the same in their canonical form.

    This is the only comparison of a stored value with a present one: a list read from a file and the tuple it
    was, nothing and an empty text, and two spellings of one text in Unicode are the same.
    """
    return a == b or _comparable(a) == _comparable(b)


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return clean(value) or None
    if isinstance(value, (list, tuple)):
        if all(isinstance(each, str) for each in value):
            return tuple(sorted({clean(each) for each in value} - {""})) or None
        return tuple(value)
    return value
