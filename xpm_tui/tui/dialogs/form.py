"""Forms that are generated from a command's parameters, with the help and defaults of the command line.

Rejected values are shown again as they were typed, with the error at its field.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Static

from xpm_tui.commands.command import Command, Param, list_params
from xpm_tui.commands.effects import usual_effect
from xpm_tui.commands.parameter_labels import (
    ALL,
    ValueField,
    choice_labels,
    field_choices,
    parameter_label,
    placeholder,
    value_fields,
)
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import AppError, BadInput, Busy
from xpm_tui.domain.formatting import date_hint
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.dialogs.dialog import ConfirmDialog, Dialog, DialogBody
from xpm_tui.tui.widgets.cells import content
from xpm_tui.tui.widgets.inputs import ChoiceField, FormRow, TextField, TickBox
from xpm_tui.tui.widgets.text import StaticText

if TYPE_CHECKING:
    from xpm_tui.tui.app_protocol import AppProtocol

P = TypeVar("P")
R = TypeVar("R")

AGAIN = (BadInput, Busy)
"""Errors after which nothing was written, so that another value or a later attempt may succeed."""


class RejectedInput(NamedTuple, Generic[P]):
    """The values that were rejected, and the error."""

    filled: P
    error: AppError

    @property
    def sentence(self) -> str:
        """The error, what to do next, and the known problem if there is one."""
        return present(self.error).sentence()


async def ask_until_accepted(
    app: AppProtocol,
    show: Callable[[RejectedInput[P] | None], Screen[P]],
    do: Callable[[P], Awaitable[R]],
) -> R | None:
    """Show a form and run the command, until its values are accepted; return None if it was left."""
    turned: RejectedInput[P] | None = None
    while True:
        filled = await app.push_screen_wait(show(turned))
        if filled is None:
            return None
        try:
            return await do(filled)
        except AGAIN as error:
            turned = RejectedInput(filled, error)


def invalid_field(error: AppError, typed: Mapping[str, Any]) -> str:
    """Return the field that an error is about: the one it names, or the one whose text it repeats.

    Empty if there is none. ``typed`` has the values of the fields; of ``start=2026-07-01``, name and value
    are both compared.
    """
    named = error.field if isinstance(error, BadInput) else ""
    named = named or error.message.partition(":")[0]
    parts = [(name, str(part)) for name, value in typed.items() for part in _parts(value)]
    for name, part in parts:
        if named in (name, name.replace("_", " "), part.partition("=")[0].strip() if "=" in part else name):
            return name
    candidates = [(name, part.partition("=")[2] or part) for name, part in parts]
    candidates = [
        (name, text.strip()) for name, text in candidates if text.strip() and text.strip() in error.message
    ]
    return max(candidates, key=lambda each: len(each[1]))[0] if candidates else ""


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) or ("",) if isinstance(value, list | tuple) else (value,)


SKIPPED = frozenset({"yes", "dry_run", "json", "quiet"})
"""Parameters that are not shown, because the console asks or shows the same anyway."""


def open_parameters(command: Command[Any], preset: Mapping[str, Any]) -> list[Param]:
    """Return the parameters for which the user is asked: all that the screen does not set."""
    return [p for p in list_params(command.params) if p.name not in preset and p.name not in SKIPPED]


def build(command: Command[Any], values: Mapping[str, Any]) -> msgspec.Struct:
    """Return the parameters as a frozen value.

    Raises:
        msgspec.ValidationError: A value is invalid; the text names its place.
    """
    known = {p.name: p for p in list_params(command.params)}
    # A screen sets one record; a command that takes several gets a list of one.
    given = {k: (v,) if known[k].many and isinstance(v, str) else v for k, v in values.items() if k in known}
    done: msgspec.Struct = msgspec.convert(given, command.params, strict=False)
    return done


def validation_message(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return what is wrong with a value, and the parameter, from the message of msgspec."""
    reason, _, path = str(error).partition(" - at `$.")
    name = re.split(r"[`.\[]", path, maxsplit=1)[0]
    wanted = re.match(r"Expected `(int|float)`( [<>]=? \S+)?", reason)
    if wanted is None:
        return reason, name
    kind = "a whole number" if wanted[1] == "int" else "a number"
    bound = (wanted[2] or "").replace(">=", "of at least").replace("<=", "of at most")
    return f"“{name.replace('_', ' ')}” must be {kind}{bound}.", name


def discard_question() -> ConfirmDialog:
    """Return the question whether to discard edits; the safe answer has the focus."""
    return ConfirmDialog(
        "Your changes are not saved.",
        title="Discard your changes?",
        yes="Discard",
        no="Keep editing",
    )


BESIDES = 12
"""Rows of a form that are not fields: its frame, what it is about, two of help, the buttons."""


