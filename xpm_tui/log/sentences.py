"""The sentences of all events by key, and their formatting.

A key consists of the area, a full stop, and what happened. Names are inserted when a sentence is shown, so
that a mask can replace them exactly.

In a template ``{calls:call}`` is a number with its noun ("1 call", "1,204 calls"; ``person/people`` for an
irregular one), ``{record}`` and ``{uuid}`` are shown by name, and every other word is a part of the event or
one of its numbers. A missing part is shown as "?"; a template never comes from data.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from xpm_tui.domain import labels, reason_labels
from xpm_tui.domain.events import TENANT, Event
from xpm_tui.domain.fields import BY_NAME, label
from xpm_tui.domain.formatting import count, day, scalar
from xpm_tui.domain.labels import TRIGGERS, Labels, of_sides

SENTENCES: dict[str, str] = {
    # the log itself
    "log.lost": "{events:event} could not be written to the log (the disk refused)",
    # calls to Xero
    "call": "{call} answered {status}",
    "call:no-answer": "{call} got no answer",
    "token.refreshed": "The login was renewed",
    "token.failed": "The login could not be renewed",
    # problems that were reported or shown
    "act.failed": "An action failed: {rule} ({case})",
    "trouble.seen": "{by} reported a known problem: {rule} ({case})",
    # connection
    "connect.began": "{by} started to connect to Xero",
    "connect.signed_in": "Signed in to Xero: {tenants:XPM practice} available",
    "connect.chosen": "Connected to {tenant}",
    "connect.changed": "{by} confirmed the change of practice from {before} to {tenant}",
    "connect.ended": "{by} disconnected the practice",
    "connect.revoked": "{by} revoked the login: all practices that used it are disconnected",
    "policy.set": "{by} set the direction to {direction} and what to sync to {level}",
    # lists that fill the mirror
    "list.clients": "XPM's client list: {count:client}, {changed} new or changed, {seconds} s",
    "list.changes": "Changes since the last list: {count:XPM client}, {changed} new or changed, {seconds} s",
    "list.staff": "XPM's staff list: {count:person/people}, {changed} new or changed",
    "list.templates": "XPM's job templates: {count:template}, {changed} new or changed",
    "list.categories": "XPM's job categories: {count:category/categories}, {changed} new or changed",
    "list.jobs": "XPM's current jobs: {count:job}, {changed} new or changed",
    "list.successors": "Looked up jobs in XPM to find the successors of {lost:client}: {calls:call}",
    "list.closed": "XPM's list of {rule} cannot be read with this login: the scope {scope} is missing",
    "list.failed": "XPM's list of {rule} could not be read; the previous list is still used",
    "list.set_aside": "XPM's list of {rule} has {count:record} that cannot be read: set aside, see status",
    "list.empty": "XPM's client list came back empty although there are {links:link}: the list was not used",
    "list.other": "XPM's client list and the previous list share no client: is this another practice?",
    # plans and runs
    "plan.made": "Plan {plan}: {items:change} in {records:client}, {waiting} waiting, "
    "{people:client} for your decision",
    "plan.ticked": "{by} ticked {changes:change} of plan {plan}",
    "plan.unticked": "{by} unticked {changes:change} of plan {plan}",
    "run.started": "{by} started run {run} ({trigger})",
    "run.planned": "Run {run} will make {items:change} to {records:client}, about {calls:call}",
    "run.planned:plan": "Run {run} starts: {to_xpm:change} to XPM, {saved_here:change} saved here, "
    "{replaced:value} replaced ({conflicts:conflict}, {clearings} cleared), {lasting} cannot be undone, "
    "{calls:call}, {pace}",
    "run.planned:undo": "Run {run} starts an undo: {to_xpm:change} to XPM, {saved_here:change} saved here, "
    "{freezes:field} frozen, {calls:call}, {pace}",
    "run.planned:jobs": "Run {run} starts: {to_xpm:change} to XPM that cannot be undone, {calls:call}, "
    "{pace}",
    "run.done": "Run {run} is done: {changes:change} in {done:client}, {calls:call}, {seconds} s",
    "run.partial": "Run {run} is partly done: {refused:client} refused, {unsendable:client} not sent, "
    "{done:client} done, {calls:call}",
    "run.held": "Run {run} waits for your decision",
    "run.failed": "Run {run} failed ({case})",
    "run.stopped": "Run {run} was stopped: {changes:change} in {done:client}, {calls:call}; resume it",
    "run.interrupted": "Run {run} was interrupted; its open writes are resolved first",
    "run.skipped": "The scheduled sync was skipped ({rule})",
    "run.stop_asked": "{by} asked run {run} to stop",
    "run.released": "{by} released the held run {held}",
    # changes of records by a run
    "sync.link": "{record} is linked to {uuid} ({why})",
    "sync.link:undo": "{record} is no longer linked to {uuid} (undone)",
    "sync.change": "{record}: {field} written ({why})",
    "sync.change:ignition": "{record}: {field} updated in Ignition ({why})",
    "sync.change:xpm": "{record}: {field} updated in XPM ({why})",
    "sync.change:undo": "{record}: {field} restored (undone)",
    "sync.moved": "{record} was skipped: {why}",
    "sync.refused": "XPM refused {call} for {record}; the other records continue",
    "sync.unsendable": "{record} was not sent to XPM: {field} cannot be sent as it is; "
    "the other records continue",
    "sync.unknown": "No answer to {call} for {record}: the result is being looked up",
    "sync.waiting": "XPM does not list the new record of {record} yet; it will be looked up again",
    "sync.resolved": "The result for {record} was looked up: {why}",
    "sync.decided": "{by} decided on the open write for {record}: {why}",
    "sync.edited": "{record}: {field} was edited in XPM in the meantime; the new value was recorded",
    "sync.altered": "{record}: XPM stored {field} differently from what was sent",
    "sync.created": "{record} was created in XPM: {uuid}",
    "guard.stop": "The guard stopped the run ({rule}): {counted} counted, {limit} allowed",
    "undo.planned": "{by} planned the undo of run {undone} (plan {plan})",
    # manual changes of clients and team
    "client.linked": "{by} linked {record} to {uuid}",
    "client.merged": "The XPM client of {record} was merged into {uuid}: accept it in the review",
    "client.successor": "XPM no longer has the client of {record}; it may have been merged into {uuid}",
    "client.unlinked": "{by} unlinked {record} from {uuid}",
    "client.picked": "{by} brought in {added:client} from XPM, linked {linked} and left out {left}",
    "client.ignored": "{by} marked {record} as having no XPM client",
    "client.unignored": "{by} no longer ignores {record}",
    "review.taken_back": "{by} undid the review's decision on {record}",
    "client.frozen": "{by} froze {field} of {record}",
    "client.unfrozen": "{by} unfroze {field} of {record}",
    "client.edited": "{by} edited {field} of {record}",
    "client.added": "{by} created the client {record}",
    "member.linked": "{by} linked team member {record} to {uuid}",
    "member.unlinked": "{by} unlinked team member {record}",
    "client.deleted": "{by} deleted the client {record}",
    "contact.deleted": "{by} deleted the contact {record}",
    "clients.restored": "{by} undid the last deletion ({records:record})",
    "member.deleted": "{by} deleted the team member {record}",
    "service.deleted": "{by} deleted the service {record}",
    "contact.added": "{by} added a contact to {record}",
    "member.added": "{by} created the team member {record}",
    "member.edited": "{by} edited {field} of {record}",
    "service.added": "{by} created the service {record}",
    "service.edited": "{by} edited {field} of {record}",
    "member.picked": "{by} added {record} from XPM to the team",
    "team.undone": "{by} undid the last change to the team ({records:person/people})",
    # templates, proposals and jobs
    "services.undone": "{by} undid the last change to the services ({records:service})",
    "service.templates": "{by} linked {record} to {templates:job template}",
    "proposal.added": "{by} created the proposal {record}",
    "proposal.accepted": "{by} accepted {record}: {workflows:workflow} ready",
    "proposal.taken": "{by} took {record} over from Ignition: {workflows:workflow} ready",
    "proposal.rolled": "{by} rolled {record} over into its next term: {workflows:workflow} ready",
    "proposal.revoked": "{by} revoked {record}: {workflows:workflow} stopped",
    "workflow.edited": "{by} edited {field} of {record}",
    "job.added": "{record}: job {job} was created in XPM",
    "job.deployed": "{record}: job {job} is deployed",
    "job.held": "{record}: the job of {day} is held ({why})",
    "job.failed": "{record}: the job of {day} failed ({why})",
    "job.waiting": "XPM refused the job of {record} for {day} a moment ago; before it is sent again, XPM is "
    "given time to list it in case it was created",
    "job.unknown": "No answer to {call} for {record}: the result is being looked up",
    "job.resolved": "The result for {record} was looked up: {why}",
    "job.skipped": "{by} skipped the job of {day} for {record}",
    "job.unskipped": "{by} no longer skips the job of {day} for {record}",
    "job.settled": "{by} decided what happened to the job of {day} for {record}: {choice}",
    "job.again": "{by} asked to create {record} again: XPM no longer has {job}",
    "run.done:deploy": "Run {run} is done: {deployed:job} deployed, {calls:call}, {seconds} s",
    "run.partial:deploy": "Run {run} is partly done: {deployed:job} deployed, {failed} failed, {calls:call}",
    "run.held:deploy": "Run {run} created {deployed:job}; {held} held for your decision",
    "run.stopped:deploy": "Run {run} was stopped: {deployed:job} deployed, {calls:call}",
    # files
    "import.clients": "{by} imported {rows:row}: {added} new, {changed} changed, {refused} refused",
    "import.services": "{by} imported {rows:row} (services): {added} new, {changed} changed, "
    "{refused} refused",
    "import.team": "{by} imported {rows:row} (team): {added} new, {changed} changed, {refused} refused",
    "import.proposals": "{by} imported {rows:row} (proposals): {added} new, {changed} changed, "
    "{refused} refused",
    "inbox.file": "A file from the inbox was processed ({rule}): {file}",
    "inbox.failed": "A file from the inbox could not be imported: {file}",
    "inbox.emptied": (
        "The inbox was processed: {imported:file} imported, {unchanged} without changes, {failed} failed"
    ),
    "import.edit": "{field} of {record} was changed in Ignition",
    "import.undone": "{by} undid import {batch}: {removed:record} removed, {restored} restored, "
    "{left} left as they are",
    "export.clients": "{by} exported {count:client}",
    "export.services": "{by} exported {count:service}",
    "export.team": "{by} exported {count:team member}",
    "export.proposals": "{by} exported {count:proposal}",
    # everything else
    "settings.set": "{by} set {name}",
    "schedule.installed": "{by} installed the schedule",
    "schedule.removed": "{by} removed the schedule",
    "notify.sent": "The notification command was run ({rule})",
    "notify.failed": "The notification command failed: it ended with {status}",
}

REASONS: dict[str, Labels] = {
    "sync.link": labels.RULES,
    "sync.change": labels.RULES,
    "sync.moved": labels.CHANGED_SINCE_PLANNED,
    "sync.resolved": labels.INTENT_STATES,
    "sync.decided": labels.DECISIONS,
    "job.resolved": labels.INTENT_STATES,
    "job.held": reason_labels.JOB_CAUSES,
    "job.failed": reason_labels.JOB_CAUSES,
}
"""The labels of reasons by the event's key, then by its rule or outcome."""


