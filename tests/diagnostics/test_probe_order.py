"""Probes run in order, each with a time limit; those that depend on a failed one are left out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.support.moved_clock import MovedClock
from xpm_tui.diagnostics.error_presenter import case_id
from xpm_tui.diagnostics.findings import Finding, ProbeResult, bad, examine, exit_code, note, ok
from xpm_tui.domain.errors import AppError, Busy, CaseId, LoginNeeded, NotFound, PlanRefused, XeroUnreachable


@dataclass
class Fake:
    """A probe that returns or raises what the test chose; ``seconds`` pass meanwhile."""

    name: str
    gives: Finding | BaseException
    needs: tuple[str, ...] = ()
    seconds: float = 0.0
    clock: MovedClock = field(default_factory=MovedClock)
    looked: int = 0

    @property
    def title(self) -> str:
        return self.name.title()

    async def check(self) -> Finding:
        self.looked += 1
        await self.clock.sleep(self.seconds)
        if isinstance(self.gives, BaseException):
            raise self.gives
        return self.gives


async def run(*probes: Fake, start: str = "") -> list[ProbeResult]:
    return [each async for each in examine(probes, probes[0].clock, start=start)]


async def test_what_needs_a_failed_probe_is_left_out_and_says_why() -> None:
    probes = [
        Fake("a", bad("No.", exit_code=7)),
        Fake("b", ok("Yes."), needs=("a",)),
        Fake("c", ok("Yes."), needs=("b",)),
        Fake("d", ok("Yes.")),
    ]
    found = await run(*probes)
    assert [each.verdict for each in found] == ["trouble", "skipped", "skipped", "ok"]
    assert [each.looked for each in probes] == [1, 0, 0, 1]
    assert '"A"' in found[2].sentence
    assert exit_code(found) == 7


async def test_a_note_stops_nothing_and_costs_no_exit_code() -> None:
    found = await run(Fake("a", note("Hm.")), Fake("b", ok("Yes."), needs=("a",)))
    assert [each.verdict for each in found] == ["note", "ok"]
    assert exit_code(found) == 0


async def test_it_begins_with_the_named_probe() -> None:
    probes = [Fake("a", bad("No.")), Fake("b", ok("Yes."), needs=("a",)), Fake("c", ok("Yes."))]
    found = await run(*probes, start="b")
    assert [each.name for each in found] == ["b", "c"]
    assert found[0].verdict == "ok"
    with pytest.raises(NotFound, match="no probe"):
        await run(*probes, start="z")


async def test_time_is_taken_by_the_clock() -> None:
    found = await run(Fake("a", ok("Yes."), seconds=2.5))
    assert found[0].seconds == 2.5


async def test_what_a_probe_raises_is_its_finding() -> None:
    unreached = XeroUnreachable("No.", asked="GET x", status=503, correlation="c-1", case=CaseId.XERO_DOWN)
    found = await run(Fake("a", unreached), Fake("b", RuntimeError("a secret in it")))
    assert found[0].case is CaseId.XERO_DOWN
    assert found[0].exit_code == 7
    assert found[0].evidence == ("call: GET x", "HTTP status: 503", "correlation id: c-1")
    assert found[1].verdict == "trouble"
    assert "secret" not in found[1].sentence
    assert "RuntimeError" in found[1].sentence


async def test_a_probe_that_hangs_is_ended() -> None:
    class Hangs(Fake):
        async def check(self) -> Finding:
            await asyncio.Event().wait()
            raise AssertionError

    probes = [Hangs("a", ok("Yes."))]
    found = [each async for each in examine(probes, MovedClock(), limit=0.01)]
    assert found[0].verdict == "trouble"
    assert found[0].exit_code == 7


@pytest.mark.parametrize(
    ("error", "case"),
    [
        (Busy("x"), CaseId.LOCKED),
        (PlanRefused("x"), CaseId.POLICY_CHANGED),
        (LoginNeeded("x"), CaseId.NOT_CONNECTED),
        (LoginNeeded("x", asked="POST /connect/token"), CaseId.NEEDS_RECONNECT),
        (XeroUnreachable("x", case=CaseId.TLS), CaseId.TLS),
        (AppError("x"), None),
    ],
)
def test_every_kind_of_error_has_its_case(error: AppError, case: CaseId | None) -> None:
    assert case_id(error) is case
