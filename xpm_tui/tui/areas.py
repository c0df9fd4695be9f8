"""The areas of the console: name, title, the letter after ``g``, in the order of the tabs."""

from __future__ import annotations

from typing import NamedTuple


class Area(NamedTuple):
    """A top-level place, kept open as a mode of its own."""

    name: str
    title: str
    letter: str


AREAS: tuple[Area, ...] = (
    Area("overview", "Overview", "o"),
    Area("clients", "Clients", "c"),
    Area("team", "Team", "t"),
    Area("templates", "Templates", "l"),
    Area("jobs", "Jobs", "j"),
    Area("sync", "Sync", "s"),
    Area("settings", "Settings", "e"),
)
