"""Write the golden files again: ``python -m tests.interface.refresh [FILE...] [--allow-removal NAME]...``.

Additions are taken over. A removal is refused unless it is named: ``NAME`` is what the failing test prints,
such as ``verbs: clients link / --yes``, and covers everything beneath it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.interface import collected, golden


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the files; 1 when one of them would lose something that is not named."""
    parser = argparse.ArgumentParser(prog=golden.REFRESH, description=__doc__)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help=f"of {', '.join(collected.FILES)}; none: all"
    )
    parser.add_argument("--allow-removal", action="append", default=[], metavar="NAME")
    given = parser.parse_args(arguments)
    unknown = set(given.files) - set(collected.FILES)
    if unknown:
        parser.error(f"There is no golden file {', '.join(sorted(unknown))}.")
    refused = 0
    _alone()
    for name in given.files or collected.FILES:
        with tempfile.TemporaryDirectory() as folder:
            now = collected.FILES[name](Path(folder))
        gone = [golden.called(name, each) for each in golden.lost(name, now)]
        kept = [each for each in gone if not _named(each, given.allow_removal)]
        if kept:
            refused += 1
            print(f"{name}.json is left as it is, because this would be lost:", file=sys.stderr)
            print(*(f"  --allow-removal '{each}'" for each in kept), sep="\n", file=sys.stderr)
            continue
        added = golden.added(name, now)
        golden.write(name, now)
        print(f"{name}.json: {len(added)} added, {len(gone)} removed")
    return 1 if refused else 0


def _named(what: str, allowed: Sequence[str]) -> bool:
    return any(what == each or what.startswith((f"{each} / ", f"{each}: ")) for each in allowed)


def _alone() -> None:
    """Take away what the caller's environment says to the program, as the tests' own configuration does."""
    for name in [each for each in os.environ if each.startswith("XPM_TUI_")]:
        del os.environ[name]
    os.environ["TZ"] = "UTC"


if __name__ == "__main__":
    sys.exit(main())
