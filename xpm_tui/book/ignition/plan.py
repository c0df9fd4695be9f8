"""One way in for all forms: a parsed file and a snapshot give a plan."""

from __future__ import annotations

from datetime import datetime

from xpm_tui.book.ignition.clients import plan_clients
from xpm_tui.book.ignition.library import plan_services, plan_team
from xpm_tui.book.ignition.parse import Parsed
from xpm_tui.book.ignition.proposals import plan_proposals
from xpm_tui.book.ignition.steps import ImportPlan
from xpm_tui.model.ports import Ids, Snapshot


def plan_import(snapshot: Snapshot, parsed: Parsed, ids: Ids | None, now: datetime) -> ImportPlan:
    """What importing a file would do, by its form; ``ids`` None only looks, and gives out no id."""
    match parsed.form:
        case "clients":
            return plan_clients(snapshot, parsed, ids, now)
        case "services":
            return plan_services(snapshot, parsed, ids)
        case "team":
            return plan_team(snapshot, parsed, ids)
        case "proposals":
            return plan_proposals(snapshot, parsed, ids, now)
