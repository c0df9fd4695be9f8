"""What becomes of input that is not as it should be: ``python -m xpm_tui.diagnostics.input_outcomes >
docs/input.md``.

One row for each class of input, by where it comes from. To cover another source, such as Ignition's files or
the machine's environment, add its rows to ``ROWS`` under a source of its own;
``tests/diagnostics/test_input.py`` fails where a row has no example, or where its example ends otherwise than
the row says.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final, Literal

from xpm_tui.domain.quarantine import FAULTS, FaultKind

Outcome = Literal["understood", "field", "record", "list", "refused"]

OUTCOMES: Final[dict[Outcome, str]] = {
    "understood": "Understood: it has only one reading.",
    "field": "The field is set aside: it keeps the value that it had here, and is neither compared nor "
    "written. The other fields of the record are synced.",
    "record": "The record is set aside: it stays as it was here, is not taken for gone, and nothing of it is "
    "written. All other records are synced.",
    "list": "The list is left as it was: nobody is taken for gone, and it does not count as read. The run "
    "goes on without it.",
    "refused": "The reply is refused as a whole: nothing is taken from it, and nothing is written.",
}
"""What becomes of it, in the words of the page."""

_SHOWN: Final[dict[Outcome, str]] = {
    "understood": "nowhere",
    "field": "plan, `sync`, `status`, `doctor`, Overview, Sync, plan review",
    "record": "plan, `sync`, `status`, `doctor`, Overview, Sync, plan review",
    "list": "`connect`, `status`, `doctor`, Overview, the area of the list",
    "refused": "the error of the command, `doctor`, the log",
}
_EXIT: Final[dict[Outcome, str]] = {
    "understood": "0",
    "field": "`sync` 1, the others 0",
    "record": "`sync` 1, the others 0",
    "list": "0; 3 or 7 where a command needs the list",
    "refused": "7",
}


@dataclass(frozen=True)
class InputRow:
    """One class of input: its id, where it comes from, what it is, what becomes of it, and what to do."""

    id: str
    source: str
    input: str
    outcome: Outcome
    remedy: str
    exit_code: str = ""
    shown: str = ""

    @property
    def exits(self) -> str:
        """Return how commands end."""
        return self.exit_code or _EXIT[self.outcome]

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row of the page."""
        return (self.input, self.outcome, self.shown or _SHOWN[self.outcome], self.exits, self.remedy)


XPM: Final = "XPM's replies"
_NOTHING = "Nothing."
_AGAIN = "Try again. If it stays, give Xero's support the correlation id that the error shows."


def _set_aside(outcome: Literal["field", "record"], at: str, kinds: tuple[FaultKind, ...]) -> list[InputRow]:
    return [
        InputRow(f"{outcome}-{kind}", XPM, f"{at}: {FAULTS[kind].title}", outcome, FAULTS[kind].remedy)
        for kind in kinds
    ]


def _refused(id_: str, what: str, remedy: str = _AGAIN, exit_code: str = "") -> InputRow:
    return InputRow(id_, XPM, what, "refused", remedy, exit_code)


ROWS: Final[tuple[InputRow, ...]] = (
    InputRow("order", XPM, "elements in another order, unknown ones, absent ones", "understood", _NOTHING),
    InputRow("form", XPM, "a BOM, a declaration, comments, CDATA, indentation", "understood", _NOTHING),
    InputRow("capitals", XPM, "UUIDs in capitals; yes, true or 1 for Yes", "understood", _NOTHING),
    InputRow("c1", XPM, "C1 control characters, bidirectional marks, emoji", "understood", _NOTHING),
    *_set_aside(
        "field",
        "a field of a client",
        ("missing-uuid", "bad-uuid", "unnamed-member", "twice", "two-values", "not-text", "not-yes-or-no",
         "character"),
    ),
    *_set_aside(
        "record",
        "what a record is known by, in any list",
        ("missing-uuid", "bad-uuid", "missing-name", "twice", "two-values", "not-text", "not-yes-or-no",
         "not-a-number", "not-a-date", "character"),
    ),
    InputRow("single", XPM, "one record, asked for by itself, that cannot be read", "record",
             "Correct it in XPM, as the message says.", "1", "the error of the command"),
    InputRow("list-401-missing", XPM, "a list refused with HTTP 401, its scope not granted", "list",
             "Set xero.scopes and connect again."),
    InputRow("list-401-granted", XPM, "a list refused with HTTP 401 although its scope was granted", "list",
             "Look at the app's developer tier and approval at developer.xero.com."),
    InputRow("list-403", XPM, "a list refused with HTTP 403", "list",
             "Check the permission in XPM of the person who connected."),
    InputRow("list-500", XPM, "a list answered with HTTP 500", "list", _AGAIN),
    _refused("cut", "a reply that is cut short"),
    _refused("malformed", "markup that is broken: a tag that is not closed, a record outside of its list"),
    _refused("outside", "a character that XML does not allow, outside of all records"),
    _refused("not-xml", "no XML, or nothing at all"),
    _refused("web-page", "a web page", "Look for a proxy or an outage page: status.xero.com."),
    _refused("doctype", "a DOCTYPE, entities of its own"),
    _refused("encoding", "another encoding than UTF-8"),
    _refused("type", "another root, no Status, no list where one belongs"),
    _refused("large", "too large or too deep"),
    _refused("error", "Status ERROR", "Read what XPM says; nothing was changed.", "1"),
)  # fmt: skip
"""Every class of input, in the order of the page."""

_HEAD = """\
# Input that is not as it should be

<!-- Made by `python -m xpm_tui.diagnostics.input_outcomes > docs/input.md`. Do not edit. -->

Whatever comes in is understood in the only possible way, set aside by name with a reason, or refused with a
sentence that says where the problem is and what to do next. One odd record never stops a practice.

"""


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD, "| outcome | meaning |\n| --- | --- |\n"]
    parts += [f"| {outcome} | {words} |\n" for outcome, words in OUTCOMES.items()]
    for source in dict.fromkeys(row.source for row in ROWS):
        parts.append(f"\n## {source}\n\n| input | outcome | shown in | exit code | what to do |\n")
        parts.append("| --- | --- | --- | --- | --- |\n")
        parts += [f"| {' | '.join(row.cells)} |\n" for row in ROWS if row.source == source]
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
