"""Filling in until it is taken: what is refused comes back as typed, with the sentence at its field.

A form made from an act's parameters: the same names, help and defaults as on the command line.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widgets import Button, Static

from xpm_tui.commands.command import Act, Param, read
from xpm_tui.commands.effects import usual_effect
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import BadInput, Busy, Trouble
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.dialogs.dialog import Dialog, Part
from xpm_tui.tui.safe_text import content
from xpm_tui.tui.widgets.inputs import Choice, Field, FormRow, Tick
from xpm_tui.tui.widgets.text import Prose

if TYPE_CHECKING:
    from xpm_tui.tui.app_protocol import Host

P = TypeVar("P")
R = TypeVar("R")

AGAIN = (BadInput, Busy)
"""Troubles after which nothing was written, and another word or another moment may do."""


class Turned(NamedTuple, Generic[P]):
    """What was filled in and not taken, and why not."""

    filled: P
    trouble: Trouble

    @property
    def sentence(self) -> str:
        """What is wrong with it, what to do next, and its case where it has one."""
        return present(self.trouble).sentence()


async def until_taken(
    app: Host,
    show: Callable[[Turned[P] | None], Screen[P]],
    do: Callable[[P], Awaitable[R]],
) -> R | None:
    """Show, do, and show again what was turned away; None when it was left."""
    turned: Turned[P] | None = None
    while True:
        filled = await app.push_screen_wait(show(turned))
        if filled is None:
            return None
        try:
            return await do(filled)
        except AGAIN as trouble:
            turned = Turned(filled, trouble)


def concerned(trouble: Trouble, typed: Mapping[str, Any]) -> str:
    """The field that a trouble is about: the one it names, else the one whose text it repeats; else none.

    ``typed`` has what stands in each field, a list as a list; of ``start=2026-07-01`` both halves count.
    """
    named = trouble.field if isinstance(trouble, BadInput) else ""
    named = named or trouble.message.partition(":")[0]
    parts = [(name, str(part)) for name, value in typed.items() for part in _parts(value)]
    for name, part in parts:
        if named in (name, name.replace("_", " "), part.partition("=")[0].strip() if "=" in part else name):
            return name
    told = [(name, part.partition("=")[2] or part) for name, part in parts]
    told = [(name, text.strip()) for name, text in told if text.strip() and text.strip() in trouble.message]
    return max(told, key=lambda each: len(each[1]))[0] if told else ""


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) or ("",) if isinstance(value, list | tuple) else (value,)


SKIPPED = frozenset({"yes", "dry_run", "json", "quiet"})
"""Parameters that stand for what a console shows and asks anyway."""


def asked(act: Act[Any], preset: Mapping[str, Any]) -> list[Param]:
    """The parameters a person has to look at: not those that the screen knows already."""
    return [p for p in read(act.params) if p.name not in preset and p.name not in SKIPPED]


def build(act: Act[Any], values: Mapping[str, Any]) -> msgspec.Struct:
    """The parameters as one frozen value. Raises ``msgspec.ValidationError`` whose text names the place."""
    known = {p.name: p for p in read(act.params)}
    # What a screen knows is one record: an act that takes several gets that one.
    given = {k: (v,) if known[k].many and isinstance(v, str) else v for k, v in values.items() if k in known}
    done: msgspec.Struct = msgspec.convert(given, act.params, strict=False)
    return done


def in_words(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong with a value, and of which parameter, out of msgspec's own words."""
    told, _, path = str(error).partition(" - at `$.")
    name = re.split(r"[`.\[]", path, maxsplit=1)[0]
    wanted = re.match(r"Expected `(int|float)`( [<>]=? \S+)?", told)
    if wanted is None:
        return told, name
    kind = "a whole number" if wanted[1] == "int" else "a number"
    bound = (wanted[2] or "").replace(">=", "of at least").replace("<=", "of at most")
    return f"“{name.replace('_', ' ')}” has to be {kind}{bound}.", name


def placeholder(param: Param) -> str:
    """What the command line shows for the value, without the command line's own signs."""
    bare = param.hint.placeholder.replace("...", "").strip("[]").lower().replace("_", " ")
    return f"{bare}, {bare} …" if param.many and bare else bare


