"""The OAuth scopes that are requested at login: presets, or a text of the user's own.

Scope names are from Xero's OAuth 2.0 scopes page, section Practice Manager. According to Xero's OpenAPI file,
only the broad pair opens job templates and categories, so the standard preset also requests the broad scope
for reading.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from xpm_tui.lazy import pattern

_LOGIN = ("offline_access", "openid", "profile", "email")
_GRANULAR = ("practicemanager.client", "practicemanager.job", "practicemanager.staff.read")

STANDARD = "standard"
"""The preset with the scopes that sync and jobs need, and no others."""

PRESETS: dict[str, tuple[str, ...]] = {
    STANDARD: (*_LOGIN, *_GRANULAR, "practicemanager.read"),
    "granular": (*_LOGIN, *_GRANULAR),
    "broad": (*_LOGIN, "practicemanager"),
    "both": (*_LOGIN, "practicemanager", *_GRANULAR),
    "read_only": (
        *_LOGIN,
        "practicemanager.client.read",
        "practicemanager.job.read",
        "practicemanager.staff.read",
    ),
}
"""The presets by name, in the order in which they are offered."""

OPENING: dict[str, frozenset[str]] = {
    "practicemanager.read": frozenset({"practicemanager.read", "practicemanager"}),
    "practicemanager.staff.read": frozenset(
        {"practicemanager.staff.read", "practicemanager.staff", "practicemanager.read", "practicemanager"}
    ),
    "practicemanager.job.read": frozenset(
        {"practicemanager.job.read", "practicemanager.job", "practicemanager.read", "practicemanager"}
    ),
}
"""The scopes that open a list, by the scope that it needs."""

_TOKEN = pattern(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope token (RFC 6749, section 3.3)."""


def scopes(text: str) -> tuple[str, ...]:
    """Return the scopes of a preset name or of a user's own text.

    Raises:
        ValueError: A scope is invalid; the message is the reason.
    """
    name = re.sub(r"[\s-]+", "_", text.strip().casefold())
    if name in PRESETS:
        return PRESETS[name]
    own = tuple(dict.fromkeys(text.replace(",", " ").split()))
    wrong = next((word for word in own if not _TOKEN.fullmatch(word)), "")
    if wrong or not any(word.split(".")[0] == "practicemanager" for word in own):
        raise ValueError(
            f"it must be one of {', '.join(PRESETS)}, or Xero's scope names separated by spaces, at least "
            "one of them beginning with practicemanager"
        )
    return own


def normalise_scopes(text: str) -> str:
    """Return the setting as it is stored: a preset's name, or the scopes separated by single blanks."""
    found = scopes(text)
    return next((name for name, preset in PRESETS.items() if preset == found), " ".join(found))


def scope_advice(scope: str, asked: Collection[str]) -> str:
    """Return sentences on how to get a missing scope; ``asked`` are the requested ones."""
    if not OPENING.get(scope, frozenset({scope})).isdisjoint(asked):
        return (
            "Xero was asked for it but did not grant it. Ask Xero to attach it to your app "
            "(developer.xero.com), then: xpm-tui connect."
        )
    return f"To ask for it: xpm-tui settings set xero.scopes {STANDARD}, then: xpm-tui connect."
