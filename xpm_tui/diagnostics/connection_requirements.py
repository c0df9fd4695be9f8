"""The requirements of a connection to Xero Practice Manager, with their public sources and dates.

``connect --check``, the first step of the wizard and ``docs/requirements.md`` use these texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from xpm_tui.domain.formatting import month_name
from xpm_tui.domain.labels import Label, Labels

RequirementName = Literal[
    "tier", "exemption", "approval", "app", "scopes", "permission", "multi-factor", "calls", "version"
]
Certainty = Literal["checked", "assumed", "unknown"]

READ = "2026-11"
"""The month in which the public pages were last read."""

CERTAINTIES: Labels = {
    "checked": Label("Checked", "Xero's replies or the settings of this machine show it.", "✓"),
    "assumed": Label(
        "Assumed", "It follows from your answers or from a public page; nothing confirms it yet.", "~"
    ),
    "unknown": Label("Unknown", "This program cannot find it out: ask Xero, or look in XPM.", "?"),
}


HEADING = "What you need, and how it is known"
FOOTER = f"According to Xero's pages in {month_name(READ)}. All details: connect --check"
"""The lines above and below the list of requirements where a connection begins."""

NOT_MET = Label("Not met", "It was checked, and it is missing.", "✗")
"""Shown instead of *Checked* if a requirement was checked and is not met."""


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement of a connection to Xero Practice Manager.

    ``text`` says what is needed, ``short`` the same in one line; ``source`` is the public page that says so,
    ``since`` the date or month from which it applies, if the page says so. ``unconfirmed`` is what could not
    be verified with a live practice.
    """

    name: RequirementName
    title: str
    short: str
    text: str
    source: str
    since: str = ""
    unconfirmed: str = ""


_POLICY = "developer.xero.com/faq/pricing-and-policy-updates"

REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(
        name="tier",
        title="Developer tier",
        short="Advanced tier at Xero: A$1,445 a month, unless you are exempt",
        text="The app needs the Advanced tier of Xero's developer platform. It costs A$1,445 a month with "
        "250 GB of data, then A$2.40 for each further GB, and requires a yearly security assessment.",
        source=_POLICY,
        since="2 March 2026",
        unconfirmed="Which reply an app in a lower tier gets from Practice Manager.",
    ),
    Requirement(
        name="exemption",
        title="Exemption for your own practice",
        short="An integration that you use only for your own practice is exempt",
        text="An integration that a practice makes for itself alone is exempt from the tier and its price. "
        "Ask Xero to confirm this for your app before you pay or plan anything.",
        source=_POLICY,
        since="2 March 2026",
        unconfirmed="How Xero grants the exemption, and how long it takes.",
    ),
    Requirement(
        name="approval",
        title="Approval of the app",
        short="Xero approves the app and attaches the Practice Manager scopes to it",
        text="Xero attaches the Practice Manager scopes to an app on request: it reviews the use case and a "
        "security self-assessment. An app without certification can be connected to two practices at most.",
        source="developer.xero.com, OAuth 2.0 scopes and Practice Manager",
    ),
    Requirement(
        name="app",
        title="The app",
        short="An app at developer.xero.com with the redirect address of this machine",
        text="Register an app of the type Mobile or desktop (PKCE), with the redirect address "
        "http://localhost:8765/callback, and enter its client id here.",
        source="developer.xero.com, PKCE flow",
    ),
    Requirement(
        name="scopes",
        title="Scopes",
        short="Scopes for clients, jobs, staff and job templates",
        text="The login needs the scopes practicemanager.client, practicemanager.job, "
        "practicemanager.staff.read and practicemanager.read (the preset 'standard').",
        source="developer.xero.com, OAuth 2.0 scopes; Xero's OpenAPI file",
        unconfirmed="Whether the granular scopes alone open job templates and categories.",
    ),
    Requirement(
        name="permission",
        title="Permission in XPM",
        short="The person who signs in may connect third-party add-ons in XPM",
        text="On the XPM staff record of the person who signs in, an administrator switches on 'Connect "
        "third-party add-ons' (in XPM's old screens: 'Authorise 3rd Party Full Access').",
        source="support.ignitionapp.com/en/articles/4517081",
    ),
    Requirement(
        name="multi-factor",
        title="Multi-factor authentication",
        short="Multi-factor authentication on the Xero login, with the device at hand",
        text=(
            "Xero asks every user for a second factor. The person who signs in needs the device with the "
            "authenticator at hand, also when the login is renewed after it was lost."
        ),
        source="xero.com/sg/security/multi-factor-authentication/faq",
        since="end of 2021",
    ),
    Requirement(
        name="calls",
        title="Calls a day",
        short="5,000 calls a day for each practice; 1,000 in the Starter tier",
        text="Xero allows 60 calls a minute, 5 at once, and 5,000 a day for each app and practice; 1,000 "
        "in the Starter tier.",
        source="developer.xero.com, API limits",
    ),
    Requirement(
        name="version",
        title="Version of the API",
        short="Practice Manager API 3.1; version 3.0 ends on 30 April 2027",
        text="xpm-tui uses version 3.1 of the Practice Manager API only. Version 3.0 ends on 30 April 2027.",
        source="developer.xero.com, changelog",
        unconfirmed="Whether Xero will stop supporting XML: it has named no date.",
    ),
)
"""The requirements, in the order in which they have to be met."""

BY_NAME: Mapping[str, Requirement] = {each.name: each for each in REQUIREMENTS}
