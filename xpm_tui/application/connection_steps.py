"""The steps of connecting a practice, with their states as they follow from what is stored.

The permission in XPM cannot be checked without a login, so the user is asked about it, and signing in tests
the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from xpm_tui.application.jobs import templates
from xpm_tui.application.jobs.services import describe_missing_templates
from xpm_tui.application.practice import ConnectionDraft, OpenPractice, list_state, put, read
from xpm_tui.application.runs.plans import latest_plan
from xpm_tui.application.team import links as team
from xpm_tui.application.team.queries import find_connector
from xpm_tui.diagnostics.known_problems import KNOWN_PROBLEMS
from xpm_tui.diagnostics.login_problems import NEW_PERMISSION, OLD_PERMISSION
from xpm_tui.domain.errors import BadInput, CaseId
from xpm_tui.domain.formatting import count
from xpm_tui.domain.labels import LEVELS
from xpm_tui.domain.tables import CLIENTS, LINKS, SERVICES, STAFF, TEAM, TEMPLATES, XPM_CLIENTS
from xpm_tui.xero.auth.token_store import is_refused

Answer = Literal["ticked", "no-box", "just-now"]

ANSWERS: dict[Answer, str] = {
    "ticked": "It is ticked",
    "no-box": "There is no such box",
    "just-now": "Someone ticked it just now",
}


@dataclass(frozen=True)
class Advice:
    """The advice for an answer: a sentence, the clicks in XPM's new and old screens, and the problem."""

    sentence: str
    path: tuple[str, ...] = ()
    old_path: tuple[str, ...] = ()
    case: CaseId | None = None


GRANT = Advice("", NEW_PERMISSION, OLD_PERMISSION, CaseId.NO_PERMISSION)
"""The advice before any answer, which is how to give the permission."""

_SENTENCES: dict[Answer, tuple[str, CaseId]] = {
    "no-box": (
        "XPM shows the box only on the record of an administrator that was saved as one.",
        CaseId.NO_PRIVILEGE_BOX,
    ),
    "just-now": (
        "XPM may not notice the tick at once. If Xero offers no practice, untick the box and tick it again.",
        CaseId.STALE_PERMISSION,
    ),
}


def next_advice(answer: Answer) -> Advice:
    """Return what to do next, by what the user sees in XPM."""
    if answer == "ticked":
        return Advice("Signing in will show whether Xero accepts it.")
    sentence, case = _SENTENCES[answer]
    return Advice(sentence, KNOWN_PROBLEMS[case].steps, KNOWN_PROBLEMS[case].old_screens, case)


Name = Literal[
    "permission", "app", "authorise", "practice", "direction", "clients", "team", "templates", "plan"
]
State = Literal["done", "now", "todo", "skipped"]

TITLES: dict[Name, str] = {
    "permission": "The permission in XPM",
    "app": "The app at Xero",
    "authorise": "Sign in to Xero",
    "practice": "Choose the practice",
    "direction": "Direction and what to sync",
    "clients": "Clients",
    "team": "Team",
    "templates": "Job templates",
    "plan": "The first plan",
}
SHORT_TITLES: dict[Name, str] = {
    "permission": "Permission",
    "app": "App",
    "authorise": "Sign in",
    "practice": "Practice",
    "direction": "Direction",
    "clients": "Clients",
    "team": "Team",
    "templates": "Templates",
    "plan": "Plan",
}
"""The title in one or two words, for a list of all steps."""

IGNITION = {
    "unknown": "Does Ignition's own XPM integration still create jobs? Until you answer, no jobs are created "
    "from here.",
    "yes": "Ignition's own XPM integration creates the jobs: none are created from here.",
    "no": "Ignition's own XPM integration is off: jobs of proposals you took over are created from here.",
}
"""The meaning of each answer to the question whether Ignition creates the jobs."""
CAN_SKIP: frozenset[Name] = frozenset({"clients", "team", "templates", "plan"})


