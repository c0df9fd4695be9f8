"""Forms that are generated from the parameters of a command, with the help and defaults of its verb.

If values are rejected, the form is shown again as it was filled in, with the error below its field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Button, Static

from xpm_tui.commands.command import Command, Param, list_params
from xpm_tui.commands.effects import usual_effect
from xpm_tui.commands.parameter_labels import (
    ALL,
    ValueField,
    choice_labels,
    field_choices,
    parameter_help,
    parameter_label,
    placeholder,
    value_fields,
)
from xpm_tui.domain.formatting import date_hint
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.dialogs.dialog import Dialog, DialogBody, discard_question
from xpm_tui.tui.dialogs.form_errors import RejectedInput, invalid_field, validation_message
from xpm_tui.tui.widgets.cells import content, show
from xpm_tui.tui.widgets.inputs import ChoiceField, FormRow, TextField, TickBox
from xpm_tui.tui.widgets.text import StaticText

R = TypeVar("R")

SKIPPED = frozenset({"yes", "dry_run", "json", "quiet"})
"""Parameters that are not shown, because the console asks or shows the same in its own way."""


def open_parameters(command: Command[Any], preset: Mapping[str, Any]) -> list[Param]:
    """Return the parameters that a form asks for: those that the screen has not set."""
    return [p for p in list_params(command.params) if p.name not in preset and p.name not in SKIPPED]


def build(command: Command[Any], values: Mapping[str, Any]) -> msgspec.Struct:
    """Return the parameters of a command.

    Raises:
        msgspec.ValidationError: A value is invalid; the text names its place.
    """
    known = {p.name: p for p in list_params(command.params)}
    # A screen sets one record; a command for several records gets a list with that one.
    given = {k: (v,) if known[k].many and isinstance(v, str) else v for k, v in values.items() if k in known}
    params: msgspec.Struct = msgspec.convert(given, command.params, strict=False)
    return params


FORM_FRAME_ROWS = 12
"""The rows of a form besides its fields, if its purpose and help are short: those of the frame, too."""


class EditingDialog(Dialog[R]):
    """A dialog with fields. If something was edited, it asks before it discards that."""

    def on_resize(self, _: events.Resize) -> None:
        """Show as many fields as fit; a percentage in the stylesheet would leave blank rows."""
        self.query_one(".fields").styles.max_height = self._most_rows()
        self.fit()

    def _most_rows(self) -> int:
        return max(3, self.size.height * 92 // 100 - FORM_FRAME_ROWS)

    def fit(self) -> None:
        """After the layout, show fewer fields if a long purpose, help or error needs the rows."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        box, fields = self.query_one(".box"), self.query_one(".fields")
        used = max(each.virtual_region.bottom for each in box.children if each.display)
        free = self.size.height * 92 // 100 - box.gutter.height - used
        fields.styles.max_height = max(3, min(self._most_rows(), fields.outer_size.height + free))
        if self.focused is not None and fields in self.focused.ancestors:
            self.call_after_refresh(self.focused.scroll_visible, animate=False)

    def is_edited(self) -> bool:
        """Return whether leaving would lose edits."""
        raise NotImplementedError

    def action_leave(self) -> None:
        """Close the dialog; if something was edited, ask first."""
        if not self.is_edited():
            self.dismiss(None)
            return
        self.app.push_screen(discard_question(), self._answered)

    def _answered(self, discard: bool | None) -> None:
        if discard:
            self.dismiss(None)
        else:
            self.keep_editing()

    def keep_editing(self) -> None:
        """Continue after the user decided not to discard the edits."""


