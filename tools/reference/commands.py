"""The pages of the command line (commands, exit codes, JSON answers), and the index of verbs."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import click

import xpm_tui
from tools.reference.man_page import EXITS, arguments_of, options_of
from tools.reference.markdown import escaped, table
from xpm_tui.cli.console import NoConsole
from xpm_tui.cli.json_answers import answer_schemas
from xpm_tui.cli.main import build_root
from xpm_tui.commands import registry
from xpm_tui.domain.errors import AppError
from xpm_tui.lazy import load

_VERBS = """\
# Commands

`xpm-tui` without a command opens the console. Everything that the console does is also a command. Replace the
words in capitals. `xpm-tui VERB --help` or `xpm-tui help VERB` shows the same as this page; `man xpm-tui` has
all of it offline.

Data goes to standard output, messages to standard error. With `--json`, the last line is one object: see
[JSON](json.md). The [exit code](exit-codes.md) says how a command ended. Output has no colours and no
pager: a pipe gets whole lines and uncut tables, a terminal gets tables that fit. `-` as a file is standard
input or output. Every list has `--limit` (`-L`) and counts what it leaves out. Many commands that change
something have `--dry-run` (`-n`), and those that cannot be undone ask first. `ls` is another name for `list`,
`rm` of `delete`.

## Global options

They can come before or after the words of a command.
"""

_CODES = """\
# Exit codes

Every command ends with one of these. In a script, 0 means that nothing is left to do.
"""

_ERRORS = """
`status` exits with 3 (login needed), 4 (held for you) or 1 (failed or stale), so that monitoring can
tell them apart:

**Before you begin**: [connect a practice](connect.md), or [set up a trial](trial.md).

```sh
xpm-tui status --json
```

## Error codes in JSON

With `--json`, `error.code` says more precisely what happened, and `error.message` and `error.hint` say
it in words.
"""

_MEANINGS = {
    "access-denied": "Xero refuses access: the practice is not connected, or the person lost the permission",
    "allowance": "the day's calls to Xero are used up; the message says when you can continue",
    "bad-input": "something that was typed or read from a file cannot be used",
    "bad-reply": "Xero's reply is damaged, or is not a reply of the API",
    "book-unreadable": "the stored data cannot be read",
    "busy": "another process is using the practice",
    "create-waits": "nothing was created, because a record of the same or a similar name exists",
    "disk": "the disk could not be written",
    "edit-conflict": "someone else is changing the record in XPM at this moment",
    "held": "a decision is needed: the guard, a conflict, a choice between several practices",
    "login-needed": "there is no login, or Xero no longer accepts it",
    "not-found": "no record has this id, number, address or name",
    "out-of-reach": "no usable reply from Xero: no network, a time-out, or an outage",
    "outcome-unknown": "a change was sent to XPM and no reply came, so it may have taken effect",
    "overtaken": "someone else changed the same record meanwhile; nothing was written",
    "plan-refused": "the plan no longer applies: settings, scopes or the practice have changed",
    "read-only": "the call would have written something in read-only mode",
    "record-missing": "XPM no longer has the record",
    "refused": "XPM refused the change, and the message says why",
    "commit-interrupted": "the connection to the database was lost while saving, and nothing was saved",
    "run-lock-lost": "the connection to the database was lost, and another process has taken over the run",
    "scope-missing": "the login lacks the scope for this call",
    "staff-there": "XPM has staff with this e-mail address, or the same or a similar name",
    "still-written": "a file of the inbox changed while it was read; nothing of it was imported",
    "stopped": "an import was stopped before anything was written",
    "store-unreachable": "the database that holds the practice does not answer, or refuses the connection",
    "trouble": "any other problem",
    "trouble-found": "the doctor found a problem; the exit code is that of the first one",
    "unexpected": "an internal error of xpm-tui",
    "unreadable-record": "one record of Xero's reply cannot be read; the others are not affected",
    "unsendable-value": "a value cannot be sent to XPM as it is; nothing was sent",
    "usage": "the words or options of the command cannot be used",
    "wire": "a call to Xero failed",
}
"""The meaning of each error code for users; a missing one is an error."""

_JSON = """\
# JSON

