"""Editing one record: its fields (of a client those of its contacts, too), with what is there now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Static

from xpm_tui.model.text import Shown, visible
from xpm_tui.service.telling.views import ClientView
from xpm_tui.sync.policy import CLIENT_FIELDS
from xpm_tui.tui.dialogs.dialog import Dialog, Part
from xpm_tui.tui.plain import content, show
from xpm_tui.tui.widgets.field import Field

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


class Edit(Dialog[tuple[str, ...]]):
    """Gives ``field=value`` for what was changed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10", "save", "Save", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self, title: str, about: str, fields: Sequence[tuple[str, str, str]],
        typed: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(classes="wide")
        self.title_text = visible(title)
        self._about = about
        # A field holds one line: line ends of an address are shown as such and put back.
        self._before = {key: value.replace("\r\n", "\n").replace("\n", LINE) for key, _, value in fields}
        self._labels = {key: label for key, label, _ in fields}
        # ``typed`` is what a person typed before, where that could not be used: it is not lost.
        again = {key: text.replace("\n", LINE) for key, text in (typed or {}).items()}
        self._inputs = {key: Field(again.get(key, value)) for key, value in self._before.items()}

    def box(self) -> ComposeResult:
        """Label and field, as many as there are."""
        yield Static(show(self._about), classes="about")
        with Part(classes="fields"):
            for key, field in self._inputs.items():
                with Horizontal(classes="field"):
                    yield Static(show(self._labels[key]), classes="label")
                    yield field
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Save")), id="save")
            yield Button(content(Shown("Leave")), id="leave")
            yield Static(content(Shown("enter: next · F10 saves · esc: back")), classes="hint")

    def on_mount(self) -> None:
        """The first field."""
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
        """Only what differs."""
        changed = {
            key: field.value for key, field in self._inputs.items() if field.value != self._before[key]
        }
        self.dismiss(tuple(f"{key}={value.replace(LINE, chr(10))}" for key, value in changed.items()))
