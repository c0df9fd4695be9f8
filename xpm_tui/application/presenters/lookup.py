"""Names for ids, records for typed texts (an id, a number, an address, a name), and views of differences.

The differences are those that no plan changes: with both values, the reason, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from xpm_tui.application.practice import ConnectionDraft, OpenPractice, read, read_identity
from xpm_tui.application.presenters.views import ClientView, SideBySide, SkippedUndoView
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput, DecisionNeeded, NotFound
from xpm_tui.domain.events import TENANT
from xpm_tui.domain.fields import BY_NAME
from xpm_tui.domain.identity import exact, name_key
from xpm_tui.domain.ignition import Client, TeamMember
from xpm_tui.domain.links import Value, read_reference
from xpm_tui.domain.plan import Direction, Plan
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.reason_labels import DIFFERENCES
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import (
    CATEGORIES,
    CLIENTS,
    FREEZES,
    LINKS,
    PROPOSALS,
    SERVICES,
    STAFF,
    TEAM,
    TEMPLATES,
    WORKFLOWS,
    XPM_CLIENTS,
    TableSchema,
)
from xpm_tui.domain.xpm import Staff, XpmClient
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.presenters import namesakes
    from xpm_tui.application.presenters import presenter as presenter_module
    from xpm_tui.sync import base, canonical, mirror
    from xpm_tui.sync.planning import planner


if TYPE_CHECKING:
    from xpm_tui.sync.planning.decisions import Difference

R = TypeVar("R")

_NAMED: tuple[TableSchema[Any], ...] = (
    TEAM, SERVICES, WORKFLOWS, PROPOSALS, XPM_CLIENTS, STAFF, TEMPLATES, CATEGORIES,
)  # fmt: skip


def names(practice: OpenPractice) -> Callable[[str], str]:
    """Return a function that returns the current name of an id; see :func:`distinguishing_name`."""
    return lambda id_: distinguishing_name(practice.snapshot(), id_)


def masked(id_: str) -> str:
    """Return what replaces a name in a log that leaves this machine: the kind of record and its id."""
    client, _, contact = id_.partition("/")
    if id_.startswith(TENANT):
        return f"practice {id_.removeprefix(TENANT)[:8]}"
    if contact:
        return f"contact {contact} of client {client}"
    return f"{_KINDS.get(id_[:1], 'record')} {id_}" if id_[1:].isdigit() else f"XPM record {id_[:8]}"


_KINDS = {
    "c": "client", "t": "person", "s": "service", "r": "run", "p": "plan", "o": "proposal", "w": "workflow",
}  # fmt: skip


def distinguishing_name(snapshot: Snapshot, id_: str) -> str:
    """Return the name of a record with what distinguishes it from namesakes.

    An XPM client gets its number, a workflow its client, and an Ignition client with a shared name its id.
    """
    name = name_of(snapshot, id_)
    if (workflow := snapshot.get(WORKFLOWS, id_)) is not None:
        proposal = snapshot.get(PROPOSALS, workflow.proposal)
        whose = name_of(snapshot, workflow.client or (proposal.client if proposal is not None else ""))
        return f"{name} ({whose})" if whose else name
    client_id = id_.partition("/")[0]
    client = snapshot.get(CLIENTS, client_id)
    if client is not None:
        shared = len(snapshot.find(CLIENTS, "name_key", name_key(client.name))) > 1
        return f"{name} {client.client_id or client_id}" if shared else name
    row = snapshot.get(XPM_CLIENTS, id_)
    return f"{name} #{row.number}" if row is not None and row.number else name


def name_of(snapshot: Snapshot, id_: str) -> str:
    """Return the name of an id or an XPM UUID; a contact with its client. Empty if it is unknown."""
    client_id, _, contact_id = id_.partition("/")
    client = snapshot.get(CLIENTS, client_id)
    if client is not None:
        contact = client.contact(contact_id)
        return f"{contact.name} ({client.name})" if contact else client.name
    for table in _NAMED:
        row = snapshot.get(table, id_)
        if row is not None:
            return str(row.name)
    if id_.startswith(TENANT):
        return _practice_title(snapshot, id_.removeprefix(TENANT))
    # Someone who has left XPM is in no list; their clients still have the name.
    return mirror.named_people(snapshot).get(id_, "") if _UUID.fullmatch(id_) else ""


def _practice_title(snapshot: Snapshot, tenant: str) -> str:
    """Return the name of the practice that is or was connected under an id; empty if it is unknown."""
    identity, draft = read_identity(snapshot), read(snapshot, "wizard", ConnectionDraft)
    if identity is not None and identity.tenant == tenant:
        return identity.title
    return draft.titles.get(tenant, "") if draft is not None else ""


def shown_ids(snapshot: Snapshot, records: Iterable[str]) -> dict[str, str]:
    """Return the ids by which users know some records of clients."""
    return {each: shown_id(snapshot, each) for each in set(records)}


def shown_id(snapshot: Snapshot, record: str) -> str:
    """Return the id by which users know a client; for one of several contacts, followed by its name."""
    client_id, _, contact_id = record.partition("/")
    client = snapshot.get(CLIENTS, client_id)
    if client is None:
        return client_id
    id_ = client.client_id or client_id
    if not contact_id or (len(client.contacts) == 1 and client.contact(contact_id) is not None):
        return id_
    link = snapshot.get(LINKS, client_id) if client.contact(contact_id) is None else None
    row = snapshot.get(XPM_CLIENTS, link.uuid) if link is not None else None
    name = namesakes.contact_names(client, row).get(contact_id, "")
    return f"{id_} {visible(name, CONTACT_NAME)}" if name else id_


CONTACT_NAME = 20
"""The most characters of a contact's name that are shown beside the id of its client."""


