"""Settings: every one by its meaning, with its value, where that comes from, and its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import by_name
from xpm_tui.commands.settings import SetSetting
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput
from xpm_tui.settings.kinds import written
from xpm_tui.settings.schema import SECTIONS, SettingEntry
from xpm_tui.settings.store import Item, parsed
from xpm_tui.tui.dialogs.dialog import ChoiceDialog, InputDialog
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import style
from xpm_tui.tui.widgets.cells import Line, lines, ours, span
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.table import Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel


class SettingsArea(AreaScreen):
    """The table, a search, and the meaning of the one under the cursor."""

    AREA = "settings"
    ABOUT = (
        "All settings with their meaning. Enter changes the selected one for this practice; "
        "the value is checked before it is saved. A value from the environment or an option "
        "takes precedence over the files."
    )
    MORE_KEYS = (("/", "search in names and meanings"), ("enter", "change"), ("del", "back to the default"))
    CSS_PATH: ClassVar = style("settings")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change", "Change"),
        Binding("slash", "find", "Search"),
        Binding("delete", "default", "Default", tooltip="Set the setting back to its default"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._find = TextField(placeholder="part of a name or of its help", classes="find")
        self._meaning = TextLabel(classes="meaning")
        self._items: list[Item] = []
        self._table: Table[Item] = Table(
            (
                TableColumn("Setting", 28),
                TableColumn("Value", 18, grow=2),
                TableColumn("From", 11),
                TableColumn("Default", 16, grow=1, drop=1),
            ),
            self._cells,
            lambda item: item.key,
            empty="No setting matches. esc shows all again.",
        )

    def body(self) -> ComposeResult:
        """Search, table, meaning."""
        yield self._find
        yield self._table
        yield self._meaning

    def on_mount(self) -> None:
        """The field comes with ``/``."""
        self._find.display = False

    async def look(self) -> None:
        """All items as they are in force."""

        def read(practice: OpenPractice) -> list[Item]:
            return list(practice.settings.items())

        self._items = await self.host.worker.ask(read)
        self._filter(self._find.value)
        if self.focused is None:
            self._table.rows.focus()

    def _filter(self, text: str) -> None:
        terms = text.casefold().split()
        found = [i for i in self._items if all(t in _sought(i) for t in terms)]
        # Enter changes the first one: the one of that name stands before those that speak of it.
        self._table.show(
            sorted(found, key=lambda i: not all(t in f"{i.key} {i.entry.label}".casefold() for t in terms)),
            of=terms,
        )

    def _cells(self, item: Item) -> list[Line]:
        changed = item.origin != "default"
        default = "" if item.entry.secret else written(item.entry.default)
        return [
            [span(item.entry.label, "strong" if changed else "")],
            [span(item.shown or "–", "accent" if changed else "")],
            [ours(labels.ORIGINS[item.origin].text, "accent" if changed else "muted")],
            [span(default or "–", "muted")],
        ]

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        item = event.item
        if item is None:
            self._meaning.say(Content(""))
            return
        entry = item.entry
        section = SECTIONS.get(entry.key.rpartition(".")[0], "")
        self._meaning.say(
            lines(
                [
                    [ours(" "), span(entry.help)],
                    [span(f" {section} · {entry.kind.words} · {entry.key} · {entry.env}", "muted")],
                ]
            )
        )

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_change()

    def situation(self) -> Situation:
        """The record is the setting."""
        item = self._table.item
        return self.host.situation(self.AREA, record=item.key if item else "")

    def action_change(self) -> None:
        """Choose or type another value."""
        item = self._table.item
        if item is not None:
            self.host.work(lambda: self._change(item), "change", exclusive=True, node=self)

    async def _change(self, item: Item) -> None:
        entry = item.entry
        title, prompt = entry.label, f"{entry.help}\n\n{entry.kind.words}"
        choices = choice_words(entry.kind.words)
        value: str | None
        if choices:
            value = await self.app.push_screen_wait(
                ChoiceDialog(entry.help, [(c, c) for c in choices], title=title, start=item.shown)
            )
        else:
            shown = "" if entry.secret else item.shown
            value = await self.app.push_screen_wait(
                InputDialog(prompt, title=title, value=shown, password=entry.secret, check=checker(entry))
            )
        if value is None or (value == item.shown and not entry.secret):
            return
        self._do("settings.set", SetSetting(key=entry.key, value=value))

    def action_default(self) -> None:
        """Take the practice's own value away."""
        item = self._table.item
        if item is None:
            return
        if item.origin == "default":
            self.host.toast(f"{item.entry.label} already has its default.")
            return
        act = by_name("settings.unset")
        self.host.perform(act, {"key": item.key, "all_practices": item.origin == "file"}, ask=False,
                                 after=self._changed)  # fmt: skip

    def _do(self, name: str, params: Any) -> None:
        self.host.perform(by_name(name), {"key": params.key, "value": params.value}, ask=False,
                                 after=self._changed)  # fmt: skip

    def _changed(self) -> None:
        self.refresh_data(force=True)

    # -- search ---------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Type part of what it is about."""
        self._find.display = True
        self._find.focus()

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._filter(event.value)

    @on(TextField.Submitted)
    def _typed_out(self, event: TextField.Submitted) -> None:
        event.stop()
        self._table.rows.focus()

    def action_up(self) -> None:
        """End the search."""
        if self._find.display:
            self._find.value = ""
            self._find.display = False
            self._table.rows.focus()


def _sought(item: Item) -> str:
    """Return what a search looks in: key, label and help of a setting."""
    return f"{item.key} {item.entry.label} {item.entry.help}".casefold()


def checker(entry: SettingEntry) -> Callable[[str], str]:
    """What is wrong with a text for a setting, in a sentence; empty when nothing is."""

    def check(text: str) -> str:
        try:
            parsed(entry, text, "")
        except BadInput as wrong:
            return present(wrong).short()
        return ""

    return check


def choice_words(kind: str) -> list[str]:
    """The words that a kind of setting is one of (``yes | no``); none where something else may be typed."""
    words = kind.split(" | ")
    return words if len(words) > 1 and not any(" " in word for word in words) else []
