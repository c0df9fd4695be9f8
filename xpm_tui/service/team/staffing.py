"""A staff record made in XPM for a member of the team: shown before, sent once, linked after."""

from __future__ import annotations

from xpm_tui.events.log import during
from xpm_tui.model.cases import CaseId
from xpm_tui.model.errors import BadInput, NeedsPerson
from xpm_tui.model.ports import Snapshot
from xpm_tui.model.tables import STAFF, TEAM
from xpm_tui.model.xml_text import refuse_uncarriable_values
from xpm_tui.service.identity import read_identity
from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.runs.stopping import Stopper
from xpm_tui.service.team.look import Team
from xpm_tui.service.team.views import StaffMade, StaffPreview
from xpm_tui.service.telling.lookup import find_member
from xpm_tui.sync.applying.recover import resolve
from xpm_tui.sync.applying.staffing import twins
from xpm_tui.sync.by_hand.create_staff import StaffThere, blocked, create_staff, creation_values

OPENS = frozenset({"practicemanager", "practicemanager.staff"})
"""The scopes that let a login write staff: either does."""
LONGEST = 255


def preview(practice: OpenPractice, member: str, *, phone: str = "", mobile: str = "") -> StaffPreview:
    """What would be sent for a member, and what stands against it, as far as the mirror knows XPM.

    Raises ``NotFound`` for nobody of the team, ``BadInput`` for a value that XPM cannot take.
    """
    snapshot, team = practice.snapshot(), Team.of(practice)
    ours = find_member(snapshot, member)
    sent = creation_values(ours, _more(phone, mobile))
    refuse_uncarriable_values(sent)
    for field, text in sent.items():
        if len(text) > LONGEST or any(ord(c) < 32 or ord(c) == 127 for c in text):
            raise BadInput(f"{field} is too long, or holds control characters: XPM cannot take it.")
    return StaffPreview(
        member=team.member(ours),
        sent=sent,
        twins=tuple(team.staff_view(row) for row in twins(sent, snapshot.rows(STAFF)) if not row.gone),
        blocked=blocked(snapshot, ours) or _closed(snapshot),
    )


async def create_in_xpm(
    practice: OpenPractice, member: str, *, phone: str = "", mobile: str = "", anyway: bool = False
) -> StaffMade:
    """Make the record and link the member to it; see :func:`xpm_tui.sync.by_hand.create_staff.create_staff`.

    What an earlier try left open is looked up first: where XPM has it by now, that one is linked and nothing
    is sent. Raises ``NeedsPerson`` (``StaffThere`` where XPM has the e-mail or name), ``Busy``, and what the
    wire raises.
    """
    practice.writable()
    identity = practice.connected()
    shown = preview(practice, member, phone=phone, mobile=mobile)
    closed = _closed(practice.snapshot())
    if closed:
        raise NeedsPerson(closed, case=CaseId.SCOPE_MISSING)
    ours = shown.member.id
    with practice.lock("creating a staff record in XPM").hold():
        (run,) = practice.ids.new("r")
        stop = Stopper(practice, run)
        lag = practice.settings.number("sync.create_lag")
        with during(run), stop.listening():
            async with practice.wire() as wire:
                xpm = wire.practice(identity.tenant)
                found = await resolve(
                    book=practice.book, practice=xpm, clock=practice.clock, tell=practice.events.emit,
                    create_lag=lag, stop=stop, patient=False,
                )  # fmt: skip
                if not any(intent.record == ours for intent in found.done):
                    await create_staff(
                        ours,
                        _more(phone, mobile),
                        book=practice.book,
                        practice=xpm,
                        clock=practice.clock,
                        ids=practice.ids,
                        events=practice.events,
                        by=practice.person,
                        run=run,
                        direction=practice.policy().direction,
                        anyway=anyway,
                        create_lag=lag,
                        stop=stop,
                    )
    return _made(practice, ours, run)


def _made(practice: OpenPractice, member: str, run: str) -> StaffMade:
    snapshot, team = practice.snapshot(), Team.of(practice)
    ours = snapshot.get(TEAM, member)
    row = snapshot.get(STAFF, ours.staff) if ours else None
    if ours is None or row is None:
        raise NeedsPerson("The member was changed meanwhile.", hint="Look at the team: xpm-tui team list")
    return StaffMade(member=team.member(ours), staff=team.staff_view(row), run=run)


def _more(phone: str, mobile: str) -> dict[str, str]:
    return {"phone": phone, "mobile": mobile}


def _closed(snapshot: Snapshot) -> str:
    """Whether the login may not write staff, in a sentence; empty where it may, or nobody can tell."""
    identity = read_identity(snapshot)
    granted = set(identity.scopes.split()) if identity else set()
    if not granted or granted & OPENS:
        return ""
    return (
        "The login may read XPM's staff, not write them: it lacks the scope practicemanager.staff. Add it to "
        "xero.scopes (the preset both opens it), then connect again: xpm-tui connect"
    )


__all__ = ["StaffThere", "create_in_xpm", "preview"]
