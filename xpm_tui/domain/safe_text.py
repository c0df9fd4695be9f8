"""Safe text: text from outside is shown, never interpreted.

Text from a record, a reply or a file reaches a terminal only through ``visible``, which follows CWE-150
(escape sequences in output) and Unicode TR36 (bidirectional text spoofing).

The module also defines which text an XML 1.0 document can contain, for requests and the outbox. Source: XML
1.0 (Fifth Edition), production 2 ("Char"): tab, line feed, carriage return and everything from U+0020 except
surrogates, U+FFFE and U+FFFF.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import NewType

from xpm_tui.domain.errors import UnsendableValue
from xpm_tui.lazy import pattern

Shown = NewType("Shown", str)
"""Text that is safe to write to a terminal, without control, bidirectional or zero-width characters."""

LIMIT = 500
"""The default limit of shown text, in characters."""

_NAMED = {"\t": "→", "\n": "⏎", "\r": "␍", "\x7f": "␡"}
_HIDDEN = pattern(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str, limit: int = LIMIT) -> Shown:
    """Make ``text`` safe to show: NFC, hidden characters made visible, cut at ``limit`` with an ellipsis.

    Lone surrogates, C0, C1, bidi and zero-width characters, U+FFFE and U+FFFF become symbols or ``<U+XXXX>``.
    """
    cut = text[: limit + 1]
    shown = _HIDDEN.sub(_name, unicodedata.normalize("NFC", cut))
    return Shown(shown if len(text) <= limit else shown[:limit] + "…")


def visible_each(text: str) -> Shown:
    """Return the text with hidden characters replaced one for one, so that offsets into it stay valid.

    It is for a field that is being edited, and neither shortens nor normalises the text.
    """
    return Shown(_HIDDEN.sub(lambda match: name if len(name := _name(match)) == 1 else "\ufffd", text))


def visible_lines(text: str, limit: int = 20_000) -> Shown:
    """Return safe text as :func:`visible` does, but keep line feeds, for multi-line texts."""
    return Shown("\n".join(visible(line, limit) for line in text[:limit].replace("\r\n", "\n").split("\n")))


def _name(match: re.Match[str]) -> str:
    char = match.group()
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    return chr(0x2400 + code) if code < 0x20 else f"<U+{code:04X}>"


# The complement of "Char", spelled out: a negated class over all planes takes ten times as long to compile.
_ILLEGAL = pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def refuse_unsendable(text: str, field: str, label: str = "") -> None:
    """Raise ``UnsendableValue`` where ``text`` holds a character that XML cannot carry.

    Args:
        text: The value of a field.
        field: The field's name, for the error; it may name what the field belongs to ("contact phone").
        label: What the sentence calls the field; by default its name.
    """
    bad = _ILLEGAL.search(text)
    if bad is not None:
        raise UnsendableValue(
            f"The field '{label or field}' contains a character that XML does not allow "
            f"(U+{ord(bad.group()):04X}, character {bad.start() + 1}).",
            hint="Remove that character and try again; nothing was sent.",
            field=field,
        )


def refuse_unsendable_values(
    values: Mapping[str, object], prefix: str = "", *, label: Callable[[str], str] = str
) -> None:
    """Raise ``UnsendableValue`` for the first value that XML cannot carry, also within lists.

    ``label`` gives what the sentence calls a field.
    """
    for name, value in values.items():
        texts: Iterable[object] = value if isinstance(value, tuple | list) else (value,)
        for text in texts:
            if isinstance(text, str):
                refuse_unsendable(text, prefix + name, label(prefix + name))


def is_sendable(value: object) -> bool:
    """Return whether XML can contain a value, by the rule of :func:`refuse_unsendable_values`."""
    texts: Iterable[object] = value if isinstance(value, tuple | list) else (value,)
    return not any(isinstance(text, str) and _ILLEGAL.search(text) for text in texts)


def storable(text: str) -> str:
    """Return the text with lone surrogates escaped, which the store (UTF-8 JSON) cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
