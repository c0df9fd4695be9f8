"""The trial of workers in compose.yaml: its commands and settings exist, and work as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres_server import private_server
from tests.support.sandbox_process import sandbox_process
from tools.reference.man_page import ENVIRONMENT
from xpm_tui.settings.schema import BY_ENV

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra docs")
COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "xpm-tui-trial"}


def test_the_trial_has_a_database_two_workers_and_a_sandbox() -> None:
    assert {"postgres", "sandbox", "worker-1", "worker-2"} <= set(SERVICES)
    for name, service in SERVICES.items():
        volumes = [each.split(":")[0] for each in service.get("volumes", ())]
        assert set(volumes) <= set(COMPOSE["volumes"]), name
        assert set(service.get("depends_on", ())) <= set(SERVICES), name
        assert not ("hostname" in service and "network_mode" in service), "Docker refuses both together"


def test_every_variable_of_the_trial_is_known() -> None:
    known = {name for name, _ in ENVIRONMENT} | set(BY_ENV)
    for name, service in OURS.items():
        assert set(service["environment"]) <= known, name


def words(service: dict[str, Any]) -> list[str]:
    """The service's command, with this interpreter in the place of the installed command."""
    here = f"{sys.executable} -m xpm_tui"
    entry = service.get("entrypoint", ["xpm-tui"])
    return [*here.split(), *service["command"]] if entry == ["xpm-tui"] else [
        *entry, service["command"][0].replace("xpm-tui", here)
    ]  # fmt: skip


@pytest.mark.soak
def test_the_commands_of_the_trial_work(tmp_path: Path) -> None:
    """As processes, with folders for volumes and a private server: there is no Docker where the tests run."""
    server = private_server()
    subprocess.run(words(OURS["key"]), cwd=tmp_path, check=True)
    assert (tmp_path / "token.key").stat().st_mode & 0o777 == 0o600
    with sandbox_process(*words(OURS["sandbox"])[6:]) as sandbox:  # any free port in place of 8099
        service = OURS["worker-1"]
        environ = {
            **os.environ,
            **service["environment"],
            **sandbox.environ,
            "XPM_TUI_HOME": str(tmp_path / "home"),
            "XPM_TUI_KEY_FILE": str(tmp_path / "token.key"),
            "XPM_TUI_STORE_URL": server.address(),
        }
        process = subprocess.Popen(words(service), env=environ, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        with process.stderr as said:
            assert "Working for 1 practice." in said.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
