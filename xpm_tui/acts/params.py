"""How a parameter of an act is told to a command line and to a form, beside its type and default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import msgspec

Completes = Literal["", "file", "client", "member", "plan", "run", "setting", "practice"]


@dataclass(frozen=True)
class Hint:
    """``argument``: given by position; ``flag``: its name on the command line where that is another.

    ``placeholder`` is what help shows for the value, ``completes`` what the shell and the form offer.
    """

    argument: bool = False
    flag: str = ""
    placeholder: str = ""
    completes: Completes = ""


@dataclass(frozen=True)
class Param:
    """One parameter, read from the class: ``kind`` is the bare type, ``choices`` those of a Literal."""

    name: str
    help: str
    kind: type
    required: bool
    default: Any
    many: bool
    choices: tuple[str, ...]
    hint: Hint

    @property
    def flag(self) -> str:
        """Its option on the command line, ``--dry-run``."""
        return self.hint.flag or "--" + self.name.replace("_", "-")


def argument(text: str, placeholder: str = "", *, completes: Completes = "") -> msgspec.Meta:
    """Metadata of a parameter given by position."""
    hint = Hint(argument=True, placeholder=placeholder, completes=completes)
    return msgspec.Meta(description=text, extra={"hint": hint})


def option(text: str, placeholder: str = "", *, flag: str = "", completes: Completes = "") -> msgspec.Meta:
    """Metadata of a parameter given by name."""
    hint = Hint(flag=flag, placeholder=placeholder, completes=completes)
    return msgspec.Meta(description=text, extra={"hint": hint})


def read(params: type[msgspec.Struct]) -> tuple[Param, ...]:
    """The parameters of a class, in its order."""
    return tuple(_param(field) for field in msgspec.structs.fields(params))


def _param(field: msgspec.structs.FieldInfo) -> Param:
    kind, text, hint = field.type, "", Hint()
    while hasattr(kind, "__metadata__"):
        for meta in kind.__metadata__:
            text = meta.description or text
            hint = (meta.extra or {}).get("hint", hint)
        kind = get_args(kind)[0]
    many = get_origin(kind) is tuple
    if many:
        kind = get_args(kind)[0]
    choices = tuple(str(c) for c in get_args(kind)) if get_origin(kind) is Literal else ()
    return Param(
        name=field.name,
        help=text,
        kind=str if choices else kind,
        required=field.required,
        default=() if many and field.required else (None if field.required else field.default),
        many=many,
        choices=choices,
        hint=hint,
    )
