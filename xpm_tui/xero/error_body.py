"""What was asked of Xero, as far as an error may tell it: no query, no body, no token.

What XPM said when it said no: the ERROR envelope and the gateway's JSON, made into our errors.

Two families (Practice Manager 3.1): ``<Response><Status>ERROR</Status><ErrorDescription>`` or its flat JSON
form, which may come with HTTP 200; and the gateway's ``{"Title", "Status", "Detail", "Instance"}``.
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
    """What to tell Xero's support where something stays wrong: the id that they ask for, if Xero gave one."""
    known = f"this correlation id: {correlation}" if correlation else "the time and the call"
    return f"If it happens again, give Xero's support {known}."


_LONGEST = 2_000
_MISSING = re.compile(
    r"invalid (?:client|contact|job|staff|(?:client )?group) identifier\W*\Z", re.IGNORECASE
)
_CHECKED = re.compile(r"invalid |required |missing |(?:the )?\w+ (?:is|are) required", re.I)


@dataclass(frozen=True)
class ErrorBody:
    """An error body, read as far as it goes. ``words`` are XPM's own and untrusted.

    ``envelope`` tells an answer of Practice Manager itself from one of the gateway before it.
    """

    words: str = ""
    envelope: bool = False
    detail: str = ""
    correlation: str = ""


def read_json(body: bytes) -> ErrorBody:
    """An error body in JSON, either family; empty when it is neither."""
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
    """Whether the words are those of a check made before anything is done, not of a crash."""
    return _CHECKED.match(words.strip()) is not None


def refusal(words: str, asked: RequestInfo) -> Refused:
    """The error for an ERROR envelope or a 4xx that says no: missing, in conflict, or plainly refused."""
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
