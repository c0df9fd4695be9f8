"""What differs between the two sides of a linked client and stays as it is, each with its reason. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from xpm_tui.domain.fields import Field
from xpm_tui.domain.links import Pair, Value
from xpm_tui.sync.canonical import is_blank
from xpm_tui.sync.policy import Policy

Why = Literal[
    "blank", "never-cleared", "required", "unlinked-person", "kept-otherwise", "settled", "frozen",
    "switched-off", "direction", "creation-only", "level-name", "level-nothing", "contact-own",
    "contact-from-name", "contact-dropped", "removed-in-ignition", "removed-in-xpm", "primary-unmatched",
    "unreadable", "second-link", "ignored", "link", "archived",
]  # fmt: skip
"""A reason, by its code in ``domain/difference_labels.py``."""


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
