"""The doctor over a world of the whole-flow tests."""

from __future__ import annotations

from collections.abc import Mapping

from tests.service.flows import World
from xpm_tui.diagnose.finding import Probed
from xpm_tui.diagnose.sight import TerminalFacts
from xpm_tui.service.health.doctor import Doctor
from xpm_tui.service.health.machine import Machine
from xpm_tui.service.health.patient import Patient, of_practice


class Ill(Machine):
    """This machine with a good terminal and no proxy, whatever the tests run in."""

    def terminal(self, environ: Mapping[str, str]) -> TerminalFacts:
        return TerminalFacts(stdin=True, stdout=True, term="xterm-256color", columns=80, lines=24)

    def proxies(self) -> Mapping[str, str]:
        return {}


async def by_name(patient: Patient, machine: Machine | None = None, start: str = "") -> dict[str, Probed]:
    doctor = Doctor(patient, machine or Ill())
    return {each.name: each async for each in doctor.examine(start=start)}


async def examined(
    world: World, machine: Machine | None = None, start: str = ""
) -> tuple[dict[str, Probed], Doctor]:
    doctor = Doctor(of_practice(world.practice), machine or Ill())
    return {each.name: each async for each in doctor.examine(start=start)}, doctor
