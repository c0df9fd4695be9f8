"""The command line as users have it: a process in a home of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xpm_tui.cli.main import main


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line of stdout as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> dict[str, Any]:
        """The last line of stdout as JSON: the outcome."""
        return self.lines[-1]

    @property
    def error(self) -> dict[str, Any]:
        """What went wrong, by ``--json``."""
        assert self.json["ok"] is False
        reported: dict[str, Any] = self.json["error"]
        return reported


LISTENERS: list[Callable[[Sequence[str], Done], None]] = []
"""Called with the words and the result of each command that :class:`Inline` runs."""


class CommandLine:
    """Runs verbs; ``environ`` is added to the tests' own environment."""

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.environ = {**os.environ, "XPM_TUI_HOME": str(home), **(environ or {})}

    def __call__(
        self, *words: str, stdin: str = "", code: int | None = 0, seconds: float = 120, **environ: str
    ) -> Done:
        """Run ``xpm-tui WORDS`` to its end; ``code`` is the exit code it has to have (None: any)."""
        ended = subprocess.run(
            [sys.executable, "-m", "xpm_tui", *words],
            input=stdin,
            capture_output=True,
            text=True,
            env={**self.environ, **environ},
            timeout=seconds,
            check=False,
        )
        done = Done(ended.returncode, ended.stdout, ended.stderr)
        assert "Traceback" not in done.out + done.err, done
        assert code is None or done.code == code, done
        return done

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start it and go on, with pipes on all three streams."""
        return subprocess.Popen(
            [sys.executable, "-m", "xpm_tui", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environ,
            **more,
        )


class Inline(CommandLine):
    """The same verbs in this process: no start-up to pay, everything else as it is."""

    def __call__(
        self, *words: str, stdin: str = "", code: int | None = 0, seconds: float = 0, **environ: str
    ) -> Done:
        """Run ``xpm-tui WORDS`` in this process; nothing can be typed into it."""
        assert not stdin
        return self.run_with(io.StringIO(), words, code, environ)

    def run_with(
        self, out: io.StringIO, words: Sequence[str], code: int | None, environ: Mapping[str, str]
    ) -> Done:
        """Run the command with ``out`` as standard output."""
        err = io.StringIO()
        mask, before = os.umask(0o077), dict(os.environ)
        os.environ.clear()
        os.environ.update({**self.environ, **environ})
        try:
            with redirect_stdout(out), redirect_stderr(err):
                ended = main(list(words))
        finally:
            os.environ.clear()
            os.environ.update(before)
            os.umask(mask)
        done = Done(ended, out.getvalue(), err.getvalue())
        assert "Traceback" not in done.out + done.err, done
        assert code is None or done.code == code, done
        for listener in LISTENERS:
            listener(words, done)
        return done