class EditingDialog(Dialog[R]):
    """A dialog with fields; leaving it asks first if something was edited."""

    def on_resize(self, event: events.Resize) -> None:
        """Show as many fields as fit, in rows, because a percentage would leave blank ones."""
        self.query_one(".fields").styles.max_height = max(3, event.size.height * 92 // 100 - BESIDES)

    def is_edited(self) -> bool:
        """Return whether leaving would lose edits."""
        raise NotImplementedError

    def action_leave(self) -> None:
        """Leave, after asking if something was edited."""
        if not self.is_edited():
            self.dismiss(None)
            return
        self.app.push_screen(discard_question(), self._answered)

    def _answered(self, discard: bool | None) -> None:
        if discard:
            self.dismiss(None)
        else:
            self.stayed()

    def stayed(self) -> None:
        """Continue editing."""


class _ParameterRow(NamedTuple):
    """A row of a form: a parameter or, with ``part``, a field of its ``field=value`` list."""

    param: Param
    key: str
    label: str
    help: str
    part: ValueField | None = None

    @property
    def record(self) -> str:
        """The kind of record that is chosen in this row, such as ``client``; empty if it is not a record."""
        if self.part is not None:
            return self.part.completes
        return self.param.hint.completes if self.param.required and not self.param.many else ""

    @property
    def is_date(self) -> bool:
        """Whether the value is a date."""
        return self.part.is_date if self.part is not None else self.param.hint.placeholder == "DATE"


def record_kinds(command: Command[Any], preset: Mapping[str, Any]) -> set[str]:
    """Return the kinds of records that are chosen in a command's form."""
    return {row.record for row in rows_of(command, preset)} - {""}


def _value_id(key: str) -> str:
    """Return the id of the widget for a value, whose key may have blanks."""
    return f"v-{key.replace(' ', '-')}"


def rows_of(command: Command[Any], preset: Mapping[str, Any]) -> list[_ParameterRow]:
    """Return the rows of a command's form, with the labels and help of the registries."""
    found: list[_ParameterRow] = []
    names = {param.name for param in list_params(command.params)}
    for param in open_parameters(command, preset):
        parts = value_fields(command) if param.name == "values" else ()
        found += [
            _ParameterRow(param, _value_id(each.key), each.label, each.help, each)
            for each in parts
            if each.key not in names
        ]
        if not parts:
            label = "Values" if param.name == "values" else parameter_label(command, param)
            found.append(_ParameterRow(param, f"p-{param.name}", label, param.help))
    return found


class FormDialog(EditingDialog[msgspec.Struct]):
    """The form of a command. Its result is the parameters, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+enter,f10", "submit", "Submit", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self,
        command: Command[Any],
        preset: Mapping[str, Any],
        start: Mapping[str, Any] | None = None,
        turned: RejectedInput[msgspec.Struct] | None = None,
        records: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({}),
    ) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(command.title)
        self._records = records
        self._act = command
        self._preset = dict(preset)
        self._start = dict(start or {})
        self._turned = turned
        self._about = rows_of(command, preset)
        self._rows: dict[str, FormRow] = {}
        self._before: dict[str, Any] = {}
        self._help = StaticText(classes="help")
        self._error = StaticText(classes="error")

    def box(self) -> ComposeResult:
        """Compose the purpose, the fields, and a line of help for the focused field."""
        yield StaticText(content(visible(self._act.help)), classes="words")
        with DialogBody(classes="fields"):
            for each in self._about:
                label = each.label + (" *" if self._required(each) else "")
                self._rows[each.key] = row = FormRow(label, self._widget(each))
                yield from row
        yield self._help
        yield self._error
        with Horizontal(classes="buttons"):
            yield Button(content(visible(self._act.title)), id="do")
            yield Button(content(Shown("Cancel")), id="leave")
        yield Static(content(Shown("enter: next field · F10: submit · esc: back")), classes="hint")

    def on_mount(self) -> None:
        """Focus the first field, or the one that was rejected."""
        self._error.display = False
        self._before = {} if self._turned is not None else self._filled()
        if self._turned is not None:
            about = invalid_field(self._turned.error, self._named())
            self._complain(self._turned.sentence.removeprefix(f"{about}: "), about)
            if about:
                return
        for widget in self.query("TextField, TickBox, ChoiceField"):
            widget.focus()
            return
        self.query_one("#leave" if usual_effect(self._act).writes else "#do", Button).focus()

    def is_edited(self) -> bool:
        """Return whether a field has changed since the form was shown."""
        return self._filled() != self._before

    def _required(self, row: _ParameterRow) -> bool:
        """Return whether a row must be filled in; a list must be, unless empty means all."""
        chosen = field_choices(self._act, row.param, ()) if row.part is None else []
        needs_choice = bool(chosen) and chosen[0][1] == "Choose a field"
        return needs_choice or (row.part is None and row.param.required)

    def _widget(self, row: _ParameterRow) -> TextField | TickBox | ChoiceField:
        param = row.param
        start = self._start.get(param.name, param.default)
        if self._turned is not None:
            start = getattr(self._turned.filled, param.name)
        if row.part is not None:
            parts = dict(str(each).partition("=")[::2] for each in start or ())
            return self._of_part(row, parts.get(row.part.key, ""))
        if param.kind is bool:
            return TickBox("", bool(start), id=row.key, compact=True)
        given = [str(each) for each in start] if isinstance(start, (tuple, list)) else [str(start or "")]
        options = choice_labels(self._act, param) if param.choices else []
        if not options and len(given) < 2:
            options = field_choices(self._act, param, given)
        options = options or self._chosen_from(row, "Choose one")
        if options:
            return _choice(options, given[0] if given else "", row.key)
        is_list = isinstance(start, Sequence) and not isinstance(start, str)
        text = ", ".join(given) if is_list else start
        return TextField(
            "" if text in (None, msgspec.NODEFAULT, msgspec.UNSET) else str(text),
            placeholder=visible(placeholder(param)),
            id=row.key,
        )

    def _of_part(self, row: _ParameterRow, value: str) -> TextField | ChoiceField:
        assert row.part is not None
        if options := row.part.options or self._chosen_from(row, "Nobody"):
            return _choice(options, value, row.key)
        return TextField(value, placeholder=self._today().isoformat() if row.is_date else "", id=row.key)

    def _chosen_from(self, row: _ParameterRow, none: str) -> list[tuple[str, str]]:
        """Return the records of which one can be chosen in a row; empty if it is typed."""
        found = self._records.get(row.record, ())
        return [("", none), *found] if found else []

    def _today(self) -> date:
        return self.host.worker.practice.clock.now().date()

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        self._say_help(event.widget)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        if self.focused is event.input:
            self._say_help(event.input)

    def _say_help(self, widget: Widget) -> None:
        row = next((each for each in self._about if each.key == widget.id), None)
        words = row.help if row is not None else ""
        if row is not None and row.is_date and isinstance(widget, TextField):
            words = f"{words} {date_hint(widget.value, self._today())}"
        self._help.update(content(visible(words)))

    @on(TextField.Submitted)
    def _submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        if event.input is list(self.query("TextField, TickBox, ChoiceField"))[-1]:
            self.action_submit()
        else:
            self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "do":
            self.action_submit()
        else:
            self.action_leave()

    def _filled(self) -> dict[str, Any]:
        """Return the contents of each row by its key."""
        return {each.key: getattr(self.query_one(f"#{each.key}"), "value", "") for each in self._about}

    def _named(self) -> dict[str, Any]:
        """Return the contents by the name that a message uses; for a list, its parts."""
        found: dict[str, Any] = {}
        for key, value in self._filled().items():
            row = next(each for each in self._about if each.key == key)
            is_list = row.param.many and row.part is None and isinstance(value, str)
            found[key[2:]] = [part.strip() for part in value.split(",")] if is_list else value
        return found

    def values(self) -> dict[str, Any]:
        """Return the values; empty optional fields keep their default."""
        found: dict[str, Any] = dict(self._preset)
        filled = self._filled()
        for row in self._about:
            param, value = row.param, filled[row.key]
            if row.part is not None:
                text = str(value).strip()
                found.setdefault(param.name, [])
                found[param.name] += [f"{row.part.key}={text}"] if text else []
            elif param.kind is bool or param.choices:
                found[param.name] = value
            elif param.many:
                parts = [part.strip() for part in str(value).split(",") if part.strip()]
                found[param.name] = [] if parts == [ALL] else parts
            elif str(value).strip() or param.required or self._start.get(param.name):
                found[param.name] = str(value).strip()
        return found

    def action_submit(self) -> None:
        """Check the values and close the form; errors are shown below the fields."""
        filled = self._filled()
        for row in self._about:
            if self._required(row) and not (filled[row.key] and str(filled[row.key]).strip()):
                self._complain(f"“{row.label}” is required.", row.key[2:])
                return
        try:
            done = build(self._act, self.values())
        except msgspec.ValidationError as error:
            sentence, name = validation_message(error)
            label = next((each.label for each in self._about if each.key == f"p-{name}"), name)
            self._complain(sentence.replace(f"“{name.replace('_', ' ')}”", f"“{label}”"), name)
            return
        self.dismiss(done)

    def _complain(self, sentence: str, name: str = "") -> None:
        for each in self._rows.values():
            each.complain("")
        row = self._rows.get(_value_id(name)) or self._rows.get(f"p-{name}") if name else None
        self._error.display = row is None
        if row is None:
            self._error.update(content(visible(f"! {sentence}")))
        else:
            row.complain(sentence)


def _choice(options: Sequence[tuple[str, str]], chosen: str, key: str) -> ChoiceField:
    keys = [value for value, _ in options]
    return ChoiceField(
        [(content(visible(label)), value) for value, label in options],
        value=chosen if chosen in keys else keys[0],
        allow_blank=False,
        id=key,
    )
