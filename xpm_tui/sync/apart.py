"""Pairs that a person took apart: neither linked nor proposed again until a person links them."""

from __future__ import annotations

from datetime import datetime

from xpm_tui.model.links import Apart
from xpm_tui.model.ports import Put
from xpm_tui.model.tables import APART


def apart_id(client: str, uuid: str) -> str:
    """Id of the row that says: these two were taken apart."""
    return f"{client}/{uuid}"


def kept_apart(client: str, uuid: str, by: str, now: datetime) -> Put:
    """The write that says so."""
    return Put(APART, Apart(id=apart_id(client, uuid), client=client, uuid=uuid, by=by, at=now))
