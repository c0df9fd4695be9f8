"""How one word may be written: case, accents, macrons, slips of the keyboard. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import rapidfuzz.distance.OSA

APOSTROPHES = "'’‘‛`´ʼʻʹʾʿ′＇ꞌ՚"
_LETTERS = {
    "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o",
    "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th", "ı": "i", "ħ": "h", "Ħ": "h", "№": "#",
}  # fmt: skip
_FOLDED = str.maketrans({**_LETTERS, **dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys(APOSTROPHES, None)})
_MACRON = "\u0304"


def fold(text: str) -> str:
    """Case and accents dropped, apostrophes too; a vowel with a macron becomes an upper-case letter."""
    if text.isascii():
        return text.replace("'", "").replace("`", "").lower()
    return " ".join(map(_fold_word, text.split(" ")))


@lru_cache(maxsize=65536)
def _fold_word(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_FOLDED)).casefold().translate(_FOLDED)
    out: list[str] = []
    for char in plain:
        if not unicodedata.combining(char):
            out.append(char)
        elif char == _MACRON and out and out[-1] in "aeiou":
            out[-1] = out[-1].upper()
    return "".join(out)


def spellings(word: str) -> tuple[str, ...]:
    """Return every way to write a folded word without macrons: the vowel, or that vowel doubled."""
    if word.islower() or word == word.lower():
        return (word,)
    return _with_macrons(word)


@lru_cache(maxsize=16384)
def _with_macrons(word: str) -> tuple[str, ...]:
    found = [""]
    doubled = 0
    for char in word:
        if char.isupper() and char in "AEIOU" and doubled < 6:
            doubled += 1
            found = [start + low for start in found for low in (char.lower(), 2 * char.lower())]
        else:
            found = [start + char.lower() for start in found]
    return tuple(found)


def same_word(a: str, b: str) -> bool:
    """Whether two folded texts are equal; a macron equals its vowel or that vowel doubled."""
    if a == b:
        return True
    if (a.islower() and b.islower()) or abs(len(a) - len(b)) > 6:
        return False
    return not set(spellings(a)).isdisjoint(spellings(b))


def edit_distance(a: str, b: str) -> int:
    """How many letters were lost, doubled, exchanged or swapped between two words; 3 stands for more."""
    return int(rapidfuzz.distance.OSA.distance(a, b, score_cutoff=2))


@lru_cache(maxsize=65536)
def misspelt(a: str, b: str) -> bool:
    """Whether one word may be the other with a slip of the keyboard, or its plural.

    A short word is another word when one letter is exchanged ("Mark", "Mary"); one lost is a slip.
    """
    a, b = a.lower(), b.lower()
    if a == b or not a.isalpha() or not b.isalpha():
        return False
    short, long = sorted((a, b), key=len)
    if len(short) < 3 or len(long) - len(short) > 3:
        return False
    if _stem(a) == _stem(b):
        return True
    if a[0] != b[0] and (len(short) < 6 or sorted(a[:2]) != sorted(b[:2])):
        return False
    distance = edit_distance(a, b)
    if distance == 1:
        if len(short) == 3:
            return False
        return len(a) != len(b) or sorted(a) == sorted(b) or len(short) >= 5
    return distance == 2 and len(short) >= 7


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
