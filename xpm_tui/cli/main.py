"""The entry point of the command line: arguments in, exit code out, never a traceback.

Exit codes: 0 done, 1 done in part, 2 usage, 3 not connected, 4 held for the user, 5 busy, 6 allowance used
up, 7 Xero out of reach, 8 the store cannot be read; 128 and the signal's number when a signal ended it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import click

from xpm_tui.cli.console import ConsoleLauncher, NoConsole, open_console
from xpm_tui.cli.options import collected, global_options
from xpm_tui.cli.tree import RootGroup
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.cli import builder, completion, extra_verbs, output
    from xpm_tui.cli import runner as error_exit
    from xpm_tui.commands import registry

_HELP = """Join Ignition and Xero Practice Manager.

Without a command, the console opens. Every command takes --json. Data goes to
stdout, messages to stderr."""

NOT_HERE = "xpm-tui runs on Linux and macOS. On Windows start it in WSL (Windows Subsystem for Linux)."

COMPLETE = "_XPM_TUI_COMPLETE"
"""Set by a shell that requests completions."""


def root(console: ConsoleLauncher) -> RootGroup:
    """Return the whole tree of verbs; ``console`` is opened if there is no verb."""

    @click.pass_context
    def alone(ctx: click.Context) -> None:
        if ctx.invoked_subcommand is None:
            ctx.exit(open_console(console, collected(ctx)))

    def grow(tree: RootGroup) -> None:

        builder.add_commands(tree, registry.COMMANDS, registry.GROUPS, registry.RENAMED, error_exit.perform)
        extra_verbs.add_extra(tree, console)
        if not gc.isenabled():  # since the program began; the console, which grows no verbs, waits longer
            gc.freeze()  # what is loaded stays, and need not be looked at ever again
            gc.enable()

    return RootGroup(
        name="xpm-tui",
        help=_HELP,
        epilog="xpm-tui demo\nxpm-tui plan --json",
        parameters=global_options,
        callback=alone,
        grow=grow,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def main(argv: Sequence[str] | None = None, console: ConsoleLauncher | None = None) -> int:
    """Run one command and return the exit code."""
    if sys.platform == "win32":
        print(NOT_HERE, file=sys.stderr)
        return 2
    os.umask(0o077)  # Nothing that this process creates is readable for other accounts.
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if COMPLETE in os.environ:
        completion.register()
    try:
        code = root(console or NoConsole()).main(
            words, prog_name="xpm-tui", complete_var=COMPLETE, standalone_mode=False
        )
        _flush()
    except (KeyboardInterrupt, click.Abort):
        # Without another module: the signal may have come while they were being loaded.
        click.echo("Stopped.", err=True)
        return 128 + 2
    except BaseException as error:
        return error_exit.exit_code(error, json="--json" in words)
    return code if isinstance(code, int) else 0


def _flush() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as broken:
        raise output.OutputClosed from broken
