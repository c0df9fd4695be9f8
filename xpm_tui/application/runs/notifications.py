"""Notifications of the user: the command of ``notify.command``.

It is run without a shell, with the sentence on standard input and in the environment, without names of
clients. Its failure never fails the work.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain.events import Event
from xpm_tui.domain.runs import Run

Reason = Literal["held", "failed", "inbox", "login-needed", "stale", "test"]
REPEAT_AFTER = timedelta(hours=20)
"""How long a scheduled run that ends in the same way is not reported again."""

LONGEST = 30.0
"""Seconds that the command may take."""


def notify(practice: OpenPractice, reason: Reason, sentence: str, *, run: str = "") -> bool:
    """Run the command, if there is one; return whether it succeeded.

    Its environment has ``XPM_TUI_NOTIFY_REASON``, ``_SENTENCE``, ``_PRACTICE`` and ``_RUN``, and of this
    process only what contains no secret.
    """
    command = practice.settings.text("notify.command")
    if not command:
        return False
    data = {"reason": reason, "sentence": sentence, "practice": practice.title, "run": run}
    environ = {f"XPM_TUI_NOTIFY_{name.upper()}": text.replace("\0", "") for name, text in data.items()}
    status, error = _run(command, sentence, environ)
    if status == 0:
        practice.events.emit(Event(key="notify.sent", run=run, rule=reason))
        return True
    practice.events.emit(
        Event(key="notify.failed", level="warning", run=run, status=status, numbers={"reason": error})
    )
    return False


def is_repeated(runs: Iterable[Run], run: Run) -> bool:
    """Return whether a scheduled run ended as the one before it did: a schedule may start every 15 minutes.

    Args:
        runs: All runs, the newest first.
        run: The run that has ended.
    """
    if run.trigger != "daily":
        return False
    scheduled = (r for r in runs if r.trigger == "daily" and r.kind == run.kind and r.outcome != "skipped")
    before = next((each for each in scheduled if each.id != run.id), None)
    if before is None or run.started - before.started >= REPEAT_AFTER:
        return False
    return _ending(before) == _ending(run)


def _ending(run: Run) -> tuple[object, ...]:
    return run.outcome, run.case, run.exit_code, frozenset(stop.rule for stop in run.stops)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a command needs, without any that may hold a secret."""
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED or name.startswith("LC_") or (name.lower() in _PROXIES and "@" not in value)
    }


_PASSED = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM TMPDIR MAILTO EMAIL DISPLAY WAYLAND_DISPLAY"
    " XAUTHORITY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME"
    " XDG_CACHE_HOME SSL_CERT_FILE SSL_CERT_DIR".split()
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def _run(command: str, sentence: str, environ: dict[str, str]) -> tuple[int, str]:
    try:
        ended = subprocess.run(
            shlex.split(command),
            input=sentence.encode() + b"\n",
            env={**without_secrets(os.environ), **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "it took too long"
    except (OSError, ValueError) as error:
        return -1, str(error.__class__.__name__)
    return ended.returncode, ""
