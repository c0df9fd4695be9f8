"""Doing acts in the console: what they depend on, their form, what came of them, and the list of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from xpm_tui.tui.areas import AREAS
from xpm_tui.tui.host import Host

if TYPE_CHECKING:
    import msgspec

    from xpm_tui.acts.act import Act, Result, Situation
    from xpm_tui.tui.fields import Sheet
    from xpm_tui.tui.screens.area import AreaScreen

TOAST_LINES = 4
TOAST_LETTERS = 300
"""More than this is not told in passing."""

SWITCH = -1
"""What the app gives back when another practice was chosen: to be started again over that one."""


class Acting(Host):
    """What the console does with acts. Mixed into the app; loads acts and forms when they are asked for."""

    def situation(self, area: str, **about: Any) -> Situation:
        """What the acts depend on, from the last heartbeat: cheap at any key press."""
        from xpm_tui.acts.act import Situation

        return Situation(
            area=area,
            practice=self.desk.practice,
            connected=self.pulse.connected,
            read_only=self.desk.practice.read_only,
            running=self.pulse.running,
            **about,
        )

    def way(self, act: str) -> Callable[[], object] | None:
        """What opens the act's own screen; None where its form does."""
        from xpm_tui.tui.ways import way

        return way(self, act)

    def perform(
        self,
        act: Act[Any],
        preset: Mapping[str, Any],
        *,
        title: str = "",
        start: Mapping[str, Any] | None = None,
        ask: bool = True,
        after: Callable[[], None] | None = None,
        sheet: Sheet | None = None,
    ) -> None:
        """Do an act: ask for what ``preset`` does not settle, run it on the desk, say what came of it.

        ``start`` fills the form in without settling; ``ask`` of False shows no form; with a ``sheet`` the
        record's own fields are edited instead, and what was changed are the act's values. What is refused
        comes back as it was typed. ``after`` is called when it is done, before what came of it is told.
        """
        self.work(
            lambda: self._perform(act, dict(preset), title, start, ask, sheet, after), f"act:{act.name}"
        )

    async def _perform(
        self, act: Act[Any], preset: dict[str, Any], title: str, start: Mapping[str, Any] | None,
        ask: bool, sheet: Sheet | None, after: Callable[[], None] | None,
    ) -> None:  # fmt: skip
        done = await self._filled_and_done(act, preset, title, start, ask, sheet)
        if done is None:
            return
        result, said = done
        await self.refresh_pulse()
        if act.name.startswith("settings."):
            await self.desk.reopen()
        if act.name in ("practices.switch", "practices.add") and result.trouble is None:
            self.exit(SWITCH)
            return
        if after is not None:
            after()
        self.tell_result(act, result, said)

    async def run_act(
        self, act: Act[Any], params: msgspec.Struct, *, title: str = ""
    ) -> tuple[Result, list[str]]:
        """Run one call of an act on the desk: the only way there. Gives its result and what it said."""
        from xpm_tui.acts.effects import admit
        from xpm_tui.tui.dialogs.talk import ScreenTalk

        call = admit(act, params, read_only=self.desk.practice.read_only)
        talk = ScreenTalk(self, title or act.title, call)
        result = await self.desk.run(act.run, params, talk)
        return result, talk.said

    async def _filled_and_done(
        self, act: Act[Any], preset: Mapping[str, Any], title: str, start: Mapping[str, Any] | None,
        ask: bool, sheet: Sheet | None,
    ) -> tuple[Result, list[str]] | None:  # fmt: skip
        from xpm_tui.tui.dialogs.edit import Edit, params_of
        from xpm_tui.tui.dialogs.filling import until_taken
        from xpm_tui.tui.dialogs.form import Form, asked, build

        async def do(params: msgspec.Struct) -> tuple[Result, list[str]]:
            return await self.run_act(act, params, title=title)

        async def do_sheet(changed: tuple[str, ...]) -> tuple[Result, list[str]]:
            return await do(params_of(act, preset, changed))

        if sheet is not None:
            return await until_taken(self, lambda turned: Edit(sheet, turned), do_sheet)
        if ask and asked(act, preset):
            return await until_taken(self, lambda turned: Form(act, preset, start, turned), do)
        return await do(build(act, preset))

    def copy_act(self, name: str, preset: Mapping[str, Any]) -> None:
        """Run an act that gives a text, and copy that text."""

        async def copy() -> None:
            self.copy_to_clipboard(await self._text_of(name, preset))

        self.work(copy, f"act:{name}", exclusive=True)

    def read_act(self, name: str, preset: Mapping[str, Any], title: str) -> None:
        """Run an act that gives a text, and show that text to select or to copy."""

        async def read() -> None:
            from xpm_tui.tui.dialogs.dialog import Told

            self.push_screen(Told(title, await self._text_of(name, preset), wide=True))

        self.work(read, f"act:{name}", exclusive=True)

    async def _text_of(self, name: str, preset: Mapping[str, Any]) -> str:
        from xpm_tui.acts.registry import by_name
        from xpm_tui.tui.dialogs.form import build

        act = by_name(name)
        result, _ = await self.run_act(act, build(act, preset))
        return "\n".join(result.lines)

    def tell_result(self, act: Act[Any], result: Result, said: list[str]) -> None:
        """A short outcome as a toast, a long one to read."""
        from xpm_tui.acts.tables import tabled
        from xpm_tui.tui.dialogs.dialog import Told
        from xpm_tui.tui.dialogs.trouble import tell

        told = [*said, *tabled(result, min(self.size.width, 100) - 8), *(str(line) for line in result.lines)]
        if result.trouble is not None:
            tell(self, result.trouble, title=act.title, text="\n".join(told), act=act.name)
        elif len(told) > TOAST_LINES or sum(map(len, told)) > TOAST_LETTERS:
            self.push_screen(Told(act.title, "\n".join(told), wide=True))
        elif told:
            self.toast("\n".join(told))

    def show_palette(self, screen: AreaScreen) -> None:
        """All acts of this area and of everywhere, and the areas themselves."""
        from xpm_tui.tui import keys
        from xpm_tui.tui.dialogs.palette import Entry, Palette

        found = keys.entries(screen.AREA, screen.situation())
        found += [Entry(f"go:{area.name}", f"Go to {area.title}", "", f"g {area.letter}") for area in AREAS]
        found += [
            Entry("redraw", "Draw the screen again", "Whatever another program has written there.", "ctrl+l"),
            Entry("leave", "Leave the console", "A run that is going on goes on by itself.", "ctrl+q"),
        ]
        own = {"redraw": self.action_redraw, "leave": self.leave}

        def chosen(name: str | None) -> None:
            if name is None:
                return
            if name in own:
                own[name]()
            elif name.startswith("go:"):
                self.go(name[3:])
            else:
                screen.action_act(name)

        self.push_screen(Palette(found), chosen)
