"""The dialog that edits the fields of a record; for a client, also those of its contacts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Button, Select, Static

from xpm_tui.application.presenters.views import ClientView, ContactView, PersonView
from xpm_tui.commands.command import Command, list_params
from xpm_tui.domain import fields as model
from xpm_tui.domain.errors import BadInput, StoreChanged
from xpm_tui.domain.fields import editable
from xpm_tui.domain.formatting import date_hint
from xpm_tui.domain.safe_text import Shown, visible
from xpm_tui.tui.app_protocol import EditField, EditSheet
from xpm_tui.tui.dialogs.dialog import DialogBody, InputDialog
from xpm_tui.tui.dialogs.form import EditingDialog, build
from xpm_tui.tui.dialogs.form_errors import RejectedInput, ask_until_accepted, invalid_field
from xpm_tui.tui.widgets.cells import content, show
from xpm_tui.tui.widgets.inputs import OTHER, ChoiceField, FormRow, TextField
from xpm_tui.tui.widgets.text import StaticText

if TYPE_CHECKING:
    from xpm_tui.tui.app_protocol import AppProtocol

R = TypeVar("R")

LINE_BREAK = "⏎"
"""Stands for a line break while a value of several lines is edited in one line."""


DATE_KEYWORDS = frozenset({"default", "none"})
"""Words that may be entered instead of a date."""

FLAG_OPTIONS = (("yes", "Yes"), ("no", "No"))


def edit_fields(
    view: ClientView, people: Sequence[PersonView], notes: Mapping[str, str] = MappingProxyType({})
) -> list[EditField]:
    """Return the fields that can be edited: those of the client, then those of each contact.

    Args:
        view: The client.
        people: The team, from which partner and manager are chosen.
        notes: Sentences that precede the help of fields of the client, by field.
    """
    found = [_edit_field(field, field.attribute, field.label, view, people) for field in editable("client")]
    found = [
        each._replace(help=f"{notes[each.key]} {each.help}") if each.key in notes else each for each in found
    ]
    for contact in view.contacts:
        for place, field in enumerate(editable("contact")):
            heading = "Primary contact" if contact.primary else "Contact"
            label = f"  {field.short_label.capitalize()}" if place else heading
            found.append(_edit_field(field, f"{contact.id}.{field.attribute}", label, contact, people))
    return found


def present_values(view: ClientView) -> dict[str, str]:
    """Return the values of the fields of :func:`edit_fields`, by their keys."""
    return {each.key: each.value for each in edit_fields(view, ())}


def _edit_field(
    field: model.Field, key: str, label: str, view: ClientView | ContactView, people: Sequence[PersonView]
) -> EditField:
    """Return a field of the form with its value as text and, for a choice, its options."""
    value = getattr(view, field.attribute)
    options: list[tuple[str, str]] = []
    if field.kind == "flag":
        text = "" if value is None else "yes" if value else "no"
        options = [*FLAG_OPTIONS] if field.required else [("", "Not known"), *FLAG_OPTIONS]
    elif field.kind == "choice":
        text = value
        options = [("", "Not known"), *((each.value, each.label) for each in field.choices)]
    elif field.kind == "person":
        text = value.id if value is not None else ""
        known = {person.id: _person_label(person) for person in people}
        if value is not None:
            known.setdefault(value.id, _person_label(value))
        options = [("", "Nobody"), *known.items()]
    elif field.kind == "names":
        text = "; ".join(value)
    else:
        text = value or ""
    return EditField(key, label, text, tuple(options), field.help)


def _person_label(person: PersonView) -> str:
    """Return the label of a team member, with a mark for one who is not linked and cannot be synced."""
    return person.name if person.staff else f"{person.name} (not linked to XPM)"


def parse_edits(changed: Sequence[str]) -> dict[str, str]:
    """Return ``field=value`` texts as a mapping."""
    return {key: text for key, _, text in (each.partition("=") for each in changed)}


def params_of(command: Command[Any], preset: Mapping[str, Any], changed: Sequence[str]) -> msgspec.Struct:
    """Return the parameters of a command that saves an edit form.

    Args:
        command: The command.
        preset: The parameters that are already decided.
        changed: The ``field=value`` of each field that was changed. One that is a parameter of the command
            becomes that parameter, the others become its ``values``.

    Raises:
        BadInput: A required parameter is missing.
    """
    values, given = parse_edits(changed), dict(preset)
    for param in list_params(command.params):
        if param.name in values and param.name not in given:
            given[param.name] = values.pop(param.name).strip()
        if param.required and param.name != "values" and not given.get(param.name):
            raise BadInput(f"“{param.name}” is required.", field=param.name)
    return build(command, {**given, "values": [f"{key}={text}" for key, text in values.items()]})


async def edit_until_accepted(
    app: AppProtocol, sheet: EditSheet, do: Callable[[tuple[str, ...]], Awaitable[R]]
) -> R | None:
    """Show an edit form and save, until its values are accepted.

    If someone else has changed a field meanwhile that the user has changed too, the form is shown once more:
    it says so, and has the new values of all other fields.

    Args:
        app: The console.
        sheet: The contents of the form.
        do: Saves the changed values, given as ``field=value``.

    Returns:
        The result of ``do``; None if the user left the form.
    """

    async def save(changed: tuple[str, ...]) -> R:
        nonlocal sheet
        if sheet.read is not None:
            fields = [EditField(*each) for each in sheet.fields]
            now = await app.worker.ask(sheet.read)
            sheet = sheet._replace(fields=[each._replace(value=now.get(each.key, "")) for each in fields])
            check_not_outdated(fields, now, parse_edits(changed))
        return await do(changed)

    return await ask_until_accepted(app, lambda rejected: EditDialog(sheet, rejected), save)


def check_not_outdated(fields: Sequence[EditField], now: Mapping[str, str], typed: Mapping[str, str]) -> None:
    """Check that no field that the user has changed was changed by someone else meanwhile.

    Args:
        fields: The fields with the values that the form showed.
        now: The present values.
        typed: The values that the user wants to save.

    Raises:
        StoreChanged: A field now has another value than the form showed and than the user typed.
    """
    for each in fields:
        value = now.get(each.key, each.value)
        if each.key in typed and value not in (each.value, typed[each.key]):
            names = dict(each.options)
            shown = visible(names.get(value, value), 60)
            raise StoreChanged(
                f"Someone else has changed “{each.label.strip()}” meanwhile. "
                + (f"It is now: {shown}." if value else "It is empty now."),
                hint="Save again to replace that value.",
            )


class EditDialog(EditingDialog[tuple[str, ...]]):
    """An edit form. The result is ``field=value`` for each field that was changed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10", "save", "Save", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, sheet: EditSheet, rejected: RejectedInput[tuple[str, ...]] | None = None) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(sheet.title)
        self._about = sheet.about
        self._new = sheet.new
        self._form_link = sheet.link
        self._opens_link = False
        """Whether the screen of the first row is opened when the dialog is closed."""
        self._rejected = rejected
        self._fields = fields = [EditField(*each) for each in sheet.fields]
        self._choices: dict[str, str] = {}
        """The last choice in each list that also takes a typed value."""
        # A field of the form has one line, so a mark replaces line breaks until the value is saved.
        self._before = {
            each.key: each.value.replace("\r\n", "\n").replace("\n", LINE_BREAK) for each in fields
        }
        filled = {
            key: text.replace("\n", LINE_BREAK)
            for key, text in parse_edits(rejected.filled if rejected else ()).items()
        }
        self._inputs = {
            each.key: _widget(each, filled.get(each.key, self._before[each.key])) for each in fields
        }
        self._rows = {each.key: FormRow(each.label, self._inputs[each.key]) for each in fields}
        self._dates = {self._inputs[each.key] for each in fields if each.is_date}
        self._help_texts: dict[Widget, str] = {
            self._inputs[each.key]: each.help for each in fields if each.help
        }
        self._link_button: Button | None = None
        if sheet.link is not None:
            self._link_button = Button(content(visible(sheet.link.text)), id="link", classes="wide")
            self._help_texts[self._link_button] = sheet.link.help
        self._help = StaticText(classes="help")
        self._error = StaticText(classes="error")

    def box(self) -> ComposeResult:
        """Compose a label and a field per row."""
        yield StaticText(show(self._about), classes="about")
        with DialogBody(classes="fields"):
            if self._form_link is not None and self._link_button is not None:
                yield from FormRow(self._form_link.label, self._link_button)
            for row in self._rows.values():
                yield from row
        if self._help_texts:
            yield self._help
        yield self._error
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Save")), id="save")
            yield Button(content(Shown("Cancel")), id="leave")
            yield Static(content(Shown("enter: next · F10 saves · esc: back")), classes="hint")

    def on_mount(self) -> None:
        """Focus the first field, or the one that was rejected."""
        self._error.display = False
        if self._rejected is not None:
            row = self._rows.get(invalid_field(self._rejected.error, self._values()))
            if row is not None:
                row.complain(self._rejected.sentence)
                return
            self._error.display = True
            self._error.update(show(f"! {self._rejected.sentence}"))
        next(iter(self._inputs.values())).focus()

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        self._show_help(event.widget)

    @on(TextField.Changed)
    def _changed(self, event: TextField.Changed) -> None:
        event.stop()
        if event.input in self._dates and self.focused is event.input:
            self._show_help(event.input)

    def _show_help(self, widget: Widget) -> None:
        text = self._help_texts.get(widget, "")
        if widget in self._dates and isinstance(widget, TextField) and widget.value not in DATE_KEYWORDS:
            text = f"{text} {date_hint(widget.value, self.host.worker.practice.clock.now().date())}"
        self._help.update(content(visible(text)))
        self.fit()

    @on(Select.Changed)
    def _choice_changed(self, event: Select.Changed) -> None:
        event.stop()
        key = next(key for key, field in self._inputs.items() if field is event.select)
        if event.value != OTHER:
            self._choices[key] = str(event.value)
            return
        row = next(each for each in self._fields if each.key == key)
        box = InputDialog(row.help, title=row.label)
        self.app.push_screen(box, partial(self._set_other_choice, key))

    async def _set_other_choice(self, key: str, text: str | None) -> None:
        field = self._inputs[key]
        assert isinstance(field, ChoiceField)
        if text:
            await field.add_choice(text)
        else:
            field.value = self._choices.get(key, self._before[key])
        field.focus()

    @on(TextField.Submitted)
    def _entered(self, event: TextField.Submitted) -> None:
        event.stop()
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        elif event.button.id == "link":
            self._opens_link = True
            self.action_leave()
        else:
            self.action_leave()

    def dismiss(self, result: tuple[str, ...] | None = None) -> AwaitComplete:
        """Close the dialog; open the screen of the first row if that was chosen."""
        done = super().dismiss(result)
        if self._opens_link and self._form_link is not None:
            self.app.call_later(self._form_link.open)
        return done

    def keep_editing(self) -> None:
        """Stay in the form, and do not open the other screen."""
        self._opens_link = False

    def is_edited(self) -> bool:
        """Return whether a field differs from the record."""
        return self._rejected is not None or self._values() != self._before

    def _values(self) -> dict[str, str]:
        return {key: str(field.value) for key, field in self._inputs.items()}

    def action_save(self) -> None:
        """Close the form with the fields that were changed; if none was, there is nothing to save."""
        before = dict.fromkeys(self._before, "") if self._new else self._before
        changed = {key: value for key, value in self._values().items() if value != before[key]}
        result = tuple(f"{key}={value.replace(LINE_BREAK, chr(10))}" for key, value in changed.items())
        self.dismiss(result if result or self._new else None)


def _widget(field: EditField, value: str) -> TextField | ChoiceField:
    if not field.options:
        return TextField(value)
    options = [(content(visible(label)), key) for key, label in field.options]
    known = {key for key, _ in field.options}
    if field.typed:
        if value not in known:
            options.append((content(visible(value)), value))
            known.add(value)
        options.append((content(Shown("Another one …")), OTHER))
    return ChoiceField(options, value=value if value in known else field.options[0][0], allow_blank=False)
