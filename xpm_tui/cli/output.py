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
from xpm_tui.model.errors import AllowanceUsedUp, Trouble, WireTrouble
from xpm_tui.model.text import visible_lines


def dumps(value: object) -> str:
    """JSON on one line, ASCII, DEL escaped too: nothing in it can steer a terminal."""
    plain = msgspec.to_builtins(value, str_keys=True)
    return json.dumps(plain, ensure_ascii=True).replace("\x7f", "\\u007f")


def error(trouble: Trouble) -> dict[str, Any]:
    """A trouble as JSON: ``code``, ``message``, ``hint``, and ``until`` where there is one.

    ``case`` with its ``case_title``, ``steps`` and, where XPM's old screens differ, ``old_steps``, where the
    trouble is a known one; ``call``, ``status`` and ``correlation`` where Xero was asked.
    """
    from xpm_tui.diagnose.telling import case_of

    told: dict[str, Any] = {"code": trouble.code, "message": trouble.message, "hint": trouble.hint}
    found = case_of(trouble)
    if found is not None:
        told |= {"case": str(found.id), "case_title": found.title, "steps": list(found.steps)}
        if found.old_screens:
            told["old_steps"] = list(found.old_screens)
    if isinstance(trouble, WireTrouble) and trouble.asked:
        told |= {"call": trouble.asked, "status": trouble.status, "correlation": trouble.correlation}
    if isinstance(trouble, AllowanceUsedUp) and trouble.until is not None:
        told["until"] = trouble.until
    return told


def spoken(trouble: Trouble) -> str:
    """A trouble for a person: what, what to do next, and the case that it is; safe to show."""
    from xpm_tui.diagnose.telling import case_of, in_short

    found = case_of(trouble)
    told = [trouble.message, trouble.hint, *(in_short(found) if found is not None else ())]
    first, *rest = [visible_lines(line) for line in told if line]
    return "\n".join([first, *(f"  {line}" for line in rest)])


def outcome(result: Result) -> dict[str, Any]:
    """The one object, or the last line of a stream: ``ok``, then the data, ``items`` or ``error``."""
    told: dict[str, Any] = {"ok": result.trouble is None, **_without_ok(result.data)}
    if result.items is not None:
        told["items"] = list(result.items)
    told |= data(result.conditions)
    if result.trouble is not None:
        told["error"] = error(result.trouble)
    return told


def lines(result: Result) -> Iterator[str]:
    """The same for a person, safe to show."""
    if result.table is not None:
        yield from render(result.table, shutil.get_terminal_size((80, 24)).columns)
    for line in result.lines:
        yield visible_lines(line)


def _without_ok(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in ("ok", "error")}
