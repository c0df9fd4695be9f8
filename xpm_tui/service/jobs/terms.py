"""On what terms a practice deploys, and which day it is there."""

from __future__ import annotations

from datetime import date

import msgspec

from xpm_tui.deploy.terms import Terms
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs.due import time_zone

IGNITION = (
    "XPM may still be switched on in Ignition, which deploys accepted proposals by itself: every job would "
    "be made twice. Nothing is deployed from here."
)
IGNITION_HINT = "Switch XPM off in Ignition, then: xpm-tui settings set jobs.ignition_deploys no"


def terms_of(practice: OpenPractice) -> Terms:
    """The settings ``jobs.*`` in force."""
    settings = practice.settings
    return msgspec.convert(
        {
            "category": settings.text("jobs.default_category"),
            "budget": settings.text("jobs.budget"),
            "state_code": settings.text("jobs.state_code"),
            "days_early": settings.number("jobs.days_early"),
            "due_days": settings.number("jobs.due_days"),
            "per": settings.text("jobs.per"),
            "name": settings.text("jobs.name"),
            "name_recurring": settings.text("jobs.name_recurring"),
            "reference": settings.text("jobs.reference"),
            "number": settings.text("jobs.number"),
            "missing_person": settings.text("jobs.missing_person"),
            "automatic": settings.yes("jobs.automatic"),
            "ours": settings.text("jobs.ignition_deploys") == "no",
        },
        Terms,
    )


def today(practice: OpenPractice) -> date:
    """The day that it is in the practice's time zone."""
    return practice.clock.now().astimezone(time_zone(practice)).date()