def subject_of(snapshot: Snapshot, values: Iterable[object]) -> str:
    """Return the name and id of the first record among the parameters of a command; empty without one."""
    for value in values:
        for id_ in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
            if name := name_of(snapshot, str(id_)):
                client = snapshot.get(CLIENTS, id_)
                return f"{name} ({client.client_id or id_ if client is not None else id_})"
    return ""


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def only_hit(hits: Sequence[R], typed: str, nouns: str, id_of: Callable[[R], str]) -> R | None:
    """Return the only record that a typed text matches; None if there is none.

    Raises:
        BadInput: There are several; the hint lists their ids.
    """
    if len(hits) > 1:
        ids = ", ".join(map(id_of, hits[:12]))
        raise BadInput(f"Several {nouns} match '{visible(typed, 80)}'.", hint=f"Name one of them: {ids}.")
    return hits[0] if hits else None


def find_client(snapshot: Snapshot, text: str) -> Client:
    """Return a client by our id, Ignition's Client ID, or its exact name if it is unique.

    Raises ``NotFound``, and ``BadInput`` naming the ids if several have that name.
    """
    typed = text.strip()
    found = snapshot.get(CLIENTS, typed)
    if found is not None:
        return found
    hits = snapshot.find(CLIENTS, "client_id", typed) or snapshot.find(CLIENTS, "name", exact(typed))
    if len(hits) == 1:
        return hits[0]
    if hits:
        ids = ", ".join(f"{client.id} ({_details(client)})" for client in hits[:12])
        raise BadInput(
            f"Several clients are called '{visible(typed, 80)}'.", hint=f"Name one of them: {ids}."
        )
    raise NotFound(
        f"There is no client '{visible(typed, 80)}' in this practice.",
        hint="Search for it: xpm-tui clients list --find TEXT",
    )


def show_client(practice: OpenPractice, text: str) -> ClientView:
    """Return one client in the store as a view, by a typed text. Raises ``NotFound`` and ``BadInput``."""
    snapshot = practice.snapshot()
    return presenter_module.Presenter(snapshot).client(find_client(snapshot, text))


def _details(client: Client) -> str:
    """Return what distinguishes a client from its namesakes: Client ID and city, or ``no Client ID``."""
    return visible(", ".join(filter(None, (client.client_id, client.city))) or "no Client ID", 60)


def record_choices(snapshot: Snapshot, kind: str) -> list[tuple[str, str]]:
    """Return the clients or team members that a form offers, as id and label, by name.

    It is empty for another kind, and for more than ``MAX_CHOICES`` clients, which are typed instead.
    """
    if kind == "member":
        rows = [(each.id, each.name, each.email) for each in snapshot.rows(TEAM) if each.active]
    elif kind == "client" and snapshot.count(CLIENTS) <= MAX_CHOICES:
        rows = [(each.id, each.name, _details(each)) for each in snapshot.rows(CLIENTS)]
    else:
        rows = []
    rows.sort(key=lambda row: (row[1].casefold(), row[0]))
    return [(id_, f"{name}  {more}".rstrip()) for id_, name, more in rows]


MAX_CHOICES = 2_000
"""How many clients a form lists at most."""


