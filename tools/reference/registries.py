"""The pages of the registries: fields, settings, states, known problems, requirements, and inbox events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec

from tools.reference.markdown import table
from xpm_tui.diagnostics import known_problems, login_problems
from xpm_tui.diagnostics.connection_requirements import CERTAINTIES, READ, REQUIREMENTS
from xpm_tui.domain.errors import KnownProblem
from xpm_tui.domain.fields import COLUMNS, FIELDS, CsvField, Field, Kind
from xpm_tui.domain.formatting import month_name
from xpm_tui.domain.labels import ALL, of_sides
from xpm_tui.domain.reason_labels import AUDIT_FINDINGS, DIFFERENCES, JOB_CAUSES
from xpm_tui.ignition.event_schema import EXAMPLES, KINDS, VERSION
from xpm_tui.ignition.forms import FORMS, RECORD
from xpm_tui.settings.kinds import SettingEntry, format_value
from xpm_tui.settings.schema import SCHEMA, SECTIONS

# -- fields --------------------------------------------------------------------------------------------------

_FIELDS = """\
# Fields

Every field of a client and of a contact that both Ignition and XPM have or that you can edit. The name in the
first column is what commands, settings and JSON call the field. `xpm-tui policy` shows the same table with
what your practice has switched off or frozen.

- **From XPM**, **To XPM**: when a sync brings the field in that direction. *Always* means when the client is
  created and at every sync after that.
- **What to sync**: the choices that bring the field at every sync.
- **Edit**: whether `clients edit`, `contacts edit` and the console's form take it.
"""

_VALUES: dict[Kind, str] = {
    "flag": "yes or no",
    "names": "names separated by `;`",
    "person": "name or e-mail of a team member",
}
_INITIALS = frozenset({"id", "gst", "vat", "url"})
_HEADINGS_SHOWN = 6
"""The number of other headings of a column that are listed; an address has dozens."""


def fields_page() -> str:
    """Return the page of all fields."""
    parts = [_FIELDS]
    head = ("field", "name", "in XPM", "From XPM", "To XPM", "What to sync", "edit")
    for title, record in (("Clients", "client"), ("Contacts", "contact")):
        rows = [
            _field(each)
            for each in FIELDS
            if each.of == record and (each.sync.is_ever_synced or each.editable)
        ]
        parts.append(f"\n## {title}\n\n{table(head, rows)}")
    return "".join(parts)


def _field(field: Field) -> tuple[str, ...]:
    sync = field.sync
    levels = "Everything, Client name only" if sync.name_level else "Everything"
    return (
        f"`{field.name}`",
        field.label,
        f"`{field.element}`" if field.element else "",
        _when(sync.from_creation, sync.from_later),
        _when(sync.to_creation, sync.to_later),
        levels if sync.from_later or sync.to_later else "",
        "yes" if field.editable else "",
    )


def _when(creation: bool, later: bool) -> str:
    if later:
        return "always" if creation else "later"
    return "at creation" if creation else "never"


def csv_table() -> str:
    """Return the table of the clients form: field, heading, other headings."""
    rows = []
    for field in COLUMNS:
        if field.csv is not None:
            values = ", ".join(choice.value for choice in field.choices) or _VALUES.get(field.kind, "")
            heading = field.csv.heading + (f": {values}" if values else "")
            rows.append((f"`{field.name}`", heading, _other_headings(field.csv)))
    return table(("field", "heading", "also known as"), rows)


def _other_headings(csv: CsvField) -> str:
    own = csv.heading.casefold()
    headings = [_capitalised(heading) for heading in csv.also if heading != own]
    text = ", ".join(headings[:_HEADINGS_SHOWN]) + (", ..." if len(headings) > _HEADINGS_SHOWN else "")
    if csv.parts:
        text += f"; or {' with '.join(part.heading for part in csv.parts)}"
    if csv.doubtful:
        text += f"; {', '.join(map(_capitalised, csv.doubtful))}, if its cells contain such values"
    return text


def _capitalised(heading: str) -> str:
    return " ".join(word.upper() if word in _INITIALS else word.title() for word in heading.split())


# -- settings ------------------------------------------------------------------------------------------------

_SETTINGS = """\
# Settings

