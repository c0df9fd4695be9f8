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


def in_state(noun: str, words: str, *states: str) -> Why:
    """It is about a job or proposal that is in one of those states; ``words`` says what it is for."""

    def why(situation: Situation) -> str:
        if not situation.record:
            return f"No {noun} is chosen: move to one first (g j)."
        if not situation.state or situation.state in states:
            return ""
        return f"This {noun} is {situation.state}: {words}."

    return why


def ignition_off(situation: Situation) -> str:
    """Nothing is deployed from here while Ignition's own connector may do the same."""
    practice = situation.practice
    if practice is None or practice.settings.text("jobs.ignition_deploys") == "no":
        return ""
    return (
        "XPM may still be switched on in Ignition, which makes the jobs itself. Switch it off there, then "
        "set jobs.ignition_deploys to no (g e)."
    )


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
