"""Views of the team for screens and verbs. Frozen; the field names are those of ``--json`` and stable."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.application.presenters.views import RefView

MemberState = Literal["linked", "gone", "proposed", "maybe", "unlinked"]


class StaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record of XPM; ``gone``: no longer listed; ``member`` is the linked team member, or null.

    ``clients`` and ``jobs`` count the records that name the person in XPM: clients as partner or manager, and
    current jobs. ``costs`` says what is not synced without a link, ``notes`` what else to know.
    """

    uuid: str
    name: str
    email: str
    phone: str = ""
    mobile: str = ""
    gone: bool = False
    member: RefView | None = None
    clients: int = 0
    jobs: int = 0
    costs: str = ""
    notes: tuple[str, ...] = ()


class StaffProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record proposed for a team member, and why; ``sure``: the e-mail is unique on each side."""

    uuid: str
    name: str
    email: str
    sure: bool
    reason: str


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A team member.

    Attributes:
        state: linked, gone (linked to staff that XPM no longer lists), proposed (one staff record has the
            e-mail), maybe (by name, or an e-mail that several have) or unlinked.
        clients: Number of Ignition clients whose partner or manager the member is.
        partner_of: Number of those as partner.
        manager_of: Number of those as manager.
        jobs: Number of jobs still to be created that would name the member.
        costs: What does not work while no XPM staff is linked.
        notes: What else users should know.
    """

    id: str
    name: str
    email: str
    access: bool
    active: bool
    state: MemberState
    staff: StaffView | None
    clients: int
    partner_of: int = 0
    manager_of: int = 0
    jobs: int = 0
    proposals: tuple[StaffProposal, ...] = ()
    costs: str = ""
    notes: tuple[str, ...] = ()


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the team: a member, linked or not, or an unlinked person of XPM's staff."""

    member: MemberView | None = None
    staff: StaffView | None = None

    @property
    def key(self) -> str:
        """Return our id, otherwise the UUID of the staff record."""
        return self.member.id if self.member else self.staff.uuid if self.staff else ""

    @property
    def name(self) -> str:
        """Return the person's name, preferably the one here."""
        return self.member.name if self.member else self.staff.name if self.staff else ""


class StaffPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record that is not created yet.

    Attributes:
        sent: Exactly the values that would be sent.
        twins: Staff in XPM with the same e-mail or name.
        alike: What the twins have in common with the member.
        blocked: Why the record cannot be created; empty if it can.
    """

    member: MemberView
    sent: dict[str, str]
    twins: tuple[StaffView, ...] = ()
    alike: tuple[str, ...] = ()
    blocked: str = ""


class CreatedStaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A staff record that was created in XPM, the member linked to it, and the run."""

    member: MemberView
    staff: StaffView
    run: str


class SkippedStaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A person of XPM's staff who was not added, the member who may be the same, and why."""

    staff: StaffView
    member: RefView
    reason: str


class StaffPick(msgspec.Struct, frozen=True, kw_only=True):
    """The result of adding staff: the ``members`` added or linked, and those ``skipped``."""

    members: tuple[MemberView, ...] = ()
    skipped: tuple[SkippedStaffView, ...] = ()


class MapEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What linking a member to a staff record would do.

    ``says`` are the effects as sentences; ``refused`` says why the link is not possible.
    """

    says: tuple[str, ...] = ()
    refused: str = ""