Names = Callable[[str], str]
"""A function from an id (``c12``, ``c12/k3``, ``t4``, an XPM UUID, ``tenant:`` and the id of a practice) to a
name; empty if it has none."""

Values = Callable[[Event], str]
"""A function from an event to its values, ``old → new``; empty if it has none."""

_ABSENT = "?"


def sentence(event: Event, names: Names | None = None, values: Values | None = None) -> str:
    """Return the sentence of an event. Its names are data: pass it through the safe-text functions.

    Args:
        event: The event.
        names: Names records; without it their ids are shown.
        values: Returns the values that an event wrote; without it, and in a masked log, none are shown.
    """
    template = _template(event)
    if template is None:
        return _bare(event, names)
    text = _FORMAT.vformat(template, (), _parts(event, names))
    written = values(event) if values is not None else ""
    if not written:
        return text
    # The values come before the reason, because a line may be too long for the screen.
    before, bracket, reason = text.rpartition(" (")
    return f"{before}: {written}{bracket}{reason}" if bracket else f"{text}: {written}"


def _template(event: Event) -> str | None:
    """Return the template for the rule or the side of an event if there is one, otherwise that of its key."""
    if event.key == "call" and not event.status:
        return SENTENCES["call:no-answer"]
    for variant in (event.rule, event.numbers.get("side")):
        found = SENTENCES.get(f"{event.key}:{variant}") if variant else None
        if found is not None:
            return found
    return SENTENCES.get(event.key)


