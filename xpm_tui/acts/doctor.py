"""The doctor, its bundle for support, and the known cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.acts.act import Act, Column, Place, Result, Table, Talk, home_act
from xpm_tui.acts.effects import Effect, Question, agree, per_call
from xpm_tui.acts.params import argument, option
from xpm_tui.acts.words import plain
from xpm_tui.model import labels
from xpm_tui.model.errors import NotFound, Trouble
from xpm_tui.model.formatting import count
from xpm_tui.model.text import visible

if TYPE_CHECKING:
    from xpm_tui.diagnose.bundle import Part
    from xpm_tui.diagnose.finding import Probed
    from xpm_tui.service.health.patient import Patient


class Examine(msgspec.Struct, frozen=True):
    """Parameters of ``doctor``."""

    bundle: Annotated[str, option("Write a support bundle to this file.", "FILE", completes="file")] = ""
    names: Annotated[bool, option("Leave names in the bundle; they are masked else.")] = False
    yes: Annotated[bool, option("Write the bundle without asking.")] = False
    start: Annotated[str, option("Begin with this probe.", "PROBE", flag="--from")] = ""


class ListCases(msgspec.Struct, frozen=True):
    """Parameters of ``cases list``."""

    words: Annotated[
        tuple[str, ...], argument("Only those with these words, from any page or line.", "[WORD]")
    ] = ()


class ShowCase(msgspec.Struct, frozen=True):
    """Parameters of ``cases show``."""

    case: Annotated[str, argument("Its id, such as T1 or day-limit.", "ID")]


class WhatIsSeen(msgspec.Struct, frozen=True):
    """Parameters of ``cases seen``."""

    answer: Annotated[str, argument("One of the answers that it lists, such as no-access.", "[ANSWER]")] = ""


class Found(Trouble):
    """The doctor found trouble; ends with what the first one ends with."""

    code = "trouble-found"


async def doctor(place: Place, params: Examine, talk: Talk) -> Result:
    """Run the probes, tell, and write the bundle where one was asked for."""
    from xpm_tui.diagnose.examine import exit_code
    from xpm_tui.service.health.doctor import Doctor
    from xpm_tui.service.health.patient import admitted

    results: list[Probed] = []
    with admitted(place.home, place.practice, person=place.person, overrides=place.settings) as patient:
        physician = Doctor(patient, offline=place.read_only)
        async for each in physician.examine(start=params.start):
            results.append(each)
            if talk.interactive:
                for line in _lines(each):
                    talk.emit({}, line)
        lines = [] if talk.interactive else [line for each in results for line in _lines(each)]
        data: dict[str, Any] = {"calls": physician.calls}
        if params.bundle:
            data["bundle"], told = await _bundle(patient, results, params, talk)
            lines += told
    code = exit_code(results)
    lines.append(_summary(results, physician.calls))
    return Result(
        data=data, items=[plain(each) for each in results], lines=lines, trouble=_trouble(results, code)
    )


def _lines(each: Probed) -> list[str]:
    """A probe's finding for a person."""
    from xpm_tui.diagnose.cases.book_of_cases import case
    from xpm_tui.diagnose.trouble_view import in_short

    lines = [f"{labels.VERDICTS[each.verdict].text:<9} {each.title}: {each.sentence} ({each.seconds:.1f} s)"]
    lines += [f"          {fact}" for fact in each.evidence]
    if each.verdict in ("note", "trouble"):
        lines += [f"          > {each.hint}"] if each.hint else []
        found = case(each.case) if each.case else None
        lines += [f"          > {line}" for line in in_short(found)] if found else []
    return lines


def _summary(results: list[Probed], calls: int) -> str:
    troubles = sum(each.verdict == "trouble" for each in results)
    notes = sum(each.verdict == "note" for each in results)
    said = f"{count(troubles, 'trouble')}, {count(notes, 'note')}" if troubles or notes else "All is well"
    return f"{said}; {count(len(results), 'probe')}, {count(calls, 'Practice Manager call')}."


def _trouble(results: list[Probed], code: int) -> Trouble | None:
    first = next((each for each in results if each.verdict == "trouble"), None)
    if first is None:
        return None
    found = Found(f"{first.title}: {first.sentence}", hint=first.hint, case=first.case)
    found.exit_code = code
    return found


async def _bundle(
    patient: Patient, results: list[Probed], params: Examine, talk: Talk
) -> tuple[dict[str, Any] | None, list[str]]:
    from xpm_tui.service.health import bundle

    parts = await bundle.gather(patient, results, names=params.names)
    lines = ["", *_listed(parts, params.names)]
    asked = talk.interactive and not params.yes
    question = Question(f"Write it to {params.bundle}?", lines, button="Write it", safe=True)
    if not await agree(talk, question):
        return None, ["No bundle was written."]
    lines = [] if asked else lines
    size = bundle.write(parts, Path(params.bundle), patient)
    listed = [{"name": part.name, "bytes": part.size, "about": part.about} for part in parts]
    told = {"file": params.bundle, "bytes": size, "masked": not params.names, "parts": listed}
    return told, [*lines, f"Written to {params.bundle}: {size:,} bytes."]


