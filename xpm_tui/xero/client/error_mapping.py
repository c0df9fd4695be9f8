"""Maps statuses, error bodies and missing replies to our errors, each with what to do about it."""

from __future__ import annotations

from collections.abc import Collection

from xpm_tui.domain.errors import (
    AccessDenied,
    BadReply,
    CaseId,
    LoginNeeded,
    OutcomeUnknown,
    Refused,
    ScopeMissing,
    XeroError,
    XeroUnreachable,
)
from xpm_tui.domain.safe_text import visible
from xpm_tui.xero.client.transport import NoReply
from xpm_tui.xero.codec.xml_reader import read_error_description
from xpm_tui.xero.error_body import ErrorBody, RequestInfo, is_refusal, read_json, refusal, support_hint

_NO_REPLY: dict[str, tuple[str, str, CaseId]] = {
    "name": (
        "The name of Xero's server cannot be resolved.",
        "Check this machine's network and DNS.",
        CaseId.NO_NETWORK,
    ),
    "connect": (
        "Xero could not be reached.",
        "Check this machine's network, then try again.",
        CaseId.NO_NETWORK,
    ),
    "timeout": (
        "Xero did not answer in time.",
        "Try again. If the problem persists, check status.xero.com.",
        CaseId.XERO_DOWN,
    ),
    "tls": (
        "The server's certificate was not accepted.",
        "There may be a proxy on the way: name its certificate authority in SSL_CERT_FILE. Also "
        "check this machine's date.",
        CaseId.TLS,
    ),
    "proxy": (
        "The proxy refused the connection.",
        "Check HTTPS_PROXY and NO_PROXY.",
        CaseId.PROXY,
    ),
    "cut": (
        "The connection was closed before the whole reply had arrived.",
        "Try again in a moment.",
        CaseId.NO_NETWORK,
    ),
    "request": (
        "The request could not be sent as it is.",
        "Check the addresses under xero.* in the settings.",
        CaseId.NO_NETWORK,
    ),
}


def read_error_body(body: bytes) -> ErrorBody:
    """Parse an error body: the XML envelope, JSON of either kind, or nothing."""
    stripped = body.lstrip()
    if stripped.startswith((b"{", b"[")):
        return read_json(stripped)
    if stripped.startswith((b"<R", b"<?xml", b"\xef\xbb\xbf")):
        words = read_error_description(stripped)
        if words is not None:
            return ErrorBody(words=words, envelope=True)
    return ErrorBody()


def no_reply_error(fault: NoReply, request: RequestInfo) -> XeroError:
    """Return the error for a call without a reply; a write that may have arrived has an unknown outcome."""
    message, hint, case = _NO_REPLY[fault.kind]
    if fault.proxy and fault.kind == "proxy":
        problem = fault.words or "could not be reached"
        message, hint = f"The proxy in {fault.proxy} {problem}.", "Check that variable, and NO_PROXY."
    if request.write and fault.sent:
        return unknown_outcome_error(request, message)
    return XeroUnreachable(message, hint=hint, case=case, **request.error_arguments(repeatable=True))


def unknown_outcome_error(request: RequestInfo, why: str) -> OutcomeUnknown:
    """Return the error for a write that may have taken effect."""
    return OutcomeUnknown(
        f"It is not known whether XPM made the change. {why}",
        hint="Before anything is sent again, xpm-tui looks for the change in XPM.",
        case=CaseId.UNKNOWN_OUTCOME,
        **request.error_arguments(),
    )


def login_lost_error(request: RequestInfo) -> LoginNeeded:
    """Return the error for a login that Xero refuses even after a renewal."""
    return LoginNeeded(
        "Xero no longer accepts the login.",
        hint="Sign in again: xpm-tui connect. Practice data and links stay as they are.",
        case=CaseId.NEEDS_RECONNECT,
        **request.error_arguments(repeatable=True),
    )


def too_many_calls_error(request: RequestInfo) -> XeroUnreachable:
    """Return the error for a call that Xero keeps answering with 429."""
    return XeroUnreachable(
        "Xero keeps refusing calls because there are too many.",
        hint="Another program may be using the same Xero app. Try again in a few minutes.",
        case=CaseId.RATE_LIMITED,
        **request.error_arguments(repeatable=True),
    )


