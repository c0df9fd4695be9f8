"""The bundle contains what it lists, and no secret planted anywhere appears in it, in a log or an answer."""

from __future__ import annotations

import dataclasses
import io
import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.application.fixtures import PracticeFixture
from tests.diagnostics.fixtures import FaultyMachine
from tests.support.command import Inline
from xpm_tui.application.health import bundle
from xpm_tui.application.health.bundle import BundlePart, pack
from xpm_tui.application.health.doctor import Doctor
from xpm_tui.application.health.probe_facts import of_practice
from xpm_tui.application.runs import xpm_refresh
from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.events import Event
from xpm_tui.domain.ignition import Client, Contact, TeamMember
from xpm_tui.domain.ports import Put
from xpm_tui.domain.runs import Run, Stop
from xpm_tui.domain.tables import CLIENTS, RUNS, STAFF, TEAM, XPM_CLIENTS
from xpm_tui.domain.xpm import Staff, Tenant
from xpm_tui.sandbox.faults import Fault
from xpm_tui.xero.auth.token_store import TokenStore
from xpm_tui.xero.wiring import ConnectionsClient

CANARY = "Canary Zebrafinch Holdings"
PERSON = "Quetzal Canaryson"
MAIL = "canary@zebrafinch.example"
PHONE = "021 555 867 530"
TAX = "987-654-321"
SECRET = "canary-client-secret-00112233"
COMMAND = "curl https://hooks.example/canary-webhook-445566"


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


def secrets_of(env: PracticeFixture) -> list[str]:
    practice = env.practice
    saved = TokenStore(
        practice.state, config_folder=practice.config, use_keyring=False, environ=practice.environ
    ).read()
    assert saved is not None
    key = (practice.config / "token.key").read_text().strip()
    values = [saved.access, saved.refresh, *([saved.previous] if saved.previous else [])]
    return [key, SECRET, *(each.reveal() for each in values)]


def canaries(env: PracticeFixture) -> None:
    """Put a canary everywhere where a name, a number or a secret can be."""
    practice = env.practice
    xpm = next(iter(practice.snapshot().rows(XPM_CLIENTS)))
    contact = Contact(id="k1", name=PERSON, email=MAIL, phone=PHONE)
    sentence = f'Xero said of {CANARY}: "tax number {TAX} of {PERSON}", {MAIL}, {PHONE}'
    run = Run(
        id="r1", started=env.clock.now(), ended=env.clock.now(), by=PERSON, plan="p1", outcome="failed",
        error=sentence, stops=(Stop(rule="x", sentence=sentence),), host="canary-host", case="state-code",
    )  # fmt: skip
    practice.store.commit(
        [
            Put(CLIENTS, Client(id="c1", name=CANARY, phone=PHONE, contacts=(contact,))),
            Put(TEAM, TeamMember(id="t1", name=PERSON, email=MAIL)),
            Put(STAFF, Staff(uuid="5aff0000-0000-4000-8000-000000000001", name=PERSON)),
            Put(RUNS, run),
        ]
    )
    practice.settings.set("notify.command", COMMAND, practice=True)
    practice.settings.set("xero.client_secret", SECRET, practice=True)
    for key, record in (("client.linked", "c1"), ("client.edited", "c1/k1"), ("member.linked", "t1")):
        practice.events.emit(Event(key=key, record=record, uuid=xpm.uuid, by=PERSON, field="name"))
    practice.events.emit(
        Event(key="x.failed", level="error", call="GET staff.api/list", correlation="corr-77", case="T13",
              numbers={"why": sentence})
    )  # fmt: skip


async def made(env: PracticeFixture, *, names: bool) -> dict[str, str]:
    patient = of_practice(env.practice)
    results = [each async for each in Doctor(patient, FaultyMachine()).examine()]
    parts = await bundle.gather(patient, results, names=names)
    return {part.name: part.data.decode() for part in parts}


