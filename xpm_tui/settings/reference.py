"""Generates the reference page of all settings: ``python -m xpm_tui.settings.reference``."""

from __future__ import annotations

import sys
from itertools import groupby

from xpm_tui.settings.kinds import SettingEntry, format_value
from xpm_tui.settings.schema import SCHEMA, SECTIONS

_HEAD = """\
# Settings

<!-- Made from the schema: `python -m xpm_tui.settings.reference > docs/settings.md`. Do not edit. -->

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


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for section, entries in groupby(SCHEMA, key=_section):
        parts.append(f"## {SECTIONS[section]}\n")
        for entry in entries:
            parts.append(_entry(entry))
    return "\n".join(parts)


def _section(entry: SettingEntry) -> str:
    return entry.key.rpartition(".")[0]


def _entry(entry: SettingEntry) -> str:
    default = format_value(entry.default)
    return (
        f"### `{entry.key}`\n\n**{entry.label}.** {entry.help}\n\n"
        f"- Value: {entry.kind.words}\n"
        f"- Default: {f'`{default}`' if default else 'empty'}\n"
        f"- Environment: `{entry.env}`\n"
    )


if __name__ == "__main__":
    sys.stdout.write(render())
