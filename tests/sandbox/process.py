"""The sandbox as a real process, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def sandbox_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running sandbox and its greeting."""
    command = [sys.executable, "-m", "xpm_tui.sandbox", "--die-with-parent", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(10)


def control(origin: str, name: str, values: Mapping[str, object] | None = None) -> Any:
    """A POST to /_sandbox with values, a GET without."""
    body = None if values is None else json.dumps(values).encode()
    with urllib.request.urlopen(f"{origin}/_sandbox/{name}", body, timeout=10) as response:
        return json.loads(response.read())
