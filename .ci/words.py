#!/usr/bin/env python3
"""Count what issue reports and reviews ask about: sizes, names that are used twice, and retired words.

    python .ci/words.py            a table of counts
    python .ci/words.py --list     the findings behind each count, too
    python .ci/words.py --check    the same table; fails, and says why, where a count must be zero and is not

Vocabulary comes from ``docs/glossary.md``: the tables under "Retired words" and "Retired names in code".
Standard library only.
"""

from __future__ import annotations

import ast
import io
import pathlib
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "xpm_tui"
GLOSSARY = ROOT / "docs" / "glossary.md"
LONGEST, SHORTEST = 450, 60
NOUNS = frozenset(
    {
        "encoding",
        "formatting",
        "listing",
        "mapping",
        "matching",
        "masking",
        "planning",
        "spelling",
        "wiring",
        "ping",
    }
)
"""Module names that look like participles and are established nouns of the field."""
ZERO = (
    "Class names in more than one module",
    "Participles as module names",
    "Retired names of modules and classes",
    "Retired words in literals",
    "Retired words in documentation",
)
"""What ``--check`` lets nobody bring back; a further count joins once it has become zero."""
PARTICIPLES = frozenset(
    {"done", "gone", "kept", "known", "made", "said", "seen", "sent", "told", "undone", "written"}
)
"""Irregular ones; the others end in -ing or -ed."""
SILENT = frozenset({"needed", "seed"})
"""Words in -ed that are no participles."""
_LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def retired(heading: str) -> dict[str, str]:
    """Return what the glossary retires under ``heading``, each with its replacement."""
    text = GLOSSARY.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| \n").split("|")]
        if (
            line.startswith("|")
            and len(cells) == 2
            and cells[0] != "retired"
            and not cells[0].startswith("-")
        ):
            old = [word.strip(" `") for word in cells[0].split(",")]
            new = [word.strip() for word in cells[1].split(",")]
            found |= dict(zip(old, new if len(old) == len(new) else [cells[1]] * len(old), strict=True))
    return found


def docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    """Yield every string that documents: docstrings, and strings that stand alone below an assignment."""
    for node in ast.walk(tree):
        for part in getattr(node, "body", ()) if isinstance(node, _DOCUMENTED) else ():
            if not isinstance(part, ast.Expr) or not isinstance(part.value, ast.Constant):
                continue
            if isinstance(part.value.value, str):
                yield part


def code_lines(text: str, tree: ast.Module) -> int:
    """Return the number of lines without blank lines, comments and docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for part in docstrings(tree):
        lines -= set(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return len(lines)


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the texts that a user may see: literals that are more than one word or a capitalised one.

    An f-string is one text with ``…`` for its values. Docstrings are left out.
    """
    silent = {id(part.value) for part in docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            text = "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            text = node.value
        else:
            continue
        if " " in text.strip() or re.fullmatch(r"[A-Z][a-z]+", text):
            yield node.lineno, text


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page without code blocks and inline code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`|\]\([^)]*\)", "", line)


def is_participle(stem: str) -> bool:
    """Return whether a module is named with a participle that is no established noun."""
    last = stem.rpartition("_")[2]
    if last in NOUNS | SILENT:
        return False
    return last in PARTICIPLES or (len(last) > 5 and last.endswith(("ing", "ed")))


def main() -> int:
    """Print the counts, with ``--list`` what they count; return 1 where ``--check`` finds a fault."""
    classes: dict[str, list[str]] = defaultdict(list)
    findings: dict[str, list[str]] = {}
    words, names = retired("Retired words"), retired("Retired names in code")
    either = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    pattern = re.compile(rf"\b({either})\b(?! apart)", re.IGNORECASE)  # "are told apart" is plain English
    files = code = 0
    long, short, participles, idioms, old = [], [], [], [], []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree, place = ast.parse(text), str(path.relative_to(ROOT))
        files, code = files + 1, code + code_lines(text, tree)
        length = text.count("\n")
        if length > LONGEST:
            long.append(f"{place}: {length} lines")
        if length < SHORTEST and not path.name.startswith("__"):
            short.append(f"{place}: {length} lines")
        if is_participle(path.stem):
            participles.append(place)
        if path.stem in names:
            old.append(f"{place}: {names[path.stem]}")
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                classes[node.name].append(place)
                if node.name in names:
                    old.append(f"{place}:{node.lineno} {node.name}: {names[node.name]}")
        for line, literal in literals(tree):
            shown = re.sub(r"docs/\w+\.md", "", literal)  # the addresses of pages stay
            idioms += [f'{place}:{line} "{word}"' for word in pattern.findall(shown)]
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    pages += sorted(path for path in (ROOT / "docs").rglob("*.md") if path != GLOSSARY)
    in_pages = [
        f'{page.relative_to(ROOT)}:{number} "{word}"'
        for page in pages
        if page.exists()
        for number, line in prose(page.read_text(encoding="utf-8"))
        for word in pattern.findall(line)
    ]
    findings |= {
        f"Files over {LONGEST} lines": long,
        f"Files under {SHORTEST} lines, without __init__": short,
        "Class names in more than one module": [
            f"{name}: {', '.join(places)}" for name, places in sorted(classes.items()) if len(places) > 1
        ],
        "Participles as module names": participles,
        "Retired names of modules and classes": old,
        "Retired words in literals": idioms,
        "Retired words in documentation": in_pages,
    }
    rows = [
        ("Files", files),
        ("Code lines", code),
        *((title, len(found)) for title, found in findings.items()),
    ]
    width = max(len(title) for title, _ in rows)
    print(f"{'xpm_tui/':<{width}}   count\n{'-' * width}  ------")
    for title, count in rows:
        print(f"{title:<{width}}  {count:>6,}")
    if "--list" in sys.argv[1:]:
        for title, found in findings.items():
            print(f"\n{title}\n" + "\n".join(f"  {each}" for each in found or ["none"]))
    if "--check" not in sys.argv[1:]:
        return 0
    wrong = {title: findings[title] for title in ZERO if findings[title]}
    for title, found in wrong.items():
        print(f"\n{title}: this must be zero\n" + "\n".join(f"  {each}" for each in found), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
