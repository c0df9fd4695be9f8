"""The doctor with its support bundle, the known problems, and the requirements of a connection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from xpm_tui.commands.command import (
    AccountContext,
    Command,
    Dialogue,
    Limit,
    Result,
    TextColumn,
    TextTable,
    argument,
    home_command,
    option,
)
from xpm_tui.commands.effects import Effect, PerCall, Question, confirm_call
from xpm_tui.commands.tables import to_plain
from xpm_tui.diagnostics.connection_requirements import BY_NAME, READ
from xpm_tui.domain import labels
from xpm_tui.domain.errors import AppError, LoginNeeded, NotFound
from xpm_tui.domain.formatting import count, month_name
from xpm_tui.domain.safe_text import visible
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.health import bundle as health_bundle
    from xpm_tui.application.health import doctor as health_doctor
    from xpm_tui.application.health import probe_facts
    from xpm_tui.application.status import requirement_check
    from xpm_tui.diagnostics import error_presenter, findings, known_problems

if TYPE_CHECKING:
    from xpm_tui.application.health.bundle import BundlePart
    from xpm_tui.application.health.probe_facts import DoctorTarget
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.diagnostics.findings import ProbeResult
    from xpm_tui.diagnostics.known_problems import Symptom
    from xpm_tui.domain.errors import KnownProblem


async def pick(dialogue: Dialogue, offered: Sequence[Symptom], question: str) -> Symptom | None:
    """Let the user choose a symptom by number or key; return None for an empty line, or if no one answers."""
    for number, each in enumerate(offered, 1):
        dialogue.say(f"  {number:>2}  {each.words}")
    while True:
        typed = (await dialogue.line(f"{question} A number, or enter for none of these:") or "").strip()
        if not typed:
            return None
        for number, each in enumerate(offered, 1):
            if typed.casefold() in (str(number), each.key):
                return each
        dialogue.say(f"Please type a number from 1 to {len(offered)}.")


def answer_lines(seen: Symptom) -> list[str]:
    """Return what to do about a chosen symptom, line by line."""
    found = known_problems.find_problem(seen.case or "")
    return error_presenter.problem_lines(found) if found is not None else [seen.advice]


class Examine(msgspec.Struct, frozen=True):
    """Parameters of ``doctor``."""

    bundle: Annotated[str, option("Write a support bundle to this file.", "FILE", completes="file")] = ""
    names: Annotated[bool, option("Keep names in the bundle; otherwise they are masked.")] = False
    yes: Annotated[bool, option("Write the bundle without asking.")] = False
    start: Annotated[str, option("Start with this probe.", "PROBE", flag="--from")] = ""


class ListKnownProblems(msgspec.Struct, frozen=True):
    """Parameters of ``cases list``."""

    words: Annotated[
        tuple[str, ...],
        argument("Only known problems with these words, such as words from an error page.", "[WORD]"),
    ] = ()
    limit: Limit = 0


class ShowKnownProblem(msgspec.Struct, frozen=True):
    """Parameters of ``cases show``."""

    case: Annotated[str, argument("Its id, such as T1 or day-limit.", "ID")]


class ChooseSymptom(msgspec.Struct, frozen=True):
    """Parameters of ``cases seen``."""

    answer: Annotated[
        str, argument("One of the answers that the command lists, such as no-access.", "[ANSWER]")
    ] = ""


class ProbeFailed(AppError):
    """The doctor found a problem; the exit code is that of the first one."""

    code = "trouble-found"


async def doctor(account: AccountContext, params: Examine, dialogue: Dialogue) -> Result:
    """Run the probes, report the findings, and write the bundle if one was requested."""
    results: list[ProbeResult] = []
    with probe_facts.open_target(
        account.home, account.practice, person=account.person, overrides=account.settings
    ) as subject:
        examination = health_doctor.Doctor(subject, offline=account.read_only)
        async for each in examination.examine(start=params.start):
            results.append(each)
            if dialogue.interactive:
                for line in _lines(each):
                    dialogue.emit({}, line)
        lines = [] if dialogue.interactive else [line for each in results for line in _lines(each)]
        data: dict[str, Any] = {"calls": examination.calls, **to_plain(health_bundle.circumstances(subject))}
        if params.bundle:
            data["bundle"], bundle_lines = await _bundle(subject, results, params, dialogue)
            lines += bundle_lines
    code = findings.exit_code(results)
    lines.append(_summary(results, examination.calls))
    return Result(
        data=data, items=[to_plain(each) for each in results], lines=lines, error=_error(results, code)
    )


def _lines(each: ProbeResult) -> list[str]:
    """Return a probe's finding for the user."""
    lines = [f"{labels.VERDICTS[each.verdict].text:<9} {each.title}: {each.sentence} ({each.seconds:.1f} s)"]
    lines += [f"          {fact}" for fact in each.evidence]
    if each.verdict in ("note", "trouble"):
        lines += [f"          > {each.hint}"] if each.hint else []
        found = known_problems.find_problem(each.case) if each.case else None
        lines += [f"          > {line}" for line in error_presenter.problem_summary(found)] if found else []
    return lines


