"""The doctor over a practice of the scenarios."""

from __future__ import annotations

from collections.abc import Mapping

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.health.doctor import Doctor
from xpm_tui.application.health.probe_facts import DoctorTarget, Machine, of_practice
from xpm_tui.diagnostics.findings import ProbeResult, TerminalFacts


class FaultyMachine(Machine):
    """This machine with a good terminal and no proxy, whatever the tests run in."""

    def terminal(self, environ: Mapping[str, str]) -> TerminalFacts:
        return TerminalFacts(stdin=True, stdout=True, term="xterm-256color", columns=80, lines=24)

    def proxies(self) -> Mapping[str, str]:
        return {}


async def by_name(
    patient: DoctorTarget, machine: Machine | None = None, start: str = ""
) -> dict[str, ProbeResult]:
    doctor = Doctor(patient, machine or FaultyMachine())
    return {each.name: each async for each in doctor.examine(start=start)}


async def examined(
    env: PracticeFixture, machine: Machine | None = None, start: str = ""
) -> tuple[dict[str, ProbeResult], Doctor]:
    doctor = Doctor(of_practice(env.practice), machine or FaultyMachine())
    return {each.name: each async for each in doctor.examine(start=start)}, doctor
