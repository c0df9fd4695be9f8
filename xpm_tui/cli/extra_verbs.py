"""The verbs that are not in the registry of commands: demo, open, sandbox, completion and schema.

``open`` shows a support bundle in a read-only console, or prints a summary if there is no terminal.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import get_completion_class

from xpm_tui.cli import completion, json_answers
from xpm_tui.cli.console import ConsoleLauncher, Globals
from xpm_tui.cli.options import collected, global_options
from xpm_tui.cli.tree import Positional, Verb
from xpm_tui.domain.errors import BadInput
from xpm_tui.lazy import lazy_imports

with lazy_imports():
    import msgspec

    from xpm_tui.application import condition
    from xpm_tui.application.health import opened_bundle
    from xpm_tui.application.runs import history
    from xpm_tui.application.status import summary
    from xpm_tui.cli import demo, output
    from xpm_tui.commands import command
    from xpm_tui.domain import formatting, labels
    from xpm_tui.files import private
    from xpm_tui.sandbox import server

if TYPE_CHECKING:
    from xpm_tui.application.health.opened_bundle import OpenedBundle
    from xpm_tui.application.practice import OpenPractice
    from xpm_tui.commands.command import Result


def add_extra(root: click.Group, console: ConsoleLauncher) -> None:
    """Add these verbs to ``root``."""
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
        ctx.exit(open_bundle(console, collected(ctx), file))

    return Verb(
        name="open",
        help=(
            "Open a support bundle as a read-only console that shows the practice as it was when the "
            "bundle was written: records, events, runs, settings, and what the doctor found. Each screen "
            "names the command that prints the same. Without a terminal, or with --json, a summary is "
            "printed. With --home, the bundle is unpacked into a new folder, which is kept."
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
        help="Print the completion script for a shell. Add the example's line to its start-up file; in "
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
        found = json_answers.answer_schema(" ".join(verb)) if verb else json_answers.answer_schemas()
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


RUNS = 20
"""The number of runs in the summary of a bundle, newest first."""


def open_bundle(console: ConsoleLauncher, given: Globals, file: str) -> int:
    """Show a bundle in the console, or print its summary; return the exit code.

    Raises:
        BadInput: The file is not a bundle that can be opened, or ``--home`` names a folder that is not empty.
    """
    json_answers.check_fields("open", given.fields)
    with _folder(given.home) as folder:
        opened = opened_bundle.unpack(private.expand_path(file), folder)
        if not given.json and _shows_console(console):
            return console.open(opened.home, person="support", read_only=True, opener=opened.practice)
        with opened.practice() as practice:
            result = _summary(opened, practice)
    if given.json:
        click.echo("".join(output.outcome_pieces(result, given.fields)))
    else:
        for line in output.lines(result):
            click.echo(line)
    return result.exit_code


def _shows_console(console: ConsoleLauncher) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    console.require_terminal()
    return True


def _folder(chosen: str) -> AbstractContextManager[Path]:
    """Return an empty folder: the given one, or a temporary one."""
    if chosen:
        folder = private.expand_path(chosen)
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(
                f"The folder {folder} is not empty.", hint="Name a new folder, or leave --home out."
            )
    return demo.home_folder(chosen, "xpm-tui-bundle-")


def _summary(opened: OpenedBundle, practice: OpenPractice) -> Result:
    """Return what support looks at first: conditions, findings, runs and changed settings."""
    recording = opened.recording
    facts = summary.summarize(practice)
    runs = history.list_runs(practice, RUNS)
    changed = [item for item in practice.settings.items() if item.origin != "default"]
    found = condition.conditions(practice)
    data: dict[str, Any] = {
        "file": recording.file,
        "made": recording.made,
        "version": recording.version,
        "masked": recording.masked,
        "status": msgspec.to_builtins(facts, str_keys=True),
        "probes": [msgspec.to_builtins(each) for each in recording.results],
        "runs": [msgspec.to_builtins(run, str_keys=True) for run in runs],
        "settings": [{"key": item.key, "value": item.shown, "origin": item.origin} for item in changed],
    }
    lines = [
        f"Support bundle of xpm-tui {recording.version}, written {formatting.when_utc(recording.made)}"
        f" ({'names masked' if recording.masked else 'with names'}).",
        *(f"Condition: {each.message or 'sound'}" for each in found),
        f"{formatting.count(facts.clients, 'client')} in Ignition, {facts.xpm_clients:,} in XPM, "
        f"{facts.linked:,} linked.",
        *(problem.sentence for problem in facts.problems),
    ]
    for each in recording.results:
        if each.verdict in ("note", "trouble"):
            lines.append(f"{labels.VERDICTS[each.verdict].text}: {each.title}: {each.sentence}")
    lines += [f"Run {run.id}: {labels.RUN_OUTCOMES[run.outcome].inline}. {run.error}".strip() for run in runs]
    lines.append("On a terminal, the same command opens it as a read-only console.")
    return command.Result(data=data, lines=lines, conditions=found)
