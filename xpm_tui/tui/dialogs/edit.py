"""Editing one record: its fields (of a client those of its contacts, too), with what is there now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Static

from xpm_tui.acts.act import Act
from xpm_tui.acts.params import read
from xpm_tui.model.errors import BadInput
from xpm_tui.model.text import Shown, visible
from xpm_tui.service.telling.views import ClientView
from xpm_tui.sync.policy import CLIENT_FIELDS
from xpm_tui.tui.dialogs.dialog import Dialog, Part
from xpm_tui.tui.dialogs.filling import Turned, concerned
from xpm_tui.tui.dialogs.form import build
from xpm_tui.tui.fields import Sheet
from xpm_tui.tui.plain import content, show
from xpm_tui.tui.widgets.field import Field
from xpm_tui.tui.widgets.form_row import FormRow
from xpm_tui.tui.widgets.prose import Prose

CONTACT = (("name", "name"), ("email", "e-mail"), ("phone", "phone"), ("mobile", "mobile"))

LINE = "⏎"
"""Stands for a line end while a value of several lines is edited in one."""


def cells(view: ClientView) -> list[tuple[str, str, str]]:
    """(key, label, value) of all that can be typed: text fields of the client, then each contact's."""
    found = [
        (rule.name, rule.label, str(getattr(view, rule.name)))
        for rule in CLIENT_FIELDS
        if isinstance(getattr(view, rule.name, None), str)
    ]
    for contact in view.contacts:
        for name, label in CONTACT:
            found.append((f"{contact.id}.{name}", f"{contact.id} {label}", getattr(contact, name)))
    return found


def typed(changed: Sequence[str]) -> dict[str, str]:
    """``field=value`` as a table."""
    return {key: text for key, _, text in (word.partition("=") for word in changed)}


def params_of(act: Act[Any], preset: Mapping[str, Any], changed: Sequence[str]) -> msgspec.Struct:
    """The act's parameters with what was changed as its values, but for those that it has by name.

    Raises ``BadInput`` where one of these is missing.
    """
    values, given = typed(changed), dict(preset)
    for param in read(act.params):
        if param.name in values and param.name not in given:
            given[param.name] = values.pop(param.name).strip()
        if param.required and param.name != "values" and not given.get(param.name):
            raise BadInput(f"“{param.name}” is needed.", field=param.name)
    return build(act, {**given, "values": [f"{key}={text}" for key, text in values.items()]})


class Edit(Dialog[tuple[str, ...]]):
    """Gives ``field=value`` for what was changed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10", "save", "Save", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, sheet: Sheet, turned: Turned[tuple[str, ...]] | None = None) -> None:
        super().__init__(classes="wide")
        self.title_text = visible(sheet.title)
        self._about = sheet.about
        self._new = sheet.new
        self._turned = turned
        # A field holds one line: line ends of an address are shown as such and put back.
        self._before = {
            key: value.replace("\r\n", "\n").replace("\n", LINE) for key, _, value in sheet.fields
        }
        again = {
            key: text.replace("\n", LINE) for key, text in typed(turned.filled if turned else ()).items()
        }
        self._inputs = {key: Field(again.get(key, value)) for key, value in self._before.items()}
        self._rows = {key: FormRow(label, self._inputs[key]) for key, label, _ in sheet.fields}
        self._error = Prose(classes="error")

    def box(self) -> ComposeResult:
        """Label and field, as many as there are."""
        yield Prose(show(self._about), classes="about")
        with Part(classes="fields"):
            yield from self._rows.values()
        yield self._error
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Save")), id="save")
            yield Button(content(Shown("Leave")), id="leave")
            yield Static(content(Shown("enter: next · F10 saves · esc: back")), classes="hint")

    def on_mount(self) -> None:
        """The first field; the one concerned, where this was filled in before and not taken."""
        self._error.display = False
        if self._turned is not None:
            now = {key: field.value for key, field in self._inputs.items()}
            row = self._rows.get(concerned(self._turned.trouble, now))
            if row is not None:
                row.complain(self._turned.sentence)
                return
            self._error.display = True
            self._error.update(show(f"! {self._turned.sentence}"))
        next(iter(self._inputs.values())).focus()

    @on(Field.Submitted)
    def _entered(self, event: Field.Submitted) -> None:
        event.stop()
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.dismiss(None)

    def action_save(self) -> None:
        """Only what differs; where nothing does there is nothing to save."""
        before = dict.fromkeys(self._before, "") if self._new else self._before
        changed = {key: field.value for key, field in self._inputs.items() if field.value != before[key]}
        given = tuple(f"{key}={value.replace(LINE, chr(10))}" for key, value in changed.items())
        self.dismiss(given if given or self._new else None)