@dataclass(frozen=True)
class ConnectionStep:
    """One step: ``facts`` are what is known, ``missing`` what is still needed, in sentences."""

    name: Name
    title: str
    state: State
    facts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    can_skip: bool = False
    case: CaseId | None = None

    @property
    def short(self) -> str:
        """Return the title in one or two words."""
        return SHORT_TITLES[self.name]


def steps(practice: OpenPractice, *, signed_in: bool = False) -> tuple[ConnectionStep, ...]:
    """Return all steps in order; exactly one is ``now`` unless nothing is left to do.

    ``signed_in`` says that the user has signed in and not chosen a practice yet.
    """
    draft = connection_draft(practice)
    found: list[ConnectionStep] = []
    has_now = False
    for name in TITLES:
        facts, missing = _FINDINGS[name](practice, draft, signed_in)
        state: State = "todo"
        if not missing:
            state = "done"
        elif name in draft.skipped:
            state = "skipped"
        elif not has_now:
            state, has_now = "now", True
        case = CaseId.SCOPE_MISSING if name == "templates" and _closed(practice) else None
        found.append(ConnectionStep(name, TITLES[name], state, facts, missing, name in CAN_SKIP, case))
    return tuple(found)


def connection_draft(practice: OpenPractice) -> ConnectionDraft:
    """Return what the user has answered so far."""
    return read(practice.snapshot(), "wizard", ConnectionDraft) or ConnectionDraft()


def has_begun(practice: OpenPractice) -> bool:
    """Return whether the practice was connected before, or the question about the permission is answered."""
    return practice.identity() is not None or bool(connection_draft(practice).permission)


def store_answer(practice: OpenPractice, **draft: object) -> None:
    """Store answers of the user, by the attributes of ``ConnectionDraft``."""
    before = connection_draft(practice)
    after = msgspec.structs.replace(before, **draft)
    if after != before:
        practice.store.commit([put("wizard", after)])


def skip(practice: OpenPractice, name: Name, *, on: bool = True) -> None:
    """Skip a step, or resume it. Raises ``BadInput`` for one that cannot be skipped."""
    if name not in CAN_SKIP:
        raise BadInput(f'The step "{TITLES[name]}" cannot be skipped.')
    skipped = [each for each in connection_draft(practice).skipped if each != name]
    store_answer(practice, skipped=tuple([*skipped, name] if on else skipped))


StepFindings = tuple[tuple[str, ...], tuple[str, ...]]
"""The facts of a step, and what is missing for it."""


