"""The authorization request in the browser, the parsing of its redirect, and the tokens of a login.

See RFC 6749 and RFC 7636. Nothing here uses the network. A redirect is checked in this order: whether it is
ours, whether it is an error, whether its state matches, and whether it contains exactly one code.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from xpm_tui.domain.errors import BadInput, CaseId, LoginNeeded
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.secret import Secret
from xpm_tui.lazy import lazy_imports
from xpm_tui.xero.config import WireConfig

with lazy_imports():
    import authlib.oauth2.rfc6749.parameters
    import authlib.oauth2.rfc7636

_LONGEST = 8192
_EARLIER_ATTEMPTS = 8
"""The number of earlier attempts whose answers are still accepted."""
_CODE = re.compile(r"[\x20-\x7e]+")
"""The characters of a code (RFC 6749, appendix A.11)."""


@dataclass(frozen=True)
class Authorization:
    """An attempt to sign in.

    Attributes:
        url: The address for the browser. It contains the state, so show it only to the user who signs in.
        earlier: Earlier attempts of the same session. Their pages may still be open in the browser, so
            answers to them are accepted, too.
        is_used: Whether Xero has exchanged or refused the code of this attempt, which works only once.
    """

    url: str
    state: Secret
    verifier: Secret
    redirect_uri: str
    earlier: tuple[Authorization, ...] = ()
    is_used: bool = False

    def after(self, before: Authorization | None) -> Authorization:
        """Return this attempt with the earlier ones of its session: ``before`` and those before it."""
        if before is None:
            return self
        return replace(self, earlier=(*before.earlier, replace(before, earlier=()))[-_EARLIER_ATTEMPTS:])

    def mark_used(self, used: Authorization) -> Authorization:
        """Return this attempt with the attempt ``used``, itself or an earlier one, marked as used."""
        earlier = tuple(each.mark_used(used) for each in self.earlier)
        return replace(self, earlier=earlier, is_used=self.is_used or self.state == used.state)

    def answered_by(self, state: str) -> Authorization | None:
        """Return the attempt that sent this state: this one, an earlier one, or None."""
        given = state.encode("utf-8", "replace")
        for attempt in (self, *self.earlier):
            if hmac.compare_digest(given, attempt.state.reveal().encode()):
                return attempt
        return None

    def __repr__(self) -> str:
        return f"Authorization(redirect_uri={self.redirect_uri!r})"


def begin(config: WireConfig) -> Authorization:
    """Return a new authorization with its authorize address, always with PKCE (S256).

    Apps with a secret use PKCE, too (RFC 9700, section 2.1.1), because the secret does not prevent the use of
    an intercepted code.

    Raises:
        BadInput: No client id is set.
    """
    config.require_app()
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    url = authlib.oauth2.rfc6749.parameters.prepare_grant_uri(
        config.authorize_url,
        client_id=config.client_id,
        response_type="code",
        redirect_uri=config.redirect_uri,
        scope=config.scopes,
        state=state,
        code_challenge=authlib.oauth2.rfc7636.create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return Authorization(str(url), Secret(state), Secret(verifier), config.redirect_uri)


def read_answer(address: str, authorization: Authorization) -> tuple[Authorization, Secret]:
    """Return the attempt and the code from the address to which the browser was redirected, or its query.

    Error messages never repeat the address.

    Raises:
        LoginNeeded: The user pressed Cancel, or Xero returned another error.
        BadInput: It is not an answer to this attempt, so that the user can be asked again.
    """
    fields = parse_qs(_query(address, authorization), keep_blank_values=True)
    attempt = _attempt_of(fields, authorization)
    if attempt is not None and attempt.is_used:
        raise BadInput(
            "This address has been used already: each one works only once.",
            hint="Open the address of the new attempt, and paste the one at which the browser ends up then.",
            case=CaseId.STATE_MISMATCH,
        )
    if "error" in fields:
        raise _error(fields["error"][0], " ".join(fields.get("error_description", [])))
    if attempt is None:
        raise BadInput(
            "This address belongs to another sign-in attempt, or part of it is missing.",
            hint="Copy the whole address of the latest attempt from the browser's address bar.",
            case=CaseId.STATE_MISMATCH,
        )
    code = fields.get("code", [])
    if len(code) != 1 or _CODE.fullmatch(code[0]) is None:
        raise BadInput(
            "The address contains no code, more than one code, or an invalid code.",
            hint="Copy the whole address from the browser's address bar.",
        )
    return attempt, Secret(code[0])


def attempt_of(query: str, authorization: Authorization) -> Authorization | None:
    """Return the attempt of this session whose state is in a query; None if it has the state of none."""
    return _attempt_of(parse_qs(query, keep_blank_values=True), authorization)


def _attempt_of(fields: dict[str, list[str]], authorization: Authorization) -> Authorization | None:
    state = fields.get("state", [])
    return authorization.answered_by(state[0]) if len(state) == 1 else None


def _query(address: str, authorization: Authorization) -> str:
    # A terminal may have wrapped the address over several lines when it was copied.
    text = re.sub(r"\s+", "", address).strip("<>\"'")
    if not text:
        raise BadInput("Nothing was pasted.", hint="Paste the address at which the browser ended up.")
    if len(text) > _LONGEST:
        raise BadInput("This is too long for a sign-in address.", hint="Paste the address alone.")
    ours = urlsplit(authorization.redirect_uri)
    if text.lower().startswith(f"{ours.netloc}/"):  # some browsers show and copy an address without http://
        text = f"{ours.scheme}://{text}"
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return text.partition("#")[0].rpartition("?")[2]
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if (parts.scheme, parts.netloc.lower(), parts.path.rstrip("/")) != (ours.scheme, ours.netloc, ours.path):
        raise BadInput(
            "This is not the address to which Xero sends the browser.",
            hint=f"The address begins with {authorization.redirect_uri}?. The page may show an error; "
            "that is normal.",
        )
    return parts.query


def _error(error: str, description: str) -> LoginNeeded:
    message = visible(f"{error} {description}".strip(), 200)
    if error == "access_denied":
        return LoginNeeded(
            "Access was not allowed: Cancel was pressed on Xero's page.",
            hint="Sign in again and press Allow access. If Xero offered no practice there, your staff record"
            ' in XPM lacks "Connect third-party add-ons".',
            case=CaseId.CANCELLED,
            words=message,
        )
    if "scope" in error or error == "unauthorized_client":
        return LoginNeeded(
            f'Xero refused the scopes or the app: "{message}".',
            hint="Check that Xero has attached Practice Manager to your app. If it attached granular "
            "scopes only: xpm-tui settings set xero.scopes granular",
            case=CaseId.SCOPE_NOT_ATTACHED,
            words=message,
        )
    return LoginNeeded(
        f'Xero ended the sign-in with an error: "{message}".',
        hint="Try again. If the problem persists, look up that error in Xero's OAuth documentation.",
        case=CaseId.OTHER_XERO_ERROR,
        words=message,
    )


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A pair of tokens.

    Attributes:
        expires_at: When the access token expires (UTC).
        refresh: The refresh token; empty without ``offline_access``.
        person: Name or e-mail of the user who signed in, if the scopes reveal it.
    """

    access: Secret
    refresh: Secret
    expires_at: datetime
    scopes: tuple[str, ...] = ()
    person: str = ""
    auth_event: str = ""


def unverified_claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without verification; empty for anything else.

    They are only displayed, and the token came directly from the token endpoint over TLS (OpenID Connect Core
    3.1.3.7).
    """
    parts = token.split(".")
    if len(parts) != 3 or len(parts[1]) > 16_384:
        return {}
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        found = msgspec.json.decode(raw)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def person_of(id_token: str) -> str:
    """Return the user of an id token: "Given Family", or else the name or the e-mail address."""
    found = unverified_claims(id_token)
    full = " ".join(
        part for part in (found.get("given_name"), found.get("family_name")) if isinstance(part, str) and part
    )
    for text in (full, found.get("name"), found.get("email"), found.get("preferred_username")):
        if isinstance(text, str) and text.strip():
            return text.strip()[:200]
    return ""
