#!/usr/bin/env python3
"""Print the versions that this environment has of everything xpm-tui needs, as a constraints file for pip.

``.venv/bin/python .ci/freeze.py > constraints.txt`` after an upgrade that passed all checks. Only
packages that pyproject.toml asks for, for itself or for any of its extras, directly or through another
package, are listed: nothing else that happens to be installed. It fails, and names what is missing, where
this environment lacks a package that pyproject.toml or one of its extras asks for.
"""

import importlib.metadata
import pathlib
import re
import sys
import tomllib

HEAD = """\
# The versions that CI installs, of users' and developers' packages alike. Made by .ci/freeze.py: do not edit.
# A second job of the hosted workflow installs without this file and shows what a new release breaks.
"""


def normal(name: str) -> str:
    """Return a package name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(line: str, found: dict[str, str], seen: set[str], missing: set[str], *, is_ours: bool) -> None:
    """Add the package of a requirement, and all that it requires, to ``found``, as far as it is installed.

    Args:
        line: The requirement, as PEP 508 writes it, without its marker.
        found: Versions by name.
        seen: Requirements that were looked at before.
        missing: Gets what is not installed, if ``is_ours``.
        is_ours: Whether pyproject.toml asks for it, or for the extra that does. Others may be for another
            system.
    """
    parts = re.match(r"([\w.-]+)\s*(?:\[([^]]*)\])?", line)
    name, extras = normal(parts[1]), {each.strip() for each in (parts[2] or "").split(",") if each.strip()}
    key = f"{name}[{','.join(sorted(extras))}]"
    if key in seen:
        return
    seen.add(key)
    try:
        dist = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        missing |= {name} if is_ours else set()
        return
    found[name] = dist.version
    for each in dist.requires or ():
        requirement, _, marker = each.partition(";")
        wanted = re.search(r"""extra == ['"]([^'"]+)""", marker)
        if wanted is None or wanted[1] in extras:
            needed(requirement, found, seen, missing, is_ours=is_ours and wanted is not None)


project = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
asked = [
    *project["dependencies"],
    *(each for extra in project["optional-dependencies"].values() for each in extra),
]
versions: dict[str, str] = {}
missing: set[str] = set()
for line in asked:
    if not line.startswith("xpm-tui["):
        needed(line, versions, set(), missing, is_ours=True)
if missing:
    sys.exit(f"Not installed here: {', '.join(sorted(missing))}. Install '.[dev]' and try again.")
print(HEAD + "\n".join(f"{name}=={version}" for name, version in sorted(versions.items())))