class _ParameterRow(NamedTuple):
    """A row of a form: a parameter, or with ``part`` one field of a list of ``field=value``."""

    param: Param
    key: str
    label: str
    help: str
    part: ValueField | None = None

    @property
    def record(self) -> str:
        """The kind of record that is chosen in this row, such as ``client``; empty for another value."""
        if self.part is not None:
            return self.part.completes
        return self.param.hint.completes if not self.param.many else ""

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
            found.append(_ParameterRow(param, f"p-{param.name}", label, parameter_help(command, param)))
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
        rejected: RejectedInput[msgspec.Struct] | None = None,
        records: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({}),
        subject: str = "",
    ) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(command.title)
        self._records = records
        self._subject = subject
        self._command = command
        self._preset = dict(preset)
        self._start = dict(start or {})
        self._rejected = rejected
        self._parameter_rows = rows_of(command, preset)
        self._rows: dict[str, FormRow] = {}
        self._before: dict[str, Any] = {}
        self._help = Static(classes="help")
        self._error = StaticText(classes="error")

    def box(self) -> ComposeResult:
        """Compose the purpose of the command, the fields, and the help of the focused field."""
        if self._subject:
            yield StaticText(show(self._subject, "bold"), classes="about")
        yield StaticText(content(visible(self._command.purpose)), classes="words")
        with DialogBody(classes="fields"):
            for each in self._parameter_rows:
                label = each.label + (" *" if self._is_required(each) else "")
                self._rows[each.key] = row = FormRow(label, self._widget(each))
                yield from row
        yield self._help
        yield self._error
        with Horizontal(classes="buttons"):
            yield Button(content(visible(self._command.title)), id="do")
            yield Button(content(Shown("Cancel")), id="leave")
        yield Static(content(Shown("enter: next field · F10: submit · esc: back")), classes="hint")

    def on_mount(self) -> None:
        """Focus the first field, or the one that was rejected."""
        self._error.display = False
        self._before = {} if self._rejected is not None else self._contents()
        if self._rejected is not None:
            field = invalid_field(self._rejected.error, self._values_by_name())
            self._show_error(self._rejected.sentence.removeprefix(f"{field}: "), field)
            if field:
                return
        fields = list(self.query("TextField, TickBox, ChoiceField"))
        safe = "#leave" if usual_effect(self._command).writes else "#do"
        (fields[0] if fields else self.query_one(safe)).focus()

    def is_edited(self) -> bool:
        """Return whether a field has changed since the form was shown."""
        return self._contents() != self._before

    def _is_required(self, row: _ParameterRow) -> bool:
        """Return whether a row must be filled in."""
        chosen = field_choices(self._command, row.param, ()) if row.part is None else []
        needs_choice = bool(chosen) and chosen[0][1] == "Choose a field"
        return needs_choice or (row.part is None and row.param.required)

    def _widget(self, row: _ParameterRow) -> TextField | TickBox | ChoiceField:
        param = row.param
        start = self._start.get(param.name, param.default)
        if self._rejected is not None:
            start = getattr(self._rejected.filled, param.name)
        if row.part is not None:
            parts = dict(str(each).partition("=")[::2] for each in start or ())
            return self._part_widget(row, parts.get(row.part.key, ""))
        if param.kind is bool:
            return TickBox("", bool(start), id=row.key, compact=True)
        given = [str(each) for each in start] if isinstance(start, (tuple, list)) else [str(start or "")]
        options = choice_labels(self._command, param)
        if not options and len(given) < 2:
            options = field_choices(self._command, param, given)
        every = row.record == "client" and not param.required
        options = options or self._record_options(row, "All clients" if every else "Choose one")
        if options:
            return _choice_field(options, given[0] if given else "", row.key)
        is_list = isinstance(start, Sequence) and not isinstance(start, str)
        text = ", ".join(given) if is_list else start
        return TextField(
            "" if text in (None, msgspec.NODEFAULT, msgspec.UNSET) else str(text),
            placeholder=visible(placeholder(param)),
            id=row.key,
        )

    def _part_widget(self, row: _ParameterRow, value: str) -> TextField | ChoiceField:
        assert row.part is not None
        if options := row.part.options or self._record_options(row, "Nobody"):
            return _choice_field(options, value, row.key)
        return TextField(value, placeholder=self._today().isoformat() if row.is_date else "", id=row.key)

    def _record_options(self, row: _ParameterRow, none: str) -> list[tuple[str, str]]:
        """Return the records from which a row chooses, after ``none``; empty if the row is typed."""
        found = self._records.get(row.record, ())
        return [("", none), *found] if found else []

    def _today(self) -> date:
        return self.host.worker.practice.clock.now().date()

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        self._show_help(event.widget)

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        if self.focused is event.input:
            self._show_help(event.input)

    def _show_help(self, widget: Widget) -> None:
        row = next((each for each in self._parameter_rows if each.key == widget.id), None)
        text = row.help if row is not None else ""
        if row is not None and row.is_date and isinstance(widget, TextField):
            text = f"{text} {date_hint(widget.value, self._today())}"
        self._help.update(content(visible(text)))
        self.fit()

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

    def _contents(self) -> dict[str, Any]:
        """Return the contents of each row by its key."""
        return {
            each.key: getattr(self.query_one(f"#{each.key}"), "value", "") for each in self._parameter_rows
        }

    def _values_by_name(self) -> dict[str, Any]:
        """Return the contents by the names that error messages use; those of a list in parts."""
        found: dict[str, Any] = {}
        for key, value in self._contents().items():
            row = next(each for each in self._parameter_rows if each.key == key)
            is_list = row.param.many and row.part is None and isinstance(value, str)
            found[key[2:]] = [part.strip() for part in value.split(",")] if is_list else value
        return found

    def values(self) -> dict[str, Any]:
        """Return the values of the parameters; optional ones that are empty keep their default."""
        found: dict[str, Any] = dict(self._preset)
        filled = self._contents()
        for row in self._parameter_rows:
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
        """Check the values, and close the form; an error is shown below its field."""
        filled = self._contents()
        for row in self._parameter_rows:
            if self._is_required(row) and not (filled[row.key] and str(filled[row.key]).strip()):
                self._show_error(f"“{row.label}” is required.", row.key[2:])
                return
        try:
            params = build(self._command, self.values())
        except msgspec.ValidationError as error:
            sentence, name = validation_message(error)
            label = next((each.label for each in self._parameter_rows if each.key == f"p-{name}"), name)
            self._show_error(sentence.replace(f"“{name.replace('_', ' ')}”", f"“{label}”"), name)
            return
        self.dismiss(params)

    def _show_error(self, sentence: str, name: str = "") -> None:
        """Show an error below its field, or at the end of the form if it is about none."""
        for each in self._rows.values():
            each.complain("")
        row = self._rows.get(_value_id(name)) or self._rows.get(f"p-{name}") if name else None
        self._error.display = row is None
        if row is None:
            self._error.update(content(visible(f"! {sentence}")))
        else:
            row.complain(sentence)
        self.fit()


def _choice_field(options: Sequence[tuple[str, str]], chosen: str, key: str) -> ChoiceField:
    keys = [value for value, _ in options]
    return ChoiceField(
        [(content(visible(label)), value) for value, label in options],
        value=chosen if chosen in keys else keys[0],
        allow_blank=False,
        id=key,
    )
