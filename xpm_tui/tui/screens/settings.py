"""The Settings area: each setting with its meaning, its value, where that comes from, and the default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from xpm_tui.application.practice import OpenPractice
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import by_name
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain import labels
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count
from xpm_tui.domain.labels import Label
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports
from xpm_tui.settings.kinds import ZONE, SettingEntry, format_value, setting_choices
from xpm_tui.settings.schema import SECTIONS
from xpm_tui.settings.store import Item, parse_setting
from xpm_tui.tui.dialogs.dialog import ChoiceDialog, InputDialog, TicksDialog
from xpm_tui.tui.screens.area import AreaScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, Look, content, fit, fixed, lines, span, width, wrap
from xpm_tui.tui.widgets.inputs import TextField
from xpm_tui.tui.widgets.rows import Rows
from xpm_tui.tui.widgets.table import Cell, Table, TableColumn
from xpm_tui.tui.widgets.text import TextLabel

with lazy_imports():
    import zoneinfo

GROUPS: tuple[tuple[str, str], ...] = (
    ("all", "All"), ("sync", "Sync"), ("guard", "Safety limits"), ("schedule", "Schedule"),
    ("notify", "Notifications"), ("jobs", "Jobs"), ("xero", "Connection"), ("gate", "Calls to Xero"),
    ("retention", "Retention"), ("practice", "Practice"), ("log", "Log"), ("", "Console"),
)  # fmt: skip
"""The groups of settings with short names, in the order in which users look for them."""
ALL = "all"


class SettingGroups(Rows):
    """The groups with their numbers of settings; ``*`` marks a group with a changed setting."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, int]] = {}

    def show_counts(self, items: Sequence[Item]) -> None:
        """Count the settings of each group, and those that were changed."""
        for key, _ in GROUPS:
            found = [item for item in items if key in (ALL, section_of(item))]
            self._counts[key] = len(found), sum(item.origin != "default" for item in found)
        self.repaint()

    @property
    def key(self) -> str:
        """The key of the selected group."""
        return GROUPS[self.cursor][0]

    def count(self) -> int:
        """Return the number of groups."""
        return len(GROUPS)

    def draw(self, row: int, line: int, columns: int) -> Line:
        """Return the name of a group, the mark if a setting was changed, and the number of settings."""
        key, name = GROUPS[row]
        number, changed = self._counts.get(key, (0, 0))
        mark = [fixed(" *", "accent")] if changed else []
        return [*fit([fixed(f" {name}"), *mark], columns - 5), fixed(f"{number:>3} ", "muted")]


def section_of(item: Item) -> str:
    """Return the section to which a setting belongs: the part of its key before the last dot."""
    return item.key.rpartition(".")[0]


