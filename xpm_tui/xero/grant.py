"""What a sign-in gave: the tokens, until when, for what, and who signed in."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from xpm_tui.model.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A pair of tokens. ``expires_at`` (UTC) is the access token's end; ``refresh`` is empty without
    ``offline_access``. ``person`` is the name or e-mail of who signed in, as far as the scopes tell."""

    access: Secret
    refresh: Secret
    expires_at: datetime
    scopes: tuple[str, ...] = ()
    person: str = ""
    auth_event: str = ""


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: for display only (it came straight from the token endpoint by TLS,
    OpenID Connect Core 3.1.3.7). Empty for anything that is no JWT."""
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
    """Who signed in: "Given Family", else the name, else the e-mail address of an id token."""
    found = claims(id_token)
    full = " ".join(
        part for part in (found.get("given_name"), found.get("family_name")) if isinstance(part, str) and part
    )
    for text in (full, found.get("name"), found.get("email"), found.get("preferred_username")):
        if isinstance(text, str) and text.strip():
            return text.strip()[:200]
    return ""