def _summary(results: list[ProbeResult], calls: int) -> str:
    problems = sum(each.verdict == "trouble" for each in results)
    notes = sum(each.verdict == "note" for each in results)
    text = f"{count(problems, 'problem')}, {count(notes, 'note')}" if problems or notes else "All is well"
    return f"{text}; {count(len(results), 'probe')}, {count(calls, 'Practice Manager call')}."


def _error(results: list[ProbeResult], code: int) -> AppError | None:
    first = next((each for each in results if each.verdict == "trouble"), None)
    if first is None:
        return None
    found = ProbeFailed(f"{first.title}: {first.sentence}", hint=first.hint, case=first.case)
    found.exit_code = code
    return found


async def _bundle(
    subject: DoctorTarget, results: list[ProbeResult], params: Examine, dialogue: Dialogue
) -> tuple[dict[str, Any] | None, list[str]]:
    parts = await health_bundle.gather(subject, results, names=params.names)
    lines = ["", *_listed(parts, params.names)]
    asked = dialogue.interactive and not params.yes
    question = Question(f"Write the bundle to {params.bundle}?", lines, button="Write the bundle", safe=True)
    if not await confirm_call(dialogue, question):
        return None, ["No bundle was written."]
    lines = [] if asked else lines
    size = health_bundle.write(parts, Path(params.bundle), subject)
    listed = [{"name": part.name, "bytes": part.size, "about": part.about} for part in parts]
    data = {"file": params.bundle, "bytes": size, "masked": not params.names, "parts": listed}
    return data, [*lines, f"Written to {params.bundle}: {size:,} bytes."]


def _listed(parts: tuple[BundlePart, ...], names: bool) -> list[str]:
    masked = "with names" if names else "names masked"
    return [f"The bundle ({masked}):"] + [f"  {p.name:<14} {p.size:>9,} bytes  {p.about}" for p in parts]


async def list_problems(account: AccountContext, params: ListKnownProblems, dialogue: Dialogue) -> Result:
    """List all known problems, or those that match what a user sees."""
    found = known_problems.search_problems(" ".join(params.words))
    columns = (TextColumn("ID", whole=True), TextColumn("TITLE"), TextColumn("SYMPTOM"))
    rows = [(str(each.id), each.title, each.sign) for each in found]
    empty = "No known problem contains these words. List all of them: xpm-tui cases list"
    table = TextTable(columns, rows, empty)
    return Result(items=[_case(each) for each in found], table=table, most=params.limit)


async def show_case(account: AccountContext, params: ShowKnownProblem, dialogue: Dialogue) -> Result:
    """Show one known problem with what to do."""
    wanted = params.case.strip().casefold()
    found = next(
        (each for each in known_problems.KNOWN_PROBLEMS.values() if each.id.casefold() == wanted), None
    )
    if found is None:
        raise NotFound(
            f"There is no known problem called {visible(params.case, 40)}.", hint="See: xpm-tui cases list"
        )
    return Result(data=_case(found), lines=error_presenter.problem_lines(found))