def find_xpm(snapshot: Snapshot, text: str) -> XpmClient:
    """Return an XPM client by UUID, number, any web address with the number, or its client code.

    A name is not enough, because names are not unique. Raises ``NotFound`` and ``BadInput``.
    """
    typed = text.strip()
    reference = read_reference(typed)
    hits = [row for uuid in reference.uuids if (row := snapshot.get(XPM_CLIENTS, uuid)) is not None]
    for number in reference.numbers:
        hits = hits or list(snapshot.find(XPM_CLIENTS, "number", number))
    if typed and (not reference.is_whole or typed.isdigit()):
        hits = hits or list(snapshot.find(XPM_CLIENTS, "code", typed.casefold()))
    if len(hits) == 1:
        return hits[0]
    if hits:
        shown = ", ".join(row.uuid for row in hits[:5])
        raise BadInput(f"XPM has '{visible(typed, 80)}' several times.", hint=f"Name one of them: {shown}.")
    raise NotFound(
        f"XPM has no client with the number, UUID, address or code '{visible(typed, 80)}'.",
        hint="Search for it: xpm-tui clients search TEXT. If it is new in XPM, make a plan first, which "
        "reads XPM again.",
    )


def find_member(snapshot: Snapshot, text: str) -> TeamMember:
    """Return a team member by our id, e-mail or exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(TEAM, typed)
    if found is not None:
        return found
    hits = [m for m in snapshot.rows(TEAM) if typed and m.email.casefold() == typed.casefold()]
    hits = hits or [m for m in snapshot.rows(TEAM) if typed and exact(m.name) == exact(typed)]
    found = only_hit(hits, typed, "team members", lambda member: member.id)
    if found is not None:
        return found
    raise NotFound(f"There is no team member '{visible(typed, 80)}'.", hint="List them: xpm-tui team list")


def find_staff(snapshot: Snapshot, text: str) -> Staff:
    """Return an XPM staff record by UUID, e-mail or exact name. Raises ``NotFound`` and ``BadInput``."""
    typed = text.strip()
    found = snapshot.get(STAFF, typed.lower())
    if found is not None:
        return found
    rows = [row for row in snapshot.rows(STAFF) if not row.gone]
    hits = [row for row in rows if typed and row.email.casefold() == typed.casefold()]
    hits = hits or [row for row in rows if typed and exact(row.name) == exact(typed)]
    found = only_hit(hits, typed, "people in XPM", lambda row: row.uuid)
    if found is not None:
        return found
    raise NotFound(f"XPM has no staff member '{visible(typed, 80)}'.", hint="List them: xpm-tui team list")


def refuse_namesakes(alike: Sequence[tuple[Client | TeamMember, str]], noun: str) -> None:
    """Refuse to add a record whose name is the same as that of others, or similar.

    Args:
        alike: The others, each with the reason, best first; empty if nothing prevents the addition.
        noun: The kind of record: "client" or "team member".

    Raises:
        DecisionNeeded: There are such records; the hint says how to declare the new one as different.
    """
    if alike:
        consent = " ".join(f"--different-from {each.id}" for each, _ in alike)
        raise DecisionNeeded(
            " ".join(
                f"There is already a {noun} {visible(each.name, 80)} ({each.id}): {reason}."
                for each, reason in alike
            ),
            hint=f"If it is a different {noun}, add {consent}.",
        )


class DifferenceView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A field that differs and that no plan changes.

    ``record`` and ``field`` are named as in a change, ``key`` as in a freeze. ``rule`` is the code of the
    reason, ``reason`` and ``hint`` say in words why it stays different and what to do about it.
    ``ignition_shown`` and ``xpm_shown`` are the values for users, with people and contacts by name.
    """

    record: str
    name: str
    number: str | None
    field: str
    label: str
    key: str
    ignition: Value
    xpm: Value
    ignition_shown: Value
    xpm_shown: Value
    rule: str
    reason: str
    hint: str = ""


def plan_differences(practice: OpenPractice, plan: Plan) -> Iterator[DifferenceView]:
    """Return what differs and is not in a plan, client by client, as both sides are now.

    There is nothing for an undo, and for a plan made under another policy.
    """
    policy = practice.policy()
    if plan.undo_of or plan.policy != policy.hash:
        return iter(())
    snapshot = practice.snapshot()
    presenter = DifferencePresenter(snapshot, policy.direction)
    found = planner.list_differences(snapshot, policy, only=plan.only, fields=plan.fields)
    return (presenter.view(uuid, each) for uuid, each in found)


