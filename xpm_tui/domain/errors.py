"""Errors of the program, and the ids and the type of known problems.

The set of errors is small and closed. Each says what happened, to which record, and what to do next.
``AppError`` is the root, with code, sentence, hint, exit code (see the table in the command-line reference)
and, where it is known, the id of the known problem. ``XeroError`` and its subclasses also carry the request
to Xero and the reply. The symptoms and remedies of known problems are in :mod:`xpm_tui.diagnostics`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class CaseId(StrEnum):
    """The id of a known problem. T1 to T13 concern the connection."""

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
    """An error to show to the user in one sentence; ``exit_code`` is the exit code of the command.

    ``record`` is the id of the record concerned, and ``why`` the cause in a sentence, both only where they
    are known. A cause must have been observed; possible causes belong in the hint. ``logged``: the log
    already has an event for it.
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
    """A notice, not a failure, that calls wait for Xero's limit until the time ``until``."""

    until: datetime | None = None


class RunStopped(Exception):
    """A run was asked to stop, so this call was not made. It is not shown as an error."""


class BadInput(AppError):
    """A value that was typed, pasted or read from a file cannot be used.

    ``field`` is the parameter that it was given for, if the sentence does not name it.
    """

    code = "bad-input"
    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", case: CaseId | None = None, field: str = "") -> None:
        super().__init__(message, hint=hint, case=case)
        self.field = field


class UnsendableValue(BadInput):
    """A value cannot be sent to XPM as it is, so nothing was sent.

    XML does not allow it, it is masked, or XPM has no such field. ``field`` is the field that holds it.
    """

    code = "unsendable-value"


class NotFound(BadInput):
    """No record has the id, number, address or name that was given."""

    code = "not-found"


class DecisionNeeded(AppError):
    """A decision of the user is needed (the guard, a conflict, several practices)."""

    code = "held"
    exit_code = 4


class PlanRefused(DecisionNeeded):
    """The plan no longer applies: the policy, practice or scopes have changed since it was made."""

    code = "plan-refused"


class Busy(AppError):
    """Another process is using the practice."""

    code = "busy"
    exit_code = 5


class StoreChanged(Busy):
    """Another process changed the same record between reading and writing; nothing was written."""

    code = "overtaken"


class StoreUnreadable(AppError):
    """The store cannot be read, or was changed by another program."""

    code = "book-unreadable"
    exit_code = 8


class StoreUnreachable(StoreUnreadable):
    """The database of the store does not answer or does not let us in; the data itself may be sound."""

    code = "store-unreachable"


class RunLockLost(Busy):
    """The run lock was lost with the session that held it, and another process may continue the work."""

    code = "run-lock-lost"


class CommitInterrupted(Busy):
    """The connection was lost during a commit, which had no effect; other processes have committed since."""

    code = "commit-interrupted"


class ReadOnly(AppError):
    """Nothing may be written: ``--read-only`` was given, or the store is open for reading only."""

    code = "read-only"
    exit_code = 2


class DiskError(AppError):
    """A write to the disk failed; nothing was partly written."""

    code = "disk"
    exit_code = 8


class XeroError(AppError):
    """A call to Xero failed.

    ``asked`` is the method and path without the query, ``status`` the HTTP status (0: no reply), ``words``
    XPM's own text (untrusted), ``correlation`` Xero's id of the call, and ``repeatable`` whether it is safe
    to repeat the call (the server certainly did not act, or the call only reads).
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
    """There is no login, or Xero no longer accepts it: the user has to sign in again."""

    code = "login-needed"
    exit_code = 3


class ScopeMissing(XeroError):
    """The login is valid but lacks the scope for this call (401 AuthorizationUnsuccessful)."""

    code = "scope-missing"
    exit_code = 3


class AccessDenied(XeroError):
    """Xero denied access (403): the practice is not connected, or the user lost the permission."""

    code = "access-denied"
    exit_code = 3


class Refused(XeroError):
    """XPM understood the call and refused it: an ERROR envelope, also with HTTP 200."""

    code = "refused"
    exit_code = 1


class RecordMissing(Refused):
    """XPM has no such record (404, or an ERROR that says so)."""

    code = "record-missing"


class EditConflict(Refused):
    """Someone else is changing the record (409)."""

    code = "edit-conflict"


class AllowanceUsedUp(XeroError):
    """The day's calls are used up or reserved; ``until`` says when calls are possible again (UTC)."""

    code = "allowance"
    exit_code = 6

    def __init__(
        self, message: str, *, until: datetime | None = None, asked: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint, case=CaseId.DAY_LIMIT, asked=asked, status=429, repeatable=True)
        self.until = until


class XeroUnreachable(XeroError):
    """There is no usable reply: no network, a time-out, or 5xx after all retries."""

    code = "out-of-reach"
    exit_code = 7


class BadReply(XeroError):
    """Xero's reply cannot be read: cut or broken XML, HTML, a DOCTYPE, or a wrong encoding."""

    code = "bad-reply"
    exit_code = 7


class UnreadableRecord(BadReply):
    """One record of a valid reply cannot be read. Other records are not affected."""

    code = "unreadable-record"
    exit_code = 1


class OutcomeUnknown(XeroError):
    """A write was sent and got no answer, so it may have taken effect. Never repeat it without checking."""

    code = "outcome-unknown"
    exit_code = 4


class KnownProblem(NamedTuple):
    """A known problem.

    ``sign`` is its symptom, ``cause`` the reason, ``steps`` what to do, in order. Where XPM's old and new
    screens differ, ``steps`` are for the new ones and ``old_screens`` for the old ones. ``support`` says what
    to send to whom if nothing helps.
    """

    id: CaseId
    title: str
    sign: str
    cause: str
    steps: tuple[str, ...]
    old_screens: tuple[str, ...] = ()
    support: str = ""


XERO_SUPPORT = (
    "Contact Xero support with the time, the call and the correlation id. You find them in the log "
    "entry and in the support bundle."
)
