"""``connect --check``: what a connection needs, and how each requirement is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpm_tui.commands.command import Result
from xpm_tui.commands.tables import plain
from xpm_tui.diagnostics.connection_requirements import BY_NAME, CERTAINTIES, NOT_MET, READ
from xpm_tui.domain.errors import LoginNeeded
from xpm_tui.domain.formatting import month_name
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.application.status import requirement_check

if TYPE_CHECKING:
    from xpm_tui.application.practice import OpenPractice


def requirements_result(practice: OpenPractice) -> Result:
    """What a connection needs: each requirement with its mark, what shows it, and where it is written."""
    found = requirement_check.check_requirements(practice)
    items: list[dict[str, Any]] = []
    lines: list[str] = []
    for each in found:
        of, label = each.requirement, NOT_MET if each.met is False else CERTAINTIES[each.mark]
        shown = {"mark": each.mark, "met": each.met, "message": each.sentence, "read": READ}
        items.append({**plain(of), **shown})
        since = f", in force since {of.since}" if of.since else ""
        lines += [
            f"{of.title}: {label.text}. {each.sentence}",
            f"  {of.text}",
            f"  Source: {of.source}{since}; read in {month_name(READ)}.",
        ]
    trouble = None
    missing = [BY_NAME[name].title for name in requirement_check.unmet(found)]
    if missing:
        trouble = LoginNeeded(
            f"Not met: {', '.join(missing)}.", hint="When this is settled, connect: xpm-tui connect"
        )
        trouble.logged = True  # nothing was tried
    return Result(items=items, lines=lines, trouble=trouble)
