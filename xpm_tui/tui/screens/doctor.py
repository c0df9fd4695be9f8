"""The doctor: probes one after another with verdict, time, evidence and way out; again from any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen

from xpm_tui.diagnose.cases.book_of_cases import case
from xpm_tui.diagnose.finding import Probed, Verdict
from xpm_tui.diagnose.telling import told
from xpm_tui.service.practice import OpenPractice
from xpm_tui.tui.screens.dialog import Ask, Confirm, Told
from xpm_tui.tui.screens.help import Page
from xpm_tui.tui.styles import style
from xpm_tui.tui.widgets.foot import Foot
from xpm_tui.tui.widgets.line import Line, Look, ours, span
from xpm_tui.tui.widgets.says import Says
from xpm_tui.tui.widgets.table import Column, Table
from xpm_tui.tui.widgets.words import lines, words

if TYPE_CHECKING:
    from xpm_tui.diagnose.bundle import Part
    from xpm_tui.tui.app import Console

_VERDICTS: dict[Verdict, tuple[str, Look]] = {
    "ok": ("● ok", "good"),
    "note": ("▲ note", "warn"),
    "trouble": ("✖ trouble", "bad"),
    "skipped": ("○ left out", "muted"),
}


class DoctorScreen(Screen[None]):
    """The probes over what the one under the cursor found."""

    CSS_PATH: ClassVar = style("doctor")
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "case", "Way out", show=True),
        Binding("r", "again", "From here"),
        Binding("a", "all", "All again"),
        Binding("b", "bundle", "Bundle for support"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, Probed] = {}
        self._head = Says(classes="doctor-head")
        self._table: Table[Probed] = Table(
            [
                Column("VERDICT", 10),
                Column("PROBE", 24, grow=1),
                Column("FOUND", 24, grow=2),
                Column("TIME", 7, right=True),
            ],
            _cells,
            lambda each: each.name,
        )
        self._detail = Says(classes="doctor-detail", fixed=False)

    @property
    def _app(self) -> Console:
        return cast("Console", self.app)

    def compose(self) -> ComposeResult:
        """Head, probes, what one found, foot."""
        yield self._head
        yield self._table
        with VerticalScroll(can_focus=False, classes="doctor-pane"):
            yield self._detail
        yield Foot()

    def on_mount(self) -> None:
        """Begin at once: it only reads."""
        self._table.say_empty("Looking …")
        self._table.show([])
        self._examine("")

    def _examine(self, start: str) -> None:
        names = list(self._found)
        kept = names[: names.index(start)] if start in names else []
        self._found = {name: self._found[name] for name in kept}
        self._app.work(lambda: self._run(start), "doctor", exclusive=True, node=self)

    async def _run(self, start: str) -> None:
        from xpm_tui.service.doctor import Doctor
        from xpm_tui.service.patient import of_practice

        async def look(practice: OpenPractice) -> int:
            doctor = Doctor(of_practice(practice))
            async for each in doctor.examine(start=start):
                self.app.call_later(self._came, each)
            return doctor.calls

        self._tell("Looking …")
        calls = await self._app.desk.run(look)
        self.app.call_later(self._ended, calls)

    def _came(self, each: Probed) -> None:
        self._found[each.name] = each
        self._table.show(list(self._found.values()))
        if self.focused is None:
            self._table.rows.focus()

    def _ended(self, calls: int) -> None:
        found = list(self._found.values())
        troubles = sum(each.verdict == "trouble" for each in found)
        notes = sum(each.verdict == "note" for each in found)
        said = "All is well" if not troubles else f"{troubles} in trouble"
        self._tell(f"{said}, {notes} worth a note; {calls} Practice Manager calls.")
        if troubles:
            first = next(each for each in found if each.verdict == "trouble")
            self._table.show(found, at=first.name)
        self._detail.say(lines(_detail(self._table.item)))

    def _tell(self, text: str) -> None:
        self._head.say(words([ours(" Doctor  ", "head"), span(text)]))

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._detail.say(lines(_detail(event.item)))

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_case()

    def action_case(self) -> None:
        """The whole case of the probe under the cursor."""
        each = self._table.item
        found = case(each.case) if each is not None and each.case else None
        if found is None:
            self._app.toast("This probe met no known trouble.")
        else:
            self.app.push_screen(Told(found.title, "\n".join(told(found)), wide=True))

    def action_again(self) -> None:
        """Begin anew with the probe under the cursor."""
        if self._table.item is not None:
            self._examine(self._table.item.name)

    def action_all(self) -> None:
        """Begin anew."""
        self._found = {}
        self._examine("")

    def action_bundle(self) -> None:
        """Gather, show what is in it, write."""
        self._app.work(lambda: self._bundle(), "bundle", exclusive=True, node=self)

    async def _bundle(self) -> None:
        from pathlib import Path

        from xpm_tui.service import bundle
        from xpm_tui.service.patient import of_practice

        results = list(self._found.values())

        async def gather(practice: OpenPractice) -> tuple[Part, ...]:
            return await bundle.gather(of_practice(practice), results)

        parts = await self._app.desk.run(gather)
        listed = "\n".join(f"{part.name:<14} {part.size:>9,} bytes  {part.about}" for part in parts)
        question = f"Names are masked; no token, code, secret or tax number is in it.\n\n{listed}"
        if not await self.app.push_screen_wait(
            Confirm(question, title="Bundle for support", yes="Write it", no="Leave it")
        ):
            return
        name = await self.app.push_screen_wait(
            Ask(
                "Where to? A file that is not there yet.",
                title="Bundle for support",
                value=str(Path.home() / "xpm-tui-support.zip"),
            )
        )
        if name:
            size = await self._app.desk.ask(lambda p: bundle.write(parts, Path(name), of_practice(p)))
            self._app.toast(f"Written to {name}: {size:,} bytes.")

    def action_leave(self) -> None:
        """Nothing was changed."""
        self.dismiss(None)

    def help_page(self) -> Page:
        """F1."""
        return Page(
            "Doctor",
            "Looks at the way to Xero, the login, the lists, the book and this machine, one after another. "
            "It only reads, and makes five small Practice Manager calls.",
            [
                ("enter", "the whole case of the probe under the cursor, with its clicks"),
                ("r", "look again, beginning with this probe"),
                ("a", "look at all again"),
                ("b", "write a bundle for support: shown first, names masked"),
                ("esc", "leave"),
            ],
        )


def _cells(each: Probed) -> list[Line]:
    word, look = _VERDICTS[each.verdict]
    quiet: Look = "muted" if each.verdict == "skipped" else ""
    return [
        [ours(word, look)],
        [span(each.title, quiet or "strong")],
        [span(each.sentence, quiet)],
        [ours(f"{each.seconds:.1f} s" if each.verdict != "skipped" else "", "muted")],
    ]


def _detail(each: Probed | None) -> list[Line]:
    if each is None:
        return [[ours("")]]
    found = case(each.case) if each.case else None
    told_: list[Line] = [[span(each.sentence, "strong")]]
    if each.hint:
        told_.append([ours("Do: ", "accent"), span(each.hint)])
    if found is not None and each.verdict in ("note", "trouble"):
        way_out = ours("  (enter: way out)", "muted")
        told_.append([ours(f"Case {found.id}: ", "accent"), span(found.title), way_out])
        told_ += [[ours(f"  {n}. "), span(step)] for n, step in enumerate(found.steps, 1)]
    told_ += [[span(fact, "muted")] for fact in each.evidence]
    return told_