async def test_no_canary_comes_out_of_a_masked_bundle(env: PracticeFixture) -> None:
    await env.connect()
    canaries(env)
    env.sandbox.faults.add(Fault("500", endpoint="staff.api/list"))
    parts = await made(env, names=False)
    text = "\n".join(parts.values())
    known = [row.name for row in env.sandbox.practice.clients.values()]
    known += [row.name for row in env.sandbox.practice.staff.values()]
    for word in (CANARY, PERSON, MAIL, PHONE, TAX, COMMAND, "canary", *secrets_of(env), *known):
        assert word.casefold() not in text.casefold(), word
    title = env.practice.title
    assert title not in text
    assert str(env.home.root) not in text
    # What support needs is there.
    assert "corr-77" in parts["errors.json"]
    runs = json.loads(parts["runs.json"])
    assert (runs[0]["id"], runs[0]["case"]) == ("r1", "state-code")
    assert {"T13", "state-code", "xero-down"} <= {
        line.partition(":")[0] for line in parts["cases.txt"].splitlines()
    }
    assert json.loads(parts["store.json"])["rows"]["clients"] == 1
    events = [json.loads(line) for line in parts["events.jsonl"].splitlines()]
    linked = next(event for event in events if event["key"] == "client.linked")
    assert "client c1" in linked["sentence"]
    assert linked["by"] == runs[0]["by"]
    for part in parts:
        assert part in parts["README.txt"] or part == "README.txt"


async def test_with_names_the_secrets_stay_out(env: PracticeFixture) -> None:
    await env.connect()
    canaries(env)
    parts = await made(env, names=True)
    text = "\n".join(parts.values())
    assert CANARY in text
    assert PERSON in text
    for word in (TAX, COMMAND, *secrets_of(env)):
        assert word not in text, word


async def test_no_secret_lies_in_any_file_but_the_login_and_its_key(env: PracticeFixture) -> None:
    await env.connect()
    env.sandbox.faults.add(Fault("401-expired", endpoint="staff.api/list", times=1))
    await xpm_refresh.refresh(env.practice)
    await made(env, names=True)
    hidden = secrets_of(env)
    assert env.home.root is not None
    files = [path for path in env.home.root.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        if path.name in ("token.key", "settings.toml"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            continue
        data = path.read_bytes()
        for secret in hidden:
            assert secret.encode() not in data, path


def test_the_zip_is_the_same_for_the_same_and_private() -> None:
    from tests.support.moved_clock import START

    parts = [BundlePart(name="a.txt", about="A.", data=b"a")]
    assert pack(parts, START) == pack(parts, START)
    with zipfile.ZipFile(io.BytesIO(pack(parts, START))) as archive:
        assert archive.read("a.txt") == b"a"
        assert archive.infolist()[0].external_attr >> 16 == 0o600


async def test_it_never_overwrites_a_file(env: PracticeFixture, tmp_path: Path) -> None:
    target = tmp_path / "x.zip"
    target.write_bytes(b"mine")
    patient = of_practice(env.practice)
    with pytest.raises(BadInput, match="already"):
        bundle.write([], target, patient)
    with pytest.raises(BadInput, match="does not exist"):
        bundle.write([], tmp_path / "none" / "x.zip", patient)
    assert target.read_bytes() == b"mine"


@pytest.mark.soak
def test_by_verb_the_parts_are_listed_and_the_zip_is_private(connected: Inline, tmp_path: Path) -> None:
    target = tmp_path / "support.zip"
    reported = connected("doctor", "--json", "--bundle", str(target)).json
    assert reported["ok"] is True
    assert reported["calls"] == 5
    assert [item["verdict"] for item in reported["items"] if item["verdict"] == "trouble"] == []
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with zipfile.ZipFile(target) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    assert {part["name"]: part["bytes"] for part in reported["bundle"]["parts"]} == sizes
    assert reported["bundle"]["bytes"] == target.stat().st_size
    again = connected("doctor", "--json", "--bundle", str(target), code=2)
    assert again.error["code"] == "bad-input"
    other = tmp_path / "other.zip"
    assert (
        connected("--read-only", "doctor", "--json", "--bundle", str(other), code=2).error["code"]
        == "read-only"
    )
    assert not other.exists()


def test_a_store_that_cannot_be_opened_still_gives_a_bundle(connected: Inline, tmp_path: Path) -> None:
    store = next(connected.home.glob("data/practices/*/book"))
    for path in store.iterdir():
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"\xff\x00" * 50)
    target = tmp_path / "support.zip"
    done = connected("doctor", "--json", "--bundle", str(target), code=8)
    assert done.error["case"] == "store"
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("store.json"))["open"] is False
        assert b"store: The data cannot be read" in archive.read("cases.txt")


