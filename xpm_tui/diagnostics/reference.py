"""Generates the page of all known problems: ``python -m xpm_tui.diagnostics.reference > docs/trouble.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from xpm_tui.diagnostics import known_problems, login_problems
from xpm_tui.domain.errors import KnownProblem

SECTIONS: tuple[tuple[str, tuple[KnownProblem, ...]], ...] = (
    ("Signing in and the connection", login_problems.KNOWN_PROBLEMS),
    ("Connection to Xero, and its replies", known_problems.WIRE_PROBLEMS),
    ("The practice and its records", known_problems.RECORD_PROBLEMS),
    ("This machine", known_problems.ENVIRONMENT_PROBLEMS),
)

_HEAD = """# Known problems

<!-- Made from the problems: `python -m xpm_tui.diagnostics.reference > docs/trouble.md`. Do not edit. -->

Start with the doctor. It checks the connection to Xero, the login, the lists, the data and this machine, one
after another, and names the known problem if it finds one. It only reads: one call for the connections and
five small Practice Manager calls.

**Before you begin**: [connect a practice](connect.md), or [set up a trial](trial.md).

```sh
xpm-tui doctor
xpm-tui cases show T1                   # one known problem, step by step
xpm-tui cases list "invalid scope"      # by words on an error page or in a message
xpm-tui cases seen                      # by what only you can see, such as one of Xero's pages
xpm-tui doctor --bundle support.zip     # for support: shown first, names masked; see bundle.md
```

`doctor` exits with 0 when all is well, otherwise with the code of the first problem. `--from list-staff`
starts with that probe. In the console, choose `doctor` in the palette: `t` tries again from any probe, `h`
lists what only you can see, `b` writes the bundle.

![The doctor: each probe with what it found, the known problem and what to do](pictures/doctor.svg)

Every error names its known problem. In the console, `v` shows what to do. With `--json` the
`error` of a command has
`case`, `case_title`, `steps`, `old_steps` where XPM's old screens differ, and where Xero was asked `call`,
`status` and `correlation`. Each such error is in the log, for the bundle.

Give Xero's support the **time**, the **call** and the **correlation id**:
`xpm-tui log --level warning`, or `errors.json` in the bundle. They identify a single call.
"""


def reference_page() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *(line for title, cases in SECTIONS for line in _section(title, cases))])


def _section(title: str, cases: tuple[KnownProblem, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    for case in cases:
        yield f"### {case.id}: {case.title}\n"
        yield f"**Symptom.** {case.sign}\n"
        yield f"**Cause.** {case.cause}\n"
        yield "**What to do**" + (", in XPM's new screens:\n" if case.old_screens else ":\n")
        yield from (f"{number}. {step}" for number, step in enumerate(case.steps, 1))
        yield ""
        if case.old_screens:
            yield "In XPM's old screens:\n"
            yield from (f"{number}. {step}" for number, step in enumerate(case.old_screens, 1))
            yield ""
        if case.support:
            yield f"{case.support}\n"


if __name__ == "__main__":
    sys.stdout.write(reference_page())
