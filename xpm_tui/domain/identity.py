"""Name keys: the loose form of a name by which records are proposed to each other, never linked."""

from __future__ import annotations

import re
import unicodedata

_WORDS = re.compile(r"[^\W_]+")


def exact(name: str) -> str:
    """The exact form: NFC and trimmed; case and punctuation count. Only this form may link by itself."""
    return unicodedata.normalize("NFC", name).strip()


def name_key(name: str) -> str:
    """The loose form: case folded, marks (macrons, accents) and punctuation dropped, ``&`` read as "and"."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    return " ".join(_WORDS.findall("".join(c for c in plain if not unicodedata.combining(c))))
