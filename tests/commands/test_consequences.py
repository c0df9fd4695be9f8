"""Consequences in words; nothing else puts a number into a confirmation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import xpm_tui
from tests.support.source_code import parsed
from xpm_tui.commands import consequences
from xpm_tui.commands.consequences import action, lines, one_line, question
from xpm_tui.domain.pace import Pace
from xpm_tui.domain.plan import (
    Consequences,
    FrozenCounts,
    LastingEffects,
    LocalCounts,
    PreservedValues,
    ReplacedValues,
    Requests,
    XpmCounts,
)
from xpm_tui.sync.consequences import link_consequences, staff_pick_consequences, with_pace

ROOT = Path(xpm_tui.__file__).parent
WORDED = {
    name
    for name, each in vars(consequences).items()
    if getattr(each, "__module__", "") == consequences.__name__
} | {"described"}
"""The presenter's functions, by the names they are used by."""

ASKING = ("confirm", "ConfirmDialog", "Button")
"""What asks: on a terminal, in a dialog, and the button that agrees."""

COUNTS = {"count", "counted", "len", "sum", "nouned"}


def plan(**values: object) -> Consequences:
    return with_pace(Consequences(of="plan", **values))  # type: ignore[arg-type]


def test_a_plan_to_xpm_says_all_of_it() -> None:
    found = plan(
        xpm=XpmCounts(changes=107, clients=98, values=68, contacts=39),
        here=LocalCounts(changes=161, clients=161, links=161),
        replaced=ReplacedValues(values=9, overwrites=5, drift=2, conflicts=1, clearings=1),
        lasting=(LastingEffects(what="contact", number=39, records=tuple(f"c{n}/k1" for n in range(39))),),
        waiting=2,
        requests=Requests(client_updates=68, contact_additions=39, checks=1),
    )
    assert question(found) == "Apply 268 changes?"
    assert action(found) == "Apply 268 changes"
    assert lines(found) == [
        "To XPM: 107 changes (68 values, 39 new contacts), for 98 clients.",
        "Saved here only: 161 links, for 161 clients.",
        "Replaces 9 values: 5 overwrites, 2 edited in XPM, 1 edited in both systems, 1 cleared.",
        "Cannot be undone: 39 contacts added in XPM. Remove them in XPM if you do not want them.",
        "The rest can be undone as long as nobody changes the value again.",
        "2 changes are not ticked, and not applied.",
        "108 calls to Xero, at least 1 minute.",
    ]


def test_a_plan_without_a_rest_does_not_speak_of_one() -> None:
    found = plan(
        xpm=XpmCounts(changes=1, clients=1, contacts=1),
        lasting=(LastingEffects(what="contact", number=1, records=("c1/k1",)),),
    )
    assert any("Cannot be undone" in each for each in lines(found))
    assert not any("can be undone" in each for each in lines(found))


def test_what_a_run_keeps_names_few_records_and_counts_all() -> None:
    ids = tuple(f"c{n}/k1" for n in range(39))
    kept = plan(lasting=(LastingEffects(what="contact", number=39, records=ids),)).shortened()
    assert (kept.not_undoable, len(kept.lasting[0].records)) == (39, 20)


def test_what_can_be_undone_whole_says_so_and_one_is_one() -> None:
    found = plan(xpm=XpmCounts(changes=1, clients=1, values=1), requests=Requests(client_updates=1, checks=1))
    assert [question(found), "", *lines(found), "■ stop"] == [
        "Apply 1 change?",
        "",
        "To XPM: 1 value, for 1 client.",
        "A change can be undone as long as nobody changes the value again.",
        "2 calls to Xero, less than a minute.",
        "■ stop",
    ]
    assert one_line(found) == "1 change to XPM · 2 calls to Xero, less than a minute"


def test_an_undo_says_what_it_freezes_and_what_stays() -> None:
    found = Consequences(
        of="undo", about="r3", here=LocalCounts(changes=3, clients=2, values=3), freezes=3,
        frozen=(FrozenCounts(field="phone", number=2, records=("c1", "c2")),
                FrozenCounts(field="contact_email", number=1, records=("c1/k1",))),
        kept=(PreservedValues(why="It was changed again.", number=1, records=("c1:phone",)),),
        names={"c1": "Acme", "c2": "Birch", "c1/k1": "Ann (Acme)"},
    )  # fmt: skip
    assert question(found) == "Undo 3 changes of run r3?"
    assert (
        "3 fields are frozen afterwards (Phone of Acme, Birch; Contact e-mail of Ann (Acme)): sync does not "
        "change a frozen field until you unfreeze it."
    ) in lines(found)
    assert "Stays as it is: 1 value (Phone of Acme). It was changed again." in lines(found)


