"""What goes to stdout: one JSON object a line in ASCII, or plain tables and lines as a person reads them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from xpm_tui.acts.act import Result
from xpm_tui.acts.tables import render
from xpm_tui.cli.conditions import data
from xpm_tui.model.text import visible_lines


def dumps(value: object) -> str:
    """JSON on one line, ASCII, DEL escaped too: nothing in it can steer a terminal."""
    plain = msgspec.to_builtins(value, str_keys=True)
    return json.dumps(plain, ensure_ascii=True).replace("\x7f", "\\u007f")


def outcome(result: Result) -> dict[str, Any]:
    """The one object, or the last line of a stream: ``ok``, then the data, ``items`` or ``error``."""
    told: dict[str, Any] = {"ok": result.trouble is None, **_without_ok(result.data)}
    if result.items is not None:
        told["items"] = list(result.items)
    told |= data(result.conditions)
    if result.trouble is not None:
        from xpm_tui.diagnose.trouble_view import present

        told["error"] = present(result.trouble).data()
    return told


def lines(result: Result) -> Iterator[str]:
    """The same for a person, safe to show."""
    if result.table is not None:
        yield from render(result.table, shutil.get_terminal_size((80, 24)).columns)
    for line in result.lines:
        yield visible_lines(line)


def _without_ok(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in ("ok", "error")}
