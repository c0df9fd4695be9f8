"""A scan of everything the program can write: it contains no token, code, secret, key or verifier."""

from __future__ import annotations

import html
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.diagnostics.fault_fixtures import FaultFixture
from tests.interface.practice import CLIENTS
from tests.support.every_verb import LAST, NOT_RUN, verbs, words
from tests.support.profile import count
from tests.tui.fixtures import press, settle, text_of
from xpm_tui.application.health.probe_facts import of_practice, saved_login
from xpm_tui.application.runs import xpm_refresh
from xpm_tui.commands.registry import all_commands
from xpm_tui.domain.secret import Secret
from xpm_tui.tui.screens.doctor import DoctorScreen
from xpm_tui.xero.auth import authorization, token_endpoint

SECRET = "canary-client-secret-00112233445566"
KEPT = ("login.bin", "token.key", "settings.toml")
"""Where secrets belong: encrypted, the key, and what the user wrote down (0600)."""


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultFixture]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clients.csv").write_text(CLIENTS, encoding="utf-8")
    made = FaultFixture(tmp_path, monkeypatch)
    yield made
    made.close()


class Secrets:
    """All that must never be told, gathered while it is made."""

    def __init__(self, env: FaultFixture) -> None:
        self._env = env
        self.found: dict[str, str] = {"client secret": SECRET}
        begin = authorization.begin

        def begun(config: Any) -> authorization.Authorization:
            made = begin(config)
            self.add("verifier", made.verifier)
            self.add("state", made.state)
            return made

        env.patch.setattr(authorization, "begin", begun)

    def add(self, name: str, secret: Secret | str | None) -> None:
        value = secret.reveal() if isinstance(secret, Secret) else secret or ""
        if value:
            self.found[f"{name} {len(self.found)}"] = value

    def login(self) -> None:
        """What the saved login holds right now, and its key."""
        saved = saved_login(of_practice(self._env.practice), self._env.practice.name)
        assert saved is not None
        for name in ("access", "refresh", "previous"):
            self.add(name, getattr(saved, name))
        self.add("key", (self._env.practice.config / "token.key").read_text().strip())

    def scan(self, text: str, where: str, *, but: str = "no such") -> None:
        for name, value in self.found.items():
            assert len(value) >= 16, name
            if not name.startswith(but):
                assert value not in text, f"the {name} is in {where}"


def files(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file with its text; what is packed, unpacked."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.name in KEPT:
            continue
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path}/{name}", archive.read(name).decode("utf-8", "replace")
        yield str(path), path.read_bytes().decode("utf-8", "replace")


@pytest.mark.soak
def test_nothing_that_it_writes_holds_a_secret(env: FaultFixture, tmp_path: Path) -> None:
    secrets = Secrets(env)
    env.answer = {"tenant": env.tenant}
    redirect = env.redirect

    def answered(address: str = "") -> str:
        made = redirect(address)
        secrets.add("code", made.partition("code=")[2].partition("&")[0])
        return made

    env.redirect = answered  # type: ignore[method-assign]
    done = env.verb("connect --no-browser --json", code=0)
    secrets.login()
    assert {name.split()[0] for name in secrets.found} >= {"verifier", "state", "code", "access", "refresh"}
    secrets.scan(done.out + done.err, "connect", but="state")  # the address that is opened holds it
    env.clock.move(timedelta(minutes=40))
    env.run(_read(env))
    secrets.login()
    env.verb(f"settings set xero.client_secret {SECRET}", code=0)

    reported = _verbs(env, secrets)
    assert len(reported) > count(40_000, 60_000)
    _crash(env, secrets)
    env.run(_console(env, secrets))
    for name, text in files(tmp_path):
        secrets.scan(text, name)


async def _read(env: FaultFixture) -> None:
    """The lists once more, with a renewed login."""
    await xpm_refresh.refresh(env.practice)


def _verbs(env: FaultFixture, secrets: Secrets) -> str:
    reported, good, run = [], 0, 0
    for place, act in enumerate(verbs()):
        for form in ("", " --json")[: 1 + (place % count(3, 1) == 0)]:
            done = env.command(*words(act), *form.split(), code=None)
            secrets.scan(done.out + done.err, " ".join(act.verb) + form)
            reported.append(done.out + done.err)
            good += done.code == 0
            run += 1
    assert good > run / 2  # it is the acts that are scanned, not their refusals
    return "".join(reported)


def _crash(env: FaultFixture, secrets: Secrets) -> None:
    """Internal error in the midst of a renewal, with every token at hand."""
    grant = token_endpoint.TokenEndpoint._grant

    def broken(self: token_endpoint.TokenEndpoint, body: Secret, before: Secret) -> Any:
        raise RuntimeError(f"{body.reveal()} {before.reveal()} {SECRET}")

    env.verb("settings unset xero.client_secret", code=0)
    env.patch.setattr(token_endpoint.TokenEndpoint, "_grant", broken)
    env.clock.move(timedelta(minutes=40))
    done = env.verb("plan --json", code=70)
    assert done.error["code"] == "unexpected"
    secrets.scan(done.out + done.err, "a crash")
    crashes = list(env.home.state.glob("crash-*.log"))
    assert crashes
    assert "in broken" in crashes[0].read_text()
    env.patch.setattr(token_endpoint.TokenEndpoint, "_grant", grant)
    env.verb(f"settings set xero.client_secret {SECRET}", code=0)


async def _console(env: FaultFixture, secrets: Secrets) -> None:
    app, worker = env.console()
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(pilot)

            def check(where: str) -> None:
                secrets.scan(text_of(app) + html.unescape(app.export_screenshot()), where)

            for letter in "octijse":
                await press(pilot, "g", letter)
                check(f"area {letter}")
            await press(pilot, "slash", "=secret", "enter")
            check("the settings")
            app.push_screen(DoctorScreen())
            for _ in range(200):
                await settle(pilot)
                if " to XPM." in text_of(app):
                    break
            check("the doctor")
            await press(pilot, "b")
            check("the bundle")
            await press(pilot, "escape", "escape")
            app.report_error(RuntimeError(" ".join(secrets.found.values())))
            await settle(pilot)
            assert "Internal error" in text_of(app)
            check("an internal error")
    finally:
        worker.close()
    assert (env.practice.state / "console-errors.log").exists()


def test_every_act_is_scanned_or_says_why_not() -> None:
    names = {act.name for act in all_commands()}
    assert set(NOT_RUN) | set(LAST) <= names
    for act in all_commands():
        if act.verb and act.name not in NOT_RUN:
            assert words(act)
