"""The three-way decision for one field: master, other side, and what they last agreed on. Nothing else.

Like a merge with a common ancestor, except that the master decides: an edit on the other side is overwritten,
but it is known to have been there.

The policy made ready for one plan: which fields take part, the verdict on a value, the change it asks for.

Every change names the verdict that asks for it as its rule; ``change_reason`` says each in a sentence.

What differs between the two sides of a linked client and stays as it is, each with its reason. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from xpm_tui.domain import labels
from xpm_tui.domain.fields import Field
from xpm_tui.domain.links import Pair, Value
from xpm_tui.domain.plan import Change, Mark, Side
from xpm_tui.sync.base import agreed_pair, settled_direction
from xpm_tui.sync.canonical import TeamLinks, is_blank, staff_uuid
from xpm_tui.sync.policy import CLIENT_FIELDS, CONTACT_FIELDS, FIELDS, FieldRule, Policy

Why = Literal[
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
    why: Why
    ignition: Value = None
    xpm: Value = None


def difference_reason(field: Field, master: Value, known: Pair | None, known_master: Value) -> Why:
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


def why_not_synced(policy: Policy, field: Field) -> Why:
    """Return why the policy does not sync a field later on."""
    if not field.sync.carries(policy.direction, creation=False):
        return "creation-only" if field.sync.carries(policy.direction, creation=True) else "direction"
    if field.name in policy.off:
        return "switched-off"
    return "level-name" if policy.level == "name" else "level-nothing"


Verdict = Literal["same", "agree", "fill", "first", "update", "drift", "conflict", "clear"]
"""``same``: nothing to do. ``agree``: nothing to write, but both sides are to be remembered as they are.
The others write the master's value: into a blank, over a value never agreed on, after an edit of the master,
over an edit of the other side, over both sides' edits; ``clear`` empties what the master emptied."""


def decide(master: Value, other: Value, agreed: tuple[Value, Value] | None) -> Verdict:
    """What is to become of the other side's value; ``agreed`` is (master, other) at the last agreement."""
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
"""What holds a change that no tick can let go: something else has to be settled first."""

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
    """Why a change is planned, in a sentence; ``side`` is the side that is written."""
    found = labels.RULES.get(rule)
    return labels.of_sides(found.help, side) if found else rule


def because_held(held: str) -> str:
    """Why a change waits for a person, in a sentence; empty when it does not."""
    return _HELD.get(held, held)


@dataclass(frozen=True)
class Rules:
    """One policy at work on one team. ``shared`` tells whether an XPM contact belongs to several clients."""

    policy: Policy
    team: TeamLinks
    side: Side
    client_fields: tuple[FieldRule, ...]
    contact_fields: tuple[FieldRule, ...]
    whole: frozenset[str]
    shared: Callable[[str], bool] = field(default=lambda _: False)
    other_client_fields: tuple[FieldRule, ...] = ()
    other_contact_fields: tuple[FieldRule, ...] = ()
    other_whole: tuple[FieldRule, ...] = ()
    """What the policy does not sync of what was asked for; its differences are only listed."""

    @staticmethod
    def of(
        policy: Policy,
        team: TeamLinks,
        *,
        only: Iterable[str] = (),
        shared: Callable[[str], bool] = lambda _: False,
    ) -> Rules:
        """``only`` narrows to some fields of the policy (none given: all)."""
        wanted = frozenset(only)
        fields = [rule for rule in policy.fields() if not wanted or rule.name in wanted]
        synced = {rule.name for rule in fields}

        def others(rules: Iterable[FieldRule]) -> tuple[FieldRule, ...]:
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
            other_whole=others(rule for rule in FIELDS if rule.whole),
        )

    @property
    def idle(self) -> bool:
        """Nothing is carried at all: level Nothing, or everything switched off."""
        return not (self.client_fields or self.contact_fields or self.whole)

    def master_first(self, ours: Value, theirs: Value) -> tuple[Value, Value]:
        """(master, other) of Ignition's and XPM's value."""
        return (theirs, ours) if self.side == "ignition" else (ours, theirs)

    def verdict(self, rule: FieldRule, ours: Value, theirs: Value, agreed: Pair | None) -> Verdict:
        """The decision within the field's limits: an unlinked person takes no part, a name is not cleared.

        What was settled under the other direction, and is as it was then, counts as never agreed on.
        """
        master, other = self.master_first(ours, theirs)
        known = None if agreed is None else self.master_first(agreed.ignition, agreed.xpm)
        if self._is_unlinked(rule, master):
            return "same" if known == (master, other) else "agree"
        if agreed is not None and self._is_settled_elsewhere(agreed, ours, theirs):
            asked = decide(master, other, None)
            return "same" if asked == "agree" else asked
        verdict = decide(master, other, known)
        if verdict == "clear" and (rule.required or self.policy.clear == "never"):
            return "same"
        # A clearing that nobody is asked about would empty what somebody edited.
        unasked = self.policy.clear == "yes" and self.policy.on_conflict == "hold"
        if verdict == "clear" and unasked and known and other != known[1]:
            return "conflict"
        return verdict

    def settle(self, ours: Value, theirs: Value) -> Pair:
        """What is remembered of two values that nothing changes: in this direction, if they differ."""
        return agreed_pair(ours, theirs, self.policy.direction)

    def why_kept(self, rule: FieldRule, ours: Value, theirs: Value, agreed: Pair | None) -> Why:
        """Why :meth:`verdict` leaves two values different."""
        master, _ = self.master_first(ours, theirs)
        if self._is_unlinked(rule, master):
            return "unlinked-person"
        known_master = self.master_first(agreed.ignition, agreed.xpm)[0] if agreed is not None else None
        return difference_reason(rule, master, agreed, known_master)

    def _is_unlinked(self, rule: FieldRule, master: Value) -> bool:
        return rule.kind == "person" and bool(master) and str(master) not in self.team.member

    def _is_settled_elsewhere(self, agreed: Pair, ours: Value, theirs: Value) -> bool:
        return (
            agreed.ignition != agreed.xpm
            and (ours, theirs) == (agreed.ignition, agreed.xpm)
            and settled_direction(agreed) != self.policy.direction
        )

    def change(
        self, record: str, rule: FieldRule, ours: Value, theirs: Value, verdict: Verdict, contact: str = ""
    ) -> Change:
        """The change a verdict asks for, ticked, or waiting where a person has to say so.

        ``contact`` is the XPM contact's UUID, where it is one: writing a shared one reaches further.
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
