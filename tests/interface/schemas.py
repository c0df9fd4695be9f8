"""The published schema of every verb's answer, inferred from the answers of the scripts.

``python -m tests.interface.schemas`` runs the scripts and writes ``xpm_tui/cli/answer_schemas.json``. What
the scripts have shown once stays in the schema: a key or a type is added, never lost, unless
``--from-scratch`` is given. A key is required if every answer has had it. The test of the scripts compares
each answer with it, and so do the tests of the verbs: with ``XPM_TUI_RECORD_ANSWERS=FILE`` they add theirs to
a file, which ``--with FILE`` adds to the schema.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.interface import product
from tests.support.command import Done

FILE = product.PACKAGE / "cli" / "answer_schemas.json"
REFRESH = "python -m tests.interface.schemas"
SHARED = ("condition", "conditions", "error")
"""Keys of every answer that are described once."""
ORDER = ("null", "boolean", "integer", "number", "string", "array", "object")
BY_MACHINE = ("doctor",)
"""What they answer depends on the machine."""
Schema = dict[str, Any]
_NAME = re.compile(r"[a-z]{2,}(_[a-z]+)*")
_PUBLISHED: Schema = {}
_RECORD = os.environ.get("XPM_TUI_RECORD_ANSWERS", "")
HEARD: dict[str, list[tuple[str, Done]]] = {}
"""What each script answered in this process."""


def read() -> Schema:
    """The published schema; empty where there is none yet."""
    found: Schema = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    _PUBLISHED.update(found)
    return found


def verb(line: str) -> str:
    """The verb of a typed line, by its name of today."""
    words = [word for word in shlex.split(line) if not word.startswith("--")]
    known = _verbs()
    for size in range(len(words), 0, -1):
        if (name := " ".join(words[:size])) in known:
            return known[name]
    return ""


def _verbs() -> dict[str, str]:
    if not _KNOWN:
        names: dict[int, str] = {}
        for words, command in product.commands():
            names.setdefault(id(command), words)
            _KNOWN[words] = names[id(command)]
        _KNOWN.update(product.other_names())
        for words, default in product.default_verbs().items():
            _KNOWN[words] = _KNOWN.get(default, default)
        _KNOWN.pop("", None)
    return _KNOWN


_KNOWN: dict[str, str] = {}


def infer(values: Iterable[Any], before: Schema | None = None) -> Schema:
    """The schema that all these values, and those of the schema before, agree with."""
    schema: Schema = {} if before is None else before
    for value in values:
        _add(schema, value)
    return schema


def _add(schema: Schema, value: Any) -> None:
    kinds = set(_types(schema)) | {_type(value)}
    if {"integer", "number"} <= kinds:
        kinds.remove("integer")
    listed = [kind for kind in ORDER if kind in kinds]
    schema["type"] = listed[0] if len(listed) == 1 else listed
    if isinstance(value, list):
        items = schema.setdefault("items", {})
        for each in value:
            _add(items, each)
    elif isinstance(value, dict):
        keys = {key for key in value if _NAME.fullmatch(key)}
        known = schema.get("required", keys)
        for key, below in value.items():
            if key in keys:
                _add(schema.setdefault("properties", {}).setdefault(key, {}), below)
            else:  # ids, headings of files and the like are data
                _add(schema.setdefault("additionalProperties", {}), below)
        if keys or "properties" in schema:
            schema["required"] = sorted(keys.intersection(known))


def _type(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _types(schema: Schema) -> list[str]:
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else found


def complaints(schema: Schema, value: Any, where: str = "", *, lax: bool = False) -> Iterator[str]:
    """Where a value differs from a schema: a type that is not named, or a key that is not described.

    ``lax``: where no value was ever seen, as in a list that was always empty, anything may come.
    """
    if lax and not schema.keys() - {"required"}:
        return
    kinds, kind = _types(schema) or ["null"], _type(value)
    if kind not in kinds and not (kind == "integer" and "number" in kinds):
        yield f"{where or '.'} is {kind}, not {' or '.join(kinds)}"
    elif isinstance(value, list):
        for each in value:
            yield from complaints(schema.get("items", {}), each, f"{where}[]", lax=lax)
    elif isinstance(value, dict):
        missing = {*schema.get("required", ())} - value.keys()
        if value.get("ok") is True:
            missing |= {*schema.get("then", {}).get("required", ())} - value.keys()
        yield from (f"{where}.{key} is missing" for key in sorted(missing))
        for key, below in value.items():
            described = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if described is None:
                yield f"{where}.{key} is not described"
            else:
                yield from complaints(described, below, f"{where}.{key}", lax=lax)


def resolved(schema: Schema, whole: Schema) -> Schema:
    """A verb's schema with what all answers share in its place."""
    properties = schema.get("properties", {})
    shared = {key: whole["$defs"][key] for key in SHARED if key in properties}
    return {**schema, "properties": {**properties, **shared}}


