"""Consequences in words: the only place where previews, questions, buttons and results get their numbers.

A question names what is applied, with its number. The lines below it say what is sent to XPM, what is saved
here only, what is replaced, what cannot be undone and why, what an undo freezes, and how many calls and
minutes it takes. Differences that stay are counted and listed by reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from xpm_tui.domain.fields import label
from xpm_tui.domain.formatting import count, plural, value, when_utc, wrap
from xpm_tui.domain.plan import (
    NAMED,
    Consequences,
    LastingEffects,
    LocalCounts,
    PreservedValues,
    ReplacedValues,
    XpmCounts,
)

if TYPE_CHECKING:
    from xpm_tui.application.presenters.lookup import DifferenceView
    from xpm_tui.domain.plan import Plan


SHOWN = NAMED
"""The number of records that are listed one by one; the others are counted."""

_NO_UNDO = {
    "contact": (
        "contact added in XPM/contacts added in XPM",
        "Remove it in XPM if you do not want it./Remove them in XPM if you do not want them.",
    ),
    "primary": ("primary contact set in XPM/primary contacts set in XPM", "XPM always needs one."),
    "client": (
        "client created in XPM/clients created in XPM",
        "Archive or delete it in XPM./Archive or delete them in XPM.",
    ),
    "staff": (
        "staff record created in XPM/staff records created in XPM",
        "Remove it in XPM./Remove them in XPM.",
    ),
    "job": (
        "job created or changed in XPM/jobs created or changed in XPM",
        "Change or delete it in XPM./Change or delete them in XPM.",
    ),
}
"""What cannot be undone, and what a user can do instead."""


_KEPT = {
    "plan": ("Not sent to XPM", "change"),
    "jobs": ("Not created", "job"),
    "picks": ("Not brought in", "client"),
    "client": ("Not sent", "value"),
    "import-undo": ("Stays as it is", "record"),
}
_PICKED = ("client", "person/people")


def action(found: Consequences) -> str:
    """Return the label of the button that applies the changes, such as ``Apply 14 changes``."""
    xpm, here = found.xpm, found.here
    match found.of:
        case "undo":
            if found.freezes and not found.changes:
                return f"Freeze {count(found.freezes, 'field')}"
            return f"Undo {count(found.changes, 'change')}"
        case "jobs":
            return _jobs_action(xpm)
        case "links":
            return f"Link {_linked(here)}"
        case "picks":
            return f"Bring in {count(here.added + here.links + here.people, _PICKED[bool(here.people)])}"
        case "client":
            return "Create the client"
        case "staff":
            return "Create the staff record"
        case "import":
            return f"Import {count(here.changes, 'change')}"
        case "import-undo":
            return f"Undo {count(here.changes, 'change')}"
        case "roll-over":
            return f"Create {count(here.added, 'workflow')}"
        case "review":
            return f"Apply the decisions for {count(here.clients, 'client')}"
    return f"Apply {count(found.changes, 'change')}"


def question(found: Consequences, about: str = "") -> str:
    """Return the question whether to apply the changes; ``about`` says to what, if that is not obvious."""
    undo = "of run" if found.changes else "that were written by run"
    subjects = {"undo": f"{undo} {found.about}", "import-undo": f"of {found.about}", "jobs": "in XPM"}
    return f"{' '.join(filter(None, (action(found), about or subjects.get(found.of, ''))))}?"


def lines(found: Consequences) -> list[str]:
    """Return the consequences as sentences, one per line, the most important first."""
    texts = [*_sides(found)]
    texts += [*_replaced(found.replaced, "XPM" if found.xpm.values else "Ignition")]
    if found.also:
        names = ", ".join([*found.also[:SHOWN], *(["…"] if len(found.also) > SHOWN else [])])
        noun = "other XPM client changes/other XPM clients change"
        texts.append(f"Shared contacts: {count(len(found.also), noun)}, too: {names}.")
    texts += [_lasting(each, found) for each in found.lasting]
    if found.changes > found.not_undoable and found.of == "plan":
        rest = "The rest" if found.lasting else "A change"
        texts.append(f"{rest} can be undone as long as nobody changes the value again.")
    if found.freezes:
        texts.append(
            f"{count(found.freezes, 'field is/fields are')} frozen afterwards{_frozen(found)}: sync does not "
            "change a frozen field until you unfreeze it."
        )
    texts += [_kept(each, found) for each in found.kept]
    if found.waiting:
        texts.append(f"{count(found.waiting, 'change is/changes are')} not ticked, and not applied.")
    texts += [*_cost(found)]
    if found.then is not None:
        texts += [*_then(found.then)]
    return texts


def one_line(found: Consequences, *, costs: bool = True) -> str:
    """Return the consequences on one line, for a heading or a table, with calls and minutes if ``costs``."""
    texts = [f"{count(found.xpm.changes, 'change')} to XPM"] if found.xpm.changes else []
    if costs and not texts:
        texts.append("nothing to XPM")
    if found.here.changes:
        texts.append(f"{count(found.here.changes, 'change')} saved here")
    if found.replaced.values:
        texts.append(f"{count(found.replaced.values, 'value')} replaced")
    if found.not_undoable:
        texts.append(f"{found.not_undoable:,} cannot be undone")
    return " · ".join([*texts, cost(found)] if costs else texts)


class Figure(NamedTuple):
    """One number of a summary: a sign, its severity, the number, and what it counts."""

    glyph: str
    weight: Literal["", "good", "warn", "bad", "muted"]
    number: int | None
    words: str


def figure_columns(found: Consequences, *, short: bool = False) -> tuple[list[Figure], list[Figure]]:
    """Return the consequences as two columns of numbers: what is done, and what to consider first.

    Args:
        found: The consequences.
        short: Whether to leave out the parts of a number, for narrow windows; the question names them.
    """
    xpm, here = found.xpm, found.here
    done = [
        Figure("→", "", xpm.changes, f"{plural(xpm.changes, 'change')} in XPM{_clients(xpm.clients)}")
        if xpm.changes
        else Figure("–", "muted", None, "Nothing is changed in XPM")
    ]
    if here.links and here.links == here.changes:
        done.append(Figure("∞", "", here.links, f"{plural(here.links, 'link')}, saved here only"))
    elif here.changes:
        parts = "saved here only" if short else f"saved here: {', '.join(_here_parts(here))}"
        done.append(Figure("∞", "", here.changes, parts))
    done.append(
        Figure(
            "◷", "", found.calls, f"{plural(found.calls, 'call')}{'' if short else ' to Xero'}{_pace(found)}"
        )
        if found.calls
        else Figure("◷", "muted", None, "No call to Xero")
    )
    side = "XPM" if xpm.values else "Ignition"
    replaced = found.replaced
    to_consider: list[Figure] = []
    if replaced.values:
        parts = ", ".join(
            _parts((replaced.conflicts, "both changed/both changed"), (replaced.clearings, "cleared/cleared"))
        )
        verb = plural(replaced.values, "overwrites/overwrite")
        more = f" ({parts})" if parts and not short else ""
        to_consider.append(Figure("▲", "warn", replaced.values, f"{verb} a value in {side}{more}"))
    if found.not_undoable:
        kinds = {each.what for each in found.lasting}
        what = f": {_LASTING_NOUNS[found.lasting[0].what]}" if len(kinds) == 1 else ""
        to_consider.append(Figure("✕", "bad", found.not_undoable, f"cannot be undone{what}"))
    elif found.changes:
        to_consider.append(Figure("●", "good", None, "Every change can be undone"))
    if found.freezes:
        noun = plural(found.freezes, "field")
        to_consider.append(Figure("❄", "", found.freezes, f"{noun} frozen afterwards"))
    return done, to_consider


_LASTING_NOUNS = {
    "contact": "new contacts",
    "primary": "primary contacts",
    "client": "new clients",
    "staff": "new staff",
    "job": "jobs",
}


def _clients(clients: int) -> str:
    return f" for {count(clients, 'client')}" if clients else ""


def shorten_list(texts: Sequence[str], shown: int) -> list[str]:
    """Return the first lines, and the number of the others."""
    more = [f"and {len(texts) - shown:,} more"] if len(texts) > shown else []
    return [*texts[:shown], *more]


def button_suffix(found: Consequences, anyway: Consequences) -> str:
    """Return the label of a button that includes jobs that need confirmation; empty if there are none.

    Args:
        found: The consequences without these jobs.
        anyway: The consequences with them.
    """
    more = anyway.xpm.jobs_created + anyway.xpm.jobs_finished
    more -= found.xpm.jobs_created + found.xpm.jobs_finished
    return f"Include the {more:,} that need confirmation" if more > 0 else ""


def cost(found: Consequences) -> str:
    """Return the number of calls and the minimum time: ``7 calls to Xero, at least 1 minute``."""
    if not found.calls:
        return "no call to Xero"
    return f"{count(found.calls, 'call')} to Xero{_pace(found)}"


def _pace(found: Consequences) -> str:
    return f", at least {count(found.minutes, 'minute')}" if found.minutes else ", less than a minute"


def _sides(found: Consequences) -> Iterator[str]:
    xpm, here = found.xpm, found.here
    if xpm.changes:
        yield f"To XPM: {_inside(_xpm_parts(xpm), xpm.changes)}{_for(xpm.clients)}."
    elif found.of in ("plan", "undo", "jobs"):
        yield "Nothing is changed in XPM."
    if here.changes:
        yield f"Saved here only: {_inside(_here_parts(here), here.changes)}{_for(here.clients)}."


def _xpm_parts(xpm: XpmCounts) -> list[str]:
    # A new client is sent with its contacts, in one call.
    sent_with = f" with {count(xpm.contacts, 'contact')}" if xpm.clients_created and xpm.contacts else ""
    return _parts(
        (xpm.values, "value"),
        (0 if sent_with else xpm.contacts, "new contact"),
        (xpm.clients_created, f"new client{sent_with}/new clients{sent_with}"),
        (xpm.staff_created, "new staff record"),
        (xpm.jobs_created, "new job"),
        (xpm.jobs_finished, "job to finish/jobs to finish"),
    )


def _here_parts(here: LocalCounts) -> list[str]:
    return _parts(
        (here.links, "link"),
        (here.people, "link of a team member/links of team members"),
        (here.services, "link of a service/links of services"),
        (here.values, "value"),
        (here.contacts, "new contact"),
        (here.added, "new record"),
        (here.ignored, "client set aside/clients set aside"),
        (here.removed, "record removed/records removed"),
    )


def _parts(*counts: tuple[int, str]) -> list[str]:
    return [count(number, noun) for number, noun in counts if number]


def _inside(parts: list[str], changes: int) -> str:
    """Return the parts, preceded by the sum if there is more than one part."""
    if len(parts) == 1:
        return parts[0]
    return f"{count(changes, 'change')} ({', '.join(parts)})" if parts else count(changes, "change")


def _for(clients: int) -> str:
    return f", for {count(clients, 'client')}" if clients else ""


def _replaced(replaced: ReplacedValues, side: str) -> Iterator[str]:
    if not replaced.values:
        return
    if replaced.overwrites == replaced.values:
        yield f"Replaces {count(replaced.values, 'value')} in {side}."
        return
    marked = (
        (replaced.overwrites, "overwrite"),
        (replaced.drift, f"edited in {side}/edited in {side}"),
        (replaced.conflicts, "edited in both systems/edited in both systems"),
        (replaced.clearings, "cleared/cleared"),
    )
    parts = _parts(*marked)
    if parts:
        parts += _parts((replaced.values - sum(number for number, _ in marked), "other/others"))
    yield f"Replaces {count(replaced.values, 'value')}" + (f": {', '.join(parts)}." if parts else ".")


def _lasting(each: LastingEffects, found: Consequences) -> str:
    noun, instead = _NO_UNDO[each.what]
    one, _, many = instead.partition("/")
    advice = many if many and each.number != 1 else one
    # The jobs of a batch are listed below their consequences.
    names = "" if each.what == "job" else _names(each.records, found)
    return f"Cannot be undone: {count(each.number, noun)}{names}. {advice}"


def _frozen(found: Consequences) -> str:
    """Return which fields an undo freezes: with their records if there are few, otherwise with counts."""
    if not found.frozen:
        return ""
    if found.freezes <= SHOWN:
        named = [
            f"{label(each.field)} of {', '.join(_named(record, found) for record in each.records)}"
            for each in found.frozen
        ]
    else:
        ordered = sorted(found.frozen, key=lambda each: -each.number)
        named = [f"{label(each.field)} {each.number:,}" for each in ordered]
    return f" ({'; '.join(named)})"


def _kept(each: PreservedValues, found: Consequences) -> str:
    stays, noun = _KEPT.get(found.of, ("Stays as it is", "value"))
    return f"{stays}: {count(each.number, noun)}{_names(each.records, found)}. {each.why}"


def _names(records: Sequence[str], found: Consequences) -> str:
    if not records or len(records) > SHOWN:
        return ""
    return f" ({', '.join(_named(record, found) for record in records)})"


def _named(record: str, found: Consequences) -> str:
    """Return a record, or a field of it (``c1:phone``), in words."""
    id_, _, field = record.partition(":")
    name = found.names.get(id_, id_)
    return f"{label(field)} of {name}" if field else name


def _cost(found: Consequences) -> Iterator[str]:
    if found.calls or found.of in ("plan", "undo", "jobs", "client", "staff"):
        line = cost(found)
        yield f"{line[0].upper()}{line[1:]}."
    if found.beyond_today:
        until = f" The run can continue at {when_utc(found.day_until)}." if found.day_until else ""
        yield f"Today's call allowance does not cover {found.beyond_today:,} of these calls.{until}"


def _then(found: Consequences) -> Iterator[str]:
    if not found.changes:
        yield "The next sync changes nothing because of this."
        return
    yield "With the next sync:"
    for line in lines(found):
        yield f"  {line}"


def _jobs_action(xpm: XpmCounts) -> str:
    parts = []
    if xpm.jobs_created:
        parts.append(f"create {count(xpm.jobs_created, 'job')}")
    if xpm.jobs_finished:
        parts.append(f"finish {count(xpm.jobs_finished, 'job')}")
    text = " and ".join(parts) or "create no job"
    return text[0].upper() + text[1:]


def _linked(here: LocalCounts) -> str:
    if here.people:
        return count(here.people, "person/people")
    return count(here.services, "service") if here.services else count(here.links, "client")


DIFFERENCES_SHOWN = 3
"""The number of differences that a terminal shows for each reason; the others are counted."""


def remaining_count(number: int, *, more: bool = False) -> str:
    """Return how many fields differ and stay as they are, besides the planned ones if ``more``."""
    noun = "other field differs and stays as it is/other fields differ and stay as they are"
    return count(number, noun if more else noun.replace("other ", ""))


NOTHING_TO_COMPARE = "There are no clients from Ignition yet, so there is nothing to compare."
NO_CLIENTS = (
    f"{NOTHING_TO_COMPARE} Import Ignition's client file: xpm-tui import clients FILE. Or bring clients in "
    "from XPM: xpm-tui clients pick --all"
)


def nothing_planned(plan: Plan, *, clients: int = 1) -> str:
    """Return the message for a plan without changes; ``clients`` is the number of clients stored here."""
    if not clients:
        return NO_CLIENTS
    if plan.left_different:
        return f"Nothing to change. {remaining_count(plan.left_different)}."
    return "Nothing to change." if plan.people else "Nothing to change: both sides agree."


def difference_lines(views: Iterable[DifferenceView], most: int = 0) -> Iterator[str]:
    """Yield the differences under their reasons, the most frequent reason first.

    Args:
        views: The differences.
        most: How many are listed of each reason; 0 lists them all.
    """
    groups: dict[tuple[str, str], list[DifferenceView]] = {}
    counts: dict[tuple[str, str], int] = {}
    for view in views:
        key = (view.rule, view.reason)
        counts[key] = counts.get(key, 0) + 1
        found = groups.setdefault(key, [])
        if not most or len(found) < most:
            found.append(view)
    for key in sorted(groups, key=lambda key: -counts[key]):
        _, reason = key
        yield from wrap(f"{count(counts[key], 'field')}: {reason}", indent="  ")
        if groups[key][0].hint:
            yield f"    {groups[key][0].hint}"
        yield from (f"    {difference_line(view)}" for view in groups[key])
        if counts[key] > len(groups[key]):
            yield f"    and {counts[key] - len(groups[key]):,} more"


def difference_line(view: DifferenceView) -> str:
    """Return one difference as a line."""
    client, _, contact = view.record.partition("/")
    who = f"{client}  {view.name}" + (f"  (XPM {view.number})" if view.number else "")
    of = f" of {contact[:8]}" if contact else ""
    sides = (("Ignition", view.ignition_shown), ("XPM", view.xpm_shown))
    text = ", ".join(f"{side} {value(shown, none='') or '(blank)'}" for side, shown in sides)
    return f"{who}  {view.label}{of}: {text}"
