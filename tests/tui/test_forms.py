"""Forms and searches: the keys do what the words under the fields say."""

from __future__ import annotations

from collections.abc import Callable

from textual.widgets import Checkbox, Select

from tests.tui.world import World, press, settle, text_of
from xpm_tui.acts.registry import by_name
from xpm_tui.tui.app import Console

Make = Callable[..., Console]


async def test_enter_goes_on_over_every_field_of_a_form(world: World, console: Make) -> None:
    """What the form says under its fields: a list opens with space, a box is ticked with space."""
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.perform(by_name("proposals.take"), {"proposals": ("o1",)})
        await settle(pilot)
        seen = [app.focused]
        for _ in range(5):
            await press(pilot, "enter")
            seen.append(app.focused)
        assert [widget.id for widget in seen if widget] == [
            "p-all", "p-repeat", "p-until", "p-last_day", "p-start", "p-per",
        ]  # fmt: skip
        assert not any(box.value for box in app.screen.query(Checkbox)), "passed over, not ticked"
        assert not any(select.expanded for select in app.screen.query(Select))
        await press(pilot, "space")
        assert app.screen.query_one("#p-per", Select).expanded


async def test_a_setting_is_found_by_its_name_before_others_that_speak_of_it(
    world: World, console: Make
) -> None:
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "e", "slash", "=ignition", "enter", "enter")
        assert "╭─ jobs.ignition_deploys" in text_of(app)
