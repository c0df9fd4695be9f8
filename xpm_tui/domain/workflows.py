"""Workflows: what a proposal asks to be made in XPM, once or again and again, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

Unit = Literal["week", "month", "year"]
Automatic = Literal["no", "setting", "yes"]
DeploymentState = Literal["going", "deployed", "held", "failed", "skipped"]
Step = Literal["client", "look", "add", "template", "assign", "state"]


class Repeat(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A recurrence: every ``every`` weeks, months or years from the workflow's start, up to ``end``.

    Without an ``end`` it ends with its proposal; ``endless`` where a user said that it goes on.
    Days that a month does not have become its last day (the 31st, the 29th of February); ``last_day`` means
    the last day of every month whatever the start is.
    """

    unit: Unit
    every: int = 1
    end: date | None = None
    last_day: bool = False
    endless: bool = False


class Audit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a workflow's history; ``what`` is the key of a sentence, ``about`` a field or a number."""

    at: datetime
    by: str
    what: str
    about: str = ""


class Workflow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a proposal, or one project of it, asks to be made in XPM (``w3``).

    ``name`` is the proposal's, with the project's after it; ``split``: it is for its
    project's services alone. A field that is None follows the proposal, its
    services and the settings until the job is made; one that is set was typed. ``category`` and ``templates``
    are UUIDs of XPM, ``partner``, ``manager`` and ``staff`` team members. ``since`` is the day on which a
    person accepted or took the proposal: occurrences before it are not ours. ``automatic``: ``setting`` means
    deployed by itself as long as the setting says so. ``stopped`` tells why nothing more is made of it.

    ``entity``: it is for the services of that entity alone, empty for those of the proposal's own client;
    None where entities are not told apart. ``client`` is our id of a client that was chosen for it.
    ``follows`` is the workflow that it was rolled over from; its term is from ``term_start`` to ``term_end``,
    each None where it is the proposal's.
    """

    id: str
    proposal: str
    name: str
    project: str = ""
    split: bool = False
    entity: str | None = None
    client: str | None = None
    follows: str = ""
    term_start: date | None = None
    term_end: date | None = None
    start: date
    since: date
    repeat: Repeat | None = None
    automatic: Automatic = "no"
    job_name: str | None = None
    description: str | None = None
    category: str | None = None
    budget: str | None = None
    partner: str | None = None
    manager: str | None = None
    staff: tuple[str, ...] = ()
    reference: str | None = None
    templates: tuple[str, ...] | None = None
    due: date | None = None
    due_days: int | None = None
    days_early: int | None = None
    state_code: str | None = None
    stopped: str = ""
    audit: tuple[Audit, ...] = ()


class JobSpec(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The exact job: what is sent to XPM. Category, templates and people are UUIDs of XPM.

    ``number`` is a job number of our own, empty where XPM gives its next one.
    """

    name: str
    description: str
    start: date
    due: date
    category: str = ""
    budget: str = ""
    reference: str = ""
    number: str = ""
    templates: tuple[str, ...] = ()
    partner: str = ""
    manager: str = ""
    staff: tuple[str, ...] = ()
    state_code: str = ""


class Deployment(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one occurrence; ``id`` is ``<workflow>/<day>``, the day being the occurrence's date.

    ``spec`` is what was sent, or is about to be. ``number`` is the job's in XPM: with it the job is there,
    and only what is not yet done is done. ``applied`` are the templates that are on it. ``step`` is where it
    stands, ``cause`` and ``why`` what keeps it there, ``left_out`` people who could not be named. ``earlier``
    are numbers of jobs that XPM no longer had when it was deployed again, ``attempt`` counts those.
    """

    id: str
    workflow: str
    day: date
    state: DeploymentState
    attempt: int = 1
    spec: JobSpec | None = None
    client: str = ""
    number: str = ""
    uuid: str = ""
    url: str = ""
    applied: tuple[str, ...] = ()
    tasks: int = 0
    assigned: bool = False
    state_set: bool = False
    first_state: str = ""
    step: Step = "client"
    cause: str = ""
    why: str = ""
    left_out: tuple[str, ...] = ()
    run: str = ""
    earlier: tuple[str, ...] = ()
    audit: tuple[Audit, ...] = ()


def deployment_id(workflow: str, day: date) -> str:
    """The key of one occurrence of one workflow."""
    return f"{workflow}/{day.isoformat()}"