def check(script: str) -> list[str]:
    """What the answers of a script differ in from the published schema."""
    whole = read()
    return sorted({reported for line, done in HEARD[script] for reported in differences(whole, line, done)})


def differences(whole: Schema, line: str, done: Done, *, lax: bool = False) -> Iterator[str]:
    """What one answer differs in from the published schema."""
    if line.startswith(BY_MACHINE):
        return
    described = whole.get("$defs", {}).get(verb(line) or "(program)")
    if described is None:
        yield f"{line}: the schema has no '{verb(line)}'"
        return
    *events, answer = done.lines
    yield from (f"{line}: {each}" for each in complaints(resolved(described, whole), answer, lax=lax))
    one_event = described.get("x-events", {})
    yield from (f"{line}: event {each}" for one in events for each in complaints(one_event, one, lax=lax))


def build(before: Schema) -> Schema:
    """The schema of all that was answered in this process."""
    known = before.get("$defs", {})
    shared = {key: dict(known.get(key, {})) for key in SHARED}
    verbs: dict[str, Schema] = {name: dict(each) for name, each in known.items() if name not in SHARED}
    commands = dict(product.commands())
    for line, done in (each for reported in HEARD.values() for each in reported):
        name = verb(line) or "(program)"
        schema = verbs.setdefault(name, {})
        *events, answer = done.lines
        always = schema.get("then", {}).get("required")
        own = {key: value for key, value in answer.items() if key not in SHARED}
        _add(schema, own)
        if answer["ok"]:  # an answer with an error may have nothing else
            schema["if"] = {"properties": {"ok": {"const": True}}}
            schema["then"] = {"required": sorted(own if always is None else own.keys() & set(always))}
        for key in SHARED:
            if key in answer:
                _add(shared[key], answer[key])
                schema["properties"][key] = {"$ref": f"#/$defs/{key}"}
        if events:
            infer(events, schema.setdefault("x-events", {}))
        command = commands.get(name)
        if (
            command
            and "items" in schema["properties"]
            and any("--limit" in each.opts for each in command.params)
        ):
            schema["properties"]["more"] = {"type": "integer"}  # where a limit cut the list
        schema["title"] = f"xpm-tui {name} --json" if command else "Any other command line"
        schema["description"] = (command.help or "").strip() if command else "No verb was found in it."
        schema["required"] = ["ok"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers of xpm-tui with --json",
        "description": "One schema for each verb: the last line that it writes to standard output. x-events "
        "describes the lines before it, where there are any. Keys may be added; a key may be absent where "
        "there is nothing to say.",
        "$defs": {**shared, **{name: verbs[name] for name in sorted(verbs)}},
    }  # fmt: skip


def _open(schema: Any) -> Any:
    """The same without the type of what was never seen with a value: anything may come there."""
    if not isinstance(schema, dict):
        return [_open(each) for each in schema] if isinstance(schema, list) else schema
    return {key: _open(below) for key, below in schema.items() if (key, below) != ("type", "null")}


def written(schema: Schema) -> str:
    """The file: one verb on a line, so that a difference can be read."""
    schema = _open(schema)
    head = {key: value for key, value in schema.items() if key != "$defs"}
    rows = [
        f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}" for name, each in schema["$defs"].items()
    ]
    return json.dumps(head)[:-1] + ', "$defs": {\n' + ",\n".join(rows) + "\n}}\n"


def listen(words: Sequence[str], done: Done) -> None:
    """Compare an answer that a test has got with the schema, or record it for ``--with``."""
    line = shlex.join(words)
    if "--json" not in words or "--help" in words or not verb(line):
        return
    if _RECORD:
        with Path(_RECORD).open("a", encoding="utf-8") as file:
            file.write(json.dumps([line, done.code, done.out]) + "\n")
        return
    found = [*differences(_PUBLISHED or read(), line, done, lax=True)]
    assert not found, f"{found}\nRun: {REFRESH}"


def recorded(path: Path) -> Iterator[tuple[str, Done]]:
    """The answers that tests have recorded."""
    for row in path.read_text(encoding="utf-8").splitlines():
        line, code, out = json.loads(row)
        yield line, Done(code, out, "")


def main() -> int:
    """Run the scripts and write the file."""
    from tests.interface import answers, refresh

    refresh._alone()
    for script in answers.SCRIPTS:
        with tempfile.TemporaryDirectory() as folder:
            answers.answers(script, Path(folder))
    if "--with" in sys.argv:
        HEARD["recorded"] = [*recorded(Path(sys.argv[sys.argv.index("--with") + 1]))]
    before = {} if "--from-scratch" in sys.argv else read()
    schema = build(before)
    FILE.write_text(written(schema), encoding="ascii")
    print(f"{FILE.name}: {len(schema['$defs'])} schemas")
    return 0


if __name__ == "__main__":
    from tests.interface.schemas import main as run  # the module that the scripts know, not this second one

    sys.exit(run())
