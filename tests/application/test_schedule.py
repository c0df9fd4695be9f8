"""Timers: shown before they are installed, installed, renewed and removed, on a scripted system."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from xpm_tui.application.practice import OpenPractice
from xpm_tui.application.timer import CommandResult, Scheduler
from xpm_tui.cli.output import TerminalDialogue
from xpm_tui.commands import schedule
from xpm_tui.commands.effects import admit
from xpm_tui.domain.errors import AppError, BadInput


class System:
    """A machine with or without a systemd session; keeps the crontab and what was run."""

    def __init__(self, *, systemd: bool, lines: Sequence[str] = ()) -> None:
        self.systemd = systemd
        self.crontab = "".join(f"{line}\n" for line in lines)
        self.ran: list[str] = []
        self.fails: dict[str, str] = {}

    def __call__(self, words: Sequence[str], text: str) -> CommandResult:
        self.ran.append(" ".join(words))
        for begin, why in self.fails.items():
            if self.ran[-1].startswith(begin):
                return CommandResult(1, why)
        if words[0] == "systemctl" and not self.systemd:
            return CommandResult(1, "Failed to connect to bus")
        if words[0] == "loginctl":
            return CommandResult(0, "no")
        if list(words) == ["crontab", "-l"]:
            return (
                CommandResult(0, self.crontab.rstrip("\n"))
                if self.crontab
                else CommandResult(1, "no crontab for mere")
            )
        if list(words) == ["crontab", "-"]:
            self.crontab = text
        return CommandResult(0, "The login of practice works.")


def test_a_systemd_timer_comes_and_goes(practice: OpenPractice, tmp_path: Path) -> None:
    practice.settings.set("practice.timezone", "Pacific/Auckland", practice=True)
    system = System(systemd=True)
    scheduler = Scheduler(practice, shell=system, units=tmp_path / "units")
    before = scheduler.show()
    assert (before.kind, before.installed) == ("systemd", False)
    assert "OnCalendar=*-*-* 06:30:00 Pacific/Auckland" in before.text
    assert any("linger" in note for note in before.notes)
    assert not (tmp_path / "units").exists()
    assert scheduler.install().installed
    service = (tmp_path / "units" / "xpm-tui-practice.service").read_text()
    assert '"sync" "--json" "--if-due"' in service
    assert f'"--home" "{practice.home.root}"' in service
    assert "systemctl --user enable --now xpm-tui-practice.timer" in system.ran
    assert not scheduler.remove().installed
    assert list((tmp_path / "units").iterdir()) == []


def test_a_crontab_keeps_other_peoples_lines(practice: OpenPractice) -> None:
    other = "5 4 * * * /usr/bin/backup # xpm-tui-practice-two"
    system = System(systemd=False, lines=[other])
    scheduler = Scheduler(practice, shell=system, kind="cron")
    assert not scheduler.show().installed
    scheduler.install()
    scheduler.install()
    lines = system.crontab.splitlines()
    assert lines[0] == other
    assert len(lines) == 2
    assert lines[1].split()[1:5] == ["*"] * 4
    assert "--if-due >/dev/null # xpm-tui-practice" in lines[1]
    scheduler.remove()
    assert system.crontab.splitlines() == [other]


@pytest.mark.parametrize(
    ("every", "others", "starts", "calls"),
    [
        ("15m", {}, "0,15,30,45 * * * *", 96 + 25 * 4),
        ("30m", {"north": ("0", "30m")}, "15,45 * * * *", 48 + 25 * 4),
        ("1h", {"north": ("0", "1h"), "south": ("30", "daily")}, "15 * * * *", 24 * 5),
        ("daily", {"north": ("0", "15m")}, "23 * * * *", 5),
    ],
)
def test_a_schedule_costs_what_it_says_and_keeps_apart_from_the_others(
    practice: OpenPractice, every: str, others: dict[str, tuple[str, str]], starts: str, calls: int
) -> None:
    for name, (minute, often) in others.items():
        config, data, _ = practice.home.practice(name)
        data.mkdir(parents=True)
        config.mkdir(parents=True, mode=0o700)
        (config / "settings.toml").write_text(f'[schedule]\nminute = {minute}\nevery = "{often}"\n')
        (config / "settings.toml").chmod(0o600)
    system = System(systemd=False)
    shown = Scheduler(practice, shell=system, kind="cron", every=every).show()
    assert shown.text.startswith(starts)
    assert shown.estimate.calls == calls
    assert any(f"at most {calls} a day" in line for line in shown.does)
    assert practice.settings.origin("schedule.every") == "default"
    scheduler = Scheduler(practice, shell=system, kind="cron", every=every)
    assert scheduler.install().installed
    assert Scheduler(practice, shell=system, kind="cron").show().text == shown.text
    practice.settings.set("schedule.minute", "3", practice=True)
    changed = Scheduler(practice, shell=system, kind="cron").show()
    assert any("Install it again" in note for note in changed.notes)


def test_percent_signs_survive_both(practice: OpenPractice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpm_tui.application.runs.runner.sys.executable", '/opt/100%/"py" thon')
    cron = Scheduler(practice, shell=System(systemd=False), kind="cron").show().text
    assert r"100\%" in cron
    units = Scheduler(practice, shell=System(systemd=True)).show().text
    assert '"/opt/100%%/\\"py\\" thon"' in units


def test_what_the_system_refuses_is_reported(practice: OpenPractice, tmp_path: Path) -> None:
    system = System(systemd=True)
    system.fails["systemctl --user enable"] = "warning\nUnit is masked."
    with pytest.raises(AppError, match=r"Unit is masked\."):
        Scheduler(practice, shell=system, units=tmp_path).install()
    system.fails["systemd-run"] = "keyring locked"
    with pytest.raises(AppError, match="does not work"):
        Scheduler(practice, shell=system, units=tmp_path).test_login()
    del system.fails["systemd-run"]
    assert Scheduler(practice, shell=system, units=tmp_path).test_login() == "The login of practice works."


def test_neither_is_reported_with_a_command(practice: OpenPractice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xpm_tui.application.timer.shutil.which", lambda _: None)
    with pytest.raises(AppError) as reported:
        Scheduler(practice, shell=System(systemd=False))
    assert "--if-due" in reported.value.hint
    with pytest.raises(BadInput):
        Scheduler(practice, shell=System(systemd=True), kind="at")
    with pytest.raises(AppError) as missing:
        Scheduler(practice, shell=System(systemd=False), every="15m")
    assert "settings set schedule.every 15m" in missing.value.hint
    assert "start this every 15 minutes: " in missing.value.hint


OTHERS = "5 4 * * * /usr/bin/backup\n@daily /usr/bin/payroll\n"


class Cron:
    """A machine whose ``crontab -l`` answers as told."""

    def __init__(self, listed: CommandResult) -> None:
        self.crontab = OTHERS
        self.listed = listed

    def __call__(self, words: Sequence[str], text: str) -> CommandResult:
        if list(words) == ["crontab", "-l"]:
            return self.listed
        if list(words) == ["crontab", "-"]:
            self.crontab = text
        return CommandResult(0, "")


@pytest.mark.parametrize(
    "listed",
    [
        CommandResult(-1, "Command '['crontab', '-l']' timed out after 60.0 seconds"),
        CommandResult(1, "crontabs/mere/: fdopen: Input/output error"),
        CommandResult(1, "You (mere) are not allowed to use this program (crontab)"),
    ],
)
def test_a_crontab_that_cannot_be_read_is_not_written_over(
    practice: OpenPractice, listed: CommandResult
) -> None:
    cron = Cron(listed)
    scheduler = Scheduler(practice, shell=cron, kind="cron")
    with pytest.raises(AppError):
        scheduler.install()
    assert cron.crontab == OTHERS


def test_where_there_is_no_cron_at_all_nothing_is_installed(practice: OpenPractice) -> None:
    there_is_none = CommandResult(-1, "[Errno 2] No such file or directory: 'crontab'")
    assert not Scheduler(practice, shell=Cron(there_is_none), kind="cron").show().installed


def test_a_timer_starts_at_an_hour_that_was_set_later(practice: OpenPractice, tmp_path: Path) -> None:
    scheduler = Scheduler(practice, shell=System(systemd=True), units=tmp_path / "units")
    scheduler.install()
    practice.settings.set("schedule.at", "20:00", practice=True)
    assert "OnCalendar=hourly" in (tmp_path / "units" / "xpm-tui-practice.timer").read_text()


@pytest.mark.parametrize(
    ("kind", "fails"),
    [
        ("systemd", "systemctl --user daemon-reload"),
        ("systemd", "systemctl --user enable"),
        ("systemd", "loginctl"),
        ("cron", "crontab -l"),
    ],
)
def test_a_step_that_fails_leaves_everything_as_it_was(
    practice: OpenPractice, tmp_path: Path, kind: str, fails: str
) -> None:
    system = System(systemd=kind == "systemd", lines=["5 4 * * * /usr/bin/backup"])
    units, before = tmp_path / "units", system.crontab
    units.mkdir()
    (units / "xpm-tui-practice.timer").write_text("of an older version")

    def shell(words: Sequence[str], text: str) -> CommandResult:
        said = " ".join(words)
        if said.startswith(fails) and (kind == "systemd" or system.ran[-1:] == ["crontab -"]):
            system.ran.append("failed")
            raise AppError("cut off")
        return system(words, text)

    with pytest.raises(AppError, match="cut off"):
        Scheduler(practice, shell=shell, units=units, kind=kind).install()
    assert system.crontab == before
    assert [path.name for path in units.iterdir()] == ["xpm-tui-practice.timer"]
    assert (units / "xpm-tui-practice.timer").read_text() == "of an older version"


def test_the_login_is_tried_before_anything_is_written(
    practice: OpenPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a user id without a name, and without HOME."""
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", dict[int, object]().__getitem__)
    system = System(systemd=False)
    system.fails = {"env -i": "xpm-tui: No login here."}
    monkeypatch.setattr(Scheduler.__init__, "__kwdefaults__", {"shell": system, "units": None, "kind": ""})
    monkeypatch.setattr(practice, "connected", lambda: None)
    params = schedule.InstallSchedule(kind="cron", yes=True)
    act = next(act for act in schedule.COMMANDS if act.name == "schedule.install")
    dialogue = TerminalDialogue(json=True, call=admit(act, params, read_only=False))
    with pytest.raises(AppError, match="No login here"):
        asyncio.run(schedule.install(practice, params, dialogue))
    assert any("HOME=/ LOGNAME=" in words for words in system.ran)
    assert "crontab -" not in system.ran
