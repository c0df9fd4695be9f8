"""The timer of the scheduled sync: a systemd user timer, or a line in the crontab.

See systemd.timer(5), systemd.service(5) and crontab(5). Each practice has its own timer. The command that it
starts decides whether a run is due, so starting it too often does no harm.

Run as ``python -m xpm_tui.application.timer PRACTICE [HOME]``, the module checks that the login can be read
where a timer runs: it prints one sentence and exits with 0, or with the exit code of the error. Nothing is
sent to Xero.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xpm_tui.application import scheduled_run
from xpm_tui.application.home import account_name, find_home, own_folder
from xpm_tui.application.practice import OpenPractice, open_practice
from xpm_tui.application.runs.runner import command_line
from xpm_tui.application.scheduled_run import CallEstimate
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import AppError, BadInput, LoginNeeded
from xpm_tui.domain.events import Event
from xpm_tui.files.durable import replace_bytes
from xpm_tui.files.private import refuse_controls

Kind = Literal["systemd", "cron"]
MAX_SECONDS = 60.0
"""How long a command of the system may take."""

_NO_CRONTAB = ("no crontab", "no such file")
"""What ``crontab -l`` prints if there is none (cron and cronie; BusyBox), or on a system without cron."""


@dataclass(frozen=True)
class CommandResult:
    """The result of a command of the system."""

    status: int
    text: str


Shell = Callable[[Sequence[str], str], CommandResult]
"""A function that runs a command with a text on its standard input."""


@dataclass(frozen=True)
class Timer:
    """A practice's timer: what it does in sentences, the text of the installed files, and notes.

    ``minute`` is the first minute of the hour at which it starts, ``estimate`` the calls that it needs a day.
    """

    kind: Kind
    installed: bool
    every: str
    minute: int
    estimate: CallEstimate
    does: tuple[str, ...]
    text: str
    notes: tuple[str, ...] = ()


def shell(words: Sequence[str], text: str = "") -> CommandResult:
    """Run a command of the system; the status is -1 if it is missing or takes too long."""
    try:
        ended = subprocess.run(
            list(words),
            input=text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return CommandResult(-1, str(error))
    # On success only standard output counts, byte for byte; warnings are ignored.
    output = ended.stdout + (ended.stderr if ended.returncode else b"")
    return CommandResult(ended.returncode, output.decode("utf-8", "surrogateescape").strip())


class Scheduler:
    """Shows, installs and removes the timer of one practice. ``shell`` is replaced in tests."""

    def __init__(
        self,
        practice: OpenPractice,
        *,
        shell: Shell = shell,
        units: Path | None = None,
        kind: str = "",
        every: str = "",
    ) -> None:
        self._practice = practice
        self._every = every or practice.settings.text("schedule.every")
        self._minute = scheduled_run.start_minute(practice, self._every)
        self._shell = shell
        if kind not in ("", "systemd", "cron"):
            raise BadInput("The kind of timer must be systemd or cron.")
        self._kind: Kind = "systemd" if kind == "systemd" else "cron" if kind else self._available_kind()
        self._units = units or (_unit_folder() if self._kind == "systemd" else Path("/"))

    def show(self) -> Timer:
        """Return the timer that is installed, or that would be. Changes nothing."""
        installed = self._installed()
        estimate = scheduled_run.estimate_calls(self._practice, self._every)
        return Timer(
            self._kind, installed, self._every, self._minute, estimate,
            (*self._description(), *estimate.sentences()), self._text(), self._notes(),
        )  # fmt: skip

    def install(self) -> Timer:
        """Install the timer or replace it; if a step fails, everything is restored.

        Raises ``AppError`` with the system's message.
        """
        self._practice.writable()
        for word in (*self._command(), str(self._units)):
            refuse_controls(word, "A word of the timer's command")
        with self._restored_on_failure():
            if self._kind == "systemd":
                self._units.mkdir(parents=True, exist_ok=True)
                for path, text in self._unit_files().items():
                    replace_bytes(path, text.encode())
                self._run_or_raise("systemctl", "--user", "daemon-reload")
                self._run_or_raise("systemctl", "--user", "enable", "--now", f"{self._name}.timer")
            else:
                self._crontab([*self._other_lines(), self._cron_line()])
            timer = self.show()
        # The check whether a run is due has to agree with the installed timer.
        wanted = {"schedule.every": self._every, "schedule.minute": str(self._minute)}
        for key, value in wanted.items():
            item = self._practice.settings.item(key)
            if item.shown != value or item.origin == "default":
                self._practice.settings.set(key, value, practice=True)
        self._practice.events.emit(Event(key="schedule.installed", rule=self._kind))
        return timer

    @contextmanager
    def _restored_on_failure(self) -> Iterator[None]:
        """Restore the timer if the block fails."""
        if self._kind == "cron":
            lines = self._lines()
            try:
                yield
            except BaseException:
                with suppress(AppError):
                    if self._lines() != lines:
                        self._crontab(lines)
                raise
            return
        before = {path: path.read_bytes() if path.exists() else None for path in self._unit_files()}
        try:
            yield
        except BaseException:
            if None in before.values():
                self._shell(["systemctl", "--user", "disable", "--now", f"{self._name}.timer"], "")
            for path, data in before.items():
                with suppress(AppError, OSError):
                    if data is None:
                        path.unlink(missing_ok=True)
                    else:
                        replace_bytes(path, data)
            self._shell(["systemctl", "--user", "daemon-reload"], "")
            raise

    def remove(self) -> Timer:
        """Remove the timer; a missing one is not an error."""
        self._practice.writable()
        if self._kind == "systemd":
            self._shell(["systemctl", "--user", "disable", "--now", f"{self._name}.timer"], "")
            for path in self._unit_files():
                path.unlink(missing_ok=True)
            self._shell(["systemctl", "--user", "daemon-reload"], "")
        elif self._installed():
            self._crontab(self._other_lines())
        self._practice.events.emit(Event(key="schedule.removed", rule=self._kind))
        return self.show()

    def test_login(self) -> str:
        """Read the login in the timer's own environment, once. Raises ``AppError`` if that fails."""
        words = [sys.executable, "-P", "-m", "xpm_tui.application.timer", *self._place()]
        if self._kind == "systemd":
            ran = self._shell(["systemd-run", "--user", "--wait", "--pipe", "--quiet", *words], "")
        else:
            plain = [f"HOME={own_folder() or '/'}", f"LOGNAME={account_name()}", "PATH=/usr/bin:/bin"]
            ran = self._shell(["env", "-i", *plain, "/bin/sh", "-c", shlex.join(words)], "")
        if ran.status != 0:
            raise AppError(
                f"The login does not work in the timer's environment. {_last_line(ran.text)}".strip(),
                hint="Nothing was installed. If the keyring is locked there, keep the key in a file "
                "(XPM_TUI_KEY_FILE) or use --home. Then install the timer again.",
            )
        return _last_line(ran.text)

    @property
    def _name(self) -> str:
        return f"xpm-tui-{self._practice.name}"

    @property
    def _cron_marker(self) -> str:
        root = self._practice.home.root
        return f"# {self._name}" + (f" {root}" if root else "")

    def _place(self) -> list[str]:
        home = self._practice.home
        return [self._practice.name, *([str(home.root)] if home.root else [])]

    def _available_kind(self) -> Kind:
        if self._shell(["systemctl", "--user", "show-environment"], "").status == 0:
            return "systemd"
        if shutil.which("crontab"):
            return "cron"
        period = scheduled_run.period_minutes(self._every)
        how_often = "hour" if period == scheduled_run.HOUR else f"{period} minutes"
        if self._every != self._practice.settings.text("schedule.every"):
            before = f"Choose how often: xpm-tui settings set schedule.every {self._every}\n"
        else:
            before = ""
        raise AppError(
            "This machine has neither a systemd user session nor crontab.",
            hint=f"{before}Have your own scheduler start this every {how_often}: "
            f"{shlex.join(self._command())}",
        )

    def _command(self) -> list[str]:
        return command_line(self._practice, extra=["--if-due"])

    def _installed(self) -> bool:
        if self._kind == "systemd":
            return (self._units / f"{self._name}.timer").exists()
        return any(line.endswith(self._cron_marker) for line in self._lines())

    def _description(self) -> tuple[str, ...]:
        settings = self._practice.settings
        at = settings.text("schedule.at")
        needs_sign_in = settings.yes("schedule.require_sign_in")
        when = scheduled_run.schedule_sentence(
            self._every, at, self._minute, exact=self._kind == "systemd" and not self._minute
        )
        return (
            f"{when}: {shlex.join(self._command())}",
            ("It syncs once a day" if self._every == "daily" else "It syncs what has changed")
            + (", but only if someone has used xpm-tui in the past 24 hours." if needs_sign_in else "."),
            *(
                (f"Each time, it first imports the files in the inbox {settings.text('inbox.folder')}.",)
                if settings.text("inbox.folder")
                else ()
            ),
            "The first sync waits for your approval, and so does every sync that the guard stops.",
            *(
                ("To XPM: it makes a plan and waits for you, because sync.daily_push is off.",)
                if settings.text("sync.direction") == "to_xpm" and not settings.yes("sync.daily_push")
                else ()
            ),
        )

    def _notes(self) -> tuple[str, ...]:
        if self._kind == "cron":
            return (*self._outdated(), "It also runs while you are logged out: cron needs no session.")
        outdated = self._outdated()
        lingering = self._shell(["loginctl", "show-user", account_name(), "-p", "Linger", "--value"], "")
        if lingering.text == "yes":
            return (*outdated, "Lingering is on: the timer also runs while you are logged out.")
        return (
            *outdated,
            "Lingering is off: the timer stops when you log out, until you log in again. To keep "
            "it running: loginctl enable-linger",
        )

    def _outdated(self) -> tuple[str, ...]:
        """Return a note if the installed timer does not fit the settings."""
        if self._kind == "cron":
            there = [line.split(" * * * * ")[0] for line in self._lines() if line.endswith(self._cron_marker)]
            wrong = bool(there) and there != [self._cron_line().split(" * * * * ")[0]]
        else:
            path = self._units / f"{self._name}.timer"
            wrong = path.exists() and path.read_bytes() != self._unit_texts()["timer"].encode()
        return ("The installed timer does not fit these settings. Install it again.",) if wrong else ()

    def _text(self) -> str:
        if self._kind == "cron":
            return self._cron_line()
        return "\n".join(
            f"# {self._units / self._name}.{suffix}\n{text}" for suffix, text in self._unit_texts().items()
        )

    def _unit_files(self) -> dict[Path, str]:
        return {self._units / f"{self._name}.{suffix}": text for suffix, text in self._unit_texts().items()}

    def _unit_texts(self) -> dict[str, str]:
        zone = self._practice.settings.text("practice.timezone")
        at = f"*-*-* {self._practice.settings.text('schedule.at')}:00{f' {zone}' if zone else ''}"
        title = f"Scheduled sync of {self._practice.name} (xpm-tui)"
        starts = ",".join(f"{each:02}" for each in scheduled_run.start_minutes(self._every, self._minute))
        hourly = "hourly" if starts == "00" else f"*-*-* *:{starts}:00"
        # If several practices share a machine, each starts at its own minute of the hour.
        exact = f"OnCalendar={at}\n" if self._every == "daily" and not self._minute else ""
        service = (
            f"[Unit]\nDescription={title}\n\n[Service]\nType=oneshot\n"
            f"ExecStart={' '.join(map(_unit_word, self._command()))}\nStandardOutput=null\nUMask=0077\n"
        )
        timer = (
            # Every hour, too: the time may be changed later, be skipped by summer time, or find a run in
            # progress.
            f"[Unit]\nDescription={title}\n\n[Timer]\n{exact}OnCalendar={hourly}\nPersistent=true\n"
            "RandomizedDelaySec=60\n\n[Install]\nWantedBy=timers.target\n"
        )
        return {"service": service, "timer": timer}

    def _cron_line(self) -> str:
        # At least every hour: crontab has no time zone, and does not make up for hours of sleep.
        minute = ",".join(map(str, scheduled_run.start_minutes(self._every, self._minute)))
        words = shlex.join(self._command()).replace("%", r"\%")
        return f"{minute} * * * * {words} >/dev/null {self._cron_marker}"

    def _lines(self) -> list[str]:
        """Return the lines of the crontab. Raises ``AppError`` if it cannot be read, so that none is lost."""
        ran = self._shell(["crontab", "-l"], "")
        if ran.status == 0:
            return ran.text.splitlines()
        if any(words in ran.text.casefold() for words in _NO_CRONTAB):
            return []
        raise AppError(f"The crontab could not be read: {_last_line(ran.text)}", hint="Nothing was changed.")

    def _other_lines(self) -> list[str]:
        return [line for line in self._lines() if not line.endswith(self._cron_marker)]

    def _crontab(self, lines: Sequence[str]) -> None:
        ran = self._shell(["crontab", "-"], "".join(f"{line}\n" for line in lines))
        if ran.status != 0:
            raise AppError(f"The crontab could not be changed: {_last_line(ran.text)}")

    def _run_or_raise(self, *words: str) -> None:
        ran = self._shell(words, "")
        if ran.status != 0:
            raise AppError(f"{' '.join(words[:3])} failed: {_last_line(ran.text)}")


def _unit_folder() -> Path:
    config, home = os.environ.get("XDG_CONFIG_HOME", ""), own_folder()
    if config:
        return Path(config) / "systemd" / "user"
    if home is None:
        raise BadInput("HOME is not set, so there is no place for a systemd user timer.", hint="Set HOME.")
    return home / ".config" / "systemd" / "user"


def _unit_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


async def check_login(practice: OpenPractice) -> str:
    """Read the login. Raises ``LoginNeeded`` if there is none or Xero refused it."""
    practice.connected()
    async with practice.wire() as wire:
        if wire.tokens.state() != "good":
            raise LoginNeeded("The login is missing, or Xero refused it.", hint="Run: xpm-tui connect")
    return f"The login of {practice.name} works."


def main(arguments: list[str]) -> int:
    """Check the login of the practice that the arguments name, and return the exit code."""
    if not arguments:
        print("Name a practice.", file=sys.stderr)
        return 2
    home = find_home(arguments[1] if len(arguments) > 1 else None, os.environ)
    try:
        with open_practice(home, arguments[0], read_only=True) as practice:
            print(asyncio.run(check_login(practice)))
    except AppError as error:
        print(present(error).short(), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
