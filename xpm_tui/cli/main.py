"""The command line: takes arguments and returns an exit code, never a traceback.

Exit codes: 0 done, 1 partly done, 2 usage, 3 not connected, 4 held for the user, 5 busy, 6 call allowance
used up, 7 Xero cannot be reached, 8 the store cannot be read; 128 plus the number of a signal that ended it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xpm_tui.cli.console import ConsoleLauncher, Globals, NoConsole, open_console
from xpm_tui.lazy import lazy_imports, load

with lazy_imports():
    import click

    from xpm_tui.cli import completion, extra_verbs, options, output, runner, tree
    from xpm_tui.commands import registry, verb_index

if TYPE_CHECKING:
    from xpm_tui.cli.tree import RootGroup

_HELP = """Join Ignition and Xero Practice Manager.

Without a command, the console opens. Every command takes --json. Data goes to
stdout, messages to stderr."""

NOT_HERE = "xpm-tui runs on Linux and macOS. On Windows, start it in WSL (Windows Subsystem for Linux)."

_GC_THRESHOLD = 50_000
"""Objects created between two garbage collections. A verb creates many, without cycles, and ends soon."""

COMPLETE = "_XPM_TUI_COMPLETE"
"""The variable that a shell sets to ask for completions."""


def build_root(console: ConsoleLauncher) -> RootGroup:
    """Return the tree of all verbs; ``console`` opens if no verb is given."""

    @click.pass_context
    def alone(ctx: click.Context) -> None:
        if ctx.invoked_subcommand is None:
            ctx.exit(open_console(console, options.collected(ctx)))

    def build(word: str) -> Mapping[str, click.Command]:
        verbs = tree.VerbGroup(name="xpm-tui", parameters=list)
        modules = verb_index.VERBS[word][1] if word else ()
        if modules or not word:
            tree.add_commands(verbs, registry.commands_from(modules), registry.GROUPS, runner.perform)
        if not modules:
            extra_verbs.add_extra(verbs, console)
        tree.add_old_names(verbs, registry.RENAMED)
        # It has been off since the program started. The console, which needs no verbs, turns it on later.
        if not gc.isenabled():
            gc.freeze()  # loaded modules stay, so the collector need not check them
            gc.set_threshold(_GC_THRESHOLD, 20, 100)
            gc.enable()
        return verbs.commands

    return tree.RootGroup(
        name="xpm-tui",
        help=_HELP,
        epilog="xpm-tui demo\nxpm-tui plan --json",
        parameters=options.global_options,
        callback=alone,
        build=build,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def main(argv: Sequence[str] | None = None, console: ConsoleLauncher | None = None) -> int:
    """Run one command; return the exit code."""
    if sys.platform == "win32":
        print(NOT_HERE, file=sys.stderr)
        return 2
    os.umask(0o077)  # No file of this process may be accessible to other user accounts.
    words = list(sys.argv[1:] if argv is None else argv)
    match words:  # as with gh and rclone
        case ["help", *verb]:
            words = [*verb, "--help"]
        case ["version"]:
            words = ["--version"]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        if words or COMPLETE in os.environ:
            code = _run_verb(words, console or NoConsole())
        else:
            code = open_console(console or NoConsole(), Globals())  # no options: it starts without click
        _flush()
    except KeyboardInterrupt:
        # No import here: a signal may have come while modules were being loaded.
        print("Stopped.", file=sys.stderr)
        return 128 + 2
    except BaseException as error:
        return runner.exit_code(error, json=any(w.partition("=")[0] == "--json" for w in words))
    return code if isinstance(code, int) else 0


def _run_verb(words: list[str], console: ConsoleLauncher) -> object:
    """Run the verb that the words name; return its exit code."""
    load(click)  # before any module of its package
    if COMPLETE in os.environ:
        completion.register()
    try:
        return build_root(console).main(
            words, prog_name="xpm-tui", complete_var=COMPLETE, standalone_mode=False
        )
    except KeyboardInterrupt:
        raise  # click may be half loaded, so its exception is not looked up
    except click.Abort:
        raise KeyboardInterrupt from None


def _flush() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as broken:
        raise output.OutputClosed from broken