A setting comes from the first of these that gives it: an option of the command, an environment variable, the
practice's own `settings.toml`, the `settings.toml` for all practices, the default. `xpm-tui settings list`
shows each with its origin; `xpm-tui locate` shows where the files are.

```sh
xpm-tui settings get sync.direction
xpm-tui settings set sync.direction to_xpm
XPM_TUI_SYNC_LEVEL=name xpm-tui settings get sync.level
```

The files are TOML and yours to edit: comments and order survive `settings set`. A key that does not exist or
a value that cannot be is refused with a sentence. An empty environment variable counts as not set.

```toml
[xero]
client_id = "0123456789ABCDEF"

[sync]
off = ["website", "fax"]   # we keep these in Ignition
```

The secret `xero.client_secret` is never shown. It stands in a file that only you can read (mode 0600); an
environment variable keeps it out of the file.
"""


def settings_page() -> str:
    """Return the page of all settings."""
    parts = [_SETTINGS]
    for section, entries in groupby(SCHEMA, key=lambda entry: entry.key.rpartition(".")[0]):
        parts += [f"## {SECTIONS[section]}\n", *map(_setting, entries)]
    return "\n".join(parts)


def _setting(entry: SettingEntry) -> str:
    default = format_value(entry.default)
    return (
        f"### `{entry.key}`\n\n**{entry.label}.** {entry.help}\n\n"
        f"- Value: {entry.kind.words}\n"
        f"- Default: {f'`{default}`' if default else 'empty'}\n"
        f"- Environment: `{entry.env}`\n"
    )


# -- states, marks and rules ---------------------------------------------------------------------------------

_STATES = """\
# States, marks and rules

The console and the tables of the command line show the labels; JSON, settings and options use the codes.
"""


def states_page() -> str:
    """Return the page of all labels."""
    parts = [_STATES]
    tables = {
        **ALL,
        "Why a job is held or failed": ("cause", JOB_CAUSES),
        "What the audit of jobs finds": ("finding", AUDIT_FINDINGS),
        "Why two values differ and stay as they are": ("rule", DIFFERENCES),
    }
    for heading, (name, labels) in tables.items():
        rows = (
            (f"`{code}`", of_sides(each.text, ""), of_sides(each.help, "")) for code, each in labels.items()
        )
        parts.append(f"## {heading}\n\n{table((f'code (`{name}`)', 'label', 'meaning'), rows)}")
    return "\n".join(parts)


# -- known problems ------------------------------------------------------------------------------------------

PROBLEM_SECTIONS: tuple[tuple[str, tuple[KnownProblem, ...]], ...] = (
    ("Signing in and the connection", login_problems.KNOWN_PROBLEMS),
    ("Connection to Xero, and its replies", known_problems.WIRE_PROBLEMS),
    ("The practice and its records", known_problems.RECORD_PROBLEMS),
    ("This machine", known_problems.ENVIRONMENT_PROBLEMS),
)

_PROBLEMS = """\
# Known problems

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


def problems_page() -> str:
    """Return the page of all known problems."""
    lines = [_PROBLEMS]
    for title, problems in PROBLEM_SECTIONS:
        lines += [f"## {title}\n", *(line for problem in problems for line in _problem(problem))]
    return "\n".join(lines)


def _problem(problem: KnownProblem) -> Iterator[str]:
    yield f"### {problem.id}: {problem.title}\n"
    yield f"**Symptom.** {problem.sign}\n"
    yield f"**Cause.** {problem.cause}\n"
    yield "**What to do**" + (", in XPM's new screens:\n" if problem.old_screens else ":\n")
    yield from (f"{number}. {step}" for number, step in enumerate(problem.steps, 1))
    yield ""
    if problem.old_screens:
        yield "In XPM's old screens:\n"
        yield from (f"{number}. {step}" for number, step in enumerate(problem.old_screens, 1))
        yield ""
    if problem.support:
        yield f"{problem.support}\n"


