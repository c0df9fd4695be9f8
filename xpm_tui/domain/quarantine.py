"""Records of XPM that cannot be read or contradict themselves. They are set aside; all others are used.

A *fault* says what is wrong with one part of a record. The whole record is set aside if its identifying part
is invalid (``ESSENTIAL``), or if it occurs twice; otherwise only the field is, which then keeps its previous
value and is neither compared nor written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec

from xpm_tui.domain.fields import CLIENT
from xpm_tui.domain.safe_text import visible

R = TypeVar("R")

WHOLE: Final = "*"
"""The attribute of a fault that concerns the whole record."""

ESSENTIAL: Final = frozenset(
    {
        "uuid",
        "number",
        *(
            field.attribute
            for field in CLIENT.values()
            if field.xpm is not None and (field.required or (field.kind == "flag" and not field.sync.at_all))
        ),
    }
)
"""Attributes that identify a record or say whether it may be written."""

FaultKind = Literal[
    "missing-uuid",
    "bad-uuid",
    "missing-name",
    "missing-number",
    "unnamed-member",
    "twice",
    "two-values",
    "not-text",
    "not-yes-or-no",
    "not-a-number",
    "not-a-date",
    "character",
]


@dataclass(frozen=True)
class FaultType:
    """A kind of fault in a few words, and what to do about it in XPM."""

    title: str
    remedy: str


FAULTS: Final[dict[FaultKind, FaultType]] = {
    "missing-uuid": FaultType(
        "a record without a UUID",
        "Open it in XPM and save it again. If XPM still sends no UUID, ask Xero's support.",
    ),
    "bad-uuid": FaultType(
        "an invalid UUID",
        "Open it in XPM and save it again. If XPM still sends the same, ask Xero's support.",
    ),
    "missing-name": FaultType("a record without a name", "Give it a name in XPM."),
    "missing-number": FaultType(
        "a job without a number",
        "Open the job in XPM and save it again; if XPM still sends no number, ask Xero's support.",
    ),
    "unnamed-member": FaultType(
        "an empty entry in a list", "Remove the empty entry in XPM, or choose a record for it."
    ),
    "twice": FaultType("the same record twice", "Merge the two in XPM, or remove one of them."),
    "two-values": FaultType(
        "one field with two different values", "Open the record in XPM, correct the field and save it."
    ),
    "not-text": FaultType(
        "markup instead of text", "Type the text again in XPM, without formatting, and save it."
    ),
    "not-yes-or-no": FaultType("neither Yes nor No", "Choose Yes or No in XPM and save it."),
    "not-a-number": FaultType("not a whole number", "Type a whole number in XPM and save it."),
    "not-a-date": FaultType("not a date", "Choose the date again in XPM and save it."),
    "character": FaultType(
        "a character that is not allowed in text",
        "Delete the text in XPM, type it again by hand and save it.",
    ),
}
"""Everything that can be wrong with one record of a reply. ``docs/input.md`` is generated from it."""


class RecordFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault in one part of a record.

    ``attribute`` is the part of our record that is set aside, ``where`` the element of the reply, such as
    ``Contacts/Contact[2]/UUID``, and ``problem`` the fault observed there.
    """

    attribute: str
    where: str
    problem: str
    kind: str = "not-text"

    @property
    def sentence(self) -> str:
        """Return what is wrong, with the field by its label, and without the record."""
        field = CLIENT.get(self.attribute)
        where = f"{field.label} ({visible(self.where, 60)})" if field is not None else visible(self.where, 60)
        return f"{where} {visible(self.problem, 160)}"

    @property
    def remedy(self) -> str:
        """Return what to do about it in XPM."""
        found = FAULTS.get(self.kind)  # type: ignore[call-overload]
        return found.remedy if found is not None else "Correct it in XPM."


class Quarantined(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One record that was set aside, with its identification; ``place`` is its position in the list."""

    kind: str
    faults: tuple[RecordFault, ...]
    place: int = 0
    uuid: str = ""
    name: str = ""
    number: str = ""

    @property
    def whole(self) -> bool:
        """Return whether the whole record was set aside, not only some of its fields."""
        return any(fault.attribute == WHOLE for fault in self.faults)

    @property
    def key(self) -> str:
        """Return a key that distinguishes it from others of its list."""
        return self.uuid or self.number or f"{self.name}#{self.place}"

    @property
    def called(self) -> str:
        """Return the kind and identification of the record, such as ``Client "Kowhai Ltd" (14071234)``."""
        name = f' "{self.name}"' if self.name else ""
        known = self.number or ("" if self.name and not self.uuid else self.uuid)
        at = f" ({known})" if known else "" if name else f" at position {self.place} in the list"
        return f"{_NOUNS.get(self.kind, self.kind)}{name}{at}"

    @property
    def problem(self) -> str:
        """Return what is wrong with it."""
        return "; ".join(fault.sentence for fault in self.faults)

    @property
    def remedy(self) -> str:
        """Return what to do about it in XPM."""
        return " ".join(dict.fromkeys(fault.remedy for fault in self.faults))

    @property
    def effect(self) -> str:
        """Return what is not done in the meantime."""
        if self.whole:
            return "Until then, the record stays as it was here and is not synced."
        return (
            "Until then, the field keeps the value it had here, and sync does not change it in "
            "Ignition or XPM."
        )


_NOUNS = {
    "Client": "Client",
    "Group": "Client group",
    "Staff": "Staff member",
    "Template": "Job template",
    "Category": "Job category",
    "Job": "Job",
}


class Records(list[R]):
    """The valid records of a list, and those that were ``quarantined``.

    A record with a field that was set aside is in both.
    """

    def __init__(self, records: Iterable[R] = (), quarantined: Sequence[Quarantined] = ()) -> None:
        super().__init__(records)
        self.quarantined: tuple[Quarantined, ...] = tuple(quarantined)


def quarantined_in(records: object) -> tuple[Quarantined, ...]:
    """Return what was set aside from a list; a plain list has nothing."""
    return tuple(getattr(records, "quarantined", ()))
