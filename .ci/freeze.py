#!/usr/bin/env python3
"""Print the versions that this environment has of everything xpm-tui needs, as a constraints file for pip.

``.venv/bin/python .ci/freeze.py > constraints.txt`` after an upgrade that passed all checks. Only
packages that the project itself asks for, directly or through another package, are listed: nothing else that
happens to be installed.
"""

import importlib.metadata
import re

HEAD = """\
# The versions that CI installs, of users' and developers' packages alike. Made by .ci/freeze.py: do not edit.
# A second job of the hosted workflow installs without this file and shows what a new release breaks.
"""


def normal(name: str) -> str:
    """Return a package name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(
    name: str, extras: frozenset[str], found: dict[str, str], seen: set[tuple[str, frozenset[str]]]
) -> None:
    """Add ``name`` with its ``extras`` and all that it requires to ``found``, as far as it is installed."""
    key = (normal(name), extras)
    if key in seen:
        return
    seen.add(key)
    try:
        dist = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return
    found[key[0]] = dist.version
    for line in dist.requires or ():
        requirement, _, marker = line.partition(";")
        wanted = re.search(r"""extra == ['"]([^'"]+)""", marker)
        if wanted is None or wanted[1] in extras:
            parts = re.match(r"([\w.-]+)\s*(?:\[([^]]*)\])?", requirement)
            more = frozenset(each.strip() for each in (parts[2] or "").split(",") if each.strip())
            needed(parts[1], more, found, seen)


versions: dict[str, str] = {}
extras = importlib.metadata.metadata("xpm-tui").get_all("Provides-Extra") or ()
needed("xpm-tui", frozenset(extras), versions, set())
del versions["xpm-tui"]
print(HEAD + "\n".join(f"{name}=={version}" for name, version in sorted(versions.items())))
