"""Probes one after another: each timed and limited, left out where what it needs is in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from xpm_tui.diagnostics.findings import Finding, ProbeResult, bad, from_error, skipped
from xpm_tui.domain.errors import AppError, CaseId, NotFound
from xpm_tui.domain.formatting import count
from xpm_tui.domain.ports import Clock
from xpm_tui.domain.safe_text import visible

LIMIT = 90.0
"""Longest time of one probe in seconds."""


class Probe(Protocol):
    """One question about this machine, the way to Xero, the login or the book. It only reads."""

    @property
    def name(self) -> str:
        """One word, for ``--from`` and for scripts."""

    @property
    def title(self) -> str:
        """What a person reads."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of probes without whose good end this one cannot tell anything."""

    async def look(self) -> Finding:
        """Look. Raises ``AppError``, which counts as trouble found."""


@dataclass(frozen=True)
class UnavailableProbe:
    """Stands in for a probe that cannot be asked here; says why."""

    name: str
    title: str
    why: str
    needs: tuple[str, ...] = ()

    async def look(self) -> Finding:
        """Nothing is looked at."""
        return skipped(self.why)


async def examine(
    probes: Sequence[Probe], clock: Clock, *, start: str = "", limit: float = LIMIT
) -> AsyncIterator[ProbeResult]:
    """Run the probes in order, from ``start`` on; those before it count as good.

    Raises ``NotFound`` where no probe is called ``start``. What a probe raises becomes its finding.
    """
    names = [probe.name for probe in probes]
    if start and start not in names:
        raise NotFound(
            f"There is no probe called {visible(start, 40)}.", hint=f"The answers are: {', '.join(names)}."
        )
    failed: dict[str, str] = {}
    for probe in probes[names.index(start) if start else 0 :]:
        cause = next((failed[name] for name in probe.needs if name in failed), "")
        began = clock.monotonic()
        finding = skipped(f'Skipped, because of "{cause}".') if cause else await _look(probe, limit)
        if finding.verdict == "trouble":
            failed[probe.name] = probe.title
        elif finding.verdict == "skipped":
            failed[probe.name] = cause or probe.title
        yield ProbeResult(
            name=probe.name,
            title=probe.title,
            verdict=finding.verdict,
            sentence=finding.sentence,
            evidence=finding.evidence,
            hint=finding.hint,
            case=finding.case,
            exit_code=finding.exit_code,
            seconds=round(max(0.0, clock.monotonic() - began), 3),
        )


async def _look(probe: Probe, limit: float) -> Finding:
    try:
        async with asyncio.timeout(limit):
            return await probe.look()
    except AppError as trouble:
        return from_error(trouble)
    except TimeoutError:
        return bad(
            f"It did not finish within {count(round(limit), 'second')}.",
            hint="Try again; if it stays, look at status.xero.com.",
            case=CaseId.XERO_DOWN if probe.needs else None,
            exit_code=7,
        )
    except Exception as error:
        # Its words may hold anything, its kind cannot.
        return bad(f"This probe itself failed ({type(error).__name__}).")


def exit_code(results: Sequence[ProbeResult]) -> int:
    """0 where nothing is in trouble, else what the first trouble ends with."""
    return next((each.exit_code or 1 for each in results if each.verdict == "trouble"), 0)