def skipped_undo_views(snapshot: Snapshot, plan: Plan) -> list[SkippedUndoView]:
    """Return what an undo leaves as it is, as views."""
    presenter = presenter_module.Presenter(snapshot)
    views: list[SkippedUndoView] = []
    for each in plan.left:
        id_, _, contact = each.record.partition("/")
        _, row = base.link_and_row(snapshot, id_)
        views.append(
            SkippedUndoView(
                record=each.record,
                name=presenter.ref(id_).name,
                field=each.field,
                wanted=presenter.value(each.field, each.wanted),
                present=presenter.value(each.field, each.present),
                reason=each.sentence,
                address=each.address,
                contact=namesakes.contact_name(contact, snapshot.get(CLIENTS, id_), row),
            )
        )
    return views


class DifferencePresenter:
    """Presents the differences of one snapshot."""

    def __init__(self, snapshot: Snapshot, direction: Direction) -> None:
        self._presenter = presenter_module.Presenter(snapshot)
        self._snapshot = snapshot
        self._side = "ignition" if direction == "from_xpm" else "xpm"

    def view(self, uuid: str, each: Difference) -> DifferenceView:
        """Return one difference as a view; ``uuid`` is the client in XPM."""
        id_, _, contact = each.record.partition("/")
        client, row = self._snapshot.get(CLIENTS, id_), self._snapshot.get(XPM_CLIENTS, uuid)
        reason, hint = self._reason(each, id_, base.base_key(each.field, contact), row)
        ids = canonical.staff_uuid(each.ignition), canonical.staff_uuid(each.xpm)
        names = (
            self._shown(each.field, each.ignition, client, row),
            self._shown(each.field, each.xpm, client, row),
        )
        ignition_shown, xpm_shown = namesakes.distinguish(self._snapshot, ids, names, client, row)
        return DifferenceView(
            record=each.record,
            name=client.name if client is not None else "",
            number=(row.number or None) if row is not None else None,
            field=each.field,
            label=BY_NAME[each.field].label,
            key=base.base_key(each.field, contact) if each.field != "contact" else each.field,
            ignition=ids[0],
            xpm=ids[1],
            ignition_shown=ignition_shown,
            xpm_shown=xpm_shown,
            rule=each.why,
            reason=reason,
            hint=hint,
        )

    def side_by_side(self, uuid: str, each: Difference) -> SideBySide:
        """Return one difference of a pair that is not linked yet, and so has no base."""
        view = self.view(uuid, each)
        return SideBySide(
            field=view.key,
            label=view.label,
            ignition=view.ignition_shown,
            xpm=view.xpm_shown,
            agreed=None,
            has_agreed=False,
            reason=view.reason,
        )

    def _reason(self, each: Difference, client: str, key: str, row: XpmClient | None) -> tuple[str, str]:
        sentence = labels.of_sides(DIFFERENCES[each.why].help, self._side)
        if each.why == "unlinked-person":
            return self._person(each, row)
        if each.why == "frozen":
            found = (self._snapshot.get(FREEZES, f"{client}/{name}") for name in (key, each.field, "*"))
            freeze = next((freeze for freeze in found if freeze is not None), None)
            if freeze is None:
                return sentence, ""
            if freeze.reason:
                sentence = sentence.replace(":", f" ({freeze.reason}):", 1)
            return sentence, f"xpm-tui clients unfreeze {client} {freeze.field}"
        if each.why == "switched-off":
            return sentence, f"xpm-tui policy on {each.field}"
        return sentence, ""

    def _person(self, each: Difference, row: XpmClient | None) -> tuple[str, str]:
        """Return a sentence on who is not linked, and how to link this person."""
        if self._side == "ignition":
            staff = getattr(row, BY_NAME[each.field].attribute) if row is not None else None
            name = self._presenter.person_name(str(canonical.staff_uuid(each.xpm)))
            name = staff.name if staff is not None and name == staff.uuid and staff.name else name
            return (
                f"Nobody in your team is linked to {name}.",
                f"Link a team member to {name} (team link), or add {name} from XPM (team pick).",
            )
        id_ = str(each.ignition)
        if id_ not in self._presenter.people:
            return f"{id_} is no longer in your team.", "Choose another one (clients edit)."
        return (
            f"{self._presenter.person_name(id_)} is not linked to anyone in XPM's staff.",
            f"Link the team member: xpm-tui team link {id_} STAFF",
        )

    def _shown(self, field: str, value: Value, client: Client | None, row: XpmClient | None) -> Value:
        if field == base.PRIMARY:
            return namesakes.contact_names(client, row).get(str(value)) or value
        if BY_NAME[field].kind != "person" or not value:
            return value
        name = self._presenter.person_name(str(canonical.staff_uuid(value)))
        person = getattr(row, BY_NAME[field].attribute) if row is not None else None
        return person.name if person is not None and person.uuid == name and person.name else name
