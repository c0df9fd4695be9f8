"""A job's category and budget: its own, those of its services, by billing type, the practice's default."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.deploy.fixtures import JobsFixture
from xpm_tui.application.jobs import queries as jobs
from xpm_tui.application.jobs import services as job_settings
from xpm_tui.application.jobs import templates
from xpm_tui.application.jobs import workflow_edits as job_editing
from xpm_tui.domain.errors import BadInput, NotFound
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import PROPOSALS


async def test_rules_of_services_and_billing_types_come_before_the_default(tmp_path: Path) -> None:
    env = JobsFixture(tmp_path, jobs__default_category="Compliance", jobs__budget="proposal")
    await env.ready()
    practice = env.practice
    for name in ("Payroll run", "Advice", "Filing"):
        job_settings.new_service(practice, name, {})
    templates.link_templates(practice, "Filing", no_job=True)
    env.accepted(services=("Payroll run", "Advice", "Filing"))

    def bill(**billing: str) -> None:
        row = practice.snapshot().get(PROPOSALS, "o1")
        assert row is not None
        services = tuple(
            msgspec.structs.replace(each, price="100", quantity="2", billing=billing.get(each.name[:3], ""))
            for each in row.services
        )
        practice.store.commit([Put(PROPOSALS, msgspec.structs.replace(row, services=services))])

    def shown() -> tuple[str, str, bool]:
        view = jobs.preview_job(practice, "w1")
        differ = any(each.code == "categories-differ" and each.weight == "ask" for each in view.problems)
        return view.category, view.budget, differ

    bill(Pay="Monthly", Adv="ONE_TIME", Fil="Monthly")
    assert shown() == ("Compliance", "600.00", False)
    practice.settings.set("jobs.category_by_billing", "one-time=Advisory", practice=True)
    assert shown() == ("Advisory", "600.00", False), "a service that wants no job says nothing"
    practice.settings.set(
        "jobs.category_by_billing", " one-time = Advisory;monthly=Bookkeeping; ", practice=True
    )
    assert practice.settings.text("jobs.category_by_billing") == "one-time=Advisory; monthly=Bookkeeping"
    assert shown() == ("Bookkeeping", "600.00", True)
    templates.set_rules(practice, "Payroll run", category="Payroll", budget="none")
    assert shown() == ("Payroll", "400.00", False)
    templates.set_rules(practice, "Advice", category="Tax & GST", budget="1,250.50")
    assert shown() == ("Payroll", "1450.50", True)
    practice.settings.set("jobs.budget", "none", practice=True)
    templates.set_rules(practice, "Payroll run", budget="value")
    assert shown() == ("Payroll", "1450.50", True), "a rule of a service counts whatever the default is"
    job_editing.edit_workflow(practice, "w1", {"category": "audit", "budget": "5"})
    assert shown() == ("audit", "5", False)
    templates.undo(practice)
    job_editing.edit_workflow(practice, "w1", {"category": "default", "budget": "default"})
    assert shown() == ("Payroll", "1250.50", True)
    for bad in ({"category": "No such"}, {"budget": "much"}):
        with pytest.raises((NotFound, BadInput)):
            templates.set_rules(practice, "Advice", **bad)
    for text in ("monthly", "monthly=", "a=b; A=c"):
        with pytest.raises(BadInput):
            practice.settings.set("jobs.category_by_billing", text, practice=True)
    practice.settings.set("jobs.category_by_billing", "monthly=Gone", practice=True)
    problems = {each.key: each.trouble for each in job_settings.defaults(practice)}
    assert "XPM has no job category Gone" in problems["jobs.category_by_billing"]
    env.close()
