"""Case ids: a name for each known trouble. What they look like and the way out is told elsewhere.

What can go wrong, as a small closed set. Each says what, where and what to do next.

``AppError`` is the root: code, sentence, hint, exit code (the table in the command-line documents) and, where
known, the case. ``XeroError`` and its children also carry what was asked of Xero and what it said.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class CaseId(StrEnum):
    """A known trouble. T1 to T13 are the connection's, the others ours."""

    NO_PERMISSION = "T1"
    STALE_PERMISSION = "T2"
    NO_PRIVILEGE_BOX = "T3"
    OTHER_XERO_ERROR = "T4"
    NOTHING_OPENS = "T5"
    NEEDS_RECONNECT = "T6"
    WRONG_PRACTICE = "T7"
    SECOND_PRACTICE = "T8"
    DISCONNECTED = "T9"
    RATE_LIMITED = "T10"
    OK_BUT_ERROR = "T11"
    MASS_OUTAGE = "T12"
    CLIENT_MISSING = "T13"
    NOT_CONNECTED = "not-connected"
    CONNECTING_PERSON = "connecting-person"
    CANCELLED = "cancelled"
    SCOPE_NOT_ATTACHED = "scope-not-attached"
    SCOPE_MISSING = "scope-missing"
    API_NOT_OPEN = "api-not-open"
    UNKNOWN_APP = "unknown-app"
    STATE_MISMATCH = "state-mismatch"
    NO_NETWORK = "no-network"
    PROXY = "proxy"
    TLS = "tls"
    CLOCK = "clock"
    XERO_DOWN = "xero-down"
    BAD_REPLY = "bad-reply"
    DAY_LIMIT = "day-limit"
    EMPTY_LIST = "empty-list"
    HELD = "held"
    UNKNOWN_OUTCOME = "unknown-outcome"
    CREATE_LAG = "create-lag"
    POLICY_CHANGED = "policy-changed"
    PRACTICE_CHANGED = "practice-changed"
    STATE_CODE = "state-code"
    STORE = "store"
    LOCKED = "locked"
    DISK = "disk"
    NO_LOCKS = "no-locks"
    TERMINAL = "terminal"
    KEYRING = "keyring"
    SETTINGS = "settings"
    SCHEDULE = "schedule"


class AppError(Exception):
    """Anything that a person must hear of, in one sentence; ``exit_code`` is what the command ends with.

    ``record`` is the id of the record it happened to, and ``why`` the cause in a sentence: both only where
    they are known. A cause is one that was observed; what is only possible belongs into the hint. ``logged``
    tells that an event of it is in the log already.
    """

    code = "trouble"
    exit_code = 1

    def __init__(
        self, message: str, *, hint: str = "", case: CaseId | None = None, record: str = "", why: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.case = case
        self.record = record
        self.why = why
        self.logged = False


class CallsWaiting(AppError):
    """Calls wait for Xero's limit ``until`` then: a notice that stops nothing."""

    until: datetime | None = None


class RunStopped(Exception):
    """A run was asked to stop, so this call was not made. No trouble: nobody has to be told of it."""


class BadInput(AppError):
    """Something typed, pasted or read from a file cannot be used.

    ``field`` is the parameter that it was given for, where the sentence does not name it.
    """

    code = "bad-input"
    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", case: CaseId | None = None, field: str = "") -> None:
        super().__init__(message, hint=hint, case=case)
        self.field = field


class UnsendableValue(BadInput):
    """A value cannot be sent to XPM as it is, so nothing was sent.

    XML cannot carry it, it is masked, or XPM has no such field. ``field`` is the field that holds it.
    """

    code = "unsendable-value"


class NotFound(BadInput):
    """No record has the id, number, address or name that was given."""

    code = "not-found"


class DecisionNeeded(AppError):
    """Held: a choice that only a person can make (the guard, a conflict, several practices)."""

    code = "held"
    exit_code = 4


class PlanRefused(DecisionNeeded):
    """The plan no longer fits: policy, practice or scopes changed since it was made."""

    code = "plan-refused"


class Busy(AppError):
    """Another process is using the practice."""

    code = "busy"
    exit_code = 5


class StoreChanged(Busy):
    """Somebody else changed the same record between look and write; nothing was written."""

    code = "overtaken"


class StoreUnreadable(AppError):
    """The book cannot be read, or was changed by a foreign hand."""

    code = "book-unreadable"
    exit_code = 8


class ReadOnly(AppError):
    """Nothing may be written: asked for with ``--read-only``, or the book opened that way."""

    code = "read-only"
    exit_code = 2


class DiskError(AppError):
    """The disk refused a write; nothing was half-written."""

    code = "disk"
    exit_code = 8


class XeroError(AppError):
    """A call to Xero failed.

    ``asked`` is verb and path without query, ``status`` the HTTP status (0: no reply), ``words`` what XPM
    said (untrusted text), ``correlation`` Xero's id of the call, ``repeatable`` whether asking again cannot
    do harm (the server certainly did not act, or the call only reads).
    """

    code = "wire"
    exit_code = 7

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        case: CaseId | None = None,
        asked: str = "",
        status: int = 0,
        words: str = "",
        correlation: str = "",
        repeatable: bool = False,
    ) -> None:
        super().__init__(message, hint=hint, case=case)
        self.asked = asked
        self.status = status
        self.words = words
        self.correlation = correlation
        self.repeatable = repeatable


class LoginNeeded(XeroError):
    """There is no login, or Xero no longer accepts it: a person must sign in again."""

    code = "login-needed"
    exit_code = 3


class ScopeMissing(XeroError):
    """The login is good but was not given the scope for this call (401 AuthorizationUnsuccessful)."""

    code = "scope-missing"
    exit_code = 3


class AccessDenied(XeroError):
    """403: the practice is not connected, or the person lost the permission."""

    code = "access-denied"
    exit_code = 3


class Refused(XeroError):
    """XPM understood and said no: an ERROR envelope, also one that came with HTTP 200."""

    code = "refused"
    exit_code = 1


class RecordMissing(Refused):
    """XPM has no such record (404, or an ERROR that says so)."""

    code = "record-missing"


class EditConflict(Refused):
    """409: somebody else is changing the record."""

    code = "edit-conflict"


class AllowanceUsedUp(XeroError):
    """The day's calls are used up, or what is left is kept for people; ``until`` says when to go on (UTC)."""

    code = "allowance"
    exit_code = 6

    def __init__(
        self, message: str, *, until: datetime | None = None, asked: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint, case=CaseId.DAY_LIMIT, asked=asked, status=429, repeatable=True)
        self.until = until


class XeroUnreachable(XeroError):
    """No usable answer: no network, time-out, 5xx after all tries."""

    code = "out-of-reach"
    exit_code = 7


class BadReply(XeroError):
    """Xero answered something that is no reply: cut or broken XML, HTML, a DOCTYPE, wrong encoding."""

    code = "bad-reply"
    exit_code = 7


class UnreadableRecord(BadReply):
    """Xero's reply is sound, but the one record in it cannot be read. Other records are not affected."""

    code = "unreadable-record"
    exit_code = 1


class OutcomeUnknown(XeroError):
    """A write was sent and no answer came: it may have taken effect. Never send it again blindly."""

    code = "outcome-unknown"
    exit_code = 4
