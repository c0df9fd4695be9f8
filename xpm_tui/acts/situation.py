"""Why an act cannot be done now, in sentences: the usual reasons, to be joined with ``first``."""

from __future__ import annotations

from collections.abc import Callable

from xpm_tui.acts.act import Situation

Why = Callable[[Situation], str]


def first(*reasons: Why) -> Why:
    """The first reason that holds."""
    return lambda situation: next(filter(None, (reason(situation) for reason in reasons)), "")


def connected(situation: Situation) -> str:
    """It asks XPM."""
    return "" if situation.connected else "This practice is not connected to XPM yet: connect it first."


def idle(situation: Situation) -> str:
    """It starts a run, or moves records under one."""
    return f"Run {situation.running} is going on: wait for it, or stop it." if situation.running else ""


def running(situation: Situation) -> str:
    """It is about the run that is going on."""
    return "" if situation.running else "No run is going on."


def on_record(situation: Situation) -> str:
    """It is about one client."""
    return "" if situation.record else "No client is chosen: move to one first."


def on_linked(situation: Situation) -> str:
    """It is about a link."""
    return on_record(situation) or (
        "" if situation.linked else "This client is not linked to XPM: map it first."
    )
