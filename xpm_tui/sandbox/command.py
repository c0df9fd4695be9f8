"""What `xpm-tui sandbox` and `python -m xpm_tui.sandbox` both run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from xpm_tui.sandbox.core.faults import Fault
from xpm_tui.sandbox.core.sandbox import Sandbox
from xpm_tui.sandbox.core.switches import Switches
from xpm_tui.sandbox.server import run

DONE, USAGE, TAKEN = 0, 2, 5


def serve(
    *,
    port: int = 0,
    clients: int = 12,
    seed: int = 1,
    faults: Sequence[str] = (),
    switches: Sequence[str] = (),
    separate_hosts: bool = False,
    die_with_parent: bool = False,
) -> int:
    """Serve until a signal ends it, and give the exit code: 0 after SIGTERM or SIGINT, 2 for a fault, switch
    or number that cannot be (a sentence goes to stderr), 5 when the port is taken.

    `faults` are `KIND[,name=value…]`, `switches` are `name=value`; docs/sandbox.md lists both. With
    `die_with_parent` it also ends when the process that started it does.
    """
    try:
        if clients < 0 or not 0 <= port <= 65535:
            raise ValueError("--clients takes a number from 0 upwards, --port one from 0 to 65535.")
        wanted = [Fault.parse(text) for text in faults]
        chosen = Switches().changed(dict(_pair(text) for text in switches))
    except ValueError as error:
        print(error, file=sys.stderr)
        return USAGE
    sandbox = Sandbox(seed, clients, switches=chosen)
    for fault in wanted:
        sandbox.faults.add(fault)
    try:
        run(sandbox, port, separate_hosts=separate_hosts, die_with_parent=die_with_parent)
    except OSError as error:
        print(f"Port {port} cannot be used: {error.strerror}. Choose another, or 0 for any.", file=sys.stderr)
        return TAKEN
    return DONE


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"A switch is name=value: {text!r} is not.")
    return name.strip(), value.strip()
