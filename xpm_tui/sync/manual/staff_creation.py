"""Making a member of the team in XPM's staff: only when asked, only when nobody there could be the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xpm_tui.domain.errors import NeedsPerson, NotFound
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Book, Clock, EventSink, Ids, Practice, Snapshot
from xpm_tui.domain.tables import STAFF, TEAM
from xpm_tui.domain.xpm import Staff
from xpm_tui.sync.applying.adoption import FIELDS, joined, twins
from xpm_tui.sync.journal import ADD_STAFF, is_linked, without_end
from xpm_tui.sync.manual.creation import Maker, Making
from xpm_tui.sync.mirror import list_writes
from xpm_tui.sync.outbox import staff_creation


class StaffThere(NeedsPerson):
    """XPM has staff of that e-mail or name: ``people`` are they, for a person to link instead."""

    code = "staff-there"

    def __init__(self, member: TeamMember, people: list[Staff]) -> None:
        first = people[0]
        what = "this e-mail" if _same_email(member, first) else "exactly this name"
        super().__init__(
            f"XPM has {len(people)} staff of {what} already, among them {first.name}."
            if len(people) > 1
            else f"XPM has {first.name} with {what} already.",
            hint=f"Link that one: xpm-tui team link {member.id} {first.uuid}. If it is another person, say "
            "--anyway.",
        )
        self.people = people


def blocked(snapshot: Snapshot, member: TeamMember) -> str:
    """Why this member must not be made in XPM, in a sentence; empty where nothing stands against it."""
    if member.staff:
        return f"{member.name} ({member.id}) is linked to XPM's staff already."
    if not exact(member.name):
        return "This member has no name, and XPM takes no staff without one."
    pending = [intent for intent in without_end(snapshot) if intent.kind == ADD_STAFF]
    if any(intent.record == member.id for intent in pending):
        return "It was sent to XPM before and no answer came: what became of that has to be found out first."
    email, name = member.email.strip().casefold(), exact(member.name)
    for intent in pending:
        sent = {field: str(value) for field, value in intent.values.items()}
        same = exact(sent.get("name", "")) == name or (email and sent.get("email", "").casefold() == email)
        if same and not is_linked(snapshot, intent):
            return (
                "Another member of this name or e-mail was sent to XPM and no answer came: what became of "
                "that has to be found out first."
            )
    return ""


def creation_values(member: TeamMember, more: Mapping[str, str]) -> dict[str, str]:
    """Exactly what is sent: the member's name and e-mail, ``more`` for phone and mobile; blanks left out."""
    found = {"name": exact(member.name), "email": member.email.strip(), **more}
    return {field: exact(found[field]) for field in FIELDS if exact(found.get(field, ""))}


async def create_staff(
    member_id: str,
    more: Mapping[str, str],
    *,
    book: Book,
    practice: Practice,
    clock: Clock,
    ids: Ids,
    events: EventSink,
    by: str,
    run: str,
    direction: Direction,
    anyway: bool = False,
    create_lag: float = 300.0,
    stop: Callable[[], bool] = lambda: False,
) -> Staff:
    """Make a staff record without login in XPM, and link the member to it.

    XPM's staff are read once more before anything is sent. Raises ``StaffThere`` where one of them has the
    e-mail or the exact name and ``anyway`` is not given, ``NeedsPerson`` where it must not or cannot be told,
    ``Refused`` when XPM said no, and what the wire raises.
    """
    member = book.snapshot().get(TEAM, member_id)
    if member is None:
        raise NotFound(f"There is no team member with the id {member_id}.")
    why = blocked(book.snapshot(), member)
    if why:
        raise NeedsPerson(why, hint="See: xpm-tui team list, xpm-tui runs release")
    there = await practice.staff()
    book.commit(list_writes(book.snapshot(), STAFF, there))
    values = creation_values(member, more)
    people = twins(values, there)
    if people and not anyway:
        raise StaffThere(member, people)
    asked = Making(
        staff_creation(member.id, values, [row.uuid for row in there]),
        name=member.name,
        noun="staff record",
        table=STAFF,
        adopt=joined,
    )
    return await Maker(book, practice, clock, ids, events, by, run, direction).make(asked, create_lag, stop)


def _same_email(member: TeamMember, person: Staff) -> bool:
    ours = member.email.strip().casefold()
    return bool(ours) and ours == person.email.strip().casefold()
