"""The token endpoint of Xero's identity server: exchange a code, renew, revoke (RFC 6749, RFC 7009).

A web app sends its secret by HTTP Basic; other apps send their client id in the form, without a header. Both
prove with the verifier that the code is theirs (RFC 7636).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import msgspec

from xpm_tui.domain.errors import BadReply, CaseId, LoginNeeded, XeroError, XeroUnreachable
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.secret import Secret
from xpm_tui.lazy import lazy_imports
from xpm_tui.xero.auth.authorization import Authorization, Grant, begin, person_of, unverified_claims
from xpm_tui.xero.client import error_mapping
from xpm_tui.xero.client.transport import Network, NoReply, TooLarge, TransportRequest
from xpm_tui.xero.config import WireConfig
from xpm_tui.xero.error_body import RequestInfo

with lazy_imports():
    import authlib.common.urls
    import authlib.oauth2.rfc6749.parameters

_LIMIT = 1024 * 1024
_NO_LONGER_ACCEPTED = ("unsupported_grant_type", "invalid_request")
"""Errors of a renewal which mean that Xero no longer accepts this kind of sign-in (RFC 6749, 5.2).

``unauthorized_client`` is another one, unless a secret is set that a PKCE app must not have.
"""
_TOKEN = RequestInfo("POST /connect/token")
_REVOKE = RequestInfo("POST /connect/revocation")


class TokenEndpoint:
    """Calls to the identity server. Every method raises ``XeroError`` or a subclass."""

    def __init__(self, config: WireConfig, network: Network, clock: Clock) -> None:
        self._config = config
        self._network = network
        self._clock = clock

    def begin(self) -> Authorization:
        """Start an attempt to sign in; see :func:`xpm_tui.xero.auth.authorization.begin`."""
        return begin(self._config)

    async def redeem(self, authorization: Authorization, code: Secret) -> Grant:
        """Exchange a code (valid once, for five minutes) for tokens.

        Raises:
            LoginNeeded: The code was used or has expired.
        """
        form = Secret(
            authlib.oauth2.rfc6749.parameters.prepare_token_request(
                "authorization_code",
                redirect_uri=authorization.redirect_uri,
                code=code.reveal(),
                code_verifier=authorization.verifier.reveal(),
                **self._identity(),
            )
        )
        return await self._token(form, Secret())

    async def refresh(self, refresh: Secret) -> Grant:
        """Renew the tokens.

        Raises:
            LoginNeeded: Xero refuses the refresh token (known problem T6).
        """
        form = Secret(
            authlib.oauth2.rfc6749.parameters.prepare_token_request(
                "refresh_token", refresh_token=refresh.reveal(), **self._identity()
            )
        )
        return await self._token(form, refresh)

    async def revoke(self, refresh: Secret) -> None:
        """Revoke a refresh token, which removes all connections of the login; ignore an unknown token."""
        form = Secret(
            authlib.common.urls.url_encode([("token", refresh.reveal()), *self._identity().items()])
        )
        status, body, request = await self._post("/connect/revocation", form, _REVOKE)
        if status != 200:
            raise self._fault(status, body, request, renewing=False)

    def _identity(self) -> dict[str, str]:
        return {} if self._config.client_secret else {"client_id": self._config.client_id}

    # Forms and replies are passed as secrets, because a traceback may show the local values of every frame.

    async def _token(self, form: Secret, previous: Secret) -> Grant:
        status, body, request = await self._post("/connect/token", form, _TOKEN)
        if status != 200:
            raise self._fault(status, body, request, renewing=bool(previous))
        grant = self._grant(body, previous)
        if grant is None:
            raise _no_token(request)
        return grant

    def _request(self, path: str, form: Secret) -> TransportRequest:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "User-Agent": self._config.user_agent,
        }
        if self._config.client_secret:
            pair = f"{self._config.client_id}:{self._config.client_secret.reveal()}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return TransportRequest(
            "POST",
            self._config.identity_url + path,
            headers,
            body=form.reveal().encode(),
            read_timeout=30.0,
            deadline=60.0,
        )

    async def _post(self, path: str, form: Secret, request: RequestInfo) -> tuple[int, Secret, RequestInfo]:
        try:
            async with self._network.open(self._request(path, form)) as incoming:
                request = request.with_reply(incoming.status, incoming.headers)
                body = await incoming.body(_LIMIT)
                return incoming.status, Secret(body.decode("utf-8", "replace")), request
        except NoReply as fault:
            raise error_mapping.no_reply_error(fault, request) from None
        except TooLarge:
            raise _no_token(request) from None

    def _grant(self, body: Secret, previous: Secret) -> Grant | None:
        found = _object(body)
        access = found.get("access_token")
        if not isinstance(access, str) or not access:
            return None
        if str(found.get("token_type", "Bearer")).lower() != "bearer":
            return None
        seconds = found.get("expires_in", 1800)
        if not isinstance(seconds, int | float) or not 0 < seconds < 86_400 * 366:
            seconds = 1800
        refresh = found.get("refresh_token")
        scope = found.get("scope")
        claims = unverified_claims(access)
        if isinstance(scope, str):
            scopes = tuple(scope.split())
        else:
            listed = claims.get("scope", [])
            scopes = tuple(map(str, listed)) if isinstance(listed, list) else ()
        return Grant(
            access=Secret(access),
            refresh=Secret(refresh) if isinstance(refresh, str) and refresh else previous,
            expires_at=self._clock.now() + timedelta(seconds=float(seconds)),
            scopes=scopes,
            person=person_of(str(found.get("id_token", ""))),
            auth_event=str(claims.get("authentication_event_id", ""))[:64],
        )

    def _fault(self, status: int, body: Secret, request: RequestInfo, *, renewing: bool) -> XeroError:
        error = _object(body).get("error")
        error = error[:80] if isinstance(error, str) else ""
        more = request.error_arguments(words=visible(error, 80))
        if error == "invalid_grant":
            if renewing:
                return error_mapping.login_lost_error(request)
            return LoginNeeded(
                "Xero did not accept the code of this sign-in.",
                hint="A code is valid for five minutes and works only once. Sign in again without delay.",
                case=CaseId.NEEDS_RECONNECT,
                **more,
            )
        ended: tuple[str, ...] = _NO_LONGER_ACCEPTED
        if not self._config.client_secret:
            ended = (*ended, "unauthorized_client")
        if renewing and error in ended:
            return LoginNeeded(
                "Xero no longer accepts the way in which this app signs in.",
                hint="Connect again. If other practices stopped on the same day, look for a newer "
                "version of xpm-tui.",
                case=CaseId.MASS_OUTAGE,
                **more,
            )
        if error in ("invalid_client", "unauthorized_client") or status == 401:
            kind = "with a client secret" if self._config.client_secret else "without a client secret"
            return LoginNeeded(
                f"Xero does not know this app, or does not accept its kind of sign-in ({kind}).",
                hint="Compare xero.client_id with developer.xero.com. A web app needs xero.client_secret; a"
                " mobile or desktop app (PKCE) must have none.",
                case=CaseId.UNKNOWN_APP,
                **more,
            )
        if error == "invalid_scope":
            return LoginNeeded(
                "Xero refused the scopes.",
                hint="Check that Xero has attached Practice Manager to your app. If it attached granular "
                "scopes only: xpm-tui settings set xero.scopes granular",
                case=CaseId.SCOPE_NOT_ATTACHED,
                **more,
            )
        if error:
            return LoginNeeded(
                f'Xero refused the sign-in: "{visible(error, 80)}".',
                hint="Sign in again. If the problem persists, look for a newer version of this program.",
                case=CaseId.OTHER_XERO_ERROR,
                **more,
            )
        if status == 429 or status >= 500:
            return XeroUnreachable(
                f"Xero's identity server is not working at the moment (HTTP {status}).",
                hint="Try again later, and check status.xero.com."
                + (" The login is kept." if renewing else ""),
                case=CaseId.XERO_DOWN,
                **request.error_arguments(repeatable=True),
            )
        return _no_token(request)


def _object(body: Secret) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body.reveal())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _no_token(request: RequestInfo) -> BadReply:
    return BadReply(
        f"The identity server's reply is not from Xero (HTTP {request.status}).",
        hint="A proxy may have answered in Xero's place, or xero.identity_url is wrong.",
        case=CaseId.BAD_REPLY,
        **request.error_arguments(repeatable=True),
    )
