"""A plain Markdown table, for every bench the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def show(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table; numbers as they come, floats with three figures."""
    lines = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(len(str(h)), *(len(line[i]) for line in lines), 3) for i, h in enumerate(head)]
    print("| " + " | ".join(str(h).ljust(w) for h, w in zip(head, widths, strict=True)) + " |")
    print("| " + " | ".join("-" * w for w in widths) + " |")
    for line in lines:
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |")


def _cell(value: object) -> str:
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 1000
        else str(round(value) if isinstance(value, float) else value)
    )
