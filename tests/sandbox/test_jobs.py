"""job.api: windows, states, templates, assignments, tasks."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.sandbox.fixtures import SandboxFixture, tags, texts
from xpm_tui.sandbox.clock import stamp

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def new_job(env: SandboxFixture, more: str = "", name: str = "2026 Annual Accounts") -> etree._Element:
    client = env.case("complete")[0]
    body = (
        f"<Job><Name>{name}</Name><Description>one\ntwo</Description><ClientUUID>{client}</ClientUUID>"
        f"<StartDate>20260701</StartDate><DueDate>20261031</DueDate>{more}</Job>"
    )
    found = (await env.xml("POST", "job.api/add", body)).find("Job")
    assert found is not None
    return found


def template(env: SandboxFixture, name: str) -> str:
    return next(row.uuid for row in env.sandbox.practice.templates.values() if row.name == name)


async def change(env: SandboxFixture, method: str, path: str, number: str, more: str) -> etree._Element:
    return await env.xml(method, path, f"<Job><ID>{number}</ID>{more}</Job>")


async def test_a_new_job_in_wire_order_with_its_templates_tasks() -> None:
    env = await SandboxFixture.ready()
    category = next(iter(env.sandbox.practice.categories.values()))
    job = await new_job(
        env,
        f"<ClientNumber>PO 1</ClientNumber><TemplateUUID>{template(env, 'Annual Accounts')}</TemplateUUID>"
        f"<CategoryUUID>{category.uuid}</CategoryUUID><Budget>550</Budget>",
    )
    assert tags(job) == (
        "ID UUID Name Description Client ClientOrderNumber Budget State Type StartDate DueDate Assigned Tasks"
        " Milestones Notes WebUrl".split()
    )
    assert (job.findtext("ID") or "").startswith("J0000")
    assert job.findtext("State") == "Planned"
    assert job.findtext("Type") == category.name
    assert job.findtext("Budget") == "550.00"
    assert job.findtext("StartDate") == "2026-07-01T00:00:00"
    assert len(texts(job, "Tasks/Task/UUID")) == 4
    assert texts(job, "Milestones/Milestone/Date") == ["2026-07-31T00:00:00", "2026-09-24T00:00:00"]
    assert job.find("Manager") is None


async def test_numbers_are_in_sequence_except_those_assigned_manually() -> None:
    env = await SandboxFixture.ready()
    first = (await new_job(env)).findtext("ID") or ""
    following = f"J{int(first[1:]) + 1:06d}"
    taken = await new_job(env, f"<ID>{following}</ID>")
    assert taken.findtext("ID") == following
    assert (await new_job(env)).findtext("ID") == f"J{int(first[1:]) + 2:06d}"


async def test_a_number_that_exists() -> None:
    env = await SandboxFixture.ready()
    await new_job(env, "<ID>ACC-1</ID>")
    before = len(env.sandbox.practice.jobs)
    body = (
        f"<Job><Name>n</Name><Description/><ClientUUID>{env.case('complete')[0]}</ClientUUID>"
        "<StartDate>20260701</StartDate><DueDate>20261031</DueDate><ID>ACC-1</ID></Job>"
    )
    assert (await env.error("POST", "job.api/add", body))[1] == "Job ID already exists"
    assert len(env.sandbox.practice.jobs) == before
    env.sandbox.switches = env.sandbox.switches.changed({"duplicate_job_id": "accept"})
    root = await env.xml("POST", "job.api/add", body)
    assert (root.findtext("Job/ID") or "").startswith("J")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("<Name>n</Name>", ""), "'Name'"),
        (("<Description/>", ""), "'Description'"),
        (("<StartDate>20260701", "<StartDate>2026-07-01"), "yyyyMMdd"),
        (("20261031", "20261331"), "yyyyMMdd"),
        (("<DueDate>20261031</DueDate>", ""), "'DueDate'"),
        (("<Budget>1</Budget>", "<Budget>much</Budget>"), "'Budget'"),
        (("<ClientUUID>{client}", f"<ClientUUID>{UNKNOWN}"), "Invalid client identifier"),
        (
            ("<Budget>1</Budget>", f"<TemplateUUID>{UNKNOWN}</TemplateUUID>"),
            "Invalid job template identifier",
        ),
        (
            ("<Budget>1</Budget>", f"<CategoryUUID>{UNKNOWN}</CategoryUUID>"),
            "Invalid job category identifier",
        ),
        (("<Budget>1</Budget>", f"<ContactUUID>{UNKNOWN}</ContactUUID>"), "Invalid contact identifier"),
        (("<Budget>1</Budget>", "<ID>a b</ID>"), "'ID'"),
    ],
)
async def test_what_add_refuses(change: tuple[str, str], words: str) -> None:
    env = await SandboxFixture.ready()
    before = dict(env.sandbox.practice.jobs)
    body = (
        "<Job><Name>n</Name><Description/><ClientUUID>{client}</ClientUUID><StartDate>20260701</StartDate>"
        "<DueDate>20261031</DueDate><Budget>1</Budget></Job>"
    )
    body = body.replace(*change).replace("{client}", env.case("complete")[0])
    assert words in (await env.error("POST", "job.api/add", body))[1]
    assert env.sandbox.practice.jobs == before


async def test_list_complains_one_parameter_at_a_time() -> None:
    env = await SandboxFixture.ready()
    form = "Required parameter '{}' should be specified in the format 'yyyyMMdd'"
    assert await env.error("GET", "job.api/list") == (400, form.format("from"))
    assert await env.error("GET", "job.api/list?to=2026-01-01") == (400, form.format("from"))
    assert await env.error("GET", "job.api/list?from=20260101") == (400, form.format("to"))
    status, words = await env.error("GET", "job.api/list?from=20250101&to=20260102")
    assert (status, "less than one year" in words) == (400, True)
    await env.xml("GET", "job.api/list?from=20250101&to=20260101")


async def test_the_window_is_by_creation_and_inclusive() -> None:
    env = await SandboxFixture.ready(250)
    days = sorted({stamp(job.created)[:10].replace("-", "") for job in env.sandbox.practice.jobs.values()})
    day = days[len(days) // 2]
    root = await env.xml("GET", f"job.api/list?from={day}&to={day}")
    expected = {
        number
        for number, job in env.sandbox.practice.jobs.items()
        if stamp(job.created)[:10].replace("-", "") == day
    }
    assert set(texts(root, "Jobs/Job/ID")) == expected != set()


async def test_current_has_open_jobs_in_order_and_details_on_demand() -> None:
    env = await SandboxFixture.ready(250)
    root = await env.xml("GET", "job.api/current")
    states = set(texts(root, "Jobs/Job/State"))
    assert states
    assert not states & {"Completed", "Cancelled"}
    keys = [
        (
            (job.findtext("Client/Name") or "").casefold(),
            job.findtext("StartDate") or "",
            job.findtext("ID") or "",
        )
        for job in root.iterfind("Jobs/Job")
    ]
    assert keys == sorted(keys)
    assert root.find("Jobs/Job/Tasks") is None
    assert root.find("Jobs/Job/Assigned") is not None
    detailed = await env.xml("GET", "job.api/current?detailed=true")
    assert detailed.find("Jobs/Job/Tasks") is not None


async def test_a_template_whose_task_was_deleted() -> None:
    env = await SandboxFixture.ready()
    uuid = template(env, "GST Return")
    await env.control("POST", "colleague", {"delete": env.sandbox.practice.templates[uuid].tasks[0][0]})
    job = await new_job(env, f"<TemplateUUID>{uuid}</TemplateUUID>")
    assert texts(job, "Tasks/Task/EstimatedMinutes") == ["15"]


async def test_notes_of_a_job_have_a_uuid() -> None:
    env = await SandboxFixture.ready()
    root = await env.xml("GET", "job.api/get/Y200417")
    note = root.find("Job/Notes/Note")
    assert note is not None
    assert tags(note) == ["UUID", "Title", "Text", "Folder", "Date", "CreatedBy", "Comments"]
    assert note.findtext("UUID")


async def test_jobs_of_a_client_and_of_a_person() -> None:
    env = await SandboxFixture.ready()
    number = (await new_job(env)).findtext("ID") or ""
    client, person = env.case("complete")[0], next(iter(env.sandbox.practice.staff))
    assert number in texts(await env.xml("GET", f"job.api/client/{client}"), "Jobs/Job/ID")
    assert number not in texts(await env.xml("GET", f"job.api/staff/{person}"), "Jobs/Job/ID")
    await change(env, "PUT", "job.api/assign", number, f'<add uuid="{person}"/>')
    assert number in texts(await env.xml("GET", f"job.api/staff/{person}"), "Jobs/Job/ID")
    assert (await env.error("GET", f"job.api/client/{UNKNOWN}"))[1] == "Invalid client identifier"


async def test_state_takes_the_code_and_answers_the_status_only() -> None:
    env = await SandboxFixture.ready()
    number = (await new_job(env)).findtext("ID") or ""
    response = await env.call("PUT", "job.api/state", f"<Job><ID>{number}</ID><State>COMPLETED</State></Job>")
    assert response.read() == b'<Response api-method="State"><Status>OK</Status></Response>'
    root = await env.xml("GET", f"job.api/get/{number}")
    assert root.findtext("Job/State") == "Completed"
    assert root.findtext("Job/CompletedDate") == "2026-09-14T00:00:00"
    assert number not in texts(await env.xml("GET", "job.api/current"), "Jobs/Job/ID")
    for wrong in ("Completed", "nonsense"):
        body = f"<Job><ID>{number}</ID><State>{wrong}</State></Job>"
        assert await env.error("PUT", "job.api/state", body) == (200, "Invalid state code")
    env.sandbox.switches = env.sandbox.switches.changed({"status_only_replies": False})
    assert (await change(env, "PUT", "job.api/state", number, "<State>PLANNED</State>")).find(
        "Job"
    ) is not None


async def test_assign_takes_any_mix_or_nothing_of_it() -> None:
    env = await SandboxFixture.ready()
    job = await new_job(env, f"<TemplateUUID>{template(env, 'GST Return')}</TemplateUUID>")
    number, task = job.findtext("ID") or "", job.findtext("Tasks/Task/UUID")
    one, two = list(env.sandbox.practice.staff)[:2]
    mix = (
        f'<add uuid="{one}"/><add uuid="{two}" task-uuid="{task}"/><add-manager uuid="{two}"/>'
        f'<add-partner uuid="{one}"/>'
    )
    root = await change(env, "PUT", "job.api/assign", number, mix)
    assert texts(root, "Job/Assigned/Staff/UUID") == [one, two]
    assert root.findtext("Job/Manager/UUID") == two
    assert root.findtext("Job/Partner/UUID") == one
    assert texts(root, "Job/Tasks/Task/Assigned/Staff/AllocatedMinutes") == ["45"]
    body = f'<Job><ID>{number}</ID><remove-manager/><add uuid="{UNKNOWN}"/></Job>'
    assert await env.error("PUT", "job.api/assign", body) == (200, "Invalid staff identifier for add request")
    assert env.sandbox.practice.jobs[number].manager == two
    root = await change(env, "PUT", "job.api/assign", number, f'<remove-manager/><remove uuid="{one}"/>')
    assert root.find("Job/Manager") is None
    assert texts(root, "Job/Assigned/Staff/UUID") == [two]
    left = env.case("staff who left")[0]
    assert (await env.error("PUT", "job.api/assign", body.replace(UNKNOWN, left)))[0] == 200


async def test_applying_a_template_twice_or_appending() -> None:
    env = await SandboxFixture.ready()
    uuid = template(env, "GST Return")
    number = (await new_job(env)).findtext("ID") or ""
    for expected in (2, 4):
        root = await change(
            env, "POST", "job.api/applytemplate", number, f"<TemplateUUID>{uuid}</TemplateUUID>"
        )
        assert len(texts(root, "Job/Tasks/Task/UUID")) == expected
    mode = f"<TemplateUUID>{uuid}</TemplateUUID><TaskMode>AppendExisting</TaskMode>"
    root = await change(env, "POST", "job.api/applytemplate", number, mode)
    assert texts(root, "Job/Tasks/Task/EstimatedMinutes") == ["90", "30", "45", "15"]
    body = f"<Job><ID>{number}</ID><TemplateUUID>{UNKNOWN}</TemplateUUID></Job>"
    assert await env.error("POST", "job.api/applytemplate", body) == (200, "Invalid job template identifier")


@pytest.mark.parametrize("path", ["POST job.api/delete", "PUT job.api/assign", "POST job.api/applytemplate"])
async def test_a_number_that_does_not_exist(path: str) -> None:
    env = await SandboxFixture.ready()
    method, name = path.split()
    body = "<Job><ID>J999999</ID></Job>"
    assert await env.error(method, name, body) == (200, "Invalid job identifier")


async def test_update_and_delete() -> None:
    env = await SandboxFixture.ready()
    number = (await new_job(env)).findtext("ID") or ""
    category = list(env.sandbox.practice.categories.values())[1]
    more = (
        f"<Name>Other</Name><Description/><DueDate>20261130</DueDate><CategoryID>{category.uuid}</CategoryID>"
        f"<ClientUUID>{UNKNOWN}</ClientUUID>"
    )
    root = await change(env, "PUT", "job.api/update", number, more)
    assert root.findtext("Job/Name") == "Other"
    assert root.findtext("Job/Type") == category.name
    assert root.findtext("Job/StartDate") == "2026-07-01T00:00:00"
    assert root.findtext("Job/Client/UUID") == env.case("complete")[0]
    response = await env.call("POST", "job.api/delete", f"<Job><ID>{number}</ID></Job>")
    assert response.read() == b'<Response api-method="Delete"><Status>OK</Status></Response>'
    assert (await env.error("GET", f"job.api/get/{number}"))[1] == "Invalid job identifier"


async def test_tasks_of_a_job() -> None:
    env = await SandboxFixture.ready()
    number = (await new_job(env)).findtext("ID") or ""
    known = list(env.sandbox.practice.tasks.values())
    uuids = []
    for task in known[:2]:
        more = f"<TaskUUID>{task.uuid}</TaskUUID><Label/><DueDate>20261001</DueDate>"
        body = f"<Task><Job>{number}</Job>{more}</Task>"
        root = await env.xml("POST", "job.api/task", body)
        assert tags(root) == ["Status", "UUID"]
        uuids.append(root.findtext("UUID") or "")
    body = f"<Task><UUID>{uuids[0]}</UUID><Label>Mine</Label><EstimatedMinutes>75</EstimatedMinutes></Task>"
    await env.xml("PUT", "job.api/task", body)
    root = await env.xml("PUT", f"job.api/task/{uuids[0]}/complete")
    assert texts(root, "Job/Tasks/Task/Completed") == ["true", "false"]
    assert texts(root, "Job/Tasks/Task/Name") == ["Mine", known[1].name]
    due = await env.xml("GET", "job.api/tasks?complete=false&due=20261001")
    assert uuids[1] in texts(due, "Jobs/Job/Tasks/Task/UUID")
    assert uuids[0] not in texts(due, "Jobs/Job/Tasks/Task/UUID")
    root = await env.xml("PUT", f"job.api/task/{uuids[0]}/reopen")
    assert texts(root, "Job/Tasks/Task/Completed") == ["false", "false"]
    order = f"<Job><ID>{number}</ID><Tasks><Task><UUID>{uuids[1]}</UUID></Task></Tasks></Job>"
    root = await env.xml("PUT", "job.api/reordertasks", order)
    assert texts(root, "Job/Tasks/Task/UUID") == uuids[::-1]


async def test_a_new_job_may_inherit_managers_or_show_late() -> None:
    env = await SandboxFixture.ready(jobs_inherit_managers=True, create_lag=120)
    job = await new_job(env)
    assert job.findtext("Manager/Name") == "Tom Reid"
    number = job.findtext("ID") or ""
    assert number not in texts(await env.xml("GET", "job.api/current"), "Jobs/Job/ID")
    env.sandbox.clock.advance(120)
    assert number in texts(await env.xml("GET", "job.api/current"), "Jobs/Job/ID")


async def test_lists_are_sorted_without_regard_to_case() -> None:
    env = await SandboxFixture.ready()
    for path, place in (
        ("template.api/list", "Templates/Template"),
        ("category.api/list", "Categories/Category"),
        ("task.api/list", "TaskList/Task"),
        ("staff.api/list", "StaffList/Staff"),
    ):
        names = texts(await env.xml("GET", path), f"{place}/Name")
        assert names == sorted(names, key=str.casefold)
        assert names
    states = await env.xml("GET", "jobstate.api/list")
    assert texts(states, "JobStates/JobState/Name")[0] == "Planned"
    task = texts(await env.xml("GET", "task.api/list"), "TaskList/Task/UUID")[0]
    assert (await env.xml("GET", f"task.api/get/{task}")).findtext("Task/UUID") == task


async def test_old_jobs_name_people_who_left() -> None:
    env = await SandboxFixture.ready()
    (left,) = env.case("staff who left")
    listed = await env.xml("GET", "staff.api/list")
    assert left not in texts(listed, "StaffList/Staff/UUID")
    root = await env.xml("GET", f"client.api/get/{env.case('manager left')[0]}")
    assert root.findtext("Client/JobManager/UUID") == left
