"""Check the requirements of a connection, and say how each of them is known, without a call to Xero."""

from __future__ import annotations

import msgspec

from xpm_tui.application.connection_steps import connection_draft
from xpm_tui.application.practice import OpenPractice, list_state
from xpm_tui.application.runs import history
from xpm_tui.application.status.summary import allowance_at
from xpm_tui.diagnostics.connection_requirements import (
    CERTAINTIES,
    FOOTER,
    HEADING,
    NOT_MET,
    REQUIREMENTS,
    Certainty,
    Requirement,
    RequirementName,
)
from xpm_tui.domain.errors import CaseId
from xpm_tui.domain.formatting import count, when_utc
from xpm_tui.domain.labels import Label
from xpm_tui.settings.kinds import parse_scopes


class CheckedRequirement(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement: how it is known (``mark``), whether it is met (None: unknown), and the evidence."""

    requirement: Requirement
    mark: Certainty
    met: bool | None
    sentence: str

    @property
    def label(self) -> Label:
        """Return how it is known, or that it is not met."""
        return NOT_MET if self.met is False else CERTAINTIES[self.mark]


def requirement_sentences(practice: OpenPractice) -> list[str]:
    """Return every requirement as a line, as shown before a practice is connected."""
    found = check_requirements(practice)
    return [f"{HEADING}:", *(f"{each.label.text}: {each.requirement.short}." for each in found), FOOTER]


Check = tuple[Certainty, bool | None, str]


def check_requirements(practice: OpenPractice) -> tuple[CheckedRequirement, ...]:
    """Return every requirement in order, judged by the settings, the login and earlier replies."""
    return tuple(
        CheckedRequirement(requirement=each, mark=mark, met=met, sentence=sentence)
        for each in REQUIREMENTS
        for mark, met, sentence in [_CHECKS[each.name](practice)]
    )


def _answered(practice: OpenPractice) -> str:
    """Return in words when Practice Manager last answered; empty if it never did."""
    at = list_state(practice.snapshot(), "clients").at
    return when_utc(at) if at is not None and practice.identity() is not None else ""


def _not_open(practice: OpenPractice) -> bool:
    """Return whether Xero refused the app access to Practice Manager in the last run."""
    last = next((run for run in history.list_runs(practice, 20) if history.is_sync(run)), None)
    return last is not None and last.case == CaseId.API_NOT_OPEN


def _tier(practice: OpenPractice) -> Check:
    if _not_open(practice):
        return "checked", False, "Xero refused the last run: the tier of the app may not cover it."
    if practice.sandbox:
        return "assumed", None, "This practice is in a sandbox, which needs no tier."
    if at := _answered(practice):
        return (
            "checked",
            True,
            f"Practice Manager answered on {at}, so the app has the tier or the exemption.",
        )
    return "assumed", None, "Xero's page says so; the tier of your app is shown at developer.xero.com."


def _exemption(practice: OpenPractice) -> Check:
    if not practice.sandbox and _answered(practice):
        return (
            "unknown",
            None,
            "Xero accepts this app's calls, but does not say whether by its tier or by the exemption.",
        )
    return "unknown", None, "Only Xero can tell whether your app is exempt: ask before you register it."


def _approval(practice: OpenPractice) -> Check:
    if _not_open(practice):
        return (
            "checked",
            False,
            "Xero refused the last run: the app may not be approved.",
        )
    if practice.sandbox:
        return "assumed", None, "This practice is in a sandbox, which approves every app."
    identity = practice.identity()
    if identity is not None and "practicemanager" in identity.scopes:
        return "checked", True, "Xero granted Practice Manager scopes to the app."
    return "unknown", None, "The first sign-in will show it: an app without approval ends on an error page."


def _app(practice: OpenPractice) -> Check:
    port = practice.settings.number("xero.redirect_port")
    if not practice.settings.text("xero.client_id"):
        return "checked", False, "No client id is set: xpm-tui settings set xero.client_id ID"
    address = f"http://localhost:{port}/callback"
    if practice.identity() is not None:
        return "checked", True, f"A client id is set, and Xero accepted it with {address}."
    return "assumed", None, f"A client id is set. The app must have the redirect address {address}."


def _scopes(practice: OpenPractice) -> Check:
    asked = parse_scopes(practice.settings.text("xero.scopes"))
    identity = practice.identity()
    if identity is None:
        return "assumed", None, f"The sign-in will ask for: {' '.join(asked)}."
    missing = sorted(set(asked) - set(identity.scopes.split()))
    if missing:
        return "checked", False, f"Xero did not grant: {' '.join(missing)}."
    return "checked", True, "Xero granted every scope that the settings ask for."


def _permission(practice: OpenPractice) -> Check:
    identity = practice.identity()
    if identity is not None:
        who = identity.login or "The person who signed in"
        return "checked", True, f"{who} connected the practice."
    answer = connection_draft(practice).permission
    if answer == "ticked":
        return "assumed", None, "You said that it is ticked. The first sign-in will show it."
    return "unknown", None, "Look at the staff record in XPM, or ask an administrator of XPM."


def _multi_factor(practice: OpenPractice) -> Check:
    identity = practice.identity()
    if identity is not None:
        since = f" on {when_utc(identity.since)}" if identity.since else ""
        return "checked", True, f"The sign-in succeeded{since}."
    return "assumed", None, "Xero will ask for it when you sign in."


def _calls(practice: OpenPractice) -> Check:
    limit = allowance_at(practice.state, practice.clock, practice.shared).day_limit
    if limit is not None:
        return "checked", True, f"Xero's replies show {count(limit, 'call')} a day."
    return "assumed", None, "Xero's first reply will show it."


def _version(practice: OpenPractice) -> Check:
    return "checked", True, "This version of xpm-tui uses 3.1."


_CHECKS = {
    "tier": _tier,
    "exemption": _exemption,
    "approval": _approval,
    "app": _app,
    "scopes": _scopes,
    "permission": _permission,
    "multi-factor": _multi_factor,
    "calls": _calls,
    "version": _version,
}


def unmet(found: tuple[CheckedRequirement, ...]) -> list[RequirementName]:
    """Return the names of the requirements that were checked and are not met."""
    return [each.requirement.name for each in found if each.met is False]
