"""Golden files as promises: each word of a leaf is one, and none may disappear.

A golden file is a JSON object whose leaves are texts. A text is a set of words separated by blanks, in any
order: ``{"sync": {"--full": "flag optional"}}`` promises ``sync / --full: flag`` and ``...: optional``.
So a file stays short, and a difference is one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

Tree: TypeAlias = "Mapping[str, Tree | str]"
Promise = tuple[str, ...]

FOLDER = Path(__file__).parent / "golden"
REFRESH = "python -m tests.interface.refresh"
MOST_NEW = 10
"""So many additions are named; what disappears is named in full."""


def word(text: str) -> str:
    """A text as one word: blanks and control characters are escaped."""
    return quote(text, safe="!\"#$&'()*+,-./:;<=>?@[]^_`{|}~") or "''"


def promises(tree: Tree, path: Promise = ()) -> Iterator[Promise]:
    """Every promise: the way to the leaf and one word of it (empty for what is only there)."""
    for name, below in tree.items():
        yield (*path, name, "")
        if isinstance(below, str):
            yield from ((*path, name, each) for each in below.split())
        else:
            yield from promises(below, (*path, name))


def read(name: str) -> Tree:
    """A golden file; empty where there is none yet."""
    path = FOLDER / f"{name}.json"
    found: Tree = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def write(name: str, tree: Tree) -> None:
    """Put a golden file in place, sorted."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(_sorted(tree), indent=1, ensure_ascii=False, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _sorted(tree: Tree) -> Tree:
    return {
        name: " ".join(sorted(set(below.split()))) if isinstance(below, str) else _sorted(below)
        for name, below in tree.items()
    }


def lost(name: str, now: Tree, before: Tree | None = None) -> list[Promise]:
    """The promises of a golden file that no longer hold; of a branch that is gone, the branch alone."""
    kept = set(promises(now))
    missing = [each for each in promises(read(name) if before is None else before) if each not in kept]
    gone = {each[:-1] for each in missing if not each[-1]}
    return [
        each
        for each in missing
        if not any(each[:depth] in gone for depth in range(1, len(each) - (0 if each[-1] else 1)))
    ]


def added(name: str, now: Tree) -> list[Promise]:
    """What the product has beside its golden file."""
    return lost(name, read(name), now)


def called(name: str, promise: Promise) -> str:
    """What ``--allow-removal`` takes for a promise: ``verbs: clients link / --yes: optional``."""
    text = f"{name}: " + " / ".join(promise[:-1])
    return f"{text}: {promise[-1]}" if promise[-1] else text


def complaint(name: str, now: Tree) -> str:
    """What is wrong, in sentences; empty when the golden file tells the truth."""
    reported = [
        f"'{called(name, each)}' has disappeared, and scripts may rely on it. Put it back (a renamed one "
        f"stays as a hidden alias), or say that it goes: {REFRESH} --allow-removal '{called(name, each)}'"
        for each in lost(name, now)
    ]
    new = [called(name, each) for each in added(name, now)]
    if new:
        shown = ", ".join(f"'{each}'" for each in new[:MOST_NEW]) + (", ..." if new[MOST_NEW:] else "")
        reported.append(f"{len(new)} new and not written down yet: {shown}. Run: {REFRESH} {name}")
    return "\n".join(reported)