Every command takes `--json`. The last line on standard output is then one object in ASCII. It is what
scripts can rely on: a key is never removed or given another meaning without a note under *What scripts
need to know* in the [release notes](changes.md). Keys may be added.

**Before you begin**: [connect a practice](connect.md), or [set up a trial](trial.md).

```sh
xpm-tui status --json
xpm-tui schema status
```

`xpm-tui schema VERB` prints the JSON schema (draft 2020-12) of a verb's answer, `xpm-tui schema` that of
all verbs; this site has it as [one file](schema/answers.json).

The schemas are not written by hand: they are inferred from the answers that the project's tests get from a
local Xero. They describe every key and type that was seen. A key is required if every successful answer had
it. The tests fail if an answer lacks a required key, has a key that is not described or a value of another
type. A case that no test covers may still differ: a list that was always empty has items of any type, and a
required key may be absent. Let your script accept unknown keys.

## Choose fields

```sh
xpm-tui clients list --json id,name,link_state --limit 5
xpm-tui status --json=linked,connected
```

`--json FIELD,...` prints only these fields of each item, or of the answer itself, besides those that every
answer has. A field that the answer cannot have is refused with the list of those that it can have, and
nothing is done. Write `--json=FIELD` with one field if the command takes further words
(`clients freeze c1 city --json=frozen`).

## What every answer has

| Key | Meaning |
| --- | --- |
| `ok` | true if the command did what was asked; false together with `error` |
| `items`, `count` | of a list: its records and their number |
| `more` | of a list that `--limit` has cut: the number of records left out |
| `condition`, `conditions` | whether stored data can be relied on: the worst condition, and all of them |
| `error` | what went wrong: `code`, `message`, `hint`. See [exit codes](exit-codes.md) |

Times are in UTC and ISO 8601, dates `YYYY-MM-DD`. A value that does not exist is `null` or an empty
text.

Commands that take long (`connect`, `sync`, `log`) write one object for each event before the last line.
Read line by line; the last line is the answer.

## Answers by verb

The type follows the name, unless it is text. `[]` marks a list, `*` any key.
"""


def verbs_page() -> str:
    """Return the page of all verbs with their arguments, options and examples."""
    tree = build_root(NoConsole())
    context = click.Context(tree, info_name="xpm-tui")
    lines = [_VERBS, *_terms(options_of(tree, context, shared=True))]
    for name in sorted(tree.commands):
        lines += [f"\n## {name}\n", *_verb(tree.commands[name], context, (name,), "###")]
    return "\n".join(lines) + "\n"


def _verb(command: click.Command, above: click.Context, words: tuple[str, ...], head: str) -> Iterator[str]:
    context = click.Context(command, info_name=words[-1], parent=above)
    yield escaped(command.help or "")
    if command.callback is not None:
        arguments = arguments_of(command, context)
        yield f"\n`{' '.join(['xpm-tui', *words, *(name for name, _ in arguments)])}`\n"
        rows = [*arguments, *options_of(command, context, shared=False)]
        yield from (*_terms(rows), *([""] if rows else []))
        if command.epilog:
            yield "\n".join(["```text", *command.epilog.splitlines(), "```"])
    if isinstance(command, click.Group):
        for name in command.commands:
            yield f"\n{head} {' '.join((*words, name))}\n"
            yield from _verb(command.commands[name], context, (*words, name), head + "#")


def _terms(rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield "| | |\n| --- | --- |"
    for term, meaning in rows:
        yield f"| `{term.replace('|', ', ')}` | {escaped(meaning)} |"


def codes_page() -> str:
    """Return the page of exit codes and error codes."""
    codes = table(("Code", "Meaning"), ((code, escaped(meaning)) for code, meaning in EXITS))
    errors = ((f"`{code}`", str(number), _MEANINGS[code]) for code, number in sorted(_errors()))
    return f"{_CODES}\n{codes}{_ERRORS}\n{table(('`error.code`', 'Exit code', 'Meaning'), errors)}"


def _errors() -> set[tuple[str, int]]:
    """Return the code of each error class, with its exit code."""
    for found in pkgutil.walk_packages(xpm_tui.__path__, "xpm_tui."):
        if not found.name.endswith("__main__"):
            load(importlib.import_module(found.name))

    def walk(kind: type[AppError]) -> Iterator[type[AppError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from walk(each)

    return {(each.code, each.exit_code) for each in walk(AppError) if each.__module__.startswith("xpm_tui.")}


def json_page() -> str:
    """Return the page of each verb's JSON answer."""
    lines = [_JSON.rstrip("\n")]
    for name, schema in answer_schemas()["$defs"].items():
        if "title" not in schema or name == "(program)":
            continue
        lines += [f"\n### {name}\n", *(f"- {line}" for line in _described(schema))]
        if "x-events" in schema:
            lines += ["\nEvents before it:\n", *(f"- {line}" for line in _described(schema["x-events"]))]
    return "\n".join(lines) + "\n"


