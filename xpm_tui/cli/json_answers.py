"""The JSON of answers: encoding, published schemas, and the choice of fields (``--json FIELD,...``)."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from xpm_tui.commands.tables import ViewItems
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.safe_text import visible
from xpm_tui.files.machine import disk_error
from xpm_tui.lazy import lazy_imports, pattern

with lazy_imports():
    import difflib
    import tempfile

ENVELOPE = ("ok", "count", "more", "items", "condition", "conditions", "error")
"""The fields of every answer, whichever fields are chosen."""

_LIST = pattern(r"[A-Za-z_]\w*(,[A-Za-z_]\w*)*", re.ASCII)


def dumps(value: object) -> str:
    """Return JSON on one line in ASCII with DEL escaped, so that nothing in it can control a terminal."""
    plain = msgspec.to_builtins(value, str_keys=True)
    return json.dumps(plain, ensure_ascii=True).replace("\x7f", "\\u007f")


class JsonRows(Collection[str]):
    """The items of a result as lines of JSON; a large number of them is kept in a temporary file."""

    _BYTES_IN_MEMORY = 8 << 20
    _BATCH = 500

    def __init__(self, rows: Iterable[bytes]) -> None:
        self._count = 0
        self._file = tempfile.SpooledTemporaryFile(self._BYTES_IN_MEMORY)  # noqa: SIM115
        rest = iter(rows)
        while batch := list(islice(rest, self._BATCH)):
            with disk_error(Path(tempfile.gettempdir())):
                self._file.write(b"\n".join((*batch, b"")))
            self._count += len(batch)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        return (line[:-1].decode("ascii") for line in self._file)

    def __contains__(self, row: object) -> bool:
        return any(row == each for each in self)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def json_rows(items: Iterable[Mapping[str, Any]], fields: Sequence[str] = ()) -> JsonRows:
    """Return every item, or its chosen fields, as JSON."""
    if isinstance(items, ViewItems) and not fields:
        return JsonRows(map(_escaped, items.encoded()))
    return JsonRows(dumps(choose_fields(item, fields)).encode("ascii") for item in items)


def _escaped(raw: bytes) -> bytes:
    """Return JSON in UTF-8 with those characters escaped that :func:`dumps` escapes, all of them in texts."""
    if not raw.isascii():
        raw = raw.decode().encode("ascii", _ESCAPE)
    return raw.replace(b"\x7f", b"\\u007f")


_ESCAPE = "json-escape"


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPE, _escape)


@cache
def answer_schemas() -> dict[str, Any]:
    """Return the schemas of all verbs' answers, from the file that tests compare with the answers."""
    path = Path(__file__).with_name("answer_schemas.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return found


def answer_schema(verb: str) -> dict[str, Any]:
    """Return the schema of one verb's answer, without references to others.

    Raises:
        BadInput: No verb of this name answers in JSON.
    """
    whole = answer_schemas()
    known = whole["$defs"]
    if verb not in known or "title" not in known[verb]:
        near = [name for name in known if name.startswith(f"{verb} ")]
        hint = f"Name one of: {', '.join(near)}." if near else "'xpm-tui schema' prints all of them."
        raise BadInput(f"There is no schema for '{verb}'.", hint=hint)
    shared = {key: known[key] for key in ("condition", "conditions", "error")}
    own = known[verb]
    properties = {key: shared.get(key, below) for key, below in own.get("properties", {}).items()}
    return {"$schema": whole["$schema"], **own, "properties": properties}


def is_list(word: str) -> bool:
    """Return whether a word has the form of a list of fields."""
    return _LIST.fullmatch(word) is not None


def known_fields(verb: str) -> tuple[str, ...]:
    """Return the fields of a verb's answer that can be chosen: its own, and those of its items and events."""
    schema = answer_schemas()["$defs"].get(verb, {})
    own = schema.get("properties", {})
    items = own.get("items", {}).get("items", {}).get("properties", {})
    events = schema.get("x-events", {}).get("properties", {})
    return tuple(dict.fromkeys([*items, *(name for name in own if name not in ENVELOPE), *events]))


def check_fields(verb: str, chosen: Sequence[str]) -> None:
    """Refuse fields that the answer of a verb cannot have.

    Raises:
        BadInput: There is no such field; the error lists those that exist.
    """
    if not chosen:
        return
    known = known_fields(verb)
    wrong = next((name for name in chosen if name not in known and name not in ENVELOPE), None)
    if wrong is None:
        return
    if not known:
        raise BadInput(f"'{verb}' has no fields to choose from.", hint="Use --json without a list of fields.")
    near = difflib.get_close_matches(wrong, known, 1)
    meant = f" Did you mean '{near[0]}'?" if near else ""
    raise BadInput(
        f"The answer of '{verb}' has no field '{visible(wrong, 40)}'.{meant}",
        hint=f"Its fields: {', '.join(sorted(known))}.",
    )


def choose_fields(item: Any, chosen: Sequence[str]) -> Any:
    """Return an item or event with the chosen fields, in their order; all of it if none are chosen."""
    if not chosen:
        return item
    plain: Mapping[str, Any] = item if isinstance(item, Mapping) else msgspec.to_builtins(item, str_keys=True)
    return {name: plain[name] for name in chosen if name in plain}


def choose_answer_fields(data: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any]:
    """Return an answer with its chosen fields and those that every answer has."""
    return {name: data[name] for name in data if name in chosen or name in ENVELOPE}