# -- requirements --------------------------------------------------------------------------------------------

_REQUIREMENTS = """\
# What you need to connect

Before you register an app, make sure that you have the right to connect. Xero charges for the \
Practice Manager API; an integration that you use only for your own practice is exempt.

<!-- not run here: it exits with 3 until a client id is set -->
```sh
xpm-tui connect --check
xpm-tui connect --check --json
```

`connect --check` makes no call to Xero. It goes through this list and marks each requirement:

{certainties}

It exits with 3 if a requirement that it checked is not met. To test a connection that exists, run \
`xpm-tui doctor`.

The public pages were last read in {read}. Xero may have changed its prices since.
"""


def requirements_page() -> str:
    """Return the page of what a connection needs."""
    certainties = "\n".join(f"- **{label.text}**: {label.help}" for label in CERTAINTIES.values())
    parts = [_REQUIREMENTS.format(certainties=certainties, read=month_name(READ))]
    for each in REQUIREMENTS:
        since = f" In force since: {each.since}." if each.since else ""
        unconfirmed = f" Not confirmed at a live practice: {each.unconfirmed}" if each.unconfirmed else ""
        parts.append(f"## {each.title}\n\n{each.text}\n\nSource: {each.source}.{since}{unconfirmed}\n")
    return "\n".join(parts)


# -- inbox events --------------------------------------------------------------------------------------------

_EVENTS = """\
# Inbox events

An event is a JSON file in the [inbox](inbox.md): one object, one event, at most 1 MB, in UTF-8. This page
describes version {version}. `xpm-tui inbox schema` prints the same as a JSON Schema.

```sh
xpm-tui inbox schema --json
```
"""

_EVENT_FIELDS = """\
## The fields

The fields and headings are those of the [CSV forms](csv.md), in any spelling: `client_name`,
`Client Name` and `clientName` are one field, and so are `{"client": {"name": …}}` in a proposal and
`client_name`. A blank or missing field changes nothing. A number is read as it is written; `true`
and `false` are yes and no. Other keys are ignored, and `inbox show` names them. If your tool uses other
names, map them with the setting `inbox.map`.
"""
_EVENT_LISTS = """\
Several contacts of a client are a list `contacts`, whose entries have the fields without
`contact_`. The services of a proposal are a list `services` of objects (`service`, `price`,
`start`, …) or of names. An event never removes a contact or a service.
"""

_EVENT_KEYS = (
    ("`event`", "yes", "What happened: see below."),
    ("`at`", "yes", "When it happened, such as `2026-05-04T09:05:00+12:00`, `2026-05-03T21:05:00Z` or "
     "seconds since 1970. A time without a time zone is refused, and so is one that is more than an hour "
     "ahead."),
    ("`version`", "no", f"`{VERSION}`. Without it, version 1 is meant; another version is refused."),
    ("`sequence`", "no", "A number that orders events with the same time."),
    ("`id`", "no", "The sender's id of the event. It is not used: files are known by their content."),
    ("`client` or `proposal`", "no", "The record. Its fields may also be next to `event`."),
)  # fmt: skip


def events_page() -> str:
    """Return the page of the events that the inbox accepts."""
    parts = [_EVENTS.format(version=VERSION)]
    parts.append(f"## The event\n\n{table(('key', 'required', 'meaning'), _EVENT_KEYS)}")
    kinds = ((f"`{kind.name}`", kind.help, ", ".join(f"`{name}`" for name in kind.also)) for kind in KINDS)
    parts.append(f"## What happened\n\n{table(('`event`', 'meaning', 'also understood'), kinds)}")
    for example in EXAMPLES:
        shown = msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
        parts.append(f"```json\n{shown}\n```\n")
    parts.append(_EVENT_FIELDS)
    for name, form in (("client", FORMS["clients"]), ("proposal", FORMS["proposals"])):
        rows = ((f"`{field.name}`", field.heading) for field in form.fields if field.name != RECORD)
        parts.append(f"### Fields of a {name}\n\n{table(('field', 'heading'), rows)}")
    parts.append(_EVENT_LISTS)
    return "\n".join(parts)
