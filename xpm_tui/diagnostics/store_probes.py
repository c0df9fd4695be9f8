"""Probes of the store: its data, commit log and locks, the last runs, and the current plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from xpm_tui.diagnostics.findings import (
    AsyncCall,
    Finding,
    FolderFacts,
    StoreFacts,
    bad,
    from_error,
    note,
    ok,
    run_problem,
)
from xpm_tui.domain import labels
from xpm_tui.domain.errors import CaseId
from xpm_tui.domain.formatting import count, when_utc
from xpm_tui.domain.runs import Intent, Run

LONG_LOCK = timedelta(hours=6)
"""The time after which a lock counts as a problem."""


@dataclass(frozen=True)
class StoreProbe:
    """Checks whether the store is intact, found out by reading every row."""

    read: AsyncCall[StoreFacts]
    name: ClassVar[str] = "store"
    title: ClassVar[str] = "The data"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Read the whole store."""
        facts = await self.read()
        kept = sum(facts.rows.values())
        evidence = [f"rows: {kept:,}", f"bytes: {facts.bytes:,}", *facts.errors, *facts.warnings]
        if facts.errors:
            return bad(
                "The data is damaged.",
                *evidence,
                hint="Nothing was overwritten. See what is wrong: xpm-tui data check",
                case=CaseId.STORE,
                exit_code=8,
            )
        if facts.warnings:
            return note("The data is intact, with a warning.", *evidence, case=CaseId.STORE)
        return ok("The data is intact.", *evidence)


@dataclass(frozen=True)
class ConditionProbe:
    """Checks whether the practice's data can be relied on.

    ``read`` returns the name and the sentence of each condition, the worst first.
    """

    read: Callable[[], tuple[tuple[str, str], ...]]
    name: ClassVar[str] = "condition"
    title: ClassVar[str] = "Condition"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Report the worst condition; each cause has a probe of its own."""
        found = self.read()
        evidence = [f"{state}: {message}" for state, message in found if message]
        worst, message = found[0]
        if worst == "sound":
            return ok("The practice is sound.")
        if worst == "damaged":
            return bad(message, *evidence, case=CaseId.STORE, exit_code=8)
        return note(message, *evidence)


@dataclass(frozen=True)
class CommitLogProbe:
    """Checks whether all commits are stored, and every write to XPM has an outcome."""

    read: AsyncCall[StoreFacts]
    intents: Callable[[], tuple[Intent, ...]]
    running: Callable[[], str]
    name: ClassVar[str] = "commits"
    title: ClassVar[str] = "The journal of writes"
    needs: ClassVar[tuple[str, ...]] = ("store",)

    async def check(self) -> Finding:
        """Count the writes without an outcome, except those of a run in progress."""
        facts = await self.read()
        evidence = [f"commits: {facts.position:,}", f"generation: {facts.generation}", *facts.notes]
        running = self.running()
        open_ = [each for each in self.intents() if each.run != running]
        sent = [each for each in open_ if each.state == "sent"]
        held = [each for each in open_ if each.state == "held"]
        evidence += [
            f"{each.kind} of {each.record} in run {each.run}: {each.state}" for each in [*sent, *held][:10]
        ]
        if held:
            creates = any(each.kind.startswith(("add", "create")) for each in held)
            return note(
                f"Your decision is needed on {count(len(held), 'write')} to XPM.",
                *evidence,
                hint="Decide what to do with each: xpm-tui runs release",
                case=CaseId.CREATE_LAG if creates else CaseId.UNKNOWN_OUTCOME,
            )
        if sent:
            return note(
                f"The outcome of {count(len(sent), 'write')} to XPM is unknown.",
                *evidence,
                hint="The next run looks in XPM first. To look now: xpm-tui runs resume",
                case=CaseId.UNKNOWN_OUTCOME,
            )
        return ok("Every commit is complete, and the outcome of every write to XPM is known.", *evidence)


@dataclass(frozen=True)
class LockHolder:
    """Who holds a lock, and since when."""

    what: str
    words: str
    since: datetime


@dataclass(frozen=True)
class LocksProbe:
    """Checks whether another process holds the practice.

    ``folder`` says whether its file system supports locks.
    """

    holders: Callable[[], tuple[LockHolder, ...]]
    now: Callable[[], datetime]
    folder: Callable[[], FolderFacts]
    name: ClassVar[str] = "locks"
    title: ClassVar[str] = "Locks"
    needs: ClassVar[tuple[str, ...]] = ()

    async def check(self) -> Finding:
        """Ask the kernel for the holders of locks."""
        lack = self.folder().error
        if lack is not None and lack.case is CaseId.NO_LOCKS:
            return from_error(lack)
        held = self.holders()
        evidence = [f"{each.what}: {each.words}" for each in held]
        if any(self.now() - each.since > LONG_LOCK for each in held):
            return bad(
                "The practice has been locked for hours.",
                *evidence,
                hint="Ask the run to stop: xpm-tui runs stop. Or end that process.",
                case=CaseId.LOCKED,
                exit_code=5,
            )
        if held:
            return note("Someone is working on the practice right now.", *evidence, case=CaseId.LOCKED)
        return ok("The practice is not locked.")


@dataclass(frozen=True)
class LastRunsProbe:
    """Checks how the last runs ended; ``held`` are those that need a decision."""

    runs: Callable[[], tuple[Run, ...]]
    held: Callable[[], tuple[str, ...]]
    name: ClassVar[str] = "runs"
    title: ClassVar[str] = "The last runs"
    needs: ClassVar[tuple[str, ...]] = ("store",)

    async def check(self) -> Finding:
        """Check the latest run that has ended."""
        runs = self.runs()
        evidence = [_run(run) for run in runs[:5]]
        last = next((run for run in runs if run.outcome not in ("running", "skipped")), None)
        if last is None:
            return ok("Nothing has run yet.", *evidence)
        case = run_problem(last)
        if last.id in self.held():
            return note(f"Run {last.id} waits for your decision.", *evidence, case=case or CaseId.HELD,
                        hint=f"See: xpm-tui runs show {last.id}")  # fmt: skip
        if last.outcome in ("failed", "interrupted", "partial"):
            return note(f"Run {last.id}: {labels.RUN_OUTCOMES[last.outcome].inline}.", *evidence, case=case,
                        hint=f"See: xpm-tui runs show {last.id}")  # fmt: skip
        return ok(f"Run {last.id} ended successfully.", *evidence)


def _run(run: Run) -> str:
    why = f": {run.error}" if run.error else f": {run.stops[0].sentence}" if run.stops else ""
    outcome = labels.RUN_OUTCOMES[run.outcome].inline
    return f"{run.id} {when_utc(run.started)} {outcome}, {count(run.calls, 'call')}{why}"


@dataclass(frozen=True)
class LinksProbe:
    """Checks whether the linked clients are still in XPM. ``lost`` are sentences about those that are not."""

    lost: Callable[[], tuple[tuple[str, str], ...]]
    name: ClassVar[str] = "links"
    title: ClassVar[str] = "Linked clients"
    needs: ClassVar[tuple[str, ...]] = ("store",)

    async def check(self) -> Finding:
        """Report the clients that are not, as XPM's lists were last read."""
        lost = self.lost()
        if not lost:
            return ok("XPM has every linked client.")
        first, hint = lost[0]
        return note(first, *(sentence for sentence, _ in lost[1:]), hint=hint)


