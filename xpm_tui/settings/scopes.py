"""What is asked of Xero at login: presets of OAuth scopes, or a text of one's own.

Scope names: Xero's OAuth 2.0 scopes page, section Practice Manager. By Xero's OpenAPI file, only the broad
pair opens job templates and categories, so the standard preset also asks for the one that reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_LOGIN = ("offline_access", "openid", "profile", "email")
_GRANULAR = ("practicemanager.client", "practicemanager.job", "practicemanager.staff.read")

STANDARD = "standard"
"""The preset that asks for what sync and jobs need, and for no more."""

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
"""By the scope that a list needs, every scope that opens it."""

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope token (RFC 6749, section 3.3)."""


def scopes(text: str) -> tuple[str, ...]:
    """The scopes that a preset name or one's own text stands for; raises ``ValueError`` with the reason."""
    name = re.sub(r"[\s-]+", "_", text.strip().casefold())
    if name in PRESETS:
        return PRESETS[name]
    own = tuple(dict.fromkeys(text.replace(",", " ").split()))
    wrong = next((word for word in own if not _TOKEN.fullmatch(word)), "")
    if wrong or not any(word.split(".")[0] == "practicemanager" for word in own):
        raise ValueError(
            f"it must be one of {', '.join(PRESETS)}, or Xero's scope names separated by blanks, "
            "at least one of them beginning with practicemanager"
        )
    return own


def normalise_scopes(text: str) -> str:
    """The setting as it is kept: a preset's name, or the scopes with one blank between them."""
    found = scopes(text)
    return next((name for name, preset in PRESETS.items() if preset == found), " ".join(found))


def scope_advice(scope: str, asked: Collection[str]) -> str:
    """Return how to be given a scope that the login lacks, in sentences; ``asked`` are those asked for."""
    if not OPENING.get(scope, frozenset({scope})).isdisjoint(asked):
        return (
            "Xero was asked for it but did not grant it. Ask Xero to attach it to your app "
            "(developer.xero.com), then: xpm-tui connect."
        )
    return f"To ask for it: xpm-tui settings set xero.scopes {STANDARD}, then: xpm-tui connect."
