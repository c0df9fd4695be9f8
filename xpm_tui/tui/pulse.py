"""The heartbeat as the header tells it."""

from __future__ import annotations

from xpm_tui.service.practice import OpenPractice
from xpm_tui.service.status import heartbeat
from xpm_tui.tui.widgets.header import Pulse


def read_pulse(practice: OpenPractice) -> tuple[int, Pulse]:
    """Where the book stands, and the heartbeat there. For the desk."""
    position = practice.book.watch()
    beat = heartbeat(practice)
    return position, Pulse(
        title=beat.title,
        sandbox=beat.sandbox,
        connected=beat.connected,
        read_only=practice.read_only,
        hours=beat.hours,
        minute_left=beat.minute_left,
        day_left=beat.day_left,
        running=beat.running,
        held=len(beat.held),
        needs_person=beat.needs_person,
    )
