"""The outcomes of unexpected input, and their page.

There is one row for each class of input, by its source: XPM's replies, Ignition's files, this computer. To
cover another source, add its rows to ``ROWS``. ``tests/diagnostics/test_input.py`` and
``test_input_files.py`` fail if a row has no example, or if its example has another outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tools.reference.markdown import table
from xpm_tui.domain.xpm import FAULTS, FaultKind

Outcome = Literal["understood", "repaired", "skipped", "field", "record", "row", "list", "refused", "noted"]

OUTCOMES: Final[dict[Outcome, str]] = {
    "understood": "It is understood: it has only one reading.",
    "repaired": "It is repaired, because only one reading is possible: it is read like the correct form.",
    "skipped": "The row is left out with a note. All other rows are imported.",
    "field": "The field is set aside: it keeps the value that it had here, and is neither compared nor "
    "written. The other fields of the record are synced.",
    "record": "The record is set aside: it stays as it was here, does not count as gone, and is not written. "
    "All other records are synced.",
    "row": "The row is refused with its number, its column and the reason. All other rows are imported.",
    "list": "The previous list is still used: no record counts as gone, and the list does not count as "
    "read. The run continues without it.",
    "refused": "It is refused entirely: nothing is read from it, and nothing is written.",
    "noted": "A message names it with its value, and the command continues.",
}
"""The outcomes, in the words of the page."""

_SHOWN: Final[dict[Outcome, str]] = {
    "understood": "nowhere",
    "repaired": "nowhere",
    "skipped": "the report of the import",
    "field": "plan, `sync`, `status`, `doctor`, Overview, Sync, plan review",
    "record": "plan, `sync`, `status`, `doctor`, Overview, Sync, plan review",
    "list": "`connect`, `status`, `doctor`, Overview, the area of the list",
    "row": "the report of the import",
    "refused": "the error of the command, `doctor`, the log",
    "noted": "stderr, `doctor`, Overview",
}
_EXIT: Final[dict[Outcome, str]] = {
    "understood": "0",
    "repaired": "0",
    "skipped": "0",
    "field": "`sync` 1, the others 0",
    "record": "`sync` 1, the others 0",
    "list": "0; 3 or 7 where a command needs the list",
    "row": "1",
    "refused": "7",
    "noted": "0",
}


@dataclass(frozen=True)
class InputRow:
    """A class of input: its id, source, description, outcome, and what to do."""

    id: str
    source: str
    input: str
    outcome: Outcome
    remedy: str
    exit_code: str = ""
    shown: str = ""

    @property
    def exits(self) -> str:
        """Return the exit codes of commands that meet such input."""
        return self.exit_code or _EXIT[self.outcome]

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells of its row on the page."""
        return (self.input, self.outcome, self.shown or _SHOWN[self.outcome], self.exits, self.remedy)


XPM: Final = "XPM's replies"
FILES: Final = "Ignition's files"
MACHINE: Final = "This machine"
_NOTHING = "Nothing."
_AGAIN = "Try again. If the problem persists, give Xero's support the correlation id that the error shows."


def _set_aside(outcome: Literal["field", "record"], at: str, kinds: tuple[FaultKind, ...]) -> list[InputRow]:
    return [
        InputRow(f"{outcome}-{kind}", XPM, f"{at}: {FAULTS[kind].title}", outcome, FAULTS[kind].remedy)
        for kind in kinds
    ]


def _refused(id_: str, what: str, remedy: str = _AGAIN, exit_code: str = "") -> InputRow:
    return InputRow(id_, XPM, what, "refused", remedy, exit_code)


def _file(id_: str, what: str, outcome: Outcome, remedy: str = _NOTHING) -> InputRow:
    if outcome == "refused":
        return InputRow(f"file-{id_}", FILES, what, outcome, remedy, "2", "the error of the command, the log")
    return InputRow(f"file-{id_}", FILES, what, outcome, remedy)


def _machine(id_: str, what: str, exit_code: str, remedy: str) -> InputRow:
    return InputRow(f"machine-{id_}", MACHINE, what, "refused", remedy, exit_code)


