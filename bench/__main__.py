"""``python -m bench [NAME …] [--write FILE]``: measures, each beside a bare floor of the same run."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

BENCHES = ("wire", "store", "engines", "sync", "match", "console", "startup", "verbs", "fleet")


def main(argv: list[str] | None = None) -> int:
    """Run the named benches (all without a name); print their tables, and write them to a file if asked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="which benches; all without a name")
    parser.add_argument("--write", metavar="FILE", type=Path, help="write what is printed to FILE as well")
    options = parser.parse_args(argv)
    parts = [
        "# Measurements\n",
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {platform.machine()}, Python {platform.python_version()}. "
        "Compare the ratios: milliseconds depend on the machine.\n",
    ]
    for name in options.names or BENCHES:
        out = io.StringIO()
        with contextlib.redirect_stdout(_Tee(out)):
            print(f"\n## {name}\n")
            importlib.import_module(f"bench.{name}").main()
        parts.append(out.getvalue())
    if options.write is not None:
        options.write.write_text("".join(parts), encoding="utf-8")
    return 0


class _Tee(io.TextIOBase):
    def __init__(self, copy: io.StringIO) -> None:
        self._copy = copy

    def write(self, text: str) -> int:
        self._copy.write(text)
        sys.__stdout__.write(text) if sys.__stdout__ else None
        return len(text)

    def flush(self) -> None:
        if sys.__stdout__:
            sys.__stdout__.flush()


if __name__ == "__main__":
    raise SystemExit(main())