@pytest.mark.parametrize(
    ("made", "finished", "reported"),
    [
        (1, 0, "Create 1 job"),
        (2, 1, "Create 2 jobs and finish 1 job"),
        (0, 3, "Finish 3 jobs"),
    ],
)
def test_jobs_are_created_or_finished(made: int, finished: int, reported: str) -> None:
    found = Consequences(
        of="jobs", xpm=XpmCounts(changes=made + finished, jobs_created=made, jobs_finished=finished)
    )
    assert (action(found), question(found)) == (reported, f"{reported} in XPM?")


def test_bulk_links_and_picks_name_what_they_are_about() -> None:
    assert question(link_consequences(["c1"])) == "Link 1 client?"
    assert question(link_consequences(people=2), "whose e-mail is the same") == (
        "Link 2 people whose e-mail is the same?"
    )
    assert question(link_consequences(services=3)) == "Link 3 services?"
    assert action(staff_pick_consequences(1)) == "Bring in 1 person"


def test_a_day_that_is_too_short_says_how_many_calls_are_left_over() -> None:
    found = with_pace(
        Consequences(of="plan", xpm=XpmCounts(changes=9, values=9), requests=Requests(client_updates=9)),
        Pace(day_left=4),
    )
    assert "Today's call allowance does not cover 5 of these calls." in lines(found)


# -- nobody else puts a number into a confirmation ----------------------------------------------------------


def questions(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Every confirmation with the function that it stands in."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _named(call.func) in ASKING:
                    yield function, call


def _named(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def counted(node: ast.AST, assigned: dict[str, list[ast.AST]], seen: frozenset[str] = frozenset()) -> bool:
    """Whether a number gets into this text otherwise than by the presenter."""
    if isinstance(node, ast.Call):
        if _named(node.func) in WORDED:
            return False
        if _named(node.func) in COUNTS:
            return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return True
    if isinstance(node, ast.Subscript):
        return counted(node.value, assigned, seen)
    if isinstance(node, ast.Name):
        if node.id in seen:
            return False
        return any(counted(each, assigned, seen | {node.id}) for each in assigned.get(node.id, ()))
    return any(counted(each, assigned, seen) for each in ast.iter_child_nodes(node))


def bypasses(source: str) -> list[int]:
    """The lines of confirmations whose text holds a number that the presenter did not put there."""
    if not any(f"{name}(" in source for name in ASKING):
        return []
    tree = parsed(source)
    found = []
    for function, call in questions(tree):
        assigned: dict[str, list[ast.AST]] = {}
        for node in ast.walk(function):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AugAssign | ast.AnnAssign) and node.value is not None:
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)  # type: ignore[attr-defined]
        texts = [*call.args, *(each.value for each in call.keywords if each.arg in ("yes", "no", "title"))]
        if any(counted(text, assigned) for text in texts):
            found.append(call.lineno)
    return found


def test_no_confirmation_holds_a_number_from_elsewhere() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in ROOT.rglob("*.py")
        for line in bypasses(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    "text",
    [
        "await talk.confirm(f\"Make {count(n, 'job')} in XPM?\")",
        "await talk.confirm(f'Link {len(found)} clients?')",
        "q = f'{number:,} changes?'\n    ConfirmDialog(q, title='x')",
        "q = 'Apply'\n    q += f'{when.counted(n, \"change\")}'\n    ConfirmDialog(q)",
        "ConfirmDialog(question(found), yes=f'Apply {len(found)}')",
    ],
)
def test_a_bypass_is_found(text: str) -> None:
    assert bypasses(f"async def ask(talk, found):\n    {text}\n")


def test_what_the_presenter_says_is_let_through() -> None:
    text = (
        "box = one_line(found)\n    ConfirmDialog(box)\n"
        "    ConfirmDialog(question(link_consequences(people=len(found))))"
    )
    assert bypasses(f"async def ask(talk, found):\n    {text}\n") == []