@dataclass(frozen=True)
class QuarantineProbe:
    """Checks whether XPM has sent records that cannot be read, according to the last plan or run."""

    read: Callable[[], tuple[str, ...]]
    name: ClassVar[str] = "set-aside"
    title: ClassVar[str] = "Records set aside"
    needs: ClassVar[tuple[str, ...]] = ("store",)

    async def check(self) -> Finding:
        """List these records; each line says what to correct."""
        found = self.read()
        if not found:
            return ok("Every record that XPM sent could be read.")
        return note(
            f"Set aside: {count(len(found), 'record')} from XPM that cannot be read completely.",
            *found,
            hint="Correct each of them in XPM, then sync again: xpm-tui sync",
        )


@dataclass(frozen=True)
class PlanProbe:
    """Checks whether the current plan is still valid for the practice and the policy."""

    plan: Callable[[], tuple[str, bool, bool] | None]
    name: ClassVar[str] = "plan"
    title: ClassVar[str] = "The current plan"
    needs: ClassVar[tuple[str, ...]] = ("store",)

    async def check(self) -> Finding:
        """Compare the plan's practice and policy with the current ones: (id, same practice, same policy)."""
        plan = self.plan()
        if plan is None:
            return ok("There is no plan to apply.")
        name, same_practice, same_policy = plan
        if not same_practice:
            return note(f"Plan {name} cannot be applied: it was made for another practice.",
                        case=CaseId.PRACTICE_CHANGED, hint="Make a new one: xpm-tui plan")  # fmt: skip
        if not same_policy:
            return note(f"Plan {name} cannot be applied: the direction, what to sync or the fields changed.",
                        case=CaseId.POLICY_CHANGED, hint="Make a new one: xpm-tui plan")  # fmt: skip
        return ok(f"Plan {name} can be applied.")
