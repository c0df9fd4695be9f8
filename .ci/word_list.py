#!/usr/bin/env python3
"""List every label and sentence of the product on one page, so that an editor can proofread it in one place.

    python .ci/word_list.py            write docs/words.md
    python .ci/word_list.py --check    fail if docs/words.md is not what would be written

Every text of ``xpm_tui/`` is there that is more than one word or begins with a capital letter, by module, in
the order of the source: labels and registries, help, messages, hints, and the texts that presenters are
given. ``…`` stands for a value. Docstrings and the sandbox's wire texts are left out. Standard library only.
"""

from __future__ import annotations

import ast
import pathlib
import re
import sys

from words import PACKAGE, ROOT, literals  # type: ignore[import-not-found]

PAGE = ROOT / "docs" / "words.md"
HEAD = """# All texts of the product

<!-- Written by .ci/word_list.py: change the texts in the source. -->

Every label and sentence that a user can see, by module, for proofreading; `…` is a value.
"""
WIRE = ("sandbox/", "xero/codec")
"""Packages whose texts are XML, JSON and headers, except for ``SHOWN``."""
SHOWN = ("sandbox/server.py", "sandbox/__main__.py")
FIELD = re.compile(r"\{[\w.\[\]]*(?:![rsa])?(?::[^{}]*)?\}")
"""A field of a template: a value to the reader."""
TECHNICAL = re.compile(
    r"[{}\\]|^<|</|<!--|\(\?|^[\W\d]*$|^[A-Z][a-z]+(?:[A-Z]\w+)+$|%[A-Za-z(]|^[a-z]+://\S*$"
    r"|^\s*[-\w.#:]+ [-\w.#:]+ *\{|: \w+;|^(?=.*[_.]\w)[a-z_.]+(?: [a-z_.]+)*$|^[a-z](?: [a-z])+$|^\w+\["
    r"|^(?:SELECT|INSERT|UPDATE|DELETE|CREATE|GRANT|SET|LISTEN|EXISTS|BEGIN|GET|PUT|POST|PATH) "
)
"""Markup, patterns, style sheets, statements, type hints, names in camel case, and lists of keys."""
SETUP = frozenset({"classes", "group", "id", "selector", "words"})
"""Arguments that are names for the program, or words to search for."""


def names_in(tree: ast.Module) -> set[tuple[int, str]]:
    """Return the strings that are given to arguments in ``SETUP``, with their lines."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    given = (each.value for node in calls for each in node.keywords if each.arg in SETUP)
    parts = (part for value in given for part in ast.walk(value) if isinstance(part, ast.Constant))
    return {(part.lineno, part.value) for part in parts if isinstance(part.value, str)}


def texts_of(path: pathlib.Path) -> list[str]:
    """Return the texts of a module, each once, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = names_in(tree)
    found = sorted(each for each in literals(tree) if each not in names)
    texts = (" ".join(FIELD.sub("…", text).split()) for _, text in found)
    return list(dict.fromkeys(text for text in texts if text and not TECHNICAL.search(text)))


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    package = ""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE)
        wire = module.as_posix().startswith(WIRE) and module.as_posix() not in SHOWN
        texts = [] if wire else texts_of(path)
        if not texts:
            continue
        if module.parts[0] != package:
            package = module.parts[0]
            parts.append(f"\n## {package}\n")
        parts.append("\n```text\n" + f"[{module.as_posix()}]\n" + "\n".join(texts) + "\n```\n")
    return "".join(parts)


def main() -> None:
    """Write the page, or with ``--check`` compare it."""
    made = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        sys.exit("docs/words.md is not current: python .ci/word_list.py")


if __name__ == "__main__":
    main()
