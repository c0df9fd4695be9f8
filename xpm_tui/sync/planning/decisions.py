"""The three-way decision for one field: master, other side, and the base. Pure.

It is like a merge with a common ancestor, except that the master decides: an edit on the other side is
overwritten, but marked.

The module also prepares the policy for one plan: which fields are synced, the verdict on a value, and the
resulting change. Every change has its verdict as its rule; ``change_reason`` explains each in a sentence. A
difference that no plan changes has a reason, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from xpm_tui.domain import labels
from xpm_tui.domain.field_types import is_blank
from xpm_tui.domain.fields import SYNCED, Field
from xpm_tui.domain.links import Pair, Value
from xpm_tui.domain.plan import Change, Mark, Side
from xpm_tui.sync.base import agreed_pair, settled_direction
from xpm_tui.sync.canonical import TeamLinks, staff_uuid
from xpm_tui.sync.policy import CLIENT_FIELDS, CONTACT_FIELDS, Policy

DifferenceReason = Literal[
    "blank", "never-cleared", "required", "unlinked-person", "kept-otherwise", "settled", "frozen",
    "switched-off", "direction", "creation-only", "level-name", "level-nothing", "contact-own",
    "contact-from-name", "contact-dropped", "removed-in-ignition", "removed-in-xpm", "primary-unmatched",
    "unreadable", "second-link", "ignored", "link", "archived",
]  # fmt: skip
"""A reason, by its code in ``domain/reason_labels.py``."""


class Difference(msgspec.Struct, frozen=True, gc=False):
    """A field that differs and that no plan changes.

    ``record`` is a client's id (``c12``) or a contact's (``c12/k3``; with XPM's UUID where only XPM has it).
    ``field`` is a field of the policy; ``contact`` is a contact that only one side has.
    """

    record: str
    field: str
    why: DifferenceReason
    ignition: Value = None
    xpm: Value = None


def difference_reason(
    field: Field, master: Value, known: Pair | None, known_master: Value
) -> DifferenceReason:
    """Return why a field of the policy is left different.

    Args:
        field: The field; a person of the master who is not linked is the caller's case.
        master: The value of the master.
        known: What was last agreed, or None.
        known_master: The master's value at that agreement.
    """
    if is_blank(master):
        if known is None or is_blank(known_master):
            return "blank"
        return "required" if field.required else "never-cleared"
    return "kept-otherwise" if known is not None and known.under else "settled"


def why_not_synced(policy: Policy, field: Field) -> DifferenceReason:
    """Return why the policy does not sync a field after creation."""
    if not field.sync.is_synced(policy.direction, creation=False):
        return "creation-only" if field.sync.is_synced(policy.direction, creation=True) else "direction"
    if field.name in policy.off:
        return "switched-off"
    return "level-name" if policy.level == "name" else "level-nothing"


Verdict = Literal["same", "agree", "fill", "first", "update", "drift", "conflict", "clear"]
"""``same``: nothing to do. ``agree``: nothing to write, but both sides are stored as they are.

The others write the master's value: into a blank, over a value that was not synced before, after an edit of
the master, over an edit of the other side, over edits of both sides; ``clear`` empties what the master
emptied.
"""


def decide(master: Value, other: Value, agreed: tuple[Value, Value] | None) -> Verdict:
    """Return what to do with the other side's value; ``agreed`` is (master, other) at the last agreement."""
    if master == other:
        return "same" if agreed == (master, other) else "agree"
    if agreed is None:
        if is_blank(master):
            return "agree"
        return "fill" if is_blank(other) else "first"
    master_moved, other_moved = master != agreed[0], other != agreed[1]
    if not master_moved and not other_moved:
        return "same"
    if is_blank(master):
        return "clear" if master_moved else "agree"
    if not other_moved:
        return "update"
    return "conflict" if master_moved else "drift"


SHARED = "shared"
SHARED_EDITS = "shared-edits"
FOLLOWS = "shared"
"""The rule of a change here that follows the one to a shared contact."""

FORMER = "former"
NO_NAME = "no-name"
UNKNOWN = "unknown"
UNTICKABLE = frozenset({NO_NAME, UNKNOWN})
"""Reasons why a change cannot be ticked: something else has to be decided first."""

_MARKS: dict[str, Mark] = {"first": "first", "drift": "drift", "conflict": "conflict", "clear": "clearing"}

_HELD = {
    "conflict": "Edited in both systems: held for you, because conflicts are set to be held.",
    SHARED: "The contact belongs to several XPM clients, and a change here would change it there, too.",
    SHARED_EDITS: "It was edited differently for another client with the same contact in XPM. Tick the right "
    "value: it is saved for all of them.",
    FORMER: "It came from another XPM client that this client was linked to. Tick it if it is also right "
    "for this one.",
    NO_NAME: "XPM does not accept a contact without a name.",
    UNKNOWN: "It was already sent, but no answer came: decide what happened to it with `runs release`.",
}


def change_reason(rule: str, side: Side) -> str:
    """Return why a change is planned, as a sentence; ``side`` is the side that is written."""
    found = labels.RULES.get(rule)
    return labels.of_sides(found.help, side) if found else rule


def because_held(held: str) -> str:
    """Return why a change waits for the user's decision, as a sentence; empty if it does not."""
    return _HELD.get(held, held)


@dataclass(frozen=True)
class Rules:
    """One policy with one team.

    ``shared`` returns whether an XPM contact belongs to several clients. The attributes ``other_…`` are
    requested fields that the policy does not sync; their differences are only listed.
    """

    policy: Policy
    team: TeamLinks
    side: Side
    client_fields: tuple[Field, ...]
    contact_fields: tuple[Field, ...]
    whole: frozenset[str]
    shared: Callable[[str], bool] = field(default=lambda _: False)
    other_client_fields: tuple[Field, ...] = ()
    other_contact_fields: tuple[Field, ...] = ()
    other_whole: tuple[Field, ...] = ()

    @staticmethod
    def of(
        policy: Policy,
        team: TeamLinks,
        *,
        only: Iterable[str] = (),
        shared: Callable[[str], bool] = lambda _: False,
    ) -> Rules:
        """Return the rules; ``only`` restricts them to some fields of the policy (none: all)."""
        wanted = frozenset(only)
        fields = [rule for rule in policy.fields() if not wanted or rule.name in wanted]
        synced = {rule.name for rule in fields}

        def others(rules: Iterable[Field]) -> tuple[Field, ...]:
            return tuple(
                rule for rule in rules if rule.name not in synced and (not wanted or rule.name in wanted)
            )

        return Rules(
            policy=policy,
            team=team,
            side="ignition" if policy.direction == "from_xpm" else "xpm",
            client_fields=tuple(rule for rule in fields if rule.of == "client" and not rule.whole),
            contact_fields=tuple(rule for rule in fields if rule.contact),
            whole=frozenset(rule.name for rule in fields if rule.whole),
            shared=shared,
            other_client_fields=others(CLIENT_FIELDS),
            other_contact_fields=others(CONTACT_FIELDS),
            other_whole=others(rule for rule in SYNCED if rule.whole),
        )

    @property
    def idle(self) -> bool:
        """Return whether nothing is synced: level Nothing, or everything switched off."""
        return not (self.client_fields or self.contact_fields or self.whole)

    def master_first(self, ours: Value, theirs: Value) -> tuple[Value, Value]:
        """Return (master, other) of Ignition's and XPM's value."""
        return (theirs, ours) if self.side == "ignition" else (ours, theirs)

    def verdict(self, rule: Field, ours: Value, theirs: Value, agreed: Pair | None) -> Verdict:
        """Return the decision within the field's limits: no unlinked person, no cleared name.

        A pair that was accepted for the other direction, and is unchanged, counts as not synced before.
        """
        master, other = self.master_first(ours, theirs)
        known = None if agreed is None else self.master_first(agreed.ignition, agreed.xpm)
        if self._is_unlinked(rule, master):
            return "same" if known == (master, other) else "agree"
        if agreed is not None and self._is_settled_elsewhere(agreed, ours, theirs):
            verdict = decide(master, other, None)
            return "same" if verdict == "agree" else verdict
        verdict = decide(master, other, known)
        if verdict == "clear" and (rule.required or self.policy.clear == "never"):
            return "same"
        # Conflicts are held, so a clearing that nobody confirms must not empty what someone edited.
        unconfirmed = self.policy.clear == "yes" and self.policy.on_conflict == "hold"
        if verdict == "clear" and unconfirmed and known and other != known[1]:
            return "conflict"
        return verdict

    def settle(self, ours: Value, theirs: Value) -> Pair:
        """Return the pair to store for two unchanged values; if they differ, for this direction."""
        return agreed_pair(ours, theirs, self.policy.direction)

    def why_kept(self, rule: Field, ours: Value, theirs: Value, agreed: Pair | None) -> DifferenceReason:
        """Return why :meth:`verdict` leaves two values different."""
        master, _ = self.master_first(ours, theirs)
        if self._is_unlinked(rule, master):
            return "unlinked-person"
        known_master = self.master_first(agreed.ignition, agreed.xpm)[0] if agreed is not None else None
        return difference_reason(rule, master, agreed, known_master)

    def _is_unlinked(self, rule: Field, master: Value) -> bool:
        return rule.kind == "person" and bool(master) and str(master) not in self.team.member

    def _is_settled_elsewhere(self, agreed: Pair, ours: Value, theirs: Value) -> bool:
        return (
            agreed.ignition != agreed.xpm
            and (ours, theirs) == (agreed.ignition, agreed.xpm)
            and settled_direction(agreed) != self.policy.direction
        )

    def change(
        self, record: str, rule: Field, ours: Value, theirs: Value, verdict: Verdict, contact: str = ""
    ) -> Change:
        """Return the change of a verdict, ticked, or waiting if a user has to confirm it.

        ``contact`` is the XPM contact's UUID, if it is one: writing a shared one affects other clients.
        """
        new, old = self.master_first(ours, theirs)
        if rule.kind == "person":
            new, old = staff_uuid(new), staff_uuid(old)
        held, shared = "", contact if contact and self.side == "xpm" and self.shared(contact) else ""
        if verdict == "conflict" and self.policy.on_conflict == "hold":
            held = "conflict"
        elif shared and verdict in ("first", "drift", "conflict"):
            held = SHARED
        ticked = not held and (verdict != "clear" or self.policy.clear == "yes")
        mark = _MARKS.get(verdict, "")
        return Change(
            record=record,
            field=rule.name,
            side=self.side,
            rule=verdict,
            old=old,
            new=new,
            mark=mark,
            ticked=ticked,
            held=held,
            shared=shared,
        )
