"""Records as JSON data."""

from __future__ import annotations

from typing import Any

import msgspec

from xpm_tui.acts.act import Result, Table


def plain(record: msgspec.Struct) -> dict[str, Any]:
    """A record as JSON data, with every field there, also those that have their default."""
    return {name: _plain(getattr(record, name)) for name in record.__struct_fields__}


def _plain(told: object) -> Any:
    if isinstance(told, msgspec.Struct):
        return plain(told)
    if isinstance(told, tuple | list):
        return [_plain(each) for each in told]
    return msgspec.to_builtins(told)


def listed(views: list[Any], table: Table, **data: Any) -> Result:
    """A list of views with its table."""
    return Result(data=data, items=[plain(view) for view in views], table=table)
