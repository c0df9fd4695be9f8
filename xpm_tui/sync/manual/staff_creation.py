"""Create a team member in XPM's staff: only when asked, and only where nobody could be the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from xpm_tui.domain.errors import DecisionNeeded, NotFound
from xpm_tui.domain.identity import compare, exact
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.plan import Direction
from xpm_tui.domain.ports import Clock, EventSink, IdSource, Snapshot, Store, XpmPort
from xpm_tui.domain.quarantine import quarantined_in
from xpm_tui.domain.tables import APART, STAFF, TEAM
from xpm_tui.domain.xpm import Staff
from xpm_tui.sync.applying.adoption import FIELDS, joined
from xpm_tui.sync.base import different as as_different
from xpm_tui.sync.journal import ADD_STAFF, is_linked, unanswered
from xpm_tui.sync.manual.creation import CreationRequest, RecordCreator, refuse_unreadable
from xpm_tui.sync.mirror import list_writes
from xpm_tui.sync.outbox import staff_creation


class StaffThere(DecisionNeeded):
    """XPM has staff of that e-mail, or of the same or a similar name: ``people``, to be linked instead."""

    code = "staff-there"

    def __init__(self, member: TeamMember, people: Sequence[Staff]) -> None:
        consent = " ".join(f"--different-from {person.uuid}" for person in people)
        super().__init__(
            " ".join(
                f"XPM already has {_who(person)}: {matching_details(member, person)}." for person in people
            ),
            hint=f"Link to that record: xpm-tui team link {member.id} {people[0].uuid}. If it is a "
            f"different person, add {consent}.",
        )
        self.people = people


def matching_details(member: TeamMember, person: Staff) -> str:
    """In what a member and a person of XPM's staff agree, in words; empty where they are different."""
    if _same_email(member, person):
        return "the e-mail is the same"
    found = compare(member.name, person.name)
    return "" if found.answer == "different" else found.reasons[0]


def possible_duplicates(snapshot: Snapshot, member: TeamMember, staff: Iterable[Staff]) -> list[Staff]:
    """Return XPM's staff who may be this member: the same e-mail, the same name, or a similar one.

    Somebody of a similar name who is linked to another member is not in the way, nor is anybody of whom a
    user said that they are different people.
    """
    taken = {other.staff for other in snapshot.rows(TEAM) if other.staff and other.id != member.id}
    settled = {pair.uuid for pair in snapshot.find(APART, "client", member.id)}
    found = []
    for person in staff:
        if person.gone or person.uuid in settled:
            continue
        answer = compare(member.name, person.name).answer
        near = answer == "near" and person.uuid not in taken
        if answer == "same" or near or _same_email(member, person):
            found.append(person)
    return sorted(found, key=lambda person: (not _same_email(member, person), person.name, person.uuid))


def blocked(snapshot: Snapshot, member: TeamMember) -> str:
    """Why this member must not be made in XPM, in a sentence; empty where nothing stands against it."""
    if member.staff:
        return f"{member.name} ({member.id}) is already linked to a staff record in XPM."
    if not exact(member.name):
        return "This team member has no name, and XPM does not accept staff without a name."
    pending = [intent for intent in unanswered(snapshot) if intent.kind == ADD_STAFF]
    if any(intent.record == member.id for intent in pending):
        return "It was already sent to XPM, but no answer came. First find out what happened to it."
    email, name = member.email.strip().casefold(), exact(member.name)
    for intent in pending:
        sent = {field: str(value) for field, value in intent.values.items()}
        same = exact(sent.get("name", "")) == name or (email and sent.get("email", "").casefold() == email)
        if same and not is_linked(snapshot, intent):
            return (
                "Another team member with this name or e-mail was sent to XPM, but no answer came. "
                "First find out what happened to it."
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
    book: Store,
    practice: XpmPort,
    clock: Clock,
    ids: IdSource,
    events: EventSink,
    by: str,
    run: str,
    direction: Direction,
    different: Collection[str] = (),
    anyway: bool = False,
    create_lag: float = 300.0,
    stop: Callable[[], bool] = lambda: False,
) -> Staff:
    """Create a staff record without login in XPM, and link the member to it.

    XPM's staff are read once more before anything is sent. ``different`` are the UUIDs of staff of whom the
    user says that they are different people, and ``anyway`` says so of all; the answer is remembered.

    Raises:
        StaffThere: One of them has the e-mail, or the same or a similar name.
        NeedsPerson: It must not be created, or nobody can tell whether XPM created it.
        Refused: XPM said no.
    """
    member = book.snapshot().get(TEAM, member_id)
    if member is None:
        raise NotFound(f"There is no team member with the id {member_id}.")
    why = blocked(book.snapshot(), member)
    if why:
        raise DecisionNeeded(why, hint="See: xpm-tui team list, xpm-tui runs release")
    there = await practice.staff()
    if not anyway:
        refuse_unreadable(book.snapshot(), "staff", quarantined_in(there), member.name)
    book.commit(list_writes(book.snapshot(), STAFF, there))
    values = creation_values(member, more)
    people = possible_duplicates(book.snapshot(), member, there)
    left = [person for person in people if person.uuid not in different]
    if left and not anyway:
        raise StaffThere(member, left)
    if people:
        book.commit([as_different(member.id, each.uuid, by=by, now=clock.now()) for each in people])
    asked = CreationRequest(
        staff_creation(member.id, values, [row.uuid for row in there]),
        name=member.name,
        noun="staff record",
        table=STAFF,
        adopt=joined,
    )
    return await RecordCreator(book, practice, clock, ids, events, by, run, direction).make(
        asked, create_lag, stop
    )


def _who(person: Staff) -> str:
    return f"{person.name} <{person.email}>" if person.email else person.name


def _same_email(member: TeamMember, person: Staff) -> bool:
    ours = member.email.strip().casefold()
    return bool(ours) and ours == person.email.strip().casefold()
