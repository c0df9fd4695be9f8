"""Error bodies of Xero: the ERROR envelope and the gateway's JSON, converted to our errors.

There are two families (Practice Manager 3.1): ``<Response><Status>ERROR</Status><ErrorDescription>`` or its
flat JSON form, which may come with HTTP 200; and the gateway's ``{"Title", "Status", "Detail", "Instance"}``.
An error never contains the query, the body or a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from xpm_tui.domain.errors import CaseId, EditConflict, RecordMissing, Refused
from xpm_tui.domain.safe_text import visible


@dataclass(frozen=True)
class RequestInfo:
    """One call: verb and path without query, whether it writes, and what came back so far."""

    call: str = ""
    write: bool = False
    status: int = 0
    correlation: str = ""


def support_hint(correlation: str) -> str:
    """Return what to tell Xero's support if the problem remains: the id of the call, if Xero gave one."""
    known = f"this correlation id: {correlation}" if correlation else "the time and the call"
    return f"If it happens again, give Xero's support {known}."


_LONGEST = 2_000
_MISSING = re.compile(
    r"invalid (?:client|contact|job|staff|(?:client )?group) identifier\W*\Z", re.IGNORECASE
)
_CHECKED = re.compile(r"invalid |required |missing |(?:the )?\w+ (?:is|are) required", re.I)


@dataclass(frozen=True)
class ErrorBody:
    """An error body, as far as it could be read. ``words`` are XPM's own and untrusted.

    ``envelope`` distinguishes an answer of Practice Manager itself from one of the gateway before it.
    """

    words: str = ""
    envelope: bool = False
    detail: str = ""
    correlation: str = ""


def read_json(body: bytes) -> ErrorBody:
    """Read an error body in JSON of either family; empty if it is neither."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorBody()
    if not isinstance(found, dict):
        return ErrorBody()
    lowered = {str(name).lower(): value for name, value in found.items()}
    if "errordescription" in lowered:
        return ErrorBody(words=_text(lowered["errordescription"]), envelope=True)
    detail = _text(lowered.get("detail"))
    title = _text(lowered.get("title"))
    return ErrorBody(words=detail or title, detail=detail, correlation=_text(lowered.get("instance"))[:64])


def _text(value: Any) -> str:
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""


def is_refusal(words: str) -> bool:
    """Return whether the message is from a check made before anything is done, not from a crash."""
    return _CHECKED.match(words.strip()) is not None


def refusal(words: str, asked: RequestInfo) -> Refused:
    """Return the error for an ERROR envelope or a 4xx: missing, in conflict, or refused."""
    said = words.strip()[:_LONGEST]
    about: Any = {
        "asked": asked.call,
        "status": asked.status,
        "words": said,
        "correlation": asked.correlation,
    }
    if asked.status == 409:
        return EditConflict(
            "XPM reports that someone else is changing this record.",
            hint="Try again in a moment; nothing was changed by this call.",
            repeatable=True,
            **about,
        )
    shown = f': "{visible(said, 300)}"' if said else ", without saying why"
    if asked.status == 404 or _MISSING.search(said):
        return RecordMissing(
            f"XPM has no such record{shown}." if said else "XPM has no such record.",
            hint="It may have been deleted or merged in XPM. Read XPM's data again and search for it.",
            case=CaseId.CLIENT_MISSING if "client" in said.lower() else None,
            **about,
        )
    case = CaseId.STATE_CODE if "state code" in said.lower() else CaseId.OK_BUT_ERROR
    return Refused(
        f"XPM refused the call{shown}.",
        hint="Nothing was changed. The words in quotes are XPM's own.",
        case=case,
        **about,
    )