def status_error(request: RequestInfo, found: ErrorBody, *, record: bool) -> XeroError:
    """Return the error for any reply that is not a success, except 401 and 429, which the caller handles.

    ``record``: the path names a record, so 404 means that it does not exist.
    """
    status, words = request.status, found.words
    if status == 403:
        return AccessDenied(
            "Xero denies access to this practice.",
            hint='It was disconnected, or the person who connected it has lost the permission "Connect '
            'third-party add-ons" in XPM. Check both, then connect again.',
            case=CaseId.DISCONNECTED,
            **request.error_arguments(words=words, repeatable=True),
        )
    if status >= 500:
        return _server_error(request, found)
    if status == 409 or (status == 404 and (record or found.envelope)):
        return refusal(words, request)
    if status == 404:
        return Refused(
            "Xero does not know this call.",
            hint="Check xero.api_url. If it is right, this program is out of date.",
            **request.error_arguments(words=words, repeatable=True),
        )
    if status in (405, 406, 415):
        return Refused(
            f"Xero no longer accepts this form of the call (HTTP {status}).",
            hint="Look for a newer version of this program.",
            **request.error_arguments(words=words, repeatable=True),
        )
    if 400 <= status < 500:
        return refusal(words, request)
    if 300 <= status < 400:
        return _no_valid_reply(request, "Xero's server redirects to another address, which is not followed.")
    return _no_valid_reply(request, f"Xero answered with the unexpected status HTTP {status}.")


def _server_error(request: RequestInfo, found: ErrorBody) -> XeroError:
    if found.envelope and is_refusal(found.words):
        return refusal(found.words, request)
    # Any other 500 may have come after the change was made, with or without an envelope.
    quoted = f' ("{visible(found.words, 120)}")' if found.words else ""
    if request.write:
        return unknown_outcome_error(request, f"Xero answered HTTP {request.status}{quoted}.")
    return XeroUnreachable(
        f"Xero has a problem: HTTP {request.status}{quoted}.",
        hint="Try again later, and check status.xero.com.",
        case=CaseId.XERO_DOWN,
        **request.error_arguments(words=found.words, repeatable=True),
    )


def _no_valid_reply(request: RequestInfo, message: str) -> XeroError:
    if request.write:
        return unknown_outcome_error(request, message)
    return BadReply(
        message,
        hint="A proxy may answer in Xero's place; check the network and xero.api_url.",
        case=CaseId.BAD_REPLY,
        **request.error_arguments(repeatable=True),
    )


_BROAD = frozenset({"practicemanager", "practicemanager.read"})
_RESOURCES = {"client": "client", "clientgroup": "client", "job": "job", "jobstate": "job", "staff": "staff"}


def is_covered(call: str, granted: Collection[str]) -> bool:
    """Return whether the granted scopes cover a call (Practice Manager scopes page).

    Args:
        call: Method and path, such as ``GET staff.api/list``. Job templates and categories have no scope of
            their own: only the broad scopes open them.
        granted: The scopes that Xero granted.
    """
    verb, _, path = call.partition(" ")
    resource = _RESOURCES.get(path.partition(".")[0])
    reads = verb == "GET"
    wanted = _BROAD if reads else _BROAD - {"practicemanager.read"}
    own = {f"practicemanager.{resource}", *([f"practicemanager.{resource}.read"] if reads else [])}
    return bool({*granted} & (wanted | own if resource else wanted))


def scope_missing_error(request: RequestInfo, words: str, granted: Collection[str] = ()) -> ScopeMissing:
    """Return the error for a valid login that may not make this call.

    ``granted`` are its scopes, if known. If they cover the call, the cause is another one: an app whose tier
    does not include the API, or that Xero has not approved, gets the same answer.
    """
    if is_covered(request.call, granted):
        return ScopeMissing(
            "Xero refused the call (HTTP 401), although the login has the scope for it.",
            hint="Possible causes: the app's developer tier does not include the Practice Manager API, or "
            "Xero has not approved the app for it. Look at the app's tier and approval at "
            f"developer.xero.com. {support_hint(request.correlation)}",
            case=CaseId.API_NOT_OPEN,
            **request.error_arguments(words=words),
        )
    return ScopeMissing(
        "The login does not include this call: the scope was not requested, or Xero did not grant it.",
        hint="Ask for it: xpm-tui settings set xero.scopes standard (or both), then: xpm-tui connect",
        case=CaseId.SCOPE_MISSING,
        **request.error_arguments(words=words),
    )
