"""Creating a staff record in the sandbox over the real wire: by the verb, after a preview, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.application.fixtures import PracticeFixture
from xpm_tui.application.team import members
from xpm_tui.commands.effects import AdmittedCall, Effect
from xpm_tui.commands.records import CreateStaff, create_staff
from xpm_tui.domain.errors import BadInput, DecisionNeeded
from xpm_tui.domain.ignition import TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.tables import RUNS, TEAM
from xpm_tui.sync.manual.creation import StaffExists

BO = TeamMember(id="t1", name='Bo "<Li>" & [/] 株', email="bo@x.example")


class Says:
    """A user who answers every question the same, or nobody (None)."""

    def __init__(self, answer: bool | None, *, yes: bool = False) -> None:
        self.call = AdmittedCall(Effect.IRREVERSIBLE, "team create", consent="yes", agreed=yes)
        self.interactive = answer is not None
        self.answer = answer
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def progress(self, sentence: str) -> None:
        pass

    def emit(self, item: Mapping[str, Any], line: str = "") -> None:
        raise AssertionError("nothing streams here")

    async def confirm(self, question: str, *, default: bool = False, button: str = "") -> bool | None:
        self.said.append(question)
        return self.answer

    async def line(self, prompt: str) -> str | None:
        raise AssertionError("nothing is asked for")


async def opened(folder: Path, scopes: str = "both", member: TeamMember = BO) -> PracticeFixture:
    env = PracticeFixture(folder, scopes=scopes)
    await env.connect()
    env.practice.ids.new("t")
    env.practice.store.commit([Put(TEAM, member)])
    return env


def there(env: PracticeFixture, name: str = BO.name) -> list[Any]:
    return [row for row in env.sandbox.practice.staff.values() if row.name == name]


async def test_a_person_sees_what_is_sent_and_may_say_no(tmp_path: Path) -> None:
    env = await opened(tmp_path)
    dialogue = Says(False)
    result = await create_staff(env.practice, CreateStaff(member="t1", mobile="021 1"), dialogue)
    reported = "\n".join(dialogue.said)
    for each in (BO.name, BO.email, "021 1", "staff.api/add", "without login"):
        assert each in reported, each
    assert (list(result.lines), there(env)) == (["Nothing was created."], [])
    dialogue = Says(True)
    made = await create_staff(env.practice, CreateStaff(member="t1", mobile="021 1"), dialogue)
    (row,) = there(env)
    assert (row.email, row.mobile) == (BO.email, "021 1")
    assert made.data["staff"]["uuid"] == row.uuid
    run = env.practice.snapshot().get(RUNS, made.data["run"])
    assert (run.outcome, run.by) == ("done", "mere") if run else False
    with pytest.raises(DecisionNeeded, match="is already linked"):
        await members.create_in_xpm(env.practice, "t1")


async def test_where_nobody_can_be_asked_only_yes_sends(tmp_path: Path) -> None:
    env = await opened(tmp_path)
    held = await create_staff(env.practice, CreateStaff(member="t1"), Says(None))
    assert (held.exit_code, held.data["sent"], there(env)) == (4, {"name": BO.name, "email": BO.email}, [])
    dry = await create_staff(env.practice, CreateStaff(member="t1", dry_run=True), Says(None))
    assert (dry.exit_code, there(env)) == (0, [])
    await create_staff(env.practice, CreateStaff(member="t1", yes=True), Says(None, yes=True))
    assert len(there(env)) == 1


@pytest.mark.parametrize(
    "member",
    [
        TeamMember(id="t1", name="Somebody", email="TOM.reid@harbourhill.example"),
        TeamMember(id="t1", name="Sam Lee", email="new@x.example"),
    ],
)
async def test_who_is_there_is_to_be_linked_unless_it_is_another(tmp_path: Path, member: TeamMember) -> None:
    env = await opened(tmp_path, member=member)
    before = len(env.sandbox.practice.staff)
    with pytest.raises(DecisionNeeded, match="already") as refused:
        await create_staff(env.practice, CreateStaff(member="t1", yes=True), Says(None, yes=True))
    assert "team link t1" in refused.value.hint
    with pytest.raises(StaffExists):
        await members.create_in_xpm(env.practice, "t1")
    assert len(env.sandbox.practice.staff) == before
    await create_staff(env.practice, CreateStaff(member="t1", yes=True, anyway=True), Says(None, yes=True))
    assert len(env.sandbox.practice.staff) == before + 1


async def test_a_login_that_may_only_read_staff_says_which_scope_is_missing(tmp_path: Path) -> None:
    env = await opened(tmp_path, scopes="granular")
    shown = members.preview(env.practice, "t1")
    assert "practicemanager.staff" in shown.blocked
    with pytest.raises(DecisionNeeded, match=r"practicemanager\.staff"):
        await create_staff(env.practice, CreateStaff(member="t1", yes=True), Says(None, yes=True))
    assert there(env) == []


@pytest.mark.parametrize("phone", ["0" * 256, "1\n2"])
async def test_what_xpm_cannot_take_is_said_before(tmp_path: Path, phone: str) -> None:
    env = await opened(tmp_path)
    with pytest.raises(BadInput, match="Phone"):
        members.preview(env.practice, "t1", phone=phone)