_SHARED = frozenset({"ok", "condition", "conditions", "error", "count"})


def _described(schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield a line for each object in an answer: its path and its keys."""
    keys = [
        f"`{key}`{_kind(below)}"
        for key, below in sorted(schema.get("properties", {}).items())
        if where or key not in _SHARED
    ]
    keys += ["`*`" + _kind(schema["additionalProperties"])] if "additionalProperties" in schema else []
    if keys:
        yield (f"`{where}`: " if where else "") + ", ".join(keys)
    elif not where:
        yield "only what every answer has"
    for key, below in sorted(schema.get("properties", {}).items()):
        if where or key not in _SHARED:
            yield from _below(below, f"{where}.{key}" if where else key)
    if "additionalProperties" in schema:
        yield from _below(schema["additionalProperties"], f"{where}.*" if where else "*")


def _below(schema: dict[str, Any], where: str) -> Iterator[str]:
    items = schema.get("items", {})
    if "properties" in items or "additionalProperties" in items:
        yield from _described(items, f"{where}[]")
    if "properties" in schema or "additionalProperties" in schema:
        yield from _described(schema, where)


def _kind(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", [])
    listed = [kinds] if isinstance(kinds, str) else kinds
    named = [kind for kind in listed if kind not in ("null", "string")]
    return f" ({' or '.join(named)})" if named else ""


_INDEX = '''\
"""The first words of all verbs: their short help, and the modules of commands that define them.

One verb, or the first screen, starts without loading the others. Generated by ``python -m tools.reference``;
do not edit.
"""

VERBS: dict[str, tuple[str, tuple[str, ...]]] = {{
{rows}}}

OLD_NAMES = {{{old}}}
"""Earlier first words with their replacements."""

AREAS: dict[str, tuple[str, ...]] = {{
{areas}}}
"""The areas of the console with the modules that define commands with a key there."""
'''


def index_module() -> str:
    """Return the source of ``xpm_tui/commands/verb_index.py``."""
    modules = registry.modules_by_verb()
    rows = []
    for word, command in sorted(build_root(NoConsole()).commands.items()):
        title, defining = _quoted(command.get_short_help_str(200)), _tuple(modules.get(word, ()))
        rows.append(f"    {_quoted(word)}: (\n        {title},\n        {defining},\n    ),\n")
    old = [
        f"{_quoted(words[0])}: {_quoted(new)}" for words, new in registry.RENAMED.items() if len(words) == 1
    ]
    areas = [
        f"    {_quoted(area)}: (\n" + "".join(f"        {_quoted(name)},\n" for name in names) + "    ),\n"
        for area, names in registry.modules_by_area().items()
    ]
    return _INDEX.format(rows="".join(rows), old=", ".join(old), areas="".join(areas))


def _tuple(names: tuple[str, ...]) -> str:
    return f"({', '.join(map(_quoted, names))}{',' if len(names) == 1 else ''})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
