"""Job templates of services: filters, missing templates, equal names, undo, defaults of new jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from xpm_tui.application.jobs import services as job_defaults
from xpm_tui.application.jobs import templates
from xpm_tui.application.practice import ListState, OpenPractice, put
from xpm_tui.application.status.summary import summarize
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.ignition import Proposal, ProposalService, Service
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import CATEGORIES, PROPOSALS, SERVICES, TEMPLATES
from xpm_tui.domain.xpm import Category, Template

AT = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def filled(practice: OpenPractice) -> OpenPractice:
    practice.ids.new("s", 5)
    lines = (ProposalService(name="Accounts", service="s1"), ProposalService(name="Unheard of"))
    practice.store.commit(
        [
            Put(SERVICES, Service(id="s1", name="Accounts")),
            Put(SERVICES, Service(id="s2", name="Payroll run")),
            Put(SERVICES, Service(id="s3", name="Old", templates=("b", "z"))),
            Put(SERVICES, Service(id="s4", name="Chat", no_job=True)),
            Put(SERVICES, Service(id="s5", name="Tax")),
            Put(TEMPLATES, Template(uuid="a", name="accounts!")),
            Put(TEMPLATES, Template(uuid="b", name="Gone one", gone=True)),
            Put(TEMPLATES, Template(uuid="c", name="Payroll")),
            Put(TEMPLATES, Template(uuid="d", name="Tax")),
            Put(TEMPLATES, Template(uuid="e", name="TAX")),
            Put(PROPOSALS, Proposal(id="o1", name="P", services=lines)),
            Put(CATEGORIES, Category(uuid="k", name="Compliance")),
            Put(CATEGORIES, Category(uuid="l", name="Left", gone=True)),
            put("list:categories", ListState(at=AT, full=AT)),
        ]
    )
    return practice


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        ("open", ["Accounts", "Payroll run", "Tax"]),
        ("proposed", ["Accounts", "Payroll run", "Tax"]),
        ("gone", ["Old"]),
        ("no-job", ["Chat"]),
        ("unused", ["accounts!", "Payroll", "Tax", "TAX"]),
        ("unknown", ["Unheard of"]),
    ],
)
def test_filters(filled: OpenPractice, only: str, shown: list[str]) -> None:
    rows, total, _ = templates.list_rows(filled, only=only)
    assert ([row.name for row in rows], total) == (shown, 10)


def test_letters_look_in_names_ids_and_templates(filled: OpenPractice) -> None:
    assert [row.name for row in templates.list_rows(filled, text="GONE ONE")[0]] == ["Old"]
    with pytest.raises(BadInput, match="no filter"):
        templates.list_rows(filled, only="nonsense")


def test_only_one_template_of_the_name_is_the_same(filled: OpenPractice) -> None:
    assert [(s.id, t.uuid) for s, t in templates.same_names(filled.snapshot())] == [("s1", "a")]
    assert [view.id for view in templates.accept_same(filled)] == ["s1"]
    assert templates.accept_same(filled) == []
    assert templates.undo(filled).back == ("s1",)
    assert filled.snapshot().get(SERVICES, "s1") == Service(id="s1", name="Accounts")


def test_choices_are_undone_in_their_order(filled: OpenPractice) -> None:
    templates.link_templates(filled, "s2", ["c", "a"])
    templates.link_templates(filled, "s2", no_job=True)
    templates.link_templates(filled, "s3", ["z"])
    assert templates.undo(filled).back == ("s3",)
    assert templates.undo(filled).back == ("s2",)
    now = filled.snapshot().get(SERVICES, "s2")
    assert (now.templates, now.no_job) == (("c", "a"), False) if now else False
    job_defaults.new_service(filled, "New", {})
    filled.store.commit(
        [Put(PROPOSALS, Proposal(id="o2", name="Q", services=(ProposalService(name="New", service="s6"),)))]
    )
    assert templates.undo(filled).stay == ("s6",)


def test_what_vanished_is_reported_with_its_count(filled: OpenPractice) -> None:
    templates.link_templates(filled, "s1", ["b"])
    reported = job_defaults.describe_missing_templates(filled.snapshot())
    assert len(reported) == 2
    assert "job template Gone one: 2 services use it" in reported[0]
    assert "job template z: 1 service uses it" in reported[1]
    codes = [problem.code for problem in summarize(filled).problems]
    assert codes.count("vanished") == 2
    assert summarize(filled).exit_code != 1


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("", ""),
        ("Compliance", ""),
        ("compliance", "has no job category"),
        ("Left", "no longer has"),
        ("X", "has no"),
    ],
)
def test_a_default_category_that_is_not_there_is_reported(
    filled: OpenPractice, name: str, reported: str
) -> None:
    if name:
        filled.settings.set("jobs.default_category", name, practice=True)
    error = job_defaults.category_error(filled)
    assert (reported in error) if reported else error == ""
    (category, *_), kinds = job_defaults.defaults(filled), job_defaults.categories(filled)
    assert (category.trouble, category.value) == (error, name or "none")
    assert [each.name for each in kinds] == ["Compliance", "Left"]
    assert [each.default for each in kinds] == [name == "Compliance", name == "Left"]


def test_nothing_is_missing_from_a_list_that_was_never_read(practice: OpenPractice) -> None:
    practice.settings.set("jobs.default_category", "Tax", practice=True)
    rows: list[Any] = [Put(SERVICES, Service(id="s1", name="Old", templates=("b",)))]
    practice.store.commit(rows)
    assert job_defaults.category_error(practice) == ""
    assert job_defaults.describe_missing_templates(practice.snapshot()) == []
