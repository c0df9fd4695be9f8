"""The Policy screen: in which direction each field is synced, and where it is switched off or frozen."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from xpm_tui.application.clients.field_policy import (
    FrozenView,
    PolicyRow,
    direction_words,
    frozen_clients,
    policy_rows,
    policy_sentences,
)
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain import formatting, labels
from xpm_tui.sync.policy import Policy
from xpm_tui.tui.dialogs.dialog import ChoiceDialog
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.base import RecordListScreen
from xpm_tui.tui.theme import stylesheet_path
from xpm_tui.tui.widgets.cells import Line, fixed, span
from xpm_tui.tui.widgets.table import Table, TableColumn

MOST = 200
"""The most frozen clients that are listed."""


class PolicyScreen(RecordListScreen[None, PolicyRow]):
    """A table of the fields, with the selected one described in sentences."""

    AREA = "settings"
    CSS_PATH: ClassVar = stylesheet_path("policy")
    GROUP: ClassVar = "policy"
    TITLE = "Field table"
    PANEL = "Fields"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "On, off", tooltip="Sync the field, or switch it off"),
        Binding("enter", "open", "Frozen clients", tooltip="List the clients in which the field is frozen"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Field table",
        "What a sync updates, field by field: in each direction, at creation and afterwards, "
        "and for which choice of What to sync. A field that is switched off is not synced for any "
        "client, in either direction; a frozen field is not synced for that client.",
        [
            ("space", "switch the field off for every client, or on again"),
            ("enter", "the clients for which it is frozen; go to one"),
            ("esc", "back"),
        ],
    )

    def __init__(self) -> None:
        table: Table[PolicyRow] = Table(
            (
                TableColumn("Field", 18, grow=2),
                TableColumn("From XPM", 11, grow=1),
                TableColumn("To XPM", 11, grow=1),
                TableColumn("What to sync", 12, grow=1),
                TableColumn("Now", 8, grow=1),
                TableColumn("Frozen", 6, right=True),
            ),
            _cells,
            lambda row: row.field,
        )
        super().__init__(table, "policy")

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Read again whenever the screen is shown."""
        self.reload()

    async def load(self) -> None:
        """Read the direction, what is synced, and which fields are switched off or frozen."""

        def read(practice: OpenPractice) -> tuple[Policy, list[PolicyRow], int]:
            return practice.policy(), policy_rows(practice), len(frozen_clients(practice))

        policy, rows, frozen = await self.host.worker.ask(read)
        off = sum(row.off for row in rows)
        facts = f"{labels.DIRECTIONS[policy.direction].text} · {labels.LEVELS[policy.level].text}"
        more = [
            formatting.count(off, "field") + " switched off" if off else "",
            formatting.count(frozen, "client") + " frozen as a whole" if frozen else "",
        ]
        text = " · ".join(filter(None, (facts, *more)))
        second: Line = [
            fixed(" Never: tax, company and business numbers, relationships, status, custom fields.", "muted")
        ]  # fmt: skip
        self._head.show_subject([fixed(text)], second)
        self.show_items(rows)

    def details_of(self, row: PolicyRow) -> list[Line]:
        """Return sentences that say when the field is synced."""
        frozen = (
            f"Frozen for {formatting.count(row.frozen, 'client')}: "
            f"enter lists {formatting.plural(row.frozen, 'it/them')}."
            if row.frozen
            else "Not frozen for any client."
        )
        head: Line = [fixed(row.label), span(f"   In XPM: {row.xpm}", "muted")]
        rows: list[Line] = [[fixed(f" {sentence}")] for sentence in (*policy_sentences(row), frozen)]
        return [head, *rows]

    def action_switch(self) -> None:
        """Switch the field off for all clients of the practice, or on again."""
        row = self._table.item
        if row is not None:
            command = "policy.on" if row.off else "policy.off"
            self.perform(command, {"field": (row.field,)}, after=self.reload)

    def action_open(self) -> None:
        """List the clients for which the field is frozen, and go to the chosen one."""
        row = self._table.item
        if row is None:
            return
        if not row.frozen:
            self.host.toast(f"{row.label} is not frozen for any client: f in Clients freezes it for one.")
            return
        self.host.work(lambda: self._choose_client(row), "frozen", exclusive=True, node=self)

    async def _choose_client(self, row: PolicyRow) -> None:
        found = await self.host.worker.ask(frozen_clients, row.field)
        more = f"\nThe first {MOST} of them:" if len(found) > MOST else ""
        go = formatting.plural(len(found), "Go to it?/Go to one?")
        question = f"{row.label} is frozen for {formatting.count(len(found), 'client')}. {go}{more}"
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(
                question, [(view.client, _frozen_line(view)) for view in found[:MOST]], title="Frozen"
            )
        )
        if chosen:
            self.dismiss(None)
            self.host.show_client(chosen)


def _cells(row: PolicyRow) -> list[Line]:
    now: Line = (
        [fixed("● synced", "good")]
        if row.carried
        else [fixed("○ off", "warn")]
        if row.off
        else [fixed("– not", "muted")]
    )
    level = labels.LEVELS[row.levels[-1]].text.removesuffix(" only") if row.levels else formatting.NONE
    directions = direction_words(row.from_xpm), direction_words(row.to_xpm)
    return [
        [fixed(row.label, "strong" if row.carried else "")],
        *([fixed(word, "muted" if word == "never" else "")] for word in directions),
        [fixed(level, "muted")],
        now,
        [fixed(f"❄ {row.frozen:,}" if row.frozen else "", "accent")],
    ]


def _frozen_line(view: FrozenView) -> str:
    reason = f": {view.reason}" if view.reason else ""
    by = f" (by {view.by}, {formatting.when_short(view.at)})" if view.by else ""
    return f"{view.client}  {view.name}{reason}{by}"
