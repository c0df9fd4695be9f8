"""Writes the pages that list fields, from the field registry.

``python -m xpm_tui.sync.field_reference > docs/fields.md`` makes the page of all fields; the table of the
clients form in ``docs/csv.md`` is :func:`csv_table`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from xpm_tui.domain.fields import COLUMNS, FIELDS, CsvField, Field, Kind

_HEAD = """\
# Fields

<!-- Made from the field registry: `python -m xpm_tui.sync.field_reference > docs/fields.md`. Do not edit. -->

Every field of a client and of a contact that both Ignition and XPM have or that you can edit. The name in the
first column is what commands, settings and JSON call the field. `xpm-tui policy` shows the same table with
what your practice has switched off or frozen.

- **From XPM**, **To XPM**: when a sync brings the field in that direction. *Always* means when the client is
  created and at every sync after that.
- **What to sync**: the choices that bring the field at every sync.
- **Edit**: whether `clients edit`, `contacts edit` and the console's form take it.
"""

_CELLS: dict[Kind, str] = {
    "flag": "yes or no",
    "names": "names separated by `;`",
    "person": "name or e-mail of a team member",
}
_INITIALS = frozenset({"id", "gst", "vat", "url"})
_SHOWN = 6
"""The number of other headings of a column that are listed; an address has dozens."""


def page() -> str:
    """Return the page of all fields as Markdown."""
    parts = [_HEAD]
    for title, record in (("Clients", "client"), ("Contacts", "contact")):
        rows = [
            field for field in FIELDS if field.of == record and (field.sync.is_ever_synced or field.editable)
        ]
        parts.append(f"\n## {title}\n\n" + "\n".join(_table(rows)) + "\n")
    return "".join(parts)


def csv_table() -> str:
    """Return the table of the clients form as Markdown: field, heading, other headings."""
    lines = ["| field | heading | also known as |", "| --- | --- | --- |"]
    for field in COLUMNS:
        if field.csv is not None:
            heading = field.csv.heading + (f": {_cell(field)}" if _cell(field) else "")
            lines.append(f"| `{field.name}` | {heading} | {_also(field.csv)} |")
    return "\n".join(lines) + "\n"


def _table(fields: list[Field]) -> Iterator[str]:
    yield "| field | name | in XPM | From XPM | To XPM | What to sync | edit |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for field in fields:
        sync = field.sync
        levels = "Everything, Client name only" if sync.name_level else "Everything"
        later = sync.from_later or sync.to_later
        cells = (
            f"`{field.name}`",
            field.label,
            f"`{field.element}`" if field.element else "",
            _when(sync.from_creation, sync.from_later),
            _when(sync.to_creation, sync.to_later),
            levels if later else "",
            "yes" if field.editable else "",
        )
        yield f"| {' | '.join(cells)} |"


def _when(creation: bool, later: bool) -> str:
    if later:
        return "always" if creation else "later"
    return "at creation" if creation else "never"


def _cell(field: Field) -> str:
    if field.kind == "choice":
        return ", ".join(choice.value for choice in field.choices)
    return _CELLS.get(field.kind, "")


def _also(csv: CsvField) -> str:
    own = csv.heading.casefold()
    words = [_spoken(word) for word in csv.also if word != own]
    text = ", ".join(words[:_SHOWN]) + (", ..." if len(words) > _SHOWN else "")
    if csv.parts:
        text += f"; or {' with '.join(part.heading for part in csv.parts)}"
    if csv.doubtful:
        text += f"; {', '.join(map(_spoken, csv.doubtful))}, if its cells contain such values"
    return text


def _spoken(heading: str) -> str:
    return " ".join(word.upper() if word in _INITIALS else word.title() for word in heading.split())


if __name__ == "__main__":
    sys.stdout.write(page())
