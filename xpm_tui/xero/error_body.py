"""Xero's error bodies, and what an error may say about a call: never its query, its body or a token.

Practice Manager 3.1 has two kinds: ``<Response><Status>ERROR</Status><ErrorDescription>`` or its flat JSON
form, possibly with HTTP 200; and the gateway's ``{"Title", "Status", "Detail", "Instance"}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from xpm_tui.domain.errors import CaseId, EditConflict, RecordMissing, Refused
from xpm_tui.domain.safe_text import visible


@dataclass(frozen=True)
class RequestInfo:
    """What errors and the log say about a call.

    Attributes:
        call: Method and path, without the query.
        write: Whether it changes something.
        status: The HTTP status of the reply; 0 before there is one.
        correlation: Xero's correlation id, if the reply has one.
    """

    call: str = ""
    write: bool = False
    status: int = 0
    correlation: str = ""

    def with_reply(self, status: int, headers: Mapping[str, str]) -> RequestInfo:
        """Return it with the status and the correlation id of a reply."""
        found = headers.get("xero-correlation-id", "")
        return replace(self, status=status, correlation=found if _CORRELATION.fullmatch(found) else "")

    def error_arguments(self, **more: Any) -> dict[str, Any]:
        """Return the keyword arguments of every error about the call."""
        return {"asked": self.call, "status": self.status, "correlation": self.correlation, **more}


def support_hint(correlation: str) -> str:
    """Return what to send to Xero's support: the correlation id, if Xero returned one."""
    known = f"this correlation id: {correlation}" if correlation else "the time and the call"
    return f"If it happens again, give Xero's support {known}."


_CORRELATION = re.compile(r"[0-9A-Za-z-]{1,64}")
_LONGEST = 2_000
_MISSING = re.compile(
    r"invalid (?:client|contact|job|staff|(?:client )?group) identifier\W*\Z", re.IGNORECASE
)
_CHECKED = re.compile(r"invalid |required |missing |(?:the )?\w+ (?:is|are) required", re.I)


@dataclass(frozen=True)
class ErrorBody:
    """A parsed error body.

    Attributes:
        words: XPM's own text, which is untrusted.
        envelope: Whether the error is from Practice Manager itself, not from the gateway before it.
    """

    words: str = ""
    envelope: bool = False
    detail: str = ""
    correlation: str = ""


def read_json(body: bytes) -> ErrorBody:
    """Return the error in a JSON body of either kind; it is empty for anything else."""
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
    """Return whether the message is that of a check before anything is done, not of a crash."""
    return _CHECKED.match(words.strip()) is not None


def refusal(words: str, request: RequestInfo) -> Refused:
    """Return the error for an ERROR envelope or a 4xx: missing, in conflict, or refused."""
    text = words.strip()[:_LONGEST]
    about = request.error_arguments(words=text)
    if request.status == 409:
        return EditConflict(
            "XPM reports that someone else is changing this record.",
            hint="Try again in a moment; nothing was changed by this call.",
            repeatable=True,
            **about,
        )
    shown = f': "{visible(text, 300)}"' if text else ", without saying why"
    if request.status == 404 or _MISSING.search(text):
        return RecordMissing(
            f"XPM has no such record{shown}." if text else "XPM has no such record.",
            hint="It may have been deleted or merged in XPM. Read XPM's data again and search for it.",
            case=CaseId.CLIENT_MISSING if "client" in text.lower() else None,
            **about,
        )
    case = CaseId.STATE_CODE if "state code" in text.lower() else CaseId.OK_BUT_ERROR
    return Refused(
        f"XPM refused the call{shown}.",
        hint="Nothing was changed. The words in quotes are XPM's own.",
        case=case,
        **about,
    )