def _listed(parts: tuple[Part, ...], names: bool) -> list[str]:
    masked = "with names" if names else "names masked"
    return [f"The bundle ({masked}):"] + [f"  {p.name:<14} {p.size:>9,} bytes  {p.about}" for p in parts]


async def list_cases(place: Place, params: ListCases, talk: Talk) -> Result:
    """All known cases, or those that fit what a person sees."""
    from xpm_tui.diagnose.cases.book_of_cases import fitting

    found = fitting(" ".join(params.words))
    columns = (Column("CASE", whole=True), Column("TITLE"), Column("SIGN"))
    rows = [(str(each.id), each.title, each.sign) for each in found]
    empty = "No case has these words. All of them: xpm-tui cases list"
    return Result(items=[_case(each) for each in found], table=Table(columns, rows, empty))


async def show_case(place: Place, params: ShowCase, talk: Talk) -> Result:
    """One case with its way out."""
    from xpm_tui.diagnose.cases.book_of_cases import CASES
    from xpm_tui.diagnose.telling import told

    wanted = params.case.strip().casefold()
    found = next((each for each in CASES.values() if each.id.casefold() == wanted), None)
    if found is None:
        raise NotFound(f"There is no case {visible(params.case, 40)}.", hint="See: xpm-tui cases list")
    return Result(data=_case(found), lines=told(found))


async def seen(place: Place, params: WhatIsSeen, talk: Talk) -> Result:
    """What there is to see, to pick from, and the case of the answer."""
    from xpm_tui.acts.seeing import pick, shown
    from xpm_tui.diagnose.cases.book_of_cases import case
    from xpm_tui.diagnose.cases.seen import ALL
    from xpm_tui.service.health.patient import admitted
    from xpm_tui.service.seen import by_key, picked

    chosen = by_key(params.answer) if params.answer else None
    if chosen is None and talk.interactive:
        chosen = await pick(talk, ALL, "What do you see?")
        if chosen is None:
            return Result(lines=["Nothing of it. All known troubles: xpm-tui cases list"])
    if chosen is None:
        columns = (Column("ANSWER", whole=True), Column("CASE", whole=True), Column("WHAT THERE IS TO SEE"))
        rows = [(each.key, str(each.case or "-"), each.words) for each in ALL]
        items = [{"id": each.key, "name": each.words, "case": each.case} for each in ALL]
        return Result(items=items, table=Table(columns, rows))
    with admitted(place.home, place.practice, person=place.person, overrides=place.settings) as patient:
        if not place.read_only:
            picked(patient.events, chosen)
    found = case(chosen.case or "")
    data = {"answer": chosen.key, "advice": chosen.advice, "case": None if found is None else _case(found)}
    return Result(data=data, lines=shown(chosen))


def _case(each: Any) -> dict[str, Any]:
    return {"name": each.title, **plain(each)}


ACTS: tuple[Act[Any], ...] = (
    home_act(
        name="doctor",
        title="Look what is wrong",
        help="Look at the way to Xero, the login, the lists, the book and this machine, one after another, "
        "and say for each what was found and the way out. It only reads: one call for the connections and "
        "five small Practice Manager calls. Ends with 0 when all is well, else as the first trouble does.",
        params=Examine,
        on_home=doctor,
        effect=per_call(lambda params: Effect.WRITES_FILE if params.bundle else Effect.LOOKS, Effect.LOOKS),
        verb=("doctor",),
        example="xpm-tui doctor\nxpm-tui doctor --bundle support.zip",
    ),
    home_act(
        name="cases.list",
        title="List the known troubles",
        help="All known troubles with their signs, or those that have some words, such as a page of Xero's.",
        params=ListCases,
        on_home=list_cases,
        effect=Effect.LOOKS,
        verb=("cases", "list"),
        example='xpm-tui cases list\nxpm-tui cases list "invalid scope"',
        default=True,
    ),
    home_act(
        name="cases.seen",
        title="Say what you see",
        help="What only a person can see: a page in the browser that never comes back, other clients than "
        "expected. Pick it, and its way out is shown. The answer is kept in the log, for support.",
        params=WhatIsSeen,
        on_home=seen,
        effect=Effect.LOOKS,
        verb=("cases", "seen"),
        example="xpm-tui cases seen\nxpm-tui cases seen no-access",
    ),
    home_act(
        name="cases.show",
        title="Show a known trouble",
        help="One known trouble: sign, cause, the clicks that lead out of it, what to tell Xero's support.",
        params=ShowCase,
        on_home=show_case,
        effect=Effect.LOOKS,
        verb=("cases", "show"),
        example="xpm-tui cases show T1",
    ),
)