class Form(Dialog[msgspec.Struct]):
    """Fill in, enter. Gives the parameters, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+enter,f10", "submit", "Do it", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self,
        act: Act[Any],
        preset: Mapping[str, Any],
        start: Mapping[str, Any] | None = None,
        turned: Turned[msgspec.Struct] | None = None,
    ) -> None:
        super().__init__()
        self.title_text = visible(act.title)
        self._act = act
        self._preset = dict(preset)
        self._start = dict(start or {})
        self._turned = turned
        self._params = asked(act, preset)
        self._rows: dict[str, FormRow] = {}
        self._help = Prose(classes="help")
        self._error = Prose(classes="error")

    def box(self) -> ComposeResult:
        """What it does, the fields, one line of help for the field that has the focus."""
        yield Prose(content(visible(self._act.help)), classes="words")
        with Part(classes="fields"):
            for param in self._params:
                label = param.name.replace("_", " ") + (" *" if param.required else "")
                self._rows[param.name] = row = FormRow(label, self._widget(param))
                yield row
        yield self._help
        yield self._error
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Do it")), id="do")
            yield Button(content(Shown("Leave")), id="leave")
            yield Static(content(Shown("enter: next, then do it · esc: back")), classes="hint")

    def on_mount(self) -> None:
        """The first field; the one concerned, where this was filled in before and not taken."""
        self._error.display = False
        if self._turned is not None:
            about = concerned(self._turned.trouble, self.values())
            self._complain(self._turned.sentence, about)
            if about:
                return
        for widget in self.query("Field, Tick, Choice"):
            widget.focus()
            return
        self.query_one("#leave" if usual_effect(self._act).writes else "#do", Button).focus()

    def _widget(self, param: Param) -> Field | Tick | Choice:
        start = self._start.get(param.name, param.default)
        if self._turned is not None:
            start = getattr(self._turned.filled, param.name)
        if param.kind is bool:
            return Tick("", bool(start), id=f"p-{param.name}", compact=True)
        if param.choices:
            named = [(content(visible(choice or "(any)")), choice) for choice in param.choices]
            chosen = start if start in param.choices else param.choices[0]
            return Choice(named, value=chosen, allow_blank=False, id=f"p-{param.name}", compact=True)
        text = (
            ", ".join(map(str, start))
            if isinstance(start, Sequence) and not isinstance(start, str)
            else start
        )
        return Field(
            "" if text in (None, msgspec.NODEFAULT, msgspec.UNSET) else str(text),
            placeholder=visible(placeholder(param)),
            id=f"p-{param.name}",
        )

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        name = (event.widget.id or "").removeprefix("p-")
        words = next((p.help for p in self._params if p.name == name), "")
        self._help.update(content(visible(words)))

    @on(Field.Submitted)
    def _submitted(self, event: Field.Submitted) -> None:
        event.stop()
        if event.input is list(self.query("Field, Tick, Choice"))[-1]:
            self.action_submit()
        else:
            self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "do":
            self.action_submit()
        else:
            self.dismiss(None)

    def values(self) -> dict[str, Any]:
        """What is filled in; empty optional fields keep their default."""
        found: dict[str, Any] = dict(self._preset)
        for param in self._params:
            widget = self.query_one(f"#p-{param.name}")
            if isinstance(widget, (Tick, Choice)):
                found[param.name] = widget.value
            elif isinstance(widget, Field):
                text = widget.value.strip()
                if param.many:
                    found[param.name] = [part.strip() for part in text.split(",") if part.strip()]
                elif text or param.required or self._start.get(param.name):
                    found[param.name] = text
        return found

    def action_submit(self) -> None:
        """Check, then give it back; what is wrong is said under the fields."""
        values = self.values()
        missing = [p.name for p in self._params if p.required and not values.get(p.name)]
        if missing:
            self._complain(f"“{missing[0].replace('_', ' ')}” is needed.", missing[0])
            return
        try:
            done = build(self._act, values)
        except msgspec.ValidationError as error:
            self._complain(*in_words(error))
            return
        self.dismiss(done)

    def _complain(self, sentence: str, name: str = "") -> None:
        for each in self._rows.values():
            each.complain("")
        row = self._rows.get(name)
        self._error.display = row is None
        if row is None:
            self._error.update(content(visible(f"! {sentence}")))
        else:
            row.complain(sentence)