def _permission(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    if practice.identity() is not None or signed_in:
        return ("Confirmed: the sign-in succeeded.",), ()
    answer = {**ANSWERS}.get(draft.permission, "")  # type: ignore[call-overload]
    return ((answer,), ()) if answer else ((), ("Choose one of the answers.",))


def _app(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    settings = practice.settings
    client = settings.text("xero.client_id")
    facts = (
        f"Client id: {client}" if client else "No client id yet",
        f"Scopes: {settings.text('xero.scopes')}",
        f"Redirect address: http://localhost:{settings.number('xero.redirect_port')}/callback",
        *((f"Xero at {settings.text('xero.api_url')} (SANDBOX)",) if practice.sandbox else ()),
    )
    return facts, () if client else ("The client id of an app registered at developer.xero.com.",)


def _authorise(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    identity = practice.identity()
    if identity is not None and not signed_in and is_refused(practice.state, practice.shared):
        return (), ("Xero no longer accepts the login: sign in again and press Allow access.",)
    if identity is not None:
        who = identity.login or identity.by
        return (f"Signed in{f' as {who}' if who else ''}.", f"Scopes: {identity.scopes}"), ()
    return (("Signed in.",), ()) if signed_in else ((), ("Sign in and press Allow access.",))


def _practice(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    identity = practice.identity()
    if identity is not None:
        facts = (identity.title, f"Id: {identity.tenant}")
        # A new login may be for another practice: it is checked, and a wrong one is refused.
        return facts, ("Choose the practice of this login.",) if signed_in else ()
    return (), ("Choose the practice to connect.",)


def _direction(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    direction, level = practice.settings.text("sync.direction"), practice.settings.text("sync.level")
    master = (
        "From XPM: XPM overwrites Ignition" if direction == "from_xpm" else "To XPM: Ignition overwrites XPM"
    )
    chosen = {practice.settings.origin("sync.direction"), practice.settings.origin("sync.level")}
    facts = (master, f"What to sync: {LEVELS[level].text}")
    if "direction" in draft.settled or chosen != {"default"}:
        return facts, ()
    return facts, ("Confirm these, or choose others.",)


def _clients(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    snapshot = practice.snapshot()
    clients, linked = snapshot.count(CLIENTS), snapshot.count(LINKS)
    facts = (
        f"Ignition: {count(clients, 'client')}, {linked:,} linked",
        f"XPM: {count(snapshot.count(XPM_CLIENTS), 'client')}",
    )
    return facts, () if clients else ("Import Ignition's client file, or bring in clients from XPM.",)


def _team(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    snapshot = practice.snapshot()
    members = list(snapshot.rows(TEAM))
    linked = {member.staff for member in members if member.staff}
    staff = [row for row in snapshot.rows(STAFF) if not row.gone]
    free = sum(row.uuid not in linked for row in staff)
    people = count(len(members), "person/people")
    facts = [f"{people} in the team, {len(linked):,} linked to XPM's staff ({len(staff):,})"]
    matches = len(team.email_matches(practice)) if free else 0
    if matches:
        facts.append(f"{count(matches, 'person/people')} with the same e-mail in Ignition and XPM")
    if free:
        facts.append(f"{count(free, 'person/people')} in XPM not linked to your team")
    note = list_state(snapshot, "staff").note
    person = find_connector(snapshot)
    facts += [each for each in (note, person.sentence if person else "") if each]
    known = practice.identity() is not None
    done = (bool(members) and len(linked) == len(members)) or (known and not free)
    missing = "Link your team to XPM's staff, so that partner and manager can be synced."
    return tuple(facts), () if done else (missing,)


def _templates(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    snapshot = practice.snapshot()
    services = list(snapshot.rows(SERVICES))
    linked = sum(1 for service in services if service.templates or service.no_job)
    known = sum(not row.gone for row in snapshot.rows(TEMPLATES))
    settled = f"{linked:,} of {count(len(services), 'service')} decided"
    note = list_state(snapshot, "templates").note
    facts = [
        *describe_missing_templates(snapshot),
        *([note] if note else []),
        f"{count(known, 'job template')} in XPM; {settled}",
    ]
    same = len(templates.same_names(snapshot))
    if same:
        facts.append(f"{count(same, 'service')} with the name of a job template")
    answer = practice.settings.text("jobs.ignition_deploys")
    missing = [] if linked == len(services) or not known else ["Link your services to job templates."]
    if services and answer == "unknown":
        missing.append(IGNITION[answer])
    else:
        facts.append(IGNITION[answer])
    return tuple(facts), tuple(missing)


def _plan(practice: OpenPractice, draft: ConnectionDraft, signed_in: bool) -> StepFindings:
    plan = latest_plan(practice)
    if plan is None:
        return (), ("Make the first plan and review it.",)
    return (f"Plan {plan.id}: {count(plan.counts.get('items', 0), 'change')}",), ()


def _closed(practice: OpenPractice) -> bool:
    return bool(list_state(practice.snapshot(), "templates").scope)


_FINDINGS = {
    "permission": _permission,
    "app": _app,
    "authorise": _authorise,
    "practice": _practice,
    "direction": _direction,
    "clients": _clients,
    "team": _team,
    "templates": _templates,
    "plan": _plan,
}
