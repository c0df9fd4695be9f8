"""The stylesheets: each of them styles only its own screens, except for that of the app."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import pytest
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen

from tests.tui.fixtures import ConsoleFixture, press, settle
from xpm_tui import tui
from xpm_tui.lazy import load
from xpm_tui.tui import theme
from xpm_tui.tui.app_protocol import PracticeStatus
from xpm_tui.tui.theme import DARK, CachedStylesheet, stylesheet_folder
from xpm_tui.tui.widgets.cells import fixed
from xpm_tui.tui.widgets.frame import heading, status_line

SHARED = ("console", "controls")
SHEETS = sorted(path for path in stylesheet_folder().glob("*.tcss") if path.stem not in SHARED)


def screens_of(sheet: Path) -> set[str]:
    """Return the names of the screens that load this stylesheet."""
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        load(importlib.import_module(module.name))
    found: set[str] = set()
    todo: list[type] = [Screen]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        brought = getattr(kind, "CSS_PATH", None)
        if sheet in (brought if isinstance(brought, list) else [brought]):
            found.add(kind.__name__)
    return found


def first_names(sheet: Path) -> set[str]:
    """Return the types and classes with which the selectors of a stylesheet begin."""
    read = Stylesheet(variables={**DARK.to_color_system().generate(), **DARK.variables})
    read.read(sheet)
    return {selectors.selectors[0].name for rule in read.rules for selectors in rule.selector_set}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_a_sheet_speaks_of_the_screens_that_bring_it_alone(sheet: Path) -> None:
    of = first_names(sheet)
    assert of
    assert of <= screens_of(sheet)


async def test_overview_has_no_widget_whose_style_is_loaded_later(env: ConsoleFixture) -> None:
    later = first_names(stylesheet_folder() / "controls.tcss")
    app = env.console()
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        assert not app.stylesheet.has_source(str(stylesheet_folder() / "controls.tcss"))
        for widget in app.screen.walk_children():
            assert not later & {*widget._css_type_names, *widget.classes}
        await press(pilot, "g", "c")
        assert app.stylesheet.has_source(str(stylesheet_folder() / "controls.tcss"))


async def test_opening_a_screen_styles_nothing_that_was_there(env: ConsoleFixture) -> None:
    app = env.console()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        overview = app.screen
        styled: list[object] = []
        stock = CachedStylesheet.apply

        def apply(self: CachedStylesheet, node: object, **more: object) -> None:
            styled.append(node)
            stock(self, node, **more)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(CachedStylesheet, "apply", apply)
            app.go("clients")
            await settle(pilot)
        assert app.screen is not overview
        assert [node for node in styled if node in list(overview.walk_children())] == []
        times = Counter(node for node in styled if node in list(app.screen.walk_children()))
        again = {type(node).__name__ for node, count in times.items() if count > 1}
        assert again <= {
            "TextField",
            "KeyFooter",
            "FooterKey",
            "TableRows",
            "Table",
            "TextLabel",
            "Horizontal",
            "ComparisonPane",
            "ClientActivity",
        }  # they are dimmed or filled, or inside panels whose frames show the focus


async def test_a_form_has_two_widgets_a_field_and_styles_each_once(env: ConsoleFixture) -> None:
    app = env.console()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "c")
        styled: Counter[object] = Counter()
        stock = Stylesheet.apply

        def apply(self: Stylesheet, node: object, **more: object) -> None:
            styled[node] += 1
            stock(self, node, **more)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Stylesheet, "apply", apply)
            await press(pilot, "e")
        fields = list(app.screen.query("DialogBody TextField, DialogBody ChoiceField"))
        assert len(fields) > 20
        inside = list(app.screen.walk_children())
        assert len(inside) <= 2 * len(fields) + 12
        assert sum(styled[widget] for widget in inside) <= len(inside) + 12, "and where the focus went"


@pytest.mark.parametrize("columns", [50, 64, 80, 160])
def test_the_title_of_a_screen_keeps_its_marks(columns: int) -> None:
    status = PracticeStatus(title="Hill & Partners", sandbox=True, read_only=True, colour="pink")
    shown = heading(status, "Review plan", [fixed("p1  Everything, a first sync")], columns)
    assert shown.cell_length == columns
    assert " SANDBOX " in shown.plain
    assert "READ-ONLY" in shown.plain
    named = [span for span in shown.spans if "practice-pink" in str(span.style)]
    assert named, "and the name in its own colour"
    assert "Hill" in shown.plain


def test_the_subject_of_a_title_gives_way_to_the_name_of_the_practice() -> None:
    status = PracticeStatus(title="Harbour & Hill Accountants", sandbox=True)
    subject = [fixed("p1234"), fixed("  XPM ▸ Ignition"), fixed("  Everything"), fixed("  first sync")]
    shown = heading(status, "Review plan", subject, 80).plain
    assert "Everything" in shown
    assert "first sync" not in shown
    assert "Harbour & H" in shown
    assert "first sync" in heading(status, "Review plan", subject, 120).plain


def test_the_name_of_a_client_in_a_title_is_cut_before_its_id_is_left_out() -> None:
    status = PracticeStatus(title="Harbour & Hill Accountants", sandbox=True, read_only=True)
    subject = [fixed("1 of 20  "), fixed("Kowhai Plumbing Pty Ltd", "strong"), fixed("  CLI-1001")]
    shown = heading(status, "Review clients", subject, 80).plain
    assert "Ko…Ltd  CLI-1001" in shown
    assert "Harbour &" in shown
    shown = heading(status, "Review clients", subject, 76).plain
    assert "Kowha…Pty Ltd" in shown, "without the id, there is more room"
    assert "CLI-1001" not in shown


@pytest.mark.parametrize("columns", [60, 64, 80, 120, 160])
def test_the_first_line_names_the_practice_beside_all_of_its_marks(columns: int) -> None:
    status = PracticeStatus(
        title="Harbour & Hill Accountants", sandbox=True, read_only=True, known=True, connected=True,
        hours=0.2, minute_left=59, day_left=4_900, direction="from_xpm",
    )  # fmt: skip
    shown = status_line(status, columns)
    assert shown.cell_length < columns, "a blank is left at the end"
    for words in (" SANDBOX ", "Harbour &", "READ-ONLY"):
        assert words in shown.plain
    assert ("4,900 left today" in shown.plain) == (columns == 160)


@pytest.mark.parametrize("colour", ["blue", "pink", "lime", "orange"])
def test_the_colours_of_practices_can_be_read(colour: str) -> None:
    for each in (theme.DARK, theme.LIGHT):
        ink = Color.parse(each.variables[f"practice-{colour}"])
        for paper in (each.background, each.surface):
            assert paper is not None
            light, dark = sorted((_luminance(ink), _luminance(Color.parse(paper))), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (each.name, colour)


def _luminance(of: Color) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in of.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
