"""The verbs that are no commands of the registry: demo, open, sandbox, completion and schema."""

from __future__ import annotations

import json
import os
import sys

import click
from click.shell_completion import get_completion_class

from xpm_tui.cli import answer_fields, completion
from xpm_tui.cli.console import ConsoleLauncher
from xpm_tui.cli.options import collected, global_options
from xpm_tui.cli.tree import Positional, Verb
from xpm_tui.domain.errors import BadInput
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    from xpm_tui.cli import bundle_console, demo
    from xpm_tui.files import private
    from xpm_tui.sandbox import server


def add_extra(root: click.Group, console: ConsoleLauncher) -> None:
    """Add them to ``root``."""
    root.add_command(_demo(console))
    root.add_command(_open(console))
    root.add_command(_sandbox())
    root.add_command(_completion(root))
    root.add_command(_schema())


def _demo(console: ConsoleLauncher) -> click.Command:
    @click.pass_context
    def run(ctx: click.Context, clients: int, seed: int) -> None:
        ctx.exit(demo.demo(console, collected(ctx), clients=clients, seed=seed))

    return Verb(
        name="demo",
        help="Try it without a Xero login: with a local sandbox, a sample file of Ignition's clients, "
            "and the console. It uses a temporary folder, unless --home names one, and leaves nothing "
            "behind.",
        short_help="Try it with a sandbox and sample clients",
        epilog="xpm-tui demo",
        parameters=lambda: [
            click.Option(["--clients"], type=click.IntRange(12, 50_000), default=250, metavar="N",
                         help="How many clients the sample practice has; 250 by default."),
            click.Option(["--seed"], type=int, default=1, metavar="N", help="Seed of the sample data."),
            *global_options(),
        ],
        callback=run,
    )  # fmt: skip


def _open(console: ConsoleLauncher) -> click.Command:
    @click.pass_context
    def run(ctx: click.Context, file: str) -> None:
        ctx.exit(bundle_console.open_bundle(console, collected(ctx), file))

    return Verb(
        name="open",
        help=(
            "Open a support bundle as a console that can only be read, in the state in which it was "
            "written: its records, events, runs, settings, and what the doctor found. Each screen names "
            "the command that prints the same. Without a terminal, or with --json, a summary is printed. "
            "With --home, the bundle is unpacked into a new folder, which is kept."
        ),
        short_help="Open a support bundle as a read-only console",
        epilog="xpm-tui open support.zip",
        answers="open",
        parameters=lambda: [
            Positional(["file"], text="The bundle.", type=click.Path(), metavar="FILE"),
            *global_options(),
        ],
        callback=run,
    )


def _sandbox() -> click.Command:
    @click.pass_context
    def run(
        ctx: click.Context,
        port: int,
        clients: int,
        seed: int,
        fault: tuple[str, ...],
        switch: tuple[str, ...],
        separate_hosts: bool,
        die_with_parent: bool,
        tenants: int,
        sample_files: str,
    ) -> None:
        if sample_files:
            folder = private.expand_path(sample_files)
            for path in demo.write_sample_files(folder, clients=clients, seed=seed):
                click.echo(f"Sample Ignition file: {path}", err=True)
        code = server.serve(
            port=port,
            clients=clients,
            seed=seed,
            faults=fault,
            switches=switch,
            separate_hosts=separate_hosts,
            die_with_parent=die_with_parent,
            practices=tenants,
        )
        ctx.exit(code)

    return Verb(
        name="sandbox",
        help="Run a local Xero for trials. The first line on stdout is one JSON object with its "
        "addresses, client id and practices. Press ctrl+c to end it.",
        short_help="Run a local Xero for trials",
        epilog="xpm-tui sandbox --port 8800 --clients 250",
        parameters=lambda: [
            click.Option(["--port"], type=int, default=0, metavar="N", help="The port; 0 for any free one."),
            click.Option(
                ["--clients"],
                type=int,
                default=12,
                metavar="N",
                help="The number of clients in the practice.",
            ),
            click.Option(
                ["--tenants"],
                type=int,
                default=2,
                metavar="N",
                help="How many practices there are; all but the first have 12 clients. 2 by default.",
            ),
            click.Option(["--seed"], type=int, default=1, metavar="N", help="Seed of the sample data."),
            click.Option(
                ["--fault"], multiple=True, metavar="KIND[,NAME=VALUE...]", help="A fault to simulate."
            ),
            click.Option(["--switch"], multiple=True, metavar="NAME=VALUE", help="A switch of the sandbox."),
            click.Option(
                ["--separate-hosts"], is_flag=True, help="Serve login, identity and API on three ports."
            ),
            click.Option(
                ["--die-with-parent"], is_flag=True, help="End when the process that started it ends."
            ),
            click.Option(
                ["--sample-files"],
                metavar="DIR",
                default="",
                help=(
                    "First write four sample Ignition files that match this practice into DIR: "
                    "clients.csv, team.csv, services.csv and proposals.csv. No other file is replaced."
                ),
            ),
            *global_options(),
        ],
        callback=run,
    )


def _completion(root: click.Group) -> click.Command:
    @click.pass_context
    def run(ctx: click.Context, shell: str) -> None:
        completion.register()
        shell = shell or os.path.basename(os.environ.get("SHELL", ""))
        kind = get_completion_class(shell)
        if kind is None or shell not in completion.USE:
            raise BadInput(f"'{shell}' is not supported.", hint="Choose bash, zsh or fish.")
        click.echo(kind(root, {}, "xpm-tui", "_XPM_TUI_COMPLETE").source())
        if sys.stdout.isatty():
            click.echo(f"To activate it now: {completion.USE[shell]}", err=True)

    return Verb(
        name="completion",
        help="Print the completion script for a shell. The example's line goes into its start-up file; in "
        "fish it is: xpm-tui completion fish | source",
        short_help="Print completion for bash, zsh or fish",
        epilog='eval "$(xpm-tui completion bash)"',
        parameters=lambda: [
            Positional(
                ["shell"],
                text="bash, zsh or fish; by default the shell in $SHELL.",
                type=click.Choice(["bash", "zsh", "fish"]),
                required=False,
                default="",
                metavar="[SHELL]",
            ),
            *global_options(),
        ],
        callback=run,
    )


def _schema() -> click.Command:
    @click.pass_context
    def run(ctx: click.Context, verb: tuple[str, ...]) -> None:
        found = answer_fields.answer_schema(" ".join(verb)) if verb else answer_fields.answer_schemas()
        click.echo(json.dumps(found, indent=2))

    return Verb(
        name="schema",
        help="Print the JSON schema of a verb's answer with --json, or of all verbs. x-events describes the "
        "lines that come before the last one, where there are any.",
        short_help="Print the JSON schema of an answer",
        epilog="xpm-tui schema clients list",
        parameters=lambda: [
            Positional(
                ["verb"],
                text="The words of the verb; without them, all verbs.",
                nargs=-1,
                required=False,
                metavar="[VERB]...",
            ),
            *global_options(),
        ],
        callback=run,
    )
