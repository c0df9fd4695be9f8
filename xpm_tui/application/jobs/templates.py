"""The job templates that services use: proposed by name, and linked by a user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from xpm_tui.application import undo_history
from xpm_tui.application.jobs.services import find_service
from xpm_tui.application.jobs.views import (
    CoverageView,
    LikelyView,
    ServiceLinkView,
    TemplateRow,
    TemplateView,
)
from xpm_tui.application.practice import OpenPractice, list_state
from xpm_tui.application.presenters.lookup import only_hit
from xpm_tui.application.presenters.views import RefView
from xpm_tui.deploy.job_spec import BUDGET, UUID, amount
from xpm_tui.deploy.services import NO_BUDGET, VALUE, coverage, likely_templates
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.events import Event
from xpm_tui.domain.formatting import count
from xpm_tui.domain.identity import exact
from xpm_tui.domain.ignition import Service
from xpm_tui.domain.ports import Snapshot
from xpm_tui.domain.safe_text import visible
from xpm_tui.domain.tables import CATEGORIES, PROPOSALS, SERVICES, TEMPLATES
from xpm_tui.domain.xpm import Template

DEFAULT = "default"
"""The value of a category or budget with which a service follows the practice's settings."""
FILTERS: tuple[tuple[str, str], ...] = (
    ("", "all"),
    ("open", "nothing chosen"),
    ("proposed", "proposed"),
    ("gone", "gone in XPM"),
    ("no-job", "no job"),
    ("unused", "not used"),
    ("unknown", "no service"),
)
"""Filters of the list: the word of the command line, and the label."""


def list_templates(practice: OpenPractice) -> tuple[list[TemplateView], list[ServiceLinkView], CoverageView]:
    """Return XPM's templates by name, the services in order of arrival, and the coverage."""
    snapshot = practice.snapshot()
    found = coverage(snapshot)
    rows = sorted(snapshot.rows(TEMPLATES), key=lambda row: row.name.casefold())
    templates = [
        TemplateView(uuid=row.uuid, name=row.name, gone=row.gone, services=found.used.get(row.uuid, 0))
        for row in rows
    ]
    counts = Counter(
        id_ for row in snapshot.rows(PROPOSALS) for id_ in {each.service for each in row.services} if id_
    )
    services = [
        service_view(snapshot, service, rows, counts[service.id]) for service in snapshot.rows(SERVICES)
    ]
    view = CoverageView(
        bare=tuple(RefView(id=each.id, name=each.name) for each in found.bare),
        gone=tuple(RefView(id=uuid, name=_name(snapshot, uuid)) for uuid in found.gone),
        unused=tuple(RefView(id=row.uuid, name=row.name) for row in found.unused),
        unknown=found.unknown,
        note=list_state(snapshot, "templates").note,
    )
    return templates, services, view


def list_rows(
    practice: OpenPractice, *, only: str = "", text: str = ""
) -> tuple[list[TemplateRow], int, CoverageView]:
    """Return the rows of the work templates, their number without filters, and the coverage.

    Services come first, by name; then what is not covered: templates that no service uses, and names on
    proposals that are not services.

    Args:
        practice: The open practice.
        only: One of ``FILTERS``, or empty for all rows.
        text: A text that a name, id or UUID must contain.

    Raises:
        BadInput: ``only`` is not a filter.
    """
    if only not in {name for name, _ in FILTERS}:
        known = ", ".join(name for name, _ in FILTERS if name)
        raise BadInput(f"There is no filter called {only}.", hint=f"The filters are: {known}.")
    templates, services, cover = list_templates(practice)
    unused = {ref.id for ref in cover.unused}
    found = [TemplateRow(service=view) for view in sorted(services, key=lambda view: view.name.casefold())]
    found += [TemplateRow(template=view) for view in templates if view.uuid in unused]
    found += [TemplateRow(unknown=name) for name in cover.unknown]
    wanted = text.casefold()
    rows = [row for row in found if _passes(row, only) and wanted in _words(row)]
    return sorted(rows, key=lambda row: wanted not in row.name.casefold()), len(found), cover


def find_row(practice: OpenPractice, key: str) -> TemplateRow:
    """Return the row of a service, an unused template or an unknown name, by its key. Raises ``NotFound``."""
    rows, _, _ = list_rows(practice)
    row = next((row for row in rows if row.key == key), None)
    if row is not None:
        return row
    service = find_service(practice.snapshot(), key).id
    return next(row for row in rows if row.key == service)


