"""The reference page of all labels: ``python -m xpm_tui.domain.labels_reference > docs/states.md``."""

from __future__ import annotations

import sys

from xpm_tui.domain.labels import ALL, Label, of_sides
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS, DIFFERENCES, JOB_CAUSES

_HEAD = """\
# States, marks and rules

<!-- Made from the labels: `python -m xpm_tui.domain.labels_reference > docs/states.md`. Do not edit. -->

The console and the tables of the command line show the labels; JSON, settings and options use the codes.
"""


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    tables = {
        **ALL,
        "Why a job is held or failed": ("cause", JOB_CAUSES),
        "What the audit of jobs finds": ("finding", AUDIT_FINDINGS),
        "Why two values differ and stay as they are": ("rule", DIFFERENCES),
    }
    for heading, (name, labels) in tables.items():
        rows = (_row(code, label) for code, label in labels.items())
        parts.append(
            f"## {heading}\n\n| code (`{name}`) | label | meaning |\n| --- | --- | --- |\n{''.join(rows)}"
        )
    return "\n".join(parts)


def _row(code: str, label: Label) -> str:
    text = of_sides(label.text, "")
    return f"| `{code}` | {text} | {of_sides(label.help, '')} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