async def symptom_answers(account: AccountContext, params: ChooseSymptom, dialogue: Dialogue) -> Result:
    """List the symptoms to choose from, or show the known problem of the chosen one."""
    chosen = known_problems.find_symptom(params.answer) if params.answer else None
    if chosen is None and dialogue.interactive:
        chosen = await pick(dialogue, known_problems.SYMPTOMS, "What do you see?")
        if chosen is None:
            return Result(lines=["None of these. All known problems: xpm-tui cases list"])
    if chosen is None:
        columns = (
            TextColumn("ANSWER", whole=True),
            TextColumn("PROBLEM", whole=True),
            TextColumn("WHAT YOU SEE"),
        )
        rows = [(each.key, str(each.case or "-"), each.words) for each in known_problems.SYMPTOMS]
        items = [{"id": each.key, "name": each.words, "case": each.case} for each in known_problems.SYMPTOMS]
        return Result(items=items, table=TextTable(columns, rows))
    with probe_facts.open_target(
        account.home, account.practice, person=account.person, overrides=account.settings
    ) as subject:
        if not account.read_only:
            error_presenter.record_symptom(subject.events, chosen)
    found = known_problems.find_problem(chosen.case or "")
    data = {"answer": chosen.key, "advice": chosen.advice, "case": None if found is None else _case(found)}
    return Result(data=data, lines=answer_lines(chosen))


def _case(each: KnownProblem) -> dict[str, Any]:
    return {"name": each.title, **each._asdict()}


def requirements_result(practice: OpenPractice) -> Result:
    """Return each requirement of a connection with its mark, its evidence and its source."""
    found = requirement_check.check_requirements(practice)
    items: list[dict[str, Any]] = []
    lines: list[str] = []
    for each in found:
        of, label = each.requirement, each.label
        shown = {"mark": each.mark, "met": each.met, "message": each.sentence, "read": READ}
        items.append({**to_plain(of), **shown})
        since = f", in force since {of.since}" if of.since else ""
        lines += [
            f"{of.title}: {label.text}. {each.sentence}",
            f"  {of.text}",
            f"  Source: {of.source}{since}; read in {month_name(READ)}.",
        ]
    error = None
    missing = [BY_NAME[name].title for name in requirement_check.unmet(found)]
    if missing:
        error = LoginNeeded(
            f"Not met: {', '.join(missing)}.", hint="When this is done, connect: xpm-tui connect"
        )
        error.logged = True  # no call was made
    return Result(items=items, lines=lines, error=error)


COMMANDS: tuple[Command[Any], ...] = (
    home_command(
        name="doctor",
        title="Diagnose problems",
        help="Check the connection to Xero, the login, the lists, the data and this machine, and report "
        "for each what was found and what to do. It only reads: one call for the connections and "
        "five small Practice Manager calls. Exits with 0 when all is well, otherwise with the code "
        "of the first problem.",
        params=Examine,
        on_home=doctor,
        effect=PerCall(lambda params: Effect.WRITES_FILE if params.bundle else Effect.LOOKS, Effect.LOOKS),
        example="xpm-tui doctor\nxpm-tui doctor --bundle support.zip",
    ),
    home_command(
        name="cases.list",
        title="List known problems",
        help="List all known problems with their symptoms, or those that contain certain words, such as "
        "words from one of Xero's pages.",
        params=ListKnownProblems,
        on_home=list_problems,
        effect=Effect.LOOKS,
        example='xpm-tui cases list\nxpm-tui cases list "invalid scope"',
        default=True,
    ),
    home_command(
        name="cases.seen",
        title="Report what you see",
        help="For problems that only you can see, such as an error page in the browser or unexpected "
        "clients. Choose what you see, and the command shows what to do. Your answer is kept in "
        "the log, for support.",
        params=ChooseSymptom,
        on_home=symptom_answers,
        effect=Effect.LOOKS,
        example="xpm-tui cases seen\nxpm-tui cases seen no-access",
    ),
    home_command(
        name="cases.show",
        title="Show a known problem",
        help="Show one known problem: its symptom, its cause, what to do step by step, and what to "
        "report to Xero's support.",
        params=ShowKnownProblem,
        on_home=show_case,
        effect=Effect.LOOKS,
        example="xpm-tui cases show T1",
    ),
)