def link_templates(
    practice: OpenPractice,
    service: str,
    templates: Sequence[str] = (),
    *,
    no_job: bool = False,
    add: bool = False,
) -> ServiceLinkView:
    """Set which templates a service uses, in this order.

    Args:
        practice: The open practice.
        service: The name or id of the service.
        templates: The templates by name or UUID; none, without ``no_job``, makes it a service without a
        choice.
        no_job: The service creates no job, by choice.
        add: Add the templates to those that the service has.

    Raises:
        NotFound: There is no such service or template.
        BadInput: There are templates as well as ``no_job``, or several templates have that name.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = find_service(snapshot, service)
    if no_job and templates:
        raise BadInput("A service without jobs needs no template: choose one or the other.")
    uuids = [find_template(snapshot, text, before).uuid for text in templates]
    linked = tuple(dict.fromkeys([*(before.templates if add else ()), *uuids]))
    after = msgspec.structs.replace(before, templates=linked, no_job=no_job)
    return _put(practice, snapshot, [after], f"the template choice for {before.name}")[0]


def same_names(snapshot: Snapshot) -> list[tuple[Service, Template]]:
    """Return the services without a choice, each with the one template of the same name."""
    rows = list(snapshot.rows(TEMPLATES))
    by_uuid = {row.uuid: row for row in rows}
    found = []
    for service in snapshot.rows(SERVICES):
        if not service.templates and not service.no_job:
            same = [each for each in likely_templates(service, rows) if each.same]
            if len(same) == 1:
                found.append((service, by_uuid[same[0].uuid]))
    return found


def accept_same(practice: OpenPractice) -> list[ServiceLinkView]:
    """Link every one of :func:`same_names`, in one step that can be undone."""
    practice.writable()
    snapshot = practice.snapshot()
    linked = [
        msgspec.structs.replace(service, templates=(template.uuid,))
        for service, template in same_names(snapshot)
    ]
    return _put(practice, snapshot, linked, f"the links of {count(len(linked), 'service')} by name")


def undo(practice: OpenPractice) -> undo_history.UndoResult:
    """Undo the last change to the services. Raises ``BadInput`` if there is none."""
    undone = undo_history.undo(practice, SERVICES, _on_proposals)
    practice.events.emit(Event(key="services.undone", numbers={"records": len(undone.back)}))
    return undone


def find_template(snapshot: Snapshot, text: str, service: Service | None = None) -> Template:
    """Return a job template by UUID or exact name.

    Where the login may not read XPM's list, a typed UUID is accepted, and so is one that ``service`` uses.

    Raises:
        NotFound: There is no such template, or names cannot be looked up.
        BadInput: Several templates have that name.
    """
    typed = text.strip()
    row = snapshot.get(TEMPLATES, typed.lower())
    if row is not None:
        return row
    hits = [row for row in snapshot.rows(TEMPLATES) if exact(row.name) == exact(typed) and not row.gone]
    row = only_hit(hits, typed, "job templates", lambda each: each.uuid)
    if row is not None:
        return row
    bare = typed.replace("-", "")
    is_uuid = len(bare) == 32 and all(c in "0123456789abcdefABCDEF" for c in bare)
    known = service is not None and typed.lower() in service.templates
    if known or (not snapshot.count(TEMPLATES) and is_uuid):
        return Template(uuid=typed.lower(), name=typed.lower())
    state = list_state(snapshot, "templates")
    if not snapshot.count(TEMPLATES) and state.scope:
        raise NotFound(
            f"'{visible(typed, 80)}' is not a UUID, and names cannot be looked up.", hint=state.note
        )
    raise NotFound(
        f"XPM has no job template '{visible(typed, 80)}'.", hint="List them: xpm-tui templates list"
    )


def find_category(snapshot: Snapshot, text: str) -> str:
    """Return the UUID of a job category by UUID or exact name; empty for an empty text.

    Where the login may not read XPM's list, a typed UUID is accepted.

    Raises:
        NotFound: There is no such category, or names cannot be looked up.
        BadInput: Several categories have that name.
    """
    if not text:
        return ""
    row = snapshot.get(CATEGORIES, text.lower())
    if row is None and UUID.fullmatch(text) and not snapshot.count(CATEGORIES):
        return text.lower()
    hits = [row] if row else [
        each for each in snapshot.rows(CATEGORIES) if exact(each.name) == exact(text) and not each.gone
    ]  # fmt: skip
    if not hits:
        names = ", ".join(sorted(each.name for each in snapshot.rows(CATEGORIES) if not each.gone)[:12])
        state = list_state(snapshot, "categories")
        if not names and state.scope:
            raise NotFound(f"'{visible(text, 80)}' cannot be looked up.", hint=state.note)
        raise NotFound(f"XPM has no job category '{visible(text, 80)}'.", hint=f"It has: {names or 'none'}.")
    found = only_hit(hits, text, "job categories", lambda each: each.uuid)
    return found.uuid if found is not None else ""


def set_rules(
    practice: OpenPractice, service: str, *, category: str | None = None, budget: str | None = None
) -> ServiceLinkView:
    """Set the category that the jobs of a service get, and what the service adds to their budget.

    ``default`` returns to the practice's own rule, and None changes nothing.

    Raises:
        NotFound: There is no such service or category.
        BadInput: A value cannot be used.
    """
    practice.writable()
    snapshot = practice.snapshot()
    before = after = find_service(snapshot, service)
    if category is not None:
        follows = category.strip().casefold() in ("", DEFAULT)
        uuid = "" if follows else find_category(snapshot, category.strip())
        after = msgspec.structs.replace(after, category=uuid)
    if budget is not None:
        after = msgspec.structs.replace(after, budget=_budget_rule(budget.strip()))
    return _put(practice, snapshot, [after], f"the category and budget of {before.name}")[0]


def _budget_rule(text: str) -> str:
    word = text.casefold()
    if word in ("", DEFAULT):
        return ""
    if word in (NO_BUDGET, VALUE):
        return word
    plain = amount(text)
    if not BUDGET.fullmatch(plain):
        raise BadInput(
            f"budget: '{visible(text, 40)}' is not a budget.",
            hint=f"Write {NO_BUDGET}, {VALUE} (its price), an amount such as 400.00, or {DEFAULT}.",
        )
    return plain


def service_view(
    snapshot: Snapshot, service: Service, rows: list[Template], on_proposals: int = 0
) -> ServiceLinkView:
    """Return one service, with proposals if nothing was chosen."""
    open_ = not service.templates and not service.no_job
    found = likely_templates(service, rows) if open_ else []
    listed = {row.uuid for row in rows if not row.gone}
    refs = tuple(RefView(id=uuid, name=_name(snapshot, uuid)) for uuid in service.templates)
    return ServiceLinkView(
        id=service.id,
        name=service.name,
        templates=refs,
        no_job=service.no_job,
        proposals=tuple(
            LikelyView(uuid=each.uuid, name=each.name, score=each.score, same=each.same) for each in found
        ),
        gone=tuple(ref for ref in refs if rows and ref.id not in listed),
        on_proposals=on_proposals,
        category=_category_ref(snapshot, service.category),
        budget=service.budget,
    )


def _category_ref(snapshot: Snapshot, uuid: str) -> RefView | None:
    row = snapshot.get(CATEGORIES, uuid) if uuid else None
    name = uuid if row is None else f"{row.name} (gone)" if row.gone else row.name
    return RefView(id=uuid, name=name) if uuid else None


def _put(practice: OpenPractice, snapshot: Snapshot, rows: list[Service], what: str) -> list[ServiceLinkView]:
    changed = [row for row in rows if snapshot.get(SERVICES, row.id) != row]
    undo_history.commit_undoable(practice, snapshot, SERVICES, changed, what)
    for row in changed:
        practice.events.emit(
            Event(key="service.templates", record=row.id, numbers={"templates": len(row.templates)})
        )
    after = practice.snapshot()
    templates = list(after.rows(TEMPLATES))
    return [service_view(after, row, templates) for row in rows]


def _on_proposals(snapshot: Snapshot) -> set[str]:
    return {each.service for row in snapshot.rows(PROPOSALS) for each in row.services}


def _passes(row: TemplateRow, only: str) -> bool:
    service = row.service
    if only == "open":
        return service is not None and not service.templates and not service.no_job
    if only == "proposed":
        return service is not None and bool(service.proposals)
    if only == "gone":
        return service is not None and bool(service.gone)
    if only == "no-job":
        return service is not None and service.no_job
    if only == "unused":
        return row.template is not None
    return only != "unknown" or bool(row.unknown)


def _words(row: TemplateRow) -> str:
    found: Iterable[str] = (row.name, row.key)
    if row.service is not None:
        found = (*found, *(ref.name for ref in row.service.templates))
    return "\n".join(found).casefold()


def _name(snapshot: Snapshot, uuid: str) -> str:
    row = snapshot.get(TEMPLATES, uuid)
    return uuid if row is None else f"{row.name} (gone)" if row.gone else row.name