def test_a_crash_file_holds_no_value(connected: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    import xpm_tui.application.status.summary as summary

    def broken(practice: object) -> None:
        secret = SECRET
        raise RuntimeError(f"{secret} {CANARY}")

    monkeypatch.setattr(summary, "summarize", broken)
    done = connected("status", "--json", code=70)
    crashes = list(connected.home.rglob("crash-*.log"))
    for text in (done.out, done.err, *(path.read_text() for path in crashes)):
        assert SECRET not in text
        assert CANARY not in text


VERBS = (
    "settings list", "settings get xero.client_secret", "doctor", "status", "locate", "plan", "sync --yes",
    "runs list", "runs show last", "log --level debug", "clients list", "team list", "practices list",
    "schedule show", "book check", "sync --client nobody", "clients show nobody",
)  # fmt: skip


def test_no_verb_reports_a_secret(connected: Inline) -> None:
    state = next(connected.home.glob("state/practices/*"))
    config = connected.home / "config" / "practices" / state.name
    saved = TokenStore(state, config_folder=config, use_keyring=False, environ={}).read()
    assert saved is not None
    hidden = [
        SECRET,
        saved.access.reveal(),
        saved.refresh.reveal(),
        (config / "token.key").read_text().strip(),
    ]
    reported = []
    for words in VERBS:
        for form in ([], ["--json"]):
            done = connected(*words.split(), *form, code=None, XPM_TUI_XERO_CLIENT_SECRET=SECRET)
            reported.append(done.out + done.err)
    text = "".join(reported)
    assert len(text) > 10_000
    for secret in hidden:
        assert len(secret) > 20
        assert secret not in text
    for path in connected.home.rglob("*.jsonl"):
        for secret in hidden:
            assert secret not in path.read_text(encoding="utf-8")


async def test_a_new_name_of_the_practice_at_xero_stays_inside(env: PracticeFixture) -> None:
    await env.connect()
    identity = env.practice.identity()
    assert identity is not None
    before = env.sandbox.tenants[identity.tenant]
    env.sandbox.tenants[identity.tenant] = dataclasses.replace(before, name="Secretive Partners Ltd")
    parts = await made(env, names=False)
    assert "Secretive Partners" not in "\n".join(parts.values())
    assert "the the practice" not in "\n".join(parts.values()), "the first folder's name is a common word"
    assert "this the practice" not in "\n".join(parts.values())


async def test_other_practices_of_the_login_stay_inside(
    env: PracticeFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await env.connect()
    real = ConnectionsClient.tenants

    async def two(self: ConnectionsClient) -> list[Tenant]:
        found = await real(self)
        return [
            *found,
            msgspec.structs.replace(found[0], tenant_id="0" * 8, name="Other Accountants 2019-2020"),
        ]

    monkeypatch.setattr(ConnectionsClient, "tenants", two)
    parts = await made(env, names=False)
    assert "Other Accountants" not in "\n".join(parts.values())


async def test_a_practice_whose_name_holds_years_and_quotes(env: PracticeFixture) -> None:
    identity_of = env.sandbox.tenants
    for key, tenant in list(identity_of.items()):
        identity_of[key] = dataclasses.replace(tenant, name='Kauri "Best" Books 2019-2020 Group')
    await env.connect()
    parts = await made(env, names=False)
    text = "\n".join(parts.values())
    assert "Kauri" not in text
    assert "Books" not in text


async def test_who_signed_in_stays_inside_where_the_store_cannot_be_read(env: PracticeFixture) -> None:
    await env.connect()
    identity = env.practice.identity()
    assert identity is not None
    assert identity.login
    patient = dataclasses.replace(of_practice(env.practice), practice=None)
    results = [each async for each in Doctor(patient, FaultyMachine()).examine()]
    parts = await bundle.gather(patient, results)
    text = "\n".join(part.data.decode() for part in parts)
    assert identity.login not in text
    assert identity.title not in text
