"""Which text an XML 1.0 document can carry: the one rule that requests and the outbox share.

Source: XML 1.0 (Fifth Edition), production 2 ("Char"): tab, line feed, carriage return and everything from
U+0020 except surrogates, U+FFFE and U+FFFF.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from xpm_tui.model.errors import UnsendableValue

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def refuse_uncarriable(text: str, field: str) -> None:
    """Raise ``UnsendableValue`` where ``text`` holds a character that XML cannot carry.

    Args:
        text: The value of a field.
        field: The field's name, for the message; it may name what the field belongs to ("contact phone").
    """
    bad = _ILLEGAL.search(text)
    if bad is not None:
        raise UnsendableValue(
            f"The field {field!r} holds a character that XML cannot carry "
            f"(U+{ord(bad.group()):04X}, character {bad.start() + 1}).",
            hint="Remove that character and try again; nothing was sent.",
            field=field,
        )


def refuse_uncarriable_values(values: Mapping[str, object], prefix: str = "") -> None:
    """Raise ``UnsendableValue`` for the first value that XML cannot carry; lists are looked into."""
    for name, value in values.items():
        texts: Iterable[object] = value if isinstance(value, tuple | list) else (value,)
        for text in texts:
            if isinstance(text, str):
                refuse_uncarriable(text, prefix + name)


def storable(text: str) -> str:
    """The text with lone surrogates spelled out, which the store (UTF-8 JSON) cannot keep."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