_UTF8 = "Save it as CSV UTF-8, or name its encoding with --encoding."
_FIX = "Correct the cell and import the file again."
_TEXT = "Format the column as text in the spreadsheet, and export the file again."
_VARIABLE = "Correct or unset the variable that the message names."

ROWS: Final[tuple[InputRow, ...]] = (
    InputRow("order", XPM, "elements in another order, unknown or missing elements", "understood", _NOTHING),
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
        "the id, name or type of a record, in any list",
        ("missing-uuid", "bad-uuid", "missing-name", "missing-number", "twice", "two-values", "not-text",
         "not-yes-or-no", "not-a-number", "not-a-date", "character"),
    ),
    InputRow("single", XPM, "a single record, requested by id, that cannot be read", "record",
             "Correct it in XPM, as the message says.", "1", "the error of the command"),
    InputRow("list-401-missing", XPM, "a list refused with HTTP 401, its scope not granted", "list",
             "Set xero.scopes and connect again."),
    InputRow("list-401-granted", XPM, "a list refused with HTTP 401 although its scope was granted", "list",
             "Check the app's developer tier and approval at developer.xero.com."),
    InputRow("list-403", XPM, "a list refused with HTTP 403", "list",
             "Check the permission in XPM of the person who connected."),
    InputRow("list-500", XPM, "a list answered with HTTP 500", "list", _AGAIN),
    _refused("cut", "a reply that is cut short"),
    _refused("malformed", "broken markup: a tag that is not closed, a record outside its list"),
    _refused("outside", "a character that XML does not allow, outside all records"),
    _refused("not-xml", "a reply that is empty or not XML"),
    _refused("web-page", "a web page", "Check for a proxy, and for an outage at status.xero.com."),
    _refused("doctype", "a DOCTYPE, or entities of its own"),
    _refused("encoding", "an encoding other than UTF-8"),
    _refused("type", "a wrong root element, no Status, or no list where one is expected"),
    _refused("large", "a reply that is too large or nested too deeply"),
    _refused("error", "Status ERROR", "Read XPM's message; nothing was changed.", "1"),
    _file("form", "a BOM, UTF-16, `sep=;`, other line ends and delimiters, headings in any case",
          "understood"),
    _file("columns", "columns in another order, columns with neither heading nor values", "understood"),
    _file("same", "a row that is there twice, a file that was imported before", "understood"),
    _file("encoding", "Windows-1252 or Mac Roman whose words make sense in one of them only", "understood"),
    _file("dates", "dates in one form, with a time of day, a weekday or the name of a month", "understood"),
    _file("invisible", "invisible characters: zero-width spaces, soft hyphens, direction marks",
          "repaired"),
    _file("blanks", "other kinds of blank, blanks around a value, decomposed accents", "repaired"),
    _file("formula", """`="021"` and `'+64`, as spreadsheets keep a text""", "repaired"),
    _file("heading", "the headings repeated in the middle of the file", "skipped"),
    _file("totals", "a row of totals: a word for it and numbers", "skipped"),
    _file("error-word", "an error word of a spreadsheet in place of a value", "row", _FIX),
    _file("lost", "a lost character (U+FFFD), a NUL byte", "row", "Export the file again as CSV UTF-8."),
    _file("id", "an id that a spreadsheet has changed: rounded, shortened, turned into a date, zeros lost",
          "row",
          _TEXT),
    _file("phone", "a phone number that a spreadsheet has shortened", "row", _TEXT),
    _file("email", "a value that is not an e-mail address", "row", _FIX),
    _file("date",
          "a date with a time zone, with text after it, of an unclear century, or not in the calendar",
          "row",
          "Write the date as 2026-04-01 and import the file again."),
    _file("mixed-dates", "a date that has two readings, in a file with dates of both kinds", "row",
          "Write the dates of the file in one form, such as 2026-04-01."),
    _file("nearly-headings", "a row in which only most cells are headings; `Total` alone", "row",
          "Delete the row, or correct its cells."),
    _file("nameless", "a new client without a name", "row", _FIX),
    _file("cells", "more cells than headings, a cell over 32,767 characters", "row", _FIX),
    _file("contradiction", "rows of one proposal that contradict each other", "row",
          "Correct the rows that the report names."),
    _file("empty", "an empty file, no heading for a client", "refused",
          "Export the file again, or name its columns with --map."),
    _file("binary", "a workbook, an archive, a PDF, a web page", "refused",
          "Save it as CSV UTF-8 and import that file."),
    _file("damaged", "UTF-8 with damaged characters, an encoding that cannot be determined", "refused",
          _UTF8),
    _file("device", "a device, a folder, a file that is not there", "refused",
          "Name the CSV file that Ignition exported."),
    _file("large", "a file over 256 MB, or without a line end for 4 MB", "refused",
          "Split it into smaller files and import them one after another."),
    InputRow("machine-no-proxy", MACHINE, "entries of `NO_PROXY` of any form: `fe11::/16`, `[::1]`, `.a.nz`",
             "understood", _NOTHING),
    InputRow("machine-rate-limiter", MACHINE, "a damaged file of the rate limiter", "noted",
             "Nothing: one call finds out what is left, and a wait is shown."),
    InputRow("machine-local", MACHINE,
             "a variable that cannot be used, where all servers are on this machine",
             "noted", _VARIABLE),
    InputRow("machine-stdin-ended", MACHINE, "standard input ends or is closed while the browser signs in",
             "understood", "Finish in the browser: `connect` waits for it for 5 minutes."),
    _machine("stdin-closed", "a file expected on standard input, which is closed", "2",
             "Name a file, or redirect a file to standard input."),
    _machine("proxy", "a proxy variable that holds no address, or a kind of proxy that is not supported", "7",
             _VARIABLE),
    _machine("socks", "`ALL_PROXY=socks5://…` without the extra `socks`", "7", "Install `xpm-tui[socks]`."),
    _machine("socks-fault", "a SOCKS proxy that refuses, hangs up or does not answer", "7",
             "Check the proxy that the message names, or unset the variable."),
    _machine("certificates", "`SSL_CERT_FILE` or `SSL_CERT_DIR` that is not there, or holds no certificate",
             "7",
             _VARIABLE),
    _machine("no-locks", "a file system without locks (ENOLCK, ENOSYS, EOPNOTSUPP)", "8",
             "Keep the files on a local disk: --home DIR, or XPM_TUI_HOME."),
    _machine("disk", "a disk that is full, over its quota or read-only", "8",
             "Free some space, then try again."),
    _machine("no-home", "a uid without a name, and no HOME", "2",
             "Name a folder: --home DIR, or XPM_TUI_HOME."),
    _machine("controls", "control characters and line ends in a path", "2", "Use a path without them."),
    _machine("open-folder", "a parent folder, up to the root, that others may write to", "2",
             "Run the chmod that the message gives."),
    _machine("foreign-folder", "a folder, file or link in the path that belongs to another account", "2",
             "Run the chown that the message gives, or use a folder of your own."),
    _machine("open-settings", "a settings file that others may write to", "2",
             "Run the chmod that the message gives."),
    _machine("pasted", "a pasted address with too many fields, of another sign-in, or of no address at all",
             "2",
             "Paste the address that the browser ended up at."),
    _machine("terminal", "the console without a terminal, or with TERM=dumb", "2",
             "Use a command, or connect with ssh -t."),
)  # fmt: skip
"""Every class of input, in the order of the page."""

_HEAD = """\
# Input that is not as it should be

Whatever comes in is understood in the only possible way, set aside by name with a reason, or refused with a
sentence that says where the problem is and what to do next. One odd record never stops a practice.

"""


def input_page() -> str:
    """Return the page of all classes of input."""
    parts = [_HEAD, table(("outcome", "meaning"), OUTCOMES.items())]
    head = ("input", "outcome", "shown in", "exit code", "what to do")
    for source in dict.fromkeys(row.source for row in ROWS):
        rows = (row.cells for row in ROWS if row.source == source)
        parts.append(f"\n## {source}\n\n{table(head, rows)}")
    return "".join(parts)
