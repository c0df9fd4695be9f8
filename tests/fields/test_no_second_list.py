"""Nobody keeps a second list of client or contact fields: they are all derived from the registry.

What counts as a list is any tuple, list, set, dictionary or call that names three or more fields, XPM
elements or headings of the registry. Those that do so and are no list of fields are named below, with the
reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import xpm_tui
from tests.support.source_code import parsed
from xpm_tui.domain import fields

ROOT = Path(xpm_tui.__file__).parent
TELLING = 3
VOCABULARIES = {
    "attributes": {name for field in fields.FIELDS for name in (field.attribute, field.name)},
    "elements": {
        word for field in fields.FIELDS if field.xpm for word in (*field.xpm.read, field.xpm.write) if word
    },
    "headings": {field.csv.heading for field in fields.COLUMNS if field.csv},
}

ALLOWED = {
    "domain/fields.py": "the registry itself",
    "domain/field_types.py": "the kinds of fields",
    "ignition/cell_readers.py:READERS": "the readers of kinds",
    # Records of another kind, whose fields happen to have the same names.
    "ignition/export.py": "proposals, services and team members",
    "ignition/proposal_import.py": "proposals",
    "ignition/record_merge.py": "proposals",
    "ignition/client_rows.py:ClientRowReader": "what tells whose row it is",
    "ignition/forms.py:TEAM": "team members",
    "ignition/forms.py:PROPOSALS": "proposals",
    "deploy/job_spec.py": "jobs",
    "domain/reason_labels.py:JOB_FIELDS": "jobs",
    "application/jobs/workflow_edits.py": "jobs",
    "application/jobs/queries.py": "jobs",
    "application/jobs/proposals.py": "proposals",
    "application/jobs/renewals.py": "proposals",
    "deploy/renewal.py": "proposals",
    "application/presenters/lookup.py:skipped_undo_views": "what an undo leaves, by record",
    "application/runs/history.py:_view": "which record a written value belongs to",
    "application/team/queries.py": "team members and staff",
    "sync/applying/adoption.py": "staff",
    "sync/outbox.py:staff_creation": "staff",
    "tui/widgets/job_lines.py": "jobs",
    "xero/client/practice.py:XeroPractice": "staff",
    "xero/codec/deserializers.py:_STAFF": "staff",
    "xero/codec/deserializers.py:_JOB": "jobs",
    # What identifies a client, or tells its state: a decision about few fields, not a list of all.
    "commands/clients.py:search_clients": "the table of a search",
    "ignition/forms.py:CLIENTS": "what a file needs at least",
    "application/clients/link_review.py:_proposal": "the summary of a proposed client",
    "application/clients/link_review.py:clients_to_review": "the summary of a client that needs a link",
    "application/presenters/views.py:ContactView": "the summary of a contact on one line",
    "sync/applying/run_results.py:merge_client": "what an answer to a write may leave out",
    "sync/applying/local_writes.py:own_contact": "the contact made of an individual's own name",
    "sync/matching/similarity.py": "evidence",
    "sync/matching/proposals.py": "evidence",
    "sync/matching/successors.py": "evidence",
    "sync/manual/client_creation.py:_successors": "the summary of a client that is in the way",
    "sync/canonical.py:xpm_fingerprint": "the state of a client",
    "tui/widgets/search_hits.py": "the summary of a proposed client",
    "commands/parameter_labels.py": "parameters of commands, members and proposals",
    "ignition/event_schema.py:EXAMPLES": "an example of each event",
    "ignition/stamps.py:_StampedRow": "by what a contact is found",
    "cli/demo.py": "a sample file, written as Ignition would",
}


def _named(node: ast.AST) -> set[str]:
    """The words that one expression names as its direct parts, calls inside it included."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.Attribute):
        return {node.attr}
    parts: list[ast.AST] = []
    found: set[str] = set()
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = [*node.elts]
    elif isinstance(node, ast.Dict):
        parts = [each for each in (*node.keys, *node.values) if each is not None]
    elif isinstance(node, ast.Call):
        parts = [*node.args]
        found = {keyword.arg for keyword in node.keywords if keyword.arg}
    elif isinstance(node, ast.Starred):
        parts = [node.value]
    return found.union(*map(_named, parts))


def _lists(text: str) -> Iterator[tuple[str, int, str]]:
    """Top-level name, line and words of everything that looks like a list of fields."""
    for top in parsed(text).body:
        target = top.targets[0] if isinstance(top, ast.Assign) else getattr(top, "target", None)
        name = target.id if isinstance(target, ast.Name) else getattr(top, "name", "")
        for node in ast.walk(top):
            if not isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Call):
                continue
            words = _named(node)
            for vocabulary in VOCABULARIES.values():
                known = words & vocabulary
                if len(known) >= TELLING:
                    yield name, node.lineno, ", ".join(sorted(known))


def _found() -> Iterator[tuple[str, str, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        module = path.relative_to(ROOT).as_posix()
        if not module.startswith("sandbox/"):  # The sandbox knows XPM by itself: it proves what we do.
            for name, line, words in _lists(path.read_text(encoding="utf-8")):
                yield module, name, f"{module}:{line} names {words}"


def test_no_module_has_a_second_list_of_fields() -> None:
    found = [said for module, name, said in _found() if not {module, f"{module}:{name}"} & ALLOWED.keys()]
    assert found == [], "derive these from xpm_tui.domain.fields"


def test_every_exception_is_still_needed() -> None:
    needed = {place for module, name, _ in _found() for place in (module, f"{module}:{name}")}
    assert set(ALLOWED) - needed == set()


@pytest.mark.parametrize(
    "text",
    [
        'CONTACT = (("name", "name"), ("email", "e-mail"), ("phone", "phone"), ("mobile", "mobile"))',
        'ELEMENTS = {"fax": "Fax", "city": "City", "website": "WebSite"}',
        "def told(client):\n    return View(phone=client.phone, fax=client.fax, city=client.city)",
        'def lines(view):\n    return ", ".join((view.address, view.city, view.region))',
        'HEADINGS = ["Postal Address", "Postal City", "Postal Region"]',
        'if x in {"groups", "tax_registered", "partner"}: pass',
    ],
)
def test_a_second_list_is_seen(text: str) -> None:
    assert list(_lists(text))


COMPUTED_WITH_DEFAULT = {
    "commands/effects.py": "an option that a command need not have",
    "commands/registry.py": "a parameter that a call need not name",
    "application/jobs/workflow_edits.py": "a proposal or a client that may be missing",
    "tui/screens/area.py": "an action that a screen need not have",
}


def _hiding(text: str) -> Iterator[int]:
    """Lines of ``getattr(record, name, default)``: where the field is missing, it hides that."""
    for node in ast.walk(parsed(text)) if "getattr(" in text else ():
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(called, ast.Name) and called.id == "getattr":
            hides = len(node.args) == 3 and not isinstance(node.args[1], ast.Constant)
            yield from [node.lineno] * hides


def test_a_missing_field_is_hidden_nowhere() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{line}"
        for path in sorted(ROOT.rglob("*.py"))
        for line in _hiding(path.read_text(encoding="utf-8"))
    }
    assert {place for place in found if place.partition(":")[0] not in COMPUTED_WITH_DEFAULT} == set()
    assert list(_hiding("x = getattr(view, rule.name, None)")) == [1]
