"""Connecting to the sandbox over the real wire: sign in, choose a practice, refuse, disconnect."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from tests.application.fixtures import PracticeFixture
from tests.support.inprocess import consent
from xpm_tui.application.condition import SOUND, conditions
from xpm_tui.application.connection import ConnectionMachine, copy_line, disconnect
from xpm_tui.application.connection_steps import CAN_SKIP
from xpm_tui.application.presenters.lookup import masked, names
from xpm_tui.application.runs import plans
from xpm_tui.application.runs.runner import run
from xpm_tui.application.runs.xpm_refresh import refresh
from xpm_tui.application.status.summary import summarize
from xpm_tui.commands.command import Dialogue
from xpm_tui.commands.connection import _read_lines
from xpm_tui.domain.errors import (
    AccessDenied,
    AppError,
    BadInput,
    CaseId,
    DecisionNeeded,
    LoginNeeded,
    XeroError,
)
from xpm_tui.domain.tables import CATEGORIES, STAFF, TEMPLATES, XPM_CLIENTS
from xpm_tui.log.sentences import sentence
from xpm_tui.sandbox.faults import Fault


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


def states(connecting: ConnectionMachine) -> dict[str, str]:
    return {step.name: step.state for step in connecting.steps()}


def now(connecting: ConnectionMachine) -> str | None:
    return connecting.now


async def test_a_refused_login_is_reported_by_status(env: PracticeFixture) -> None:
    await env.connect()
    assert summarize(env.practice).exit_code == 0
    await env.control("tokens", revoke=True)
    with pytest.raises(LoginNeeded):
        await refresh(env.practice)
    summary = summarize(env.practice)
    assert (summary.exit_code, summary.problems[0].code) == (3, "login-needed")
    assert summary.login_needed
    assert now(ConnectionMachine(env.practice, {})) == "authorise"  # the c key leads there
    await env.connect()
    assert summarize(env.practice).exit_code == 0
    assert now(ConnectionMachine(env.practice, {})) not in ("authorise", "practice")


async def test_denied_access_is_reported_until_xpm_answers_again(env: PracticeFixture) -> None:
    await env.connect()
    await env.control("disconnect", tenant=env.tenant)
    with pytest.raises(AccessDenied):
        await refresh(env.practice)
    summary = summarize(env.practice)
    assert (summary.exit_code, summary.login_needed, summary.notes) == (3, True, ())
    assert summary.problems[0].sentence == "Xero denies access to this practice."
    assert conditions(env.practice)[0].state == "login_needed"
    await env.connect()
    assert not summarize(env.practice).login_needed
    assert conditions(env.practice) == (SOUND,)


async def test_a_run_that_wanted_a_login_is_answered_by_signing_in(env: PracticeFixture) -> None:
    await env.connect()
    await env.control("tokens", revoke=True)
    with pytest.raises(LoginNeeded):
        await run(env.practice)
    assert summarize(env.practice).login_needed
    env.clock.move(timedelta(minutes=1))
    await env.connect()
    assert not summarize(env.practice).login_needed


async def test_signing_in_again_asks_for_the_practice_again(env: PracticeFixture) -> None:
    await env.connect()
    connecting = ConnectionMachine(env.practice, {})
    assert states(connecting)["practice"] == "done"
    second = [t.uuid for t in env.sandbox.tenants.values() if t.kind == "PRACTICEMANAGER"][1]
    await env.control("disconnect", tenant=env.tenant)
    (other,) = await env.sign_in(connecting, tenant=second)
    assert now(connecting) == "practice"
    with pytest.raises(DecisionNeeded) as on_wrong_line:
        await connecting.choose()
    assert on_wrong_line.value.case is CaseId.WRONG_PRACTICE
    await connecting.choose(confirm=other.tenant_id[-6:])
    assert states(connecting)["practice"] == "done"


async def test_from_nothing_to_the_first_plan(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    assert now(connecting) == "permission"
    assert connecting.permission("ticked").case is None
    assert now(connecting) == "authorise"
    (tenant,) = await env.sign_in(connecting, tenant=env.tenant)
    assert now(connecting) == "practice"
    identity = await connecting.choose()
    assert (identity.tenant, identity.title) == (env.tenant, "Harbour & Hill Accountants")
    assert (identity.by, identity.login) == ("mere", "Ana Silva")
    assert tenant.name == identity.title == env.practice.title
    connecting.direction("from_xpm", "everything")
    filled = await connecting.fill()
    assert (filled.complete, filled.notes) == (True, ())
    snapshot = env.practice.snapshot()
    assert snapshot.count(XPM_CLIENTS) == len(env.sandbox.practice.clients)
    assert all(snapshot.count(table) for table in (STAFF, TEMPLATES, CATEGORIES))
    assert now(connecting) == "clients"
    env.store(env.unique_names())
    plan = await plans.make(env.practice, refresh=False)
    assert plan.first
    assert plan.counts["items"] > 0
    assert states(connecting)["plan"] == "done"
    assert env.net.asked("client.api/list") == 1
    summary = summarize(env.practice)
    assert (summary.day_left, summary.day_limit) == (5000 - 5, 5000)
    env.clock.move(timedelta(minutes=2))
    assert summarize(env.practice).minute_left > summary.minute_left


async def test_what_can_be_skipped_comes_back(env: PracticeFixture) -> None:
    connecting = await env.connect()
    connecting.direction("from_xpm", "everything")
    for name in CAN_SKIP:
        connecting.skip(name)
    assert now(connecting) is None
    connecting.skip("team", on=False)
    assert now(connecting) == "team"
    with pytest.raises(BadInput):
        connecting.skip("authorise")


async def test_a_wrong_paste_is_reported_and_the_wait_continues(env: PracticeFixture) -> None:
    first = ConnectionMachine(env.practice, {}).begin()
    stale = consent(env.sandbox, first.url, tenant=env.tenant)
    connecting = ConnectionMachine(env.practice, {})
    begun = connecting.begin()
    connecting.paste("hello")
    connecting.paste(stale)
    connecting.paste(consent(env.sandbox, begun.url, tenant=env.tenant))
    reported, on_wrong_line = list[AppError](), list[AppError]()
    assert await connecting.wait(on_error=reported.append, on_wrong_line=on_wrong_line.append)
    assert [error.case for error in on_wrong_line] == [CaseId.STATE_MISMATCH, CaseId.STATE_MISMATCH]
    assert not any("code=" in f"{error.message} {error.hint}" for error in (*reported, *on_wrong_line))


async def test_after_a_failed_attempt_a_new_one_and_its_earlier_page_count(env: PracticeFixture) -> None:
    """Cancel, then Allow access on the same page, which the browser went back to."""
    connecting = ConnectionMachine(env.practice, {})
    first = connecting.begin()
    waiting = asyncio.create_task(connecting.wait())
    connecting.paste(consent(env.sandbox, first.url, deny=True))
    with pytest.raises(LoginNeeded):
        await waiting
    second = connecting.begin()
    assert second.url != first.url
    waits = [asyncio.create_task(connecting.wait()) for _ in range(2)]
    waits[0].cancel()
    connecting.paste(consent(env.sandbox, first.url, tenant=env.tenant))
    assert await waits[1]
    assert connecting.answered


async def test_an_address_works_again_until_xero_has_used_its_code(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    answer = consent(env.sandbox, connecting.begin().url, tenant=env.tenant)
    for kind in ("reset", "503", "html"):
        env.sandbox.faults.add(Fault(kind, endpoint="connect/token"))
        connecting.begin()
        connecting.paste(answer)
        with pytest.raises(XeroError) as failed:
            await connecting.wait()
        assert "login is kept" not in failed.value.hint, "there is none yet"
        env.sandbox.faults.clear()
    env.sandbox.faults.add(Fault("503", endpoint="connections"))
    for _ in range(2):
        connecting.begin()
        connecting.paste(answer)
        reported = list[AppError]()
        with pytest.raises(XeroError):
            await connecting.wait(on_wrong_line=reported.append, limit=0)
    assert ["used already" in error.message for error in reported] == [True]
    env.sandbox.faults.clear()
    assert await env.sign_in(connecting, tenant=env.tenant)


async def test_an_address_outlives_the_wait_for_its_answer(env: PracticeFixture) -> None:
    """The page may still be open in the browser when the wait has ended."""
    connecting = ConnectionMachine(env.practice, {})
    begun = connecting.begin()
    with pytest.raises(LoginNeeded) as ended:
        await connecting.wait(limit=0)
    assert ended.value.case is CaseId.NOTHING_OPENS
    connecting.paste(consent(env.sandbox, begun.url, tenant=env.tenant))
    assert await connecting.wait()


async def test_a_port_that_is_taken_says_nothing_of_what_was_pasted(env: PracticeFixture) -> None:
    """Another account of the machine may be signing in on that port at the same time."""
    connecting = ConnectionMachine(env.practice, {})
    begun = connecting.begin()
    connecting.paste(consent(env.sandbox, begun.url, tenant=env.tenant))
    reported, on_wrong_line = list[AppError](), list[AppError]()
    port = env.practice.settings.number("xero.redirect_port")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # Taken already is as good.
            other.bind(("127.0.0.1", port))
            other.listen()
        assert await connecting.wait(on_error=reported.append, on_wrong_line=on_wrong_line.append)
    assert ["is using port" in error.message for error in reported] == [True]
    assert on_wrong_line == []


async def test_an_address_in_several_lines_is_known_to_go_on(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    whole = consent(env.sandbox, connecting.begin().url, tenant=env.tenant)
    start = whole.index("?")
    cut = [connecting.is_cut(f'"{whole[:at]}') for at in range(start, len(whole), 7)]
    assert cut.index(False) > len(cut) // 2
    assert not any(cut[cut.index(False) :]), "its last part is not needed"
    assert not connecting.is_cut("hello")
    assert not connecting.is_cut(whole.replace("code=", "error="))
    connecting.paste(f"{whole[:60]}\n  {whole[60:]}")
    assert await connecting.wait()


class EndlessInput:
    """Standard input that gives the same line for ever, as ``yes TEXT |`` does."""

    interactive = False

    async def line(self, prompt: str) -> str:
        return "http://localhost:8765/callback?code=x"


async def test_input_without_an_end_is_not_read_for_ever(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    connecting.begin()
    await asyncio.wait_for(_read_lines(connecting, cast("Dialogue", EndlessInput())), 30)


async def test_cancel_on_xeros_page(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    with pytest.raises(LoginNeeded) as refused:
        await env.sign_in(connecting, deny=True)
    assert (refused.value.case, refused.value.exit_code) == (CaseId.CANCELLED, 3)
    assert env.practice.identity() is None
    assert next(event.case for event in env.practice.events.read()) == CaseId.CANCELLED


async def test_a_login_without_a_practice_is_case_one(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    recorder = next(id_ for id_, tenant in env.sandbox.tenants.items() if tenant.kind == "ORGANISATION")
    with pytest.raises(XeroError) as refused:
        await env.sign_in(connecting, tenant=recorder)
    assert (refused.value.case, refused.value.exit_code) == (CaseId.NO_PERMISSION, 3)
    assert "XPM" in refused.value.hint


async def test_no_redirect_comes_from_the_browser(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    connecting.begin()
    with pytest.raises(LoginNeeded, match="No answer") as late:
        await connecting.wait(limit=300)
    assert late.value.case is CaseId.NOTHING_OPENS


async def test_an_app_that_xero_does_not_know(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    begun = connecting.begin()
    answer = consent(env.sandbox, begun.url, tenant=env.tenant)
    env.sandbox.faults.add(Fault("401-unsuccessful", endpoint="connect/token", times=1))
    connecting.paste(answer)
    with pytest.raises(LoginNeeded) as refused:
        await connecting.wait()
    assert refused.value.case is CaseId.UNKNOWN_APP


async def test_several_practices_are_listed_and_one_is_chosen(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    first, second = list(env.sandbox.tenants)[:2]
    await env.sign_in(connecting, tenant=first)
    assert len(await env.sign_in(connecting, tenant=second)) == 2
    with pytest.raises(DecisionNeeded) as several:
        await connecting.choose()
    assert (several.value.case, several.value.exit_code) == (CaseId.SECOND_PRACTICE, 4)
    assert first in str(several.value)
    assert "Te Aroha Bookkeeping" in str(several.value)
    with pytest.raises(BadInput, match="has no access to a practice"):
        await connecting.choose("no-such-id")
    assert (await connecting.choose(second.upper())).title == "Te Aroha Bookkeeping"


@pytest.mark.parametrize("typed", ["te aroha bookkeeping", "six"])
async def test_another_practice_wants_its_name_or_six_of_its_id(env: PracticeFixture, typed: str) -> None:
    connecting = await env.connect()
    second = list(env.sandbox.tenants)[1]
    await env.sign_in(connecting, tenant=second)
    for on_wrong_line in ("", "yes", "Harbour & Hill Accountants"):
        with pytest.raises(DecisionNeeded) as refused:
            await connecting.choose(second, confirm=on_wrong_line)
        assert refused.value.case is CaseId.WRONG_PRACTICE
    assert env.practice.title == "Harbour & Hill Accountants"
    await connecting.choose(second, confirm=second[-6:] if typed == "six" else typed)
    assert env.practice.title == "Te Aroha Bookkeeping"
    assert env.practice.snapshot().count(XPM_CLIENTS) == 0
    filled = await refresh(env.practice)
    assert filled.clients == 12
    said = [sentence(event, names(env.practice)) for event in env.practice.events.read()]
    assert "Connected to Harbour & Hill Accountants" in said
    assert (
        "mere confirmed the change of practice from Harbour & Hill Accountants to Te Aroha Bookkeeping"
        in said
    )
    masks = [sentence(event, masked) for event in env.practice.events.read()]
    assert f"Connected to practice {second[:8]}" in masks


async def test_disconnecting_ends_this_connection_only(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    first, second = list(env.sandbox.tenants)[:2]
    await env.sign_in(connecting, tenant=first)
    await env.sign_in(connecting, tenant=second)
    await connecting.choose(first)
    reported = await disconnect(env.practice)
    assert "Harbour & Hill" in reported
    assert env.practice.identity() is None
    assert summarize(env.practice).exit_code == 3
    with pytest.raises(LoginNeeded):
        await refresh(env.practice)
    assert env.net.asked("connect/revocation") == 0
    again = ConnectionMachine(env.practice, {})
    assert len(await env.sign_in(again, tenant=second)) == 1


async def test_everything_revokes_the_login(env: PracticeFixture) -> None:
    await env.connect()
    await disconnect(env.practice, everything=True)
    assert env.net.asked("connect/revocation") == 1
    again = ConnectionMachine(env.practice, {})
    assert now(again) == "permission"
    with pytest.raises(LoginNeeded):
        await disconnect(env.practice)


async def test_over_ssh_the_line_to_come_back_is_reported(env: PracticeFixture) -> None:
    environ = {"SSH_CONNECTION": "10.0.0.9 51000 10.0.0.5 2222", "LOGNAME": "mere"}
    begun = ConnectionMachine(env.practice, environ).begin()
    assert begun.ssh == "ssh -L 8765:localhost:8765 -p 2222 mere@10.0.0.5"
    assert copy_line(environ, "clients.csv") == "scp -P 2222 clients.csv mere@10.0.0.5:"
    over_six = {"SSH_CONNECTION": "fd00::9 51000 fd00::5 22", "LOGNAME": "mere"}
    assert copy_line(over_six, "clients.csv") == "scp clients.csv mere@[fd00::5]:"
    assert copy_line({}, "clients.csv") == ""


async def test_granular_scopes_leave_templates_closed_and_that_is_a_note(tmp_path: Path) -> None:
    env = PracticeFixture(tmp_path, scopes="granular")
    connecting = await env.connect()
    summary = summarize(env.practice)
    assert summary.exit_code == 0
    assert len(summary.notes) == 2
    (templates,) = [step for step in connecting.steps() if step.name == "templates"]
    assert templates.case is CaseId.SCOPE_MISSING
    env.close()


async def test_no_secret_reaches_the_disk_in_words(env: PracticeFixture) -> None:
    await env.connect()
    async with env.practice.wire() as wire:
        kept = wire.tokens.saved()
    assert kept is not None
    secrets = [kept.access.reveal(), kept.refresh.reveal()]
    for path in (env.home.root or Path()).rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert not any(secret.encode() in text for secret in secrets), path.name
            assert path.stat().st_mode & 0o077 == 0, path.name
