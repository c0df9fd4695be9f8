"""Editing clients of the book by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from xpm_tui.acts.act import Act, Result, Talk
from xpm_tui.acts.clients import ClientId
from xpm_tui.acts.effects import Effect
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.situation import on_record
from xpm_tui.acts.words import plain
from xpm_tui.model.errors import BadInput
from xpm_tui.model.fields import editable

if TYPE_CHECKING:
    from xpm_tui.service.practice import OpenPractice

Values = Annotated[
    tuple[str, ...],
    argument("What to put where: phone=..., city=..., k3.email=... for a contact.", "FIELD=VALUE..."),
]


class EditClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients edit``."""

    client: ClientId
    values: Values


class NewClient(msgspec.Struct, frozen=True):
    """Parameters of ``clients new``."""

    name: Annotated[str, argument("Its name.", "NAME")]
    values: Annotated[
        tuple[str, ...], argument("More of it: contact_email=..., phone=....", "[FIELD=VALUE]...")
    ] = ()
    anyway: Annotated[bool, option("Do it also where the book has a client of that name.")] = False


async def edit_client(practice: OpenPractice, params: EditClient, talk: Talk) -> Result:
    """Change fields, and tell what sync would overwrite."""
    from xpm_tui.service.clients import editing

    view, warnings = editing.edit_client(practice, params.client, pairs(params.values))
    data = {**plain(view), "warnings": warnings}
    return Result(data=data, lines=[f"{view.id} {view.name} is changed.", *warnings])


async def new_client(practice: OpenPractice, params: NewClient, talk: Talk) -> Result:
    """Make a client of the book; XPM is not asked."""
    from xpm_tui.service.clients import editing

    view = editing.new_client(practice, params.name, pairs(params.values), anyway=params.anyway)
    return Result(data=plain(view), lines=[f"{view.id} {view.name} is in the book."])


def pairs(words: tuple[str, ...]) -> dict[str, str]:
    """``FIELD=VALUE`` words as a table; raises ``BadInput``."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"'{word}' is not FIELD=VALUE.", hint='For example: phone="09 555 0101"')
        found[name.strip()] = text
    return found


ACTS = (
    Act(
        name="clients.edit",
        title="Edit a client",
        help="Change fields of a client in the book. An empty value empties a field. Where XPM is the "
        "master it warns that the next sync writes it over. The fields are "
        f"{', '.join(field.attribute for field in editable('client'))}; of a contact, with its id before "
        f"them (k3.email), {', '.join(field.attribute for field in editable('contact'))}.",
        params=EditClient,
        run=edit_client,
        verb=("clients", "edit"),
        example='xpm-tui clients edit c12 phone="09 555 0101" k3.email=ana@example.com',
        key="e",
        where=("clients",),
        footer="Edit",
        effect=Effect.WRITES_HERE,
        why_not=on_record,
    ),
    Act(
        name="clients.new",
        title="Make a new client",
        help="Make a new client in the book. Nothing is made in XPM.",
        params=NewClient,
        run=new_client,
        verb=("clients", "new"),
        example='xpm-tui clients new "Puffin Street Bakery" contact_email=rosa@example.com',
        key="n",
        where=("clients",),
        effect=Effect.WRITES_HERE,
    ),
)  # fmt: skip