class _SentenceFormatter(string.Formatter):
    """A formatter that inserts values only as they are, without access to attributes or items."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(field_name, _ABSENT), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec and isinstance(value, int | float):
            return count(value, format_spec)
        return scalar(value, none=_ABSENT)


_FORMAT = _SentenceFormatter()


def _parts(event: Event, names: Names | None) -> dict[str, object]:
    parts: dict[str, object] = {
        "by": event.by or _ABSENT,
        "run": event.run or _ABSENT,
        "record": _named(event.record, names),
        "uuid": _named(event.uuid, names),
        "field": _field(event) or _ABSENT,
        "rule": event.rule or _ABSENT,
        "why": _why(event),
        "call": event.call or _ABSENT,
        "status": event.status or _ABSENT,
        "outcome": event.outcome or _ABSENT,
        "case": event.case or _ABSENT,
        "correlation": event.correlation or _ABSENT,
    }
    numbers = dict(event.numbers)
    minutes = numbers.get("minutes")
    long = isinstance(minutes, int) and minutes > 0
    numbers["pace"] = f"at least {count(int(minutes or 0), 'minute')}" if long else "less than a minute"
    if trigger := TRIGGERS.get(str(numbers.get("trigger", ""))):
        numbers["trigger"] = in_sentence(trigger.text)
    for name, known in (("direction", labels.DIRECTIONS), ("level", labels.LEVELS)):
        if chosen := known.get(str(numbers.get(name, ""))):
            numbers[name] = chosen.text
    for name in ("tenant", "before"):
        if id_ := str(numbers.get(name, "")):
            known_name = names(f"{TENANT}{id_}") if names is not None else ""
            numbers[name] = known_name or f"the practice with the id {id_}"
    with suppress(ValueError):
        numbers["day"] = day(date.fromisoformat(str(numbers.get("day", ""))))
    # An event has this number only if it is not 0.
    return {"unsendable": 0, **numbers, **parts} if event.numbers else parts


def in_sentence(field: str) -> str:
    """Return a field's label within a sentence: ``contact name``, but ``GST number`` as it is."""
    text = label(field) if field in BY_NAME else field.replace("_", " ")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _field(event: Event) -> str:
    """Return the label of the field of an event, within a sentence."""
    of_client = event.key.startswith(("sync.", "client."))
    return in_sentence(event.field) if of_client else event.field.replace("_", " ")


def _why(event: Event) -> str:
    known = REASONS.get(event.key, {})
    found = next((known[code] for code in (event.rule, event.outcome) if code in known), None)
    if found is None:
        return event.rule or _ABSENT
    return of_sides(found.reason, str(event.numbers.get("side", "")))


def _named(id_: str, names: Names | None) -> str:
    if not id_:
        return _ABSENT
    return (names(id_) if names is not None else "") or id_


def _bare(event: Event, names: Names | None) -> str:
    """Return all parts of an event whose key this version does not know."""
    parts = [event.key.replace(".", " ").replace("_", " ")]
    for name, value in _parts(event, names).items():
        if value != _ABSENT and name not in ("by", "run", "why"):
            parts.append(f"{name.replace('_', ' ')} {scalar(value, none=_ABSENT)}")
    return parts[0] if len(parts) == 1 else f"{parts[0]}: {', '.join(parts[1:])}"
