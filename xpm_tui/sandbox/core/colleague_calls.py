"""POST /_sandbox/colleague: which edit a JSON object asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xpm_tui.sandbox.core.colleague import Colleague

Values = Mapping[str, Any]


def ask(colleague: Colleague, values: Values, now: float) -> object:
    """Do the edit that the object's telling name asks for. Raises ValueError or KeyError when it names none
    or lacks something."""
    for name, edit in _EDITS.items():
        if name in values:
            return edit(colleague, values, now)
    raise ValueError(f"Say what to edit: one of {', '.join(_EDITS)}.")


def _add_contact(colleague: Colleague, values: Values, now: float) -> object:
    more = values["add_contact"]
    name, email = str(more["name"]), str(more.get("email", ""))
    return {"uuid": colleague.add_contact(str(values["client"]), name, email, now).uuid}


def _remove_contact(colleague: Colleague, values: Values, now: float) -> object:
    client = colleague.unlink(str(values["client"]), str(values["remove_contact"]), now)
    return {"uuid": client.uuid}


def _primary(colleague: Colleague, values: Values, now: float) -> object:
    return {"uuid": colleague.make_primary(str(values["client"]), str(values["primary"]), now).uuid}


def _edits(colleague: Colleague, values: Values, now: float) -> object:
    for _ in range(int(values["edits"])):
        colleague.edit_something(now)
    return {"edits": int(values["edits"])}


def _convert(colleague: Colleague, values: Values, now: float) -> object:
    return {"uuid": colleague.convert(str(values["convert"]), now).uuid}


def _remove(colleague: Colleague, values: Values, now: float) -> object:
    colleague.remove(str(values["remove"]))
    return {"removed": values["remove"]}


def _add(colleague: Colleague, values: Values, now: float) -> object:
    return {"uuid": colleague.add(str(values["add"]), now).uuid}


def _delete(colleague: Colleague, values: Values, now: float) -> object:
    colleague.delete(str(values["delete"]))
    return {"deleted": values["delete"]}


def _job(colleague: Colleague, values: Values, now: float) -> object:
    return {"id": colleague.edit_job(str(values["job"]), values["set"]).number}


def _staff(colleague: Colleague, values: Values, now: float) -> object:
    return {"uuid": colleague.edit_staff(str(values["staff"]), values["set"]).uuid}


def _contact(colleague: Colleague, values: Values, now: float) -> object:
    return {"uuid": colleague.edit_contact(str(values["contact"]), values["set"], now).uuid}


def _client(colleague: Colleague, values: Values, now: float) -> object:
    return {"uuid": colleague.edit(str(values["client"]), values["set"], now).uuid}


_EDITS: dict[str, Callable[[Colleague, Values, float], object]] = {
    "add_contact": _add_contact,
    "remove_contact": _remove_contact,
    "primary": _primary,
    "edits": _edits,
    "convert": _convert,
    "remove": _remove,
    "add": _add,
    "delete": _delete,
    "job": _job,
    "staff": _staff,
    "contact": _contact,
    "client": _client,
}
"""By telling name; those that go with `client` come before it."""
