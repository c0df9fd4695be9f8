"""Writes the page of all known troubles: ``python -m xpm_tui.diagnostics.reference > docs/trouble.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from xpm_tui.diagnostics.known_problems import environment, login, records
from xpm_tui.diagnostics.known_problems.problem import Case

SECTIONS: tuple[tuple[str, tuple[Case, ...]], ...] = (
    ("Signing in and the connection", login.CASES),
    ("The way to Xero, and its answers", environment.WIRE_CASES),
    ("The practice and its records", records.CASES),
    ("This machine", environment.CASES),
)

_HEAD = """# Trouble

<!-- Made from the cases: `python -m xpm_tui.diagnostics.reference > docs/trouble.md`. Do not edit. -->

Begin with the doctor. It looks at the way to Xero, the login, the lists, the book and this machine, one after
another, and names the case of what it finds. It only reads; with a login it makes five small calls.

```sh
xpm-tui doctor
xpm-tui cases show T1                   # one case with its clicks
xpm-tui cases list "invalid scope"      # by words that stand on a page or in a line
xpm-tui cases seen                      # by what only you can see, such as a page of Xero's
xpm-tui doctor --bundle support.zip     # for support: shown first, names masked; see bundle.md
```

`doctor` ends with 0 when all is well, else as the first trouble does. `--from list-staff` begins
with that probe. In the console it is `doctor` in the palette: `t` tries again from any probe, `h` is the
list of what only you can see, `b` the bundle.

![The doctor: each probe with what it found, the case and the way out](pictures/doctor.svg)

Every error names its case. In the console `v` shows the way out. With `--json` the `error` of a verb has
`case`, `case_title`, `steps`, `old_steps` where XPM's old screens differ, and where Xero was asked `call`,
`status` and `correlation`. Each such error is in the log, for the bundle.

To Xero's support give the **time**, the **call** and the **correlation id**:
`xpm-tui log --level warning`, or `errors.json` of the bundle. They can find one call by it.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for title, cases in SECTIONS for line in _section(title, cases))])


def _section(title: str, cases: tuple[Case, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    for case in cases:
        yield f"### {case.id}: {case.title}\n"
        yield f"**Sign.** {case.sign}\n"
        yield f"**Cause.** {case.cause}\n"
        yield "**Way out**" + (", in XPM's new screens:\n" if case.old_screens else ":\n")
        yield from (f"{number}. {step}" for number, step in enumerate(case.steps, 1))
        yield ""
        if case.old_screens:
            yield "In XPM's old screens:\n"
            yield from (f"{number}. {step}" for number, step in enumerate(case.old_screens, 1))
            yield ""
        if case.support:
            yield f"{case.support}\n"


if __name__ == "__main__":
    sys.stdout.write(page())