class SettingsArea(AreaScreen):
    """The area: the groups, the settings of one, and the meaning of the selected setting."""

    AREA = "settings"
    ABOUT = (
        "All settings in groups; * marks a group with a changed setting. Enter changes the selected "
        "setting for this practice; the value is checked before it is saved. A value from the "
        "environment or an option takes precedence over the files."
    )
    MORE_KEYS = (
        ("tab", "to the groups, and back"),
        ("/", "search in names and meanings"),
        ("enter", "change"),
        ("left and right", "the previous or the next choice"),
        ("del", "back to the default"),
    )
    CSS_PATH: ClassVar = stylesheet_path("settings")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change", "Change"),
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("slash", "find", "Search"),
        Binding("delete", "default", "Default", tooltip="Set the setting back to its default"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._find = TextField(placeholder="part of a name or of its help", classes="find")
        self._meaning = TextLabel(classes="panel meaning")
        self._items: list[Item] = []
        self._terms: list[str] = []
        self._groups = SettingGroups()
        self._table: Table[Item] = Table(
            (
                TableColumn("Setting", 26, grow=1),
                TableColumn("Value", 20, grow=5),
                TableColumn("From", 11, drop=1),
                TableColumn("Default", 36, drop=2),
            ),
            self._cells,
            lambda item: item.key,
            empty="No setting matches. esc shows all again.",
        )

    def body(self) -> ComposeResult:
        """Compose the search field, the groups, the settings and the meaning of the selected one."""
        yield self._find
        with Horizontal(classes="halves"):
            with Vertical(classes="panel -table groups") as groups:
                yield self._groups
            yield self._table
        groups.border_title = "Groups"
        groups.border_subtitle = "* changed"
        self._table.add_class("panel", "-table")
        yield self._meaning

    def on_mount(self) -> None:
        """Hide the search field until ``/``."""
        self._find.display = False

    async def load(self) -> None:
        """Read the current settings."""

        def read(practice: OpenPractice) -> list[Item]:
            return list(practice.settings.items())

        self._items = await self.host.worker.ask(read)
        self._groups.show_counts(self._items)
        self._filter(self._find.value)
        if self.focused is None:
            self._table.focus_rows()

    def _filter(self, text: str) -> None:
        terms = text.casefold().split()
        group = ALL if terms else self._groups.key
        found = [
            item
            for item in self._items
            if group in (ALL, section_of(item)) and _contains(_search_text(item), terms)
        ]
        places = {key: place for place, (key, _) in enumerate(GROUPS)}
        found.sort(key=lambda item: places.get(section_of(item), len(places)))
        # Enter changes the first one, so a setting of that name comes before those that mention it.
        found.sort(key=lambda item: not _contains(f"{item.key} {item.entry.label}", terms))
        is_new, self._terms = terms != self._terms, terms
        self._table.show(found, found[0].key if is_new and terms and found else "", query=(terms, group))
        title = "Found" if terms else "All settings" if group == ALL else SECTIONS.get(group, "")
        self._table.border_title = title
        changed = sum(item.origin != "default" for item in self._items)
        self._table.border_subtitle = f"{len(found):,} shown, {changed:,} changed from default"

    def _cells(self, item: Item) -> list[Cell]:
        changed = item.origin != "default"
        default = "" if item.entry.secret else _value_text(item, format_value(item.entry.default))
        return [
            [
                *([fixed("* ", "accent")] if changed else []),
                span(item.entry.label, "strong" if changed else ""),
            ],
            lambda room: value_line(item, room),
            [fixed(labels.ORIGINS[item.origin].text, "accent" if changed else "muted")],
            [span(default or "–", "muted")],
        ]

    @on(Rows.Moved)
    def _group_moved(self, event: Rows.Moved) -> None:
        event.stop()
        if event.rows is self._groups and self._items and not self._find.value:
            self._filter("")

    @on(Rows.Chosen)
    def _group_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._table.focus_rows()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        item = event.item
        if item is None:
            self._meaning.border_title = self._meaning.border_subtitle = ""
            self._meaning.say(Content(""))
            return
        self._meaning.border_title = content(visible(item.entry.label))
        self._meaning.border_subtitle = item.entry.env
        self._meaning.say(lines(meaning_lines(item, self.size.width - 4)))

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_change()

    def situation(self) -> Situation:
        """Return the situation with the selected setting."""
        item = self._table.item
        return self.host.situation(self.AREA, record=item.key if item else "")

    def action_change(self) -> None:
        """Choose or type another value."""
        if self._groups.has_focus:
            self._table.focus_rows()
            return
        item = self._table.item
        if item is not None:
            self.host.work(lambda: self._change(item), "change", exclusive=True, node=self)

    async def _change(self, item: Item) -> None:
        entry = item.entry
        title, prompt = entry.label, f"{entry.help}\n\n{entry.kind.words}"
        choices = setting_choices(entry.key, entry.kind.words)
        if entry.key == "theme":
            choices = {
                name: Label(name, "") for name in ("auto", "dark", "light", *self.app.available_themes)
            }
        value: str | None
        if choices:
            value = await self.app.push_screen_wait(
                ChoiceDialog(
                    entry.help,
                    [(code, f"{each.text}  {each.help}".rstrip()) for code, each in choices.items()],
                    title=title,
                    start=item.shown,
                )
            )
        elif entry.kind.toml == "list":
            options = [(name, label(name)) for name in entry.kind.choices]
            value = await self.app.push_screen_wait(
                TicksDialog(entry.help, options, title=title, ticked=item.shown.split(", "))
            )
        else:
            shown = "" if entry.secret else item.shown
            suggested = sorted(zoneinfo.available_timezones()) if entry.kind is ZONE else ()
            value = await self.app.push_screen_wait(
                InputDialog(
                    prompt, title=title, value=shown, password=entry.secret, check=value_checker(entry),
                    suggested=suggested,
                )
            )  # fmt: skip
        if value is None or (value == item.shown and not entry.secret):
            return
        self._set(entry.key, value)

    def action_step(self, by: int) -> None:
        """Set the next or the previous choice of the selected setting."""
        item = self._table.item
        if item is None or not self._table.rows.has_focus:
            return
        codes = list(setting_choices(item.key, item.entry.kind.words))
        if item.shown not in codes:
            self.host.toast(f"{item.entry.label} is typed: enter changes it.")
            return
        code = codes[(codes.index(item.shown) + by) % len(codes)]
        self._set(item.key, code)

    def action_default(self) -> None:
        """Set the selected setting back to its default."""
        item = self._table.item
        if item is None:
            return
        if item.origin == "default":
            self.host.toast(f"{item.entry.label} already has its default.")
            return
        self._run("settings.unset", {"key": item.key, "all_practices": item.origin == "file"})

    def _set(self, key: str, value: str) -> None:
        self._run("settings.set", {"key": key, "value": value})

    def _run(self, command: str, params: dict[str, Any]) -> None:
        self.host.perform(by_name(command), params, ask=False, after=lambda: self.refresh_data(force=True))

    # -- search ---------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Start to search."""
        self._find.display = True
        self._find.focus()

    @on(TextField.Changed)
    def _typed(self, event: TextField.Changed) -> None:
        event.stop()
        self._filter(event.value)

    @on(TextField.Submitted)
    def _search_submitted(self, event: TextField.Submitted) -> None:
        event.stop()
        self._table.focus_rows()

    def action_up(self) -> None:
        """End the search."""
        if self._find.display:
            self._find.value = ""
            self._find.display = False
            self._table.focus_rows()


def _search_text(item: Item) -> str:
    """Return the text of a setting that is searched: key, label and help."""
    return f"{item.key} {item.entry.label} {item.entry.help}"


def _contains(text: str, terms: Sequence[str]) -> bool:
    return all(term in text.casefold() for term in terms)


def value_checker(entry: SettingEntry) -> Callable[[str], str]:
    """Return a function that returns what is wrong with a text for a setting; empty if nothing is."""

    def check(text: str) -> str:
        try:
            parse_setting(entry, text, "")
        except BadInput as error:
            reason = present(
                BadInput(error.message)
            ).short()  # the hint repeats the help, which is shown anyway
            return reason.replace(entry.key, f"“{entry.label}”", 1)
        return ""

    return check


def _value_text(item: Item, stored: str) -> str:
    """Return a value as users read it: a choice by its label, a number with its unit."""
    kind = item.entry.kind
    choice = setting_choices(item.key, kind.words).get(stored)
    if choice is not None:
        return choice.text
    if kind.toml == "list" and stored:
        names = [label(name) for name in stored.split(", ")]
        return f"{len(names)}: {', '.join(names)}"
    unit = kind.words.partition(",")[0] if kind.toml == "integer" else ""
    if not stored.isdecimal() or unit in ("", "port", "minutes"):
        return stored
    return f"{stored} %" if unit == "percent" else count(int(stored), unit.removesuffix("s"))


def value_line(item: Item, columns: int) -> Line:
    """Return a value for its column: all choices if they fit, otherwise the current one and their number."""
    look: Look = "accent" if item.origin != "default" else ""
    choices = setting_choices(item.key, item.entry.kind.words)
    if item.shown not in choices:
        return [span(_value_text(item, item.shown) or "–", look)]
    found: Line = []
    for code, each in choices.items():
        is_chosen = code == item.shown
        mark = ("  " if found else "") + ("(•) " if is_chosen else "( ) ")
        found = [
            *found,
            fixed(mark, look or "accent" if is_chosen else "muted"),
            span(each.text, look if is_chosen else "muted"),
        ]
    if width(found) <= columns:
        return found
    place = list(choices).index(item.shown) + 1
    chosen = [fixed("‹ ", "muted"), span(choices[item.shown].text, look), fixed(" ›", "muted")]
    number = fixed(f"  {place} of {len(choices)}", "muted")
    return [*chosen, number] if width([*chosen, number]) <= columns else chosen


def meaning_lines(item: Item, columns: int) -> list[Line]:
    """Return the help of a setting, the meaning of its choices, its default, its origin and its key."""
    entry = item.entry
    found: list[Line] = [*wrap([span(entry.help)], columns)]
    choices = setting_choices(entry.key, entry.kind.words)
    for code, each in choices.items() if any(each.help for each in choices.values()) else ():
        is_chosen = code == item.shown
        mark = fixed("(•) " if is_chosen else "( ) ", "accent" if is_chosen else "muted")
        line = [mark, span(each.text, "strong")]
        found.append(fit([*line, span(f"  {each.help}", "muted")], columns))
    if not choices and entry.kind.toml != "list":
        found += wrap([fixed("Accepts: ", "muted"), span(entry.kind.words)], columns)
    default = "" if entry.secret else _value_text(item, format_value(entry.default))
    changed = "not changed" if item.origin == "default" else f"now from: {labels.ORIGINS[item.origin].text}"
    facts: Line = [
        fixed("Default ", "muted"), span(default or "none"), fixed(f", {changed}"), fixed("   Key ", "muted"),
        fixed(entry.key),
    ]  # fmt: skip
    return [*found, *wrap(facts, columns)]
